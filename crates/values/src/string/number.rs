//! Arithmetic on strings: `INCRBY`, `DECRBY`, `INCRBYFLOAT`.
//!
//! The functions return the new number. The caller stores it, as an integer or as the text of a
//! [`LongDouble`].
//!
//! Learned from: Redis' `t_string.c` (`incrDecrCommand`, `incrbyfloatCommand`).

use super::long_double::LongDouble;
use crate::element::Element;
use crate::error::StringError;

/// Adds an increment to the integer whose canonical decimal form `string` is. Constant time. In C:
/// `INCRBY`, `INCR`.
///
/// # Errors
/// [`NotAnInteger`](StringError::NotAnInteger) and [`Overflow`](StringError::Overflow).
///
/// ```
/// use values::string::{StringError, incr_by};
/// assert_eq!(incr_by(i64::MAX - 1, 1), Ok(i64::MAX));
/// assert_eq!(incr_by(i64::MAX, 1), Err(StringError::Overflow { value: i64::MAX }));
/// assert_eq!(incr_by("ten", 1), Err(StringError::NotAnInteger));
/// ```
#[inline]
pub fn incr_by<'a>(string: impl Into<Element<'a>>, increment: i64) -> Result<i64, StringError> {
    let value = integer(string.into())?;
    value.checked_add(increment).ok_or(StringError::Overflow { value })
}

/// Subtracts a decrement from the integer whose canonical decimal form `string` is. Constant time. In C:
/// `DECRBY`, `DECR`.
///
/// # Errors
/// Those of [`incr_by`]. [`i64::MIN`] has no opposite, so as a decrement it always is an overflow. (Redis
/// refuses it before it reads the value.)
#[inline]
pub fn decr_by<'a>(string: impl Into<Element<'a>>, decrement: i64) -> Result<i64, StringError> {
    let value = integer(string.into())?;
    let increment = decrement.checked_neg().ok_or(StringError::Overflow { value })?;
    value.checked_add(increment).ok_or(StringError::Overflow { value })
}

#[inline]
fn integer(string: Element<'_>) -> Result<i64, StringError> {
    string.as_i64().ok_or(StringError::NotAnInteger)
}

/// Adds an increment to the number whose text `string` is. In C: `INCRBYFLOAT`, which stores the sum's
/// [text](LongDouble).
///
/// Numbers are added as servers on x86-64 add them. For an increment that is text, use
/// [`LongDouble::parse`]. An `f64` counts as its shortest decimal text.
///
/// # Errors
/// [`NotAFloat`](StringError::NotAFloat). [`NotFinite`](StringError::NotFinite) if the sum or the increment
/// is NaN or infinite.
///
/// ```
/// use values::string::{LongDouble, incr_by_float};
/// assert_eq!(incr_by_float("10.50", 0.1)?.to_string(), "10.6");
/// let increment = LongDouble::parse(b"9007199254740993").unwrap(); // not an f64
/// assert_eq!(incr_by_float("10.6", increment)?.to_string(), "9007199254741003.599609375");
/// # Ok::<(), values::string::StringError>(())
/// ```
pub fn incr_by_float<'a>(
    string: impl Into<Element<'a>>,
    increment: impl Into<LongDouble>,
) -> Result<LongDouble, StringError> {
    let value = LongDouble::parse(&string.into().text()).ok_or(StringError::NotAFloat)?;
    value.checked_add(increment.into()).ok_or(StringError::NotFinite)
}
