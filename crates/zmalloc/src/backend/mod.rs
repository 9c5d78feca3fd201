//! The allocators underneath, one file each, chosen by `build.rs`; `family.rs` says once what libc, tcmalloc
//! and mimalloc have in common.
//!
//! Each back end offers the same functions; none of them counts anything. Two words recur:
//!
//! - the *charge* of a block is what it adds to `used_memory`: its size class, or under the prefix
//!   layout its rounded size and the prefix together;
//! - its *usable* size is how many bytes the caller may write.
//!
//! ```text
//! alloc(layout), alloc_zeroed(layout)          null on failure
//! realloc(ptr, layout, new_size)               null on failure, the old block untouched
//! dealloc(ptr, layout)                         layout.size(): anything from requested to usable
//! charge(ptr, layout), usable(ptr, layout)     of a live block
//!
//! raw_alloc, raw_alloc_zeroed, raw_realloc, raw_dealloc, raw_charge
//!                                              the same for the C-named family: alignment 8, and
//!                                              these two besides, which are not told a layout:
//! charge_unsized(ptr)                          of a live raw block
//! dealloc_unsized(ptr, charge)                 the same block, its charge already asked for
//! free(ptr)                                    the same block, its charge unknown
//!
//! alloc_uncached(layout, arena)                a raw block (over jemalloc, any block) past the thread's cache, from one arena
//!                                              if one is given; null on failure
//! dealloc_uncached(ptr, charge)                such a block, past the thread's cache into its arena
//!
//! COUNTS, thread_counters()                    whether, and where, the allocator itself counts for a thread
//! call_back_each(step, callback)               has it call back each time a thread has allocated so much
//! OVERHEAD                                     a raw block's charge less its usable size
//! good_size(n)                                 bytes certainly usable when n are asked for
//! ```
//!
//! The `# Safety` sections of the back ends use these words, and each function asks for the last two points besides:
//!
//! - A block is *live* from its allocation by this back end until it is freed or moved.
//! - A layout *fits* a live block if it has the block's alignment, and a size between the one asked for and the usable one.
//! - A raw block goes to the functions for raw blocks, any other block to the others: under the prefix layout they differ. The
//!   two functions past the cache take both kinds over jemalloc, where there is no difference.
//! - A size is at most `isize::MAX`: callers have refused others before. It is 0 only for a raw block.

#[cfg(zmalloc_backend = "jemalloc")]
#[path = "jemalloc.rs"]
mod imp;

#[cfg(any(zmalloc_backend = "libc", zmalloc_backend = "tcmalloc", zmalloc_backend = "mimalloc"))]
#[path = "family.rs"]
mod imp;

#[cfg(zmalloc_backend = "prefix")]
#[path = "prefix.rs"]
mod imp;

pub(crate) use imp::*;

#[cfg(not(zmalloc_backend = "jemalloc"))]
mod without_jemalloc {
    use super::StepCallback;
    use core::alloc::Layout;
    use core::sync::atomic::AtomicUsize;

    /// No other allocator counts exactly by thread.
    pub(crate) const COUNTS: bool = false;

    pub(crate) fn thread_counters() -> Option<(*mut AtomicUsize, *mut AtomicUsize)> {
        None
    }

    pub(crate) fn call_back_each(_step: usize, _callback: StepCallback) -> bool {
        false
    }

    /// # Safety
    /// `ptr` is a live raw block.
    #[inline]
    pub(crate) unsafe fn free(ptr: *mut u8) {
        // SAFETY: by contract.
        unsafe { super::dealloc_unsized(ptr, super::charge_unsized(ptr)) }
    }

    /// No other allocator has a way around its cache, or an arena of one's own.
    ///
    /// # Safety
    /// As for `raw_alloc`.
    pub(crate) unsafe fn alloc_uncached(layout: Layout, _arena: Option<u32>) -> *mut u8 {
        // SAFETY: by contract.
        unsafe { super::raw_alloc(layout) }
    }

    /// # Safety
    /// `ptr` is a live raw block and `charge` its charge.
    pub(crate) unsafe fn dealloc_uncached(ptr: *mut u8, charge: usize) {
        // SAFETY: by contract.
        unsafe { super::dealloc_unsized(ptr, charge) }
    }
}
#[cfg(not(zmalloc_backend = "jemalloc"))]
pub(crate) use without_jemalloc::*;

/// What jemalloc calls back: whether the thread allocates, and how many bytes it has allocated and freed.
pub(crate) type StepCallback = extern "C" fn(is_alloc: bool, allocated: u64, freed: u64);

/// The alignment of every block of the C-named family, and the most that the smallest size classes
/// of a jemalloc with an 8-byte quantum promise.
pub(crate) const RAW_ALIGN: usize = 8;
