//! The C-named functions. They take a size and return a *raw block*, which is aligned to 8.
//!
//! | functions | on failure | result |
//! |---|---|---|
//! | [`zmalloc`], [`zcalloc`], [`zcalloc_num`], [`zrealloc`] | call the OOM handler | the block |
//! | [`ztrymalloc`], [`ztrycalloc`], [`ztrycalloc_num`], [`ztryrealloc`] | return `None` | the block |
//! | the same with `_usable` | the same | the block and its usable size |
//! | [`zrealloc_sized`], [`ztryrealloc_sized`] | as without `_sized` | as `_usable`; needs no look-up |
//!
//! A raw block is resized and freed by these functions only ([`zfree`], [`zfree_sized`], [`zfree_usable`]).
//! It must not be given to the traits of [`Zmalloc`](crate::Zmalloc), and their blocks must not be given to
//! these functions.
//!
//! A request of 0 bytes gives a block of the smallest size. C's null pointers have no counterpart: use
//! `zmalloc(n)` for `zrealloc(NULL, n)`, and `zfree(p)` for `zrealloc(p, 0)`.

use crate::backend::{self, RAW_ALIGN};
use crate::{counter, oom};
use core::alloc::Layout;
use core::ffi::CStr;
use core::ptr::NonNull;

/// A block and the number of bytes that may be written to it.
pub type Usable = (NonNull<u8>, usize);

/// Returns the layout of a raw block, or `None` for sizes of `isize::MAX - 8` and above. No allocator is
/// asked for those.
#[inline]
pub(crate) fn layout(size: usize) -> Option<Layout> {
    if size < isize::MAX as usize - RAW_ALIGN {
        // SAFETY: 8 is a power of two, and `size` rounded up to it stays below `isize::MAX`.
        Some(unsafe { Layout::from_size_align_unchecked(size, RAW_ALIGN) })
    } else {
        None
    }
}

#[inline]
fn should_fail(size: usize) -> bool {
    #[cfg(feature = "fault-injection")]
    return crate::fault::should_fail(size);
    #[cfg(not(feature = "fault-injection"))]
    {
        let _ = size;
        false
    }
}

/// Allocates a raw block, without fault injection. All functions that allocate uninitialised bytes call this.
#[inline(never)] // see `counter::flag`
fn allocate(size: usize) -> Option<NonNull<u8>> {
    let layout = layout(size)?;
    // SAFETY: the size is below `isize::MAX`, as every back end requires.
    let ptr = unsafe {
        if counter::by_allocator() { backend::raw_alloc(layout) } else { own_counts::allocate(layout, false) }
    };
    NonNull::new(ptr)
}

/// [`allocate`], with all bytes set to zero.
#[inline(never)] // see `counter::flag`
fn allocate_zeroed(size: usize) -> Option<NonNull<u8>> {
    let layout = layout(size)?;
    // SAFETY: as in `allocate`.
    let ptr = unsafe {
        if counter::by_allocator() {
            backend::raw_alloc_zeroed(layout)
        } else {
            own_counts::allocate(layout, true)
        }
    };
    NonNull::new(ptr)
}

/// Returns a live raw block, which was requested with `size`, together with its usable size.
#[inline]
fn with_usable(block: NonNull<u8>, size: usize) -> Usable {
    // SAFETY: all callers pass a live block and its size. They have made a layout of this size before, so it
    // is a valid one.
    let charge =
        unsafe { backend::raw_charge(block.as_ptr(), Layout::from_size_align_unchecked(size, RAW_ALIGN)) };
    (block, charge - backend::OVERHEAD)
}

/// Resizes a block.
///
/// # Safety
/// `ptr` must be a live raw block. The size of `old` must lie between the block's requested and usable sizes.
#[inline(never)] // see `counter::flag`
unsafe fn reallocate(ptr: NonNull<u8>, old: Layout, size: usize) -> Option<Usable> {
    let new = layout(size)?;
    // SAFETY: `ptr` is a live block, `old` fits it, and the new size is below `isize::MAX`.
    let moved = unsafe {
        if !counter::by_allocator() {
            own_counts::reallocate(ptr.as_ptr(), old, new)
        } else if old.size().max(size) < counter::LARGE {
            backend::raw_realloc(ptr.as_ptr(), old, size)
        } else {
            counter::resizing(|| backend::raw_realloc(ptr.as_ptr(), old, size))
        }
    };
    Some(with_usable(NonNull::new(moved)?, size))
}

