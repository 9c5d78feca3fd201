//! Switches and levers of the allocator.

use super::ctl::{ALL_ARENAS, Control};

/// Gives free pages that the allocator keeps for later back to the system, now. `false` where the allocator
/// has no way to be asked: then nothing was done. With jemalloc the dirty and muzzy pages of all arenas, not
/// the blocks in the caches of threads (see [`flush_tcache`]); with glibc what `malloc_trim` finds. Milliseconds
/// when there is much to give. In C: `jemalloc_purge`; in Redis: `MEMORY PURGE`.
pub fn purge() -> bool {
    purge_libc() || purge_arena(ALL_ARENAS)
}

/// Gives back to the system those free pages whose time is over, and leaves the others. `false` where the allocator
/// has no such times: then nothing was done. In C: `mallctl("arena.<i>.decay")`.
///
/// jemalloc keeps a free page for up to ten seconds (`dirty_decay_ms`), because it may be needed again. It looks at the times
/// only while the program allocates and frees. A program that is idle, or that only reads, keeps its free pages until it calls this,
/// or has a [`background_thread`]. Called ten times a second, it gives a hundredth of the pages back at a time.
pub fn decay() -> bool {
    static DECAY: Control<3> = Control::new(c"arena.0.decay");
    // SAFETY: takes pages that hold no live block.
    unsafe { DECAY.run(&[(1, ALL_ARENAS)]) }.is_some()
}

/// `false` where the C library is not what serves here, or has no way to be asked.
fn purge_libc() -> bool {
    #[cfg(all(zmalloc_backend = "libc", target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes glibc's own locks and no memory that is in use. Whether it found any is not asked.
    unsafe {
        libc::malloc_trim(0);
    }
    cfg!(all(zmalloc_backend = "libc", target_os = "linux", target_env = "gnu"))
}

pub(super) fn purge_arena(index: usize) -> bool {
    static PURGE: Control<3> = Control::new(c"arena.0.purge");
    // SAFETY: takes pages that hold no live block.
    unsafe { PURGE.run(&[(1, index)]) }.is_some()
}

/// Empties this thread's cache of free blocks into the arenas that they came from, where they can be
/// reused by all threads and their slabs given back. `false` where there is no such cache. In C:
/// `mallctl("thread.tcache.flush")`.
pub fn flush_tcache() -> bool {
    static FLUSH: Control<3> = Control::new(c"thread.tcache.flush");
    // SAFETY: blocks in the cache are nobody's.
    unsafe { FLUSH.run(&[]) }.is_some()
}

/// Starts or stops the allocator's thread that gives unused pages back as time passes, and says whether it was
/// running before. Without it pages are given back only while the program allocates and frees.
///
/// `None` where there is no such thread (other allocators, and jemalloc on macOS and Windows), or when the
/// system would not start it. Nothing is asked of the build: tikv-jemalloc-sys compiles it in wherever jemalloc
/// can have it; its feature `background_threads` is for a thread that runs from the start. A `fork` does not take the
/// thread along: a child that lives on starts its own. In C: `set_jemalloc_bg_thread`; in redis.conf: `jemalloc-bg-thread`.
pub fn background_thread(on: bool) -> Option<bool> {
    static RUNNING: Control<1> = Control::new(c"background_thread");
    RUNNING.update(on)
}
