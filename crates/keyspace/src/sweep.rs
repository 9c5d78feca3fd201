//! Methods that remove expired keys in steps: the active half of expiry.
//!
//! A key that has expired is absent for every reader. A write to the key, a sweep, or
//! [`remove_expired`](Keyspace::remove_expired) frees its memory. A sweep walks over the marks of the table,
//! chunk by chunk, and reads only the blocks of marked entries.
//!
//! Learned from: Redis' `expire.c` (`activeExpireCycle`), which looks for expired keys in a second table.

use crate::keyspace::Keyspace;
use common::Cursor;
use core::hash::BuildHasher;
use core::ptr;
use core::time::Duration;

/// How many expired entries of a chunk are removed in one batch.
pub(crate) const BATCH: usize = 64;

/// An expired entry that is about to be removed: the hash of its key, and the address of its block.
pub(crate) type Due = (u64, *const u8);

/// How many entries a window has. After each window, the share of expired entries decides whether the sweep
/// goes on.
const WINDOW: usize = 64;

/// The sweep also computes the share of expired entries among about this many of the last entries, including
/// those of earlier calls.
const RECENT: usize = 1_024;

/// How many steps of the walk cost as much as a look at one entry.
const STEPS_PER_CLOCK_READ: usize = 16;

/// The percentage of expired keys that a sweep accepts with an effort of 1. Each further step of effort
/// lowers it by one. In C: `ACTIVE_EXPIRE_CYCLE_ACCEPTABLE_STALE`.
const STALE_PERCENT_MAX: usize = 10;

/// What a sweep has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// How many keys with an expiry were looked at.
    pub looked_at: usize,
    /// How many keys had expired, and were removed.
    pub removed: usize,
    /// Whether the sweep reached the end of the table. The next one begins at the start.
    pub is_complete: bool,
}

impl Swept {
    /// Returns the share of expired keys among those that were looked at, from 0 to 1.
    pub fn stale_share(&self) -> f64 {
        if self.looked_at == 0 { 0.0 } else { self.removed as f64 / self.looked_at as f64 }
    }

    /// Adds the result of a later sweep.
    pub(crate) fn add(&mut self, later: Self) {
        self.looked_at += later.looked_at;
        self.removed += later.removed;
        self.is_complete = later.is_complete;
    }
}

/// How many entries were looked at recently, over several calls, and how many of them were removed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recent {
    looked_at: usize,
    removed: usize,
}

impl Recent {
    fn add(&mut self, window: Swept) {
        self.looked_at += window.looked_at;
        self.removed += window.removed;
        if self.looked_at > RECENT {
            self.looked_at /= 2;
            self.removed /= 2;
        }
    }
}

/// Returns whether the share of expired entries is more than nine tenths of `percent_max`. A sweep that
/// stopped at `percent_max` itself would end up above it, because more keys expire between two sweeps.
fn is_stale(percent_max: usize, removed: usize, looked_at: usize) -> bool {
    1_000 * removed > 9 * percent_max * looked_at
}