/// # Safety
/// `ptr` must be a live raw block.
#[inline]
unsafe fn reallocate_unsized(ptr: NonNull<u8>, size: usize) -> Option<Usable> {
    // SAFETY: `ptr` is a live raw block, by contract.
    let charge = unsafe { backend::charge_unsized(ptr.as_ptr()) };
    // SAFETY: the block's usable size belongs to its size class.
    unsafe {
        let old = Layout::from_size_align_unchecked(charge - backend::OVERHEAD, RAW_ALIGN);
        reallocate(ptr, old, size)
    }
}

/// # Safety
/// `ptr` must be a live raw block. `old_size` must lie between its requested and usable sizes.
#[inline]
unsafe fn reallocate_sized(ptr: NonNull<u8>, old_size: usize, size: usize) -> Option<Usable> {
    // SAFETY: `old_size` belongs to the block's size class, by contract.
    unsafe { reallocate(ptr, Layout::from_size_align_unchecked(old_size, RAW_ALIGN), size) }
}

/// The same calls for threads that count by hand. They are out of line for the reason given in `global.rs`.
mod own_counts {
    use super::{Layout, backend, counter};

    /// # Safety
    /// The size of `layout` must be below `isize::MAX`.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn allocate(layout: Layout, zeroed: bool) -> *mut u8 {
        let manual_count = counter::manual_count();
        // SAFETY: the contract is passed on. A block that is not null is a live one of `layout`.
        unsafe {
            let ptr = if zeroed { backend::raw_alloc_zeroed(layout) } else { backend::raw_alloc(layout) };
            if let Some(manual_count) = manual_count
                && !ptr.is_null()
            {
                manual_count.add(backend::raw_charge(ptr, layout));
            }
            ptr
        }
    }

    /// # Safety
    /// `ptr` must be a live raw block. The size of `old` must lie between its requested and usable sizes.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn reallocate(ptr: *mut u8, old: Layout, new: Layout) -> *mut u8 {
        // SAFETY: the contract is passed on. A block that is not null is a live one of `new`.
        unsafe {
            let Some(manual_count) = counter::manual_count() else {
                return backend::raw_realloc(ptr, old, new.size());
            };
            let old_charge = backend::raw_charge(ptr, old);
            let moved = backend::raw_realloc(ptr, old, new.size());
            if !moved.is_null() {
                manual_count.replace(old_charge, backend::raw_charge(moved, new));
            }
            moved
        }
    }

    /// # Safety
    /// `ptr` must be a live raw block.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn free(ptr: *mut u8) {
        // SAFETY: the contract is passed on.
        unsafe {
            let Some(manual_count) = counter::manual_count() else { return backend::free(ptr) };
            let charge = backend::charge_unsized(ptr);
            manual_count.sub(charge);
            backend::dealloc_unsized(ptr, charge);
        }
    }

    /// # Safety
    /// `ptr` must be a live raw block. The size of `layout` must lie between its requested and usable sizes.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn free_sized(ptr: *mut u8, layout: Layout) {
        // SAFETY: the contract is passed on.
        unsafe {
            if let Some(manual_count) = counter::manual_count() {
                manual_count.sub(backend::raw_charge(ptr, layout));
            }
            backend::raw_dealloc(ptr, layout);
        }
    }
}

fn product(num: usize, size: usize) -> usize {
    num.saturating_mul(size)
}

/// Allocates `size` uninitialised bytes, aligned to 8. In C: `zmalloc`.
///
/// A failure, or a size of `isize::MAX - 8` and above, calls the OOM handler
/// ([`set_oom_handler`](crate::set_oom_handler)).
#[inline]
pub fn zmalloc(size: usize) -> NonNull<u8> {
    match allocate(size) {
        Some(block) => block,
        None => oom::oom(size),
    }
}

/// [`zmalloc`] that also returns how many bytes may be written. In C: `zmalloc_usable`.
#[inline]
pub fn zmalloc_usable(size: usize) -> Usable {
    match allocate(size) {
        Some(block) => with_usable(block, size),
        None => oom::oom(size),
    }
}

/// Allocates `size` bytes of zeros, aligned to 8. In C: `zcalloc`.
#[inline]
pub fn zcalloc(size: usize) -> NonNull<u8> {
    match allocate_zeroed(size) {
        Some(block) => block,
        None => oom::oom(size),
    }
}

