//! The C library's malloc, which can tell the usable size of a block but not of a request.
//!
//! glibc hands out the rest of a free chunk when it is too small to keep, so two blocks of one
//! request size may differ by 16 bytes: the charge is asked of each block.

use super::RAW_ALIGN;
use core::alloc::Layout;
use core::ffi::c_void;

/// What `malloc` aligns to by itself.
const MALLOC_ALIGN: usize =
    if 2 * size_of::<usize>() > RAW_ALIGN { 2 * size_of::<usize>() } else { RAW_ALIGN };

/// Raw blocks are blocks like any other here.
pub(crate) use self::{
    alloc as raw_alloc, alloc_zeroed as raw_alloc_zeroed, charge as raw_charge, dealloc as raw_dealloc,
    realloc as raw_realloc,
};

/// What the charge of a raw block holds besides usable bytes: nothing.
pub(crate) const OVERHEAD: usize = 0;

#[inline]
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    if layout.align() <= MALLOC_ALIGN {
        // SAFETY: `malloc` takes any size; at least 1, so that null always means failure.
        unsafe { libc::malloc(layout.size().max(1)).cast() }
    } else {
        let mut ptr: *mut c_void = core::ptr::null_mut();
        // SAFETY: `ptr` is a place for one pointer; the alignment is a power of two above a word.
        let failed = unsafe { libc::posix_memalign(&mut ptr, layout.align(), layout.size().max(1)) };
        if failed == 0 { ptr.cast() } else { core::ptr::null_mut() }
    }
}

#[inline]
pub(crate) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    if layout.align() <= MALLOC_ALIGN {
        // SAFETY: `calloc` takes any size.
        unsafe { libc::calloc(1, layout.size().max(1)).cast() }
    } else {
        // SAFETY: the same request, passed on.
        let ptr = unsafe { alloc(layout) };
        if !ptr.is_null() {
            // SAFETY: a fresh block of at least `layout.size()` bytes.
            unsafe { ptr.write_bytes(0, layout.size()) };
        }
        ptr
    }
}

#[inline]
pub(crate) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    if layout.align() <= MALLOC_ALIGN {
        // SAFETY: the caller passes a live block of this back end.
        return unsafe { libc::realloc(ptr.cast(), new_size.max(1)).cast() };
    }
    // SAFETY: the caller passes a valid size for this alignment.
    let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
    // SAFETY: two live blocks, disjoint because both are live; the copy fits into both.
    unsafe {
        let new = alloc(new_layout);
        if !new.is_null() {
            core::ptr::copy_nonoverlapping(ptr, new, layout.size().min(new_size));
            dealloc(ptr, layout);
        }
        new
    }
}

#[inline]
pub(crate) unsafe fn dealloc(ptr: *mut u8, _layout: Layout) {
    // SAFETY: a live block of this back end.
    unsafe { libc::free(ptr.cast()) }
}

#[inline]
pub(crate) unsafe fn charge(ptr: *mut u8, _layout: Layout) -> usize {
    // SAFETY: passed on unchanged.
    unsafe { charge_unsized(ptr) }
}

#[inline]
pub(crate) unsafe fn usable(ptr: *mut u8, _layout: Layout) -> usize {
    // SAFETY: passed on unchanged.
    unsafe { charge_unsized(ptr) }
}

#[inline]
pub(crate) unsafe fn charge_unsized(ptr: *mut u8) -> usize {
    #[cfg(target_os = "macos")]
    // SAFETY: a live block of this back end.
    unsafe {
        libc::malloc_size(ptr.cast())
    }
    #[cfg(not(target_os = "macos"))]
    // SAFETY: a live block of this back end.
    unsafe {
        libc::malloc_usable_size(ptr.cast())
    }
}

#[inline]
pub(crate) unsafe fn dealloc_unsized(ptr: *mut u8, _charge: usize) {
    // SAFETY: a live block of this back end.
    unsafe { libc::free(ptr.cast()) }
}

/// `size` itself: what a sanitizer allows, and all that this back end can promise beforehand.
#[inline]
pub(crate) fn good_size(size: usize) -> usize {
    size.max(1)
}
