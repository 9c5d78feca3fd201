//! Injects allocation failures, for tests (feature `fault-injection`).
//!
//! A plan belongs to the thread that made it and ends when its guard is dropped. It applies to every
//! operation that can report a failure: the `ztry*` functions and the
//! [`Allocator`](allocator_api2::alloc::Allocator) trait. It does not apply to the infallible functions and
//! to `GlobalAlloc`, because a failure there ends the process.
//!
//! ```
//! use zmalloc::fault;
//! let _plan = fault::fail_nth(2);
//! let first = zmalloc::ztrymalloc(10).unwrap();
//! assert!(zmalloc::ztrymalloc(10).is_none());
//! unsafe { zmalloc::zfree(first) };
//! ```
//!
//! | plan | which allocations fail | use |
//! |---|---|---|
//! | [`fail_nth`] | the n-th | to test each place where an operation allocates, in turn |
//! | [`fail_from`] | the n-th and all later ones | to test an operation without any memory |
//! | [`fail_every`] | every n-th | long runs with repeated failures |
//! | [`fail_above`] | those that would exceed a budget | a limit such as `maxmemory` |

use crate::size_classes::good_size;
use crate::{backend, counter};
use core::cell::Cell;
use core::marker::PhantomData;

#[derive(Clone, Copy)]
enum Plan {
    None,
    /// Counts down. The allocation that finds 1 fails, and later ones succeed.
    Nth(u64),
    /// Like `Nth`, but all later allocations fail too.
    From(u64),
    /// Counts `left` down from `n`. The allocation that finds 1 fails, and the count starts again.
    Every {
        n: u64,
        left: u64,
    },
    /// Fails the allocations that would take `held` over the limit: the bytes that this thread has allocated,
    /// less those that it has freed.
    Above {
        limit: isize,
    },
}

thread_local! {
    static PLAN: Cell<Plan> = const { Cell::new(Plan::None) };
    static FAILED: Cell<u64> = const { Cell::new(0) };
    /// The number of this thread's present plan. Plans are numbered.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Ends its plan when it is dropped, unless another plan has replaced it. A guard belongs to the thread that
/// made it.
#[must_use = "the plan ends when the guard is dropped"]
pub struct Guard {
    number: u64,
    _not_send: PhantomData<*const ()>,
}

impl Guard {
    /// Returns how many allocations the present plan has failed so far.
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

/// Fails the `n`-th fallible allocation of this thread from now on, counted from 1. With 0, none fails.
pub fn fail_nth(n: u64) -> Guard {
    start(Plan::Nth(n))
}

/// Fails the `n`-th fallible allocation of this thread and all later ones. With 0, none fails.
pub fn fail_from(n: u64) -> Guard {
    start(Plan::From(n))
}

/// Fails every `n`-th fallible allocation of this thread from now on. With 1, all fail; with 0, none fails.
pub fn fail_every(n: u64) -> Guard {
    start(if n == 0 { Plan::None } else { Plan::Every { n, left: n } })
}

/// Fails each fallible allocation after which this thread would hold more than `budget` bytes beyond what it
/// holds now. A thread holds the charges of what it has allocated, less those of what it has freed. A block
/// that is resized counts with its whole new size.
///
/// The charge is computed from [`good_size`], before the block exists. Over libc the real charge is known
/// only afterwards, so a thread may exceed the budget by the bytes that the C library rounds up. Under the
/// prefix layout, blocks of the [`Allocator`](allocator_api2::alloc::Allocator) trait have no prefix but are
/// computed as if they had one.
pub fn fail_above(budget: usize) -> Guard {
    start(Plan::Above { limit: held().saturating_add(isize::try_from(budget).unwrap_or(isize::MAX)) })
}

fn held() -> isize {
    let (allocated, freed) = counter::thread_totals();
    allocated.wrapping_sub(freed) as isize
}

/// Returns whether an allocation of `size` bytes has to fail, and advances the plan.
pub(crate) fn should_fail(size: usize) -> bool {
    let (next, fails) = match PLAN.get() {
        Plan::None | Plan::Nth(0) | Plan::From(0) => return false,
        Plan::Above { limit } => {
            let charge = good_size(size).saturating_add(backend::OVERHEAD);
            let after = isize::try_from(charge).ok().and_then(|charge| held().checked_add(charge));
            (Plan::Above { limit }, after.is_none_or(|after| after > limit))
        }
        Plan::Every { n, left: 1 } => (Plan::Every { n, left: n }, true),
        Plan::Every { n, left } => (Plan::Every { n, left: left - 1 }, false),
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
    fn every_third_allocation_fails() {
        let plan = fail_every(3);
        let failed: Vec<bool> = (0..7).map(|_| should_fail(10)).collect();
        assert_eq!(failed, [false, false, true, false, false, true, false]);
        assert_eq!(plan.failures(), 2);
        let _none = fail_every(0);
        assert!(!should_fail(10));
    }

    #[test]
    fn a_budget_is_spent_by_what_is_held_and_refilled_by_what_is_freed() {
        let plan = fail_above(1_000);
        let first = crate::ztrymalloc(600).unwrap();
        assert!(crate::ztrymalloc(600).is_none());
        let second = crate::ztrymalloc(100).unwrap();
        // SAFETY: each block is live and is freed once.
        unsafe {
            assert!(crate::ztryrealloc(second, 700).is_none());
            crate::zfree(first);
            let second = crate::ztryrealloc(second, 700).unwrap();
            assert!(crate::ztrymalloc(600).is_none());
            crate::zfree(second);
        }
        assert!(crate::ztrymalloc(isize::MAX as usize - 100).is_none());
        assert_eq!(plan.failures(), 4);
    }

    #[test]
    #[cfg_attr(zmalloc_backend = "libc", ignore = "the charge of a block is known only when there is one")]
    fn a_budget_is_not_exceeded_by_many_small_blocks() {
        let (before, _plan) = (held(), fail_above(1_000));
        let blocks: Vec<_> = std::iter::from_fn(|| crate::ztrymalloc(1)).collect();
        let used = held() - before;
        for block in blocks {
            // SAFETY: the block is live and is freed once.
            unsafe { crate::zfree(block) };
        }
        assert!((900..=1_000).contains(&used), "{used}");
    }

    #[test]
    fn a_plan_that_takes_anothers_place_stays_when_the_others_guard_goes() {
        let mut plan = Some(fail_nth(0));
        assert!(!should_fail(1));
        plan = plan.map(|_old| fail_nth(1)); // the old guard is dropped after the new plan is made
        assert!(should_fail(1));
        assert_eq!(plan.as_ref().map(Guard::failures), Some(1));
        drop(plan);
        let first = fail_from(1);
        let second = fail_from(2);
        drop(first);
        assert!(!should_fail(1));
        assert!(should_fail(1));
        drop(second);
        assert!(!should_fail(1));
    }
}
