//! Suite `latency`: times every single operation of a table, from empty to N entries and back to empty.
//!
//! A mean hides what a user of a store notices: the one insert that doubles the table. But the times of a
//! plain run also show the machine. Timer interrupts and other processes cause spikes of hundreds of
//! microseconds even in an empty loop. So there are two readings of the same work:
//!
//! - *plain*: the times of the first run, operation by operation.
//! - *minimum of 5 runs*: the keys, the orders and the hash seeds are fixed, so operation `i` does the same
//!   work in each run. Its cost is the least of its times, unless an interruption hits the same operation
//!   five times.
//!
//! Why it is fair: all maps have the same keys, orders and hash, and only one table exists at a time. Before
//! every run, the allocator returns its free pages to the system. So page faults count in each run, as they
//! would in a new process. A background thread of the allocator returns freed pages over time, as it does in
//! a server. Without this thread, the next operation that frees or allocates memory would do so. In a map
//! that frees blocks of megabytes, this takes milliseconds of one operation.
//!
//! Limits: the clock is read without a fence. So the median of operations that take a few nanoseconds is not
//! exact, because the processor overlaps them. This does not affect the tail, which this suite is about.
//!
//! The plot shows the slowest operation of each window of the growth. The steps of a table that doubles are
//! clearly visible.

mod runs;

use crate::keys::{self, Key};
use crate::maps::{FoldHash, Map, Visitor, for_each_map};
use crate::min_times::Percentiles;
use crate::report::{Plot, Row, Series};
use crate::suite::{Ctx, Headline};
use runs::{PHASES, Runs, record};

/// The number of runs that the minimum is taken over.
const RUNS: usize = 5;

/// The ending of the case of the first reading. A single interrupt decides its maximum, so these rows do not
/// count in scores.
pub(crate) const PLAIN: &str = ", plain";

/// The ending of the case of the second reading.
pub(crate) const MINIMUM: &str = ", minimum of 5 runs";

/// The number of points of a line in the plots.
const WINDOWS: usize = 250;

/// The maximum number of look-ups that are timed. They do not change the table, so more of them would show
/// nothing new.
const LOOK_UPS: usize = 1_000_000;

/// The longest insert and the longest removal, which resize the table, in comparison with hashbrown.
/// Interruptions by the machine are left out.
pub const HEADLINE: Headline = Headline {
    what: "longest of all inserts and removals, each the fastest of 5 runs",
    rows: |row| {
        row.case.ends_with(MINIMUM)
            && !row.case.starts_with(PHASES[1])
            && row.metric == "max"
            && row.peer == "hashbrown"
    },
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let n = ctx.settings.pick(5_000, 300_000, 10_000_000);
    let mut measured = Measure {
        insert: keys::present(n, ctx.settings.seed),
        find: keys::present(n, ctx.settings.seed.wrapping_add(1)),
        runs: Runs::new([n, n.min(LOOK_UPS), n]),
        ctx,
        subjects: Vec::new(),
    };
    let before = zmalloc::background_thread(true);
    for_each_map::<Key, u64, Key, FoldHash>(&mut measured);
    let subjects = measured.subjects;
    if let Some(before) = before {
        zmalloc::background_thread(before);
    }
    let gives_back =
        if before.is_some() { "the allocator's own thread" } else { "whoever frees or allocates" };
    ctx.report.note(ctx.suite, format!("Freed pages are given back by {gives_back}, for all maps alike."));
    for (phase, what) in PHASES.iter().enumerate() {
        rows(ctx, what, n, phase, &subjects);
        let title = format!("The slowest {what} in each of {WINDOWS} windows, minimum of {RUNS} runs");
        let x_label = if phase == 2 { "entries removed" } else { "entries" };
        let series = subjects
            .iter()
            .map(|subject| Series { name: subject.name.into(), points: subject.windows[phase].clone() });
        if phase != 1 {
            ctx.report.plot(Plot {
                id: format!("latency-{what}"),
                suite: ctx.suite.into(),
                title,
                x_label: x_label.into(),
                y_label: format!("slowest {what}, ns"),
                log_x: false,
                log_y: true,
                series: series.collect(),
            });
        }
    }
    Ok(())
}

/// The results of one map.
struct Latencies {
    name: &'static str,
    /// For each phase: the plain reading, and the reading of the minimum.
    percentiles: [[Percentiles; 2]; PHASES.len()],
    /// For each phase: the slowest operation of each window, by the minimum over the runs.
    windows: [Vec<(f64, f64)>; PHASES.len()],
}

struct Measure<'a, 'b> {
    insert: Vec<Key>,
    find: Vec<Key>,
    /// The arrays for the times, which all maps share.
    runs: Runs,
    ctx: &'a mut Ctx<'b>,
    subjects: Vec<Latencies>,
}

impl Visitor<Key, u64> for Measure<'_, '_> {
    fn visit<M: Map<Key, u64> + 'static>(&mut self) {
        self.ctx.progress.start(&format!("each operation of {}", M::NAME), RUNS);
        let mut plain = [Percentiles::default(); PHASES.len()];
        self.runs.reset();
        for run in 0..RUNS {
            record::<M>(&self.insert, &self.find, &mut self.runs);
            if run == 0 {
                plain = self.runs.percentiles();
            }
            self.ctx.progress.step();
        }
        let min_times = self.runs.percentiles();
        self.subjects.push(Latencies {
            name: M::NAME,
            percentiles: std::array::from_fn(|phase| [plain[phase], min_times[phase]]),
            windows: self.runs.windows(WINDOWS),
        });
    }
}

/// Adds rows that compare the first map, which is redcore's, with each peer.
fn rows(ctx: &mut Ctx, what: &str, n: usize, phase: usize, subjects: &[Latencies]) {
    let Some((ours, peers)) = subjects.split_first() else { return };
    for (reading, how) in [PLAIN, MINIMUM].iter().enumerate() {
        let case = format!("{what}{how}");
        for (metric, value) in ours.percentiles[phase][reading].named() {
            // The suite `dict` measures the typical cost of a look-up. Here, only the tail is reported.
            if phase == 1 && matches!(metric, "p50" | "p99") {
                continue;
            }
            for peer in peers {
                let peers_value =
                    peer.percentiles[phase][reading].named().into_iter().find(|(name, _)| *name == metric);
                let Some((_, peers_value)) = peers_value else { continue };
                let row = Row::alone(ctx.suite, &case, n as u64, ours.name, metric, "ns", value);
                ctx.report.row(row.beside(peer.name, peers_value));
            }
        }
    }
}