/// [`zcalloc`] that also returns how many bytes may be written. Bytes beyond `size` need not be zero. In C:
/// `zcalloc_usable`.
#[inline]
pub fn zcalloc_usable(size: usize) -> Usable {
    match allocate_zeroed(size) {
        Some(block) => with_usable(block, size),
        None => oom::oom(size),
    }
}

/// Allocates `num * size` bytes of zeros. A product that overflows is a failure. In C: `zcalloc_num`.
#[inline]
pub fn zcalloc_num(num: usize, size: usize) -> NonNull<u8> {
    zcalloc(product(num, size))
}

/// [`zmalloc`] that returns `None` instead of calling the handler. In C: `ztrymalloc`.
#[inline]
pub fn ztrymalloc(size: usize) -> Option<NonNull<u8>> {
    if should_fail(size) { None } else { allocate(size) }
}

/// [`zmalloc_usable`] that returns `None` on failure. In C: `ztrymalloc_usable`.
#[inline]
pub fn ztrymalloc_usable(size: usize) -> Option<Usable> {
    if should_fail(size) { None } else { allocate(size).map(|block| with_usable(block, size)) }
}

/// [`zcalloc`] that returns `None` on failure. In C: `ztrycalloc`.
#[inline]
pub fn ztrycalloc(size: usize) -> Option<NonNull<u8>> {
    if should_fail(size) { None } else { allocate_zeroed(size) }
}

/// [`zcalloc_usable`] that returns `None` on failure. In C: `ztrycalloc_usable`.
#[inline]
pub fn ztrycalloc_usable(size: usize) -> Option<Usable> {
    if should_fail(size) { None } else { allocate_zeroed(size).map(|block| with_usable(block, size)) }
}

/// [`zcalloc_num`] that returns `None` on failure. In C: `ztrycalloc_num`.
#[inline]
pub fn ztrycalloc_num(num: usize, size: usize) -> Option<NonNull<u8>> {
    ztrycalloc(product(num, size))
}

/// Changes the size of a block, which may move it. The bytes up to the smaller of the two sizes are kept. In
/// C: `zrealloc`.
///
/// # Safety
/// `ptr` must be a live raw block. The old pointer must not be used afterwards.
#[inline]
pub unsafe fn zrealloc(ptr: NonNull<u8>, size: usize) -> NonNull<u8> {
    // SAFETY: the contract is the same.
    unsafe { zrealloc_usable(ptr, size).0 }
}

/// [`zrealloc`] that also returns how many bytes may be written. In C: `zrealloc_usable`.
///
/// # Safety
/// As for [`zrealloc`].
#[inline]
pub unsafe fn zrealloc_usable(ptr: NonNull<u8>, size: usize) -> Usable {
    // SAFETY: the contract is the same.
    match unsafe { reallocate_unsized(ptr, size) } {
        Some(block) => block,
        None => oom::oom(size),
    }
}

/// [`zrealloc_usable`] for callers that know the block's size.
///
/// # Safety
/// As for [`zrealloc`]. In addition, `old_size` must lie between the block's requested and usable sizes.
#[inline]
pub unsafe fn zrealloc_sized(ptr: NonNull<u8>, old_size: usize, size: usize) -> Usable {
    // SAFETY: the contract is the same.
    match unsafe { reallocate_sized(ptr, old_size, size) } {
        Some(block) => block,
        None => oom::oom(size),
    }
}

/// [`zrealloc`] that returns `None` on failure and leaves the block unchanged. In C: `ztryrealloc`.
///
/// # Safety
/// As for [`zrealloc`]. After `None` the old pointer stays valid.
#[inline]
pub unsafe fn ztryrealloc(ptr: NonNull<u8>, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: the contract is the same.
    unsafe { ztryrealloc_usable(ptr, size).map(|(block, _)| block) }
}

/// [`zrealloc_usable`] that returns `None` on failure and leaves the block unchanged. In C:
/// `ztryrealloc_usable`.
///
/// # Safety
/// As for [`ztryrealloc`].
#[inline]
pub unsafe fn ztryrealloc_usable(ptr: NonNull<u8>, size: usize) -> Option<Usable> {
    // SAFETY: the contract is the same.
    if should_fail(size) { None } else { unsafe { reallocate_unsized(ptr, size) } }
}

