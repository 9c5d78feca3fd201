//! Tags in two 64-bit words: for platforms without a vector file here, and as the oracle of the tests.

use super::{SLOT_MASK, SLOTS, filter_bit, tag_of};

/// A byte repeated eight times.
#[inline]
const fn splat(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// 0x80 in each byte of `word` that is zero, for words whose bytes are at most 0x7f: adding 0x7f then
/// carries into a byte's top bit and no further.
#[inline]
const fn zero_bytes_of_seven_bits(word: u64) -> u64 {
    !(word + splat(0x7f)) & splat(0x80)
}

/// One bit a byte, the lowest byte first, from bytes of 0 or 1: the multiplication lays eight shifted
/// copies over each other so that the top byte receives one bit of each.
#[inline]
pub(crate) const fn gather_low_bits(word: u64) -> u32 {
    (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// The bytes of `word` whose lower seven bits are `tag`, one bit each.
#[inline]
const fn matching_bytes(word: u64, tag: u8) -> u32 {
    gather_low_bits(zero_bytes_of_seven_bits((word & splat(0x7f)) ^ splat(tag)) >> 7)
}

/// The bytes of `word` that are zero, one bit each.
#[inline]
const fn zero_bytes(word: u64) -> u32 {
    let low_seven = zero_bytes_of_seven_bits(word & splat(0x7f));
    gather_low_bits((low_seven & !word) >> 7)
}

/// The bytes of `word` with the top bit set, one bit each.
#[inline]
const fn top_bits(word: u64) -> u32 {
    gather_low_bits((word >> 7) & splat(1))
}

#[derive(Clone, Copy)]
pub(crate) struct Group {
    low: u64,
    high: u64,
}

impl Group {
    /// # Safety
    /// `tags` points at 16 readable bytes.
    #[inline]
    pub(crate) unsafe fn load(tags: *const u8) -> Self {
        // SAFETY: 16 readable bytes; the reads ask for no alignment.
        unsafe {
            Self {
                low: u64::from_le(tags.cast::<u64>().read_unaligned()),
                high: u64::from_le(tags.add(8).cast::<u64>().read_unaligned()),
            }
        }
    }

    /// # Safety
    /// `tags` points at 8 readable bytes.
    #[inline]
    pub(crate) unsafe fn load_half(tags: *const u8) -> Self {
        // SAFETY: 8 readable bytes; the read asks for no alignment.
        Self { low: u64::from_le(unsafe { tags.cast::<u64>().read_unaligned() }), high: 0 }
    }

    #[inline]
    pub(crate) fn probe(self, hash: u64) -> u32 {
        let tag = tag_of(hash);
        let slots = matching_bytes(self.low, tag) | matching_bytes(self.high, tag) << 8;
        let filter = (self.high >> 56) as u8;
        slots & SLOT_MASK | u32::from(filter & filter_bit(tag) != 0) << SLOTS
    }

    #[inline]
    pub(crate) fn matching_zero(self) -> u32 {
        zero_bytes(self.low) | zero_bytes(self.high) << 8
    }

    #[inline]
    pub(crate) fn top_bits(self) -> u32 {
        top_bits(self.low) | top_bits(self.high) << 8
    }
}
