//! Numbers in arguments.

use crate::error::CommandError;
use values::Element;

/// Parses an integer. In C: `getLongLongFromObject`.
pub(crate) fn integer(text: &[u8]) -> Result<i64, CommandError> {
    Element::Bytes(text).as_i64().ok_or(CommandError::NOT_AN_INTEGER)
}

/// Parses an integer in a range. In C: `getRangeLongFromObjectOrReply`.
pub(crate) fn between(text: &[u8], min: i64, max: i64) -> Result<i64, CommandError> {
    let number = integer(text)?;
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    Err(CommandError::of(format!("ERR value is out of range, value must between {min} and {max}")))
}

/// Parses an integer from 0 on. In C: `getPositiveLongFromObjectOrReply`.
pub(crate) fn natural(text: &[u8]) -> Result<usize, CommandError> {
    natural_or(text, "ERR value is out of range, must be positive")
}

/// Like [`natural`], with another error.
pub(crate) fn natural_or(text: &[u8], error: &'static str) -> Result<usize, CommandError> {
    let number = Element::Bytes(text).as_i64().and_then(|number| usize::try_from(number).ok());
    number.ok_or(CommandError::new(error))
}

/// Parses a number, which is finite or `inf`. In C: `getDoubleFromObject`.
pub(crate) fn float(text: &[u8]) -> Result<f64, CommandError> {
    parse_float(text).ok_or(CommandError::NOT_A_FLOAT)
}

/// A number as C reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Read {
    number: f64,
    /// Whether the text names a number that is too large, or too close to 0. In C: `ERANGE`.
    is_out_of_range: bool,
}

/// Parses a number as `strtod` does in the C locale: decimal or hexadecimal, with a sign and an exponent, or
/// infinite. `nan` is not a number here, and the number must be the whole text.
///
/// Redis 7.4 reads all its numbers with `strtod`. Later versions have their own parser, which knows no
/// hexadecimal numbers.
fn strtod(text: &[u8]) -> Option<Read> {
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let is_hexadecimal = digits.len() > 2 && digits[..2].eq_ignore_ascii_case(b"0x");
    let number = match is_hexadecimal {
        true => hexadecimal(&digits[2..])?.copysign(if text[0] == b'-' { -1.0 } else { 1.0 }),
        false => std::str::from_utf8(text).ok()?.parse().ok()?,
    };
    if number.is_nan() {
        return None;
    }
    let exponent: &[u8] = if is_hexadecimal { b"pPxX" } else { b"eE" };
    let mut mantissa = digits.split(|byte| exponent.contains(byte)).take(1 + usize::from(is_hexadecimal));
    let has_digits =
        mantissa.any(|part| part.iter().any(|byte| matches!(byte, b'1'..=b'9' | b'a'..=b'f' | b'A'..=b'F')));
    let is_named = digits.first().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'i'));
    let is_out_of_range = !is_named && (number.is_infinite() || number == 0.0 && has_digits);
    Some(Read { number, is_out_of_range })
}

/// Parses the hexadecimal digits of a number, a point among them, and the binary exponent after `p`.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p')).unwrap_or(text.len());
    let (mut mantissa, mut exponent, mut has_point, mut has_digit) = (0_u64, 0_i64, false, false);
    for byte in &text[..end] {
        if *byte == b'.' && !has_point {
            has_point = true;
            continue;
        }
        let digit = char::from(*byte).to_digit(16)?;
        has_digit = true;
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            exponent -= 4 * i64::from(has_point);
        } else {
            // Further digits decide only how the last bit is rounded.
            mantissa |= u64::from(digit != 0);
            exponent += 4 * i64::from(!has_point);
        }
    }
    if let Some(power) = text.get(end + 1..) {
        exponent = exponent.saturating_add(std::str::from_utf8(power).ok()?.parse::<i64>().ok()?);
    }
    let exponent = exponent.clamp(-4_000, 4_000) as i32;
    // Two factors, because one of them alone may be too small.
    let (half, rest) = (exponent / 2, exponent - exponent / 2);
    has_digit.then(|| mantissa as f64 * 2_f64.powi(half) * 2_f64.powi(rest))
}

/// Parses a number, which is finite or `inf`. In C: `string2d`.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    let Read { number, is_out_of_range } = strtod(text)?;
    (!is_out_of_range).then_some(number)
}

/// Parses a bound of a range of scores, more leniently than a score: white space in front is skipped, an empty
/// text is 0, a zero byte ends the text, and a number that is too large is infinite. In C: `zslParseRange`.
pub(crate) fn parse_bound(text: &[u8]) -> Option<f64> {
    parse_leniently(text).map(|read| read.number)
}

