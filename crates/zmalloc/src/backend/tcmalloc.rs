//! gperftools' tcmalloc, whole or minimal (without profilers), under its prefixed names.
//!
//! The library also defines `malloc` and `free`, so a program linked with it has one allocator: what C libraries
//! and std's `System` take comes from tcmalloc as well. That is not counted, because only the functions of this
//! crate count; and [`zlibc_free`](crate::zlibc_free) still fits, because the `malloc` that it answers to and the
//! `free` that it calls are both tcmalloc's.
//!
//! A block is freed by its size only where the size was just asked of it: by the size of the request, one that
//! could not shrink would go to the free list of a class that it does not have.

use core::ffi::{c_int, c_void};

// Declared here, because gperftools has no crate of declarations to lean on. `build.rs` has linked the library.
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

/// 16 or 8, by how the library was configured; nothing here can tell.
pub(super) const MALLOC_ALIGN: usize = 8;

/// Down to half of it.
pub(super) const KEEPS_HALF_EMPTY: bool = true;

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
/// `align` is a power of two.
#[inline]
pub(super) unsafe fn memalign(align: usize, size: usize) -> *mut u8 {
    // SAFETY: the alignment is a power of two.
    unsafe { tc_memalign(align, size).cast() }
}

/// # Safety
/// `ptr` is a live block of this library, and `size` is not 0.
#[inline]
pub(super) unsafe fn realloc(ptr: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: a live block of this library; a size of 0, which would free it, does not come here.
    unsafe { tc_realloc(ptr.cast(), size).cast() }
}

/// # Safety
/// `ptr` is a live block of this library.
#[inline]
pub(super) unsafe fn free(ptr: *mut u8) {
    // SAFETY: a live block of this library.
    unsafe { tc_free(ptr.cast()) }
}

/// # Safety
/// `ptr` is a live block of this library, and `usable` is what [`usable_size`] says of it.
#[inline]
pub(super) unsafe fn free_sized(ptr: *mut u8, usable: usize) {
    // SAFETY: a live block of this library, and a size of its class: the block's own.
    unsafe { tc_free_sized(ptr.cast(), usable) }
}

/// # Safety
/// `ptr` is a live block of this library.
#[inline]
pub(super) unsafe fn usable_size(ptr: *mut u8) -> usize {
    // SAFETY: a live block of this library.
    unsafe { tc_malloc_size(ptr.cast()) }
}

/// The size class, or whole pages.
#[inline]
pub(super) fn good_size(size: usize) -> usize {
    // SAFETY: it only computes.
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
        // SAFETY: two integers to write to; null for what is not asked.
        let text = unsafe { CStr::from_ptr(tc_version(&mut major, &mut minor, core::ptr::null_mut())) };
        assert!(text.to_bytes().starts_with(b"gperftools"));
        let name = if cfg!(feature = "tcmalloc") { "tcmalloc" } else { "tcmalloc_minimal" };
        assert_eq!(crate::ALLOCATOR, format!("{name}-{major}.{minor}"));
    }

    #[test]
    fn the_c_librarys_malloc_is_tcmallocs_too_and_is_not_counted() {
        let before = crate::used_memory();
        // SAFETY: `strdup` returns a block of the process's `malloc`, which `zlibc_free` takes.
        unsafe {
            let copy = libc::strdup(c"not ours".as_ptr());
            assert!(super::usable_size(copy.cast()) >= 9, "tcmalloc knows the block");
            assert_eq!(crate::used_memory(), before);
            crate::zlibc_free(copy.cast());
        }
        assert_eq!(crate::used_memory(), before);
    }
}