impl<S: BuildHasher> Keyspace<S> {
    /// Removes expired keys, beginning where the last call stopped. Looks at about `budget` keys that have an
    /// expiry, but at least at 64. O(`budget`), plus the time to drop the values. In C: `activeExpireCycle`.
    ///
    /// Stops earlier if few of the last 64 keys and of the last 1,000 had expired: 9 % with an
    /// `active_expire_effort` of 1, which accepts 10 %, and 0.9 % with 10.
    ///
    /// Call it about ten times a second. The walk reaches every key in turn, and the next keys are always
    /// those that have waited longest. So the share of expired keys among all keys is about half of the share
    /// that the walk finds, as long as the budget is large enough.
    ///
    /// ```
    /// use keyspace::{Expiry, Keyspace, SetExpiry, SetOptions};
    /// let mut keyspace = Keyspace::new();
    /// let expiry = SetExpiry::To(Expiry::InSeconds(1));
    /// for n in 0..1_000 {
    ///     let options = SetOptions { expiry, ..SetOptions::default() };
    ///     assert!(keyspace.set_with(format!("key:{n}").as_bytes(), n, &options, 0)?.is_set);
    /// }
    /// let swept = keyspace.expire_some(2_000, 10_000);
    /// assert_eq!((swept.removed, keyspace.len()), (1_000, 0));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn expire_some(&mut self, now: u64, budget: usize) -> Swept {
        let mut looks_left = budget;
        let may_continue = |cost| {
            looks_left = looks_left.saturating_sub(cost);
            looks_left > 0
        };
        self.sweep_while(now, may_continue).0
    }

    /// Like [`expire_some`](Self::expire_some), but works until `budget` has passed by the caller's `clock`,
    /// which returns the time since any fixed moment. May exceed the budget by the time of about 64 keys and
    /// the values that are dropped with them. In C: the time limit of `activeExpireCycle`.
    pub fn expire_for(&mut self, now: u64, budget: Duration, clock: impl FnMut() -> Duration) -> Swept {
        self.sweep_for(now, budget, clock).0
    }

    /// Like [`expire_for`](Self::expire_for). Also returns whether the sweep ended only because the budget
    /// did.
    pub(crate) fn sweep_for(
        &mut self,
        now: u64,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
    ) -> (Swept, bool) {
        let start = clock();
        self.sweep_while(now, |_cost| clock().saturating_sub(start) < budget)
    }

    /// Sweeps windows while enough keys had expired and `may_continue` returns `true`, but at most once
    /// through the table. `may_continue` gets the cost of the window, in looks at an entry. Also returns
    /// whether the sweep ended only because of `may_continue`.
    fn sweep_while(&mut self, now: u64, mut may_continue: impl FnMut(usize) -> bool) -> (Swept, bool) {
        let effort = usize::from(self.options.get_active_expire_effort());
        let stale_percent = (STALE_PERCENT_MAX + 1).saturating_sub(effort);
        let mut swept = Swept::default();
        if self.totals.expires == 0 {
            self.sweep = Cursor::START;
            return (Swept { is_complete: true, ..swept }, false);
        }
        loop {
            let (window, cost) = self.sweep_window(now);
            swept.add(window);
            self.recent.add(window);
            let may_continue = may_continue(cost);
            let is_stale = is_stale(stale_percent, window.removed, window.looked_at)
                || is_stale(stale_percent, self.recent.removed, self.recent.looked_at);
            // The share of a few keys says little about all keys.
            let is_done = window.is_complete || !(is_stale || self.recent.looked_at < WINDOW);
            if is_done || !may_continue {
                return (swept, !is_done);
            }
        }
    }

    /// Looks at some entries, beginning where the last window ended, and removes those that have expired.
    /// Also returns the cost, in looks at an entry.
    fn sweep_window(&mut self, now: u64) -> (Swept, usize) {
        let (mut swept, mut steps) = (Swept::default(), 0);
        while swept.looked_at + steps / STEPS_PER_CLOCK_READ < WINDOW && !swept.is_complete {
            let mut due = [(0, ptr::null()); BATCH];
            let (mut found, mut looked_at, removed_before) = (0, 0, swept.removed);
            let next = self.table.scan_marked(self.sweep, |entry| {
                looked_at += 1;
                if entry.is_expired(now) {
                    if let Some(place) = due.get_mut(found) {
                        *place = (entry.key_hash(&self.hasher, &self.reading.tables), entry.address());
                    }
                    found += 1;
                }
            });
            steps += 1;
            swept.removed += self.remove_due(due.iter().take(found));
            // An entry that was added with a wrong hash is not found here. It must not stop the walk.
            if found > BATCH && swept.removed > removed_before {
                swept.looked_at += BATCH;
                continue; // the rest of the same chunk
            }
            swept.looked_at += looked_at;
            self.sweep = next;
            swept.is_complete = next.is_start();
        }
        (swept, swept.looked_at + steps / STEPS_PER_CLOCK_READ)
    }

    /// Removes expired entries, and returns how many were found by their hashes and addresses.
    pub(crate) fn remove_due<'d>(&mut self, due: impl Iterator<Item = &'d Due>) -> usize {
        let mut removed = 0;
        for &(hash, address) in due {
            if let Ok(entry) = self.table.find_entry(hash, |entry| entry.address() == address) {
                self.totals.expire(entry);
                removed += 1;
            }
        }
        removed
    }
}
