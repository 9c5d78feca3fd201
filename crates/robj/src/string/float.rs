//! The sum of a number's text and a double, as text.
//!
//! What a client counts in decimal should stay decimal: ten times 0.1 is 1, not 0.9999999999999999. So a sum
//! is taken in fixed point where that is possible, in units of 10^-17, which are the smallest that
//! `INCRBYFLOAT` prints:
//!
//! ```text
//!  |sum| < 10^20    i128, units of 10^-17       exact, but for decimals beyond the 17th of a number: these are rounded
//!  otherwise        f64                         the shortest digits that mean it, then zeros
//! ```
//!
//! Learned from: Redis' `util.c` (`string2ld`, `ld2string`), for what is accepted and how it is printed.

use super::error::StringError;
use core::fmt::{self, Write};
use core::ops::Deref;

/// Longer text is not a number. In C: `MAX_LONG_DOUBLE_CHARS`.
const TEXT_LEN_MAX: usize = 5 * 1024 - 1;

/// How many decimals are printed.
const DECIMALS: u32 = 17;

/// One, in units of 10^-17.
const ONE: u128 = 10u128.pow(DECIMALS);

/// Magnitudes below this are added in fixed point, in whole ones.
const FIXED_MAX: u128 = 10u128.pow(20);

// A sum of two has room in an `i128`.
const _: () = assert!(FIXED_MAX * ONE < i128::MAX as u128 / 2);

/// The longest text: a sign and the 309 digits of `f64::MAX`.
const LEN_MAX: usize = 310;

/// The text of a finite number.
pub(crate) struct FloatText {
    text: [u8; LEN_MAX],
    len: usize,
}

impl FloatText {
    const fn new() -> Self {
        Self { text: [0; LEN_MAX], len: 0 }
    }

    /// What the text means.
    pub(crate) fn value(&self) -> f64 {
        parse(self).unwrap_or(f64::NAN) // it is a number by construction
    }
}

impl Deref for FloatText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

impl Write for FloatText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.text.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The number that `text` is, all of it; infinities are numbers, NaN is none. In C: `string2ld`, but for
/// hexadecimal text and what an `f64` cannot reach.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    let value: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    let infinite_by_name =
        || text.iter().any(u8::is_ascii_alphabetic) && !text.iter().any(u8::is_ascii_digit);
    (value.is_finite() || (value.is_infinite() && infinite_by_name())).then_some(value)
}

/// The text of `text + increment`. Time is linear in the text.
pub(crate) fn add(text: &[u8], increment: f64) -> Result<FloatText, StringError> {
    let value = parse(text).ok_or(StringError::NotAFloat)?;
    let sum = value + increment;
    if !sum.is_finite() {
        return Err(StringError::NotFinite);
    }
    let mut shortest = FloatText::new();
    let mut result = FloatText::new();
    let _ = write!(shortest, "{increment:e}"); // it fits: 17 digits, signs, point, exponent
    let fixed = fixed_point(text).zip(fixed_point(&shortest)).map(|(a, b)| a + b);
    let _ = match fixed {
        Some(units) if units.unsigned_abs() < FIXED_MAX * ONE => write_fixed(&mut result, units),
        _ => write!(result, "{sum}"), // it fits: no finite number has more digits than the largest
    };
    Ok(result)
}

/// A number's text in units of 10^-17, rounded to the nearest; `None` from 10^20 up. `text` is a finite number
/// by [`parse`].
fn fixed_point(text: &[u8]) -> Option<i128> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (digits, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], read_exponent(&text[at + 1..])),
        None => (text, 0),
    };
    // The number is `mantissa * 10^scale`.
    let (mut mantissa, mut scale, mut after_point) = (0u128, exponent, false);
    for &byte in digits {
        match byte {
            b'.' => after_point = true,
            // One digit more has room. Those that have none are far behind what is printed.
            digit if mantissa < FIXED_MAX * ONE / 10 => {
                mantissa = mantissa * 10 + u128::from(digit - b'0');
                scale -= i64::from(after_point);
            }
            _ => scale += i64::from(!after_point),
        }
    }
    let shift = scale.saturating_add(i64::from(DECIMALS));
    let power = u32::try_from(shift.unsigned_abs()).ok().and_then(|shift| 10u128.checked_pow(shift));
    let units = match (shift < 0, power) {
        _ if mantissa == 0 => 0,
        (false, power) => mantissa.checked_mul(power?)?,
        (true, Some(power)) => divide_to_nearest(mantissa, power),
        (true, None) => 0,
    };
    (units < FIXED_MAX * ONE).then_some(if negative { -(units as i128) } else { units as i128 })
}

/// Ties go to the even neighbour.
fn divide_to_nearest(dividend: u128, divisor: u128) -> u128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    let up = match (rest).cmp(&(divisor - rest)) {
        core::cmp::Ordering::Less => false,
        core::cmp::Ordering::Equal => quotient % 2 == 1,
        core::cmp::Ordering::Greater => true,
    };
    quotient + u128::from(up)
}

/// The exponent's digits behind an optional sign. So large that it is past all others where it has more than
/// a few.
fn read_exponent(text: &[u8]) -> i64 {
    const MAX: i64 = 1 << 40;
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    sign * digits.iter().fold(0, |value, digit| (value * 10 + i64::from(digit - b'0')).min(MAX))
}

