//! The counters that the allocator itself keeps for a thread, and the check whether they are reliable.

use super::{PEAK_STEP, check_peak_by_allocator, is_global_allocator, reenters};
use crate::backend;
use core::alloc::Layout;
use core::hint::black_box;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Returns the addresses of the calling thread's counters: bytes allocated and bytes freed. The two counters
/// are equal at the time of this call. They live as long as the thread, and only the thread writes them.
///
/// Returns `None` in three cases:
///
/// - The allocator does not offer such counters.
/// - The program's global allocator uses the same allocator without this crate.
/// - This thread has used the allocator before. Then other code in the process calls it directly, and may go
///   on to do so.
pub(super) fn thread_counters() -> Option<(*mut AtomicUsize, *mut AtomicUsize)> {
    let (allocated, freed) = backend::thread_counters()?;
    // SAFETY: these are this thread's counters, which live as long as the thread.
    let load = |counter: *mut AtomicUsize| unsafe { (*counter).load(Ordering::Relaxed) };
    let untouched = load(allocated) == 0 && load(freed) == 0;
    let ours = untouched
        && once_per_process(|| register_callback() && !global_allocator_bypasses_us(|| load(allocated)));
    // The trial may have allocated a block, and has freed it again.
    (ours && load(allocated) == load(freed)).then_some((allocated, freed))
}

/// Returns the result of `check`, which runs once in the process. Returns `false` until `check` has
/// returned.
///
/// The state is an atomic and not a lock: a lock that another thread holds during a fork would stay locked in
/// the child, which does not have that thread.
fn once_per_process(check: impl FnOnce() -> bool) -> bool {
    const UNTRIED: u8 = 0;
    const NO: u8 = 1;
    const YES: u8 = 2;
    static STATE: AtomicU8 = AtomicU8::new(UNTRIED);
    if STATE.compare_exchange(UNTRIED, NO, Ordering::Acquire, Ordering::Acquire).is_ok() && check() {
        STATE.store(YES, Ordering::Release);
    }
    STATE.load(Ordering::Acquire) == YES
}

/// Asks the allocator for a callback that checks for a new peak. Returns whether there will be one.
fn register_callback() -> bool {
    extern "C" fn check_peak_callback(_is_alloc: bool, _allocated: u64, _freed: u64) {
        check_peak_by_allocator();
    }
    backend::call_back_every(PEAK_STEP, check_peak_callback)
}

/// Returns whether the program's global allocator uses this allocator without this crate. In that case the
/// counters include the blocks of the whole program.
///
/// The function finds out by allocating one block. It does not do so if the global allocator is known to call
/// this crate. Then the global allocator may be the caller and may hold a lock, which it would request a
/// second time.
fn global_allocator_bypasses_us(allocated: impl Fn() -> usize) -> bool {
    if is_global_allocator() {
        return false;
    }
    let before = allocated();
    let through_us = reenters(|| {
        let layout = Layout::new::<u64>();
        // SAFETY: the layout is not empty, and the block is freed with the same layout.
        unsafe {
            let block = black_box(std::alloc::alloc(layout));
            if !block.is_null() {
                std::alloc::dealloc(block, layout);
            }
        }
    });
    allocated() != before && !through_us
}
