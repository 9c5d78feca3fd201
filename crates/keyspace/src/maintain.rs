//! [`Keyspace::maintain`]: does all work that can be done between two requests, in one call.
//!
//! There are seven tasks: expired keys, evictions, garbage, the size of the table, defragmentation, cleanup
//! after a snapshot that has failed or was abandoned, and coding with a new symbol table.
//!
//! The tasks take turns of 50 microseconds until no task has work left. They stop earlier if the budget has
//! less than three turns left, because the last step of a turn may end late. The next call begins with the
//! task whose turn is next. So a budget that is too small for all tasks is shared equally among them.
//!
//! The time between calls bounds two of the tasks, too. After a sweep that has found few expired keys, the
//! next one begins 100 milliseconds later. Defragmentation gets at most the share of the time that
//! `active-defrag-cycle-max` allows.
//!
//! For eleven seconds after it freed memory, `maintain` asks the allocator ten times a second to return pages
//! that have been free for some time. jemalloc keeps free pages for up to ten seconds, and does not check the
//! time while a program only reads.
//!
//! [`Sharded::maintain`] does this for one shard after the other, each under its lock. It defragments all
//! shards together, in the time that the other tasks have left, or in a quarter of the budget if that is
//! more.

use crate::evict::Evicted;
use crate::keyspace::Keyspace;
use crate::lazyfree::Freed;
use crate::recode::Recoded;
use crate::sharded::Sharded;
use crate::sweep::Swept;
use crate::{Defragged, Work};
use core::hash::BuildHasher;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

/// How long a task works before the next task runs.
const TIME_SLICE: Duration = Duration::from_micros(50);

/// How much of the budget must be left for another time slice: the slice, and twice as much for its last
/// step, which may end late.
const TIME_SLICE_BUDGET_MIN: Duration = Duration::from_micros(150);

/// How long a caller may wait if there is no work.
const IDLE: Duration = Duration::from_secs(1);

/// The time between two sweeps. In C: `hz` of 10.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// The least time that a shard gets, if that much of the budget is left.
const SHARD_TIME_MIN: Duration = Duration::from_micros(25);

/// How many chunks are split or merged, however small the budget is.
const CHUNKS_MIN: usize = 16;

/// The budget divided by this is reserved for the defragmentation of shards, if there is any.
const DEFRAG_BUDGET_DIVISOR: u32 = 4;

/// The time between two requests to the allocator to return free pages.
const DECAY_EVERY: Duration = Duration::from_millis(100);

/// For how many milliseconds after memory was freed the allocator may have free pages to return: jemalloc's
/// `dirty_decay_ms`, and some more.
const DECAY_FOR: u64 = 11_000;

/// How many keys are evicted between two looks at the clock.
const KEYS_PER_CLOCK_READ: usize = 16;

/// What [`Keyspace::maintain`] has done, and when it should be called again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintained {
    /// The keys that had expired.
    pub expired: Swept,
    /// The keys that were evicted because the limit had been lowered.
    pub evicted: Evicted,
    /// The values that were removed earlier, and freed now.
    pub freed: Freed,
    /// The changes of the table's size.
    pub rehashed: Work,
    /// The blocks that were moved.
    pub defragged: Defragged,
    /// The strings and keys that were coded with a new symbol table, or decoded.
    pub recoded: Recoded,
    /// How long the next call can wait, at most one second. Zero if the budget was too small for all work.
    pub next: Duration,
}

impl Maintained {
    /// Returns the result for no keyspace at all: nothing was done, and everything is complete.
    fn nothing() -> Self {
        let mut nothing = Self { next: IDLE, ..Self::default() };
        (nothing.expired.is_complete, nothing.freed.is_complete) = (true, true);
        (nothing.evicted.is_within, nothing.defragged.is_complete) = (true, true);
        nothing.recoded.is_complete = true;
        nothing
    }

    /// Returns whether memory was freed.
    fn has_freed(&self) -> bool {
        let bytes = self.evicted.bytes + self.freed.bytes + self.defragged.bytes;
        bytes > 0 || self.recoded.keys > 0 || self.expired.removed > 0 || self.rehashed.chunks_merged > 0
    }

    /// Adds the result of another keyspace. A task is complete if it is complete in both.
    pub(crate) fn add_other(&mut self, other: &Self) {
        let before = *self;
        self.expired.add(other.expired);
        self.evicted.add(other.evicted);
        self.freed.add(other.freed);
        self.rehashed += other.rehashed;
        self.defragged.add(other.defragged);
        self.recoded.add(other.recoded);
        self.recoded.is_complete &= before.recoded.is_complete;
        self.expired.is_complete &= before.expired.is_complete;
        self.freed.is_complete &= before.freed.is_complete;
        self.evicted.is_within &= before.evicted.is_within;
        self.defragged.is_complete &= before.defragged.is_complete;
        self.next = self.next.min(other.next);
    }
}

