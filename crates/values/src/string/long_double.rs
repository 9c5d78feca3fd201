//! [`LongDouble`]: the numbers of `INCRBYFLOAT`, which are C's `long double` on x86-64.
//!
//! ```text
//!  LongDouble   64 bits of mantissa    up to 1.19e4932     about 19 digits
//!  f64          53 bits                up to 1.80e308      about 16 digits
//! ```
//!
//! Redis on x86-64 adds in this type. The sums differ from those of `f64`: 2^53 + 1 is exact, and 10.5 + 0.1
//! prints as 10.6 with 17 decimals. The software arithmetic of `rustc_apfloat` does the sums. This module
//! parses texts of up to 19 digits itself, in a tenth of the time that `rustc_apfloat` needs.
//!
//! Learned from: Redis' `util.c` (`string2ld`, `ld2string`), for the accepted texts and the printed form;
//! W. Clinger's "How to Read Floating Point Numbers Accurately" (1990), for the cases in which one division
//! is enough.

use core::fmt::{self, Write};
use rustc_apfloat::ieee::{Double, X87DoubleExtended};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd};

/// The maximum length of a text that is parsed, in bytes. In C: `MAX_LONG_DOUBLE_CHARS`, which is one more
/// for the final zero byte.
const TEXT_LEN_MAX: usize = 5 * 1024 - 1;
/// The number of decimals that are printed.
const DECIMALS: usize = 17;
/// The number 1 in units of the last printed decimal.
const ONE: u128 = 10_u128.pow(DECIMALS as u32);
/// The exponent of the largest power of ten that is exact in the type: without its trailing zero bits it
/// has at most 64 bits.
const POWER_MAX: u32 = 27;
/// The number of bits of the mantissa.
const MANTISSA: i32 = 64;

/// A number of `INCRBYFLOAT`, with 64 bits of mantissa and 15 bits of exponent. In C: `long double`, on
/// x86-64.
///
/// ```
/// use values::string::LongDouble;
/// let number = LongDouble::parse(b"9007199254740993").unwrap(); // 2^53 + 1
/// assert_eq!(number.to_string(), "9007199254740993");
/// assert_eq!(LongDouble::from(0.1).to_string(), "0.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct LongDouble(X87DoubleExtended);

impl LongDouble {
    /// Parses all of `text` as a number. In C: `string2ld`.
    ///
    /// A number is decimal or hexadecimal digits, with or without an exponent, or `inf`. It may have a
    /// sign. The result is `None` for NaN, for blanks, for a number that is too large, and for one that is
    /// not 0 but so small that it would become 0.
    ///
    /// Up to 19 digits take O(1). Longer texts, and exponents beyond 27, take some microseconds. They also
    /// allocate up to some kilobytes from the global allocator, and free them before the method returns.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_LEN_MAX {
            return None;
        }
        if let Some(number) = parse_short(text) {
            return Some(Self(number));
        }
        let text = core::str::from_utf8(text).ok()?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.eq_ignore_ascii_case("inf") || digits.eq_ignore_ascii_case("infinity") {
            let infinity = X87DoubleExtended::INFINITY;
            return Some(Self(if text.starts_with('-') { -infinity } else { infinity }));
        }
        let read = if digits.starts_with("0x") || digits.starts_with("0X") {
            read_hexadecimal(text)?
        } else {
            // C refuses every text whose syntax std refuses.
            text.parse::<f64>().is_ok_and(|number| !number.is_nan()).then_some(())?;
            X87DoubleExtended::from_str_r(text, Round::NearestTiesToEven).ok()?
        };
        let (number, status) = (read.value, read.status);
        let lost = number.is_infinite() || (number.is_zero() && status.contains(Status::UNDERFLOW));
        (!lost && !number.is_nan()).then_some(Self(number))
    }

    /// Returns whether the number is neither infinite nor NaN.
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// Returns the sum, or `None` if it is not a finite number.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        let sum = (self.0 + other.0).value;
        sum.is_finite().then_some(Self(sum))
    }

    /// Calls `f` with the number's text. The implementation of `Display` describes the text.
    pub fn with_text<R>(self, f: impl FnOnce(&[u8]) -> R) -> R {
        const SMALL: usize = 64; // a sign, 39 digits, a point, 17 decimals
        const LARGE: usize = 4940; // a sign and 4933 digits
        if self.parts().is_none_or(|parts| parts.exponent <= MANTISSA) {
            Buffer::<SMALL>::text(self, f)
        } else {
            Buffer::<LARGE>::text(self, f)
        }
    }

    /// Returns mantissa and exponent, or `None` if the number is not finite.
    fn parts(self) -> Option<Parts> {
        let bits = self.0.to_bits();
        let biased = (bits >> MANTISSA) as i32 & 0x7FFF;
        // Numbers below 2^-16382 are stored with a biased exponent of 0, which means the same exponent as 1.
        let exponent = biased.max(1) - 0x3FFF - (MANTISSA - 1);
        self.0.is_finite().then_some(Parts { mantissa: bits as u64, exponent })
    }
}

