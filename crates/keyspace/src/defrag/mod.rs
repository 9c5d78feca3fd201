//! Active defragmentation: moving blocks so that the allocator can give memory back.
//!
//! Random removals leave slabs with a few blocks each. The allocator cannot give such a slab back
//! (`zmalloc::defrag`). A pass visits all blocks of a keyspace and moves those that the allocator names.
//! Passes follow each other until one of them wins nothing.
//!
//! - `walk`: one pass, step by step;
//! - `questions`: asking about many blocks at once;
//! - `control`: whether to defragment now, and for how much of the time;
//! - `active`: the two together, for a caller that has a clock;
//! - `shards`: the same for the keyspaces of a [`Sharded`](crate::Sharded).
//!
//! All of this needs jemalloc with statistics (features `jemalloc` and `stats` of `zmalloc`). A stock
//! jemalloc is enough. With other allocators nothing moves, and a pass is complete at once.
//!
//! Learned from: Redis' `defrag.c` (slices, a list for large values, the share of time between two
//! thresholds).

mod active;
mod control;
mod questions;
mod shards;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use shards::ShardsDefrag;

use crate::keyspace::Keyspace;
use control::Control;
use core::hash::BuildHasher;
use core::time::Duration;
use questions::{Hints, Judge};
use walk::Walk;

/// What a slice of defragmentation has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Defragged {
    /// Blocks that were to be moved. They were, unless there was no memory. INFO stats:
    /// `active_defrag_hits`.
    pub hits: usize,
    /// Blocks that were looked at and stay where they are. INFO stats: `active_defrag_misses`.
    pub misses: usize,
    /// Bytes of the blocks that were to be moved.
    pub bytes: usize,
    /// Whether the slice came to the end of a pass, or no pass is running. The next slice starts anew.
    pub is_complete: bool,
}

impl Defragged {
    pub(crate) const NOTHING_TO_DO: Self = Self { hits: 0, misses: 0, bytes: 0, is_complete: true };

    /// Adds what a later slice has done.
    pub(crate) fn add(&mut self, later: Self) {
        self.hits += later.hits;
        self.misses += later.misses;
        self.bytes += later.bytes;
        self.is_complete = later.is_complete;
    }
}

/// The pass that is running, if any, when to run the next one, and totals.
#[derive(Default)]
pub(crate) struct Defrag {
    walk: Walk,
    /// What the allocator says, in the time of a pass.
    judge: Option<Judge>,
    control: Control,
    hits: u64,
    misses: u64,
}

impl Defrag {
    /// What the state adds to `used_memory`, in bytes.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.walk.allocation_size()
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Moves blocks that leave slabs of the allocator nearly empty, so that these slabs can be given back.
    /// Starts a pass over all blocks if none is running, and works for as long as `budget` lasts by the
    /// caller's `clock`, which tells the time since any moment. Overshoots by some tens of microseconds. Keys
    /// may be written and removed between two calls. In C: `activeDefragCycle`, without its thresholds.
    ///
    /// A pass does not win all that there is: blocks move to slabs that the same pass may empty later. Two to
    /// four passes do. A string that a reply holds too does not move.
    ///
    /// Needs jemalloc with statistics. With other allocators nothing happens, and the slice is complete. At
    /// the start of a pass the cache of the calling thread is emptied, and jemalloc's statistics are
    /// refreshed. Both are done again after each 65,536 blocks.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let mut keyspace = keyspace::Keyspace::new();
    /// for n in 0..10_000 {
    ///     keyspace.set(format!("key:{n}").as_bytes(), n, 0)?;
    /// }
    /// for n in (0..10_000).filter(|n| n % 4 != 0) {
    ///     keyspace.remove(format!("key:{n}").as_bytes(), 0);
    /// }
    /// let start = Instant::now();
    /// let mut hits = 0;
    /// loop {
    ///     let slice = keyspace.defrag_for(Duration::from_micros(500), || start.elapsed());
    ///     hits += slice.hits;
    ///     if slice.is_complete {
    ///         break;
    ///     }
    ///     // Requests are served in between.
    /// }
    /// assert!(hits > 1_000 || !keyspace::zmalloc::ALLOCATOR.starts_with("jemalloc"));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn defrag_for(&mut self, budget: Duration, clock: impl FnMut() -> Duration) -> Defragged {
        let Some(mut judge) = self.defrag.judge.take().or_else(Judge::take) else {
            return Defragged::NOTHING_TO_DO;
        };
        let done = self.defrag_with(&mut judge, budget, clock);
        if !done.is_complete {
            self.defrag.judge = Some(judge);
        }
        done
    }

    /// [`defrag_for`](Self::defrag_for) by these hints.
    fn defrag_with(
        &mut self,
        hints: &mut impl Hints,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
    ) -> Defragged {
        self.limit_growth_if_limited(); // a merge in the table may need memory
        let start = clock();
        let mut done = Defragged::default();
        loop {
            self.defrag_step(hints, &mut done);
            done.is_complete = self.defrag.walk.is_complete();
            if done.is_complete || clock().saturating_sub(start) >= budget {
                break;
            }
        }
        if done.is_complete {
            self.defrag.walk = Walk::default();
        }
        self.defrag.hits += done.hits as u64;
        self.defrag.misses += done.misses as u64;
        done
    }
}

impl<S> Keyspace<S> {
    /// How many blocks defragmentation was to move since the keyspace was made. In C: `active_defrag_hits` of
    /// INFO stats.
    pub fn active_defrag_hits(&self) -> u64 {
        self.defrag.hits
    }

    /// How many blocks defragmentation has looked at and left where they are. In C: `active_defrag_misses` of
    /// INFO stats.
    pub fn active_defrag_misses(&self) -> u64 {
        self.defrag.misses
    }
}
