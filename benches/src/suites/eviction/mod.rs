//! Suite `eviction`: measures the hit ratio of a keyspace at its memory limit, and the cost of the limit.
//!
//! - [`by_keys`]: hit ratios if a fixed number of keys fits, on request traces or on a Zipf distribution. The
//!   peers are moka, quick_cache, exact LRU and exact S3-FIFO.
//! - [`by_bytes`]: hit ratios under `maxmemory`, on traces whose values differ in size.
//! - [`price`]: GET and SET below the limit and at the limit, and the bytes a key, in comparison with a
//!   keyspace that evicts nothing.
//! - [`storm`]: writes of values of random sizes at the limit, which no call may exceed, and the longest
//!   call.
//!
//! Why it is fair: all caches get the same requests, and in all of them a SET follows a miss. All have room
//! for the same number of keys or bytes, and the suite fails if one of them holds more. The textbook policies
//! ([`oracle`]) reproduce the published hit ratios of libCacheSim. Caches of other crates are not compared by
//! bytes, because they count other bytes.

mod by_bytes;
mod by_keys;
mod cache;
mod hits;
mod oracle;
mod price;
mod store;
mod storm;

use crate::suite::{Ctx, Headline};

/// The peers that are redcore too: a keyspace that evicts nothing.
pub(crate) const OWN_PEERS: [&str; 1] = [price::NOEVICTION];

/// The policy with the fewest misses, in comparison with the caches of other crates.
pub const HEADLINE: Headline = Headline {
    what: "misses of allkeys-s3fifo, beside moka and quick_cache",
    rows: |row| {
        row.subject == "allkeys-s3fifo"
            && row.metric == hits::MISSES
            && cache::PEERS.iter().any(|(name, _)| row.peer == *name)
    },
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    by_keys::run(ctx)?;
    by_bytes::run(ctx)?;
    price::run(ctx);
    storm::run(ctx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{Inputs, Named};
    use crate::progress::Progress;
    use crate::report::{Report, Row};
    use crate::settings::Settings;
    use crate::trace::Trace;

    fn report(inputs: &Inputs) -> Report {
        let settings = Settings { smoke: true, ..Settings::default() };
        let mut report = Report::default();
        let mut ctx = Ctx {
            suite: "eviction",
            settings: &settings,
            inputs,
            report: &mut report,
            progress: &Progress::hidden(),
        };
        run(&mut ctx).unwrap();
        report
    }

    /// Returns the value of a row that is found by the start of its case, its subject, its peer and its
    /// metric.
    fn value(report: &Report, case: &str, subject: &str, peer: &str, metric: &str) -> f64 {
        let is_it = |row: &&Row| {
            row.case.starts_with(case) && row.subject == subject && row.peer == peer && row.metric == metric
        };
        let row = report.rows.iter().find(is_it);
        row.unwrap_or_else(|| panic!("no row {case}: {subject} beside {peer}, {metric}")).value
    }

    #[test]
    fn all_parts_run_and_have_rows() {
        let report = report(&Inputs::default());
        for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "allkeys-s3fifo"] {
            for peer in ["moka", "quick_cache"] {
                for percent in [1, 10, 30] {
                    value(&report, &format!("Zipf 0.99, {percent} % of the keys"), policy, peer, "misses");
                }
            }
            value(&report, "SET of a new key, at the limit", policy, "noeviction", "time");
        }
        for policy in ["allkeys-lru", "allkeys-s3fifo"] {
            for case in ["SET of a new", "GET, independent", "GET, dependent", "SET of an old"] {
                value(&report, case, policy, "noeviction", "time");
            }
            let metric = "bytes a key without ghosts and queue";
            value(&report, "keys of 16 B", policy, "noeviction", metric);
            value(&report, "keys of 16 B", policy, "", "ghosts and queue a key");
            for sizes in ["log-uniform", "uniform"] {
                value(&report, &format!("storm of SETs, {sizes}"), policy, "", "max, values up to 256 KiB");
            }
        }
        assert_eq!(report.plots.len(), 1);
    }

    /// The trace is a loop over 1,000 keys of two sizes. Exact LRU has no hits if not all of them fit.
    #[test]
    fn each_trace_has_hit_ratios_by_keys_and_by_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &str, size: fn(u32) -> u32| {
            let path = folder.path().join(name);
            let line = |i: u32| format!("1,key:{},{}\n", i % 1_000, size(i % 1_000));
            std::fs::write(&path, (0..20_000).map(line).collect::<String>()).unwrap();
            Named::new(&path, Trace::open(&path).unwrap())
        };
        let traces = vec![named("one-size.csv", |_| 100), named("two-sizes.csv", |i| 100 + i % 2 * 800)];
        let report = report(&Inputs { traces, ..Inputs::default() });
        let [one, two, bytes] = [
            "one-size.csv, 30 % of the keys",
            "two-sizes.csv, 30 % of the keys",
            "two-sizes.csv, 30 % of the bytes",
        ];
        let misses_of = |case: &str, peer: &str| {
            let row = report.rows.iter().find(|row| row.case == case && row.peer == peer);
            row.unwrap_or_else(|| panic!("no row {case}: beside {peer}")).peer_value
        };
        for case in [one, two, bytes] {
            assert_eq!(misses_of(case, "exact LRU"), 100.0, "{case}");
            assert!(misses_of(case, "exact S3-FIFO") < 80.0, "{case}");
            let misses = value(&report, case, "allkeys-s3fifo", "exact S3-FIFO", "misses");
            assert!(misses < 85.0, "{case}: {misses}");
        }
        let of_keys = [one, two].map(|case| misses_of(case, "exact S3-FIFO"));
        assert_eq!(of_keys[0], of_keys[1], "sizes do not matter where keys are counted");
        let is_unwanted =
            |row: &&Row| row.case.starts_with("Zipf") || row.case.starts_with("one-size.csv, 30 % of the b");
        assert!(!report.rows.iter().any(|row| is_unwanted(&row)));
        for unit in ["keys", "bytes"] {
            let case = format!("hit ratios by {unit}, farthest behind");
            value(&report, &case, "allkeys-s3fifo", "", "points below exact S3-FIFO");
        }
        assert_eq!(report.plots.len(), 3);
    }
}
