//! mimalloc, through libmimalloc-sys, which builds it from source.
//!
//! It does not replace the C library's malloc, unless another crate of the program turns on libmimalloc-sys'
//! feature `override`.

use libmimalloc_sys as mi;

/// The alignment of blocks of 16 bytes and more: mimalloc's `MI_MAX_ALIGN_SIZE`.
pub(super) const MALLOC_ALIGN: usize = 16;

/// `realloc` leaves a block in place that shrinks to no less than half.
pub(super) const SHRINKS_IN_PLACE: bool = true;

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
/// `align` must be a power of two.
#[inline]
pub(super) unsafe fn memalign(align: usize, size: usize) -> *mut u8 {
    // SAFETY: the alignment is a power of two.
    unsafe { mi::mi_malloc_aligned(size, align).cast() }
}

/// # Safety
/// `ptr` must be a live block of this library, and `size` must not be 0.
#[inline]
pub(super) unsafe fn realloc(ptr: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: `ptr` is a live block of this library.
    unsafe { mi::mi_realloc(ptr.cast(), size).cast() }
}

/// # Safety
/// `ptr` must be a live block of this library.
#[inline]
pub(super) unsafe fn free(ptr: *mut u8) {
    // SAFETY: `ptr` is a live block of this library.
    unsafe { mi::mi_free(ptr.cast()) }
}

/// mimalloc has no use for the size.
///
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
    // SAFETY: `ptr` is a live block of this library.
    unsafe { mi::mi_usable_size(ptr.cast()) }
}

/// Returns the size class, or `size` in the `secure` and `debug` builds of mimalloc. Those builds, which any
/// crate of a program may turn on, fill a block up with padding and check it. Then only the requested bytes
/// may be written. The function recognizes them by a request of one byte, which does not fit into a word
/// together with padding.
#[inline]
pub(super) fn good_size(size: usize) -> usize {
    // SAFETY: `mi_good_size` only computes.
    let class = |size| unsafe { mi::mi_good_size(size) };
    if class(1) <= size_of::<usize>() { class(size) } else { size }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_the_one_that_the_library_reports() {
        // SAFETY: `mi_version` takes no arguments and returns a number.
        let version = unsafe { super::mi::mi_version() };
        let name = format!("mimalloc-{}.{}.{}", version / 10_000, version / 100 % 100, version % 100);
        assert_eq!(crate::ALLOCATOR, name);
    }
}
