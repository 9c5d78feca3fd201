//! Strings from numbers: integers in decimal ([`Decimal`]), and doubles in the notation of [`double`].

use crate::Sds;
use crate::decimal::Decimal;
use crate::{double, layout};
use zmalloc::{ReserveError, or_oom};

impl Sds {
    /// Creates a string of `value` in decimal. In C: `sdsfromlonglong`.
    ///
    /// ```
    /// assert_eq!(sds::Sds::from_i64(i64::MIN), "-9223372036854775808");
    /// ```
    pub fn from_i64(value: i64) -> Self {
        or_oom(Self::try_from_i64(value))
    }

    /// The fallible form of [`from_i64`](Self::from_i64).
    pub fn try_from_i64(value: i64) -> Result<Self, ReserveError> {
        let text = Decimal::from(value);
        // SAFETY: all the bytes are initialised.
        unsafe {
            let new = Self::try_uninit(text.len())?;
            text.write(new.ptr);
            Ok(new)
        }
    }

    /// Creates a string of a double, in the notation in which servers since Redis 7.2 write scores. In C:
    /// `d2string`.
    ///
    /// - Whole numbers up to 2^62 are written as integers.
    /// - Other numbers have the shortest digits that are read back as `value`. (Servers do not always find
    ///   the shortest digits: about one number in a thousand has others there.)
    /// - A number has an exponent if 8 or more zeros follow its digits. It also has one if it has 7 or more
    ///   decimals and a magnitude of at least 10,000 or below 0.001.
    ///
    /// ```
    /// use sds::Sds;
    /// assert_eq!(Sds::from_f64(3.0), "3");
    /// assert_eq!(Sds::from_f64(0.1 + 0.2), "0.30000000000000004");
    /// assert_eq!(Sds::from_f64(4.47757e-5), "4.47757e-5");
    /// assert_eq!(Sds::from_f64(f64::NEG_INFINITY), "-inf");
    /// ```
    pub fn from_f64(value: f64) -> Self {
        or_oom(Self::try_from_f64(value))
    }

    /// The fallible form of [`from_f64`](Self::from_f64).
    pub fn try_from_f64(value: f64) -> Result<Self, ReserveError> {
        double::with_text(value, Self::try_from_bytes)
    }

    /// Appends `value` in decimal. In C: `sdscatfmt` with `%I`.
    pub fn push_i64(&mut self, value: i64) {
        or_oom(self.try_push_i64(value));
    }

    /// The fallible form of [`push_i64`](Self::push_i64).
    pub fn try_push_i64(&mut self, value: i64) -> Result<(), ReserveError> {
        self.try_push_decimal(value < 0, value.unsigned_abs())
    }

    /// Appends `value` in decimal. In C: `sdscatfmt` with `%U`.
    pub fn push_u64(&mut self, value: u64) {
        or_oom(self.try_push_u64(value));
    }

    /// The fallible form of [`push_u64`](Self::push_u64).
    pub fn try_push_u64(&mut self, value: u64) -> Result<(), ReserveError> {
        self.try_push_decimal(false, value)
    }

    fn try_push_decimal(&mut self, negative: bool, magnitude: u64) -> Result<(), ReserveError> {
        let text = Decimal::new(negative, magnitude);
        let (mut len, room) = (self.len(), self.avail());
        if text.len() > room {
            self.grow(text.len(), true)?;
            len = self.len();
        }
        // SAFETY: there is room for the text, so the header is not `Sds5`. All bytes of the text are
        // initialised.
        unsafe {
            let end = self.ptr.add(len);
            text.write(end);
            end.add(text.len()).write(0);
            layout::set_len(self.ptr, len + text.len());
        }
        Ok(())
    }

    /// Appends `value` as [`from_f64`](Self::from_f64) writes it.
    pub fn push_f64(&mut self, value: f64) {
        or_oom(self.try_push_f64(value));
    }

    /// The fallible form of [`push_f64`](Self::push_f64).
    pub fn try_push_f64(&mut self, value: f64) -> Result<(), ReserveError> {
        double::with_text(value, |text| self.try_push_bytes(text))
    }
}