/// The tasks, in the order in which they run.
const TASKS: [Task; 7] =
    [Task::Expire, Task::Evict, Task::Free, Task::Rehash, Task::Defrag, Task::Snapshot, Task::Recode];

#[derive(Clone, Copy)]
enum Task {
    Expire,
    Evict,
    Free,
    Rehash,
    Defrag,
    Snapshot,
    Recode,
}

const _: () = {
    let mut index = 0;
    while index < TASKS.len() {
        assert!(TASKS[index] as usize == index);
        index += 1;
    }
};

/// Where the last call of [`Keyspace::maintain`] stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MaintainState {
    /// The task that runs next.
    next_task: usize,
    /// When the last sweep that found few expired keys ended, in milliseconds.
    swept_at: Option<u64>,
    free_pages: FreePages,
}

impl MaintainState {
    /// Returns how long the next sweep can wait.
    fn sweep_wait(&self, now: u64) -> Duration {
        let since = self.swept_at.map(|at| Duration::from_millis(now.saturating_sub(at)));
        since.map_or(Duration::ZERO, |since| SWEEP_EVERY.saturating_sub(since))
    }
}

/// Until when the allocator may have free pages to return, and when it was last asked to return them. Both
/// times are in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FreePages {
    until: u64,
    asked_at: u64,
}

impl FreePages {
    /// Asks the allocator to return free pages, if it is time. Returns how long the next request can wait.
    fn request_decay(&mut self, now: u64, has_freed: bool) -> Duration {
        if has_freed {
            self.until = now.saturating_add(DECAY_FOR);
        }
        if now >= self.until {
            return IDLE;
        }
        let wait = DECAY_EVERY.saturating_sub(Duration::from_millis(now.saturating_sub(self.asked_at)));
        if !wait.is_zero() {
            return wait;
        }
        self.asked_at = now;
        if zmalloc::decay() { DECAY_EVERY } else { IDLE }
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Does background work until `budget` has passed by the caller's `clock`, which returns the time since
    /// any fixed moment. Returns what was done, and how long the next call can wait. In C: `databasesCron`,
    /// `activeDefragCycle` and the threads of `bio.c`.
    ///
    /// The tasks take turns. They remove expired keys, evict keys down to a limit that was lowered, free
    /// [garbage](crate::Garbage), and bring the table to its right size. They
    /// [defragment](Self::active_defrag), clean up after a [snapshot](Self::begin_snapshot) that has failed
    /// or was abandoned, and code strings and keys with a new [symbol table](Self::set_symbols).
    ///
    /// Call it in idle time, and at least ten times a second. A call without work takes a fraction of a
    /// microsecond. Once a second it takes about 15 microseconds more for each arena, to measure the
    /// fragmentation.
    ///
    /// A call ends before `budget` has passed, or some tens of microseconds later. A task that is not done
    /// gets another turn only if 150 microseconds of the budget are left. After memory was freed, `maintain`
    /// also asks the allocator ten times a second to return free pages ([`zmalloc::decay`]). That takes up to
    /// one or two milliseconds if there are hundreds of MiB.
    ///
    /// ```
    /// use keyspace::Keyspace;
    /// use std::time::{Duration, Instant};
    /// let (mut keyspace, start) = (Keyspace::new(), Instant::now());
    /// for n in 0..10_000 {
    ///     keyspace.sadd("large", format!("member {n}").as_bytes(), 0)?;
    /// }
    /// keyspace.remove("large", 0);
    /// loop {
    ///     // Serve requests that have come in. Then:
    ///     let now = start.elapsed().as_millis() as u64;
    ///     let done = keyspace.maintain(now, Duration::from_micros(500), || start.elapsed());
    ///     if !done.next.is_zero() {
    ///         break; // wait for requests, but no longer than this
    ///     }
    /// }
    /// assert_eq!(keyspace.lazyfree_pending_bytes(), 0);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn maintain(&mut self, now: u64, budget: Duration, clock: impl FnMut() -> Duration) -> Maintained {
        let mut done = self.run_tasks(now, budget, clock, true);
        let wait = self.maintain_state.free_pages.request_decay(now, done.has_freed());
        done.next = done.next.min(wait);
        done
    }

