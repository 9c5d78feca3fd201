//! Tags in a NEON register.
//!
//! NEON has no instruction that gathers the top bits of sixteen bytes. The lanes are shifted to 0 or 1
//! instead, and a multiplication gathers the bits of each half.

use core::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vcombine_u8, vdup_n_u8, vdupq_n_u8, vgetq_lane_u64, vld1_u8, vld1q_u8,
    vreinterpretq_u64_u8, vsetq_lane_u8, vshrq_n_u8,
};

use super::portable::gather_low_bits;
use super::{filter_bit, tag_of};

#[derive(Clone, Copy)]
pub(crate) struct Group(uint8x16_t);

/// Returns one bit per lane, from lanes of 0 or 1.
#[inline]
fn bits(lanes: uint8x16_t) -> u32 {
    // SAFETY: NEON is a target feature of this build.
    let (low, high) = unsafe {
        let words = vreinterpretq_u64_u8(lanes);
        (vgetq_lane_u64::<0>(words), vgetq_lane_u64::<1>(words))
    };
    gather_low_bits(low) | gather_low_bits(high) << 8
}

impl Group {
    /// # Safety
    /// `tags` points at 16 readable bytes.
    #[inline]
    pub(crate) unsafe fn load(tags: *const u8) -> Self {
        // SAFETY: the caller guarantees 16 readable bytes.
        Self(unsafe { vld1q_u8(tags) })
    }

    /// # Safety
    /// `tags` points at 8 readable bytes.
    #[inline]
    pub(crate) unsafe fn load_half(tags: *const u8) -> Self {
        // SAFETY: the caller guarantees 8 readable bytes.
        Self(unsafe { vcombine_u8(vld1_u8(tags), vdup_n_u8(0)) })
    }

    #[inline]
    pub(crate) fn probe(self, hash: u64) -> u32 {
        let tag = tag_of(hash);
        // SAFETY: NEON is a target feature of this build.
        bits(unsafe {
            // Lane 15 is the filter, in which only the bit of the tag counts. The other lanes are compared
            // with the tag.
            let mask = vsetq_lane_u8::<15>(filter_bit(tag), vdupq_n_u8(0x7f));
            let wanted = vsetq_lane_u8::<15>(filter_bit(tag), vdupq_n_u8(tag));
            vshrq_n_u8::<7>(vceqq_u8(vandq_u8(self.0, mask), wanted))
        })
    }

    #[inline]
    pub(crate) fn matching_zero(self) -> u32 {
        // SAFETY: NEON is a target feature of this build.
        bits(unsafe { vshrq_n_u8::<7>(vceqq_u8(self.0, vdupq_n_u8(0))) })
    }

    #[inline]
    pub(crate) fn top_bits(self) -> u32 {
        // SAFETY: NEON is a target feature of this build.
        bits(unsafe { vshrq_n_u8::<7>(self.0) })
    }
}
