//! Snapshots of a [`Sharded`]: they save all shards as they are at one moment.
//!
//! The start holds all locks at once. After the start, only one shard is locked at a time. Pass 2 begins
//! when all shards have finished pass 1. While a large value is saved in slices, the sinks of the other
//! shards therefore receive only the keys that writes save.
//!
//! If the sink of one shard fails, the snapshots of all shards are abandoned. This happens at the latest when
//! that shard is visited next. Each call of [`Sharded::snapshot_for`] first checks up to sixteen shards for a
//! failure.

use super::walk::Pass;
use super::{SnapshotEnd, SnapshotError, SnapshotSink, Snapshotted};
use crate::keyspace::Keyspace;
use crate::sharded::Sharded;
use allocator_api2::vec::Vec;
use core::hash::BuildHasher;
use core::time::Duration;
use parking_lot::RwLockWriteGuard;
use values::ReserveError;
use zmalloc::Zmalloc;

/// How long a shard is locked at a time.
const LOCKED_FOR: Duration = Duration::from_micros(50);

/// The state of the snapshot of all shards.
#[derive(Default)]
pub(crate) struct ShardsSnapshot {
    pass: Pass,
    /// The number of the shard that the pass works on.
    shard: usize,
    /// Whether work is left.
    is_active: bool,
    end: Option<SnapshotEnd>,
    /// How the last finished snapshot ended.
    last: Option<SnapshotEnd>,
    /// The number of the shard that was checked for a failure last.
    checked_shard: usize,
    keys_total: usize,
    keys_processed: usize,
}

impl ShardsSnapshot {
    fn is_running(&self) -> bool {
        self.is_active && self.end.is_none()
    }
}

