//! Snapshots of a [`Sharded`]: all shards at one moment.
//!
//! All locks are taken for the start, and then a shard at a time. Pass 1 of all shards comes before pass 2 of
//! any, so that the sinks of the other shards get few keys while a large value is saved in slices: those of
//! writes only. If the sink of one shard fails, the snapshot of all shards is abandoned: at the latest when
//! the turn of that shard comes. Each call of [`Sharded::snapshot_for`] looks at sixteen shards for this.

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

/// How long a shard is locked.
const LOCKED_FOR: Duration = Duration::from_micros(50);

/// The state of the snapshot of all shards.
#[derive(Default)]
pub(crate) struct ShardsSnapshot {
    pass: Pass,
    /// The shard that the pass has come to.
    shard: usize,
    /// Whether work is left.
    is_active: bool,
    end: Option<SnapshotEnd>,
    /// How the last one that has ended did so.
    last: Option<SnapshotEnd>,
    /// The shard that was looked at last.
    look: usize,
    keys_total: usize,
    keys_processed: usize,
}

impl ShardsSnapshot {
    fn is_running(&self) -> bool {
        self.is_active && self.end.is_none()
    }
}

impl<S: BuildHasher> Sharded<S> {
    /// [`Keyspace::begin_snapshot`] of all shards at one moment: all locks are held for that long, some
    /// nanoseconds a shard. `make_sink` gets the number of each shard, and must not use this `Sharded`.
    /// O(shards).
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
    /// [`SnapshotError`]. No shard has begun one then.
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

    /// [`Keyspace::snapshot_for`] of all shards, one after the other, each under its lock for writing. A lock
    /// is held for 50 microseconds, and as long as [`Keyspace::snapshot_for`] overshoots. One thread does
    /// this at a time; another one waits.
    pub fn snapshot_for(&self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Snapshotted {
        let (start, mut state) = (clock(), self.snapshot.lock());
        let mut done = Snapshotted::default();
        self.look_for_ends(&mut state);
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

    /// A write to a shard may have met a sink that fails, and a shard may have been abandoned alone. Looks at
    /// some shards.
    fn look_for_ends(&self, state: &mut ShardsSnapshot) {
        /// So many locks take less time than a turn of a shard.
        const SHARDS_A_CALL: usize = 16;
        for _ in 0..SHARDS_A_CALL.min(self.shard_count()) {
            if !state.is_running() {
                return;
            }
            state.look = (state.look + 1) % self.shard_count();
            let end = self.shard(state.look).read().totals.snapshot.newest_end();
            if let Some(end @ (SnapshotEnd::Failed | SnapshotEnd::Abandoned)) = end {
                self.end_snapshot(state, end);
            }
        }
    }

    /// One shard has failed or was abandoned: all are abandoned, and cleared up from now on.
    fn end_snapshot(&self, state: &mut ShardsSnapshot, end: SnapshotEnd) {
        self.for_each_mut(|keyspace| {
            keyspace.abandon_snapshot();
        });
        (state.shard, state.pass, state.end, state.last) = (0, Pass::Large, Some(end), Some(end));
    }

    /// [`Keyspace::abandon_snapshot`] of all shards. [`snapshot_for`](Self::snapshot_for) or
    /// [`maintain`](Self::maintain) clears up. Returns whether one was running.
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

    /// As [`Keyspace::is_snapshot_running`], of all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for).
    pub fn is_snapshot_running(&self) -> bool {
        self.snapshot.lock().is_running()
    }

    /// As [`Keyspace::last_snapshot_end`], of all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for).
    pub fn last_snapshot_end(&self) -> Option<SnapshotEnd> {
        self.snapshot.lock().last
    }

    /// As [`Keyspace::snapshot_keys_processed`], of all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for). Keys that writes have saved count when that method comes to
    /// their shard.
    pub fn snapshot_keys_processed(&self) -> usize {
        let state = self.snapshot.lock();
        if state.is_running() { state.keys_processed } else { 0 }
    }

    /// As [`Keyspace::snapshot_keys_total`], of all shards. Waits while another thread is in
    /// [`snapshot_for`](Self::snapshot_for).
    pub fn snapshot_keys_total(&self) -> usize {
        let state = self.snapshot.lock();
        if state.is_running() { state.keys_total } else { 0 }
    }

    /// As [`Keyspace::snapshot_bytes`], of all shards. Takes each lock in turn.
    pub fn snapshot_bytes(&self) -> usize {
        self.sum(Keyspace::snapshot_bytes)
    }
}
