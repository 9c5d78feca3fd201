//! The C library's malloc: that of glibc, musl or the system, or a sanitizer's replacement.

use core::ffi::c_void;

/// The alignment that the C standard requires: two words, enough for every type of the language.
pub(super) const MALLOC_ALIGN: usize = 2 * size_of::<usize>();

/// When a block shrinks, `realloc` cuts off the part at its end, if that part can be a block of its own.
pub(super) const SHRINKS_IN_PLACE: bool = false;

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
/// `align` must be a power of two, and at least the size of a pointer.
#[inline]
pub(super) unsafe fn memalign(align: usize, size: usize) -> *mut u8 {
    let mut ptr: *mut c_void = core::ptr::null_mut();
    // SAFETY: `ptr` has room for one pointer. The alignment is a power of two and at least the size of a
    // pointer.
    let failed = unsafe { libc::posix_memalign(&mut ptr, align, size) };
    if failed == 0 { ptr.cast() } else { core::ptr::null_mut() }
}

/// # Safety
/// `ptr` must be a live block of this library, and `size` must not be 0.
#[inline]
pub(super) unsafe fn realloc(ptr: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: `ptr` is a live block of this library.
    unsafe { libc::realloc(ptr.cast(), size).cast() }
}

/// # Safety
/// `ptr` must be a live block of this library.
#[inline]
pub(super) unsafe fn free(ptr: *mut u8) {
    // SAFETY: `ptr` is a live block of this library.
    unsafe { libc::free(ptr.cast()) }
}

/// # Safety
/// `ptr` must be a live block of this library, and `usable` what [`usable_size`] returns for it.
#[inline]
pub(super) unsafe fn free_sized(ptr: *mut u8, _usable: usize) {
    // SAFETY: the contract is the same.
    unsafe { free(ptr) }
}

/// # Safety
/// `ptr` must be a live block of this library.
#[inline]
pub(super) unsafe fn usable_size(ptr: *mut u8) -> usize {
    #[cfg(target_os = "macos")]
    // SAFETY: `ptr` is a live block of this library.
    unsafe {
        libc::malloc_size(ptr.cast())
    }
    #[cfg(not(target_os = "macos"))]
    // SAFETY: `ptr` is a live block of this library.
    unsafe {
        libc::malloc_usable_size(ptr.cast())
    }
}

/// Returns `size`. No C library says before an allocation how many more bytes will be usable, and a sanitizer
/// allows only the requested ones.
#[inline]
pub(super) fn good_size(size: usize) -> usize {
    size
}
