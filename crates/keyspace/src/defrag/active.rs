//! Defragmentation beside requests: [`control`](super::control) and the passes together.

use super::Defragged;
use super::control::{Control, Fragmentation};
use crate::keyspace::Keyspace;
use crate::options::Options;
use core::hash::BuildHasher;
use core::time::Duration;

impl Fragmentation {
    /// That of the process, now. `None` unless the allocator is jemalloc with statistics. About 15 us, and as
    /// much again for each further arena in use.
    fn now() -> Option<Self> {
        let info = zmalloc::allocator_info()?;
        Some(Self { frag_smallbins_bytes: info.frag_smallbins_bytes, allocated: info.allocated })
    }
}

/// What a call may do.
pub(super) enum Call {
    /// Nothing, because no round is running.
    Idle,
    /// Nothing, because it would be too early.
    Wait,
    /// Work for so long.
    Work(Duration),
}

impl Control {
    /// Begins a call.
    pub(super) fn begin(&mut self, now: u64, options: &Options) -> Call {
        if !options.get_activedefrag() {
            self.stop();
            return Call::Idle;
        }
        if self.is_look_due(now) {
            match Fragmentation::now() {
                Some(found) => self.look(now, found, options),
                None => return Call::Idle,
            }
        }
        if !self.is_running() {
            return Call::Idle;
        }
        self.grant(now).map_or(Call::Wait, Call::Work)
    }

    /// Ends a call that has worked for so long, in a pass over so many bytes.
    pub(super) fn end(&mut self, used: Duration, done: &Defragged, bytes: usize, options: &Options) {
        self.spend(used, done.bytes);
        if done.is_complete
            && let Some(found) = Fragmentation::now()
        {
            self.end_pass(found, bytes, options);
        }
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Defragments in the background, as `activedefrag` and its neighbours say: begins when the process has
    /// much fragmentation, works for a share of the time, and ends when there is nothing left to win. A call
    /// works for `budget` by the caller's `clock`, for 450 us, or for its share of the time since the last
    /// call, whichever is the least. `now` is in milliseconds and must not go back. In C:
    /// `activeDefragCycle`.
    ///
    /// Call it when [`active_defrag_due`](Self::active_defrag_due) says so, and once a second in any case.
    /// Most calls do nothing. Such a call takes some nanoseconds, or about 15 us once a second, for a look at
    /// the allocator's statistics.
    ///
    /// Fragmentation is that of the process, and the share of the time is that of this keyspace. A program
    /// with several keyspaces gives them `budget`s, so that together they do not take too much. It lets all
    /// of them work by turns, because the blocks of all lie in the same slabs.
    /// [`Sharded::maintain`](crate::Sharded::maintain) does that.
    ///
    /// The memory that is won is in free pages, which jemalloc keeps for up to ten seconds. A program that
    /// reads more than it writes calls [`zmalloc::decay`] ten times a second, so that the system gets them
    /// back. When their time is over, jemalloc may give pages back within any call that frees, and so within
    /// this one. That takes up to a millisecond or two for some hundred MiB of free pages, unless it has a
    /// [`background_thread`](zmalloc::background_thread).
    ///
    /// Needs jemalloc with statistics. With other allocators, and with `activedefrag no`, the call is
    /// complete at once.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let (mut keyspace, start) = (keyspace::Keyspace::new(), Instant::now());
    /// let now = start.elapsed().as_millis() as u64;
    /// let slice = keyspace.active_defrag(now, Duration::from_micros(500), || start.elapsed());
    /// assert!(slice.is_complete && keyspace.active_defrag_due(now).is_none(), "nothing to do");
    /// ```
    pub fn active_defrag(
        &mut self,
        now: u64,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
    ) -> Defragged {
        let portion = match self.defrag.control.begin(now, &self.options) {
            Call::Idle => return Defragged::NOTHING_TO_DO,
            Call::Wait => return Defragged::default(),
            Call::Work(portion) => portion,
        };
        let start = clock();
        let done = self.defrag_for(portion.min(budget), &mut clock);
        // Garbage does not move, nor does what a snapshot holds.
        let bytes = self.size_without_snapshot() - self.lazyfree_pending_bytes();
        let used = clock().saturating_sub(start);
        self.defrag.control.end(used, &done, bytes, &self.options);
        done
    }
}

impl<S> Keyspace<S> {
    /// Whether the last call of [`active_defrag`](Self::active_defrag) has left time that it may use at once.
    pub(crate) fn active_defrag_goes_on(&self) -> bool {
        self.defrag.control.goes_on()
    }

    /// How long after `now` [`active_defrag`](Self::active_defrag) can use its time. `None` if it is not
    /// running: it is to be called again in a second. Constant time.
    pub fn active_defrag_due(&self, now: u64) -> Option<Duration> {
        self.defrag.control.due(now)
    }

    /// The percentage of the time that [`active_defrag`](Self::active_defrag) takes now. 0 if it is not
    /// running. In C: `active_defrag_running` of INFO memory.
    pub fn active_defrag_running(&self) -> usize {
        self.defrag.control.share().ceil() as usize
    }
}
