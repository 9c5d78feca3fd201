//! The family under its C names: sizes in, 8-aligned blocks out.
//!
//! | here | fails by | gives |
//! |---|---|---|
//! | [`zmalloc`], [`zcalloc`], [`zcalloc_num`], [`zrealloc`] | the OOM handler | the block |
//! | [`ztrymalloc`], [`ztrycalloc`], [`ztrycalloc_num`], [`ztryrealloc`] | `None` | the block |
//! | the same with `_usable` | likewise | the block and its usable size |
//! | the same with `_sized` | likewise | as `_usable`, sparing the allocator a look-up |
//!
//! A block of this family goes back through this family ([`zfree`], [`zfree_sized`], [`zfree_usable`]);
//! it must not be given to the [`Zmalloc`](crate::Zmalloc) faces, nor theirs to it. A request of 0
//! bytes gives a block of the smallest size. C's null pointers have no counterpart: `zrealloc(NULL, n)`
//! is `zmalloc(n)`, and `zrealloc(p, 0)` is `zfree(p)`.

use crate::backend::{self, RAW_ALIGN};
use crate::{counter, oom};
use core::alloc::Layout;
use core::ffi::CStr;
use core::ptr::NonNull;

/// A block and the number of bytes that may be written to it.
pub type Usable = (NonNull<u8>, usize);

/// The layout of a block of this family; `None` from `isize::MAX` up, which no allocator is asked.
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
fn strikes(size: usize) -> bool {
    #[cfg(feature = "fault-injection")]
    return crate::fault::strikes(size);
    #[cfg(not(feature = "fault-injection"))]
    {
        let _ = size;
        false
    }
}

/// Allocates without a chance for an injected fault: what all functions that allocate share.
#[inline(never)] // see `counter::flag`
fn allocate(size: usize) -> Option<NonNull<u8>> {
    let layout = layout(size)?;
    // SAFETY: the size is below `isize::MAX`, as every back end asks.
    let ptr = unsafe {
        if counter::by_allocator() { backend::raw_alloc(layout) } else { by_hand::allocate(layout, false) }
    };
    NonNull::new(ptr)
}

/// [`allocate`], and the bytes are zeros.
#[inline(never)] // see `counter::flag`
fn allocate_zeroed(size: usize) -> Option<NonNull<u8>> {
    let layout = layout(size)?;
    // SAFETY: as in `allocate`.
    let ptr = unsafe {
        if counter::by_allocator() {
            backend::raw_alloc_zeroed(layout)
        } else {
            by_hand::allocate(layout, true)
        }
    };
    NonNull::new(ptr)
}

/// A live block of this family that was asked for with `size`, and what may be written to it.
#[inline]
fn with_usable(block: NonNull<u8>, size: usize) -> Usable {
    // SAFETY: both callers pass a live block with its size, which made a layout before.
    let charge =
        unsafe { backend::raw_charge(block.as_ptr(), Layout::from_size_align_unchecked(size, RAW_ALIGN)) };
    (block, charge - backend::OVERHEAD)
}

/// Resizes a block.
///
/// # Safety
/// `ptr` is a live block of this family, and `old` of a size between its requested and usable one.
#[inline(never)] // see `counter::flag`
unsafe fn reallocate(ptr: NonNull<u8>, old: Layout, size: usize) -> Option<Usable> {
    let new = layout(size)?;
    // SAFETY: a live block with a layout of its class; the new size is below `isize::MAX`.
    let moved = unsafe {
        if !counter::by_allocator() {
            by_hand::reallocate(ptr.as_ptr(), old, new)
        } else if old.size().max(size) < counter::LARGE {
            backend::raw_realloc(ptr.as_ptr(), old, size)
        } else {
            counter::resizing(|| backend::raw_realloc(ptr.as_ptr(), old, size))
        }
    };
    Some(with_usable(NonNull::new(moved)?, size))
}