/// Converts the shortest decimal text of the `f64`, so that 0.1 becomes the number nearest to a tenth.
impl From<f64> for LongDouble {
    fn from(value: f64) -> Self {
        let mut text = Buffer::<32>::new(); // 17 digits, two signs, a point, an exponent of three
        if value.is_nan() {
            return Self(X87DoubleExtended::NAN);
        }
        let _ = write!(text, "{value:e}");
        Self::parse(text.as_bytes()).unwrap_or(Self(X87DoubleExtended::NAN)) // a number by construction
    }
}

/// Converts to the nearest `f64`, which is infinite for a number beyond its range.
impl From<LongDouble> for f64 {
    fn from(value: LongDouble) -> Self {
        let nearest: Double = value.0.convert(&mut false).value;
        Self::from_bits(nearest.to_bits() as u64)
    }
}

impl From<i64> for LongDouble {
    fn from(value: i64) -> Self {
        let magnitude = exact(value.unsigned_abs());
        Self(if value < 0 { -magnitude } else { magnitude })
    }
}

/// Prints the number as `INCRBYFLOAT` does: with up to 17 decimals, but without trailing zeros, an
/// exponent, or a sign before 0. In C: `ld2string` with `LD_STR_HUMAN`.
impl fmt::Display for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.pad(core::str::from_utf8(text).map_err(|_| fmt::Error)?))
    }
}

/// A number without its sign: `mantissa * 2^exponent`.
struct Parts {
    mantissa: u64,
    exponent: i32,
}

fn exact(value: u64) -> X87DoubleExtended {
    X87DoubleExtended::from_u128(value.into()).value
}

/// Parses a decimal number of up to 19 digits, scaled by a power of ten up to 10^27. Both factors are exact
/// in the type, so there is only one rounding. Returns `None` for any other text.
fn parse_short(text: &[u8]) -> Option<X87DoubleExtended> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (digits, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], core::str::from_utf8(&text[at + 1..]).ok()?.parse::<i8>().ok()?),
        None => (text, 0),
    };
    let point = digits.iter().position(|&byte| byte == b'.');
    let decimals = point.map_or(0, |at| digits.len() - at - 1);
    let count = digits.len() - usize::from(point.is_some());
    if !(1..=19).contains(&count) {
        return None;
    }
    let mut mantissa = 0_u64;
    for (at, byte) in digits.iter().enumerate() {
        if Some(at) != point {
            let digit = byte.wrapping_sub(b'0');
            mantissa = if digit < 10 { mantissa * 10 + u64::from(digit) } else { return None };
        }
    }
    let scale = i32::from(exponent) - decimals as i32;
    let power = (scale.unsigned_abs() <= POWER_MAX)
        .then(|| X87DoubleExtended::from_u128(10_u128.pow(scale.unsigned_abs())).value)?;
    let magnitude = match scale {
        0 => exact(mantissa),
        1.. => (exact(mantissa) * power).value,
        _ => (exact(mantissa) / power).value,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Parses a hexadecimal number. In C, the exponent of two is optional. `rustc_apfloat` requires it, so `p0`
/// is added if it is missing.
fn read_hexadecimal(text: &str) -> Option<StatusAnd<X87DoubleExtended>> {
    let mut whole = Buffer::<{ TEXT_LEN_MAX + 2 }>::new();
    let exponent = if text.contains(['p', 'P']) { "" } else { "p0" };
    write!(whole, "{text}{exponent}").ok()?;
    let whole = core::str::from_utf8(whole.as_bytes()).ok()?;
    X87DoubleExtended::from_str_r(whole, Round::NearestTiesToEven).ok()
}

/// A text on the stack.
struct Buffer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Write for Buffer<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl<const N: usize> Buffer<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Writes a number to a buffer, which must be large enough, and calls `f` with the text.
    fn text<R>(number: LongDouble, f: impl FnOnce(&[u8]) -> R) -> R {
        let mut to = Self::new();
        let _ = match number.parts() {
            Some(parts) => to.write_finite(number.0.is_negative(), parts),
            None if number.0.is_nan() => to.write_str("nan"),
            None => to.write_str(if number.0.is_negative() { "-inf" } else { "inf" }),
        };
        f(to.as_bytes())
    }

    fn write_finite(&mut self, negative: bool, Parts { mantissa, exponent }: Parts) -> fmt::Result {
        let (mut whole, mut decimals) = (0_u128, 0_u128);
        match exponent {
            ..0 => {
                let below = exponent.unsigned_abs();
                whole = mantissa.checked_shr(below).unwrap_or(0).into();
                let fraction =
                    u128::from(mantissa) & 1_u128.checked_shl(below).map_or(u128::MAX, |one| one - 1);
                decimals = scale_to_nearest(fraction * ONE, below);
                whole += decimals / ONE;
                decimals %= ONE;
            }
            0..=MANTISSA => whole = u128::from(mantissa) << exponent,
            _ => {}
        }
        let is_zero = mantissa == 0 || (exponent <= MANTISSA && whole == 0 && decimals == 0);
        self.write_str(if negative && !is_zero { "-" } else { "" })?;
        if exponent > MANTISSA {
            return self.write_large(mantissa, exponent.unsigned_abs());
        }
        write!(self, "{whole}")?;
        if decimals > 0 {
            write!(self, ".{decimals:0DECIMALS$}")?;
            while self.as_bytes().ends_with(b"0") {
                self.len -= 1;
            }
        }
        Ok(())
    }

    /// Writes `mantissa << shift`. Each word holds nine decimal digits, and the shift is done in steps.
    fn write_large(&mut self, mantissa: u64, shift: u32) -> fmt::Result {
        const NINE_DIGITS: u64 = 1_000_000_000;
        const STEP: u32 = 32;
        let mut words = [0_u32; 4940_usize.div_ceil(9)]; // the lowest digits first
        let mut len = 0;
        for (word, power) in words.iter_mut().zip([1, NINE_DIGITS, NINE_DIGITS * NINE_DIGITS]) {
            *word = (mantissa / power % NINE_DIGITS) as u32;
            len += 1;
        }
        let mut left = shift;
        while left > 0 {
            let step = left.min(STEP);
            let mut carry = 0;
            for word in &mut words[..len] {
                let product = (u64::from(*word) << step) + carry;
                (*word, carry) = ((product % NINE_DIGITS) as u32, product / NINE_DIGITS);
            }
            while carry > 0 {
                words[len] = (carry % NINE_DIGITS) as u32;
                carry /= NINE_DIGITS;
                len += 1;
            }
            left -= step;
        }
        let mut words = words[..len].iter().rev().skip_while(|&&word| word == 0);
        write!(self, "{}", words.next().unwrap_or(&0))?;
        words.try_for_each(|word| write!(self, "{word:09}"))
    }
}

