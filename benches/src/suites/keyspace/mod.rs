//! Suite `keyspace`: what the keys of a store cost in time.
//!
//! - [`edits`]: a write into a small collection inside its entry's block, beside the same write into a collection with a block of
//!   its own.
//! - [`longest`]: the longest single call while a keyspace grows, and while half of its keys expire.
//! - [`expiry`]: a simulation of how many expired keys are left by the sweeps.

mod edits;
mod expiry;
mod longest;

use crate::suite::{Ctx, Headline};

/// The peer of [`edits`]: redcore's own collections, each with a block of its own.
pub(crate) const OWN_BLOCKS: &str = edits::OWN_BLOCKS;

/// What editing in place costs.
pub const HEADLINE: Headline = Headline {
    what: "edits inside entries, beside collections with blocks of their own",
    rows: |row| row.peer == OWN_BLOCKS,
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    edits::run(ctx);
    longest::run(ctx);
    expiry::run(ctx);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
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
            report: &mut report,
            progress: &Progress::hidden(),
        };
        run(&mut ctx).unwrap();
        for case in ["HSET", "SADD", "ZADD", "RPUSH", "SET of new keys", "expiry", "expired keys left"] {
            assert!(report.rows.iter().any(|row| row.case.starts_with(case)), "{case}");
        }
    }
}
