//! Measures churn. Items with keys of 16 bytes and values of 32 to 512 bytes are added in a random order, and
//! three of four are removed at random. Then `maintain` defragments the rest, while items are read.
//!
//! ```text
//!  |<--------------- 40 ms: calls of `maintain`, reads in between ---------------->|<- 10 ms: reads only ->|
//!  | slice | reads ...     | slice | reads ...     | slice | reads ...             | reads ...             |
//! ```
//!
//! A slice is one call of `maintain`. Its result says how long the next call can wait, and the reads fill
//! that time. The clock of `maintain` stops while there are only reads, so that they do not count in the time
//! of defragmentation. A ratio compares reads of the same period. There are two ratios, because slices affect
//! reads in two ways. Reads between slices find colder caches, and the slices themselves take time from
//! reads.
//!
//! A background thread of the allocator returns freed pages, as in a server. In one case there is no such
//! thread, and `maintain` returns the pages.
//!
//! The options are the defaults. Only runs with less data lower `active-defrag-ignore-bytes`.
//!
//! Slices and reads are timed by the processor time of the thread. So other processes on the same core do not
//! count, but interrupts do. The budget of a slice is real time, so an early interrupt only leaves less time
//! for work. But an interrupt in the last step makes the slice look longer. So the measurement is repeated in
//! several processes, and the row of the longest slice has the smallest of their results. Another row has the
//! time that 99.9 % of the slices do not exceed.

use super::forms::{Data, FORMS, NO_THREAD};
use super::memory::Memory;
use super::process;
use crate::keys::shuffled;
use crate::lifecycle::timed;
use crate::measure::Samples;
use crate::report::Row;
use crate::settings::Settings;
use crate::suite::Ctx;
use keyspace::Options;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use zmalloc::purge;

/// The peer, which makes the same reads without calls of `maintain`.
pub(super) const WITHOUT: &str = "without maintenance";

/// The subject.
const WITH: &str = "with maintenance";

/// The part of a period in which `maintain` is called, and the part in which it is not.
const WITH_SLICES: Duration = Duration::from_millis(40);
const READS_ONLY: Duration = Duration::from_millis(10);

/// The number of reads between two readings of the clock.
const READS_PER_LOOK: usize = 16;

/// The budget of a call of `maintain`.
const BUDGET: Duration = Duration::from_micros(500);

/// Defragmentation is over when it has not run for this long. It runs in the first call already.
const IDLE_TIME: Duration = Duration::from_millis(100);

/// How long the allocator keeps free pages before `maintain` makes it return them. RSS is read after this
/// time.
const FREE_PAGES_TIME: Duration = Duration::from_secs(11);

/// The maximum time of a measurement.
const TIME_MAX: Duration = Duration::from_secs(120);

/// The times of a read in one period, in nanoseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Period {
    /// The share of the time that defragmentation was given, in percent.
    share: usize,
    /// The time of a read between slices.
    between: f64,
    /// The time of a read, including the slices.
    with_slices: f64,
    /// The time of a read in the part of the period without slices.
    without: f64,
}

/// The results of one process.
#[derive(Serialize, Deserialize)]
pub(super) struct Churned {
    /// The memory at the start of the process, before the removals, after them, at the end, and after
    /// [`purge`].
    start: Memory,
    full: Memory,
    before: Memory,
    after: Memory,
    purged: Memory,
    /// The time from the first call of `maintain` to the end of the last slice that examined blocks.
    took: Duration,
    /// The total time of the calls in which defragmentation worked.
    busy: Duration,
    /// The times of the calls in which defragmentation worked, in nanoseconds, sorted.
    slices: Vec<u32>,
    /// The times of the other calls.
    other_calls: Vec<u32>,
    periods: Vec<Period>,
    hits: u64,
    misses: u64,
}

