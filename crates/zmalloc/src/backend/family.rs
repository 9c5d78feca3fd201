//! What the malloc families have in common: libc, tcmalloc and mimalloc. Each of them provides the same
//! functions and constants (`library` below).
//!
//! ```text
//! malloc(size), calloc(size), realloc(ptr, size)     at least 1 byte, null on failure
//! memalign(align, size)                              for alignments that `malloc` does not give
//! free(ptr), free_sized(ptr, usable)
//! usable_size(ptr)                                   of a live block
//! good_size(size)                                    bytes certainly usable when `size` are requested
//! SHRINKS_IN_PLACE                                   whether `realloc` leaves a block in place that shrinks
//!                                                    to no less than half
//! MALLOC_ALIGN                                       the alignment of blocks of at least that many bytes
//! ```
//!
//! Each block is asked for its charge when it is allocated and when it is freed, because the request does not
//! determine it:
//!
//! - glibc adds the rest of a free chunk if that rest is too small to keep.
//! - tcmalloc gives whole pages to a block that its profiler samples.
//! - A block may be aligned by moving up inside a larger one, and then has the remaining size.
//! - A block that should shrink stays as large as it was if there is no memory to move it to.
//!
//! An exact sum is worth the look-up. (jemalloc's charge can be computed, because there a block always has
//! the class of its last request.)
//!
//! tcmalloc and mimalloc leave a block in place when it shrinks to no less than half. A caller that shrinks a
//! block wants the memory back (a string without its free space, a `Vec` shrunk to fit), so this back end
//! moves it.

use super::RAW_ALIGN;
use core::alloc::Layout;

#[cfg(zmalloc_backend = "libc")]
#[path = "libc.rs"]
mod library;

#[cfg(zmalloc_backend = "tcmalloc")]
#[path = "tcmalloc.rs"]
mod library;

#[cfg(zmalloc_backend = "mimalloc")]
#[path = "mimalloc.rs"]
mod library;

/// Here raw blocks do not differ from other blocks.
pub(crate) use self::{
    alloc as raw_alloc, alloc_zeroed as raw_alloc_zeroed, charge as raw_charge, dealloc as raw_dealloc,
    realloc as raw_realloc,
};

/// The charge of a raw block contains nothing besides its usable bytes.
pub(crate) const OVERHEAD: usize = 0;

/// Returns whether `malloc` aligns a block of `size` bytes well enough. No library aligns small blocks to
/// more than their size: 8 bytes may be aligned to 8 where 16 bytes are aligned to 16.
#[inline]
fn is_plain(size: usize, align: usize) -> bool {
    align <= RAW_ALIGN || (align <= library::MALLOC_ALIGN && align <= size)
}

/// # Safety
/// `layout.size()` must not be 0, except for a raw block.
#[inline]
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    let size = layout.size().max(1); // so that null always means failure
    if is_plain(layout.size(), layout.align()) {
        library::malloc(size)
    } else {
        // SAFETY: an alignment is a power of two, and one that `malloc` does not give is above 8.
        unsafe { library::memalign(layout.align(), size) }
    }
}

