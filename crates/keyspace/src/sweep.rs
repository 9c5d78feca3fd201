//! Removing expired keys in slices: the active half of expiry.
//!
//! A key whose time has come is not there for any reader. Its memory is given back when somebody writes to it, or by a sweep. A
//! sweep walks over the marks of the table, chunk by chunk, and reads the blocks of marked entries only.
//!
//! Learned from: Redis' `expire.c` (`activeExpireCycle`), which samples keys of a second table.

use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use core::ptr;
use core::time::Duration;

/// Expired entries that are removed at once.
const BATCH: usize = 64;

/// Entries that are looked at before the share of expired ones among them says whether to go on.
const WINDOW: usize = 64;

/// So many steps of the walk cost as much as a look at an entry.
const STEPS_A_LOOK: usize = 16;

/// The most expired keys, in percent of those with an expiry, that are left by an effort of 1; each more of it leaves one percent
/// less. In C: `ACTIVE_EXPIRE_CYCLE_ACCEPTABLE_STALE`.
const STALE_PERCENT_MAX: usize = 10;

/// What a sweep has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Keys with an expiry that were looked at.
    pub looked_at: usize,
    /// Keys that had expired, and were removed.
    pub removed: usize,
    /// Whether the sweep came to the end of the table. The next one starts anew.
    pub is_complete: bool,
}

impl Swept {
    /// The share of expired keys among those that were looked at, 0 to 1.
    pub fn stale_share(&self) -> f64 {
        if self.looked_at == 0 { 0.0 } else { self.removed as f64 / self.looked_at as f64 }
    }

    fn add(&mut self, other: Self) {
        self.looked_at += other.looked_at;
        self.removed += other.removed;
        self.is_complete |= other.is_complete;
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Removes expired keys: goes on where the last call stopped, looks at about `budget` keys that have an expiry, and stops
    /// earlier once few of them have expired. Few are 10 % for an `active_expire_effort` of 1, and 1 % for 10. O(`budget`), and the values that are dropped.
    /// In C: `activeExpireCycle`.
    ///
    /// Call it some ten times a second. The walk comes to every key in turn, and those that it meets next are the ones that have waited
    /// longest. So the share of expired keys among all is at most the one at which it stops, as long as the budget allows.
    ///
    /// ```
    /// use keyspace::{Expiry, Keyspace, SetExpiry, SetOptions};
    /// let mut keyspace = Keyspace::new();
    /// let expiry = SetExpiry::To(Expiry::InSeconds(1));
    /// for n in 0..1_000 {
    ///     keyspace.set_with(format!("key:{n}").as_bytes(), n, &SetOptions { expiry, ..SetOptions::default() }, 0)?;
    /// }
    /// let swept = keyspace.expire_some(2_000, 10_000);
    /// assert_eq!((swept.removed, keyspace.len()), (1_000, 0));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn expire_some(&mut self, now: u64, budget: usize) -> Swept {
        let mut looks_left = budget;
        self.sweep_while(now, |cost| {
            looks_left = looks_left.saturating_sub(cost);
            looks_left > 0
        })
    }

    /// [`expire_some`](Self::expire_some) for as long as `budget` lasts by the caller's `clock`, which tells the time since any moment.
    /// Overshoots by some 64 keys, and by the values that are dropped with them. In C: the time limit of `activeExpireCycle`.
    pub fn expire_for(&mut self, now: u64, budget: Duration, mut clock: impl FnMut() -> Duration) -> Swept {
        let start = clock();
        self.sweep_while(now, |_cost| clock().saturating_sub(start) < budget)
    }

    /// Sweeps window after window, as long as enough keys of the last one had expired and `goes_on`, given its cost in looks, says so; at most
    /// once through the table.
    fn sweep_while(&mut self, now: u64, mut goes_on: impl FnMut(usize) -> bool) -> Swept {
        let effort = usize::from(self.options.get_active_expire_effort());
        let stale_percent = (STALE_PERCENT_MAX + 1).saturating_sub(effort);
        let mut swept = Swept::default();
        if self.books.expires == 0 {
            return Swept { is_complete: true, ..swept };
        }
        loop {
            let (window, cost) = self.sweep_window(now);
            swept.add(window);
            let is_stale = 100 * window.removed > stale_percent * window.looked_at;
            // A window without keys says nothing about them.
            let is_open = is_stale || window.looked_at == 0;
            if window.is_complete || !goes_on(cost) || !is_open {
                return swept;
            }
        }
    }

    /// Looks at some entries from where the last window ended, and removes those that have expired. Returns the cost in looks, too.
    fn sweep_window(&mut self, now: u64) -> (Swept, usize) {
        let (mut swept, mut steps) = (Swept::default(), 0);
        while swept.looked_at + steps / STEPS_A_LOOK < WINDOW && !swept.is_complete {
            let mut due = [(0, ptr::null()); BATCH];
            let (mut found, mut looked_at) = (0, 0);
            let next = self.table.scan_marked(self.sweep, |entry| {
                looked_at += 1;
                if entry.is_expired(now) {
                    if let Some(place) = due.get_mut(found) {
                        *place = (self.hasher.hash_one(entry.key()), entry.address());
                    }
                    found += 1;
                }
            });
            steps += 1;
            for &(hash, address) in due.iter().take(found) {
                if let Ok(entry) = self.table.find_entry(hash, |entry| entry.address() == address) {
                    Self::expire_found(&mut self.books, entry);
                    swept.removed += 1;
                }
            }
            if found > BATCH {
                swept.looked_at += BATCH;
                continue; // the rest of the same chunk
            }
            swept.looked_at += looked_at;
            self.sweep = next;
            swept.is_complete = next.is_start();
        }
        (swept, swept.looked_at + steps / STEPS_A_LOOK)
    }
}
