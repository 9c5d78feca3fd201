//! Formats figures for readers.

use common::SignedThousands;

/// Formats a figure with at least three significant digits, and separates thousands: `0.0931`, `7.52`,
/// `18.4`, `120`, `8,248,576`. Returns `-` if the value is not finite.
pub fn figure(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    match value.abs() {
        0.0 => "0".into(),
        size if size < 100.0 => {
            let places = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
            format!("{value:.places$}")
        }
        _ => thousands(value.round() as i64),
    }
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeUnit {
    /// The name after the number.
    pub name: &'static str,
    ns: f64,
}

impl TimeUnit {
    /// Returns the unit that suits a time in nanoseconds.
    pub fn of(ns: f64) -> Self {
        let (name, unit_ns) = match ns {
            small if small < 1e4 => ("ns", 1.0),
            medium if medium < 1e6 => ("µs", 1e3),
            large if large < 1e9 => ("ms", 1e6),
            _ => ("s", 1e9),
        };
        Self { name, ns: unit_ns }
    }

    /// Returns a time in nanoseconds as a number of this unit, with three significant digits.
    pub fn number(self, ns: f64) -> String {
        let figure = figure(ns / self.ns);
        if figure.contains('.') { figure.trim_end_matches('0').trim_end_matches('.').into() } else { figure }
    }
}

/// Formats a time in nanoseconds in the unit that suits it: `9.2 ns`, `1,203 ns`, `26 µs`, `289 ms`.
pub fn duration(ns: f64) -> String {
    let unit = TimeUnit::of(ns);
    format!("{} {}", unit.number(ns), unit.name)
}

/// Formats an integer such as `1,234,567`.
pub fn thousands(value: i64) -> String {
    SignedThousands(value).to_string()
}

/// Returns `text`, cut to at most `width` characters. An ellipsis replaces the rest.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Formats a value for the ticks of an axis: `20`, `15k`, `3M`.
pub fn short(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.3}");
    format!("{}{suffix}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let cases = [
            (0.093_12, "0.0931"),
            (7.519, "7.52"),
            (18.44, "18.4"),
            (99.96, "100.0"),
            (120.4, "120"),
            (8_248_576.0, "8,248,576"),
            (-1234.0, "-1,234"),
            (0.0, "0"),
            (1.0, "1.00"),
            (f64::NAN, "-"),
            (0.000_000_123, "0.000000"),
        ];
        for (value, text) in cases {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(cut("µs an op", 8), "µs an op");
        assert_eq!(cut("µs an operation", 8), "µs an o…");
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        let cases =
            [(9.2, "9.2 ns"), (1203.0, "1,203 ns"), (26_049.0, "26 µs"), (1e6, "1 ms"), (289.4e6, "289 ms")];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn ticks_are_short() {
        for (value, text) in [(20.0, "20"), (15_000.0, "15k"), (2.5e6, "2.5M"), (0.25, "0.25"), (0.0, "0")] {
            assert_eq!(short(value), text);
        }
    }
}
