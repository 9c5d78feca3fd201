//! The tcmalloc of gperftools, full or minimal (without profilers), through its functions with the prefix `tc_`.
//!
//! The library also defines `malloc` and `free`, so a program that links it has a single allocator. Blocks of C
//! libraries and of std's `System` come from tcmalloc too. They are not counted, because only the functions of
//! this crate count. [`zlibc_free`](crate::zlibc_free) can free them, because the `free` that it calls is
//! tcmalloc's.
//!
//! A block is freed with the size that `tc_malloc_size` has just returned for it, not with the requested size.
//! If a block could not shrink, its requested size is too small, and `tc_free_sized` would put the block on the
//! free list of another class.

use core::ffi::{c_int, c_void};

// No crate declares the functions of gperftools, so this file does. `build.rs` links the library.
unsafe extern "C" {
    fn tc_malloc(size: usize) -> *mut c_void;
    fn tc_calloc(count: usize, size: usize) -> *mut c_void;
    fn tc_memalign(align: usize, size: usize) -> *mut c_void;
    fn tc_realloc(ptr: *mut c_void, size: usize) -> *mut c_void;
    fn tc_free(ptr: *mut c_void);
    fn tc_free_sized(ptr: *mut c_void, size: usize);
    fn tc_malloc_size(ptr: *mut c_void) -> usize;
    fn tc_nallocx(size: usize, flags: c_int) -> usize;
}

/// The library aligns to 16 or 8 bytes, depending on how it was configured. This crate cannot find out which.
pub(super) const MALLOC_ALIGN: usize = 8;

/// `realloc` leaves a block in place if the block shrinks to at least half its size.
pub(super) const SHRINKS_IN_PLACE: bool = true;

#[inline]
pub(super) fn malloc(size: usize) -> *mut u8 {
    // SAFETY: `tc_malloc` takes any size.
    unsafe { tc_malloc(size).cast() }
}

#[inline]
pub(super) fn calloc(size: usize) -> *mut u8 {
    // SAFETY: `tc_calloc` takes any size.
    unsafe { tc_calloc(1, size).cast() }
}

/// # Safety
/// `align` must be a power of two.
#[inline]
pub(super) unsafe fn memalign(align: usize, size: usize) -> *mut u8 {
    // SAFETY: the alignment is a power of two.
    unsafe { tc_memalign(align, size).cast() }
}

/// # Safety
/// `ptr` must be a live block of this library, and `size` must not be 0.
#[inline]
pub(super) unsafe fn realloc(ptr: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: `ptr` is a live block of this library. The size is not 0, so the call does not just free the block.
    unsafe { tc_realloc(ptr.cast(), size).cast() }
}

/// # Safety
/// `ptr` must be a live block of this library.
#[inline]
pub(super) unsafe fn free(ptr: *mut u8) {
    // SAFETY: `ptr` is a live block of this library.
    unsafe { tc_free(ptr.cast()) }
}

/// # Safety
/// `ptr` must be a live block of this library, and `usable` what [`usable_size`] returns for it.
#[inline]
pub(super) unsafe fn free_sized(ptr: *mut u8, usable: usize) {
    // SAFETY: `ptr` is a live block of this library, and `usable` is its usable size.
    unsafe { tc_free_sized(ptr.cast(), usable) }
}

/// # Safety
/// `ptr` must be a live block of this library.
#[inline]
pub(super) unsafe fn usable_size(ptr: *mut u8) -> usize {
    // SAFETY: `ptr` is a live block of this library.
    unsafe { tc_malloc_size(ptr.cast()) }
}

/// Returns the size of the class that `size` falls into, or `size` rounded up to whole pages.
#[inline]
pub(super) fn good_size(size: usize) -> usize {
    // SAFETY: `tc_nallocx` only computes.
    unsafe { tc_nallocx(size, 0) }
}

#[cfg(test)]
mod tests {
    use core::ffi::{CStr, c_char, c_int};

    unsafe extern "C" {
        fn tc_version(major: *mut c_int, minor: *mut c_int, patch: *mut *const c_char) -> *const c_char;
    }

    #[test]
    fn the_version_is_the_one_that_the_library_reports() {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the call writes two integers, skips the third value because its pointer is null, and returns a
        // C string.
        let text = unsafe { CStr::from_ptr(tc_version(&mut major, &mut minor, core::ptr::null_mut())) };
        assert!(text.to_bytes().starts_with(b"gperftools"));
        let name = if cfg!(feature = "tcmalloc") { "tcmalloc" } else { "tcmalloc_minimal" };
        assert_eq!(crate::ALLOCATOR, format!("{name}-{major}.{minor}"));
    }

    #[test]
    fn the_c_librarys_malloc_is_tcmallocs_too_and_is_not_counted() {
        let before = crate::used_memory();
        // SAFETY: `strdup` returns a block of the process's `malloc`, and `zlibc_free` takes such a block.
        unsafe {
            let copy = libc::strdup(c"not ours".as_ptr());
            assert!(super::usable_size(copy.cast()) >= 9, "tcmalloc knows the block");
            assert_eq!(crate::used_memory(), before);
            crate::zlibc_free(copy.cast());
        }
        assert_eq!(crate::used_memory(), before);
    }
}
