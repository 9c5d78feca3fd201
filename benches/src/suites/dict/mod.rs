//! Suite `dict`: what a table's operations cost, from empty through full to empty again.
//!
//! A round of a subject is a whole life: insert N entries into an empty table, look all up (in another order), look them
//! up again with keys that wait for the value before, look up as many that are absent, iterate, remove all. Subjects take turns life by life; the table dies
//! before the next one begins, so that none finds the caches full of a neighbour's entries and no two
//! tables share the memory.
//!
//! Why it is fair: the same 16-byte keys in the same shuffled orders, held inline with 8-byte values; the same
//! hash function and seed on both sides of a row, except in the rows that compare defaults; the same allocator.
//! No table is told how many entries will come.
//!
//! A table that doubles is fast and large just after a doubling, slow and small just before the next; its
//! neighbour doubles elsewhere. So the full run also takes the mean over five N spread evenly over one
//! doubling: the rows `mean over a doubling`.
//!
//! Sixteen operations at a time stand beside as many single ones in `batches.rs`. Picks at random
//! (`sampling.rs`) are measured on tables that stand, beside the textbook's.

mod batches;
mod life;
mod pointers;
mod sampling;

use crate::keys::{Key, Keys};
use crate::maps::{Fold, Sip, Visitor, for_each_map};
use crate::suite::{Ctx, Headline};
use life::{Candidate, Phases, candidate, measure};
use std::collections::HashMap;
use std::hash::RandomState;

/// Peers that are redcore itself.
pub(crate) const OWN_PEERS: [&str; 4] = batches::SINGLE;

/// The steps of a doubling, for the mean over it.
const DOUBLING_STEPS: u32 = 5;

/// Every operation, at every fill between two doublings.
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
        // Above, the rows that are a mean over a doubling say more, in the same minutes.
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

/// Redcore's map and all peers, on foldhash.
fn peers(keys: &Keys) -> Vec<Candidate<'_>> {
    struct Collect<'a>(&'a Keys, Vec<Candidate<'a>>);
    impl Visitor<Key, u64> for Collect<'_> {
        fn visit<M: crate::maps::Map<Key, u64> + 'static>(&mut self) {
            self.1.push(candidate::<M>(M::NAME, self.0));
        }
    }
    let mut collect = Collect(keys, Vec::new());
    for_each_map::<Key, u64, Key, Fold>(&mut collect);
    collect.1
}

/// A keyed hash whose latency is in the way, on both sides.
fn sip(keys: &Keys) -> Vec<Candidate<'_>> {
    vec![
        candidate::<dict::Dict<Key, u64, Sip>>("Dict", keys),
        candidate::<hashbrown::HashMap<Key, u64, Sip>>("hashbrown", keys),
    ]
}

/// What one gets without choosing: keyed by a random seed on all sides. hashbrown's own is foldhash, as ours is.
fn defaults(keys: &Keys) -> Vec<Candidate<'_>> {
    vec![
        candidate::<dict::Dict<Key, u64>>("Dict", keys),
        candidate::<HashMap<Key, u64, RandomState>>("std HashMap", keys),
        candidate::<hashbrown::HashMap<Key, u64>>("hashbrown", keys),
    ]
}

/// The mean over a doubling, against hashbrown: values, and pointers.
fn doubling(ctx: &mut Ctx) {
    let base = ctx.settings.pick(1_000, 100_000, 8_000_000);
    let rounds = ctx.settings.pick(1, 3, 2);
    let (mut inline, mut pointed) = (Vec::new(), Vec::new());
    for step in 0..DOUBLING_STEPS {
        let factor = 2f64.powf(f64::from(step) / f64::from(DOUBLING_STEPS));
        let n = (f64::from(base) * factor) as usize;
        let keys = Keys::new(n, ctx.settings.seed);
        let mut pair = vec![
            candidate::<dict::Dict<Key, u64, Fold>>("Dict", &keys),
            candidate::<hashbrown::HashMap<Key, u64, Fold>>("hashbrown", &keys),
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