/// # Safety
/// `ptr` is a live block of this family.
#[inline]
unsafe fn reallocate_unsized(ptr: NonNull<u8>, size: usize) -> Option<Usable> {
    // SAFETY: a live block of this family, by contract.
    let charge = unsafe { backend::charge_unsized(ptr.as_ptr()) };
    // SAFETY: its usable size describes its class.
    unsafe {
        let old = Layout::from_size_align_unchecked(charge - backend::OVERHEAD, RAW_ALIGN);
        reallocate(ptr, old, size)
    }
}

/// # Safety
/// `ptr` is a live block of this family, and `old_size` between its requested and usable size.
#[inline]
unsafe fn reallocate_sized(ptr: NonNull<u8>, old_size: usize, size: usize) -> Option<Usable> {
    // SAFETY: `old_size` describes the block's class, by contract.
    unsafe { reallocate(ptr, Layout::from_size_align_unchecked(old_size, RAW_ALIGN), size) }
}

/// The calls where this crate has to count, out of line as in `global.rs`.
mod by_hand {
    use super::{Layout, backend, counter};

    /// # Safety
    /// The size is below `isize::MAX`.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn allocate(layout: Layout, zeroed: bool) -> *mut u8 {
        let hand = counter::hand();
        // SAFETY: passed on; a block that is not null is a live one of `layout`.
        unsafe {
            let ptr = if zeroed { backend::raw_alloc_zeroed(layout) } else { backend::raw_alloc(layout) };
            if let Some(hand) = hand
                && !ptr.is_null()
            {
                hand.add(backend::raw_charge(ptr, layout));
            }
            ptr
        }
    }

    /// # Safety
    /// `ptr` is a live block of this family, `old` of a size between its requested and usable one.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn reallocate(ptr: *mut u8, old: Layout, new: Layout) -> *mut u8 {
        // SAFETY: passed on; a block that is not null is a live one of `new`.
        unsafe {
            let Some(hand) = counter::hand() else { return backend::raw_realloc(ptr, old, new.size()) };
            let old_charge = backend::raw_charge(ptr, old);
            let moved = backend::raw_realloc(ptr, old, new.size());
            if !moved.is_null() {
                hand.replace(old_charge, backend::raw_charge(moved, new));
            }
            moved
        }
    }

    /// # Safety
    /// `ptr` is a live block of this family.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn free(ptr: *mut u8) {
        // SAFETY: passed on.
        unsafe {
            let Some(hand) = counter::hand() else { return backend::free(ptr) };
            let charge = backend::charge_unsized(ptr);
            hand.sub(charge);
            backend::dealloc_unsized(ptr, charge);
        }
    }

    /// # Safety
    /// `ptr` is a live block of this family, `layout` of a size between its requested and usable one.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn free_sized(ptr: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe {
            if let Some(hand) = counter::hand() {
                hand.sub(backend::raw_charge(ptr, layout));
            }
            backend::raw_dealloc(ptr, layout);
        }
    }
}

fn product(num: usize, size: usize) -> usize {
    num.saturating_mul(size)
}

/// Allocates `size` bytes, uninitialised and aligned to 8. In C: `zmalloc`.
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

/// [`zmalloc`] that also says how many bytes may be written. In C: `zmalloc_usable`.
#[inline]
pub fn zmalloc_usable(size: usize) -> Usable {
    match allocate(size) {
        Some(block) => with_usable(block, size),
        None => oom::oom(size),
    }
}

/// Allocates `size` bytes of zeros. In C: `zcalloc`.
#[inline]
pub fn zcalloc(size: usize) -> NonNull<u8> {
    match allocate_zeroed(size) {
        Some(block) => block,
        None => oom::oom(size),
    }
}

/// [`zcalloc`] that also says how many bytes may be written; those beyond `size` need not be zero. In
/// C: `zcalloc_usable`.
#[inline]
pub fn zcalloc_usable(size: usize) -> Usable {
    match allocate_zeroed(size) {
        Some(block) => with_usable(block, size),
        None => oom::oom(size),
    }
}

/// Allocates `num` times `size` bytes of zeros; a product that overflows is a failure. In C:
/// `zcalloc_num`.
#[inline]
pub fn zcalloc_num(num: usize, size: usize) -> NonNull<u8> {
    zcalloc(product(num, size))
}

