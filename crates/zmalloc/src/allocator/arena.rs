//! Arenas of one's own.

use super::controls::purge_arena;
use super::ctl::Control;
use super::info::{AllocatorInfo, arena_info};
use super::no_tcache;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

/// An arena of the allocator that serves nobody but those who hold this handle: blocks that live and die
/// together, kept apart from the others, so that they neither fragment nor are fragmented.
///
/// - Its blocks are in [`used_memory`](crate::used_memory) like any other, and in [`used`](Self::used).
/// - They go back to it alone ([`free`](Self::free)), by no function of another family; their size may be asked
///   of [`zmalloc_size`](crate::zmalloc_size) and [`zmalloc_usable_size`](crate::zmalloc_usable_size).
/// - They come and go past the cache of the thread, so that none is left there when the arena ends.
/// - An arena ends when it is empty: [`destroy`](Self::destroy) refuses otherwise. jemalloc could throw away
///   an arena with all its blocks at once, but it does not count what it throws away, so `used_memory` would
///   never come down again.
///
/// Dropped, it is destroyed if it is empty; if not, it is left as it is, its blocks alive and counted, for the
/// rest of the process. Arenas are dear (some 10 KiB of records each and a lock for each size class) and at
/// most 4,094: a handful, not one a value.
///
/// ```
/// use zmalloc::Arena;
///
/// if let Some(arena) = Arena::new() {
///     let block = arena.allocate(100).unwrap();
///     assert!(arena.used() >= 100);
///     // SAFETY: a live block of this arena.
///     unsafe { arena.free(block) };
///     arena.destroy().unwrap();
/// }
/// ```
#[derive(Debug)]
pub struct Arena {
    index: u32,
    /// Bytes in live blocks.
    used: AtomicUsize,
}

impl Arena {
    /// A new, empty arena; `None` where the allocator has no arenas, or no more of them. In C:
    /// `mallctl("arenas.create")`.
    pub fn new() -> Option<Self> {
        static CREATE: Control<2> = Control::new(c"arenas.create");
        Some(Self { index: CREATE.read(&[])?, used: AtomicUsize::new(0) })
    }

    /// The index under which [`arena_infos`](crate::arena_infos) shows it.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Bytes in its live blocks, at once and without asking the allocator.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// What the allocator says of it, as [`arena_info`](crate::arena_info) does.
    pub fn info(&self) -> Option<AllocatorInfo> {
        arena_info(self.index())
    }

    /// Allocates `size` bytes, uninitialised and aligned to 8; `None` on failure. In C:
    /// `mallocx(size, MALLOCX_ARENA(i) | MALLOCX_TCACHE_NONE)`.
    pub fn allocate(&self, size: usize) -> Option<NonNull<u8>> {
        #[cfg(feature = "fault-injection")]
        if crate::fault::strikes(size) {
            return None;
        }
        let (block, charge) = no_tcache::allocate(size, Some(self.index))?;
        self.used.fetch_add(charge, Ordering::Relaxed);
        Some(block)
    }

    /// Frees a block of this arena, on whatever thread.
    ///
    /// # Safety
    /// `ptr` is a live block of this arena; it is dead afterwards. (Nor may a block of an arena be given to any
    /// other function that frees or resizes, be it `zfree`, `zrealloc`, one of their `_sized` and `_usable` kin, or
    /// [`zfree_no_tcache`](crate::zfree_no_tcache): it would stay in [`used`](Self::used) for ever, and those that
    /// do not go past the cache of a thread would leave it there, to outlive the arena.)
    pub unsafe fn free(&self, ptr: NonNull<u8>) {
        // SAFETY: a live raw block, by contract.
        let charge = unsafe { no_tcache::free(ptr) };
        self.used.fetch_sub(charge, Ordering::Relaxed);
    }

    /// Gives its free pages back to the system, as [`purge`](crate::purge) does for all.
    pub fn purge(&self) -> bool {
        purge_arena(self.index())
    }

    /// Ends the arena and gives all that it holds back; the handle is returned if a block is still alive, or if
    /// the allocator refuses. In C: `mallctl("arena.<i>.destroy")`.
    pub fn destroy(self) -> Result<(), Self> {
        if self.end() {
            core::mem::forget(self); // or it would be ended again, when another may have its index
            Ok(())
        } else {
            Err(self)
        }
    }

    fn end(&self) -> bool {
        static DESTROY: Control<3> = Control::new(c"arena.0.destroy");
        // SAFETY: no block of it is alive, none is in a cache, and nobody else has a handle to it.
        self.used() == 0 && unsafe { DESTROY.run(&[(1, self.index())]) }.is_some()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.end();
    }
}
