//! Integers as text, and what [`double`] makes of doubles.
//!
//! An integer is written where it will stay. How many digits it has is known beforehand, so the last pair goes to
//! its place first and the others in front of it; formatting into a buffer and copying from there costs as much again,
//! because the copy waits for the digits' narrow stores.

use crate::Sds;
use crate::{double, layout};
use core::ptr::NonNull;
use zmalloc::{ReserveError, or_oom};

/// An integer of 64 bits, with or without sign, on its way to text.
#[derive(Clone, Copy)]
pub(crate) struct Decimal {
    negative: bool,
    magnitude: u64,
    /// The bytes of the text: digits and sign.
    len: usize,
}

/// The numbers of two digits.
static PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut at) = ([[0; 2]; 100], 0);
    while at < pairs.len() {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// How many digits `value` has: one more than the powers of ten, from ten up, that it reaches. Its bits tell that but for
/// one power, since each has 3.32 of them: `1233 / 4096` is the logarithm of 2 closely enough for 64 bits.
#[inline]
fn digit_count(value: u64) -> usize {
    static POWERS: [u64; 20] = {
        let (mut powers, mut at) = ([0; 20], 1);
        while at < powers.len() {
            powers[at] = 10_u64.pow(at as u32);
            at += 1;
        }
        powers
    };
    let bits = (u64::BITS - (value | 1).leading_zeros()) as usize;
    let power = (bits * 1233) >> 12;
    power + usize::from(value >= POWERS[power])
}

impl Decimal {
    /// The bytes of the text.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    #[inline]
    fn new(negative: bool, magnitude: u64) -> Self {
        Self { negative, magnitude, len: digit_count(magnitude) + usize::from(negative) }
    }

    /// # Safety
    /// `to` may be written over `self.len` bytes.
    #[inline]
    pub(crate) unsafe fn write(self, to: NonNull<u8>) {
        /// # Safety
        /// `number` is below 100, and `to` may be written over 2 bytes.
        #[inline(always)]
        unsafe fn put(number: u32, to: NonNull<u8>) {
            // SAFETY: by contract.
            unsafe { to.cast().write(*PAIRS.get_unchecked(number as usize)) }
        }
        // SAFETY: as many digits are written as `new` has counted, with the sign `len` bytes.
        unsafe {
            let mut end = to.add(self.len);
            let mut rest = self.magnitude;
            while rest >= 10_000 {
                let four = (rest % 10_000) as u32;
                rest /= 10_000;
                end = end.sub(4);
                put(four / 100, end);
                put(four % 100, end.add(2));
            }
            let mut rest = rest as u32;
            if rest >= 100 {
                end = end.sub(2);
                put(rest % 100, end);
                rest /= 100;
            }
            if rest >= 10 {
                put(rest, end.sub(2));
            } else {
                end.sub(1).write(b'0' + rest as u8);
            }
            if self.negative {
                to.write(b'-');
            }
        }
    }
}

impl From<i64> for Decimal {
    #[inline]
    fn from(value: i64) -> Self {
        Self::new(value < 0, value.unsigned_abs())
    }
}

impl Sds {
    /// `value` in decimal. In C: `sdsfromlonglong`.
    ///
    /// ```
    /// assert_eq!(sds::Sds::from_i64(i64::MIN), "-9223372036854775808");
    /// ```
    pub fn from_i64(value: i64) -> Self {
        or_oom(Self::try_from_i64(value))
    }

    /// [`from_i64`](Self::from_i64) that answers an error.
    pub fn try_from_i64(value: i64) -> Result<Self, ReserveError> {
        let text = Decimal::from(value);
        // SAFETY: all the bytes are filled.
        unsafe {
            let new = Self::try_uninit(text.len)?;
            text.write(new.ptr);
            Ok(new)
        }
    }

    /// The text of a double in the notation in which servers since Redis 7.2 write scores: whole numbers up to 2^62 as integers, others
    /// with the shortest digits that read back as `value`. A number has an exponent if it has 8 zeros or more at its end, or if it has
    /// 7 decimals or more and a magnitude of at least 10,000 or below 0.001. (Servers do not always find the shortest digits: about one
    /// number in a thousand has others there.) In C: `d2string`.
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

    /// [`from_f64`](Self::from_f64) that answers an error.
    pub fn try_from_f64(value: f64) -> Result<Self, ReserveError> {
        double::with_text(value, Self::try_from_bytes)
    }

    /// Appends `value` in decimal. In C: `sdscatfmt` with `%I`.
    pub fn push_i64(&mut self, value: i64) {
        or_oom(self.try_push_i64(value));
    }

    /// [`push_i64`](Self::push_i64) that answers an error.
    pub fn try_push_i64(&mut self, value: i64) -> Result<(), ReserveError> {
        self.try_push_decimal(value < 0, value.unsigned_abs())
    }

    /// Appends `value` in decimal. In C: `sdscatfmt` with `%U`.
    pub fn push_u64(&mut self, value: u64) {
        or_oom(self.try_push_u64(value));
    }

    /// [`push_u64`](Self::push_u64) that answers an error.
    pub fn try_push_u64(&mut self, value: u64) -> Result<(), ReserveError> {
        self.try_push_decimal(false, value)
    }

    fn try_push_decimal(&mut self, negative: bool, magnitude: u64) -> Result<(), ReserveError> {
        let text = Decimal::new(negative, magnitude);
        let (mut len, room) = (self.len(), self.avail());
        if text.len > room {
            self.grow(text.len, true)?;
            len = self.len();
        }
        // SAFETY: there is room for the text, all of which is filled; so the header is not `Sds5`, which has none.
        unsafe {
            let end = self.ptr.add(len);
            text.write(end);
            end.add(text.len).write(0);
            layout::set_len(self.ptr, len + text.len);
        }
        Ok(())
    }

    /// Appends `value` as [`from_f64`](Self::from_f64) writes it.
    pub fn push_f64(&mut self, value: f64) {
        or_oom(self.try_push_f64(value));
    }

    /// [`push_f64`](Self::push_f64) that answers an error.
    pub fn try_push_f64(&mut self, value: f64) -> Result<(), ReserveError> {
        double::with_text(value, |text| self.try_push_bytes(text))
    }
}