/// [`zmalloc`] that answers `None` instead of calling the handler. In C: `ztrymalloc`.
#[inline]
pub fn ztrymalloc(size: usize) -> Option<NonNull<u8>> {
    if strikes(size) { None } else { allocate(size) }
}

/// [`zmalloc_usable`] that answers `None` on failure. In C: `ztrymalloc_usable`.
#[inline]
pub fn ztrymalloc_usable(size: usize) -> Option<Usable> {
    if strikes(size) { None } else { allocate(size).map(|block| with_usable(block, size)) }
}

/// [`zcalloc`] that answers `None` on failure. In C: `ztrycalloc`.
#[inline]
pub fn ztrycalloc(size: usize) -> Option<NonNull<u8>> {
    if strikes(size) { None } else { allocate_zeroed(size) }
}

/// [`zcalloc_usable`] that answers `None` on failure. In C: `ztrycalloc_usable`.
#[inline]
pub fn ztrycalloc_usable(size: usize) -> Option<Usable> {
    if strikes(size) { None } else { allocate_zeroed(size).map(|block| with_usable(block, size)) }
}

/// [`zcalloc_num`] that answers `None` on failure. In C: `ztrycalloc_num`.
#[inline]
pub fn ztrycalloc_num(num: usize, size: usize) -> Option<NonNull<u8>> {
    ztrycalloc(product(num, size))
}

/// Changes the size of a block, which may move; the bytes up to the smaller size are kept. In C:
/// `zrealloc`.
///
/// # Safety
/// `ptr` is a live block of this family. The old pointer must not be used afterwards.
#[inline]
pub unsafe fn zrealloc(ptr: NonNull<u8>, size: usize) -> NonNull<u8> {
    // SAFETY: passed on unchanged.
    unsafe { zrealloc_usable(ptr, size).0 }
}

/// [`zrealloc`] that also says how many bytes may be written. In C: `zrealloc_usable`.
///
/// # Safety
/// As for [`zrealloc`].
#[inline]
pub unsafe fn zrealloc_usable(ptr: NonNull<u8>, size: usize) -> Usable {
    // SAFETY: passed on unchanged.
    match unsafe { reallocate_unsized(ptr, size) } {
        Some(block) => block,
        None => oom::oom(size),
    }
}

/// [`zrealloc_usable`] for a caller that knows the block's size.
///
/// # Safety
/// As for [`zrealloc`], and `old_size` lies between what was asked for and what was usable.
#[inline]
pub unsafe fn zrealloc_sized(ptr: NonNull<u8>, old_size: usize, size: usize) -> Usable {
    // SAFETY: passed on unchanged.
    match unsafe { reallocate_sized(ptr, old_size, size) } {
        Some(block) => block,
        None => oom::oom(size),
    }
}

/// [`zrealloc`] that answers `None` on failure, the block then untouched. In C: `ztryrealloc`.
///
/// # Safety
/// As for [`zrealloc`]; after `None` the old pointer stays valid.
#[inline]
pub unsafe fn ztryrealloc(ptr: NonNull<u8>, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: passed on unchanged.
    unsafe { ztryrealloc_usable(ptr, size).map(|(block, _)| block) }
}

/// [`zrealloc_usable`] that answers `None` on failure, the block then untouched. In C:
/// `ztryrealloc_usable`.
///
/// # Safety
/// As for [`ztryrealloc`].
#[inline]
pub unsafe fn ztryrealloc_usable(ptr: NonNull<u8>, size: usize) -> Option<Usable> {
    // SAFETY: passed on unchanged.
    if strikes(size) { None } else { unsafe { reallocate_unsized(ptr, size) } }
}

/// [`zrealloc_sized`] that answers `None` on failure, the block then untouched.
///
/// # Safety
/// As for [`zrealloc_sized`]; after `None` the old pointer stays valid.
#[inline]
pub unsafe fn ztryrealloc_sized(ptr: NonNull<u8>, old_size: usize, size: usize) -> Option<Usable> {
    // SAFETY: passed on unchanged.
    if strikes(size) { None } else { unsafe { reallocate_sized(ptr, old_size, size) } }
}

