//! Numbers counted up and down: `INCRBY`, `DECRBY`, `INCRBYFLOAT`.
//!
//! Learned from: Redis' `t_string.c` (`incrDecrCommand`, `incrbyfloatCommand`).

use super::error::StringError;
use super::float;
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

    /// Adds to the number that the string is the text of, and answers the sum. The object's text is then the sum
    /// in decimal, with up to 17 decimals, no zeros at their end and no exponent: embstr or raw, never an int.
    /// In C: `INCRBYFLOAT`.
    ///
    /// Sums below 10^20 are exact in decimal, so 0.1 and 0.2 are 0.3; the increment counts as the shortest decimal
    /// that means it. Larger ones are those of `f64`. Redis adds in C's `long double`: on x86-64 the same text as long as the
    /// sum has few digits before the point, but 17 decimals are more than its 64 bits hold of a larger one. There
    /// 1000.1 and 0.1 are 1000.19999999999999996, and here they are 1000.2. And its range is wider: it takes text from 1.8e308
    /// up to 1.1e4932, and hexadecimal text, which are `NotAFloat` here.
    ///
    /// # Errors
    /// [`NotAFloat`](StringError::NotAFloat), and [`NotFinite`](StringError::NotFinite) where the sum or the
    /// increment is NaN or infinite.
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// let mut object = Robj::from("10.50");
    /// assert_eq!(object.incr_by_float(0.1, &EncodingLimits::DEFAULT), Ok(10.6));
    /// assert_eq!(object, Robj::from("10.6"));
    /// ```
    pub fn incr_by_float(&mut self, increment: f64, limits: &EncodingLimits) -> Result<f64, StringError> {
        StringError::or_oom(self.try_incr_by_float(increment, limits))
    }

    /// [`incr_by_float`](Self::incr_by_float) that answers an error for want of memory too.
    pub fn try_incr_by_float(&mut self, increment: f64, limits: &EncodingLimits) -> Result<f64, StringError> {
        let sum = float::add(&self.as_string()?, increment)?;
        let lru = self.header().lru();
        *self = Self::try_from_bytes_at(&sum, limits, lru)?;
        Ok(sum.value())
    }
}
