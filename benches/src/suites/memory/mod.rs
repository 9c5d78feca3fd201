//! Suite `memory`: how many bytes an entry takes, by the difference of `used_memory`.
//!
//! Bytes are counted, not timed: a figure is exact and the same in every run, and one run is enough. Why it is
//! fair: everything is on the same allocator and its size classes, blocks count with their class and not with
//! what was asked for, and every map holds the same entries.
//!
//! - [`growth`]: bytes per entry at many N in every doubling, keys included, and the peak while growing.
//! - [`store`]: whole data sets with keys `Sds` and values `Robj`, in the tables of others.
//! - [`workloads`]: the workloads W1 to W15 in a keyspace, beside what servers take.
//! - [`seeds`]: the experiment with 90,000 keys whose result can be worked out by hand.

mod growth;
mod seeds;
mod store;
mod workloads;

use crate::suite::{Ctx, Headline};

/// The peer of which each row repeats one beside a server.
pub(crate) const BEST_SERVER: &str = "best server";

/// Peers that are numbers, and were not measured.
pub(crate) const NUMBERS: [&str; 3] = [seeds::ARITHMETIC, seeds::REDIS_3_ARITHMETIC, workloads::GOAL];

/// The parts of a store without the keyspace around them.
const IN_A_DICT: &str = "Dict<Sds, Robj>";

/// What a store takes: W1 to W15.
pub const HEADLINE: Headline = Headline {
    what: "bytes of 15 data sets, beside the best server",
    rows: |row| row.subject == workloads::KEYSPACE && row.peer == BEST_SERVER,
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    growth::run(ctx);
    seeds::run(ctx);
    store::run(ctx);
    workloads::run(ctx);
    Ok(())
}
