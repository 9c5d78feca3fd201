//! Suite `trace`: a store that serves requests from a real trace, or generated ones.
//!
//! `--trace FILE` ([the formats](crate::trace)) replays a trace. Each request is a GET. If the key is
//! missing, a SET with a value of the size in the trace follows. This is what a cache does that has room for
//! everything. The memory grows with the number of distinct keys, and nothing is evicted. Values are limited
//! to `--value-cap` bytes (1,024 by default). A trace of block storage has values of tens of kilobytes, and
//! copying them would take nearly all of the time. (The default is at the edge of a size class: 1,024 bytes
//! fit it exactly, and with a header and a NUL they take the next one, 1,280. This is the real cost of these
//! four bytes for such sizes, and the rows include it.)
//!
//! Without a trace, the YCSB mixes A to F run on a loaded store. Their keys are drawn from a scrambled Zipf
//! distribution ([`ycsb`](crate::trace::ycsb)).
//!
//! Why it is fair: the requests are in memory before the clock starts, and they are the same for all
//! subjects. The peers create and free keys and values in the same way: `Sds` and `Robj` in each of the
//! tables. Two more peers hold `Vec<u8>`, as a program without redcore would. All use the same hash function,
//! unless the name of the peer says otherwise. Mix E has only the peers that can continue a scan where it has
//! stopped.

mod mixes;
mod replay;
mod store;

use crate::suite::{Ctx, Headline};

/// The mean over all rows with the same keys, values and hash. In mix E, hashbrown has another name.
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
