//! Appending, overwriting and reading parts of a string: `APPEND`, `SETRANGE`, `GETRANGE`.
//!
//! Learned from: Redis' `t_string.c` (`appendCommand`, `setrangeCommand`, `getrangeCommand`).

use super::range::{clamp, is_reversed};
use crate::element::{Element, StrView};
use crate::error::StringError;
use crate::limits::EncodingLimits;
use sds::Sds;

/// The place of a string that can be changed and made longer.
///
/// An [`Sds`] is one, and so is an object that holds a string. A store that keeps short strings inside its
/// own blocks implements the trait for those. After an error the string must be unchanged.
///
/// The trait is safe. A wrong implementation makes the operations panic or write wrong bytes, but never
/// causes undefined behaviour.
pub trait StringMut {
    /// The error of operations on this place. It has at least the errors of string operations, and perhaps
    /// one for a place that does not hold a string.
    type Error: From<StringError>;

    /// Returns the length of the string in bytes.
    fn string_len(&self) -> Result<usize, Self::Error>;

    /// Appends `bytes` and returns the new length. Even if `bytes` is empty, the place then holds a string
    /// that can be changed: an integer becomes text, and a shared string is copied.
    fn try_append_bytes(&mut self, bytes: &[u8]) -> Result<usize, Self::Error>;

    /// Makes the string at least `len` bytes long and returns all of its bytes. New bytes are zeros.
    fn try_make_len(&mut self, len: usize) -> Result<&mut [u8], Self::Error>;
}

impl StringMut for Sds {
    type Error = StringError;

    #[inline]
    fn string_len(&self) -> Result<usize, StringError> {
        Ok(self.len())
    }

    #[inline]
    fn try_append_bytes(&mut self, bytes: &[u8]) -> Result<usize, StringError> {
        self.try_push_bytes(bytes)?;
        Ok(self.len())
    }

    #[inline]
    fn try_make_len(&mut self, len: usize) -> Result<&mut [u8], StringError> {
        self.try_grow_zero(len)?;
        Ok(self.as_mut_bytes())
    }
}

/// Appends `bytes` and returns the new length. Amortised O(length of `bytes`). In C: `APPEND`.
///
/// # Errors
/// [`TooLong`](StringError::TooLong) above `limits.proto_max_bulk_len`.
///
/// ```
/// use values::{EncodingLimits, string};
/// let mut text = sds::Sds::from_bytes(b"12");
/// assert_eq!(string::try_append(&mut text, b"3", &EncodingLimits::DEFAULT), Ok(3));
/// assert_eq!(text, "123");
/// ```
#[inline]
pub fn try_append<S: StringMut>(
    string: &mut S,
    bytes: &[u8],
    limits: &EncodingLimits,
) -> Result<usize, S::Error> {
    limits.check_len(string.string_len()?, bytes.len())?;
    string.try_append_bytes(bytes)
}

/// Overwrites the string from `offset` on with `bytes`, and returns the new length. In C: `SETRANGE`.
///
/// A gap between the old end and `offset` is filled with zeros. If `bytes` is empty nothing happens,
/// whatever `offset` is. O(length of `bytes` and of the gap).
///
/// # Errors
/// [`TooLong`](StringError::TooLong) above `limits.proto_max_bulk_len`.
///
/// ```
/// use values::{EncodingLimits, string};
/// let mut text = sds::Sds::from_bytes(b"ab");
/// assert_eq!(string::try_set_range(&mut text, 3, b"d", &EncodingLimits::DEFAULT), Ok(4));
/// assert_eq!(text, "ab\0d");
/// ```
pub fn try_set_range<S: StringMut>(
    string: &mut S,
    offset: usize,
    bytes: &[u8],
    limits: &EncodingLimits,
) -> Result<usize, S::Error> {
    if bytes.is_empty() {
        return string.string_len();
    }
    let end = limits.check_len(offset, bytes.len())?;
    let all = string.try_make_len(end)?;
    all[offset..end].copy_from_slice(bytes);
    Ok(all.len())
}

/// Returns the bytes from `start` to `end`, both included. Constant time, without a copy. In C: `GETRANGE`,
/// `SUBSTR`.
///
/// An index below 0 counts from the end. The part of the range after the end of the string is ignored. An
/// index before the string means its first byte, even as an end. So a range that lies wholly before the
/// string contains that byte, as in Redis.
///
/// ```
/// use values::string::get_range;
/// assert_eq!(&*get_range("This is a string", 0, 3), b"This");
/// assert_eq!(&*get_range("This is a string", -6, -1), b"string");
/// assert_eq!(&*get_range("This is a string", -200, -100), b"T");
/// assert_eq!(&*get_range(12_345, 1, -2), b"234");
/// ```
pub fn get_range<'a>(string: impl Into<Element<'a>>, start: i64, end: i64) -> StrView<'a> {
    let text = string.into().text();
    let range = if is_reversed(start, end) { None } else { clamp(start, end, text.len() as u64) };
    let range = range.unwrap_or(0..0);
    text.slice(range.start as usize..range.end as usize)
}

impl EncodingLimits {
    /// Returns `len + additional`, or an error if a string may not be that long.
    #[inline]
    fn check_len(&self, len: usize, additional: usize) -> Result<usize, StringError> {
        match len.checked_add(additional) {
            Some(len) if len <= self.proto_max_bulk_len => Ok(len),
            sum => Err(StringError::TooLong { len: sum.unwrap_or(usize::MAX) }),
        }
    }
}
