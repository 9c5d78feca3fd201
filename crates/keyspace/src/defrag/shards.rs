//! Defragmentation of a [`Sharded`]: a pass visits all shards, one after the other.
//!
//! The blocks of all shards lie in the same slabs. If only the blocks of one shard move, hardly any slab
//! becomes empty, because the blocks of the other shards stay. Only a pass over all shards wins memory. So
//! there is one [`Control`] and one [`AllocatorHints`] for all shards.
//!
//! A shard is locked for 50 microseconds at a time.

use super::Defragged;
use super::active::Call;
use super::control::Control;
use super::hints::AllocatorHints;
use crate::sharded::Sharded;
use core::hash::BuildHasher;
use core::time::Duration;

/// How long a shard is locked at a time.
const LOCKED_FOR: Duration = Duration::from_micros(50);

/// The state of defragmentation for all shards.
#[derive(Default)]
pub(crate) struct ShardsDefrag {
    control: Control,
    hints: Option<AllocatorHints>,
    /// The number of the shard that the pass works on.
    shard: usize,
}

impl ShardsDefrag {
    /// Returns whether a call may have work to do.
    pub(crate) fn has_work(&self, now: u64) -> bool {
        self.control.is_running() || self.control.is_measurement_due(now)
    }

    /// Returns the time that the next call can wait, or `None` if no round is running.
    pub(crate) fn next(&self, now: u64) -> Option<Duration> {
        if self.control.has_time_left() { Some(Duration::ZERO) } else { self.control.due(now) }
    }
}

impl<S: BuildHasher> Sharded<S> {
    /// Like [`Keyspace::active_defrag`](crate::Keyspace::active_defrag), for all shards.
    pub(crate) fn active_defrag(
        &self,
        state: &mut ShardsDefrag,
        now: u64,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
    ) -> Defragged {
        let options = *self.shard(0).read().options();
        let portion = match state.control.begin(now, &options) {
            Call::Idle => return Defragged::NOTHING_TO_DO,
            Call::Wait => return Defragged::default(),
            Call::Work(portion) => portion.min(budget),
        };
        let start = clock();
        let Some(mut hints) = state.hints.take().or_else(AllocatorHints::take) else {
            return Defragged::NOTHING_TO_DO;
        };
        let mut done = Defragged::default();
        let mut used = clock().saturating_sub(start);
        loop {
            let left = portion.saturating_sub(used).min(LOCKED_FOR);
            done.add(self.shard(state.shard).write().defrag_with(&mut hints, left, &mut *clock));
            if done.is_complete {
                state.shard = (state.shard + 1) % self.shard_count();
                done.is_complete = state.shard == 0;
            }
            used = clock().saturating_sub(start);
            // The last step on a shard may end late.
            if done.is_complete || portion.saturating_sub(used) < 2 * LOCKED_FOR {
                break;
            }
        }
        let bytes = if done.is_complete { self.allocation_size() } else { 0 };
        state.hints = Some(hints).filter(|_| !done.is_complete);
        state.control.end(used, &done, bytes, &options);
        done
    }

    /// Returns the percentage of the time that defragmentation of all shards takes now, in
    /// [`maintain`](Self::maintain), or 0 if it is not running. Waits while another thread is in `maintain`.
    /// In C: `active_defrag_running` of INFO memory.
    pub fn active_defrag_running(&self) -> usize {
        self.defrag.lock().control.time_percent().ceil() as usize
    }
}