    /// Returns how long the next call can wait, or `None` if a task has work. Ignores defragmentation and
    /// free pages.
    fn wait(&self, now: u64) -> Option<Duration> {
        let wait = if self.expires() == 0 { IDLE } else { self.maintain_state.sweep_wait(now) };
        let has_work = self.totals.lazyfree.has_garbage()
            || self.rehash_debt() > 0
            || !self.is_within_limit()
            || self.totals.snapshot.is_clearing_up()
            || self.has_recode_work();
        (!has_work && !wait.is_zero()).then_some(wait)
    }

    /// Like [`maintain`](Self::maintain), but without free pages, and with defragmentation only if
    /// `defragments` is set.
    fn run_tasks(
        &mut self,
        now: u64,
        budget: Duration,
        clock: impl FnMut() -> Duration,
        defragments: bool,
    ) -> Maintained {
        let mut done = Maintained { next: IDLE, ..Maintained::default() };
        self.run_task_loop(now, budget, clock, defragments, &mut done);
        // These values must also be right for tasks that did not run.
        done.expired.is_complete |= self.expires() == 0;
        done.evicted.is_within = self.is_within_limit();
        done.freed.is_complete = !self.totals.lazyfree.has_garbage();
        done.defragged.is_complete |= self.active_defrag_running() == 0;
        done.recoded.is_complete |= !self.has_recode_work();
        if self.totals.snapshot.is_clearing_up() {
            done.next = Duration::ZERO; // its sink may have failed after its time slice
        }
        done
    }

    fn run_task_loop(
        &mut self,
        now: u64,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
        defragments: bool,
        done: &mut Maintained,
    ) {
        let start = clock();
        let left = |time: Duration| budget.saturating_sub(time.saturating_sub(start));
        let mut has_work = [true; TASKS.len()];
        has_work[Task::Defrag as usize] = defragments;
        has_work[Task::Snapshot as usize] = self.totals.snapshot.is_clearing_up();
        has_work[Task::Recode as usize] = self.has_recode_work();
        loop {
            for _ in TASKS {
                let (next_task, task) = (self.maintain_state.next_task, TASKS[self.maintain_state.next_task]);
                self.maintain_state.next_task = (next_task + 1) % TASKS.len();
                if !has_work[next_task] {
                    continue;
                }
                let time = left(clock()).min(TIME_SLICE);
                if let Some(wait) = self.run_task(task, now, time, &mut clock, done) {
                    has_work[next_task] = false;
                    done.next = done.next.min(wait);
                } else if left(clock()) < TIME_SLICE_BUDGET_MIN {
                    done.next = Duration::ZERO;
                    return;
                }
            }
            if has_work == [false; TASKS.len()] {
                return;
            }
        }
    }

    /// Runs a task for one time slice. Returns how long the task can wait, or `None` if it has work left.
    fn run_task(
        &mut self,
        task: Task,
        now: u64,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
        done: &mut Maintained,
    ) -> Option<Duration> {
        match task {
            Task::Expire => self.run_expire(now, budget, clock, &mut done.expired),
            Task::Evict => self.run_evict(now, budget, clock, &mut done.evicted),
            Task::Free => {
                if !self.totals.lazyfree.has_garbage() {
                    return Some(IDLE);
                }
                done.freed.add(self.free_for(budget, clock));
                done.freed.is_complete.then_some(IDLE)
            }
            Task::Rehash => self.run_rehash(budget, clock, &mut done.rehashed),
            Task::Defrag => {
                done.defragged.add(self.active_defrag(now, budget, clock));
                if self.active_defrag_has_time_left() {
                    return None;
                }
                Some(self.active_defrag_due(now).unwrap_or(IDLE))
            }
            Task::Snapshot => (!self.clear_up_snapshot_for(budget, clock)).then_some(IDLE),
            Task::Recode => {
                done.recoded.add(self.recode_for(budget, clock));
                match self.has_recode_work() {
                    false => Some(IDLE),
                    // Some strings or keys still have their old form, for example because there was no
                    // memory. They are tried again later.
                    true if done.recoded.is_complete => Some(SWEEP_EVERY),
                    true => None,
                }
            }
        }
    }

    fn run_expire(
        &mut self,
        now: u64,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
        all: &mut Swept,
    ) -> Option<Duration> {
        if self.expires() == 0 {
            return Some(IDLE);
        }
        let wait = self.maintain_state.sweep_wait(now);
        if !wait.is_zero() {
            return Some(wait);
        }
        let (swept, is_cut_off) = self.sweep_for(now, budget, clock);
        all.add(swept);
        if is_cut_off {
            return None;
        }
        self.maintain_state.swept_at = Some(now);
        Some(if self.expires() == 0 { IDLE } else { SWEEP_EVERY })
    }

