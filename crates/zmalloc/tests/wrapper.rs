//! A program whose global allocator wraps `Zmalloc` under a lock. `Zmalloc` must not call the global
//! allocator while it is called itself.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::hint::black_box;

use zmalloc::{Region, Zmalloc};

struct Locked;

thread_local! {
    /// Whether this thread holds the lock.
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call` under the lock. A thread that requests a lock that it holds would wait for ever. This function
/// ends the program instead.
fn locked<R>(call: impl FnOnce() -> R) -> R {
    if IN_CALL.replace(true) {
        std::process::abort();
    }
    let result = call();
    IN_CALL.set(false);
    result
}

// SAFETY: every call is passed on to an allocator.
unsafe impl GlobalAlloc for Locked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the contract is the same.
        locked(|| unsafe { Zmalloc.alloc(layout) })
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the contract is the same.
        locked(|| unsafe { Zmalloc.dealloc(ptr, layout) });
    }
}

#[global_allocator]
static GLOBAL: Locked = Locked;

#[test]
fn a_wrapper_under_a_lock_is_not_called_from_within_and_all_is_counted() {
    let allocate_and_check = || {
        let region = Region::start();
        let bytes = black_box(vec![1_u8; 100_000]);
        assert!(region.held() >= 100_000);
        drop(bytes);
        assert_eq!(region.held(), 0);
    };
    allocate_and_check();
    std::thread::spawn(allocate_and_check).join().unwrap();
}
