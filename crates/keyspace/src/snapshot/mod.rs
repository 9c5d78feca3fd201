//! Snapshots: they save the state of a keyspace at one moment, in slices, while keys are read and written.
//!
//! ```text
//!  begin       every entry becomes unsaved: the keyspace's bit flips, the bits of the entries stay
//!  pass 1      a walk over the table saves all values except large ones, one place after the other
//!  pass 2      large values are saved, one after the other, some elements in each step
//!  end         every entry is saved, which is the state that the next snapshot begins with
//!
//!  a write     saves an unsaved entry before it changes the entry
//!  a new key   counts as saved
//! ```
//!
//! A snapshot does not fork, and copies only what it writes out. The bit lies in the head of an entry, which
//! a write reads in any case. A write therefore costs only one predictable branch more.
//!
//! - `state`: which entries are saved, which values were removed meanwhile, and the hooks of writes;
//! - `walk`: the steps;
//! - `shards`: the same for the keyspaces of a [`Sharded`](crate::Sharded).
//!
//! **Large values** have more than 64 blocks, and are saved in slices. The walk saves no other key between
//! two slices of one value. All other values are already saved in pass 2, so that no write to them waits for
//! a large value.
//!
//! - The snapshot takes over a large value that is *removed*, replaced or evicted, or that expires. This
//!   takes constant time, also if the value is half saved. The value becomes garbage after it was saved.
//! - A large value that is *edited* in place, renamed, moved or [taken](crate::Keyspace::take) is saved
//!   first, in the same call. This costs O(value), once for each snapshot. The rest of a half-saved value is
//!   saved before it.
//! - [`retain`](crate::Keyspace::retain) saves the rest of a half-saved value first, whichever keys it
//!   removes.
//!
//! **Content.** A snapshot contains each key that had not expired at the start, once, with the value and the
//! expiry of the start. The keys have no order. The access clock is that of the time when the key is saved.
//!
//! **Memory.** A snapshot keeps a list of removed large values. If there is no memory for the list, the value
//! is saved at once. [`allocation_size`](crate::Keyspace::allocation_size) includes the memory of a snapshot,
//! but it does not count towards `maxmemory` ([`counted_bytes`](crate::Keyspace::counted_bytes)).
//!
//! **Clearing up.** If a snapshot fails or is abandoned, the same walk continues without a sink, and brings
//! all bits to one value again. No other snapshot can begin before it has finished.
//!
//! Limits: a string is saved in one call, however long it is, and so is a value of up to 64 blocks. The sink
//! runs inside of writes, under the lock of a shard if there are shards, and must not panic. A key can have
//! another hash than the hasher gives ([`Key::with_hash`](crate::Key::with_hash)). If its value is large, and
//! the table changes its size after the first slice, each later slice walks over the table to find it.
//!
//! Learned from: Redis' `rdb.c` (what is saved), which forks; Dragonfly's `snapshot.cc`, which saves an entry
//! before a write to it, with a version for each bucket.

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

/// The receiver of the keys of a snapshot. It is dropped when the snapshot ends, for whatever reason. All
/// methods and the destructor run in calls of the keyspace, under the lock of a shard if there are shards.
pub trait SnapshotSink: Send + Sync {
    /// Saves a portion of the value, and returns whether the value is complete. Only a call with
    /// [`Portion::Elements`] may return `false`. The next call then has the same key and the same value.
    ///
    /// The call must not panic.
    ///
    /// # Errors
    /// [`SinkError`] if the portion cannot be saved. The snapshot ends as failed. The sink itself keeps the
    /// reason.
    fn save(&mut self, record: &Record<'_>, portion: Portion) -> Result<bool, SinkError>;

    /// Ends the output. It is called after the last key, unless the snapshot has failed or was abandoned.
    ///
    /// # Errors
    /// Like those of [`save`](Self::save).
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// How much of a value a [`SnapshotSink`] saves in one call, and whether a change of the key waits for the
/// call.
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
    /// Returns the number of elements, or `usize::MAX` for the rest of the value.
    pub const fn elements(self) -> usize {
        match self {
            Self::Elements(elements) => elements,
            Self::Rest | Self::RestBeforeWrite => usize::MAX,
        }
    }
}

/// The result of a slice of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshotted {
    /// The number of keys that were saved completely. It includes those that writes saved since the last
    /// slice.
    pub keys: usize,
    /// Whether no work is left: the snapshot has ended, and a new one can begin.
    pub is_complete: bool,
    /// How the snapshot has ended. `None` while it runs, and if there was no snapshot.
    pub end: Option<SnapshotEnd>,
}

