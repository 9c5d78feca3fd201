//! The allocators underneath, one file each. `build.rs` selects one. `family.rs` contains what libc, tcmalloc
//! and mimalloc have in common.
//!
//! Each back end offers the same functions, and none of them counts. Two words recur:
//!
//! - The *charge* of a block is what it adds to `used_memory`: its size class, or under the prefix layout its
//!   rounded size plus the prefix.
//! - Its *usable* size is the number of bytes that the caller may write.
//!
//! ```text
//! alloc(layout), alloc_zeroed(layout)          null on failure
//! realloc(ptr, layout, new_size)               null on failure, the old block unchanged
//! dealloc(ptr, layout)                         layout.size(): any from requested to usable
//! charge(ptr, layout), usable(ptr, layout)     of a live block
//!
//! raw_alloc, raw_alloc_zeroed, raw_realloc, raw_dealloc, raw_charge
//!                                              the same for raw blocks: those of the C-named functions,
//!                                              with alignment 8. Three more take no layout:
//! charge_unsized(ptr)                          of a live raw block
//! dealloc_unsized(ptr, charge)                 frees a raw block whose charge is known
//! free(ptr)                                    frees a raw block whose charge is not known
//!
//! alloc_uncached(layout, arena)                a raw block (over jemalloc, any block) that bypasses the
//!                                              thread's cache, from `arena` if one is given; null on failure
//! dealloc_uncached(ptr, charge)                frees such a block to its arena, bypassing the cache
//!
//! COUNTS, thread_counters()                    whether, and where, the allocator itself counts for a thread
//! call_back_every(step, callback)              asks for a callback each time a thread has allocated `step`
//! OVERHEAD                                     a raw block's charge less its usable size
//! good_size(n)                                 bytes certainly usable when n are requested
//! ```
//!
//! The `# Safety` sections of the back ends use the words below. Each function also requires the last two
//! points:
//!
//! - A block is *live* from its allocation by this back end until it is freed or moved.
//! - A layout *fits* a live block if it has the block's alignment, and a size from the requested one to the
//!   usable one.
//! - A raw block must be passed to the functions for raw blocks, and any other block to the other functions.
//!   The two differ under the prefix layout. The two `uncached` functions take both kinds over jemalloc,
//!   where there is no difference.
//! - A size is at most `isize::MAX`, because callers refuse larger ones. It is 0 only for a raw block.

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

    /// Only jemalloc counts exactly for each thread.
    pub(crate) const COUNTS: bool = false;

    pub(crate) fn thread_counters() -> Option<(*mut AtomicUsize, *mut AtomicUsize)> {
        None
    }

    pub(crate) fn call_back_every(_step: usize, _callback: StepCallback) -> bool {
        false
    }

    /// # Safety
    /// `ptr` must be a live raw block.
    #[inline]
    pub(crate) unsafe fn free(ptr: *mut u8) {
        // SAFETY: `ptr` is a live raw block by contract, and the charge is its own.
        unsafe { super::dealloc_unsized(ptr, super::charge_unsized(ptr)) }
    }

    /// The other allocators have no way to bypass a cache and no arenas, so this is `raw_alloc`.
    ///
    /// # Safety
    /// As for `raw_alloc`.
    pub(crate) unsafe fn alloc_uncached(layout: Layout, _arena: Option<u32>) -> *mut u8 {
        // SAFETY: the contract is the same.
        unsafe { super::raw_alloc(layout) }
    }

    /// # Safety
    /// `ptr` must be a live raw block, and `charge` its charge.
    pub(crate) unsafe fn dealloc_uncached(ptr: *mut u8, charge: usize) {
        // SAFETY: the contract is the same.
        unsafe { super::dealloc_unsized(ptr, charge) }
    }
}
#[cfg(not(zmalloc_backend = "jemalloc"))]
pub(crate) use without_jemalloc::*;

/// The function that jemalloc calls back. It receives whether the thread allocates, and how many bytes the
/// thread has allocated and freed.
pub(crate) type StepCallback = extern "C" fn(is_alloc: bool, allocated: u64, freed: u64);

/// The alignment of every raw block. The smallest size classes of a jemalloc with an 8-byte quantum guarantee
/// no more.
pub(crate) const RAW_ALIGN: usize = 8;
