//! Tags in an SSE2 register, which every x86-64 processor has.
//!
//! A look-up masks the tags with one vector and compares them with another. Both vectors depend on the seven
//! highest bits of the hash. SSE2 needs four instructions to repeat a byte sixteen times, and more to give
//! the last lane another value. So the vectors are in a table, which takes 4 KiB for the 128 values of these
//! bits. The processor can load them long before it has the tags. Computing the vectors took seven
//! instructions more.

use core::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_load_si128, _mm_loadl_epi64, _mm_loadu_si128,
    _mm_movemask_epi8, _mm_setzero_si128,
};

use super::{SLOTS, TAG_BYTES, filter_bit, tag_of};

/// A vector in memory, aligned as [`_mm_load_si128`] requires.
#[repr(align(16))]
struct Lanes([u8; TAG_BYTES]);

/// The two vectors that a look-up applies to sixteen tags. A lane matches if `tags & mask == expected` there.
#[repr(C)]
struct Pattern {
    /// The bits to compare. In the lanes of the slots, these are all bits except the mark. In the lane of the
    /// filter, this is the bit of the tag.
    mask: Lanes,
    /// The values to find. In the lanes of the slots, this is the tag. In the lane of the filter, this is the
    /// bit of the tag.
    expected: Lanes,
}

/// The vectors for each value of the seven highest bits of a hash.
static PATTERNS: [Pattern; 128] = {
    const NONE: Pattern = Pattern { mask: Lanes([0x7f; TAG_BYTES]), expected: Lanes([0; TAG_BYTES]) };
    let mut patterns = [NONE; 128];
    let mut high = 0;
    while high < patterns.len() {
        let tag = tag_of((high as u64) << 57);
        patterns[high].mask.0[SLOTS] = filter_bit(tag);
        patterns[high].expected.0 = [tag; TAG_BYTES];
        patterns[high].expected.0[SLOTS] = filter_bit(tag);
        high += 1;
    }
    patterns
};

#[derive(Clone, Copy)]
pub(crate) struct Group(__m128i);

impl Group {
    /// # Safety
    /// `tags` points at 16 readable bytes.
    #[inline]
    pub(crate) unsafe fn load(tags: *const u8) -> Self {
        // SAFETY: the caller guarantees 16 readable bytes, and the load needs no alignment.
        Self(unsafe { _mm_loadu_si128(tags.cast()) })
    }

    /// # Safety
    /// `tags` points at 8 readable bytes.
    #[inline]
    pub(crate) unsafe fn load_half(tags: *const u8) -> Self {
        // SAFETY: the caller guarantees 8 readable bytes, and the load needs no alignment.
        Self(unsafe { _mm_loadl_epi64(tags.cast()) })
    }

    #[inline]
    pub(crate) fn probe(self, hash: u64) -> u32 {
        // One shift and one mask give the offset in bytes.
        let offset = (hash >> 52) as usize & (127 * size_of::<Pattern>());
        // SAFETY: SSE2 is a target feature of this build. The offset is that of an element, whose fields are
        // aligned.
        unsafe {
            let pattern = (&raw const PATTERNS).byte_add(offset).cast::<Pattern>();
            let mask = _mm_load_si128((&raw const (*pattern).mask).cast());
            let expected = _mm_load_si128((&raw const (*pattern).expected).cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(self.0, mask), expected)) as u32
        }
    }

    #[inline]
    pub(crate) fn matching_zero(self) -> u32 {
        // SAFETY: SSE2 is a target feature of this build.
        unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(self.0, _mm_setzero_si128())) as u32 }
    }

    #[inline]
    pub(crate) fn top_bits(self) -> u32 {
        // SAFETY: SSE2 is a target feature of this build.
        unsafe { _mm_movemask_epi8(self.0) as u32 }
    }
}