/// Measures the form with this name in this process.
pub(super) fn measure(name: &str, settings: &Settings) -> Option<Churned> {
    let (_, form) = FORMS.into_iter().find(|(other, _)| *other == name)?;
    let start = Memory::now();
    let n: u32 = settings.pick(5_000, 100_000, 1_000_000);
    // The default is a hundred MiB, for about a gigabyte of data. At a smaller scale, it is reduced in
    // proportion.
    let options = Options::new();
    let ignore_bytes = options.get_active_defrag_ignore_bytes() / settings.pick(1_000, 20, 1);
    let mut data = Data::new(form, options.active_defrag_ignore_bytes(ignore_bytes));
    form.order_of_adding(shuffled(0..n, settings.seed)).into_iter().for_each(|i| data.add(i.into()));
    let full = Memory::now();
    let mut left = shuffled(0..n, settings.seed.wrapping_add(1));
    let removed = form.order_of_removal(left.split_off(n as usize / 4));
    removed.into_iter().for_each(|i| data.remove(i.into()));
    left.shrink_to_fit();
    let before = Memory::now();
    zmalloc::background_thread(name != NO_THREAD);
    let mut run = Run::new(&mut data, &left, settings.seed);
    run.run_until_idle(settings.pick(Duration::ZERO, Duration::ZERO, FREE_PAGES_TIME));
    let Run { took, busy, slices, other_calls, periods, .. } = run;
    let after = Memory::now();
    purge();
    let purged = Memory::now();
    let (mut hits, mut misses) = (0, 0);
    data.for_each(|store| {
        hits += store.active_defrag_hits();
        misses += store.active_defrag_misses();
    });
    left.iter().for_each(|&i| data.read(i.into()));
    Some(Churned {
        start,
        full,
        before,
        after,
        purged,
        took,
        busy,
        slices: sorted(slices),
        other_calls: sorted(other_calls),
        periods,
        hits,
        misses,
    })
}

fn sorted(mut times: Vec<u32>) -> Vec<u32> {
    times.sort_unstable();
    times
}

/// The state of the defragmentation and of the reads.
struct Run<'a> {
    data: &'a mut Data,
    left: &'a [u32],
    random: SmallRng,
    start: Instant,
    /// How long the clock of `maintain` has been stopped.
    paused: Duration,
    took: Duration,
    busy: Duration,
    slices: Vec<u32>,
    other_calls: Vec<u32>,
    periods: Vec<Period>,
}

/// A number of reads, and their processor time.
#[derive(Default)]
struct Reads {
    time: Duration,
    count: usize,
}

impl Reads {
    fn nanos_each(&self) -> f64 {
        self.time.as_nanos() as f64 / self.count as f64
    }
}

impl<'a> Run<'a> {
    fn new(data: &'a mut Data, left: &'a [u32], seed: u64) -> Self {
        Self {
            data,
            left,
            random: SmallRng::seed_from_u64(seed),
            start: Instant::now(),
            paused: Duration::ZERO,
            took: Duration::ZERO,
            busy: Duration::ZERO,
            slices: Vec::with_capacity(1 << 16),
            other_calls: Vec::with_capacity(1 << 16),
            periods: Vec::with_capacity(1 << 12),
        }
    }

    /// Returns the time of the clock of `maintain`.
    fn now(&self) -> Duration {
        self.start.elapsed() - self.paused
    }

    /// Runs periods until defragmentation is over, and for at least the time `settled`.
    fn run_until_idle(&mut self, settled: Duration) {
        while self.now() < settled.max(self.took + IDLE_TIME) && self.now() < TIME_MAX {
            let period = self.period();
            if period.share > 0 {
                self.periods.push(period);
            }
        }
    }

    fn period(&mut self) -> Period {
        let start = self.now();
        let (mut between, mut slices, mut share) = (Reads::default(), Duration::ZERO, usize::MAX);
        while self.now() < start + WITH_SLICES {
            let (time, wait) = self.slice();
            slices += time;
            share = share.min(self.data.running_share());
            self.read(self.now() + wait, &mut between);
        }
        let with_slices = Reads { time: between.time + slices, count: between.count };
        let (before, mut without) = (self.now(), Reads::default());
        self.read(before + READS_ONLY, &mut without);
        self.paused += self.now() - before;
        let [between, with_slices, without] = [between, with_slices, without].map(|reads| reads.nanos_each());
        Period { share, between, with_slices, without }
    }

    /// Calls `maintain`. Returns the processor time of the call, and how long the next call can wait.
    fn slice(&mut self) -> (Duration, Duration) {
        let (start, paused, now) = (self.start, self.paused, self.now().as_millis() as u64);
        let mut done = None;
        let time = timed(|| {
            done = Some(self.data.maintain(now, BUDGET, || start.elapsed() - paused));
        });
        let Some(done) = done else { return (time, Duration::ZERO) };
        let nanos = time.as_nanos().min(u32::MAX.into()) as u32;
        if done.defragged.hits + done.defragged.misses > 0 {
            self.slices.push(nanos);
            self.took = self.now();
            self.busy += time;
        } else {
            self.other_calls.push(nanos);
        }
        (time, done.next)
    }

