//! Measures two threads on one database. Keyspaces behind locks are compared with concurrent maps.
//!
//! Each thread visits all keys in its own order. Of twenty requests, nineteen are gets, and one sets a key
//! again. The time is the wall-clock time from the start of the first thread to the end of the last one.

use crate::keys::Keys;
use crate::maps::FoldHash;
use crate::measure::{Subject, paired};
use crate::stores::{BATCH, DashMap, MokaCache, PapayaMap, QuickCache, SharedStore, Store};
use crate::suite::Ctx;
use keyspace::Sharded;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// A set follows this many gets, so 95 % of the requests are gets.
const GETS_PER_SET: usize = 19;

const THREADS: usize = 2;

/// The subject whose gets are batches, which no peer has.
pub(super) const IN_BATCHES: &str = "Sharded, batches of 16";

/// The values at the start, and those that are set.
const OLD: [u8; 32] = [b'o'; 32];
const NEW: [u8; 32] = [b'n'; 32];

pub(super) fn run(ctx: &mut Ctx) {
    let n = ctx.settings.pick(2_000, 100_000, 4_000_000);
    let rounds = ctx.settings.pick(1, 5, 5);
    let orders: [Keys; THREADS] =
        std::array::from_fn(|thread| Keys::new(n, ctx.settings.seed + 10 * thread as u64));
    let sharded = filled::<Sharded<FoldHash>>(&orders);
    let (dashmap, papaya) = (filled::<DashMap>(&orders), filled::<PapayaMap>(&orders));
    let (moka, quick_cache) = (filled::<MokaCache>(&orders), filled::<QuickCache>(&orders));
    let mut subjects = [
        Subject::new(IN_BATCHES, || in_batches(&sharded, &orders)),
        Subject::new(Sharded::<FoldHash>::NAME, || one_by_one(&sharded, &orders)),
        Subject::new(DashMap::NAME, || one_by_one(&dashmap, &orders)),
        Subject::new(PapayaMap::NAME, || one_by_one(&papaya, &orders)),
        Subject::new(MokaCache::NAME, || one_by_one(&moka, &orders)),
        Subject::new(QuickCache::NAME, || one_by_one(&quick_cache, &orders)),
    ];
    ctx.progress.start("two threads", rounds + 1);
    let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
    let requests = (THREADS * n) as u64;
    let (ours, peers) = samples.split_at(2);
    ctx.report.compare_many(ctx.suite, "2 threads, 95 % GET, 5 % SET", n as u64, requests, ours, peers);
    ctx.report.note(
        ctx.suite,
        "Two threads: the wall clock from the first start to the last end, over the requests of both. Batches of 16 read as many \
         keys under one round of locks. A peer has no batches, and papaya pins its memory once a request. Sharded has 32 shards a \
         processor, as its documentation recommends, and dashmap its default of 4.",
    );
}

fn filled<S: Store>(orders: &[Keys]) -> S {
    let keys = &orders[0].insert;
    let mut store = S::new(keys.len());
    keys.iter().for_each(|key| store.set(key, &OLD, 0));
    store
}

/// Runs `work` on each thread with its keys. Returns the time from the start of the first thread to the end
/// of the last one.
fn together(orders: &[Keys], work: impl Fn(&Keys) + Sync) -> Duration {
    let start = Barrier::new(orders.len());
    let times: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = orders
            .iter()
            .map(|keys| {
                scope.spawn(|| {
                    start.wait();
                    let begin = Instant::now();
                    work(keys);
                    (begin, Instant::now())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let (first, last) = (times.iter().map(|time| time.0).min(), times.iter().map(|time| time.1).max());
    first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first)
}

/// Returns the time in milliseconds that is passed to the store. It advances with the requests.
fn now(request: usize) -> u64 {
    const REQUESTS_PER_MS: usize = 1_000;
    (request / REQUESTS_PER_MS) as u64
}

fn one_by_one<S: SharedStore>(store: &S, orders: &[Keys]) -> Duration {
    together(orders, |keys| {
        let mut all = 0;
        for (i, request) in keys.find.chunks(GETS_PER_SET + 1).enumerate() {
            let now = now(i * (GETS_PER_SET + 1));
            let (set, gets) = request.split_last().expect("not empty");
            for key in gets {
                all ^= store.get(key, now).expect("all are there");
            }
            store.overwrite_shared(set, &NEW, now);
        }
        black_box(all);
    })
}

/// Makes the same requests with gets in batches, and sets one by one.
fn in_batches<S: SharedStore>(store: &S, orders: &[Keys]) -> Duration {
    together(orders, |keys| {
        let (gets, sets) = keys.find.split_at(keys.find.len() / (GETS_PER_SET + 1) * GETS_PER_SET);
        let (batches, rest) = gets.as_chunks::<BATCH>();
        let mut sets = sets.iter();
        let mut all = 0;
        for (i, batch) in batches.iter().enumerate() {
            let now = now(i * BATCH);
            for value in store.get_batch(batch, now) {
                all ^= value.expect("all are there");
            }
            // The sets keep the ratio of one set to nineteen gets.
            let due = (i + 1) * BATCH / GETS_PER_SET - i * BATCH / GETS_PER_SET;
            sets.by_ref().take(due).for_each(|key| store.overwrite_shared(key, &NEW, now));
        }
        let now = now(gets.len());
        rest.iter().for_each(|key| all ^= store.get(key, now).expect("all are there"));
        sets.for_each(|key| store.overwrite_shared(key, &NEW, now));
        black_box(all);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::key;

    #[test]
    fn both_ways_of_asking_set_a_twentieth_of_the_keys() {
        let orders = [Keys::new(2_000, 1), Keys::new(2_000, 5)];
        for run in [one_by_one, in_batches] {
            let store = filled::<Sharded<FoldHash>>(&orders);
            assert!(!run(&store, &orders[..1]).is_zero());
            let new = u64::from_le_bytes([b'n'; 8]);
            let set = (0..2_000).filter(|&n| store.get(&key(n), 0) == Some(new)).count();
            assert_eq!(set, 100);
        }
    }
}