    fn run_rehash(
        &mut self,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
        all: &mut Work,
    ) -> Option<Duration> {
        if self.rehash_debt() == 0 {
            return Some(IDLE);
        }
        let mut work = self.rehash(CHUNKS_MIN);
        work += self.rehash_for(budget, clock);
        *all += work;
        // A policy, a limit or a lack of memory may prevent all further work.
        let is_stuck = work.chunks_split + work.chunks_merged == 0;
        (is_stuck || self.rehash_debt() == 0).then_some(IDLE)
    }

    fn run_evict(
        &mut self,
        now: u64,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
        all: &mut Evicted,
    ) -> Option<Duration> {
        if self.is_within_limit() {
            return Some(IDLE);
        }
        let start = clock();
        loop {
            let (evicted, is_cut_off) = self.evict_steps(now, KEYS_PER_CLOCK_READ);
            all.add(evicted);
            if !is_cut_off {
                return Some(IDLE);
            }
            if clock().saturating_sub(start) >= budget {
                return None;
            }
        }
    }
}

impl<S: BuildHasher> Sharded<S> {
    /// Calls [`Keyspace::maintain`] for all shards, one after the other, each under its lock for writing. The
    /// budget is divided among the shards, and time that a shard does not use is left to the next ones. If
    /// the budget ends before all shards had their turn, the next call begins with the others.
    /// Defragmentation gets the time that is left, but at least a quarter of the budget. Each shard has its
    /// share of `maxmemory`.
    ///
    /// The method is made for one thread, or for several threads in turn. The lock of a shard is held for the
    /// shard's share of the budget, and for as long as [`Keyspace::maintain`] exceeds that. The share is at
    /// least 25 microseconds, if that much of the budget is left. A shard without work is locked only for
    /// reading.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let (sharded, start) = (keyspace::Sharded::new(64), Instant::now());
    /// let now = start.elapsed().as_millis() as u64;
    /// let done = sharded.maintain(now, Duration::from_millis(1), || start.elapsed());
    /// std::thread::sleep(done.next.min(Duration::from_millis(100)));
    /// ```
    pub fn maintain(&self, now: u64, budget: Duration, mut clock: impl FnMut() -> Duration) -> Maintained {
        let start = clock();
        // If another thread defragments now, this call does not.
        let mut defrag = self.defrag.try_lock().filter(|defrag| defrag.has_work(now));
        let reserved = if defrag.is_some() { budget / DEFRAG_BUDGET_DIVISOR } else { Duration::ZERO };
        let mut done = self.maintain_shards(now, budget.saturating_sub(reserved), &mut clock);
        if let Some(defrag) = &mut defrag {
            let left = budget.saturating_sub(clock().saturating_sub(start));
            done.defragged = self.active_defrag(defrag, now, left, &mut clock);
            done.next = done.next.min(defrag.next(now).unwrap_or(IDLE));
        }
        if let Some(mut pages) = self.free_pages.try_lock() {
            done.next = done.next.min(pages.request_decay(now, done.has_freed()));
        }
        done
    }

    /// The part of [`maintain`](Self::maintain) that each shard does by itself.
    fn maintain_shards(
        &self,
        now: u64,
        budget: Duration,
        clock: &mut impl FnMut() -> Duration,
    ) -> Maintained {
        let (start, count, first) = (clock(), self.shard_count(), self.next_shard.load(Relaxed));
        let mut done = Maintained::nothing();
        for index in 0..count {
            let left = budget.saturating_sub(clock().saturating_sub(start));
            if left.is_zero() && index > 0 {
                self.next_shard.store(first.wrapping_add(index), Relaxed);
                // Shards that had no turn may have work, unless all shards had no work in their last turns.
                let is_idle = self.idle_shards.load(Relaxed) >= count;
                done.next = if is_idle { done.next.min(SWEEP_EVERY) } else { Duration::ZERO };
                return done;
            }
            let shard = self.shard(first.wrapping_add(index) % count);
            let wait = shard.read().wait(now);
            let one = match wait {
                Some(next) => Maintained { next, ..Maintained::nothing() },
                None => {
                    let share = (left / (count - index) as u32).max(SHARD_TIME_MIN).min(left);
                    shard.write().run_tasks(now, share, &mut *clock, false)
                }
            };
            let idle = if one.next.is_zero() { 0 } else { self.idle_shards.load(Relaxed).saturating_add(1) };
            self.idle_shards.store(idle, Relaxed);
            done.add_other(&one);
        }
        self.next_shard.store(first.wrapping_add(1), Relaxed);
        done
    }
}
