//! The layout of 2010: a raw block carries its size in front, over std's `System` allocator.
//!
//! ```text
//!          | size   | user bytes ...              |
//!  base -->          ^ what the caller holds
//!          |<- 8  ->|<- size, a multiple of 8 --->|
//! ```
//!
//! It needs nothing of the allocator underneath, so it serves platforms without a usable-size query, and
//! Miri. The charge is prefix and size together, as Redis counts it.
//!
//! Only the C-named family needs the prefix, because only `zfree` frees without being told a size. The faces
//! with a `Layout` go to `System` as they are: a `Box` may only be used to reach its own bytes, not a word in
//! front of them nor padding behind, and Miri holds us to that.

use super::RAW_ALIGN;
use std::alloc::{GlobalAlloc, Layout, System};

/// What the charge of a raw block holds besides usable bytes.
pub(crate) const OVERHEAD: usize = RAW_ALIGN;

/// Rounds up to whole words, one at the least; the sizes that come here cannot overflow.
#[inline]
fn round(size: usize) -> usize {
    (size.max(1) + (RAW_ALIGN - 1)) & !(RAW_ALIGN - 1)
}

/// # Safety
/// `layout.size()` is not 0.
#[inline]
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: not an empty block, by contract.
    unsafe { System.alloc(layout) }
}

/// # Safety
/// `layout.size()` is not 0.
#[inline]
pub(crate) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    // SAFETY: as in `alloc`.
    unsafe { System.alloc_zeroed(layout) }
}

/// # Safety
/// `ptr` is a live block, and `layout` fits it. `new_size` is not 0 and makes a layout with the same alignment.
#[inline]
pub(crate) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    // SAFETY: a live block with its own layout: here the usable size is the requested one.
    unsafe { System.realloc(ptr, layout, new_size) }
}

/// # Safety
/// `ptr` is a live block, and `layout` fits it.
#[inline]
pub(crate) unsafe fn dealloc(ptr: *mut u8, layout: Layout) {
    // SAFETY: as in `realloc`.
    unsafe { System.dealloc(ptr, layout) }
}

/// # Safety
/// `ptr` is a live block, and `layout` fits it.
#[inline]
pub(crate) unsafe fn charge(_ptr: *mut u8, layout: Layout) -> usize {
    layout.size()
}

/// # Safety
/// `ptr` is a live block, and `layout` fits it.
#[inline]
pub(crate) unsafe fn usable(_ptr: *mut u8, layout: Layout) -> usize {
    layout.size()
}

/// The layout asked of `System` for a raw block of `size` rounded bytes; `None` where that overflows.
#[inline]
fn outer(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(OVERHEAD)?, RAW_ALIGN).ok()
}

/// Writes the size in front of the user bytes and returns where they start.
///
/// # Safety
/// `base` is null or a fresh block of `outer(size)`.
#[inline]
unsafe fn finish(base: *mut u8, size: usize) -> *mut u8 {
    if base.is_null() {
        return base;
    }
    // SAFETY: the block is 8-aligned and at least 16 bytes.
    unsafe {
        base.cast::<usize>().write(size);
        base.add(OVERHEAD)
    }
}

/// The rounded size that [`finish`] wrote.
///
/// # Safety
/// `ptr` is a live raw block, reached by the pointer that `finish` returned.
#[inline]
unsafe fn stored(ptr: *mut u8) -> usize {
    // SAFETY: the word in front of the user bytes, by contract.
    unsafe { ptr.sub(OVERHEAD).cast::<usize>().read() }
}

/// # Safety
/// `layout.align()` is at most [`RAW_ALIGN`].
#[inline]
pub(crate) unsafe fn raw_alloc(layout: Layout) -> *mut u8 {
    let size = round(layout.size());
    match outer(size) {
        // SAFETY: at least 16 bytes.
        Some(whole) => unsafe { finish(System.alloc(whole), size) },
        None => core::ptr::null_mut(),
    }
}

/// # Safety
/// `layout.align()` is at most [`RAW_ALIGN`].
#[inline]
pub(crate) unsafe fn raw_alloc_zeroed(layout: Layout) -> *mut u8 {
    let size = round(layout.size());
    match outer(size) {
        // SAFETY: at least 16 bytes.
        Some(whole) => unsafe { finish(System.alloc_zeroed(whole), size) },
        None => core::ptr::null_mut(),
    }
}

/// # Safety
/// `ptr` is a live raw block, and `new_size` is at most `isize::MAX`.
#[inline]
pub(crate) unsafe fn raw_realloc(ptr: *mut u8, _layout: Layout, new_size: usize) -> *mut u8 {
    let size = round(new_size);
    let Some(new) = outer(size) else { return core::ptr::null_mut() };
    // SAFETY: `base` and its layout are those of the live block. The prefix moves with it and is rewritten.
    unsafe {
        let old = Layout::from_size_align_unchecked(stored(ptr) + OVERHEAD, RAW_ALIGN);
        finish(System.realloc(ptr.sub(OVERHEAD), old, new.size()), size)
    }
}

/// # Safety
/// `ptr` is a live raw block.
#[inline]
pub(crate) unsafe fn raw_dealloc(ptr: *mut u8, _layout: Layout) {
    // SAFETY: a live raw block, of this charge.
    unsafe { dealloc_unsized(ptr, charge_unsized(ptr)) }
}

/// # Safety
/// `ptr` is a live raw block.
#[inline]
pub(crate) unsafe fn raw_charge(ptr: *mut u8, _layout: Layout) -> usize {
    // SAFETY: a live raw block.
    unsafe { charge_unsized(ptr) }
}

/// # Safety
/// `ptr` is a live raw block.
#[inline]
pub(crate) unsafe fn charge_unsized(ptr: *mut u8) -> usize {
    // SAFETY: a live raw block.
    unsafe { stored(ptr) + OVERHEAD }
}

/// # Safety
/// `ptr` is a live raw block, and `charge` is its charge.
#[inline]
pub(crate) unsafe fn dealloc_unsized(ptr: *mut u8, charge: usize) {
    // SAFETY: `base` and the layout are those that the block was allocated with.
    unsafe { System.dealloc(ptr.sub(OVERHEAD), Layout::from_size_align_unchecked(charge, RAW_ALIGN)) }
}

#[inline]
pub(crate) fn good_size(size: usize) -> usize {
    round(size)
}
