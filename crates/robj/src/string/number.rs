//! Numbers counted up and down: `INCRBY`, `DECRBY`, `INCRBYFLOAT`.
//!
//! Learned from: Redis' `t_string.c` (`incrDecrCommand`, `incrbyfloatCommand`).

use super::error::StringError;
use super::long_double::{self, LongDouble};
use crate::limits::EncodingLimits;
use crate::object::Robj;

/// Counting.
impl Robj {
    /// Adds to the integer and answers the sum. An int of this reference alone stays where it is; text of an
    /// integer becomes an int, or a shared one, as [`set_i64`](Self::set_i64) does it. In C: `INCRBY`, `INCR`.
    ///
    /// # Errors
    /// [`NotAnInteger`](StringError::NotAnInteger), [`Overflow`](StringError::Overflow).
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj, StringError};
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut counter = Robj::from(i64::MAX - 1);
    /// assert_eq!(counter.incr_by(1, &limits), Ok(i64::MAX));
    /// assert_eq!(counter.incr_by(1, &limits), Err(StringError::Overflow { value: i64::MAX }));
    /// assert_eq!(Robj::from("ten").incr_by(1, &limits), Err(StringError::NotAnInteger));
    /// ```
    #[inline]
    pub fn incr_by(&mut self, increment: i64, limits: &EncodingLimits) -> Result<i64, StringError> {
        StringError::or_oom(self.try_incr_by(increment, limits))
    }

    /// [`incr_by`](Self::incr_by) that answers an error for want of memory too.
    pub fn try_incr_by(&mut self, increment: i64, limits: &EncodingLimits) -> Result<i64, StringError> {
        let value = self.as_element()?.as_i64().ok_or(StringError::NotAnInteger)?;
        let sum = value.checked_add(increment).ok_or(StringError::Overflow { value })?;
        self.try_set_i64(sum, limits)?;
        Ok(sum)
    }

    /// Subtracts from the integer and answers the difference. In C: `DECRBY`, `DECR`.
    ///
    /// # Errors
    /// Those of [`incr_by`](Self::incr_by). [`i64::MIN`], which has no opposite, is an
    /// overflow of any integer. (Redis refuses it before it looks at the value.)
    #[inline]
    pub fn decr_by(&mut self, decrement: i64, limits: &EncodingLimits) -> Result<i64, StringError> {
        StringError::or_oom(self.try_decr_by(decrement, limits))
    }

    /// [`decr_by`](Self::decr_by) that answers an error for want of memory too.
    pub fn try_decr_by(&mut self, decrement: i64, limits: &EncodingLimits) -> Result<i64, StringError> {
        match decrement.checked_neg() {
            Some(increment) => self.try_incr_by(increment, limits),
            None => {
                let value = self.as_element()?.as_i64().ok_or(StringError::NotAnInteger)?;
                Err(StringError::Overflow { value })
            }
        }
    }

    /// Adds to the number that the string is the text of, and answers the sum. The object's text is then that of the sum
    /// ([`LongDouble`]): embstr or raw, never an int. In C: `INCRBYFLOAT`.
    ///
    /// Numbers are added as servers on x86-64 add them. An increment that comes as text is [`LongDouble::parse`]d. One of `f64`
    /// counts as its shortest decimal text.
    ///
    /// # Errors
    /// [`NotAFloat`](StringError::NotAFloat), and [`NotFinite`](StringError::NotFinite) where the sum or the
    /// increment is NaN or infinite.
    ///
    /// ```
    /// use robj::{EncodingLimits, LongDouble, Robj};
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut object = Robj::from("10.50");
    /// assert_eq!(object.incr_by_float(0.1, &limits).unwrap().to_string(), "10.6");
    /// let increment = LongDouble::parse(b"9007199254740993").unwrap(); // no f64
    /// object.incr_by_float(increment, &limits).unwrap();
    /// assert_eq!(object, Robj::from("9007199254741003.599609375"));
    /// ```
    pub fn incr_by_float(
        &mut self,
        increment: impl Into<LongDouble>,
        limits: &EncodingLimits,
    ) -> Result<LongDouble, StringError> {
        StringError::or_oom(self.try_incr_by_float(increment, limits))
    }

    /// [`incr_by_float`](Self::incr_by_float) that answers an error for want of memory too.
    pub fn try_incr_by_float(
        &mut self,
        increment: impl Into<LongDouble>,
        limits: &EncodingLimits,
    ) -> Result<LongDouble, StringError> {
        let sum = long_double::add(&self.as_string()?, increment.into())?;
        let lru = self.header().lru();
        *self = sum.with_text(|text| Self::try_from_bytes_at(text, limits, lru))?;
        Ok(sum)
    }
}
