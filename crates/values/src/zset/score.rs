//! Scores in a listpack, each in its smallest form.
//!
//! ```text
//!  7                   integer    2 bytes in all          0.5       text      5
//!  1700000000000       integer   10, or text "1.7e12"  8  0.1234567 double   10
//! ```
//!
//! Redis reads and writes integers and texts. The double is an extension of the format, for scores whose
//! text is not short. A text of seventeen digits would take twice as many bytes, and each comparison would
//! have to parse it.

use core::fmt::Write;
use listpack::{Value, encoded_len};

/// The length of the longest text that is smaller than a double.
const TEXT_LEN_MAX: usize = 7;

/// A score in the form in which it is stored.
pub(super) enum StoredScore {
    Value(Value<'static>),
    Text([u8; TEXT_LEN_MAX], usize),
}

impl StoredScore {
    /// Returns the smallest form of a score. Of forms of the same size it takes the one that is read fastest.
    pub(super) fn new(score: f64) -> Self {
        let integer = score as i64;
        // -0.0 must not be stored as an integer, because it would read back as 0.
        let is_integer =
            integer as f64 == score && integer != i64::MAX && (integer != 0 || score.is_sign_positive());
        let value = if is_integer { Value::Int(integer) } else { Value::Double(score) };
        let text_len = encoded_len(value) - 2; // a short text takes two bytes more: length, backlen
        // This holds for integers of up to 24 bits. With more than 13 bits, their shortest texts are `1e4`
        // and `1e5`, which take as much.
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

/// Returns whether the text of a score certainly has more than [`TEXT_LEN_MAX`] bytes. The test does not
/// format the score. It is true for most scores that are not whole, whose digits take long to find.
fn has_long_text(score: f64) -> bool {
    let magnitude = score.abs();
    if (1e-4..1e7).contains(&magnitude) {
        // A text of at most this length has at most six decimals here, with an exponent or without. Below
        // 10^13 neighbouring numbers are at most 0.002 apart.
        let scaled = magnitude * 1e6;
        return (scaled - scaled.round()).abs() > 0.01;
    }
    // Here such a text has at most four digits and an exponent of at least 7: `1.234e7`.
    (1e7..1e18).contains(&magnitude) && magnitude as i64 % 1_000 != 0
}

/// A text of up to [`TEXT_LEN_MAX`] bytes.
struct ShortText {
    bytes: [u8; TEXT_LEN_MAX],
    len: usize,
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let target = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(core::fmt::Error)?;
        target.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// Formats a text. Returns `None` if it is too long.
fn text(arguments: core::fmt::Arguments<'_>) -> Option<ShortText> {
    let mut text = ShortText { bytes: [0; TEXT_LEN_MAX], len: 0 };
    text.write_fmt(arguments).is_ok().then_some(text)
}

/// Returns the score that a value stands for. A value of foreign bytes that is not a number counts as 0.
#[inline]
pub(super) fn score_of(value: Value<'_>) -> f64 {
    match value {
        Value::Double(score) if !score.is_nan() => score,
        Value::Int(score) => score as f64,
        Value::Double(_) => 0.0,
        Value::Str(text) => parse(text).unwrap_or(0.0),
    }
}

/// Returns the score that a value stands for, or `None` if it is not a number.
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
        let stored = StoredScore::new(score);
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

        /// Covers the shapes of a score's text: digits, a point, an exponent.
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
