//! Snapshots of a [`Sharded`]: all shards at one moment.
//!
//! All locks are taken for the start, and then a shard at a time. Pass 1 of all shards comes before pass 2 of
//! any, so that the sinks of the other shards get few keys while a large value is saved in slices: those of
//! writes only. If the sink of one shard fails, the snapshot of all shards is abandoned.

use super::walk::Pass;
use super::{SnapshotError, SnapshotSink, Snapshotted};
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
    is_active: bool,
    has_failed: bool,
}

impl<S: BuildHasher> Sharded<S> {
    /// [`Keyspace::begin_snapshot`] of all shards at one moment: all locks are held for that long, some
    /// nanoseconds a shard. `make_sink` gets the number of each shard, and must not use this `Sharded`.
    /// O(shards).
    ///
    /// ```
    /// use keyspace::{Record, Sharded, SnapshotFailed, SnapshotSink};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    /// use std::time::{Duration, Instant};
    ///
    /// struct Count(Arc<AtomicUsize>);
    /// impl SnapshotSink for Count {
    ///     fn save(&mut self, _record: &Record<'_>, _elements: usize) -> Result<bool, SnapshotFailed> {
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
        *state = ShardsSnapshot { is_active: true, ..ShardsSnapshot::default() };
        Ok(())
    }

    /// [`Keyspace::snapshot_for`] of all shards, one after the other, each under its lock for writing. A lock
    /// is held for 50 microseconds, and as long as [`Keyspace::snapshot_for`] overshoots. One thread does
    /// this at a time; another one waits.
    pub fn snapshot_for(&self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Snapshotted {
        let (start, mut state) = (clock(), self.snapshot.lock());
        let mut done = Snapshotted::default();
        while state.is_active {
            let left = budget.saturating_sub(clock().saturating_sub(start));
            let (one, is_end) = {
                let mut shard = self.shard(state.shard).write();
                shard.snapshot_pass_for(state.pass, left.min(LOCKED_FOR), &mut clock)
            };
            done.keys += one.keys;
            if one.has_failed && !state.has_failed {
                state.has_failed = true;
                self.for_each_mut(|keyspace| {
                    keyspace.abandon_snapshot();
                });
                (state.shard, state.pass) = (0, Pass::Large); // all shards are cleared up
            } else if is_end {
                state.shard += 1;
                if state.shard == self.shard_count() {
                    state.is_active = state.pass == Pass::Small;
                    (state.shard, state.pass) = (0, Pass::Large);
                }
            }
            if clock().saturating_sub(start) >= budget {
                break;
            }
        }
        (done.is_complete, done.has_failed) = (!state.is_active, state.has_failed);
        done
    }

    /// [`Keyspace::abandon_snapshot`] of all shards. [`snapshot_for`](Self::snapshot_for) or
    /// [`maintain`](Self::maintain) clears up. Returns whether one was running.
    pub fn abandon_snapshot(&self) -> bool {
        let mut state = self.snapshot.lock();
        let mut was_running = false;
        self.for_each_mut(|keyspace| was_running |= keyspace.abandon_snapshot());
        (state.shard, state.pass) = (0, Pass::Large);
        was_running
    }
}
