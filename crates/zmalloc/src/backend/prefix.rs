//! The layout of 2010: the size of a raw block is stored in front of it, and std's `System` allocates.
//!
//! ```text
//!          | size   | user bytes ...              |
//!  base -->          ^ the caller's pointer
//!          |<- 8  ->|<- size, a multiple of 8 --->|
//! ```
//!
//! The allocator underneath need not report the size of a block. So this back end serves platforms without
//! such a function, and Miri. The charge is the prefix plus the size, as Redis counts it.
//!
//! Only raw blocks need the prefix, because only `zfree` frees a block without its size. The two traits pass
//! their layouts to `System` unchanged. A `Box` may only be used to reach its own bytes, and neither a word
//! in front of them nor padding after them. Miri checks that.

use super::RAW_ALIGN;
use std::alloc::{GlobalAlloc, Layout, System};

/// The bytes that the charge of a raw block contains besides its usable bytes.
pub(crate) const OVERHEAD: usize = RAW_ALIGN;

/// Rounds up to whole words, at least one. The sizes that are passed here cannot overflow.
#[inline]
fn round(size: usize) -> usize {
    (size.max(1) + (RAW_ALIGN - 1)) & !(RAW_ALIGN - 1)
}

/// # Safety
/// `layout.size()` must not be 0.
#[inline]
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: the size is not 0, by contract.
    unsafe { System.alloc(layout) }
}

/// # Safety
/// `layout.size()` must not be 0.
#[inline]
pub(crate) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    // SAFETY: as in `alloc`.
    unsafe { System.alloc_zeroed(layout) }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it. `new_size` must not be 0 and must make a layout with
/// the same alignment.
#[inline]
pub(crate) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    // SAFETY: `layout` is the block's own, because the usable size is the requested size here.
    unsafe { System.realloc(ptr, layout, new_size) }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn dealloc(ptr: *mut u8, layout: Layout) {
    // SAFETY: as in `realloc`.
    unsafe { System.dealloc(ptr, layout) }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn charge(_ptr: *mut u8, layout: Layout) -> usize {
    layout.size()
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn usable(_ptr: *mut u8, layout: Layout) -> usize {
    layout.size()
}

/// Returns the layout that is requested from `System` for a raw block of `size` rounded bytes, or `None` if
/// it overflows.
#[inline]
fn outer(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(OVERHEAD)?, RAW_ALIGN).ok()
}

/// Writes the size in front of the user bytes and returns the address of the user bytes.
///
/// # Safety
/// `base` must be null or a new block of `outer(size)`.
#[inline]
unsafe fn finish(base: *mut u8, size: usize) -> *mut u8 {
    if base.is_null() {
        return base;
    }
    // SAFETY: the block is 8-aligned and has at least 16 bytes.
    unsafe {
        base.cast::<usize>().write(size);
        base.add(OVERHEAD)
    }
}

/// Returns the rounded size that [`finish`] wrote.
///
/// # Safety
/// `ptr` must be a live raw block, with the provenance of the pointer that `finish` returned.
#[inline]
unsafe fn stored(ptr: *mut u8) -> usize {
    // SAFETY: the word in front of the user bytes belongs to the block, by contract.
    unsafe { ptr.sub(OVERHEAD).cast::<usize>().read() }
}

/// # Safety
/// `layout.align()` must be at most [`RAW_ALIGN`].
#[inline]
pub(crate) unsafe fn raw_alloc(layout: Layout) -> *mut u8 {
    let size = round(layout.size());
    match outer(size) {
        // SAFETY: the layout has at least 16 bytes, and `finish` gets the new block.
        Some(whole) => unsafe { finish(System.alloc(whole), size) },
        None => core::ptr::null_mut(),
    }
}

/// # Safety
/// `layout.align()` must be at most [`RAW_ALIGN`].
#[inline]
pub(crate) unsafe fn raw_alloc_zeroed(layout: Layout) -> *mut u8 {
    let size = round(layout.size());
    match outer(size) {
        // SAFETY: the layout has at least 16 bytes, and `finish` gets the new block.
        Some(whole) => unsafe { finish(System.alloc_zeroed(whole), size) },
        None => core::ptr::null_mut(),
    }
}

/// # Safety
/// `ptr` must be a live raw block, and `new_size` must be at most `isize::MAX`.
#[inline]
pub(crate) unsafe fn raw_realloc(ptr: *mut u8, _layout: Layout, new_size: usize) -> *mut u8 {
    let size = round(new_size);
    let Some(new) = outer(size) else { return core::ptr::null_mut() };
    // SAFETY: the address and the layout are those of the live block. The prefix moves with the block and is
    // rewritten.
    unsafe {
        let old = Layout::from_size_align_unchecked(stored(ptr) + OVERHEAD, RAW_ALIGN);
        finish(System.realloc(ptr.sub(OVERHEAD), old, new.size()), size)
    }
}

/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub(crate) unsafe fn raw_dealloc(ptr: *mut u8, _layout: Layout) {
    // SAFETY: `ptr` is a live raw block, and the charge is its own.
    unsafe { dealloc_unsized(ptr, charge_unsized(ptr)) }
}

/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub(crate) unsafe fn raw_charge(ptr: *mut u8, _layout: Layout) -> usize {
    // SAFETY: `ptr` is a live raw block.
    unsafe { charge_unsized(ptr) }
}

/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub(crate) unsafe fn charge_unsized(ptr: *mut u8) -> usize {
    // SAFETY: `ptr` is a live raw block.
    unsafe { stored(ptr) + OVERHEAD }
}

/// # Safety
/// `ptr` must be a live raw block, and `charge` must be its charge.
#[inline]
pub(crate) unsafe fn dealloc_unsized(ptr: *mut u8, charge: usize) {
    // SAFETY: the address and the layout are those that the block was allocated with.
    unsafe { System.dealloc(ptr.sub(OVERHEAD), Layout::from_size_align_unchecked(charge, RAW_ALIGN)) }
}

#[inline]
pub(crate) fn good_size(size: usize) -> usize {
    round(size)
}
