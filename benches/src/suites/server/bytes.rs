//! The workloads W1 to W15 in `redcore-server`, beside the same workloads in a keyspace.
//!
//! The difference is what the server adds to a key: it should be nothing. What the server keeps for its
//! connections and its counters is in both values of `used_memory`, before and after.

use super::KEYSPACE;
use crate::report::Row;
use crate::server::Program;
use crate::suite::Ctx;
use crate::suites::memory::filled::{bytes_in_server, in_keyspace};
use crate::suites::memory::workloads::data_sets;

pub(super) fn run(ctx: &mut Ctx, redcore: &Program) -> anyhow::Result<()> {
    let mut farthest: f64 = 0.0;
    for set in data_sets(ctx.settings) {
        ctx.progress.start(&set.name, 2);
        let (keyspace, alone) = in_keyspace(&set);
        drop(keyspace);
        ctx.progress.step();
        let bytes = bytes_in_server(redcore, &set)?;
        ctx.progress.step();
        let an_item = |bytes: f64| bytes / set.items as f64;
        let (bytes, alone) = (an_item(bytes as f64), an_item(alone as f64));
        let row = Row::alone(ctx.suite, &set.name, set.items, &redcore.version, set.metric(), "B", bytes);
        ctx.report.row(row.beside(KEYSPACE, alone));
        farthest = farthest.max((bytes / alone - 1.0).abs());
    }
    let (case, metric) = ("W1 to W15, farthest from the keyspace", "difference of the bytes");
    ctx.report.row(Row::alone(ctx.suite, case, 0, &redcore.version, metric, "%", 100.0 * farthest));
    Ok(())
}
