//! Blocks past the cache of the thread.
//!
//! A block that is moved to close a gap must not come to lie in another gap. The thread's cache hands out the
//! blocks that were freed last, from the very slabs that are being emptied; the arena itself takes the oldest
//! slab with room. So a defragmenter goes around the cache both ways: what it frees counts as free in its
//! slab at once, and what it allocates fills the slabs that are to stay.

use crate::{Zmalloc, backend, counter, oom, raw};
use allocator_api2::alloc::AllocError;
#[cfg(not(zmalloc_backend = "jemalloc"))]
use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box;
use core::alloc::Layout;
use core::ptr::NonNull;

/// Takes a block past the cache, from one arena if one is given, and counts it: the block and its charge.
pub(super) fn allocate(size: usize, arena: Option<u32>) -> Option<(NonNull<u8>, usize)> {
    let layout = raw::layout(size)?;
    let hand = counter::hand();
    // SAFETY: the size is below `isize::MAX`; an arena that is given exists.
    let block = NonNull::new(unsafe { backend::alloc_uncached(layout, arena) })?;
    // SAFETY: `block` was just allocated as a raw block of this layout.
    let charge = unsafe { backend::raw_charge(block.as_ptr(), layout) };
    if let Some(hand) = hand {
        hand.add(charge);
    }
    Some((block, charge))
}

/// Gives a block back past the cache, and says what its charge was.
///
/// # Safety
/// `ptr` is a live raw block, of whatever arena; it is dead afterwards.
pub(super) unsafe fn free(ptr: NonNull<u8>) -> usize {
    // SAFETY: a live raw block, by contract.
    unsafe {
        let charge = backend::charge_unsized(ptr.as_ptr());
        if let Some(hand) = counter::hand() {
            hand.sub(charge);
        }
        backend::dealloc_uncached(ptr.as_ptr(), charge);
        charge
    }
}

impl Zmalloc {
    /// `Allocator::allocate` past the thread's cache: from the slab that the allocator would rather fill. Slower, by a lock.
    /// A block like any other of the two traits. With allocators that have no such cache it is just `allocate`.
    pub fn allocate_no_tcache(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        #[cfg(zmalloc_backend = "jemalloc")]
        {
            #[cfg(feature = "fault-injection")]
            if crate::fault::strikes(layout.size()) {
                return Err(AllocError);
            }
            let hand = counter::hand();
            // SAFETY: a layout's size is at most `isize::MAX`.
            let block = NonNull::new(unsafe { backend::alloc_uncached(layout, None) }).ok_or(AllocError)?;
            if let Some(hand) = hand {
                // SAFETY: just allocated with this layout.
                hand.add(unsafe { self.block_size(block, layout) });
            }
            Ok(block)
        }
        #[cfg(not(zmalloc_backend = "jemalloc"))]
        self.allocate(layout).map(NonNull::cast)
    }

    /// `Allocator::deallocate` past the thread's cache: the block is free in its slab at once.
    ///
    /// # Safety
    /// As for `Allocator::deallocate`.
    pub unsafe fn deallocate_no_tcache(&self, ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: a live block of this layout, by contract.
        unsafe {
            #[cfg(zmalloc_backend = "jemalloc")]
            {
                let charge = self.block_size(ptr, layout);
                if let Some(hand) = counter::hand() {
                    hand.sub(charge);
                }
                backend::dealloc_uncached(ptr.as_ptr(), charge);
            }
            #[cfg(not(zmalloc_backend = "jemalloc"))]
            self.deallocate(ptr, layout);
        }
    }
}

/// Drops a box, and gives its block back past the thread's cache. For many boxes of one size that are dropped
/// in steps: the cache would collect their blocks, and give tens of them back to their slabs within one step.
/// Slower, by a lock.
///
/// ```
/// let boxed = zmalloc::try_box([0_u8; 100])?;
/// zmalloc::drop_no_tcache(boxed);
/// # Ok::<(), zmalloc::ReserveError>(())
/// ```
pub fn drop_no_tcache<T>(boxed: Box<T, Zmalloc>) {
    let layout = Layout::new::<T>();
    let block = NonNull::from(Box::leak(boxed));
    // SAFETY: the value of a box, which is not used again. The box took its block here, with this layout; a
    // value without bytes has none.
    unsafe {
        block.drop_in_place();
        if layout.size() > 0 {
            Zmalloc.deallocate_no_tcache(block.cast(), layout);
        }
    }
}

/// [`zmalloc`](crate::zmalloc) past the thread's cache: from the slab that the allocator would rather fill.
/// Slower, by a lock. A block of the C-named family like any other. With allocators that have no such cache
/// it is just `zmalloc`. A failure, or a size of `isize::MAX - 8` and above, calls the OOM handler. In C:
/// `zmalloc_no_tcache`.
pub fn zmalloc_no_tcache(size: usize) -> NonNull<u8> {
    match allocate(size, None) {
        Some((block, _)) => block,
        None => oom::oom(size),
    }
}

/// [`zmalloc_no_tcache`] that answers `None` instead of calling the handler: for a structure that moves its block only if
/// there is room.
pub fn ztrymalloc_no_tcache(size: usize) -> Option<NonNull<u8>> {
    #[cfg(feature = "fault-injection")]
    if crate::fault::strikes(size) {
        return None;
    }
    allocate(size, None).map(|(block, _)| block)
}

/// [`zfree`](crate::zfree) past the thread's cache: the block is free in its slab at once. Takes any block
/// of the C-named family, which those of an [`Arena`](crate::Arena) are not: they go back to it. In C:
/// `zfree_no_tcache`.
///
/// # Safety
/// As for [`zfree`](crate::zfree).
pub unsafe fn zfree_no_tcache(ptr: NonNull<u8>) {
    // SAFETY: passed on unchanged.
    unsafe { free(ptr) };
}
