//! Suite `server`: the program `redcore-server` over its socket. The peers are the servers of `--server`.
//!
//! - [`bytes`]: the workloads W1 to W15 in the server, beside the same workloads in a keyspace.
//! - [`throughput`]: the processor time and the latency of ten commands from 50 connections.
//! - [`stalls`]: the latency of GET and SET at a fixed rate while the server grows, saves, expires and evicts.
//!
//! Why it is fair: every server is a process of its own, without persistence, on a socket in the file system.
//! All servers have the same core, and the client of this suite has another one ([`process`]). They get the
//! same requests in turns. The processor time of a server is that of all its threads, in user mode and in the
//! kernel. It varies less than a latency on a shared machine.
//!
//! Limits: throughput and stalls need `/proc` and the affinity of Linux, and two cores. With one core, the
//! client and the servers share it. Two threads of a server share one core, so this suite does not measure what
//! more threads would win. No request crosses a network.

mod bytes;
#[cfg(target_os = "linux")]
mod connections;
#[cfg(target_os = "linux")]
mod process;
#[cfg(any(target_os = "linux", test))]
mod replies;
#[cfg(target_os = "linux")]
mod requests;
#[cfg(target_os = "linux")]
mod stalls;
#[cfg(target_os = "linux")]
mod throughput;

use crate::server::Program;
use crate::suite::{Ctx, Headline};

/// The peer of the rows of bytes: the same data in a keyspace without a server.
const KEYSPACE: &str = "Keyspace alone";

/// The peer of the rows of stalls: the same requests while nothing else happens.
const QUIET: &str = "quiet";

/// The peers that are redcore too.
pub(crate) const OWN_PEERS: [&str; 2] = [KEYSPACE, QUIET];

/// The bytes of the workloads. Rows beside other servers need `--server`.
pub const HEADLINE: Headline = Headline {
    what: "bytes of 15 data sets in the server, beside the keyspace",
    rows: |row| row.peer == KEYSPACE,
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    if !cfg!(unix) {
        ctx.report.note(ctx.suite, "redcore-server needs Unix, so nothing was measured.");
        return Ok(());
    }
    let redcore = Program::redcore()?;
    bytes::run(ctx, &redcore)?;
    #[cfg(target_os = "linux")]
    {
        let cores = process::Cores::claim()?;
        throughput::run(ctx, &redcore, &cores)?;
        stalls::run(ctx, &redcore, &cores)?;
        let with_one = if cores.is_shared() { " The client and the servers shared one core." } else { "" };
        ctx.report.note(ctx.suite, format!("Processor time is from /proc/PID/task/*/schedstat.{with_one}"));
    }
    #[cfg(not(target_os = "linux"))]
    ctx.report
        .note(ctx.suite, "Throughput and stalls need /proc and the affinity of Linux, and were left out.");
    Ok(())
}
