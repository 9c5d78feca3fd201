//! Prefetching: requests that the processor loads memory before it is needed.
//!
//! A prefetch never faults and changes nothing that a program can observe, so any address is valid. On
//! targets without a prefetch instruction, and under Miri, nothing happens.

/// Prefetches the cache line at `ptr`, which may be any address.
#[inline(always)]
pub fn prefetch<T>(ptr: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86-64, and a prefetch may be given any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr.cast()) };
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    {
        // SAFETY: this is a hint, which may be given any address. It reads no memory that the compiler knows
        // of.
        unsafe {
            core::arch::asm!("prfm pldl1keep, [{}]", in(reg) ptr, options(nostack, readonly, preserves_flags));
        }
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = ptr;
}

/// Prefetches the cache lines of the `bytes` bytes from `ptr`, but at most `MOST_LINES` of them.
#[inline]
pub(crate) fn prefetch_range(ptr: *const u8, bytes: usize) {
    const LINE: usize = 64;
    const MOST_LINES: usize = 8;
    for line in 0..bytes.div_ceil(LINE).min(MOST_LINES) {
        prefetch(ptr.wrapping_add(line * LINE));
    }
}