/// # Safety
/// `layout.size()` must not be 0, except for a raw block.
#[inline]
pub(crate) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    if is_plain(layout.size(), layout.align()) {
        return library::calloc(layout.size().max(1));
    }
    // SAFETY: the contract is the same.
    let ptr = unsafe { alloc(layout) };
    if !ptr.is_null() {
        // SAFETY: `ptr` is a new block of at least `layout.size()` bytes.
        unsafe { ptr.write_bytes(0, layout.size()) };
    }
    ptr
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it. `new_size` must make a layout with the same
/// alignment.
#[inline]
pub(crate) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    let shrinks = new_size <= layout.size();
    // SAFETY: `ptr` is a live block of this back end.
    let usable = || unsafe { library::usable_size(ptr) };
    let moves = library::SHRINKS_IN_PLACE && shrinks && good_size(new_size) < usable();
    if !moves && is_plain(new_size, layout.align()) {
        // SAFETY: `ptr` is a live block of this back end, and the new size is at least 1.
        return unsafe { library::realloc(ptr, new_size.max(1)) };
    }
    // SAFETY: the new size makes a layout, by contract.
    let new = unsafe { alloc(Layout::from_size_align_unchecked(new_size, layout.align())) };
    if new.is_null() {
        return if shrinks { ptr } else { new }; // a block that is too large is good enough
    }
    // SAFETY: two live blocks are disjoint, and the copy fits into both. The old block is not used again.
    unsafe {
        core::ptr::copy_nonoverlapping(ptr, new, layout.size().min(new_size));
        dealloc(ptr, layout);
    }
    new
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn dealloc(ptr: *mut u8, _layout: Layout) {
    // SAFETY: `ptr` is a live block of this back end.
    unsafe { library::free(ptr) }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn charge(ptr: *mut u8, _layout: Layout) -> usize {
    // SAFETY: `ptr` is a live block of this back end.
    unsafe { library::usable_size(ptr) }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn usable(ptr: *mut u8, _layout: Layout) -> usize {
    // SAFETY: `ptr` is a live block of this back end.
    unsafe { library::usable_size(ptr) }
}

/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub(crate) unsafe fn charge_unsized(ptr: *mut u8) -> usize {
    // SAFETY: `ptr` is a live block of this back end.
    unsafe { library::usable_size(ptr) }
}

/// # Safety
/// `ptr` must be a live raw block, and `charge` must be its charge.
#[inline]
pub(crate) unsafe fn dealloc_unsized(ptr: *mut u8, charge: usize) {
    // SAFETY: `ptr` is a live block of this back end, and `usable_size` returned `charge` for it.
    unsafe { library::free_sized(ptr, charge) }
}

#[inline]
pub(crate) fn good_size(size: usize) -> usize {
    library::good_size(size.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_at_least_the_good_size_of_its_request() {
        for size in (0..=65_536).chain((17..30).flat_map(|lg| [(1 << lg) - 1, 1 << lg, (1 << lg) + 1])) {
            // SAFETY: the block is used within its bounds and freed once.
            unsafe {
                let layout = Layout::from_size_align_unchecked(size, RAW_ALIGN);
                let block = alloc(layout);
                assert!(!block.is_null());
                let (good, usable) = (good_size(size), usable(block, layout));
                assert!(size <= good && good <= usable, "size {size}: good size {good}, usable {usable}");
                assert_eq!(good_size(good), good, "size {size}");
                assert!(good_size(usable) <= usable, "size {size}: what is usable may be filled");
                dealloc_unsized(block, charge_unsized(block));
            }
        }
    }

    #[test]
    fn a_block_that_shrinks_gives_its_memory_back() {
        for size in (64..20_000).step_by(7) {
            for kept in [1, size / 3, size / 2, size / 2 + 1, size - 1] {
                // SAFETY: the block is used within its bounds and freed once.
                unsafe {
                    let layout = Layout::from_size_align_unchecked(size, RAW_ALIGN);
                    let block = realloc(alloc(layout), layout, kept);
                    let (good, charge) = (good_size(kept), charge_unsized(block));
                    assert!(good <= charge, "{size} to {kept}: {charge}, class {good}");
                    // A C library decides itself how much it cuts off.
                    assert!(
                        charge == good || !library::SHRINKS_IN_PLACE,
                        "{size} to {kept}: {charge}, class {good}"
                    );
                    dealloc(block, Layout::from_size_align_unchecked(kept, RAW_ALIGN));
                }
            }
        }
    }

    #[test]
    fn every_alignment_is_kept_by_blocks_of_every_size_wherever_they_move() {
        for lg_align in 0..=16 {
            let align = 1 << lg_align;
            for size in [1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 40, 100, 1_000, 5_000, 70_000, 1_100_000] {
                // SAFETY: the block is used within its bounds and freed once.
                unsafe {
                    let layout = Layout::from_size_align_unchecked(size, align);
                    let zeroed = alloc_zeroed(layout);
                    assert!(zeroed.addr().is_multiple_of(align), "{size} bytes at {align}");
                    assert!((0..size).all(|index| *zeroed.add(index) == 0));
                    zeroed.write_bytes(7, size);
                    let grown = realloc(zeroed, layout, size * 3);
                    let shrunk = realloc(grown, Layout::from_size_align_unchecked(size * 3, align), size);
                    assert!(shrunk.addr().is_multiple_of(align), "{size} bytes at {align}");
                    assert!((0..size).all(|index| *shrunk.add(index) == 7));
                    dealloc(shrunk, layout);
                }
            }
        }
    }
}
