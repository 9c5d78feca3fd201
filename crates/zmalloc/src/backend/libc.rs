//! The C library's malloc: glibc's, musl's, the systems' own, or a sanitizer's in their place.

use core::ffi::c_void;

/// What the C standard asks for: enough for every type of the language, which is two words.
pub(super) const MALLOC_ALIGN: usize = 2 * size_of::<usize>();

/// It cuts off what can be a block of its own.
pub(super) const KEEPS_HALF_EMPTY: bool = false;

#[inline]
pub(super) fn malloc(size: usize) -> *mut u8 {
    // SAFETY: `malloc` takes any size.
    unsafe { libc::malloc(size).cast() }
}

#[inline]
pub(super) fn calloc(size: usize) -> *mut u8 {
    // SAFETY: `calloc` takes any size.
    unsafe { libc::calloc(1, size).cast() }
}

/// # Safety
/// `align` is a power of two, and at least the size of a pointer.
#[inline]
pub(super) unsafe fn memalign(align: usize, size: usize) -> *mut u8 {
    let mut ptr: *mut c_void = core::ptr::null_mut();
    // SAFETY: `ptr` is a place for one pointer; the alignment is a power of two, and at least a word.
    let failed = unsafe { libc::posix_memalign(&mut ptr, align, size) };
    if failed == 0 { ptr.cast() } else { core::ptr::null_mut() }
}

/// # Safety
/// `ptr` is a live block of this library, and `size` is not 0.
#[inline]
pub(super) unsafe fn realloc(ptr: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: a live block of this library.
    unsafe { libc::realloc(ptr.cast(), size).cast() }
}

/// # Safety
/// `ptr` is a live block of this library.
#[inline]
pub(super) unsafe fn free(ptr: *mut u8) {
    // SAFETY: a live block of this library.
    unsafe { libc::free(ptr.cast()) }
}

/// # Safety
/// `ptr` is a live block of this library, and `usable` is what [`usable_size`] says of it.
#[inline]
pub(super) unsafe fn free_sized(ptr: *mut u8, _usable: usize) {
    // SAFETY: passed on unchanged.
    unsafe { free(ptr) }
}

/// # Safety
/// `ptr` is a live block of this library.
#[inline]
pub(super) unsafe fn usable_size(ptr: *mut u8) -> usize {
    #[cfg(target_os = "macos")]
    // SAFETY: a live block of this library.
    unsafe {
        libc::malloc_size(ptr.cast())
    }
    #[cfg(not(target_os = "macos"))]
    // SAFETY: a live block of this library.
    unsafe {
        libc::malloc_usable_size(ptr.cast())
    }
}

/// `size` itself: what a sanitizer allows, and all that can be promised beforehand.
#[inline]
pub(super) fn good_size(size: usize) -> usize {
    size
}
