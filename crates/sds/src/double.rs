//! Writes doubles as text, in the notation that servers since Redis 7.2 use for scores.
//!
//! ```text
//!  whole, magnitude up to 2^62       12199283400115996      as an integer
//!  otherwise the shortest digits that are read back as the same double, in the first form that fits:
//!    followed by up to 7 zeros       9223372036854775807 -> 9223372036854776000
//!    with up to 6 decimals           0.1   0.000001   -12.25
//!    from 0.001 up to 9999.9...      1234.5678901234
//!    with an exponent                1e+30   4.47757e-5   1.2345678901234e+4
//! ```
//!
//! The digits come from `zmij`, which finds the shortest ones. If several are equally short, it returns the
//! digits nearest to the double. Servers use Grisu2, which misses the shortest digits of about one double in
//! a thousand.
//!
//! Learned from: Redis' `d2string` and `fpconv_dtoa` (where the decimal point stands).

use crate::decimal::Decimal;
use core::ptr::NonNull;

/// The largest magnitude at which a whole number is written as an integer: 2^62.
const INTEGER_MAX: f64 = 4_611_686_018_427_387_904.0;
/// A number with at least this many zeros after its digits is written with an exponent.
const TRAILING_ZEROS_MIN: i32 = 8;
/// A number with at least this many decimals is written with an exponent, unless its first digit is close to
/// the decimal point (see [`PLACES`]).
const DECIMALS: i32 = 7;
/// A digit is close to the decimal point if its distance from the units digit is less than this many places.
const PLACES: i32 = 4;
/// A buffer size that is large enough for every text: a sign, 17 digits, and at most 7 more bytes.
const LEN_MAX: usize = 32;

/// Calls `write` with the text of a double, and returns its result. The texts of the special values are
/// `inf`, `-inf`, `nan` and `-0`.
pub(crate) fn with_text<R>(value: f64, write: impl FnOnce(&[u8]) -> R) -> R {
    if value.is_nan() {
        write(b"nan")
    } else if value.is_infinite() {
        write(if value > 0.0 { b"inf" } else { b"-inf" })
    } else if value == 0.0 {
        write(if value.is_sign_negative() { b"-0" } else { b"0" })
    } else if value.abs() <= INTEGER_MAX && value.trunc() == value {
        let text = Decimal::from(value as i64);
        let mut buffer = [0; 20];
        // SAFETY: the text of an `i64` has at most 20 bytes.
        unsafe { text.write(NonNull::from(&mut buffer).cast()) };
        write(&buffer[..text.len()])
    } else {
        let mut text = Text { bytes: [0; LEN_MAX], len: 0 };
        if value < 0.0 {
            text.push(b"-");
        }
        text.push_shortest(value.abs());
        write(&text.bytes[..text.len])
    }
}

struct Text {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl Text {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn push_zeros(&mut self, count: i32) {
        (0..count).for_each(|_| self.push(b"0"));
    }

    /// Appends a finite number that is greater than 0.
    fn push_shortest(&mut self, value: f64) {
        let mut buffer = zmij::Buffer::new();
        let (digits, len, last) = digits(buffer.format_finite(value).as_bytes());
        let digits = &digits[..len];
        // The number is `digits * 10^last`. The place value of its first digit is `10^first`.
        let first = last + len as i32 - 1;
        if (0..TRAILING_ZEROS_MIN).contains(&last) {
            self.push(digits);
            self.push_zeros(last);
        } else if last < 0 && (last > -DECIMALS || first.abs() < PLACES) {
            let whole = usize::try_from(first + 1).unwrap_or(0);
            self.push(if whole == 0 { b"0" } else { &digits[..whole] });
            self.push(b".");
            self.push_zeros(-1 - first);
            self.push(&digits[whole..]);
        } else {
            self.push(&digits[..1]);
            if len > 1 {
                self.push(b".");
                self.push(&digits[1..]);
            }
            self.push(if first < 0 { b"e-" } else { b"e+" });
            let exponent = Decimal::from(i64::from(first.abs()));
            // SAFETY: the text has room for an exponent, which has at most three digits.
            unsafe { exponent.write(NonNull::from(&mut self.bytes[self.len..self.len + 3]).cast()) };
            self.len += exponent.len();
        }
    }
}

/// Parses the text of a number that is greater than 0. Returns its digits without zeros at either end, the
/// number of digits, and the power of ten of the last digit.
fn digits(text: &[u8]) -> ([u8; 17], usize, i32) {
    let (mantissa, exponent) = match text.iter().position(|&byte| byte == b'e') {
        Some(at) => (&text[..at], exponent(&text[at + 1..])),
        None => (text, 0),
    };
    let (mut digits, mut len, mut last) = ([0; 17], 0, exponent);
    let (mut behind_point, mut zeros) = (false, 0);
    for &byte in mantissa {
        match byte {
            b'.' => behind_point = true,
            b'0' => {
                zeros += usize::from(len > 0); // leading zeros do not count
                last -= i32::from(behind_point);
            }
            digit => {
                len += zeros;
                digits[len - zeros..len].fill(b'0');
                digits[len] = digit;
                len += 1;
                zeros = 0;
                last -= i32::from(behind_point);
            }
        }
    }
    (digits, len, last + zeros as i32)
}

fn exponent(text: &[u8]) -> i32 {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    sign * digits.iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        with_text(value, |text| String::from_utf8(text.to_vec()).unwrap())
    }

    /// The expected texts are the replies of Valkey 9.1 to `ZSCORE`.
    #[test]
    fn the_point_and_the_exponent_are_where_servers_put_them() {
        for (value, expected) in [
            (9_007_199_254_740_994.0, "9007199254740994"),
            (12_199_283_400_115_996.0, "12199283400115996"),
            (1e17, "100000000000000000"),
            (INTEGER_MAX, "4611686018427387904"),
            (-INTEGER_MAX, "-4611686018427387904"),
            (INTEGER_MAX * 2.0, "9223372036854776000"),
            (5.123_456_789_01e18, "5123456789010000000"),
            (5.123_456_789_1e18, "5.1234567891e+18"),
            (5e18, "5e+18"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (4.47757e-5, "4.47757e-5"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-6, "1.5e-6"),
            (0.000_123_456_7, "1.234567e-4"),
            (0.001_234_567_8, "0.0012345678"),
            (5e-324, "5e-324"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-2.5, "-2.5"),
            (1_234_567.890_625, "1234567.890625"),
            (12_345.678_901_234, "1.2345678901234e+4"),
            (1_234.567_890_123_4, "1234.5678901234"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn the_digits_are_found_in_any_notation() {
        for (text, expected) in [
            ("0.001", ("1", -3)),
            ("100.0", ("1", 2)),
            ("10203.0", ("10203", 0)),
            ("1.50e-7", ("15", -8)),
            ("1e300", ("1", 300)),
            ("123.4560e+10", ("123456", 7)),
        ] {
            let (digits, len, last) = digits(text.as_bytes());
            assert_eq!((std::str::from_utf8(&digits[..len]).unwrap(), last), expected, "{text}");
        }
    }
}
