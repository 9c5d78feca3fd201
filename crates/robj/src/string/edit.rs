//! Bytes put into a string and taken out of it: `APPEND`, `SETRANGE`, `GETRANGE`.
//!
//! Whatever writes makes the object raw first, in one step with the room that it needs, so that an
//! allocation that fails leaves the object in its old encoding too. Room is got greedily (see `sds`), because
//! who appends once appends again.
//!
//! Learned from: Redis' `t_string.c` (`appendCommand`, `setrangeCommand`, `getrangeCommand`).

use super::error::StringError;
use super::range::{clamp, is_reversed};
use crate::element::StrView;
use crate::error::WrongType;
use crate::limits::EncodingLimits;
use crate::object::Robj;
use sds::Sds;

/// Reading and writing parts.
impl Robj {
    /// Puts `bytes` at the end and answers the new length. The object becomes raw, and its own, even if there is
    /// nothing to add. Amortised O(length of `bytes`) once it is raw. In C: `APPEND`.
    ///
    /// # Errors
    /// [`TooLong`](StringError::TooLong) beyond `limits.proto_max_bulk_len`.
    ///
    /// ```
    /// use robj::{Encoding, EncodingLimits, Robj};
    /// let mut object = Robj::from(12);
    /// assert_eq!(object.append(b"3", &EncodingLimits::DEFAULT), Ok(3));
    /// assert_eq!(object.encoding(), Encoding::Raw);
    /// assert_eq!(object, Robj::from("123"));
    /// ```
    #[inline]
    pub fn append(&mut self, bytes: &[u8], limits: &EncodingLimits) -> Result<usize, StringError> {
        StringError::or_oom(self.try_append(bytes, limits))
    }

    /// [`append`](Self::append) that answers an error for want of memory too.
    #[inline]
    pub fn try_append(&mut self, bytes: &[u8], limits: &EncodingLimits) -> Result<usize, StringError> {
        limits.check_len(self.string_len()?, bytes.len())?;
        let string = self.try_make_room(bytes.len())?;
        string.try_push_bytes(bytes)?;
        Ok(string.len())
    }

    /// Writes `bytes` over what stands from `offset` on and answers the new length; a gap between the old end and
    /// `offset` is filled with zeros. The object becomes raw, unless there is nothing to write: then it stays as it
    /// is, whatever `offset` says. In C: `SETRANGE`.
    ///
    /// # Errors
    /// [`TooLong`](StringError::TooLong) beyond `limits.proto_max_bulk_len`.
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// let mut object = Robj::from("Hello World");
    /// assert_eq!(object.set_range(6, b"Redis", &EncodingLimits::DEFAULT), Ok(11));
    /// assert_eq!(object, Robj::from("Hello Redis"));
    /// ```
    pub fn set_range(
        &mut self,
        offset: usize,
        bytes: &[u8],
        limits: &EncodingLimits,
    ) -> Result<usize, StringError> {
        StringError::or_oom(self.try_set_range(offset, bytes, limits))
    }

    /// [`set_range`](Self::set_range) that answers an error for want of memory too.
    pub fn try_set_range(
        &mut self,
        offset: usize,
        bytes: &[u8],
        limits: &EncodingLimits,
    ) -> Result<usize, StringError> {
        if bytes.is_empty() {
            return Ok(self.string_len()?);
        }
        let end = limits.check_len(offset, bytes.len())?;
        let string = self.try_make_len(end)?;
        string.as_mut_bytes()[offset..end].copy_from_slice(bytes);
        Ok(string.len())
    }

    /// The bytes from `start` to `end`, both included; below 0 they count from the end, and what lies outside the
    /// string is left out. Constant time, no copy. In C: `GETRANGE`, `SUBSTR`.
    ///
    /// An index that lies before the string means its first byte, also as an end. So a range that lies before the string
    /// altogether has that byte in it, as on a server.
    ///
    /// ```
    /// let object = robj::Robj::from("This is a string");
    /// assert_eq!(&*object.get_range(0, 3)?, b"This");
    /// assert_eq!(&*object.get_range(-6, -1)?, b"string");
    /// assert_eq!(&*object.get_range(-200, -100)?, b"T");
    /// assert_eq!(&*robj::Robj::from(12_345).get_range(1, -2)?, b"234");
    /// # Ok::<(), robj::WrongType>(())
    /// ```
    pub fn get_range(&self, start: i64, end: i64) -> Result<StrView<'_>, WrongType> {
        let text = self.as_string()?;
        let range = if is_reversed(start, end) { None } else { clamp(start, end, text.len() as u64) };
        let range = range.unwrap_or(0..0);
        Ok(text.slice(range.start as usize..range.end as usize))
    }

    /// The string, raw and this reference's own, with zeros at its end up to `len` bytes if it was shorter.
    pub(super) fn try_make_len(&mut self, len: usize) -> Result<&mut Sds, StringError> {
        let string = self.try_make_room(len.saturating_sub(self.string_len()?))?;
        string.try_grow_zero(len)?;
        Ok(string)
    }
}

impl EncodingLimits {
    /// `len + additional`, if a string may be as long as that.
    #[inline]
    fn check_len(&self, len: usize, additional: usize) -> Result<usize, StringError> {
        match len.checked_add(additional) {
            Some(len) if len <= self.proto_max_bulk_len => Ok(len),
            sum => Err(StringError::TooLong { len: sum.unwrap_or(usize::MAX) }),
        }
    }
}
