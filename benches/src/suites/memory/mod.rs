//! Suite `memory`: how many bytes an entry takes, by the difference of `used_memory`.
//!
//! Bytes are counted, not timed: a figure is exact and the same in every run, and one run is enough. Why it
//! is fair: everything is on the same allocator and its size classes, blocks count with their class and not
//! with what was asked for, and every map holds the same entries. Only the servers of `--server` have an
//! allocator of their own, which their name says. If its size classes are not ours, rows beside the server do
//! not count.
//!
//! - [`growth`]: bytes per entry at many N in every doubling, keys included, and the peak while growing.
//! - [`store`]: whole data sets with keys `Sds` and values `Robj`, in the tables of others.
//! - [`workloads`]: the workloads W1 to W15 in a keyspace, beside what servers take.
//! - [`symbols`]: strings that are coded, beside the same strings before.
//! - [`imported`]: keys and values of a file of the user.
//! - [`seeds`]: the experiment with 90,000 keys whose result can be worked out by hand.
//!
//! Workloads and imports are [data sets](data_set). They also fill the servers of `--server`, and then a time
//! is measured after all: the [processor time](beside) of a command.

mod beside;
pub(super) mod data_set;
mod filled;
mod growth;
mod imported;
mod seeds;
mod store;
mod symbols;
mod workloads;

use crate::suite::{Ctx, Headline};
use beside::Rates;

/// The peer of which each row repeats one beside a server.
pub(crate) const BEST_SERVER: &str = "best server";

/// Peers that are numbers, and were not measured.
pub(crate) const NUMBERS: [&str; 3] = [seeds::ARITHMETIC, seeds::REDIS_3_ARITHMETIC, workloads::GOAL];

/// The metric of rows beside a server that are not like for like.
pub(crate) const CPU_TIME: &str = "CPU time a command";

/// Peers that are redcore itself.
pub(crate) const OWN_PEERS: [&str; 1] = [symbols::WITHOUT];

/// The subject of the data sets.
const KEYSPACE: &str = "Keyspace";

/// The parts of a store without the keyspace around them.
const IN_A_DICT: &str = "Dict<Sds, Robj>";

/// What a store takes: W1 to W15.
pub const HEADLINE: Headline = Headline {
    what: "bytes of 15 data sets, beside the best server",
    rows: |row| row.subject == KEYSPACE && row.peer == BEST_SERVER,
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    growth::run(ctx);
    seeds::run(ctx);
    store::run(ctx);
    let mut rates = Rates::default();
    workloads::run(ctx, &mut rates)?;
    symbols::run(ctx)?;
    if let Some(import) = &ctx.inputs.import {
        imported::run(ctx, &import.name, &import.content, &mut rates)?;
        if !import.content.is_empty() {
            symbols::measure(ctx, &format!("strings of {}", import.name), import.content.pairs())?;
        }
    }
    if let Some(note) = rates.note() {
        ctx.report.note(ctx.suite, note);
    }
    Ok(())
}
