//! The suite `memory` measures the bytes of an entry, as a difference of `used_memory`.
//!
//! Bytes are counted, so a figure is exact and the same in every run. One run is enough.
//!
//! The comparison is fair for three reasons. All maps use the same allocator with the same size classes. A
//! block counts with its size class, not with the size that was asked for. All maps have the same entries.
//!
//! Only the servers of `--server` have their own allocator, which is part of their name. If its size classes
//! are different from redcore's, rows beside the server do not count.
//!
//! - [`growth`]: bytes per entry at many sizes, keys included, and the peak while a map grows.
//! - [`store`]: whole data sets with `Sds` keys and `Robj` values, beside the tables of others.
//! - [`workloads`]: the workloads W1 to W15 in a keyspace, beside servers.
//! - [`symbols`]: coded strings, beside the same strings before they are coded.
//! - [`imported`]: the keys and values of a file of the user.
//! - [`seeds`]: the experiment with 90,000 keys whose result can be calculated by hand.
//!
//! Workloads and imports are [data sets](data_set). They also fill the servers of `--server`. In this case, a
//! time is measured too: the [processor time](beside) of a command.

mod beside;
pub(super) mod data_set;
pub(super) mod filled;
mod growth;
mod imported;
mod seeds;
mod store;
mod symbols;
pub(super) mod workloads;

use crate::suite::{Ctx, Headline};
use beside::Rates;

/// The peer that is the best of several servers. Each of these servers has its own row.
pub(crate) const BEST_SERVER: &str = "best server";

/// Peers that are numbers instead of measurements.
pub(crate) const NUMBERS: [&str; 3] = [seeds::ARITHMETIC, seeds::REDIS_3_ARITHMETIC, workloads::GOAL];

/// The metric of the rows beside a server that do not compare like with like.
pub(crate) const CPU_TIME: &str = "CPU time a command";

/// Peers that are redcore itself.
pub(crate) const OWN_PEERS: [&str; 1] = [symbols::WITHOUT];

/// The subject of the data sets.
const KEYSPACE: &str = "Keyspace";

/// The subject for a store without a keyspace: a dictionary of strings and objects.
const IN_A_DICT: &str = "Dict<Sds, Robj>";

/// The headline: the bytes of the workloads W1 to W15.
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
