//! Compares a keyspace with the maps that an embedder would use instead, with the same keys and values.
//!
//! A round of a store is a whole life (see [`lifecycle`](crate::lifecycle)). It sets N new keys, gets all of
//! them, sets all of them again, and removes all of them. Keys have 16 bytes, and values have 32. Look-ups
//! are timed in two ways:
//!
//! - *independent*: a loop over known keys. The processor overlaps the cache misses of several look-ups.
//! - *dependent*: the next key depends on the previous answer ([`dependent`]).
//!
//! *16 GETs* are compared with single gets, and with sixteen gets of the peer in a loop. Every answer is
//! added to a sum, so that its value is read. For old keys, hashbrown and dashmap change only the value, and
//! make no box for the key. A Keyspace does not know beforehand that a key is old. The new value is as long
//! as the old one.
//!
//! Limits: keys of 16 bytes are the longest that a Keyspace compares without a function call. N is a round
//! number, and a map that doubles has an arbitrary fill level there. The suite `memory` has the bytes over
//! whole doublings.

use crate::dependent;
use crate::keys::{Key, Keys};
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::measure::Samples;
use crate::report::Row;
use crate::stores::{BATCH, BoxMap, DashMap, MokaCache, PapayaMap, QuickCache, Store};
use crate::suite::Ctx;
use keyspace::Keyspace;
use std::hint::black_box;
use std::time::Duration;

/// The map that a program would use instead of an embedded store.
pub(super) const BOXES: &str = BoxMap::NAME;

/// The phases that are timed, in their order.
const PHASES: [&str; 7] = [
    "SET of a new key",
    "GET, independent",
    "GET, dependent",
    "16 GETs, independent",
    "16 GETs, dependent",
    "SET of an old key",
    "DEL",
];

/// The phases of batches, each with the phase of single look-ups of the same kind.
const BATCHES: [(usize, usize); 2] = [(3, 1), (4, 2)];

/// A life is repeated until it has done this many operations of each kind.
const MIN_OPS: usize = 200_000;

/// From this N on, the first round counts too.
const NO_WARM_UP: usize = 4_000_000;

type PhaseTimes = [Duration; PHASES.len()];

pub(super) fn run(ctx: &mut Ctx) {
    let sizes: &[(usize, usize)] = ctx.settings.pick(
        &[(2_000, 1)],
        &[(100_000, 5), (1_000_000, 3)],
        &[(100_000, 15), (1_000_000, 3), (4_000_000, 5)],
    );
    for &(n, rounds) in sizes {
        let keys = Keys::new(n, ctx.settings.seed);
        let mut candidates = vec![candidate::<Keyspace<FoldHash>>(&keys), candidate::<BoxMap>(&keys)];
        if n <= ctx.settings.pick(2_000, 100_000, 1_000_000) {
            candidates.push(candidate::<DashMap>(&keys));
            candidates.push(candidate::<PapayaMap>(&keys));
            candidates.push(candidate::<MokaCache>(&keys));
            candidates.push(candidate::<QuickCache>(&keys));
        }
        let repeats = if ctx.settings.smoke { 1 } else { MIN_OPS.div_ceil(n) };
        let schedule = Schedule { rounds, repeats, warm_up: n < NO_WARM_UP, seed: ctx.settings.seed };
        let samples = time_phases(&mut candidates, schedule, &format!("life of {n}"), ctx.progress);
        report_times(ctx, n as u64, (n * repeats) as u64, &samples);
        report_bytes(ctx, &keys);
    }
    ctx.report.note(
        ctx.suite,
        "The same 16-byte keys, 32-byte values, hash and allocator for all. dashmap, papaya, moka and quick_cache are used by one \
         thread here, and pay for being ready for several.",
    );
}

fn candidate<S: Store>(keys: &Keys) -> Candidate<'_, { PHASES.len() }> {
    Candidate::new(S::NAME, || run_phases::<S>(keys))
}

/// Returns a value of 32 bytes. Its first nine bytes are different for each pair of key and generation.
fn value(key: &Key, generation: u8) -> [u8; 32] {
    let mut value = [generation; 32];
    value[..8].copy_from_slice(&key[8..]);
    value[8] ^= key[7];
    value
}

