//! Integers as text.
//!
//! An integer is written where it will stay. Its number of digits is computed first, so the last pair of digits can be
//! written first, and each other pair in front of it. Formatting into a buffer and copying from there costs as much again,
//! because the copy waits for the digits' narrow stores.

use core::ptr::NonNull;

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
    pub(crate) fn new(negative: bool, magnitude: u64) -> Self {
        Self { negative, magnitude, len: digit_count(magnitude) + usize::from(negative) }
    }

    /// Writes the text.
    ///
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
