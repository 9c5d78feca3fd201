//! Tags in two 64-bit words: for platforms that have no vector file here, and as the oracle of the tests.

use super::{SLOT_MASK, SLOTS, filter_bit, tag_of};

/// A byte repeated eight times.
#[inline]
const fn splat(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// Returns 0x80 in each byte of `word` that is zero. The bytes of `word` are at most 0x7f, so the addition of
/// 0x7f carries into the top bit of a byte and no further.
#[inline]
const fn zero_bytes_of_seven_bits(word: u64) -> u64 {
    !(word + splat(0x7f)) & splat(0x80)
}

/// Returns one bit per byte, the lowest byte first, from bytes of 0 or 1. The multiplication adds eight
/// shifted copies, so that the top byte receives one bit of each byte.
#[inline]
pub(crate) const fn gather_low_bits(word: u64) -> u32 {
    (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// Returns one bit per byte of `word`: 1 if the lower seven bits of the byte are `tag`.
#[inline]
const fn matching_bytes(word: u64, tag: u8) -> u32 {
    gather_low_bits(zero_bytes_of_seven_bits((word & splat(0x7f)) ^ splat(tag)) >> 7)
}

/// Returns one bit per byte of `word`: 1 if the byte is zero.
#[inline]
const fn zero_bytes(word: u64) -> u32 {
    let low_seven = zero_bytes_of_seven_bits(word & splat(0x7f));
    gather_low_bits((low_seven & !word) >> 7)
}

/// Returns one bit per byte of `word`: 1 if the top bit of the byte is set.
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
        // SAFETY: the caller guarantees 16 readable bytes, and the reads need no alignment.
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
        // SAFETY: the caller guarantees 8 readable bytes, and the read needs no alignment.
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
