//! Snapshots: the state of a keyspace at one moment, saved in slices while keys are read and written.
//!
//! ```text
//!  begin       every entry becomes unsaved: the keyspace's bit flips, the bits of the entries stay
//!  pass 1      a walk over the table saves all values but large ones, place by place
//!  pass 2      large values, one after the other, some elements a step
//!  end         every entry is saved, which is how the next snapshot finds them
//!
//!  a write     saves the entry before it changes it, if it is not saved yet
//!  a new key   is born saved
//! ```
//!
//! There is no fork, and nothing is copied but what is written out. The bit lies in the head of an entry,
//! which a write reads in any case. So a write costs one predictable branch more.
//!
//! - `state`: what is saved, what is removed meanwhile, and the hooks of writes;
//! - `walk`: the steps;
//! - `shards`: the same for the keyspaces of a [`Sharded`](crate::Sharded).
//!
//! **Large values**, of more than 64 blocks, are saved in slices. No other key is saved between two slices
//! of one value. In pass 2 all other values are saved, so that no write to them waits for a large one.
//!
//! - A large value that is *removed*, replaced, evicted, or that expires, is taken over by the snapshot in
//!   constant time, also if it is half saved. It becomes garbage after it was saved.
//! - A large value that is *edited* in place, renamed, moved or [taken](crate::Keyspace::take) is saved
//!   first, in the same call: O(value), once a snapshot. The rest of a half-saved value is saved before that.
//! - [`retain`](crate::Keyspace::retain) saves the rest of a half-saved value first, whichever keys it
//!   removes.
//!
//! **What is in it.** All keys that had not expired at the start, each once, in no order, with values and
//! expiries of the start. Access clocks are those of the time at which a key is saved.
//!
//! **Memory.** A list of removed large values. Without memory for it, the value is saved at once. What the
//! snapshot holds is in [`allocation_size`](crate::Keyspace::allocation_size), but does not count for
//! `maxmemory` ([`counted_bytes`](crate::Keyspace::counted_bytes)).
//!
//! **After a failure**, or if it is abandoned, the same walk goes on without a sink, and brings all bits to
//! one value again. Until then no other snapshot can begin.
//!
//! Limits: a string is saved in one call, however long it is, and so is a value of up to 64 blocks. The sink
//! runs inside of writes, under the lock of a shard if there are shards, and must not panic. A large value
//! under another hash than the hasher gives ([`Key::with_hash`](crate::Key::with_hash)) is found by a walk
//! over the table in each slice, if the table has changed its size since the value's first slice.
//!
//! Learned from: Redis' `rdb.c` (what is saved), which forks; Dragonfly's `snapshot.cc`, which saves an entry
//! before it is written to, with a version for each bucket.

mod error;
mod shards;
mod state;
mod walk;

pub use error::{SinkError, SnapshotError};
pub(crate) use shards::ShardsSnapshot;
pub(crate) use state::Snapshot;

use crate::keyspace::Keyspace;
use crate::restore::Record;
use core::hash::BuildHasher;
use core::time::Duration;
use walk::Pass;

/// Where the keys of a snapshot go. It is dropped when the snapshot has ended, however it has ended. All
/// methods and the destructor run in calls of the keyspace, under the lock of a shard if there are shards.
pub trait SnapshotSink: Send + Sync {
    /// Saves a portion of the value, and returns whether the value is complete. Only a call with
    /// [`Portion::Elements`] may return `false`. The next call then has the same key and the same value.
    ///
    /// The call must not panic.
    ///
    /// # Errors
    /// The snapshot ends as failed. The sink itself keeps the reason.
    fn save(&mut self, record: &Record<'_>, portion: Portion) -> Result<bool, SinkError>;

    /// Called after the last key. A snapshot that has failed or was abandoned does not call it.
    ///
    /// # Errors
    /// As of [`save`](Self::save).
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// How much of a value a [`SnapshotSink`] saves in a call, and whether a change of the key waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    /// About this many more elements of a large value.
    Elements(usize),
    /// The rest of the value. No write waits for it.
    Rest,
    /// The rest of the value. A change or a removal of the key waits for it: a write, an eviction, or a sweep
    /// of expired keys.
    RestBeforeWrite,
}

impl Portion {
    /// The number of elements; `usize::MAX` for all that is left.
    pub const fn elements(self) -> usize {
        match self {
            Self::Elements(elements) => elements,
            Self::Rest | Self::RestBeforeWrite => usize::MAX,
        }
    }
}

/// What a slice of a snapshot has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshotted {
    /// Keys that were saved to their end, those that writes have saved since the last slice among them.
    pub keys: usize,
    /// Whether no work is left: the snapshot has ended, and a new one can begin.
    pub is_complete: bool,
    /// How the snapshot has ended. `None` while it runs, and if there was none.
    pub end: Option<SnapshotEnd>,
}

/// How a snapshot has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotEnd {
    /// The sink has got all keys, and has finished.
    Saved,
    /// The sink has failed, or has panicked.
    Failed,
    /// By [`Keyspace::abandon_snapshot`].
    Abandoned,
}

