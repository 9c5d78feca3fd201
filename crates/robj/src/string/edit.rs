//! The commands on strings, on the string of an object: [`values::string`] documents them.
//!
//! Whatever writes makes the object raw first, in one step with the room that it needs, so that an
//! allocation that fails leaves the object in its old encoding too. Room is reserved greedily (see `sds`), because
//! callers that append once append again. The clock of an object stays.

use crate::object::Robj;
use values::string::{self, BitFieldType, BitOverflow, BitRange, LongDouble, StringMut};
use values::{EncodingLimits, Error, StrView, WrongType};

/// An object that holds a string: it becomes raw, and its own, with the first write.
impl StringMut for Robj {
    type Error = Error;

    #[inline]
    fn string_len(&self) -> Result<usize, Error> {
        Ok(Self::string_len(self)?)
    }

    #[inline]
    fn try_append_bytes(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let string = self.try_make_room(bytes.len())?;
        string.try_push_bytes(bytes)?;
        Ok(string.len())
    }

    #[inline]
    fn try_make_len(&mut self, len: usize) -> Result<&mut [u8], Error> {
        let string = self.try_make_room(len.saturating_sub(Self::string_len(self)?))?;
        string.try_grow_zero(len)?;
        Ok(string.as_mut_bytes())
    }
}

/// Reading and writing parts.
impl Robj {
    /// Puts `bytes` at the end and returns the new length. The object becomes raw, and its own, even if there is
    /// nothing to add. Amortised O(length of `bytes`) once it is raw. In C: `APPEND`.
    ///
    /// # Errors
    /// [`Error::WrongType`]; [`TooLong`](string::StringError::TooLong) beyond `limits.proto_max_bulk_len`.
    ///
    /// ```
    /// use robj::{Encoding, EncodingLimits, Robj};
    /// let mut object = Robj::from(12);
    /// assert_eq!(object.append(b"3", &EncodingLimits::DEFAULT), Ok(3));
    /// assert_eq!(object.encoding(), Encoding::Raw);
    /// assert_eq!(object, Robj::from("123"));
    /// ```
    #[inline]
    pub fn append(&mut self, bytes: &[u8], limits: &EncodingLimits) -> Result<usize, Error> {
        Error::or_oom(self.try_append(bytes, limits))
    }

    /// [`append`](Self::append) that returns an error for want of memory too.
    #[inline]
    pub fn try_append(&mut self, bytes: &[u8], limits: &EncodingLimits) -> Result<usize, Error> {
        string::try_append(self, bytes, limits)
    }

    /// Writes `bytes` over what stands from `offset` on and returns the new length; a gap between the old end and
    /// `offset` is filled with zeros. The object becomes raw, unless there is nothing to write: then it stays as it
    /// is, whatever `offset` says. In C: `SETRANGE`.
    ///
    /// # Errors
    /// [`Error::WrongType`]; [`TooLong`](string::StringError::TooLong) beyond `limits.proto_max_bulk_len`.
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
    ) -> Result<usize, Error> {
        Error::or_oom(self.try_set_range(offset, bytes, limits))
    }

    /// [`set_range`](Self::set_range) that returns an error for want of memory too.
    pub fn try_set_range(
        &mut self,
        offset: usize,
        bytes: &[u8],
        limits: &EncodingLimits,
    ) -> Result<usize, Error> {
        string::try_set_range(self, offset, bytes, limits)
    }

    /// The bytes from `start` to `end`, both included: [`string::get_range`]. Constant time, no copy. In C: `GETRANGE`,
    /// `SUBSTR`.
    ///
    /// ```
    /// let object = robj::Robj::from("This is a string");
    /// assert_eq!(&*object.get_range(0, 3)?, b"This");
    /// assert_eq!(&*object.get_range(-6, -1)?, b"string");
    /// # Ok::<(), values::WrongType>(())
    /// ```
    pub fn get_range(&self, start: i64, end: i64) -> Result<StrView<'_>, WrongType> {
        Ok(string::get_range(self.as_element()?, start, end))
    }
}

