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
}
