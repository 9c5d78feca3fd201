//! Active defragmentation: it moves blocks so that the allocator can return memory to the system.
//!
//! Random removals leave slabs with a few blocks each. The allocator cannot return such a slab
//! (`zmalloc::defrag`). A pass visits all blocks of a keyspace, and moves those that the allocator names.
//! Passes follow each other until one of them wins nothing.
//!
//! - `walk`: one pass, step by step;
//! - `hints`: asks the allocator about many blocks at once;
//! - `control`: whether to defragment now, and for what share of the time;
//! - `active`: `control` and the passes together, for callers that have a clock;
//! - `shards`: the same for the keyspaces of a [`Sharded`](crate::Sharded).
//!
//! Limits: defragmentation needs jemalloc with statistics (features `jemalloc` and `stats` of `zmalloc`). An
//! unmodified jemalloc suffices. With other allocators no block moves, and a pass is complete at once.
//!
//! Learned from: Redis' `defrag.c` (slices, a list for large values, the share of time between two
//! thresholds).

mod active;
mod control;
mod hints;
mod shards;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use shards::ShardsDefrag;

use crate::keyspace::Keyspace;
use control::Control;
use core::hash::BuildHasher;
use core::time::Duration;
use hints::{AllocatorHints, Hints};
use walk::Walk;

/// The result of a slice of defragmentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Defragged {
    /// The number of blocks that were worth moving. They were moved unless there was no memory. INFO stats:
    /// `active_defrag_hits`.
    pub hits: usize,
    /// The number of visited blocks that stay where they are. INFO stats: `active_defrag_misses`.
    pub misses: usize,
    /// The bytes of the blocks that were worth moving.
    pub bytes: usize,
    /// Whether the slice has reached the end of a pass, or no pass is running. The next slice then starts a
    /// new pass.
    pub is_complete: bool,
}

impl Defragged {
    pub(crate) const NOTHING_TO_DO: Self = Self { hits: 0, misses: 0, bytes: 0, is_complete: true };

    /// Adds the result of a later slice.
    pub(crate) fn add(&mut self, later: Self) {
        self.hits += later.hits;
        self.misses += later.misses;
        self.bytes += later.bytes;
        self.is_complete = later.is_complete;
    }
}

/// The running pass, if there is one, the control of further passes, and totals.
#[derive(Default)]
pub(crate) struct Defrag {
    walk: Walk,
    /// The survey of the allocator, while a pass is running.
    hints: Option<AllocatorHints>,
    control: Control,
    hits: u64,
    misses: u64,
}

impl Defrag {
    /// Returns the bytes that the state adds to `used_memory`.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.walk.allocation_size()
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Moves blocks out of slabs that are nearly empty, so that the allocator can return these slabs to the
    /// system. In C: `activeDefragCycle`, without its thresholds.
    ///
    /// Starts a pass over all blocks if no pass is running, and works until `budget` has passed. `clock`
    /// returns the time since some fixed moment. The call can take some tens of microseconds longer. Keys may
    /// be written and removed between two calls.
    ///
    /// One pass does not win all memory, because it moves blocks to slabs that it may empty later. Two to
    /// four passes do. A string that a reply holds too is not moved.
    ///
    /// Needs jemalloc with statistics. With other allocators nothing happens, and the slice is complete. The
    /// start of a pass empties the calling thread's cache of the allocator, and refreshes jemalloc's
    /// statistics. Both happen again after each 65,536 blocks.
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
        let Some(mut hints) = self.defrag.hints.take().or_else(AllocatorHints::take) else {
            return Defragged::NOTHING_TO_DO;
        };
        let done = self.defrag_with(&mut hints, budget, clock);
        if !done.is_complete {
            self.defrag.hints = Some(hints);
        }
        done
    }

    /// Like [`defrag_for`](Self::defrag_for), but asks `hints` which blocks are worth moving.
    fn defrag_with(
        &mut self,
        hints: &mut impl Hints,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
    ) -> Defragged {
        self.limit_growth_if_limited(); // A merge in the table may need memory.
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
    /// Returns the number of blocks that were worth moving since the keyspace was created. In C:
    /// `active_defrag_hits` of INFO stats.
    pub fn active_defrag_hits(&self) -> u64 {
        self.defrag.hits
    }

    /// Returns the number of blocks that defragmentation has visited and left where they are. In C:
    /// `active_defrag_misses` of INFO stats.
    pub fn active_defrag_misses(&self) -> u64 {
        self.defrag.misses
    }
}
