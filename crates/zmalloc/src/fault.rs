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
//!
//! | plan | fails | for |
//! |---|---|---|
//! | [`fail_nth`] | one allocation | each place where an operation allocates, in turn |
//! | [`fail_from`] | one and all after it | no memory left at all |
//! | [`fail_every`] | each n-th | long runs that have to live with failures |
//! | [`fail_above`] | all that would take the thread over a budget | a limit, as `maxmemory` is one |

use crate::size_classes::good_size;
use crate::{backend, counter};
use core::cell::Cell;
use core::marker::PhantomData;

#[derive(Clone, Copy)]
enum Plan {
    None,
    /// Counts down; the allocation that finds 1 fails, later ones succeed.
    Nth(u64),
    /// Like `Nth`, but everything after it fails too.
    From(u64),
    /// Counts `left` down from `n`; the allocation that finds 1 fails, and the count starts again.
    Every {
        n: u64,
        left: u64,
    },
    /// Fails what would take `held`, the bytes that this thread has allocated less those it has freed, over the limit.
    Above {
        limit: isize,
    },
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

/// Fails every `n`-th fallible allocation of this thread from now on; 1 fails all, 0 fails none.
pub fn fail_every(n: u64) -> Guard {
    start(if n == 0 { Plan::None } else { Plan::Every { n, left: n } })
}

/// Fails each fallible allocation of `size` bytes after which this thread would hold more than `budget` bytes beyond
/// what it holds now. Held is what it has allocated, as charges, less what it has freed; a block that is resized counts
/// with its whole new size.
///
/// The charge is reckoned from [`good_size`], before there is a block. Over libc it is known only
/// afterwards, so what is held may go over the budget by what the C library rounds up;
/// over the prefix layout blocks of the [`Allocator`](allocator_api2::alloc::Allocator) face, which have no
/// prefix, are reckoned as if they had one.
pub fn fail_above(budget: usize) -> Guard {
    start(Plan::Above { limit: held().saturating_add(isize::try_from(budget).unwrap_or(isize::MAX)) })
}

fn held() -> isize {
    let (allocated, freed) = counter::thread_totals();
    allocated.wrapping_sub(freed) as isize
}

/// Whether the allocation that asks, for `size` bytes, is to fail.
pub(crate) fn strikes(size: usize) -> bool {
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
        let failed: Vec<bool> = (0..7).map(|_| strikes(10)).collect();
        assert_eq!(failed, [false, false, true, false, false, true, false]);
        assert_eq!(plan.failures(), 2);
        let _none = fail_every(0);
        assert!(!strikes(10));
    }

    #[test]
    fn a_budget_is_spent_by_what_is_held_and_refilled_by_what_is_freed() {
        let plan = fail_above(1_000);
        let first = crate::ztrymalloc(600).unwrap();
        assert!(crate::ztrymalloc(600).is_none());
        let second = crate::ztrymalloc(100).unwrap();
        // SAFETY: blocks of just now.
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
            // SAFETY: a live block.
            unsafe { crate::zfree(block) };
        }
        assert!((900..=1_000).contains(&used), "{used}");
    }

    #[test]
    fn a_plan_that_takes_anothers_place_stays_when_the_others_guard_goes() {
        let mut plan = Some(fail_nth(0));
        assert!(!strikes(1));
        plan = plan.map(|_old| fail_nth(1)); // the old guard is dropped after the new plan was made
        assert!(strikes(1));
        assert_eq!(plan.as_ref().map(Guard::failures), Some(1));
        drop(plan);
        let first = fail_from(1);
        let second = fail_from(2);
        drop(first);
        assert!(!strikes(1));
        assert!(strikes(1));
        drop(second);
        assert!(!strikes(1));
    }
}
