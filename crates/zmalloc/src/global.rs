//! [`Zmalloc`]: the allocator behind Rust's two allocator traits.

use crate::backend;
use crate::counter;
use allocator_api2::alloc::{AllocError, Allocator};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

/// The accounting allocator as a value, for `GlobalAlloc` and `Allocator`.
///
/// Taught in the chapter `docs/src/counting.md`.
///
/// As the global allocator, it counts every Rust allocation of the process:
///
/// ```
/// #[global_allocator]
/// static GLOBAL: zmalloc::Zmalloc = zmalloc::Zmalloc;
///
/// let before = zmalloc::used_memory();
/// let text = String::from("counted");
/// assert!(zmalloc::used_memory() > before);
/// drop(text);
/// ```
///
/// Otherwise it counts the collections that are given a `Zmalloc`, and the allocations of this workspace's
/// crates. A block is counted once in either case, because the traits and the C-named functions call the same
/// back end and not each other.
///
/// ```
/// let mut map = hashbrown::HashMap::new_in(zmalloc::Zmalloc);
/// let before = zmalloc::used_memory();
/// map.insert("key", 1);
/// assert!(zmalloc::used_memory() > before);
/// ```
///
/// A call of a method of `GlobalAlloc` means that `Zmalloc`, or a type that wraps it, is the program's global
/// allocator. `used_memory` may then rely on jemalloc's own counters for that memory. Collections and other
/// code use `Allocator`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Zmalloc;

impl Zmalloc {
    /// Returns the bytes that a block adds to [`used_memory`](crate::used_memory).
    ///
    /// # Safety
    /// `ptr` must be a live block that one of the two traits allocated here with `layout`'s alignment.
    /// `layout`'s size must lie between the block's requested and usable sizes.
    #[inline]
    pub unsafe fn block_size(&self, ptr: NonNull<u8>, layout: Layout) -> usize {
        // SAFETY: the contract is the same.
        unsafe { backend::charge(ptr.as_ptr(), layout) }
    }
}

// SAFETY: every block comes from the back end, which keeps the size and the alignment. A block stays valid
// until it is freed, and no method unwinds.
unsafe impl GlobalAlloc for Zmalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the contract is the trait's.
        unsafe { alloc_global(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the contract is the trait's.
        unsafe { alloc_zeroed_global(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the contract is the trait's.
        unsafe { dealloc(ptr, layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the contract is the trait's.
        unsafe { realloc(ptr, layout, new_size) }
    }
}

// The functions below do the work. They are never inlined into another crate (see `counter::flag`). They take
// the arguments of `malloc` and `sdallocx` where those functions have them, so that the registers are passed
// on unchanged.

/// # Safety
/// As for `GlobalAlloc::alloc`. `size` and `align` must be those of a layout.
#[inline(never)]
unsafe fn alloc(size: usize, align: usize) -> *mut u8 {
    // SAFETY: `size` and `align` are those of a layout, by contract.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, align);
        if counter::by_allocator() { backend::alloc(layout) } else { own_counts::alloc(layout, false) }
    }
}

/// # Safety
/// As for `GlobalAlloc::alloc_zeroed`. `size` and `align` must be those of a layout.
#[inline(never)]
unsafe fn alloc_zeroed(size: usize, align: usize) -> *mut u8 {
    // SAFETY: as in `alloc`.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, align);
        if counter::by_allocator() { backend::alloc_zeroed(layout) } else { own_counts::alloc(layout, true) }
    }
}

/// # Safety
/// As for `GlobalAlloc::dealloc`. `size` and `align` must be those of a layout.
#[inline(never)]
unsafe fn dealloc(ptr: *mut u8, size: usize, align: usize) {
    // SAFETY: `ptr` is a live block with this layout, by contract.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, align);
        if counter::by_allocator() { backend::dealloc(ptr, layout) } else { own_counts::dealloc(ptr, layout) }
    }
}

/// [`alloc`] for `GlobalAlloc`. It also records that the program's global allocator calls this crate.
///
/// # Safety
/// As for [`alloc`].
#[inline(never)]
unsafe fn alloc_global(size: usize, align: usize) -> *mut u8 {
    // SAFETY: as in `alloc`.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, align);
        if counter::by_allocator() {
            return backend::alloc(layout);
        }
        counter::note_global_allocator();
        own_counts::alloc(layout, false)
    }
}

/// [`alloc_zeroed`] for `GlobalAlloc`. It also records that the program's global allocator calls this crate.
///
/// # Safety
/// As for [`alloc`].
#[inline(never)]
unsafe fn alloc_zeroed_global(size: usize, align: usize) -> *mut u8 {
    // SAFETY: as in `alloc`.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, align);
        if counter::by_allocator() {
            return backend::alloc_zeroed(layout);
        }
        counter::note_global_allocator();
        own_counts::alloc(layout, true)
    }
}

/// # Safety
/// As for `GlobalAlloc::realloc`.
#[inline(never)]
unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    // SAFETY: `ptr` is a live block with this layout. The trait guarantees that the new size, rounded up to
    // the alignment, does not overflow.
    unsafe {
        if !counter::by_allocator() {
            own_counts::realloc(ptr, layout, new_size)
        } else if layout.size().max(new_size) < counter::LARGE {
            backend::realloc(ptr, layout, new_size)
        } else {
            counter::resizing(|| backend::realloc(ptr, layout, new_size))
        }
    }
}

