//! Numbers in arguments.

use crate::error::CommandError;
use values::Element;

/// Parses an integer. In C: `getLongLongFromObject`.
pub(crate) fn integer(text: &[u8]) -> Result<i64, CommandError> {
    Element::Bytes(text).as_i64().ok_or(CommandError::NOT_AN_INTEGER)
}

/// Parses an integer from 0 on. In C: `getPositiveLongFromObject`.
pub(crate) fn natural(text: &[u8]) -> Result<usize, CommandError> {
    let number = Element::Bytes(text).as_i64().and_then(|number| usize::try_from(number).ok());
    number.ok_or(CommandError::new("ERR value is out of range, must be positive"))
}

/// Parses a number, which is finite or `inf`. In C: `getDoubleFromObject`.
pub(crate) fn float(text: &[u8]) -> Result<f64, CommandError> {
    parse_float(text).ok_or(CommandError::NOT_A_FLOAT)
}

/// Parses a number, which may have a sign and an exponent, or be infinite. `nan` is not a number here.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|number| !number.is_nan())
}

/// Formats a number as Redis does in replies: a whole number below 2^62 with all its digits, and any other with
/// the shortest digits that give the same number, and with an exponent if there would be many zeros. In C: `d2string`, `fpconv_dtoa`.
pub(crate) fn format_double(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if number == 0.0 {
        return if number.is_sign_negative() { "-0".into() } else { "0".into() };
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
        for (text, number) in
            [("1", 1.0), ("-1.5e3", -1500.0), ("inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY)]
        {
            assert_eq!(parse_float(text.as_bytes()), Some(number));
        }
        for text in ["", " 1", "1 ", "nan", "1x", "--1", "0x10"] {
            assert_eq!(parse_float(text.as_bytes()), None, "{text}");
        }
        assert!(
            natural(b"-1").is_err() && integer(b"01").is_err() && integer(b"9223372036854775808").is_err()
        );
    }

    #[test]
    fn numbers_are_formatted_as_redis_does() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
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
