//! The decimal form of integers.
//!
//! A string may be stored as an integer only if the integer prints as exactly that string. Otherwise a client
//! would read other bytes than it wrote. So `"+1"`, `"01"`, `"-0"` and `" 1"` are stored as strings.

use core::ops::Deref;

/// The maximum number of digits of an `i64`.
const DIGITS_MAX: usize = 19;

/// The length of the longest decimal form of an `i64`: a sign and 19 digits.
const DECIMAL_LEN_MAX: usize = DIGITS_MAX + 1;

/// Returns the `i64` whose decimal form is `bytes`, if there is one. In C: `string2ll`.
#[inline]
pub fn parse(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        b"0" => return Some(0),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > DIGITS_MAX || !matches!(digits, [b'1'..=b'9', ..]) {
        return None;
    }
    let mut magnitude = 0u64; // does not overflow: 19 digits are less than 10^19, which is less than 2^64
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Returns how many bytes the decimal form of `value` has. In C: `sdigits10`.
#[inline]
pub fn decimal_len(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

/// The decimal form of an `i64`, stored inline.
#[derive(Clone)]
pub struct Decimal {
    text: [u8; DECIMAL_LEN_MAX],
    len: u8,
}

impl Decimal {
    /// Returns the decimal form of `value`. O(1). Does not allocate. In C: `ll2string`.
    #[inline]
    pub fn new(value: i64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let formatted = buffer.format(value).as_bytes();
        let mut text = [0; DECIMAL_LEN_MAX];
        text[..formatted.len()].copy_from_slice(formatted);
        Self { text, len: formatted.len() as u8 }
    }
}

impl Deref for Decimal {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_canonical_form_is_an_integer() {
        for value in [0, 1, -1, 9, 10, -10, 9999, 10_000, i64::MAX, i64::MIN, i64::MIN + 1] {
            assert_eq!(parse(value.to_string().as_bytes()), Some(value));
        }
        for text in [
            "",
            "-",
            "+",
            "-0",
            "+1",
            "01",
            "-01",
            "00",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x1",
            "--1",
            "-+1",
            "1-",
            "1\0",
            "9223372036854775808",   // MAX + 1
            "-9223372036854775809",  // MIN - 1
            "99999999999999999999",  // 20 digits
            "100000000000000000000", // 21 digits
            "١",                     // a digit that is not ASCII
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse(b"1\xFF"), None);
    }

    proptest! {
        #![proptest_config(testing::config(1_024, 8))]

        #[test]
        fn a_number_survives_its_own_text(value: i64) {
            let (decimal, text) = (Decimal::new(value), value.to_string());
            prop_assert_eq!(&*decimal, text.as_bytes());
            prop_assert_eq!(decimal_len(value), decimal.len());
            prop_assert_eq!(parse(&decimal), Some(value));
        }

        /// The oracle accepts a text if std parses it and prints the result as the same text.
        #[test]
        fn parsing_agrees_with_a_round_trip_through_std(text in "[-+0-9 ]{0,22}") {
            let oracle = text.parse::<i64>().ok().filter(|value| value.to_string() == text);
            prop_assert_eq!(parse(text.as_bytes()), oracle);
        }
    }
}
