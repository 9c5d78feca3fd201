//! Defragmentation of a [`Sharded`]: a pass goes over all shards, one after the other.
//!
//! The blocks of all shards lie in the same slabs. If the blocks of one shard move, they go from emptier
//! slabs to fuller ones, but hardly any slab becomes empty while the blocks of the other shards stay. So it
//! is the pass over all shards that wins memory. There is one [`Control`] for all of them, and one judge.
//!
//! A shard is locked for 50 microseconds at a time.

use super::Defragged;
use super::active::Call;
use super::control::Control;
use super::questions::Judge;
use crate::sharded::Sharded;
use core::hash::BuildHasher;
use core::time::Duration;

/// How long a shard is locked.
const LOCKED_FOR: Duration = Duration::from_micros(50);

/// The state of defragmentation for all shards.
#[derive(Default)]
pub(crate) struct ShardsDefrag {
    control: Control,
    judge: Option<Judge>,
    /// The shard that the pass has come to.
    shard: usize,
}

impl ShardsDefrag {
    /// Whether a call may have work to do.
    pub(crate) fn has_work(&self, now: u64) -> bool {
        self.control.is_running() || self.control.is_look_due(now)
    }

    /// How long the next call can wait. `None` if no round is running.
    pub(crate) fn next(&self, now: u64) -> Option<Duration> {
        if self.control.goes_on() { Some(Duration::ZERO) } else { self.control.due(now) }
    }
}

impl<S: BuildHasher> Sharded<S> {
    /// [`Keyspace::active_defrag`](crate::Keyspace::active_defrag) of all shards.
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
        let Some(mut judge) = state.judge.take().or_else(Judge::take) else {
            return Defragged::NOTHING_TO_DO;
        };
        let mut done = Defragged::default();
        let mut used = clock().saturating_sub(start);
        loop {
            let left = portion.saturating_sub(used).min(LOCKED_FOR);
            done.add(self.shard(state.shard).write().defrag_with(&mut judge, left, &mut *clock));
            if done.is_complete {
                state.shard = (state.shard + 1) % self.shard_count();
                done.is_complete = state.shard == 0;
            }
            used = clock().saturating_sub(start);
            // The last step of a turn may end late.
            if done.is_complete || portion.saturating_sub(used) < 2 * LOCKED_FOR {
                break;
            }
        }
        let bytes = if done.is_complete { self.allocation_size() } else { 0 };
        state.judge = Some(judge).filter(|_| !done.is_complete);
        state.control.end(used, &done, bytes, &options);
        done
    }

    /// The percentage of the time that defragmentation of all shards takes now, by
    /// [`maintain`](Self::maintain). 0 if it is not running. Waits for a thread that is in `maintain`. In C:
    /// `active_defrag_running` of INFO memory.
    pub fn active_defrag_running(&self) -> usize {
        self.defrag.lock().control.share().ceil() as usize
    }
}
