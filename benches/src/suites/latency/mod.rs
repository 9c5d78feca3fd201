//! Suite `latency`: every single operation of a table is timed, from empty to N and back to empty.
//!
//! A mean hides what a user of a store notices: the one insert that doubles the table. A plain run, however,
//! shows the machine as well: timer interrupts and neighbours put spikes of hundreds of microseconds into an
//! empty loop. So there are two readings of the same work:
//!
//! - *plain*: the first run, operation by operation, as the clock gave it;
//! - *minimum of 5 runs*: keys, orders and hash seeds are fixed, so operation `i` does the same work in each run
//!   and its cost is the least of its times; an interruption would have to hit the same operation five times.
//!
//! Why it is fair: the same keys, orders and hash for all; one table at a time; before every run the allocator
//! gives its free pages back, so that page faults count in each, as they would in a process of its own.
//! The allocator's own thread gives freed pages back as time passes, for all alike, as it does in a server:
//! without it whoever frees or allocates next does so, which is milliseconds of one operation in any map
//! that frees blocks of megabytes.
//!
//! What a run cannot see: the clock is read without a fence, so that the median of operations of a few
//! nanoseconds is blurred by what the processor overlaps. The tail, which is the subject, is not.
//!
//! The plot shows the slowest operation of each window of the growth: a doubling table's steps stand out.

mod runs;

use crate::keys::{self, Key};
use crate::least::Reading;
use crate::maps::{Fold, Map, Visitor, for_each_map};
use crate::report::{Plot, Row, Series};
use crate::suite::{Ctx, Headline};
use runs::{PHASES, Runs, record};

/// Runs over which the minimum is taken.
const RUNS: usize = 5;

/// The end of the case of the first reading. One interrupt decides its maximum, so no score counts these rows.
pub(crate) const PLAIN: &str = ", plain";

/// The end of the case of the second reading.
pub(crate) const MINIMUM: &str = ", minimum of 5 runs";

/// Points a line in the plots.
const WINDOWS: usize = 250;

/// Look-ups that are timed, at most: they change nothing, and more would show nothing new.
const LOOK_UPS: usize = 1_000_000;

/// The insert and the removal that change the table's size, without the machine's interruptions, beside hashbrown.
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
    for_each_map::<Key, u64, Key, Fold>(&mut measured);
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

/// One map's result.
struct Latencies {
    name: &'static str,
    /// By phase: the plain reading, then the minimum's.
    readings: [[Reading; 2]; PHASES.len()],
    /// By phase: the slowest operation of each window, by the minimum over the runs.
    windows: [Vec<(f64, f64)>; PHASES.len()],
}

struct Measure<'a, 'b> {
    insert: Vec<Key>,
    find: Vec<Key>,
    /// One set of arrays for all maps.
    runs: Runs,
    ctx: &'a mut Ctx<'b>,
    subjects: Vec<Latencies>,
}

impl Visitor<Key, u64> for Measure<'_, '_> {
    fn visit<M: Map<Key, u64> + 'static>(&mut self) {
        self.ctx.progress.start(&format!("each operation of {}", M::NAME), RUNS);
        let mut plain = [Reading::default(); PHASES.len()];
        self.runs.reset();
        for run in 0..RUNS {
            record::<M>(&self.insert, &self.find, &mut self.runs);
            if run == 0 {
                plain = self.runs.readings();
            }
            self.ctx.progress.step();
        }
        let least = self.runs.readings();
        self.subjects.push(Latencies {
            name: M::NAME,
            readings: std::array::from_fn(|phase| [plain[phase], least[phase]]),
            windows: self.runs.windows(WINDOWS),
        });
    }
}

/// Redcore's map, the first, beside each peer.
fn rows(ctx: &mut Ctx, what: &str, n: usize, phase: usize, subjects: &[Latencies]) {
    let Some((ours, peers)) = subjects.split_first() else { return };
    for (reading, how) in [PLAIN, MINIMUM].iter().enumerate() {
        let case = format!("{what}{how}");
        for (metric, value) in ours.readings[phase][reading].named() {
            // The suite `dict` says what a look-up costs as a rule; here its tail counts.
            if phase == 1 && matches!(metric, "p50" | "p99") {
                continue;
            }
            for peer in peers {
                let peers_value =
                    peer.readings[phase][reading].named().into_iter().find(|(name, _)| *name == metric);
                let Some((_, peers_value)) = peers_value else { continue };
                let row = Row::alone(ctx.suite, &case, n as u64, ours.name, metric, "ns", value);
                ctx.report.row(row.beside(peer.name, peers_value));
            }
        }
    }
}