fn write_fixed(to: &mut FloatText, units: i128) -> fmt::Result {
    let (ones, fraction) = (units.unsigned_abs() / ONE, units.unsigned_abs() % ONE);
    let mut fraction = fraction as u64; // below 10^17
    let sign = if units < 0 { "-" } else { "" };
    write!(to, "{sign}{ones}")?;
    if fraction > 0 {
        let mut width = DECIMALS as usize;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            width -= 1;
        }
        write!(to, ".{fraction:0width$}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(text: &str, increment: f64) -> Result<String, StringError> {
        add(text.as_bytes(), increment).map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn sums_are_decimal_without_exponent_or_trailing_zeros() {
        for (text, increment, expected) in [
            ("0.1", 0.2, "0.3"),
            ("10.50", 0.1, "10.6"),
            ("10.6", -5.0, "5.6"),
            ("5.0e3", 200.0, "5200"),
            ("3.0", 0.0, "3"),
            ("-0", 0.0, "0"),
            ("-1", 1.0, "0"),
            ("0", -0.0, "0"),
            ("+1", 1e-17, "1.00000000000000001"),
            ("1", 1e-18, "1"),
            ("1e-400", 0.0, "0"),
            ("1.", 0.5, "1.5"),
            (".5", 0.5, "1"),
            ("9223372036854775807", 1.0, "9223372036854775808"),
            ("3.141592653589793238", 0.0, "3.14159265358979324"),
            ("0.000000000000000005", 0.0, "0"), // half a unit goes to the even neighbour
            ("0.000000000000000015", 0.0, "0.00000000000000002"),
            ("99999999999999999999.99999999999999999", 0.0, "99999999999999999999.99999999999999999"),
            ("99999999999999999999", 1.0, "100000000000000000000"),
            ("1e23", 0.0, "100000000000000000000000"),
            ("-1e20", 0.0, "-100000000000000000000"),
            ("1e22", -1e22, "0"),
            ("0e99999999999999999999", 1.0, "1"),
        ] {
            assert_eq!(sum(text, increment).as_deref(), Ok(expected), "{text} + {increment}");
        }
        let zeros = format!("{}1.5{}", "0".repeat(500), "0".repeat(500));
        assert_eq!(sum(&zeros, 1.0).as_deref(), Ok("2.5"));
        let digits = format!("{}e-190", "1".repeat(200));
        assert_eq!(sum(&digits, 0.0).as_deref(), Ok("1111111111.11111111111111111"));
        let max = sum("0", f64::MAX).unwrap();
        assert_eq!((max.len(), max.parse()), (309, Ok(f64::MAX)));
        assert_eq!(sum("0", f64::MIN).unwrap().len(), LEN_MAX);
    }

    #[test]
    fn what_is_no_number_is_refused_before_what_has_no_sum() {
        for text in
            ["", " 1", "1 ", "abc", "nan", "1e", ".", "0x1p3", "1e400", "--1", "1,5", "1_0", "\u{661}"]
        {
            assert_eq!(sum(text, f64::NAN), Err(StringError::NotAFloat), "{text:?}");
        }
        assert_eq!(sum(&"0".repeat(TEXT_LEN_MAX), 1.0).as_deref(), Ok("1"));
        assert_eq!(sum(&"0".repeat(TEXT_LEN_MAX + 1), 1.0), Err(StringError::NotAFloat));
        for (text, increment) in [
            ("1", f64::NAN),
            ("1", f64::INFINITY),
            ("inf", 1.0),
            ("-Infinity", f64::INFINITY),
            ("1.7e308", 1.7e308),
        ] {
            assert_eq!(sum(text, increment), Err(StringError::NotFinite), "{text:?} {increment}");
        }
    }

    proptest! {
        #![proptest_config(crate::test_config())]

        /// Cents counted in integers, beside the same cents counted in text.
        #[test]
        #[cfg_attr(miri, ignore = "no unsafe code")]
        fn cents_add_up(steps in proptest::collection::vec(-1_000_000i64..1_000_000, 0..40)) {
            let (mut text, mut cents) = ("0".to_owned(), 0i64);
            for step in steps {
                text = sum(&text, step as f64 / 100.0).unwrap();
                cents += step;
                let ones = format!("{}{}", if cents < 0 { "-" } else { "" }, cents.unsigned_abs() / 100);
                let rest = format!("{:02}", cents.unsigned_abs() % 100);
                let rest = rest.trim_end_matches('0');
                let by_hand = if rest.is_empty() { ones } else { format!("{ones}.{rest}") };
                prop_assert_eq!(&text, &by_hand);
            }
        }

        /// The text means the sum that `f64` finds, but for a rounding at each side.
        #[test]
        fn sums_agree_with_f64(a in -1e30f64..1e30, b in -1e30f64..1e30, small: bool) {
            let (a, b) = if small { (a / 1e28, b / 1e28) } else { (a, b) };
            let result = add(a.to_string().as_bytes(), b).unwrap().value();
            let tolerance = f64::EPSILON * (a.abs() + b.abs()) + 1e-16;
            prop_assert!((result - (a + b)).abs() <= tolerance, "{a} + {b} = {result}");
        }
    }
}
