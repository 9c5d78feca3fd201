//! The string commands on an object. [`values::string`] documents them.
//!
//! A write first makes the object raw and reserves the room that it needs, in one step. So a failed
//! allocation leaves the object in its old encoding too. Room is reserved greedily (see `sds`), because
//! callers that append once append again. The object keeps its clock.

use crate::object::Robj;
use values::string::{self, BitFieldType, BitOverflow, BitRange, LongDouble, StringMut};
use values::{EncodingLimits, Error, StrView, WrongType};

/// An object that holds a string. The first write makes it raw, with one reference.
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

/// Commands that read and write parts of a string.
impl Robj {
    /// Appends `bytes` and returns the new length. The object becomes raw, with one reference, even if
    /// `bytes` is empty. Amortised O(length of `bytes`) if it is raw already. In C: `APPEND`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and [`TooLong`](string::StringError::TooLong) above `limits.proto_max_bulk_len`.
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

    /// Does the same as [`append`](Self::append), but returns an error if an allocation fails.
    #[inline]
    pub fn try_append(&mut self, bytes: &[u8], limits: &EncodingLimits) -> Result<usize, Error> {
        string::try_append(self, bytes, limits)
    }

    /// Overwrites the string from `offset` on with `bytes`, and returns the new length. A gap between the
    /// old end and `offset` is filled with zeros. In C: `SETRANGE`.
    ///
    /// The object becomes raw. But if `bytes` is empty nothing changes, whatever `offset` is.
    ///
    /// # Errors
    /// [`Error::WrongType`], and [`TooLong`](string::StringError::TooLong) above `limits.proto_max_bulk_len`.
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

    /// Does the same as [`set_range`](Self::set_range), but returns an error if an allocation fails.
    pub fn try_set_range(
        &mut self,
        offset: usize,
        bytes: &[u8],
        limits: &EncodingLimits,
    ) -> Result<usize, Error> {
        string::try_set_range(self, offset, bytes, limits)
    }

    /// Returns the bytes from `start` to `end`, both included, as [`string::get_range`] does. Constant
    /// time, without a copy. In C: `GETRANGE`, `SUBSTR`.
    ///
    /// # Errors
    /// [`WrongType`] if the object does not hold a string.
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

/// Commands that count.
impl Robj {
    /// Adds `increment` to the integer and returns the sum. The object becomes an int, or a shared integer,
    /// as in [`set_i64`](Self::set_i64). In C: `INCRBY`, `INCR`.
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

    /// Does the same as [`incr_by`](Self::incr_by), but returns an error if an allocation fails.
    pub fn try_incr_by(&mut self, increment: i64, limits: &EncodingLimits) -> Result<i64, Error> {
        let sum = string::incr_by(self.as_element()?, increment)?;
        self.try_set_i64(sum, limits)?;
        Ok(sum)
    }

    /// Subtracts `decrement` from the integer and returns the difference. In C: `DECRBY`, `DECR`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`string::decr_by`].
    #[inline]
    pub fn decr_by(&mut self, decrement: i64, limits: &EncodingLimits) -> Result<i64, Error> {
        Error::or_oom(self.try_decr_by(decrement, limits))
    }

    /// Does the same as [`decr_by`](Self::decr_by), but returns an error if an allocation fails.
    pub fn try_decr_by(&mut self, decrement: i64, limits: &EncodingLimits) -> Result<i64, Error> {
        let difference = string::decr_by(self.as_element()?, decrement)?;
        self.try_set_i64(difference, limits)?;
        Ok(difference)
    }

    /// Adds `increment` to the number in the string, and returns the sum. The object then holds the text of
    /// the sum ([`LongDouble`]). It is embstr or raw, never an int. In C: `INCRBYFLOAT`.
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

    /// Does the same as [`incr_by_float`](Self::incr_by_float), but returns an error if an allocation fails.
    pub fn try_incr_by_float(
        &mut self,
        increment: impl Into<LongDouble>,
        limits: &EncodingLimits,
    ) -> Result<LongDouble, Error> {
        let sum = string::incr_by_float(self.as_element()?, increment)?;
        let lru = self.header().lru();
        *self = sum.with_text(|text| Self::try_from_bytes_with_lru(text, limits, lru))?;
        Ok(sum)
    }
}

/// Commands on single bits and on integers of any width.
impl Robj {
    /// Writes a bit and returns the old one. A shorter string is first filled up with zeros. The object
    /// becomes raw, even if the bit does not change. In C: `SETBIT`.
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

    /// Does the same as [`set_bit`](Self::set_bit), but returns an error if an allocation fails.
    pub fn try_set_bit(&mut self, offset: u64, bit: bool, limits: &EncodingLimits) -> Result<bool, Error> {
        string::try_set_bit(self, offset, bit, limits)
    }

    /// Returns the bit at `offset`, as [`string::get_bit`] does. In C: `GETBIT`.
    ///
    /// # Errors
    /// [`WrongType`] if the object does not hold a string.
    #[inline]
    pub fn get_bit(&self, offset: u64) -> Result<bool, WrongType> {
        Ok(string::get_bit(&self.as_string()?, offset))
    }

    /// Returns the number of bits in the range that are 1, as [`string::bit_count`] does. In C: `BITCOUNT`.
    ///
    /// # Errors
    /// [`WrongType`] if the object does not hold a string.
    ///
    /// ```
    /// use values::string::BitRange;
    /// assert_eq!(robj::Robj::from("foobar").bit_count(BitRange::Bytes(1, 1)), Ok(6));
    /// ```
    pub fn bit_count(&self, range: BitRange) -> Result<u64, WrongType> {
        Ok(string::bit_count(&self.as_string()?, range))
    }

    /// Returns the position of the first bit in the range that equals `bit`, as [`string::bit_pos`] does. In
    /// C: `BITPOS`.
    ///
    /// # Errors
    /// [`WrongType`] if the object does not hold a string.
    pub fn bit_pos(&self, bit: bool, range: BitRange) -> Result<Option<u64>, WrongType> {
        Ok(string::bit_pos(&self.as_string()?, bit, range))
    }

    /// Returns the integer at bit `offset`, as [`string::bitfield_get`] does. In C: `BITFIELD GET`.
    ///
    /// # Errors
    /// [`WrongType`] if the object does not hold a string.
    pub fn bitfield_get(&self, field: BitFieldType, offset: u64) -> Result<i64, WrongType> {
        Ok(string::bitfield_get(&self.as_string()?, field, offset))
    }

    /// Writes the integer at bit `offset` and returns the old one, as [`string::try_bitfield_set`] does.
    /// Returns `None` if the value does not fit and `overflow` is [`BitOverflow::Fail`]. The object always
    /// becomes raw. In C: `BITFIELD SET`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`string::try_bitfield_set`].
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

    /// Does the same as [`bitfield_set`](Self::bitfield_set), but returns an error if an allocation fails.
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

    /// Adds to the integer at bit `offset` and returns the sum, as [`string::try_bitfield_incr_by`] does.
    /// Returns `None` if the sum does not fit and `overflow` is [`BitOverflow::Fail`]. The object always
    /// becomes raw. In C: `BITFIELD INCRBY`.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`string::try_bitfield_incr_by`].
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

    /// Does the same as [`bitfield_incr_by`](Self::bitfield_incr_by), but returns an error if an allocation
    /// fails.
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
