//! Measures the cost of requests that also free garbage, and the cost of a call of `maintain` that has
//! nothing to do.
//!
//! A write frees 16 blocks of garbage, or 32 if it replaces a value. A read frees none. In the cases with
//! garbage, there is more of it than all writes can free. So every write has the full cost.

use crate::keys::{Keys, key};
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::measure::{Subject, paired};
use crate::report::Row;
use crate::stores::Store;
use crate::suite::Ctx;
use keyspace::{Keyspace, Options};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The peer.
pub(super) const NO_GARBAGE: &str = "no garbage";

const VALUE: &[u8; 32] = b"a value of thirty-two bytes here";

/// The phases that are timed, in their order.
const PHASES: [&str; 3] = ["GET", "SET of an old key", "DEL"];

/// The number of blocks that a write frees. A SET of an old key frees twice as many.
const BLOCKS_PER_WRITE: usize = 16;

pub(super) fn run(ctx: &mut Ctx) {
    let (n, ops, rounds) = ctx.settings.pick((2_000, 200, 2), (100_000, 10_000, 5), (1_000_000, 100_000, 5));
    let keys = &Keys::new(n, ctx.settings.seed);
    let mut candidates = [("garbage", true), (NO_GARBAGE, false)]
        .map(|(name, has_garbage)| Candidate::new(name, move || run_phases(keys, ops, has_garbage)));
    let schedule = Schedule { rounds, repeats: 1, warm_up: false, seed: ctx.settings.seed };
    let phases = time_phases(&mut candidates, schedule, "requests beside garbage", ctx.progress);
    for (phase, samples) in PHASES.iter().zip(&phases) {
        let case = format!("{phase}, freeing in passing");
        ctx.report.compare(ctx.suite, &case, n as u64, ops as u64, samples);
    }
    idle(ctx, keys);
}

fn filled(keys: &Keys, options: Options) -> Keyspace<FoldHash> {
    let mut store = Keyspace::with_options_and_hasher(options, FoldHash::default());
    keys.insert.iter().for_each(|key| Store::set(&mut store, key, VALUE, 0));
    store
}

fn run_phases(keys: &Keys, ops: usize, has_garbage: bool) -> [Duration; PHASES.len()] {
    let mut store = filled(keys, Options::new());
    for i in 0..(4 * ops * BLOCKS_PER_WRITE) as u64 {
        store.sadd("large", &key(i), 0).expect("there is memory");
    }
    if has_garbage {
        assert!(store.remove("large", 0));
    }
    let some = &keys.find[..ops];
    let get = timed(|| {
        let all = some.iter().fold(0, |all, key| all ^ Store::get(&store, black_box(key), 0).unwrap_or(0));
        black_box(all);
    });
    let set = timed(|| some.iter().for_each(|key| Store::set(&mut store, black_box(key), VALUE, 0)));
    let del = timed(|| {
        some.iter().for_each(|key| {
            black_box(Store::remove(&mut store, black_box(key), 0));
        });
    });
    assert_eq!(store.lazyfree_pending_objects(), usize::from(has_garbage), "every write has freed some");
    [get, set, del]
}

/// Measures calls of `maintain` with nothing to do. In one case, they are within a millisecond. In the other,
/// there is one call in each second, which reads the fragmentation of the allocator.
fn idle(ctx: &mut Ctx, keys: &Keys) {
    // These options never start defragmentation, whatever the fragmentation of this process is.
    let mut store = filled(keys, Options::new().active_defrag_ignore_bytes(usize::MAX));
    let (start, budget) = (Instant::now(), Duration::from_micros(500));
    while store.maintain(0, budget, || start.elapsed()).next.is_zero() {}
    let (calls, looks) = ctx.settings.pick((100, 10), (100_000, 1_000), (1_000_000, 10_000));
    let mut now = 0;
    for (case, count, step) in
        [("a call of maintain, idle", calls, 0), ("a call of maintain, with a look", looks, 1_000)]
    {
        let mut subjects = [Subject::new("Keyspace", || {
            timed(|| {
                for _ in 0..count {
                    now += step;
                    black_box(store.maintain(now, budget, || start.elapsed()));
                }
            })
        })];
        let rounds = ctx.settings.pick(1, 5, 9);
        ctx.progress.start(case, rounds + 1);
        let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
        let ns = samples[0].median_ns() / count as f64;
        ctx.report.row(Row::alone(ctx.suite, case, keys.insert.len() as u64, "Keyspace", "time", "ns", ns));
    }
}
