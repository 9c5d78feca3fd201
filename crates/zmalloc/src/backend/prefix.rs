//! The layout of 2010: every block carries its size in front, over std's `System` allocator.
//!
//! ```text
//!                  | padding, alignments above 8 only | size | user bytes ...       |
//!  base ---------->                                          ^ what the caller holds
//!                  |<--------- prefix = max(align, 8) ------>|<- size, a multiple of 8 ->|
//! ```
//!
//! It needs nothing of the allocator underneath, so it serves platforms without a usable-size
//! query, and Miri. The charge is prefix and size together, as Redis counts it.

use super::RAW_ALIGN;
use std::alloc::{GlobalAlloc, Layout, System};

const fn prefix_of(align: usize) -> usize {
    if align > RAW_ALIGN { align } else { RAW_ALIGN }
}

/// The layout asked of `System` for `size` rounded user bytes; `None` where that overflows.
#[inline]
fn outer(size: usize, align: usize) -> Option<Layout> {
    let prefix = prefix_of(align);
    Layout::from_size_align(size.checked_add(prefix)?, prefix).ok()
}

/// Rounds up to whole words, one at the least; the sizes that come here cannot overflow.
#[inline]
fn round(size: usize) -> usize {
    (size.max(1) + (RAW_ALIGN - 1)) & !(RAW_ALIGN - 1)
}

/// Writes the size in front of the user bytes and returns where they start.
///
/// # Safety
/// `base` is null or a fresh block of `outer(size, align)`.
#[inline]
unsafe fn finish(base: *mut u8, size: usize, align: usize) -> *mut u8 {
    if base.is_null() {
        return base;
    }
    // SAFETY: the prefix lies inside the block and is a multiple of 8, so the word in front of the
    // user bytes is in bounds and aligned.
    unsafe {
        let user = base.add(prefix_of(align));
        user.sub(RAW_ALIGN).cast::<usize>().write(size);
        user
    }
}

/// The rounded user size that [`finish`] wrote.
#[inline]
unsafe fn stored(ptr: *mut u8) -> usize {
    // SAFETY: the caller passes a live block of this back end, which `finish` made.
    unsafe { ptr.sub(RAW_ALIGN).cast::<usize>().read() }
}

/// What the charge of a block of alignment 8 holds besides usable bytes.
pub(crate) const OVERHEAD: usize = RAW_ALIGN;

#[inline]
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    let size = round(layout.size());
    match outer(size, layout.align()) {
        // SAFETY: the outer layout is at least 16 bytes, so never empty.
        Some(whole) => unsafe { finish(System.alloc(whole), size, layout.align()) },
        None => core::ptr::null_mut(),
    }
}

#[inline]
pub(crate) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    let size = round(layout.size());
    match outer(size, layout.align()) {
        // SAFETY: as in `alloc`.
        Some(whole) => unsafe { finish(System.alloc_zeroed(whole), size, layout.align()) },
        None => core::ptr::null_mut(),
    }
}

#[inline]
pub(crate) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    let (align, prefix, size) = (layout.align(), prefix_of(layout.align()), round(new_size));
    let Some(new_outer) = outer(size, align) else { return core::ptr::null_mut() };
    // SAFETY: `base` and `old_outer` are those of the live block; the new size is within bounds
    // because `new_outer` exists. The prefix moves with the block and is rewritten.
    unsafe {
        let base = ptr.sub(prefix);
        let old_outer = Layout::from_size_align_unchecked(stored(ptr) + prefix, prefix);
        finish(System.realloc(base, old_outer, new_outer.size()), size, align)
    }
}

#[inline]
pub(crate) unsafe fn dealloc(ptr: *mut u8, layout: Layout) {
    let prefix = prefix_of(layout.align());
    // SAFETY: `base` and the outer layout are those the block was allocated with.
    unsafe {
        let whole = Layout::from_size_align_unchecked(stored(ptr) + prefix, prefix);
        System.dealloc(ptr.sub(prefix), whole);
    }
}

#[inline]
pub(crate) unsafe fn charge(ptr: *mut u8, layout: Layout) -> usize {
    // SAFETY: a live block of this back end.
    unsafe { stored(ptr) + prefix_of(layout.align()) }
}

#[inline]
pub(crate) unsafe fn usable(ptr: *mut u8, _layout: Layout) -> usize {
    // SAFETY: a live block of this back end.
    unsafe { stored(ptr) }
}

#[inline]
pub(crate) unsafe fn charge_unsized(ptr: *mut u8) -> usize {
    // SAFETY: a live block of this back end, of alignment 8: its prefix is 8 bytes.
    unsafe { stored(ptr) + RAW_ALIGN }
}

#[inline]
pub(crate) unsafe fn dealloc_unsized(ptr: *mut u8, charge: usize) {
    // SAFETY: alignment 8, so the layout below is the block's own; its size is read anew.
    unsafe { dealloc(ptr, Layout::from_size_align_unchecked(charge - RAW_ALIGN, RAW_ALIGN)) }
}

#[inline]
pub(crate) fn good_size(size: usize) -> usize {
    round(size)
}
