//! [`Arena`]: blocks that are kept apart from all others.

use super::controls::purge_arena;
use super::ctl::Control;
use super::info::{AllocatorInfo, arena_info};
use super::no_tcache;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

/// An arena of the allocator that only this handle allocates from. It keeps blocks that live and die together
/// apart from all others, so that neither fragments the other.
///
/// - Its blocks are in [`used_memory`](crate::used_memory) like any other, and in [`used`](Self::used).
/// - They are freed only by [`free`](Self::free). [`zmalloc_size`](crate::zmalloc_size) and
///   [`zmalloc_usable_size`](crate::zmalloc_usable_size) return their sizes.
/// - They bypass the thread's cache, so that none is left in a cache when the arena ends.
/// - An arena can end only when it is empty: [`destroy`](Self::destroy) refuses otherwise. jemalloc can drop
///   an arena with all its blocks, but does not count them as freed. `used_memory` would stay too high for
///   ever.
///
/// An arena that is dropped is destroyed if it is empty. Otherwise it stays for the rest of the process, and
/// its blocks stay live and counted.
///
/// Arenas are expensive: each has some 10 KiB of records and a lock for each size class, and there are at
/// most 4,094. Use a handful, not one for each value.
///
/// ```
/// use zmalloc::Arena;
///
/// if let Some(arena) = Arena::new() {
///     let block = arena.allocate(100).unwrap();
///     assert!(arena.used() >= 100);
///     // SAFETY: the block is live and belongs to this arena.
///     unsafe { arena.free(block) };
///     arena.destroy().unwrap();
/// }
/// ```
#[derive(Debug)]
pub struct Arena {
    index: u32,
    /// The bytes in live blocks.
    used: AtomicUsize,
}

impl Arena {
    /// Creates an empty arena. Returns `None` if the allocator has no arenas, or no more of them. In C:
    /// `mallctl("arenas.create")`.
    pub fn new() -> Option<Self> {
        static CREATE: Control<2> = Control::new(c"arenas.create");
        Some(Self { index: CREATE.read(&[])?, used: AtomicUsize::new(0) })
    }

    /// Returns the index under which [`arena_infos`](crate::arena_infos) lists this arena.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Returns the bytes in its live blocks. The call does not ask the allocator and takes constant time.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns the allocator's figures for this arena, as [`arena_info`](crate::arena_info) does.
    pub fn info(&self) -> Option<AllocatorInfo> {
        arena_info(self.index())
    }

    /// Allocates `size` uninitialised bytes, aligned to 8. Returns `None` on failure. In C:
    /// `mallocx(size, MALLOCX_ARENA(i) | MALLOCX_TCACHE_NONE)`.
    pub fn allocate(&self, size: usize) -> Option<NonNull<u8>> {
        #[cfg(feature = "fault-injection")]
        if crate::fault::should_fail(size) {
            return None;
        }
        let (block, charge) = no_tcache::allocate(size, Some(self.index))?;
        self.used.fetch_add(charge, Ordering::Relaxed);
        Some(block)
    }

    /// Frees a block of this arena. Any thread may call it.
    ///
    /// # Safety
    /// `ptr` must be a live block of this arena. It must not be used afterwards.
    ///
    /// No other function that frees or resizes may be given a block of an arena. This includes `zfree`,
    /// `zrealloc`, their `_sized` and `_usable` variants, and [`zfree_no_tcache`](crate::zfree_no_tcache).
    /// The block would stay in [`used`](Self::used) for ever. A function that uses the thread's cache would
    /// also leave the block there, where it could outlive the arena.
    pub unsafe fn free(&self, ptr: NonNull<u8>) {
        // SAFETY: `ptr` is a live raw block, by contract.
        let charge = unsafe { no_tcache::free(ptr) };
        self.used.fetch_sub(charge, Ordering::Relaxed);
    }

    /// Gives the arena's free pages back to the system, as [`purge`](crate::purge) does for all arenas.
    pub fn purge(&self) -> bool {
        purge_arena(self.index())
    }

    /// Destroys the arena and gives back all of its memory. Returns the handle if a block is still live, or
    /// if the allocator refuses. In C: `mallctl("arena.<i>.destroy")`.
    pub fn destroy(self) -> Result<(), Self> {
        if self.end() {
            core::mem::forget(self); // `drop` must not end it again: another arena may have its index
            Ok(())
        } else {
            Err(self)
        }
    }

    fn end(&self) -> bool {
        static DESTROY: Control<3> = Control::new(c"arena.0.destroy");
        // SAFETY: no block of the arena is live or in a cache, and this is the only handle to it.
        self.used() == 0 && unsafe { DESTROY.run(&[(1, self.index())]) }.is_some()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.end();
    }
}
