//! Suite `trace`: a store at work, on a real request trace or on generated ones.
//!
//! With `--trace FILE` ([the formats](crate::trace)), for each of them, a request is a GET and, where the key
//! is missing, a SET of a value of the trace's size: what a cache does that has room for everything. The
//! memory grows with the distinct keys; nothing is evicted. Values are bytes in memory, cut to `--value-cap`
//! (1,024 by default): a trace of block storage asks for tens of kilobytes each, and copying those would be
//! all that is measured. (The default stands on an edge of the size classes: 1,024 bytes fit one exactly,
//! with a header and a NUL they take the next, 1,280. That is the price of those four bytes on such sizes,
//! and it is left in.)
//!
//! Without a trace, the YCSB mixes A to F run on a loaded store, keys drawn from a scrambled Zipf
//! distribution ([`ycsb`](crate::trace::ycsb)).
//!
//! Why it is fair: the requests are in memory before the clock starts, and they are the same for all. All peers
//! make and free keys and values in the same way: `Sds` and `Robj` in each of the tables. Two further peers hold
//! `Vec<u8>`, as one would without this project. The hash is the same unless the peer's name says otherwise.
//! Mix E has the peers that can go on with a scan where it stopped.

mod mixes;
mod replay;
mod store;

use crate::suite::{Ctx, Headline};

/// All requests with the same keys, values and hash; mix E has its peer under a name of its own.
pub const HEADLINE: Headline = Headline {
    what: "a request to a store, beside hashbrown",
    rows: |row| row.metric == "time" && matches!(row.peer.as_str(), "hashbrown" | "hashbrown HashTable"),
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let inputs = ctx.inputs;
    if inputs.traces.is_empty() {
        mixes::run(ctx);
    }
    for trace in &inputs.traces {
        replay::run(ctx, &trace.name, &trace.content);
    }
    Ok(())
}
