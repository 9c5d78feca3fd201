//! mimalloc, through libmimalloc-sys, which builds it from source.
//!
//! It does not replace the C library's malloc, unless another crate of the program turns on libmimalloc-sys'
//! feature `override`.

use libmimalloc_sys as mi;

/// The alignment of blocks of 16 bytes and more: mimalloc's `MI_MAX_ALIGN_SIZE`.
pub(super) const MALLOC_ALIGN: usize = 16;

/// `realloc` leaves a block in place if the block shrinks to at least half its size.
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
/// `ptr` must be a live block of this library. `_usable` must be what [`usable_size`] returns for it.
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

/// Returns the size class of `size`. In the `secure` and `debug` builds of mimalloc, returns `size` itself.
/// Any crate of a program may turn on such a build. The build fills the rest of a block with padding and
/// checks the padding, so callers may write only the requested bytes. The function recognizes such a build by
/// the size class of one byte, which is larger than a word because of the padding.
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
