//! The `malloc` of the C library (glibc, musl or the system's own), or of a sanitizer.

use core::ffi::c_void;

/// Two words. C libraries align blocks of at least this size for every fundamental type, and std's `System`
/// relies on the same alignment.
pub(super) const MALLOC_ALIGN: usize = 2 * size_of::<usize>();

/// `realloc` splits the unused end off a block that shrinks, if this end can be a block of its own. So the block
/// need not move.
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
    // SAFETY: `ptr` is a live block of this library, and `size` is not 0.
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
    // SAFETY: `ptr` is a live block of this library.
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

/// Returns `size`. A C library cannot tell before an allocation how many more bytes will be usable, and a sanitizer
/// allows only the use of the requested bytes.
#[inline]
pub(super) fn good_size(size: usize) -> usize {
    size
}
