//! Allocation failures on purpose, for tests (feature `fault-injection`).
//!
//! A plan belongs to the thread that made it and ends with its guard. It reaches everything that may
//! fail politely: the `ztry*` functions and the [`Allocator`](allocator_api2::alloc::Allocator) face.
//! The infallible functions and the `GlobalAlloc` face are left alone, because failing there ends
//! the process and tests nothing.
//!
//! ```
//! use zmalloc::fault;
//! let _plan = fault::fail_nth(2);
//! let first = zmalloc::ztrymalloc(10).unwrap();
//! assert!(zmalloc::ztrymalloc(10).is_none());
//! unsafe { zmalloc::zfree(first) };
//! ```

use core::cell::Cell;
use core::marker::PhantomData;

#[derive(Clone, Copy)]
enum Plan {
    None,
    /// Counts down; the allocation that finds 1 fails, later ones succeed.
    Nth(u64),
    /// Like `Nth`, but everything after it fails too.
    From(u64),
}

thread_local! {
    static PLAN: Cell<Plan> = const { Cell::new(Plan::None) };
    static FAILED: Cell<u64> = const { Cell::new(0) };
}

/// Ends the plan when dropped. Belongs to the thread that made it.
#[must_use = "the plan ends when the guard is dropped"]
pub struct Guard {
    _not_send: PhantomData<*const ()>,
}

impl Guard {
    /// How many allocations this plan has failed so far.
    pub fn failures(&self) -> u64 {
        FAILED.get()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        PLAN.set(Plan::None);
    }
}

fn start(plan: Plan) -> Guard {
    PLAN.set(plan);
    FAILED.set(0);
    Guard { _not_send: PhantomData }
}

/// Fails the `n`-th fallible allocation of this thread from now on, counted from 1; 0 fails none.
pub fn fail_nth(n: u64) -> Guard {
    start(Plan::Nth(n))
}

/// Fails the `n`-th fallible allocation of this thread and every one after it; 0 fails none.
pub fn fail_from(n: u64) -> Guard {
    start(Plan::From(n))
}

/// Whether the allocation that asks is to fail.
pub(crate) fn strikes() -> bool {
    let (next, fails) = match PLAN.get() {
        Plan::None | Plan::Nth(0) | Plan::From(0) => return false,
        Plan::Nth(1) => (Plan::Nth(0), true),
        Plan::From(1) => (Plan::From(1), true),
        Plan::Nth(n) => (Plan::Nth(n - 1), false),
        Plan::From(n) => (Plan::From(n - 1), false),
    };
    PLAN.set(next);
    FAILED.set(FAILED.get() + u64::from(fails));
    fails
}
