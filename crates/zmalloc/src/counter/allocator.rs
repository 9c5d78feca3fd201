//! The counts that the allocator itself keeps for a thread, and whether they may be relied on.

use super::{LOOK_STEP, allocator_looks, comes_back, is_known_to_serve_the_program};
use crate::backend;
use core::alloc::Layout;
use core::hint::black_box;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// The calling thread's count of bytes allocated and of bytes freed: the same number at the time of this call. They live as long
/// as the thread, which alone writes them.
///
/// `None` where the allocator does not offer them, where it serves the program's global allocator past this crate, and for
/// a thread that has used it already: then other code in the process uses the allocator directly, and may go on to do so.
pub(super) fn thread_counters() -> Option<(*mut AtomicUsize, *mut AtomicUsize)> {
    let (allocated, freed) = backend::thread_counters()?;
    // SAFETY: this thread's counters.
    let load = |counter: *mut AtomicUsize| unsafe { (*counter).load(Ordering::Relaxed) };
    let untouched = load(allocated) == 0 && load(freed) == 0;
    let ours = untouched && agreed(|| calls_back() && !serves_past_this_crate(|| load(allocated)));
    // Trying that out may have allocated; it has freed again.
    (ours && load(allocated) == load(freed)).then_some((allocated, freed))
}

/// What `try_out` returns the first time, for the whole process. `false` until it has returned. Not a lock: a child of a fork
/// would wait for ever for a thread that it does not have.
fn agreed(try_out: impl FnOnce() -> bool) -> bool {
    const UNTRIED: u8 = 0;
    const NO: u8 = 1;
    const YES: u8 = 2;
    static STATE: AtomicU8 = AtomicU8::new(UNTRIED);
    if STATE.compare_exchange(UNTRIED, NO, Ordering::Acquire, Ordering::Acquire).is_ok() && try_out() {
        STATE.store(YES, Ordering::Release);
    }
    STATE.load(Ordering::Acquire) == YES
}

/// Has the allocator call back for the peak. Returns whether it will.
fn calls_back() -> bool {
    extern "C" fn looks(_is_alloc: bool, _allocated: u64, _freed: u64) {
        allocator_looks();
    }
    backend::call_back_each(LOOK_STEP, looks)
}

/// Whether the program's global allocator takes its blocks from this allocator, past this crate: then its counters are the
/// whole program's. Tried out with a block, unless that allocator is known to come here: then it may be the caller, and
/// hold a lock that it would ask for again.
fn serves_past_this_crate(allocated: impl Fn() -> usize) -> bool {
    if is_known_to_serve_the_program() {
        return false;
    }
    let before = allocated();
    let through_us = comes_back(|| {
        let layout = Layout::new::<u64>();
        // SAFETY: the layout is not empty; the block is freed with it.
        unsafe {
            let block = black_box(std::alloc::alloc(layout));
            if !block.is_null() {
                std::alloc::dealloc(block, layout);
            }
        }
    });
    allocated() != before && !through_us
}