/// Counting.
impl Robj {
    /// Adds to the integer and returns the sum. The object becomes an int, or a shared one, as
    /// [`set_i64`](Self::set_i64) does it. In C: `INCRBY`, `INCR`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`string::incr_by`].
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// use values::string::StringError;
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut counter = Robj::from(i64::MAX - 1);
    /// assert_eq!(counter.incr_by(1, &limits), Ok(i64::MAX));
    /// assert_eq!(counter.incr_by(1, &limits), Err(StringError::Overflow { value: i64::MAX }.into()));
    /// ```
    #[inline]
    pub fn incr_by(&mut self, increment: i64, limits: &EncodingLimits) -> Result<i64, Error> {
        Error::or_oom(self.try_incr_by(increment, limits))
    }

    /// [`incr_by`](Self::incr_by) that returns an error for want of memory too.
    pub fn try_incr_by(&mut self, increment: i64, limits: &EncodingLimits) -> Result<i64, Error> {
        let sum = string::incr_by(self.as_element()?, increment)?;
        self.try_set_i64(sum, limits)?;
        Ok(sum)
    }

    /// Subtracts from the integer and returns the difference. In C: `DECRBY`, `DECR`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`string::decr_by`].
    #[inline]
    pub fn decr_by(&mut self, decrement: i64, limits: &EncodingLimits) -> Result<i64, Error> {
        Error::or_oom(self.try_decr_by(decrement, limits))
    }

    /// [`decr_by`](Self::decr_by) that returns an error for want of memory too.
    pub fn try_decr_by(&mut self, decrement: i64, limits: &EncodingLimits) -> Result<i64, Error> {
        let difference = string::decr_by(self.as_element()?, decrement)?;
        self.try_set_i64(difference, limits)?;
        Ok(difference)
    }

    /// Adds to the number that the string is the text of, and returns the sum. The object's text is then that of the sum
    /// ([`LongDouble`]): embstr or raw, never an int. In C: `INCRBYFLOAT`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`string::incr_by_float`].
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// let mut object = Robj::from("10.50");
    /// assert_eq!(object.incr_by_float(0.1, &EncodingLimits::DEFAULT).unwrap().to_string(), "10.6");
    /// assert_eq!(object, Robj::from("10.6"));
    /// ```
    pub fn incr_by_float(
        &mut self,
        increment: impl Into<LongDouble>,
        limits: &EncodingLimits,
    ) -> Result<LongDouble, Error> {
        Error::or_oom(self.try_incr_by_float(increment, limits))
    }

    /// [`incr_by_float`](Self::incr_by_float) that returns an error for want of memory too.
    pub fn try_incr_by_float(
        &mut self,
        increment: impl Into<LongDouble>,
        limits: &EncodingLimits,
    ) -> Result<LongDouble, Error> {
        let sum = string::incr_by_float(self.as_element()?, increment)?;
        let lru = self.header().lru();
        *self = sum.with_text(|text| Self::try_from_bytes_at(text, limits, lru))?;
        Ok(sum)
    }
}

/// Single bits, counting, searching; integers of any width.
impl Robj {
    /// Writes one bit and returns what it was. The string is filled with zeros up to it, and becomes raw even if
    /// nothing changes. In C: `SETBIT`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`string::try_set_bit`].
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// let mut object = Robj::from("a"); // 0x61
    /// assert_eq!(object.set_bit(6, true, &EncodingLimits::DEFAULT), Ok(false));
    /// assert_eq!(object, Robj::from("c"));
    /// ```
    #[inline]
    pub fn set_bit(&mut self, offset: u64, bit: bool, limits: &EncodingLimits) -> Result<bool, Error> {
        Error::or_oom(self.try_set_bit(offset, bit, limits))
    }

