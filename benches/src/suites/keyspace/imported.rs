//! Measures GET, SET and DEL with the keys and strings of a file (`--import FILE`), in comparison with maps
//! of boxes.
//!
//! A round is a whole life, as in [`maps`](super::maps). Only the keys of a dump that have a string are used.
//! There are no batches, because the keys have different lengths.

use crate::import::Import;
use crate::keys::shuffled;
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::stores::{BoxMap, ClassicMap, Store};
use crate::suite::Ctx;
use crate::text::thousands;
use keyspace::Keyspace;
use std::hint::black_box;
use std::time::Duration;

/// The phases that are timed, in their order.
const PHASES: [&str; 5] =
    ["SET of a new key", "GET, independent", "GET, dependent", "SET of an old key", "DEL"];

/// A life is repeated until it has done this many operations of each kind.
const MIN_OPS: usize = 200_000;

type Pair<'a> = (&'a [u8], &'a [u8]);

/// The pairs in the order in which they are set, and the numbers of the pairs in the order in which they are
/// looked up.
struct Pairs<'a> {
    insert: Vec<Pair<'a>>,
    find: Vec<u32>,
}

pub(super) fn run(ctx: &mut Ctx, file: &str, import: &Import) {
    let name = format!("import of {file}");
    if let Some(dump) = import.dump() {
        let rows = match import.len() {
            0 => "None of them is a string, so there are no rows".to_owned(),
            strings => format!("The rows use the {} strings, without expiries", thousands(strings as i64)),
        };
        let text = format!("{file}: {dump}. {rows}.");
        ctx.report.note(ctx.suite, text);
    }
    if import.is_empty() {
        return;
    }
    let n = import.len();
    let pairs: Vec<Pair<'_>> = import.pairs().collect();
    let order = |seed| shuffled(0..n as u32, seed);
    let seed = ctx.settings.seed;
    let insert = order(seed).into_iter().map(|i| pairs[i as usize]).collect();
    let pairs = &Pairs { insert, find: order(seed.wrapping_add(1)) };
    let mut candidates = [
        Candidate::new(<Keyspace<FoldHash> as Store>::NAME, || run_phases::<Keyspace<FoldHash>>(pairs)),
        Candidate::new(BoxMap::NAME, || run_phases::<BoxMap>(pairs)),
        Candidate::new(ClassicMap::NAME, || run_phases::<ClassicMap>(pairs)),
    ];
    let repeats = if ctx.settings.smoke { 1 } else { MIN_OPS.div_ceil(n) };
    let schedule = Schedule { rounds: ctx.settings.pick(1, 5, 7), repeats, warm_up: true, seed };
    let samples = time_phases(&mut candidates, schedule, &name, ctx.progress);
    for (phase, samples) in PHASES.iter().zip(&samples) {
        let ops = (n * repeats) as u64;
        ctx.report.compare(ctx.suite, &format!("{name}: {phase}"), n as u64, ops, samples);
    }
}

fn run_phases<S: Store>(pairs: &Pairs<'_>) -> [Duration; PHASES.len()] {
    let Pairs { insert, find } = pairs;
    let mut store = S::new(insert.len());
    let new = timed(|| insert.iter().for_each(|(key, value)| store.set(black_box(key), value, 0)));
    let get = |store: &S, i: u32| store.get(insert[i as usize].0, 1_000).expect("all are there");
    let independent = timed(|| {
        black_box(find.iter().fold(0, |all, &i| all ^ get(&store, i)));
    });
    let dependent = timed(|| {
        // The place of the next number depends on the previous answer. It is always the next place.
        let (mask, mut answer) = (black_box(0), 0);
        for at in 0..find.len() {
            answer = get(&store, find[at + (answer & mask) as usize]);
        }
        black_box(answer);
    });
    let old = timed(|| {
        for &i in find {
            let (key, value) = insert[i as usize];
            store.overwrite(black_box(key), value, 2_000);
        }
    });
    let mut found = 0;
    let remove =
        timed(|| found = insert.iter().filter(|(key, _)| store.remove(black_box(key), 3_000)).count());
    assert_eq!(found, insert.len(), "{} does not remove what it holds", S::NAME);
    [new, independent, dependent, old, remove]
}
