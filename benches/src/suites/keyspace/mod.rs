//! The suite `keyspace` measures the time of operations on keys.
//!
//! - [`maps`]: gets, sets and removals, beside the maps that an embedder would have used.
//! - [`threads`]: two threads on one database, beside maps for several threads.
//! - [`edits`]: a write to a small collection inside its entry's block, beside the same write to a collection
//!   with its own block.
//! - [`longest`]: the longest single call while a keyspace grows, and while half of its keys expire.
//! - [`coded`]: the time that coding strings and keys takes.
//! - [`replies`]: replies that copy a string from the entry's block, beside replies that share an object. The
//!   times show up to which length a string should be in the entry's block.
//! - [`expiry`]: a simulation of the number of expired keys that the sweeps leave.
//! - [`imported`]: gets, sets and removals with the keys and strings of a file of the user.

mod coded;
mod edits;
mod expiry;
mod imported;
mod longest;
mod maps;
mod replies;
mod threads;

use crate::suite::{Ctx, Headline};

/// The subject that does in batches what its peers do in single calls.
pub(crate) const IN_BATCHES: &str = threads::IN_BATCHES;

/// Peers that are redcore itself: collections with their own blocks, the other way to make a reply, and plain
/// strings and keys.
pub(crate) const OWN_PEERS: [&str; 3] = [edits::OWN_BLOCKS, replies::HOLD, coded::WITHOUT];

/// The headline: gets, sets and removals.
pub const HEADLINE: Headline = Headline {
    what: "all operations on string keys, beside hashbrown of boxes",
    rows: |row| row.subject == "Keyspace" && row.peer == maps::BOXES && row.metric == "time",
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    maps::run(ctx);
    threads::run(ctx);
    edits::run(ctx);
    longest::run(ctx);
    replies::run(ctx);
    coded::run(ctx);
    expiry::run(ctx);
    if let Some(import) = &ctx.inputs.import {
        imported::run(ctx, &import.name, &import.content);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;
    use crate::progress::Progress;
    use crate::report::Report;
    use crate::settings::Settings;

    #[test]
    fn all_parts_run_and_have_rows() {
        let settings = Settings { smoke: true, ..Settings::default() };
        let mut report = Report::default();
        let mut ctx = Ctx {
            suite: "keyspace",
            settings: &settings,
            inputs: &Inputs::default(),
            report: &mut report,
            progress: &Progress::hidden(),
        };
        run(&mut ctx).unwrap();
        for case in [
            "GET, dependent",
            "16 GETs",
            "DEL",
            "keys of 16 B",
            "2 threads",
            "HSET",
            "SADD",
            "ZADD",
            "RPUSH",
            "SET of new keys",
            "GET of a JSON record",
            "GET by a session key",
            "expiry",
            "expired keys left",
        ] {
            assert!(report.rows.iter().any(|row| row.case.starts_with(case)), "{case}");
        }
    }
}
