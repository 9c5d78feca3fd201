//! mimalloc, through libmimalloc-sys, which builds it from source.
//!
//! It stands beside the C library's malloc and replaces nothing, unless another crate of the program turns on
//! libmimalloc-sys' feature `override`.

use libmimalloc_sys as mi;

/// What blocks of 16 bytes and more have: its `MI_MAX_ALIGN_SIZE`.
pub(super) const MALLOC_ALIGN: usize = 16;

/// Down to half of it.
pub(super) const KEEPS_HALF_EMPTY: bool = true;

#[inline]
pub(super) fn malloc(size: usize) -> *mut u8 {
    // SAFETY: `mi_malloc` takes any size.
    unsafe { mi::mi_malloc(size).cast() }
}

#[inline]
pub(super) fn calloc(size: usize) -> *mut u8 {
    // SAFETY: `mi_zalloc` takes any size.
    unsafe { mi::mi_zalloc(size).cast() }
}

/// # Safety
/// `align` is a power of two.
#[inline]
pub(super) unsafe fn memalign(align: usize, size: usize) -> *mut u8 {
    // SAFETY: the alignment is a power of two.
    unsafe { mi::mi_malloc_aligned(size, align).cast() }
}

/// # Safety
/// `ptr` is a live block of this library, and `size` is not 0.
#[inline]
pub(super) unsafe fn realloc(ptr: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: a live block of this library.
    unsafe { mi::mi_realloc(ptr.cast(), size).cast() }
}

/// # Safety
/// `ptr` is a live block of this library.
#[inline]
pub(super) unsafe fn free(ptr: *mut u8) {
    // SAFETY: a live block of this library.
    unsafe { mi::mi_free(ptr.cast()) }
}

/// The size is of no use to it.
///
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
    // SAFETY: a live block of this library.
    unsafe { mi::mi_usable_size(ptr.cast()) }
}

/// The size class. The `secure` and `debug` builds of mimalloc, which any crate of a program may turn on, fill a
/// block up with padding that they check: then the request is all that may be written. They are known by a
/// request of one byte, which with padding no longer fits a word.
#[inline]
pub(super) fn good_size(size: usize) -> usize {
    // SAFETY: it only computes.
    let class = |size| unsafe { mi::mi_good_size(size) };
    if class(1) <= size_of::<usize>() { class(size) } else { size }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_the_one_that_the_library_reports() {
        // SAFETY: it takes nothing and returns a number.
        let version = unsafe { super::mi::mi_version() };
        let name = format!("mimalloc-{}.{}.{}", version / 10_000, version / 100 % 100, version % 100);
        assert_eq!(crate::ALLOCATOR, name);
    }
}