/// The same calls for threads that count by hand. They are out of line, so that the functions above save no
/// registers. A thread that jemalloc counts for comes here only once.
mod own_counts {
    use super::{Layout, backend, counter};

    /// # Safety
    /// As for `GlobalAlloc::alloc` or `alloc_zeroed`.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn alloc(layout: Layout, zeroed: bool) -> *mut u8 {
        let manual_count = counter::manual_count();
        // SAFETY: the contract is passed on. A block that is not null is a live one of `layout`.
        unsafe {
            let ptr = if zeroed { backend::alloc_zeroed(layout) } else { backend::alloc(layout) };
            if let Some(manual_count) = manual_count
                && !ptr.is_null()
            {
                manual_count.add(backend::charge(ptr, layout));
            }
            ptr
        }
    }

    /// # Safety
    /// As for `GlobalAlloc::dealloc`.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn dealloc(ptr: *mut u8, layout: Layout) {
        // SAFETY: the contract is passed on.
        unsafe {
            if let Some(manual_count) = counter::manual_count() {
                manual_count.sub(backend::charge(ptr, layout));
            }
            backend::dealloc(ptr, layout);
        }
    }

    /// # Safety
    /// As for `GlobalAlloc::realloc`.
    #[cfg_attr(zmalloc_backend = "jemalloc", inline(never))]
    pub(super) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the contract is passed on. The trait guarantees that the new size makes a layout.
        unsafe {
            let Some(manual_count) = counter::manual_count() else {
                return backend::realloc(ptr, layout, new_size);
            };
            let old = backend::charge(ptr, layout);
            let new = backend::realloc(ptr, layout, new_size);
            if !new.is_null() {
                let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
                manual_count.replace(old, backend::charge(new, new_layout));
            }
            new
        }
    }
}

impl Zmalloc {
    #[inline]
    fn try_allocate(&self, layout: Layout, zeroed: bool) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            // SAFETY: an alignment is never 0.
            let dangling =
                unsafe { NonNull::new_unchecked(core::ptr::without_provenance_mut(layout.align())) };
            return Ok(NonNull::slice_from_raw_parts(dangling, 0));
        }
        #[cfg(feature = "fault-injection")]
        if crate::fault::should_fail(layout.size()) {
            return Err(AllocError);
        }
        // SAFETY: the arguments are those of a layout, and its size is not 0.
        let ptr = unsafe {
            if zeroed {
                alloc_zeroed(layout.size(), layout.align())
            } else {
                alloc(layout.size(), layout.align())
            }
        };
        let block = NonNull::new(ptr).ok_or(AllocError)?;
        // Only the requested bytes are known to be zero, so a zeroed block is returned with its requested
        // size.
        // SAFETY: `ptr` is a live block of `layout`.
        let usable = if zeroed { layout.size() } else { unsafe { backend::usable(ptr, layout) } };
        Ok(NonNull::slice_from_raw_parts(block, usable))
    }

    /// # Safety
    /// As for `Allocator::grow` if the new size is larger, and as for `Allocator::shrink` otherwise.
    #[inline]
    unsafe fn resize(&self, ptr: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if old.size() == 0 || new.size() == 0 || old.align() != new.align() {
            let block = self.try_allocate(new, false)?;
            // SAFETY: both blocks are live and disjoint, and the copy fits into both.
            unsafe {
                block.cast::<u8>().copy_from_nonoverlapping(ptr, old.size().min(new.size()));
                self.deallocate(ptr, old);
            }
            return Ok(block);
        }
        #[cfg(feature = "fault-injection")]
        if crate::fault::should_fail(new.size()) {
            return Err(AllocError);
        }
        // SAFETY: `old` fits the live block, the alignment stays the same, and neither size is 0.
        let moved = unsafe { self.realloc(ptr.as_ptr(), old, new.size()) };
        let block = NonNull::new(moved).ok_or(AllocError)?;
        // SAFETY: `moved` is a live block of `new`.
        Ok(NonNull::slice_from_raw_parts(block, unsafe { backend::usable(moved, new) }))
    }
}

// SAFETY: the value has no state, so all copies are the same allocator. Blocks come from the back end and
// stay valid until they are freed. Any size from the requested to the returned one belongs to the same size
// class.
unsafe impl Allocator for Zmalloc {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.try_allocate(layout, false)
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.try_allocate(layout, true)
    }

    #[inline]
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            // SAFETY: the block is not empty, so `try_allocate` allocated it, and `layout` fits it.
            unsafe { self.dealloc(ptr.as_ptr(), layout) }
        }
    }

    #[inline]
    unsafe fn grow(&self, ptr: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the contract is the same.
        unsafe { self.resize(ptr, old, new) }
    }

    #[inline]
    unsafe fn grow_zeroed(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the contract is the same. The bytes past the old size are inside the new block.
        unsafe {
            let block = self.resize(ptr, old, new)?;
            block.cast::<u8>().add(old.size()).write_bytes(0, block.len() - old.size());
            Ok(block)
        }
    }

    #[inline]
    unsafe fn shrink(&self, ptr: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the contract is the same.
        unsafe { self.resize(ptr, old, new) }
    }
}
