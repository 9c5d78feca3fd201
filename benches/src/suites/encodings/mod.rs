//! Suite `encodings`: measures the operations of lists, sets, hashes and sorted sets, and their bytes per
//! element.
//!
//! Small values are thousands of separate collections of 10 or of 100 elements. They are visited in random
//! order, one element at a time. As in a store, the bytes of a collection are then not in the cache. Large
//! values are a single collection. A round of a subject is a whole life: the collections are filled, read and
//! emptied again.
//!
//! A small encoding saves memory, and takes more time to search. So the rule of this suite considers both: an
//! encoding must be as fast as the fastest peer that takes at most twice its bytes. The rows of the metric
//! [`RULE`] have this peer and the ratio to it.
//!
//! The peers are what a program would use from the standard library and the public registry: vectors, deques,
//! and ordered and hashed sets and maps, of `CompactString` (up to 24 bytes inline) or of boxed bytes.
//! Another peer is for programs that need little memory: all elements are in one `Vec<u8>`, each after its
//! length ([`packed`]). The peers of sorted sets have an order, and a map from member to score. The registry
//! has few orders that count (rank in logarithmic time). `indexset` (a vector of vectors under a Fenwick
//! tree), `wabi_tree` (a B-tree with counts) and `skiplist` (widths in its links) had releases in 2026. The
//! best known skiplist, `crossbeam-skiplist`, is concurrent and cannot count. It and std's `BTreeSet`
//! represent the orders without ranks.
//!
//! Why it is fair: all subjects have the same texts in the same shuffled orders, and the same allocator. All
//! peers have the same hash function. No subject knows in advance how many elements will come. The bytes
//! include the handle of a collection.

mod drops;
mod hash;
mod list;
mod orders;
mod packed;
mod set;
mod sorted_set;
mod work;
mod zset;

use crate::suite::{Ctx, Headline};
pub(crate) use drops::AT_ONCE;
pub(crate) use work::RULE;
use work::Scale;

/// The mean of the rule of this suite over all operations and sizes.
pub const HEADLINE: Headline =
    Headline { what: "beside the fastest peer in twice the memory", rows: |row| row.metric == RULE };

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let elements = ctx.settings.pick(1_000, 20_000, 100_000);
    let large = ctx.settings.pick(2_000, 50_000, 1_000_000);
    let rounds = ctx.settings.pick(2, 5, 5);
    for scale in [
        Scale::small(10, elements / 10, rounds),
        Scale::small(100, elements / 100, rounds),
        Scale::large(large, ctx.settings.pick(1, 2, 2)),
    ] {
        list::run(ctx, scale);
        set::run(ctx, scale);
        hash::run(ctx, scale);
        zset::run(ctx, scale);
    }
    drops::run(ctx, large, ctx.settings.pick(1, 5, 7));
    ctx.report.note(
        ctx.suite,
        "n: elements of a collection; below a thousand there are many collections, visited in random order. Ranges \
         are of ten elements, and an operation is a whole range. A peer that would take linear time for an operation of a \
         large collection has no row for it.",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;
    use crate::progress::Progress;
    use crate::report::Report;
    use crate::settings::Settings;

    /// A life fails if a collection loses, invents or miscounts an element.
    #[test]
    fn every_collection_lives_through_a_life_of_each_size() {
        let settings = Settings { smoke: true, ..Settings::default() };
        let mut report = Report::default();
        let mut ctx = Ctx {
            suite: "encodings",
            settings: &settings,
            inputs: &Inputs::default(),
            report: &mut report,
            progress: &Progress::hidden(),
        };
        for scale in [Scale::small(1, 3, 1), Scale::small(10, 7, 1), Scale::large(1_500, 1)] {
            list::run(&mut ctx, scale);
            set::run(&mut ctx, scale);
            hash::run(&mut ctx, scale);
            zset::run(&mut ctx, scale);
        }
        drops::run(&mut ctx, 1_500, 2);
        let has = |what: &str, metric: &str| {
            report.rows.iter().any(|row| row.case.starts_with(what) && row.metric == metric)
        };
        for what in ["list", "set of integers", "set of strings", "hash", "sorted set"] {
            assert!(has(what, "time") && has(what, "memory") && has(what, RULE), "{what}");
        }
        for what in ["list", "set of strings", "hash", "sorted set", "Dict of strings"] {
            let case = format!("{what}: drop");
            assert!(has(&case, "time") && has(&case, "longest step"), "{case}");
        }
    }
}
