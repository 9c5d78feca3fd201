//! Scores in a listpack: in whichever form is smallest.
//!
//! ```text
//!  7                   integer    2 bytes in all          0.5       text      5
//!  1700000000000       integer   10, or text "1.7e12"  8  0.1234567 double   10
//! ```
//!
//! Integers and texts are what Redis writes and reads; the double is an extension of the format, and what other scores than the
//! shortest are kept in: a text of seventeen digits would take twice as much, and has to be parsed by every comparison.

use core::fmt::Write;
use listpack::{Value, encoded_len};

/// Longer texts take no less than a double.
const TEXT_LEN_MAX: usize = 7;

/// A score, ready to be stored.
pub(super) enum Stored {
    Value(Value<'static>),
    Text([u8; TEXT_LEN_MAX], usize),
}

impl Stored {
    /// The smallest form of a score; of equal ones the one that is read the fastest.
    pub(super) fn new(score: f64) -> Self {
        let integer = score as i64;
        // -0.0 is no integer: it would come back as 0.
        let is_integer =
            integer as f64 == score && integer != i64::MAX && (integer != 0 || score.is_sign_positive());
        let value = if is_integer { Value::Int(integer) } else { Value::Double(score) };
        let text_len = encoded_len(value) - 2; // a short text has one byte of length and one of backlen
        // Integers of up to 24 bits: the shortest texts of those beyond 13 are `1e4` and `1e5`, which save nothing.
        if text_len <= 3 || has_long_text(score) {
            return Self::Value(value);
        }
        let shortest = [text(format_args!("{score}")), text(format_args!("{score:e}"))];
        match shortest.into_iter().flatten().min_by_key(|text| text.len) {
            Some(text) if text.len < text_len => Self::Text(text.bytes, text.len),
            _ => Self::Value(value),
        }
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Value(value) => *value,
            Self::Text(bytes, len) => Value::raw(&bytes[..*len]),
        }
    }
}

/// Whether it is certain, without writing it, that the text of a score has more than [`TEXT_LEN_MAX`] bytes: that of most scores that
/// are not whole, and to find the digits of those takes long.
fn has_long_text(score: f64) -> bool {
    let magnitude = score.abs();
    if (1e-4..1e7).contains(&magnitude) {
        // So many bytes are at most six decimals here, be they written with an exponent or without. Below 10^13, two
        // numbers that are next to each other are 0.002 apart.
        let scaled = magnitude * 1e6;
        return (scaled - scaled.round()).abs() > 0.01;
    }
    // Here they are at most four digits and an exponent of at least 7: `1.234e7`.
    (1e7..1e18).contains(&magnitude) && magnitude as i64 % 1_000 != 0
}

/// A text of a few bytes.
struct Short {
    bytes: [u8; TEXT_LEN_MAX],
    len: usize,
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(core::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// The text, if it is short.
fn text(arguments: core::fmt::Arguments<'_>) -> Option<Short> {
    let mut text = Short { bytes: [0; TEXT_LEN_MAX], len: 0 };
    text.write_fmt(arguments).is_ok().then_some(text)
}

/// The score that a value stands for. What is no number, in a list of foreign bytes, counts as 0.
#[inline]
pub(super) fn score_of(value: Value<'_>) -> f64 {
    match value {
        Value::Double(score) if !score.is_nan() => score,
        Value::Int(score) => score as f64,
        Value::Double(_) => 0.0,
        Value::Str(text) => parse(text).unwrap_or(0.0),
    }
}

/// The score that is stored as `value`; `None` if that is not a number.
pub(super) fn try_score_of(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Double(score) => Some(score).filter(|score| !score.is_nan()),
        Value::Int(score) => Some(score as f64),
        Value::Str(text) => parse(text),
    }
}

#[inline(never)]
fn parse(text: &[u8]) -> Option<f64> {
    let score: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    Some(score).filter(|score| !score.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stored_len(score: f64) -> usize {
        let stored = Stored::new(score);
        assert_eq!(score_of(stored.value()).to_bits(), score.to_bits(), "{score}");
        encoded_len(stored.value())
    }

    #[test]
    fn each_score_takes_the_smallest_form() {
        for (score, len) in [
            (0.0, 2),
            (-0.0, 4),
            (7.0, 2),
            (-7.0, 3),
            (0.5, 5),
            (2.75, 6),
            (f64::INFINITY, 5),
            (f64::NEG_INFINITY, 6),
            (1e15, 6),
            (1e300, 7),
            (1.7e12, 8),
            (1.7e12 + 1.0, 10),
            (0.1 + 0.2, 10),
            (9_007_199_254_740_993.0, 10),
            (f64::MAX, 10),
            (5e-324, 8),
            (i64::MAX as f64, 10),
            (i64::MIN as f64, 10),
        ] {
            assert_eq!(stored_len(score), len, "{score}");
        }
    }

    #[test]
    fn what_is_no_number_is_0() {
        for text in ["", "x", "nan", "1.5x"] {
            assert_eq!(score_of(Value::raw(text.as_bytes())), 0.0);
        }
        assert_eq!(score_of(Value::Double(f64::NAN)), 0.0);
        assert_eq!(score_of(Value::raw(b"-1.25")), -1.25);
    }

    proptest! {
        #![proptest_config(testing::config(1024, 8))]

        /// The shape of a score's text: some digits, a point, an exponent.
        #[test]
        fn no_short_text_is_overlooked(digits in 0..10_000_000_i64, exponent in -12..20_i32) {
            let score: f64 = format!("{digits}e{exponent}").parse().unwrap();
            let shortest = format!("{score}").len().min(format!("{score:e}").len());
            prop_assert!(shortest > TEXT_LEN_MAX || !has_long_text(score), "{}", score);
            let integer = if score == score as i64 as f64 { encoded_len(score as i64) } else { 10 };
            prop_assert_eq!(stored_len(score), (shortest + 2).min(integer).min(10), "{}", score);
        }

        #[test]
        fn every_score_comes_back(score in any::<f64>(), small in -1000..1000_i32, places in 0..4) {
            prop_assert!(score.is_nan() || stored_len(score) <= 10);
            prop_assert!(stored_len(f64::from(small) / 10_f64.powi(places)) <= 10);
        }
    }
}
