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
    /// Which plan of this thread is in force: plans are numbered.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Ends its plan when dropped, unless another plan has taken its place. Belongs to the thread that made it.
#[must_use = "the plan ends when the guard is dropped"]
pub struct Guard {
    number: u64,
    _not_send: PhantomData<*const ()>,
}

impl Guard {
    /// How many allocations the plan in force has failed so far.
    pub fn failures(&self) -> u64 {
        FAILED.get()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.number == NUMBER.get() {
            PLAN.set(Plan::None);
        }
    }
}

fn start(plan: Plan) -> Guard {
    PLAN.set(plan);
    FAILED.set(0);
    NUMBER.set(NUMBER.get() + 1);
    Guard { number: NUMBER.get(), _not_send: PhantomData }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_takes_anothers_place_stays_when_the_others_guard_goes() {
        let mut plan = Some(fail_nth(0));
        assert!(!strikes());
        plan = plan.map(|_old| fail_nth(1)); // the old guard is dropped after the new plan was made
        assert!(strikes());
        assert_eq!(plan.as_ref().map(Guard::failures), Some(1));
        drop(plan);
        let first = fail_from(1);
        let second = fail_from(2);
        drop(first);
        assert!(!strikes());
        assert!(strikes());
        drop(second);
        assert!(!strikes());
    }
}