/// How a snapshot has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotEnd {
    /// The sink has received all keys, and has finished.
    Saved,
    /// The sink has failed, or has panicked.
    Failed,
    /// [`Keyspace::abandon_snapshot`] has ended the snapshot.
    Abandoned,
}

impl<S> Keyspace<S> {
    /// Begins a snapshot of all keys that have not expired at `now`. O(1). The sink receives the keys in
    /// [`snapshot_for`](Self::snapshot_for), and in writes to keys that are not saved yet. See
    /// [`SnapshotSink`]. In C: `BGSAVE`, which forks.
    ///
    /// A write that removes or replaces a large value stays O(1) meanwhile, as long as there is memory for a
    /// list of such values. A write that edits, renames, moves or takes an unsaved value of more than 64
    /// blocks saves all of the value first. If another value is half saved, that write saves its rest too.
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
    /// [`SnapshotError`] if a snapshot cannot begin. The sink is then dropped.
    pub fn begin_snapshot<K>(&mut self, sink: K, now: u64) -> Result<(), SnapshotError>
    where
        K: SnapshotSink + 'static,
    {
        let (kind, params) =
            (self.options.get_maxmemory_policy().ranking().clock(), *self.options.lfu_params());
        self.totals.snapshot.begin(sink, now, kind, params, self.table.len())
    }

    /// Ends a running snapshot, and drops its sink. Returns whether a snapshot was running. O(1).
    ///
    /// [`snapshot_for`](Self::snapshot_for) or [`maintain`](Self::maintain) must then clear up, which brings
    /// the bits of the entries to one value.
    pub fn abandon_snapshot(&mut self) -> bool {
        self.totals.snapshot.abandon()
    }

    /// Returns whether a snapshot is running. Returns `false` while a snapshot that failed or was abandoned
    /// is being cleared up. In C: `rdb_bgsave_in_progress` of INFO persistence.
    pub fn is_snapshot_running(&self) -> bool {
        self.totals.snapshot.is_running()
    }

    /// Returns the number of keys that the running snapshot has saved, or 0 if no snapshot is running. In C:
    /// `rdb_current_save_keys_processed` of INFO persistence.
    pub fn snapshot_keys_processed(&self) -> usize {
        self.totals.snapshot.keys_processed()
    }

    /// Returns the number of keys at the start of the running snapshot, including expired ones, or 0 if no
    /// snapshot is running. In C: `rdb_current_save_keys_total` of INFO persistence.
    pub fn snapshot_keys_total(&self) -> usize {
        self.totals.snapshot.keys_total()
    }

    /// Returns how the last snapshot that is no longer running has ended, or `None` if no snapshot has ended
    /// yet. In C: `rdb_last_bgsave_status` of INFO persistence.
    pub fn last_snapshot_end(&self) -> Option<SnapshotEnd> {
        self.totals.snapshot.last_end()
    }

    /// Returns the bytes that a snapshot adds to `used_memory`: its own state, values that were removed and
    /// are not saved yet, and a table that was cleared. [`allocation_size`](Self::allocation_size) includes
    /// them. Blocks that the sink owns are not counted. O(1). In C: `current_cow_size` of INFO persistence.
    pub fn snapshot_bytes(&self) -> usize {
        self.totals.snapshot.allocation_size()
    }

    /// Saves the rest of a half-saved value.
    pub(crate) fn finish_half_saved(&mut self) {
        self.totals.snapshot.finish_half_saved(&self.table);
    }

    /// Saves an entry whose key is about to change. The entry is not about to be freed.
    pub(crate) fn save_before_rename(&mut self, hash: u64, address: *const u8) {
        self.totals.snapshot.save_at(&self.table, hash, address.addr());
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Works on the snapshot until `budget` has passed, and returns what it did. `clock` returns the time
    /// since some fixed moment. Does nothing if no snapshot is running or being cleared up.
    ///
    /// The call can take one step longer than `budget`. A step saves about 32 KiB of small values, or one
    /// longer value of up to 64 blocks, or 16 elements of a large value.
    ///
    /// See [`begin_snapshot`](Self::begin_snapshot).
    pub fn snapshot_for(&mut self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Snapshotted {
        self.snapshot_pass_for(Pass::Large, budget, &mut clock).0
    }

    /// Like [`snapshot_for`](Self::snapshot_for), but stops at the end of `pass`. Also returns whether the
    /// pass has ended.
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

    /// Clears up after a snapshot that failed or was abandoned. Returns whether work is left afterwards.
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
