//! Suite `upkeep`: measures the background work of a keyspace, and its cost for requests.
//!
//! - [`large`]: values of millions of elements are removed in steps, in comparison with at once. The longest
//!   call is measured too.
//! - [`churn`]: three quarters of the data are deleted at random, and `maintain` defragments the rest.
//! - [`expire`]: EXPIRE after SET, which moves entries, is compared with SET with an expiry.
//! - [`price`]: requests that also free garbage, and a call of `maintain` with nothing to do.
//!
//! Why it is fair: the same work on the same data runs with and without the upkeep, in turns. The
//! fragmentation of a heap depends on everything that has happened in the process. So churn and expiries are
//! measured in [separate processes](process).

mod churn;
mod expire;
mod forms;
mod large;
mod memory;
mod price;
mod process;
mod recurring;

use crate::suite::{Ctx, Headline};
pub use process::part;

/// The peers that are redcore too, without the upkeep.
pub(crate) const OWN_PEERS: [&str; 3] = [churn::WITHOUT, expire::SET_EX, price::NO_GARBAGE];

/// The only row of this suite that compares with code from outside redcore.
pub const HEADLINE: Headline = Headline {
    what: "removal of all keys in small steps, beside a drop of hashbrown of boxes",
    rows: |row| row.subject == large::IN_STEPS && row.peer == large::BOXES && row.metric == "time",
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    large::run(ctx);
    churn::run(ctx)?;
    expire::run(ctx)?;
    price::run(ctx);
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
            suite: "upkeep",
            settings: &settings,
            inputs: &Inputs::default(),
            report: &mut report,
            progress: &Progress::hidden(),
        };
        run(&mut ctx).unwrap();
        for case in [
            "removal of a hash",
            "removal of a sorted set",
            "removal of a list",
            "removal of a set",
            "removal of all keys",
            "churn of strings",
            "churn of strings without the allocator's thread",
            "churn of hashes",
            "churn of lists",
            "churn of sets",
            "churn of sorted sets",
            "churn of strings in 32 shards",
            "EXPIRE after each SET",
            "EXPIRE after all SETs",
            "SET of an old key",
            "GET",
            "DEL",
            "a call of maintain",
        ] {
            assert!(report.rows.iter().any(|row| row.case.starts_with(case)), "{case}");
        }
    }
}
