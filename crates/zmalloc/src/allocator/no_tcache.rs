//! Allocates and frees blocks without the thread's cache, for defragmentation.
//!
//! A block that is moved to close a gap must not move into another gap. The thread's cache hands out the
//! blocks that were freed last, and those lie in the slabs that are being emptied. The arena itself takes the
//! oldest slab with room. So a defragmenter bypasses the cache when it frees and when it allocates. A block
//! that it frees is free in its slab at once, and a block that it allocates fills a slab that is to stay.

use crate::{Zmalloc, backend, counter, oom, raw};
use allocator_api2::alloc::AllocError;
#[cfg(not(zmalloc_backend = "jemalloc"))]
use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box;
use core::alloc::Layout;
use core::ptr::NonNull;

/// Allocates a raw block, bypassing the cache, from one arena if one is given. Counts the block, and returns
/// it with its charge.
pub(super) fn allocate(size: usize, arena: Option<u32>) -> Option<(NonNull<u8>, usize)> {
    let layout = raw::layout(size)?;
    let manual_count = counter::manual_count();
    // SAFETY: the size is below `isize::MAX`, and an arena that is given exists.
    let block = NonNull::new(unsafe { backend::alloc_uncached(layout, arena) })?;
    // SAFETY: `block` was just allocated as a raw block of this layout.
    let charge = unsafe { backend::raw_charge(block.as_ptr(), layout) };
    if let Some(manual_count) = manual_count {
        manual_count.add(charge);
    }
    Some((block, charge))
}

/// Frees a raw block, bypassing the cache, and returns its charge.
///
/// # Safety
/// `ptr` must be a live raw block, of any arena. It must not be used afterwards.
pub(super) unsafe fn free(ptr: NonNull<u8>) -> usize {
    // SAFETY: `ptr` is a live raw block, by contract.
    unsafe {
        let charge = backend::charge_unsized(ptr.as_ptr());
        if let Some(manual_count) = counter::manual_count() {
            manual_count.sub(charge);
        }
        backend::dealloc_uncached(ptr.as_ptr(), charge);
        charge
    }
}

impl Zmalloc {
    /// `Allocator::allocate` that bypasses the thread's cache: the block comes from the slab that the
    /// allocator prefers to fill. It is slower by a lock.
    ///
    /// The block does not differ from other blocks of the two traits. Over an allocator without such a cache,
    /// this is `allocate`.
    pub fn allocate_no_tcache(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        #[cfg(zmalloc_backend = "jemalloc")]
        {
            #[cfg(feature = "fault-injection")]
            if crate::fault::should_fail(layout.size()) {
                return Err(AllocError);
            }
            let manual_count = counter::manual_count();
            // SAFETY: a layout's size is at most `isize::MAX`.
            let block = NonNull::new(unsafe { backend::alloc_uncached(layout, None) }).ok_or(AllocError)?;
            if let Some(manual_count) = manual_count {
                // SAFETY: the block was just allocated with this layout.
                manual_count.add(unsafe { self.block_size(block, layout) });
            }
            Ok(block)
        }
        #[cfg(not(zmalloc_backend = "jemalloc"))]
        self.allocate(layout).map(NonNull::cast)
    }

    /// `Allocator::deallocate` that bypasses the thread's cache: the block is free in its slab at once.
    ///
    /// # Safety
    /// As for `Allocator::deallocate`.
    pub unsafe fn deallocate_no_tcache(&self, ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: `ptr` is a live block of this layout, by contract.
        unsafe {
            #[cfg(zmalloc_backend = "jemalloc")]
            {
                let charge = self.block_size(ptr, layout);
                if let Some(manual_count) = counter::manual_count() {
                    manual_count.sub(charge);
                }
                backend::dealloc_uncached(ptr.as_ptr(), charge);
            }
            #[cfg(not(zmalloc_backend = "jemalloc"))]
            self.deallocate(ptr, layout);
        }
    }
}

/// Drops a box and frees its block, bypassing the thread's cache. It is slower by a lock.
///
/// Use it for many boxes of one size that are dropped in steps. The cache would collect their blocks and
/// return tens of them to their slabs within one step.
///
/// ```
/// let boxed = zmalloc::try_box([0_u8; 100])?;
/// zmalloc::drop_no_tcache(boxed);
/// # Ok::<(), zmalloc::ReserveError>(())
/// ```
pub fn drop_no_tcache<T>(boxed: Box<T, Zmalloc>) {
    let layout = Layout::new::<T>();
    let block = NonNull::from(Box::leak(boxed));
    // SAFETY: the box is not used again after its value is dropped. It allocated its block here, with this
    // layout; a value of size 0 has no block.
    unsafe {
        block.drop_in_place();
        if layout.size() > 0 {
            Zmalloc.deallocate_no_tcache(block.cast(), layout);
        }
    }
}

/// [`zmalloc`](crate::zmalloc) that bypasses the thread's cache: the block comes from the slab that the
/// allocator prefers to fill. It is slower by a lock.
///
/// The block does not differ from other raw blocks. Over an allocator without such a cache, this is
/// `zmalloc`. A failure, or a size of `isize::MAX - 8` and above, calls the OOM handler. In C:
/// `zmalloc_no_tcache`.
pub fn zmalloc_no_tcache(size: usize) -> NonNull<u8> {
    match allocate(size, None) {
        Some((block, _)) => block,
        None => oom::oom(size),
    }
}

/// [`zmalloc_no_tcache`] that returns `None` instead of calling the handler. Use it for a structure that
/// moves its block only if there is memory.
pub fn ztrymalloc_no_tcache(size: usize) -> Option<NonNull<u8>> {
    #[cfg(feature = "fault-injection")]
    if crate::fault::should_fail(size) {
        return None;
    }
    allocate(size, None).map(|(block, _)| block)
}

/// [`zfree`](crate::zfree) that bypasses the thread's cache: the block is free in its slab at once. It takes
/// any raw block except those of an [`Arena`](crate::Arena), which must be freed by their arena. In C:
/// `zfree_no_tcache`.
///
/// # Safety
/// As for [`zfree`](crate::zfree).
pub unsafe fn zfree_no_tcache(ptr: NonNull<u8>) {
    // SAFETY: the contract is the same.
    unsafe { free(ptr) };
}