/// Frees a block, asking the allocator for its size. In C: `zfree`.
///
/// # Safety
/// `ptr` is a live block of this family; it is dead afterwards.
#[inline(never)] // see `counter::flag`
pub unsafe fn zfree(ptr: NonNull<u8>) {
    // SAFETY: a live block of this family, by contract.
    unsafe { if counter::by_allocator() { backend::free(ptr.as_ptr()) } else { by_hand::free(ptr.as_ptr()) } }
}

/// Frees a block and says how many bytes were usable in it. In C: `zfree_usable`.
///
/// # Safety
/// As for [`zfree`].
#[inline(never)] // see `counter::flag`
pub unsafe fn zfree_usable(ptr: NonNull<u8>) -> usize {
    // SAFETY: a live block of this family, by contract.
    unsafe {
        let charge = backend::charge_unsized(ptr.as_ptr());
        if let Some(hand) = counter::hand() {
            hand.sub(charge);
        }
        backend::dealloc_unsized(ptr.as_ptr(), charge);
        charge - backend::OVERHEAD
    }
}

/// Frees a block whose size the caller knows: the cheapest way. In C: `zfree_with_size`.
///
/// # Safety
/// As for [`zfree`], and `size` lies between what was asked for and what was usable.
#[inline(never)] // see `counter::flag`
pub unsafe fn zfree_sized(ptr: NonNull<u8>, size: usize) {
    // SAFETY: `size` describes the block's class, by contract.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, RAW_ALIGN);
        if counter::by_allocator() {
            backend::raw_dealloc(ptr.as_ptr(), layout);
        } else {
            by_hand::free_sized(ptr.as_ptr(), layout);
        }
    }
}

/// Copies a C string, its NUL included, into a block of its own. In C: `zstrdup`.
pub fn zstrdup(text: &CStr) -> NonNull<u8> {
    let bytes = text.to_bytes_with_nul();
    let copy = zmalloc(bytes.len());
    // SAFETY: the new block has room for all the bytes and overlaps nothing.
    unsafe { copy.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    copy
}

/// What a block adds to `used_memory`, in bytes: its size class, or prefix and size. In C:
/// `zmalloc_size`.
///
/// # Safety
/// `ptr` is a live block of this family.
#[inline]
pub unsafe fn zmalloc_size(ptr: NonNull<u8>) -> usize {
    // SAFETY: passed on unchanged.
    unsafe { backend::charge_unsized(ptr.as_ptr()) }
}

/// How many bytes may be written to a block. In C: `zmalloc_usable_size`.
///
/// # Safety
/// `ptr` is a live block of this family.
#[inline]
pub unsafe fn zmalloc_usable_size(ptr: NonNull<u8>) -> usize {
    // SAFETY: passed on unchanged.
    unsafe { backend::charge_unsized(ptr.as_ptr()) - backend::OVERHEAD }
}

/// [`zmalloc_size`] for a caller that knows the block's size, sparing the look-up.
///
/// # Safety
/// `ptr` is a live block of this family, `size` between what was asked for and what was usable.
#[inline]
pub unsafe fn zmalloc_size_sized(ptr: NonNull<u8>, size: usize) -> usize {
    // SAFETY: `size` describes the block's class, by contract.
    unsafe { backend::raw_charge(ptr.as_ptr(), Layout::from_size_align_unchecked(size, RAW_ALIGN)) }
}

/// Frees memory that the C library allocated, not this one (`backtrace_symbols`, `getline`); it was
/// never counted. In C: `zlibc_free`.
///
/// # Safety
/// `ptr` is null or a live block of the C library's `malloc`.
#[cfg(unix)]
pub unsafe fn zlibc_free(ptr: *mut core::ffi::c_void) {
    // SAFETY: passed on unchanged.
    unsafe { libc::free(ptr) }
}
