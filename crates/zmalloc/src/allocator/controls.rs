//! Functions that control the allocator.

use super::ctl::{ALL_ARENAS, Control};

/// Gives the free pages that the allocator keeps for later back to the system, now. Returns `false` and does
/// nothing if the allocator has no function for that.
///
/// With jemalloc, these are the dirty and muzzy pages of all arenas, and not the blocks in the caches of
/// threads (see [`flush_tcache`]). With glibc, they are the pages that `malloc_trim` finds. The call takes
/// milliseconds if there are many pages. In C: `jemalloc_purge`; in Redis: `MEMORY PURGE`.
pub fn purge() -> bool {
    purge_libc() || purge_arena(ALL_ARENAS)
}

/// Gives the free pages whose decay time has passed back to the system, and keeps the others. Returns `false`
/// and does nothing if the allocator has no decay times. In C: `mallctl("arena.<i>.decay")`.
///
/// jemalloc keeps a free page for up to ten seconds (`dirty_decay_ms`), because the program may need it
/// again. It checks the times only while the program allocates and frees. A program that is idle or only
/// reads keeps its free pages, unless it calls this function or has a [`background_thread`]. If the function
/// is called ten times a second, each call gives back about a hundredth of the pages.
pub fn decay() -> bool {
    static DECAY: Control<3> = Control::new(c"arena.0.decay");
    // SAFETY: the control takes only pages that hold no live block.
    unsafe { DECAY.run(&[(1, ALL_ARENAS)]) }.is_some()
}

/// Calls glibc's `malloc_trim`. Returns `false` if the back end is not glibc.
fn purge_libc() -> bool {
    #[cfg(all(zmalloc_backend = "libc", target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` takes glibc's own locks and no memory in use. Its result is not needed.
    unsafe {
        libc::malloc_trim(0);
    }
    cfg!(all(zmalloc_backend = "libc", target_os = "linux", target_env = "gnu"))
}

pub(super) fn purge_arena(index: usize) -> bool {
    static PURGE: Control<3> = Control::new(c"arena.0.purge");
    // SAFETY: the control takes only pages that hold no live block.
    unsafe { PURGE.run(&[(1, index)]) }.is_some()
}

/// Empties this thread's cache: its free blocks go back to their arenas. All threads can then use them, and
/// their slabs can be given back. Returns `false` if there is no such cache. In C:
/// `mallctl("thread.tcache.flush")`.
pub fn flush_tcache() -> bool {
    static FLUSH: Control<3> = Control::new(c"thread.tcache.flush");
    // SAFETY: the blocks in the cache are free.
    unsafe { FLUSH.run(&[]) }.is_some()
}

/// Starts or stops the allocator's thread that gives unused pages back as time passes. Returns whether it was
/// running before. Without it, pages are given back only while the program allocates and frees.
///
/// Returns `None` if there is no such thread (other allocators, and jemalloc on macOS and Windows), or if the
/// system does not start it.
///
/// The thread needs no build option. tikv-jemalloc-sys compiles it wherever jemalloc supports it, and its
/// feature `background_threads` only starts it with the program. A forked child does not have the thread; a
/// child that lives on must start its own. In C: `set_jemalloc_bg_thread`; in redis.conf:
/// `jemalloc-bg-thread`.
pub fn background_thread(on: bool) -> Option<bool> {
    static RUNNING: Control<1> = Control::new(c"background_thread");
    RUNNING.update(on)
}