    /// [`set_bit`](Self::set_bit) that returns an error for want of memory too.
    pub fn try_set_bit(&mut self, offset: u64, bit: bool, limits: &EncodingLimits) -> Result<bool, Error> {
        string::try_set_bit(self, offset, bit, limits)
    }

    /// The bit at `offset`: [`string::get_bit`]. In C: `GETBIT`.
    #[inline]
    pub fn get_bit(&self, offset: u64) -> Result<bool, WrongType> {
        Ok(string::get_bit(&self.as_string()?, offset))
    }

    /// How many bits in the range are 1: [`string::bit_count`]. In C: `BITCOUNT`.
    ///
    /// ```
    /// use values::string::BitRange;
    /// assert_eq!(robj::Robj::from("foobar").bit_count(BitRange::Bytes(1, 1)), Ok(6));
    /// ```
    pub fn bit_count(&self, range: BitRange) -> Result<u64, WrongType> {
        Ok(string::bit_count(&self.as_string()?, range))
    }

    /// Where the first bit of the range is that is `bit`: [`string::bit_pos`]. In C: `BITPOS`.
    pub fn bit_pos(&self, bit: bool, range: BitRange) -> Result<Option<u64>, WrongType> {
        Ok(string::bit_pos(&self.as_string()?, bit, range))
    }

    /// The integer at bit `offset`: [`string::bitfield_get`]. In C: `BITFIELD GET`.
    pub fn bitfield_get(&self, field: BitFieldType, offset: u64) -> Result<i64, WrongType> {
        Ok(string::bitfield_get(&self.as_string()?, field, offset))
    }

    /// Writes the integer at bit `offset` and returns what it was: [`string::try_bitfield_set`]. The object becomes raw
    /// in any case. In C: `BITFIELD SET`.
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// use values::string::{BitFieldType, BitOverflow};
    /// let (u4, limits) = (BitFieldType::unsigned(4).unwrap(), EncodingLimits::DEFAULT);
    /// let mut object = Robj::from("");
    /// assert_eq!(object.bitfield_set(u4, 4, 9, BitOverflow::Wrap, &limits), Ok(Some(0)));
    /// assert_eq!(object, Robj::from("\x09"));
    /// ```
    pub fn bitfield_set(
        &mut self,
        field: BitFieldType,
        offset: u64,
        value: i64,
        overflow: BitOverflow,
        limits: &EncodingLimits,
    ) -> Result<Option<i64>, Error> {
        Error::or_oom(self.try_bitfield_set(field, offset, value, overflow, limits))
    }

    /// [`bitfield_set`](Self::bitfield_set) that returns an error for want of memory too.
    pub fn try_bitfield_set(
        &mut self,
        field: BitFieldType,
        offset: u64,
        value: i64,
        overflow: BitOverflow,
        limits: &EncodingLimits,
    ) -> Result<Option<i64>, Error> {
        string::try_bitfield_set(self, field, offset, value, overflow, limits)
    }

    /// Adds to the integer at bit `offset` and returns the sum: [`string::try_bitfield_incr_by`]. The object becomes raw in
    /// any case. In C: `BITFIELD INCRBY`.
    pub fn bitfield_incr_by(
        &mut self,
        field: BitFieldType,
        offset: u64,
        increment: i64,
        overflow: BitOverflow,
        limits: &EncodingLimits,
    ) -> Result<Option<i64>, Error> {
        Error::or_oom(self.try_bitfield_incr_by(field, offset, increment, overflow, limits))
    }

    /// [`bitfield_incr_by`](Self::bitfield_incr_by) that returns an error for want of memory too.
    pub fn try_bitfield_incr_by(
        &mut self,
        field: BitFieldType,
        offset: u64,
        increment: i64,
        overflow: BitOverflow,
        limits: &EncodingLimits,
    ) -> Result<Option<i64>, Error> {
        string::try_bitfield_incr_by(self, field, offset, increment, overflow, limits)
    }
}