impl<S: BuildHasher> Sharded<S> {
    /// Calls [`Keyspace::begin_snapshot`] of all shards at one moment. It holds all locks meanwhile, for some
    /// nanoseconds per shard. `make_sink` is called with the number of each shard, and must not use this
    /// `Sharded`. O(shards).
    ///
    /// ```
    /// use keyspace::{Portion, Record, Sharded, SinkError, SnapshotSink};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    /// use std::time::{Duration, Instant};
    ///
    /// struct Count(Arc<AtomicUsize>);
    /// impl SnapshotSink for Count {
    ///     fn save(&mut self, _record: &Record<'_>, _portion: Portion) -> Result<bool, SinkError> {
    ///         self.0.fetch_add(1, Relaxed);
    ///         Ok(true)
    ///     }
    /// }
    ///
    /// let (sharded, count) = (Sharded::new(16), Arc::new(AtomicUsize::new(0)));
    /// for n in 0..1_000 {
    ///     sharded.write(&format!("key:{n}"), |keyspace, key| keyspace.set(key, n, 0))?;
    /// }
    /// sharded.begin_snapshot(|_shard| Count(count.clone()), 0)?;
    /// let start = Instant::now();
    /// while !sharded.snapshot_for(Duration::from_millis(1), || start.elapsed()).is_complete {}
    /// assert_eq!(count.load(Relaxed), 1_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SnapshotError`] if a snapshot cannot begin. No shard has then begun one.
    pub fn begin_snapshot<K>(&self, make_sink: impl FnMut(usize) -> K, now: u64) -> Result<(), SnapshotError>
    where
        K: SnapshotSink + 'static,
    {
        let mut state = self.snapshot.lock();
        let (count, mut shards, mut sinks) = (self.shard_count(), Vec::new_in(Zmalloc), Vec::new_in(Zmalloc));
        let size = count.saturating_mul(size_of::<RwLockWriteGuard<'_, Keyspace<S>>>());
        shards.try_reserve_exact(count).map_err(|_| ReserveError::OutOfMemory { size })?;
        let size = count.saturating_mul(size_of::<K>());
        sinks.try_reserve_exact(count).map_err(|_| ReserveError::OutOfMemory { size })?;
        sinks.extend((0..count).map(make_sink));
        shards.extend((0..count).map(|number| self.shard(number).write()));
        shards.iter().try_for_each(|shard| shard.totals.snapshot.check_idle())?;
        for (number, sink) in sinks.into_iter().enumerate() {
            if let Err(error) = shards[number].begin_snapshot(sink, now) {
                shards[..number].iter_mut().for_each(|shard| shard.totals.snapshot.undo_begin());
                return Err(error);
            }
        }
        let keys_total = shards.iter().map(|shard| shard.len()).sum();
        let last = state.last;
        *state = ShardsSnapshot { is_active: true, keys_total, last, ..ShardsSnapshot::default() };
        Ok(())
    }

    /// Calls [`Keyspace::snapshot_for`] of the shards, one after the other, each under its write lock. A lock
    /// is held for at most 50 microseconds, plus one step of [`Keyspace::snapshot_for`]. Only one thread does
    /// this at a time; others wait.
    pub fn snapshot_for(&self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Snapshotted {
        let (start, mut state) = (clock(), self.snapshot.lock());
        let mut done = Snapshotted::default();
        self.check_for_ends(&mut state);
        while state.is_active {
            let left = budget.saturating_sub(clock().saturating_sub(start));
            let (one, is_end) = {
                let mut shard = self.shard(state.shard).write();
                shard.snapshot_pass_for(state.pass, left.min(LOCKED_FOR), &mut clock)
            };
            done.keys += one.keys;
            if let (Some(end @ (SnapshotEnd::Failed | SnapshotEnd::Abandoned)), true) =
                (one.end, state.is_running())
            {
                self.end_snapshot(&mut state, end);
            } else if is_end {
                state.shard += 1;
                if state.shard == self.shard_count() {
                    if state.pass == Pass::Large {
                        state.is_active = false;
                        state.last = Some(*state.end.get_or_insert(SnapshotEnd::Saved));
                    }
                    (state.shard, state.pass) = (0, Pass::Large);
                }
            }
            if clock().saturating_sub(start) >= budget {
                break;
            }
        }
        state.keys_processed += done.keys;
        (done.is_complete, done.end) = (!state.is_active, state.end);
        done
    }

    /// Checks up to sixteen shards for a snapshot that has ended early. A sink may have failed in a write to
    /// its shard, or the caller may have abandoned the snapshot of one shard only.
    fn check_for_ends(&self, state: &mut ShardsSnapshot) {
        /// Taking this many locks costs less time than the work on one shard.
        const SHARDS_PER_CALL: usize = 16;
        for _ in 0..SHARDS_PER_CALL.min(self.shard_count()) {
            if !state.is_running() {
                return;
            }
            state.checked_shard = (state.checked_shard + 1) % self.shard_count();
            let end = self.shard(state.checked_shard).read().totals.snapshot.newest_end();
            if let Some(end @ (SnapshotEnd::Failed | SnapshotEnd::Abandoned)) = end {
                self.end_snapshot(state, end);
            }
        }
    }

    /// Abandons the snapshots of all shards, because that of one shard failed or was abandoned. After this,
    /// [`snapshot_for`](Self::snapshot_for) only clears up.
    fn end_snapshot(&self, state: &mut ShardsSnapshot, end: SnapshotEnd) {
        self.for_each_mut(|keyspace| {
            keyspace.abandon_snapshot();
        });
        (state.shard, state.pass, state.end, state.last) = (0, Pass::Large, Some(end), Some(end));
    }

    /// Calls [`Keyspace::abandon_snapshot`] of all shards. Returns whether a snapshot was running.
    /// [`snapshot_for`](Self::snapshot_for) or [`maintain`](Self::maintain) clears up.
    pub fn abandon_snapshot(&self) -> bool {
        let mut state = self.snapshot.lock();
        let mut was_running = false;
        self.for_each_mut(|keyspace| was_running |= keyspace.abandon_snapshot());
        (state.shard, state.pass) = (0, Pass::Large);
        if was_running {
            state.last = Some(*state.end.get_or_insert(SnapshotEnd::Abandoned));
        }
        was_running
    }

    /// Like [`Keyspace::is_snapshot_running`], for all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for).
    pub fn is_snapshot_running(&self) -> bool {
        self.snapshot.lock().is_running()
    }

    /// Like [`Keyspace::last_snapshot_end`], for all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for).
    pub fn last_snapshot_end(&self) -> Option<SnapshotEnd> {
        self.snapshot.lock().last
    }

    /// Like [`Keyspace::snapshot_keys_processed`], for all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for). A key that a write has saved is counted when that method next
    /// visits its shard.
    pub fn snapshot_keys_processed(&self) -> usize {
        let state = self.snapshot.lock();
        if state.is_running() { state.keys_processed } else { 0 }
    }

    /// Like [`Keyspace::snapshot_keys_total`], for all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for).
    pub fn snapshot_keys_total(&self) -> usize {
        let state = self.snapshot.lock();
        if state.is_running() { state.keys_total } else { 0 }
    }

    /// Like [`Keyspace::snapshot_bytes`], for all shards. Takes each lock in turn.
    pub fn snapshot_bytes(&self) -> usize {
        self.sum(Keyspace::snapshot_bytes)
    }
}
