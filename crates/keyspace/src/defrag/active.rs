//! Active defragmentation between requests: [`control`](super::control) decides when the passes run.

use super::Defragged;
use super::control::{Control, Fragmentation};
use crate::keyspace::Keyspace;
use crate::options::Options;
use core::hash::BuildHasher;
use core::time::Duration;

impl Fragmentation {
    /// Returns the present fragmentation of the process, or `None` unless the allocator is jemalloc with
    /// statistics. Takes about 15 us for each arena in use.
    fn now() -> Option<Self> {
        let info = zmalloc::allocator_info()?;
        Some(Self { frag_smallbins_bytes: info.frag_smallbins_bytes, allocated: info.allocated })
    }
}

/// The work that a call may do.
pub(super) enum Call {
    /// No work, because no round is running.
    Idle,
    /// No work yet, because the round has too little time left.
    Wait,
    /// Work for this time.
    Work(Duration),
}

impl Control {
    /// Begins a call.
    pub(super) fn begin(&mut self, now: u64, options: &Options) -> Call {
        if !options.get_activedefrag() {
            self.stop();
            return Call::Idle;
        }
        if self.is_measurement_due(now) {
            match Fragmentation::now() {
                Some(found) => self.note_measurement(now, found, options),
                None => return Call::Idle,
            }
        }
        if !self.is_running() {
            return Call::Idle;
        }
        self.grant(now).map_or(Call::Wait, Call::Work)
    }

    /// Ends a call that has worked for the time `used`, in a pass over `bytes` bytes.
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
    /// Does a part of active defragmentation, as the options `activedefrag` and `active-defrag-*` say. It
    /// begins when the process has much fragmentation, works for a share of the time, and ends when no more
    /// memory can be won. In C: `activeDefragCycle`.
    ///
    /// A call works for `budget`, for 450 us, or for its share of the time since the last call, whichever is
    /// the least. `clock` returns the time since some fixed moment. `now` is in milliseconds and must not go
    /// back.
    ///
    /// Call it at the time that [`active_defrag_due`](Self::active_defrag_due) returns, and at least once a
    /// second. Most calls do nothing and take some nanoseconds. Once a second, a call reads the allocator's
    /// statistics, which takes about 15 us.
    ///
    /// The fragmentation is measured for the whole process, but the share of the time is for this keyspace
    /// alone. A program with several keyspaces should limit their sum with `budget`. It should let all of
    /// them work in turn, because their blocks lie in the same slabs.
    /// [`Sharded::maintain`](crate::Sharded::maintain) does that.
    ///
    /// Defragmentation frees pages, which jemalloc keeps for up to ten seconds. A program that reads more
    /// than it writes should call [`zmalloc::decay`] ten times a second, so that jemalloc returns them to the
    /// system. jemalloc may return pages within any call that frees memory, and so within this one. That
    /// takes up to two milliseconds for some hundred MiB of free pages, unless jemalloc has a
    /// [`background_thread`](zmalloc::background_thread).
    ///
    /// Needs jemalloc with statistics. With other allocators, and with `activedefrag no`, each call is
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
        // A pass moves neither garbage nor the values that a snapshot holds.
        let bytes = self.size_without_snapshot() - self.lazyfree_pending_bytes();
        let used = clock().saturating_sub(start);
        self.defrag.control.end(used, &done, bytes, &self.options);
        done
    }
}

impl<S> Keyspace<S> {
    /// Returns whether [`active_defrag`](Self::active_defrag) has time left that its next call may use at
    /// once.
    pub(crate) fn active_defrag_has_time_left(&self) -> bool {
        self.defrag.control.has_time_left()
    }

    /// Returns the time from `now` until [`active_defrag`](Self::active_defrag) should be called. Returns
    /// `None` if no round is running; the call is then due in a second. O(1).
    pub fn active_defrag_due(&self, now: u64) -> Option<Duration> {
        self.defrag.control.due(now)
    }

    /// Returns the percentage of the time that [`active_defrag`](Self::active_defrag) takes now, or 0 if no
    /// round is running. In C: `active_defrag_running` of INFO memory.
    pub fn active_defrag_running(&self) -> usize {
        self.defrag.control.time_percent().ceil() as usize
    }
}
