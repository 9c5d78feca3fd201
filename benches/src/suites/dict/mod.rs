//! Suite `dict`: measures the operations of a table that is filled and emptied again.
//!
//! A round of a subject is a whole life. It inserts N entries into an empty table, and looks all of them up
//! in another order. It looks them up again with keys that wait for the previous value, and looks up as many
//! absent keys. Then it iterates, and removes all entries. Subjects take turns, one life each. A table is
//! dropped before the next one is built. So the caches are not full of the entries of another table, and two
//! tables never share the memory.
//!
//! Why it is fair: all tables have the same 16-byte keys in the same shuffled orders, inline with 8-byte
//! values, and the same allocator. Both sides of a row have the same hash function and seed, except in the
//! rows that compare defaults. No table knows in advance how many entries will come.
//!
//! A table that doubles is fast and large just after a doubling, and slow and small just before the next one.
//! Other tables double at other sizes. So the full run also computes the mean over five N that are spread
//! evenly over one doubling, in the rows `mean over a doubling`.
//!
//! `batches.rs` compares sixteen operations at a time with as many single ones. `sampling.rs` measures random
//! picks from a table that does not change, in comparison with the textbook table.

mod batches;
mod life;
mod pointers;
mod sampling;

use crate::keys::{Key, Keys};
use crate::maps::{FoldHash, Sip, Visitor, for_each_map};
use crate::suite::{Ctx, Headline};
use life::{Candidate, Phases, candidate, measure};
use std::collections::HashMap;
use std::hash::RandomState;

/// The peers that are redcore too.
pub(crate) const OWN_PEERS: [&str; 4] = batches::SINGLE;

/// The number of steps of a doubling, for the mean over it.
const DOUBLING_STEPS: u32 = 5;

/// All operations, at all fill levels between two doublings.
pub const HEADLINE: Headline = Headline {
    what: "all operations of a Dict, beside hashbrown",
    rows: |row| {
        row.case.ends_with(", mean over a doubling") && row.subject == "Dict" && row.peer == "hashbrown"
    },
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let sizes: &[(usize, usize)] = ctx.settings.pick(
        &[(2_000, 2)],
        &[(10_000, 9), (200_000, 5), (1_000_000, 2)],
        &[(10_000, 15), (1_000_000, 5), (10_000_000, 3)],
    );
    for &(n, rounds) in sizes {
        let keys = Keys::new(n, ctx.settings.seed);
        measure(ctx, "", n, rounds, &mut peers(&keys)).report(ctx, "", 1);
        measure(ctx, ", default hash", n, rounds, &mut defaults(&keys)).report(ctx, ", default hash", 1);
        // For larger sizes, the rows `mean over a doubling` say more in the same time.
        if n <= 1_000_000 {
            measure(ctx, ", SipHash", n, rounds, &mut sip(&keys)).report(ctx, ", SipHash", 1);
            pointers::nodes_and(&keys, |nodes| {
                let mut candidates = pointers::candidates(&nodes, &keys);
                let phases = measure(ctx, ", pointers", n, rounds, &mut candidates);
                phases.report(ctx, ", pointers", pointers::SUBJECTS);
            });
        }
        if n >= 1_000_000 || ctx.settings.smoke {
            batches::run(ctx, &keys);
            sampling::run(ctx, &keys);
        }
    }
    doubling(ctx);
    Ok(())
}

/// Returns redcore's map and all peers, with foldhash.
fn peers(keys: &Keys) -> Vec<Candidate<'_>> {
    struct Collect<'a>(&'a Keys, Vec<Candidate<'a>>);
    impl Visitor<Key, u64> for Collect<'_> {
        fn visit<M: crate::maps::Map<Key, u64> + 'static>(&mut self) {
            self.1.push(candidate::<M>(M::NAME, self.0));
        }
    }
    let mut collect = Collect(keys, Vec::new());
    for_each_map::<Key, u64, Key, FoldHash>(&mut collect);
    collect.1
}

/// Returns both maps with a keyed hash of high latency.
fn sip(keys: &Keys) -> Vec<Candidate<'_>> {
    vec![
        candidate::<dict::Dict<Key, u64, Sip>>("Dict", keys),
        candidate::<hashbrown::HashMap<Key, u64, Sip>>("hashbrown", keys),
    ]
}

/// Returns maps with their default hash, which has a random seed in all of them. The default of hashbrown is
/// foldhash, like ours.
fn defaults(keys: &Keys) -> Vec<Candidate<'_>> {
    vec![
        candidate::<dict::Dict<Key, u64>>("Dict", keys),
        candidate::<HashMap<Key, u64, RandomState>>("std HashMap", keys),
        candidate::<hashbrown::HashMap<Key, u64>>("hashbrown", keys),
    ]
}

/// Measures the mean over a doubling in comparison with hashbrown, for values and for pointers.
fn doubling(ctx: &mut Ctx) {
    let base = ctx.settings.pick(1_000, 100_000, 8_000_000);
    let rounds = ctx.settings.pick(1, 3, 2);
    let (mut inline, mut pointed) = (Vec::new(), Vec::new());
    for step in 0..DOUBLING_STEPS {
        let factor = 2f64.powf(f64::from(step) / f64::from(DOUBLING_STEPS));
        let n = (f64::from(base) * factor) as usize;
        let keys = Keys::new(n, ctx.settings.seed);
        let mut pair = vec![
            candidate::<dict::Dict<Key, u64, FoldHash>>("Dict", &keys),
            candidate::<hashbrown::HashMap<Key, u64, FoldHash>>("hashbrown", &keys),
        ];
        inline.push(measure(ctx, ", doubling", n, rounds, &mut pair));
        drop(pair);
        pointers::nodes_and(&keys, |nodes| {
            let mut candidates = pointers::candidates(&nodes, &keys);
            pointed.push(measure(ctx, ", pointers, doubling", n, rounds, &mut candidates));
        });
    }
    Phases::mean(&inline, base as usize).report(ctx, ", mean over a doubling", 1);
    let what = ", pointers, mean over a doubling";
    Phases::mean(&pointed, base as usize).report(ctx, what, pointers::SUBJECTS);
}
