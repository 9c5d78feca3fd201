//! Tags in an SSE2 register, which every x86-64 has.

use core::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
    _mm_setzero_si128,
};

#[derive(Clone, Copy)]
pub(crate) struct Group(__m128i);

impl Group {
    /// # Safety
    /// `tags` points at 16 readable bytes.
    #[inline]
    pub(crate) unsafe fn load(tags: *const u8) -> Self {
        // SAFETY: 16 readable bytes; the load asks for no alignment.
        Self(unsafe { _mm_loadu_si128(tags.cast()) })
    }

    #[inline]
    pub(crate) fn matching(self, tag: u8) -> u32 {
        // SAFETY: SSE2 is a target feature of this build.
        unsafe {
            let seven_bits = _mm_and_si128(self.0, _mm_set1_epi8(0x7f));
            _mm_movemask_epi8(_mm_cmpeq_epi8(seven_bits, _mm_set1_epi8(tag as i8))) as u32
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