fn run_phases<S: Store>(keys: &Keys) -> PhaseTimes {
    let n = keys.insert.len();
    let mut store = S::new(n);
    // The time advances by a second with each phase. So the first use of each key in a phase sets its access
    // clock.
    let [t0, t1, t2, t3, t4, t5, t6]: [u64; PHASES.len()] = std::array::from_fn(|phase| 1_000 * phase as u64);
    let new = timed(|| keys.insert.iter().for_each(|key| store.set(black_box(key), &value(key, 1), t0)));
    let sum = |found: Option<u64>| found.expect("all are there");
    let independent = timed(|| {
        let all = keys.find.iter().fold(0, |all, key| all ^ sum(store.get(black_box(key), t1)));
        black_box(all);
    });
    let dependent = dependent::hits(&keys.find, |key| sum(store.get(key, t2)));
    let all_of = |batch: [Option<u64>; BATCH]| batch.into_iter().fold(0, |all, found| all ^ sum(found));
    let batched = timed(|| {
        let (batches, _rest) = keys.find.as_chunks::<BATCH>();
        let all = batches.iter().fold(0, |all, batch| all ^ all_of(store.get_batch(black_box(batch), t3)));
        black_box(all);
    });
    let dependent_batches =
        dependent::batches::<BATCH, _>(&keys.find, |batch| all_of(store.get_batch(batch, t4)));
    let old = timed(|| keys.find.iter().for_each(|key| store.overwrite(black_box(key), &value(key, 2), t5)));
    let mut found = 0;
    let remove = timed(|| found = keys.insert.iter().filter(|key| store.remove(black_box(*key), t6)).count());
    assert_eq!(found, n, "{} does not remove what it holds", S::NAME);
    [new, independent, dependent, batched, dependent_batches, old, remove]
}

fn report_times(ctx: &mut Ctx, n: u64, ops: u64, samples: &[Vec<Samples>; PHASES.len()]) {
    for (phase, case) in PHASES.iter().enumerate() {
        let Some((_, single)) = BATCHES.iter().find(|(batched, _)| *batched == phase) else {
            ctx.report.compare(ctx.suite, case, n, ops, &samples[phase]);
            continue;
        };
        // Batches of the keyspace are compared with single look-ups and with loops of look-ups of the map.
        let named = |samples: &Samples, what: &str| Samples {
            name: format!("{}, {what}", samples.name),
            rounds: samples.rounds.clone(),
        };
        let ours = named(&samples[phase][0], "get_many of 16");
        let theirs = [named(&samples[*single][1], "gets"), named(&samples[phase][1], "16 gets")];
        ctx.report.compare_many(ctx.suite, case, n, ops, &[ours], &theirs);
    }
}

/// Reports the bytes that the keys take. The stores are filled one after the other.
fn report_bytes(ctx: &mut Ctx, keys: &Keys) {
    let n = keys.insert.len();
    let ours = bytes_of::<Keyspace<FoldHash>>(keys) / n as f64;
    let peers = [
        (BoxMap::NAME, bytes_of::<BoxMap>(keys)),
        (DashMap::NAME, bytes_of::<DashMap>(keys)),
        (PapayaMap::NAME, bytes_of::<PapayaMap>(keys)),
        (MokaCache::NAME, bytes_of::<MokaCache>(keys)),
        (QuickCache::NAME, bytes_of::<QuickCache>(keys)),
    ];
    for (peer, bytes) in peers {
        let name = Keyspace::<FoldHash>::NAME;
        let row = Row::alone(
            ctx.suite,
            "keys of 16 B, values of 32 B",
            n as u64,
            name,
            "used_memory a key",
            "B",
            ours,
        );
        ctx.report.row(row.beside(peer, bytes / n as f64));
    }
}

fn bytes_of<S: Store>(keys: &Keys) -> f64 {
    let before = zmalloc::used_memory();
    let mut store = S::new(keys.insert.len());
    keys.insert.iter().for_each(|key| store.set(key, &value(key, 1), 0));
    store.finish_background_work();
    (zmalloc::used_memory() - before) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_timed_in_all_phases() {
        let keys = Keys::new(500, 1);
        for times in [run_phases::<Keyspace<FoldHash>>(&keys), run_phases::<BoxMap>(&keys)] {
            assert!(times.iter().all(|time| !time.is_zero()), "{times:?}");
        }
    }

    #[test]
    fn a_box_map_takes_its_boxes_and_a_keyspace_less() {
        let keys = Keys::new(10_000, 1);
        let [ours, theirs] = [bytes_of::<Keyspace<FoldHash>>(&keys), bytes_of::<BoxMap>(&keys)];
        // The boxes take 16 and 32 bytes, and the table takes at least 33.
        assert!(theirs > 81.0 * 10_000.0 && ours < 0.8 * theirs, "{ours} {theirs}");
    }
}
