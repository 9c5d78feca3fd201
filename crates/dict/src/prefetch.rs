//! Asking the processor for memory before it is needed.
//!
//! A prefetch never faults and changes nothing that a program can see, so any address will do. Where there is no
//! instruction for it, and under Miri, nothing happens.

/// Asks for the cache line at `ptr`, which may be any address.
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
        // SAFETY: a hint, which may be given any address; reads no memory that the compiler knows of.
        unsafe {
            core::arch::asm!("prfm pldl1keep, [{}]", in(reg) ptr, options(nostack, readonly, preserves_flags));
        }
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = ptr;
}

/// Asks for the cache lines of `bytes` bytes from `ptr`, up to `MOST_LINES` of them.
#[inline]
pub(crate) fn prefetch_range(ptr: *const u8, bytes: usize) {
    const LINE: usize = 64;
    const MOST_LINES: usize = 8;
    for line in 0..bytes.div_ceil(LINE).min(MOST_LINES) {
        prefetch(ptr.wrapping_add(line * LINE));
    }
}