/// Like [`parse_bound`], but refuses numbers that are too large. In C: `sortCommandGeneric`.
pub(crate) fn parse_weight(text: &[u8]) -> Option<f64> {
    parse_leniently(text).filter(|read| !read.is_out_of_range).map(|read| read.number)
}

fn parse_leniently(text: &[u8]) -> Option<Read> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(Read { number: 0.0, is_out_of_range: false });
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    strtod(&text[start..])
}

/// Formats a number as Redis does in replies: a whole number below 2^62 with all its digits, and any other with
/// the shortest digits that give the same number, and with an exponent if there would be many zeros. In C:
/// `d2string`, `fpconv_dtoa`.
///
/// Two things differ from C. Negative zero is `0` in sets of all sizes; in C it is `-0` in sets that are no
/// listpacks. And C writes one digit more than needed for a few numbers.
pub(crate) fn format_double(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if number.trunc() == number && number.abs() < (1_u64 << 62) as f64 {
        return (number as i64).to_string();
    }
    // The digits d.ddd and the exponent of the first one.
    let text = format!("{:e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let first: i32 = exponent.parse().unwrap_or(0);
    let last = first - (digits.len() as i32 - 1);
    let mut out = String::from(if number < 0.0 { "-" } else { "" });
    if last >= 0 && first < digits.len() as i32 + 7 {
        out.push_str(&digits);
        out.extend((0..last).map(|_| '0'));
    } else if last < 0 && (last > -7 || first.abs() < 4) {
        match usize::try_from(first) {
            Ok(first) => {
                out.push_str(&digits[..=first]);
                out.push('.');
                out.push_str(&digits[first + 1..]);
            }
            Err(_) => {
                out.push_str("0.");
                out.extend((first + 1..0).map(|_| '0'));
                out.push_str(&digits);
            }
        }
    } else {
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        out.push('e');
        out.push(if first < 0 { '-' } else { '+' });
        out.push_str(&first.abs().to_string());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_redis_reads_them() {
        for (text, number) in [
            ("1", 1.0),
            ("-1.5e3", -1500.0),
            ("+.5", 0.5),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("-0X1.8p1", -3.0),
            ("0x.8", 0.5),
            ("0x1p-1074", f64::from_bits(1)),
            ("0x1fffffffffffff1", 144_115_188_075_855_857.0),
            ("0e999", 0.0),
        ] {
            assert_eq!(parse_float(text.as_bytes()), Some(number), "{text}");
        }
        for text in [
            "", " 1", "1 ", "nan", "1x", "--1", "0x", "0x.", "0x1p", "0x1.1.1", "0xg", "1e400", "-1e400",
            "1e-400",
        ] {
            assert_eq!(parse_float(text.as_bytes()), None, "{text}");
        }
        assert!(parse_float(b"0x1p2000").is_none() && parse_float(b"0x1p-2000").is_none());
        assert!(
            natural(b"-1").is_err() && integer(b"01").is_err() && integer(b"9223372036854775808").is_err()
        );
        assert!(between(b"5", 1, 5).is_ok() && between(b"6", 1, 5).is_err() && between(b"x", 1, 5).is_err());
    }

    #[test]
    fn bounds_and_weights_may_have_white_space_and_bounds_may_be_too_large() {
        for (text, number) in [("", 0.0), (" \t1", 1.0), ("1\0x", 1.0), ("\0", 0.0), (" inf", f64::INFINITY)]
        {
            assert_eq!(parse_bound(text.as_bytes()), Some(number));
            assert_eq!(parse_weight(text.as_bytes()), Some(number));
        }
        assert_eq!((parse_bound(b"1e400"), parse_weight(b"1e400")), (Some(f64::INFINITY), None));
        assert_eq!((parse_bound(b"1e-400"), parse_weight(b"1e-400")), (Some(0.0), None));
        for text in [" ", "1 ", "nan", "(1", "1x"] {
            assert_eq!((parse_bound(text.as_bytes()), parse_weight(text.as_bytes())), (None, None), "{text}");
        }
    }

    #[test]
    fn numbers_are_formatted_as_redis_does() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (1.5, "1.5"),
            (-0.1, "-0.1"),
            (1e17, "100000000000000000"),
            (-1e18, "-1000000000000000000"),
            (1_700_000_000_123_456_789.0, "1700000000123456768"),
            (1e21, "1e+21"),
            (12345678901234567890.0, "12345678901234567000"),
            (1e-5, "0.00001"),
            (1.5e-10, "1.5e-10"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (123_456.789, "123456.789"),
        ] {
            assert_eq!(format_double(number), text);
        }
    }
}