impl<S> Keyspace<S> {
    /// Begins a snapshot of all keys that have not expired at `now`. O(1). The sink gets the keys in
    /// [`snapshot_for`](Self::snapshot_for), and in writes to keys that it has not got yet. See
    /// [`SnapshotSink`]. In C: `BGSAVE`, which forks.
    ///
    /// A write that removes or replaces a large value stays O(1) meanwhile, as long as there is memory for a
    /// list of such values. A write that edits, renames, moves or takes a value of more than 64 blocks saves
    /// all of it first, unless it is saved already, and the rest of another value that is half saved.
    ///
    /// ```
    /// use keyspace::{Keyspace, Portion, Record, SinkError, SnapshotSink};
    /// use std::sync::{Arc, Mutex};
    /// use std::time::{Duration, Instant};
    ///
    /// struct Names(Arc<Mutex<Vec<Vec<u8>>>>);
    /// impl SnapshotSink for Names {
    ///     fn save(&mut self, record: &Record<'_>, _portion: Portion) -> Result<bool, SinkError> {
    ///         self.0.lock().map_err(|_| SinkError)?.push(record.key.to_vec());
    ///         Ok(true)
    ///     }
    /// }
    ///
    /// let (mut keyspace, names) = (Keyspace::new(), Arc::default());
    /// keyspace.set("old", 1, 0)?;
    /// keyspace.begin_snapshot(Names(Arc::clone(&names)), 0)?;
    /// keyspace.remove("old", 0); // it is saved first
    /// keyspace.set("new", 2, 0)?; // it is not in the snapshot
    /// let start = Instant::now();
    /// while !keyspace.snapshot_for(Duration::from_micros(500), || start.elapsed()).is_complete {
    ///     // Requests are served in between.
    /// }
    /// assert_eq!(*names.lock().unwrap(), [b"old"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SnapshotError`]. The sink is dropped.
    pub fn begin_snapshot<K>(&mut self, sink: K, now: u64) -> Result<(), SnapshotError>
    where
        K: SnapshotSink + 'static,
    {
        let (kind, params) =
            (self.options.get_maxmemory_policy().ranking().clock(), *self.options.lfu_params());
        self.totals.snapshot.begin(sink, now, kind, params, self.table.len())
    }

    /// Ends a snapshot that is running: drops its sink. The work that is left, in
    /// [`snapshot_for`](Self::snapshot_for) or [`maintain`](Self::maintain), only brings the bits of the
    /// entries to one value. Returns whether one was running. O(1).
    pub fn abandon_snapshot(&mut self) -> bool {
        self.totals.snapshot.abandon()
    }

    /// Whether a snapshot is running: not while one that has failed or was abandoned is cleared up. In C:
    /// `rdb_bgsave_in_progress` of INFO persistence.
    pub fn is_snapshot_running(&self) -> bool {
        self.totals.snapshot.is_running()
    }

    /// How many keys the running snapshot has saved; 0 if none is running. In C:
    /// `rdb_current_save_keys_processed` of INFO persistence.
    pub fn snapshot_keys_processed(&self) -> usize {
        self.totals.snapshot.keys_processed()
    }

    /// How many keys there were when the running snapshot began, expired ones included; 0 if none is running.
    /// In C: `rdb_current_save_keys_total` of INFO persistence.
    pub fn snapshot_keys_total(&self) -> usize {
        self.totals.snapshot.keys_total()
    }

    /// How the last snapshot has ended that is not running any more. `None` before the first one. In C:
    /// `rdb_last_bgsave_status` of INFO persistence.
    pub fn last_snapshot_end(&self) -> Option<SnapshotEnd> {
        self.totals.snapshot.last_end()
    }

    /// What a snapshot adds to `used_memory`, in bytes: its own state, values that were removed and not saved
    /// yet, and a table that was cleared. [`allocation_size`](Self::allocation_size) includes it. Blocks that
    /// the sink owns are not counted. Constant time. In C: `current_cow_size` of INFO persistence.
    pub fn snapshot_bytes(&self) -> usize {
        self.totals.snapshot.allocation_size()
    }

    /// Saves the rest of a half-saved value.
    pub(crate) fn finish_half_saved(&mut self) {
        self.totals.snapshot.finish_half_saved(&self.table);
    }

    /// Saves an entry that is about to leave its key, but not to be freed.
    pub(crate) fn save_before_rename(&mut self, hash: u64, address: *const u8) {
        self.totals.snapshot.save_at(&self.table, hash, address.addr());
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Works on the snapshot for as long as `budget` lasts by the caller's `clock`, which tells the time
    /// since any moment. Returns what it did. Does nothing if no snapshot is running. Overshoots by one step:
    /// small values of about 32 KiB, or one longer value of up to 64 blocks, or 16 elements of a large value.
    ///
    /// See [`begin_snapshot`](Self::begin_snapshot).
    pub fn snapshot_for(&mut self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Snapshotted {
        self.snapshot_pass_for(Pass::Large, budget, &mut clock).0
    }

    /// [`snapshot_for`](Self::snapshot_for) up to the end of a pass. Returns too whether it has ended.
    fn snapshot_pass_for(
        &mut self,
        pass: Pass,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
    ) -> (Snapshotted, bool) {
        let start = clock();
        loop {
            let is_work_left = self.snapshot_step(pass);
            if !is_work_left || clock().saturating_sub(start) >= budget {
                return (self.totals.snapshot.report(), !is_work_left);
            }
        }
    }

    /// Clears up after a snapshot that has ended early. Returns whether work is left afterwards.
    pub(crate) fn clear_up_snapshot_for(
        &mut self,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
    ) -> bool {
        if !self.totals.snapshot.is_clearing_up() {
            return false;
        }
        self.snapshot_pass_for(Pass::Large, budget, clock);
        self.totals.snapshot.is_clearing_up()
    }
}