/// [`zrealloc_sized`] that returns `None` on failure and leaves the block unchanged.
///
/// # Safety
/// As for [`zrealloc_sized`]. After `None` the old pointer stays valid.
#[inline]
pub unsafe fn ztryrealloc_sized(ptr: NonNull<u8>, old_size: usize, size: usize) -> Option<Usable> {
    // SAFETY: the contract is the same.
    if should_fail(size) { None } else { unsafe { reallocate_sized(ptr, old_size, size) } }
}

/// Frees a block. The allocator looks up its size. In C: `zfree`.
///
/// # Safety
/// `ptr` must be a live raw block. It must not be used afterwards.
#[inline(never)] // see `counter::flag`
pub unsafe fn zfree(ptr: NonNull<u8>) {
    // SAFETY: `ptr` is a live raw block, by contract.
    unsafe {
        if counter::by_allocator() { backend::free(ptr.as_ptr()) } else { own_counts::free(ptr.as_ptr()) }
    }
}

/// Frees a block and returns its usable size in bytes. In C: `zfree_usable`.
///
/// # Safety
/// As for [`zfree`].
#[inline(never)] // see `counter::flag`
pub unsafe fn zfree_usable(ptr: NonNull<u8>) -> usize {
    // SAFETY: `ptr` is a live raw block, by contract.
    unsafe {
        let charge = backend::charge_unsized(ptr.as_ptr());
        if let Some(manual_count) = counter::manual_count() {
            manual_count.sub(charge);
        }
        backend::dealloc_unsized(ptr.as_ptr(), charge);
        charge - backend::OVERHEAD
    }
}

/// Frees a block whose size the caller knows. This is the cheapest way to free. In C: `zfree_with_size`.
///
/// # Safety
/// As for [`zfree`]. In addition, `size` must lie between the block's requested and usable sizes.
#[inline(never)] // see `counter::flag`
pub unsafe fn zfree_sized(ptr: NonNull<u8>, size: usize) {
    // SAFETY: `size` belongs to the block's size class, by contract.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, RAW_ALIGN);
        if counter::by_allocator() {
            backend::raw_dealloc(ptr.as_ptr(), layout);
        } else {
            own_counts::free_sized(ptr.as_ptr(), layout);
        }
    }
}

/// Copies a C string, including its NUL, to a new block. In C: `zstrdup`.
pub fn zstrdup(text: &CStr) -> NonNull<u8> {
    let bytes = text.to_bytes_with_nul();
    let copy = zmalloc(bytes.len());
    // SAFETY: the new block has room for all the bytes and overlaps no other memory.
    unsafe { copy.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    copy
}

/// Returns the bytes that a block adds to `used_memory`: the size of its size class, or, with the back end
/// `prefix`, the rounded size and the prefix. In C: `zmalloc_size`.
///
/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub unsafe fn zmalloc_size(ptr: NonNull<u8>) -> usize {
    // SAFETY: the contract is the same.
    unsafe { backend::charge_unsized(ptr.as_ptr()) }
}

/// Returns the number of bytes that may be written to a block. In C: `zmalloc_usable_size`.
///
/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub unsafe fn zmalloc_usable_size(ptr: NonNull<u8>) -> usize {
    // SAFETY: the contract is the same.
    unsafe { backend::charge_unsized(ptr.as_ptr()) - backend::OVERHEAD }
}

/// [`zmalloc_size`] for callers that know the block's size. Over jemalloc this needs no look-up.
///
/// # Safety
/// `ptr` must be a live raw block. `size` must lie between its requested and usable sizes.
#[inline]
pub unsafe fn zmalloc_size_sized(ptr: NonNull<u8>, size: usize) -> usize {
    // SAFETY: `size` belongs to the block's size class, by contract.
    unsafe { backend::raw_charge(ptr.as_ptr(), Layout::from_size_align_unchecked(size, RAW_ALIGN)) }
}

/// Frees memory that the C library allocated (`backtrace_symbols`, `getline`). Such memory was never counted.
/// In C: `zlibc_free`.
///
/// # Safety
/// `ptr` must be null or a live block of the C library's `malloc`. It must not be used afterwards.
#[cfg(unix)]
pub unsafe fn zlibc_free(ptr: *mut core::ffi::c_void) {
    // SAFETY: the contract is the same.
    unsafe { libc::free(ptr) }
}
