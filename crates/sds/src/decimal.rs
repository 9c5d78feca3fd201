//! Writes integers as decimal text.
//!
//! An integer is written directly to its final place. Its number of digits is computed first. So the last
//! pair of digits can be written first, and each other pair in front of it. Formatting into a buffer and
//! copying the text takes twice as long, because the copy waits for the narrow stores of the digits.

use core::ptr::NonNull;

/// An integer of 64 bits, with or without a sign, that is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Decimal {
    negative: bool,
    magnitude: u64,
    /// The length of the text in bytes, including the sign.
    len: usize,
}

/// The numbers of two digits, as text.
static PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut at) = ([[0; 2]; 100], 0);
    while at < pairs.len() {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// Returns how many digits `value` has.
///
/// The simple version counts how many powers of ten, from ten up, are at most `value`, and adds one. This
/// version estimates the number of digits from the number of bits: a digit has 3.32 bits. `1233 / 4096` is
/// the decimal logarithm of 2 closely enough for 64 bits. The estimate is right or too low by one, so one
/// comparison corrects it.
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
    /// Returns the length of the text in bytes.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn new(negative: bool, magnitude: u64) -> Self {
        Self { negative, magnitude, len: digit_count(magnitude) + usize::from(negative) }
    }

    /// Writes the text.
    ///
    /// # Safety
    /// `to` must be valid for writes of `self.len` bytes.
    #[inline]
    pub(crate) unsafe fn write(self, to: NonNull<u8>) {
        /// # Safety
        /// `number` must be below 100, and `to` must be valid for writes of 2 bytes.
        #[inline(always)]
        unsafe fn put(number: u32, to: NonNull<u8>) {
            // SAFETY: `number` is below 100 and `to` is valid for 2 bytes, by contract.
            unsafe { to.cast().write(*PAIRS.get_unchecked(number as usize)) }
        }
        // SAFETY: this writes the digits that `new` counted and the sign. Together they are `len` bytes.
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