/// Returns `value / 2^shift`, rounded to the nearest integer, and to the even one in case of a tie.
fn scale_to_nearest(value: u128, shift: u32) -> u128 {
    let Some(unit) = 1_u128.checked_shl(shift) else { return 0 };
    let (quotient, rest) = (value >> shift, value & (unit - 1));
    let up = rest > unit / 2 || (rest == unit / 2 && quotient % 2 == 1);
    quotient + u128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::string::{StringError, incr_by_float};
    use proptest::prelude::*;

    fn sum(text: &str, increment: impl Into<LongDouble>) -> Result<String, StringError> {
        incr_by_float(text, increment).map(|sum| sum.to_string())
    }

    fn parsed(text: &str) -> LongDouble {
        LongDouble::parse(text.as_bytes()).expect("a number")
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn sums_are_decimal_without_exponent_or_trailing_zeros() {
        for (text, increment, expected) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("10.6", "-5", "5.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3.0", "0", "3"),
            ("-0", "0", "0"),
            ("-0", "-0", "0"),
            ("-1e-18", "0", "0"),
            ("-1", "1", "0"),
            ("+1", "1e-17", "1.00000000000000001"),
            ("1", "1e-18", "1"),
            ("1.", "0.5", "1.5"),
            (".5", "0.5", "1"),
            ("3.141592653589793238", "0", "3.14159265358979324"),
            ("0.99999999999999999999", "0", "1"),
            // The next four need more digits than 64 bits of mantissa hold.
            ("1000.1", "0.1", "1000.19999999999999996"),
            ("123456.789", "0", "123456.78900000000000148"),
            ("1e50", "0", "100000000000000000003583830118858923890798487404544"),
            ("99999999999999999999", "1", "100000000000000000000"),
            ("1e22", "-1e22", "0"),
            ("0e99999999999999999999", "1", "1"),
            ("0x1p3", "0x.8", "8.5"),
            ("0X1F", "-0x1", "30"),
        ] {
            assert_eq!(sum(text, parsed(increment)).as_deref(), Ok(expected), "{text} + {increment}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn whole_numbers_of_64_bits_are_exact() {
        for (text, increment, expected) in [
            ("0", "1152921504606846976", "1152921504606846976"),
            ("-9223372036854775807", "9223372036854775806", "-1"),
            ("9223372036854775808", "-9223372036854775808", "0"),
            ("0", "9007199254740993", "9007199254740993"),
            ("18446744073709551615", "-1", "18446744073709551614"),
            ("18446744073709551615", "2", "18446744073709551616"), // a tie, to the even neighbour
        ] {
            assert_eq!(sum(text, parsed(increment)).as_deref(), Ok(expected), "{text} + {increment}");
        }
        assert_eq!(LongDouble::from(i64::MIN).to_string(), i64::MIN.to_string());
        assert_eq!(LongDouble::from(i64::MAX).to_string(), i64::MAX.to_string());
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn the_range_is_that_of_the_type() {
        let max = parsed("1.18973149535723176502e4932").to_string();
        assert_eq!((max.len(), &max[..21]), (4933, "118973149535723176502"));
        assert_eq!(LongDouble::parse(b"1.18973149535723176509e4932"), None);
        assert_eq!(parsed(&max), parsed("1.18973149535723176502e4932"), "text reads back");
        assert_eq!(parsed("-1e4932").to_string().len(), 4934);
        assert!(LongDouble::parse(b"3.6451995318824746025e-4951").is_some()); // the smallest one
        for text in ["1e-4952", "1e-4004095", "-1e-4004095", "1e4933", "1e4004095", "0x1p99999"] {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(f64::from(parsed("1e400")), f64::INFINITY);
        assert_eq!(sum("1.18973149535723176502e4932", parsed("1e4931")), Err(StringError::NotFinite));
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn what_is_not_a_number_is_refused_before_what_has_no_sum() {
        for text in [
            "", " 1", "1 ", "abc", "nan", "-nan", "snan", "1e", ".", "-", "+", "e5", "--1", "1,5", "1_0",
            "0x", "0xg", "0x1p", "1e5.5", "\u{661}",
        ] {
            assert_eq!(sum(text, f64::NAN), Err(StringError::NotAFloat), "{text:?}");
        }
        assert_eq!(sum(&"0".repeat(TEXT_LEN_MAX), 1.0).as_deref(), Ok("1"));
        assert_eq!(sum(&"0".repeat(TEXT_LEN_MAX + 1), 1.0), Err(StringError::NotAFloat));
        let long_exponent = |len: usize| format!("1e{}", "0".repeat(len - 2));
        assert_eq!(sum(&long_exponent(TEXT_LEN_MAX), 1.0).as_deref(), Ok("2"));
        assert_eq!(sum(&long_exponent(TEXT_LEN_MAX + 1), 1.0), Err(StringError::NotAFloat));
        for (text, increment) in
            [("1", f64::NAN), ("1", f64::INFINITY), ("inf", 1.0), ("-Infinity", f64::INFINITY), ("+inf", 0.0)]
        {
            assert_eq!(sum(text, increment), Err(StringError::NotFinite), "{text:?} {increment}");
        }
    }

    proptest! {
        #![proptest_config(testing::config(1024, 8))]

        /// Compares sums of cents in integers with sums of the same cents as text.
        #[test]
        #[cfg_attr(miri, ignore = "no unsafe code")]
        fn cents_add_up(steps in proptest::collection::vec(-1000i64..1000, 0..40)) {
            let (mut text, mut cents) = ("0".to_owned(), 0i64);
            for step in steps {
                text = sum(&text, step as f64 / 100.0).unwrap();
                cents += step;
                let error = text.parse::<f64>().unwrap() - cents as f64 / 100.0;
                prop_assert!(error.abs() < 1e-13, "{} for {} cents", text, cents);
            }
        }

        /// `parse_short` rounds only once. So it returns the same number as the parser of `rustc_apfloat`.
        #[test]
        #[cfg_attr(miri, ignore = "no unsafe code")]
        fn short_texts_are_read_as_long_ones(text in "[+-]?[0-9]{0,10}\\.?[0-9]{1,9}(e-?[0-9]{1,2})?") {
            let read = parse_short(text.as_bytes());
            let long = X87DoubleExtended::from_str_r(&text, Round::NearestTiesToEven).unwrap().value;
            prop_assert!(read.is_none_or(|read| read.to_bits() == long.to_bits()), "{}", text);
        }

        /// Converting a double to a [`LongDouble`] and back returns the same double, or a neighbour. It
        /// returns a neighbour if the number with 64 bits of mantissa is half-way between two doubles.
        #[test]
        #[cfg_attr(miri, ignore = "no unsafe code")]
        fn doubles_come_back(value in any::<f64>().prop_filter("a number", |value| value.is_finite())) {
            let is_near = |other: f64| other.to_bits().abs_diff(value.to_bits()) <= 1;
            prop_assert!(is_near(f64::from(LongDouble::from(value))));
            // Smaller numbers have more decimals than are printed.
            prop_assert!(value.abs() < 1.0 || is_near(LongDouble::from(value).to_string().parse().unwrap()));
        }
    }
}