    /// Reads until this time, and at least once.
    fn read(&mut self, end: Duration, reads: &mut Reads) {
        let end = end.min(self.now() + READS_ONLY);
        let mut count = 0;
        reads.time += timed(|| {
            loop {
                for _ in 0..READS_PER_LOOK {
                    let i = self.left[self.random.random_range(0..self.left.len())];
                    self.data.read(i.into());
                }
                count += READS_PER_LOOK;
                if self.now() >= end {
                    return;
                }
            }
        });
        reads.count += count;
    }
}

pub(super) fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    for (name, _) in FORMS {
        let processes = ctx.settings.pick(1, 1, 2);
        ctx.progress.start(&format!("churn of {name}"), processes);
        let mut found = Vec::new();
        for _ in 0..processes {
            found.push(process::measured::<Churned>(ctx.settings, "churn", name)?);
            ctx.progress.step();
        }
        report(ctx, name, &found);
    }
    Ok(())
}

/// Returns the time that a share `q` of all slices does not exceed, in microseconds.
fn slice_us(found: &Churned, q: f64) -> f64 {
    let rank = (found.slices.len() as f64 * q).ceil() as usize;
    found.slices.get(rank.max(1) - 1).map_or(0.0, |&ns| f64::from(ns) / 1e3)
}

/// Returns the share of the time of a period that slices took, in percent.
fn slices_percent(period: &Period) -> f64 {
    100.0 * (1.0 - period.between / period.with_slices)
}

fn report(ctx: &mut Ctx, name: &str, found: &[Churned]) {
    let n = ctx.settings.pick(5_000, 100_000, 1_000_000);
    let case = format!("churn of {name}");
    let least = |figure: &dyn Fn(&Churned) -> f64| found.iter().map(figure).fold(f64::INFINITY, f64::min);
    let [first, ..] = found else { return };
    let Churned { full, before, after, purged, start, .. } = first;
    let took = first.took.as_secs_f64();
    for (metric, unit, value) in [
        ("fragmentation, before", "", before.fragmentation()),
        ("fragmentation", "", after.fragmentation()),
        ("active over allocated, before", "", before.active_over_allocated()),
        ("active over allocated", "", after.active_over_allocated()),
        ("RSS over used_memory, before", "", before.rss_over_used()),
        ("RSS over used_memory", "", after.rss_over_used()),
        ("RSS over used_memory, after a purge", "", purged.rss_over_used()),
        ("RSS since the start over used_memory", "", (after.rss - start.rss) as f64 / after.used as f64),
        ("wall time", "s", took),
        ("share of a core", "%", 100.0 * first.busy.as_secs_f64() / took.max(1e-9)),
        ("largest share of a core", "%", first.periods.iter().map(slices_percent).fold(0.0, f64::max)),
        ("longest slice", "us", least(&|found| slice_us(found, 1.0))),
        ("p99.9 slice", "us", least(&|found| slice_us(found, 0.999))),
    ] {
        ctx.report.row(Row::alone(ctx.suite, &case, n, WITH, metric, unit, value));
    }
    // Most of the time, defragmentation runs at its least share. The reads are compared in the periods with
    // the largest share.
    let largest = first.periods.iter().map(|period| period.share).max();
    let periods = || first.periods.iter().filter(|period| Some(period.share) == largest);
    for (what, with) in [
        ("reads between slices", (|period| period.between) as fn(&Period) -> f64),
        ("reads, slices included", |period| period.with_slices),
    ] {
        let samples = |name: &str, of: fn(&Period) -> f64| {
            // A round is a million reads, so that a duration can represent fractions of a nanosecond.
            let rounds = periods().map(|period| Duration::from_nanos((of(period) * 1e6) as u64));
            Samples { name: name.into(), rounds: rounds.collect() }
        };
        if largest.is_none() {
            continue;
        }
        let both = [samples(WITH, with), samples(WITHOUT, |period| period.without)];
        ctx.report.compare(ctx.suite, &format!("{case}: {what}"), n, 1_000_000, &both);
    }
    let most_other = first.other_calls.last().copied().unwrap_or(0) / 1000;
    ctx.report.note(
        ctx.suite,
        format!(
            "Churn of {name}, MiB: at the start {}, full {}, thinned out {}, at the end {}, purged {}. {} slices; {} blocks \
             moved, {} looked at; the longest call without defragmentation {most_other} us.",
            start.text(),
            full.text(),
            before.text(),
            after.text(),
            purged.text(),
            first.slices.len(),
            first.hits,
            first.misses
        ),
    );
}
