//! Measures the cost of eviction in time and in bytes.
//!
//! ```text
//!  below the limit   SET of new keys, GET of all, SET of all again       beside noeviction without a limit
//!  at the limit      SET of a new key, which evicts one                  beside noeviction, which grows
//!   all keys used    the same, after every key has been read twice
//! ```
//!
//! In the first part, the limit is twice the bytes that the keys take, so nothing is evicted. The additional
//! time is that of the access clock, and of the check whether there is room. GETs are timed in the two ways
//! of the suite `keyspace`.
//!
//! At the limit, a keyspace is filled with the keys of the run. The limit is the number of bytes that these
//! keys take without eviction, so ghosts and queues take room from keys. After every key has been read twice,
//! LRU has the same work as before. S3-FIFO keeps used keys for another round before it evicts one.
//!
//! Keys have 16 bytes and values 32. A round of a keyspace is a whole life (see
//! [`lifecycle`](crate::lifecycle)).

use super::store::{VALUE, keyspace};
use crate::dependent;
use crate::keys::{Key, Keys};
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::measure::Samples;
use crate::report::Row;
use crate::stores::Store;
use crate::suite::Ctx;
use keyspace::Keyspace;
use keyspace::MaxmemoryPolicy::{self, AllkeysLfu, AllkeysLru, AllkeysRandom, AllkeysS3fifo, Noeviction};
use std::hint::black_box;
use std::time::Duration;

/// Redcore without eviction, which is the peer of the policies.
pub(super) const NOEVICTION: &str = Noeviction.as_str();

/// The phases that are timed below the limit, in their order.
const BELOW: [&str; 4] = [
    "SET of a new key, below the limit",
    "GET, independent, below the limit",
    "GET, dependent, below the limit",
    "SET of an old key, below the limit",
];

/// The phases that are timed at the limit.
const AT_LIMIT: [&str; 2] =
    ["SET of a new key, at the limit", "SET of a new key, at the limit, all keys used"];

/// The maximum number of SETs at the limit that are timed.
const SETS_MAX: usize = 250_000;

pub(super) fn run(ctx: &mut Ctx) {
    let sizes: &[(usize, usize)] =
        ctx.settings.pick(&[(2_000, 1)], &[(250_000, 5)], &[(1_000_000, 7), (4_000_000, 3)]);
    for &(n, rounds) in sizes {
        let keys = &Keys::new(n, ctx.settings.seed);
        let bytes = full(Noeviction, 0, keys).allocation_size();
        // With this many keys, a life is so long that no round is needed to warm up.
        let schedule = Schedule { rounds, repeats: 1, warm_up: false, seed: ctx.settings.seed };

        let policies = [Noeviction, AllkeysLru, AllkeysS3fifo];
        let mut candidates = policies
            .map(|policy| Candidate::new(policy.as_str(), move || below_the_limit(policy, 2 * bytes, keys)));
        let samples =
            time_phases(&mut candidates, schedule, &format!("{n} keys below the limit"), ctx.progress);
        BELOW.iter().zip(&samples).for_each(|(case, samples)| compare(ctx, case, n, n, samples));

        let policies = [Noeviction, AllkeysLru, AllkeysLfu, AllkeysRandom, AllkeysS3fifo];
        let mut candidates =
            policies.map(|policy| Candidate::new(policy.as_str(), move || at_the_limit(policy, bytes, keys)));
        let samples = time_phases(&mut candidates, schedule, &format!("{n} keys at the limit"), ctx.progress);
        let sets = new_keys(keys).len();
        AT_LIMIT.iter().zip(&samples).for_each(|(case, samples)| compare(ctx, case, n, sets, samples));

        report_bytes(ctx, bytes, keys);
    }
}

/// Compares each policy with the first sample, which has no eviction.
fn compare(ctx: &mut Ctx, case: &str, n: usize, ops: usize, samples: &[Samples]) {
    let (noeviction, policies) = samples.split_at(1);
    ctx.report.compare_many(ctx.suite, case, n as u64, ops as u64, policies, noeviction);
}

/// Returns the keys that are added at the limit.
fn new_keys(keys: &Keys) -> &[Key] {
    &keys.absent[..keys.absent.len().min(SETS_MAX)]
}

/// Returns an empty keyspace with a policy. Without eviction, it has no limit.
fn empty(policy: MaxmemoryPolicy, maxmemory: usize) -> Keyspace<FoldHash> {
    keyspace(policy, if policy == Noeviction { 0 } else { maxmemory })
}

/// Returns a keyspace after a SET of each key at the time 0.
fn full(policy: MaxmemoryPolicy, maxmemory: usize, keys: &Keys) -> Keyspace<FoldHash> {
    let mut store = empty(policy, maxmemory);
    keys.insert.iter().for_each(|key| Store::set(&mut store, key, VALUE, 0));
    store
}

fn below_the_limit(policy: MaxmemoryPolicy, limit: usize, keys: &Keys) -> [Duration; BELOW.len()] {
    let mut store = empty(policy, limit);
    // The time advances by a second with each phase. So the first use of each key in a phase sets its access
    // clock.
    let [t0, t1, t2, t3]: [u64; BELOW.len()] = std::array::from_fn(|phase| 1_000 * phase as u64);
    let new = timed(|| keys.insert.iter().for_each(|key| Store::set(&mut store, black_box(key), VALUE, t0)));
    let get = |key: &Key, now| Store::get(&store, key, now).expect("all are there");
    let independent = timed(|| {
        let all = keys.find.iter().fold(0, |all, key| all ^ get(black_box(key), t1));
        black_box(all);
    });
    let dependent = dependent::hits(&keys.find, |key| get(key, t2));
    let old = timed(|| keys.find.iter().for_each(|key| Store::set(&mut store, black_box(key), VALUE, t3)));
    assert_eq!(store.len(), keys.insert.len(), "{policy} has evicted below the limit");
    [new, independent, dependent, old]
}

fn at_the_limit(policy: MaxmemoryPolicy, limit: usize, keys: &Keys) -> [Duration; AT_LIMIT.len()] {
    [false, true].map(|is_used| {
        let mut store = full(policy, limit, keys);
        if is_used {
            for now in [1_000, 2_000] {
                let found = keys.find.iter().filter(|key| Store::get(&store, *key, now).is_some());
                black_box(found.count());
            }
        }
        let (len, evicted, new) = (store.len(), store.evicted_keys(), new_keys(keys));
        let time = timed(|| new.iter().for_each(|key| Store::set(&mut store, black_box(key), VALUE, 3_000)));
        let evicted = (store.evicted_keys() - evicted) as usize;
        assert_eq!(len + new.len(), store.len() + evicted, "{policy}: a key is either there or evicted");
        assert!(policy == Noeviction || evicted > new.len() / 10 * 9, "{policy}: {evicted} keys are evicted");
        time
    })
}

/// Reports two numbers of bytes per key: what a keyspace takes without its ghosts and its queue, below the
/// limit, and what the ghosts and the queue take, below the limit and at the limit.
fn report_bytes(ctx: &mut Ctx, limit: usize, keys: &Keys) {
    let a_key = |bytes: usize, store: &Keyspace<FoldHash>| bytes as f64 / store.len() as f64;
    let case = "keys of 16 B, values of 32 B";
    let row = |policy: MaxmemoryPolicy, case: &str, metric, value| {
        Row::alone(ctx.suite, case, keys.insert.len() as u64, policy.as_str(), metric, "B", value)
    };
    let own = |store: &Keyspace<FoldHash>| a_key(store.allocation_size() - store.eviction_bytes(), store);
    let without = own(&full(Noeviction, 0, keys));
    let mut rows = Vec::new();
    for policy in [AllkeysLru, AllkeysS3fifo] {
        let mut store = full(policy, 2 * limit, keys);
        rows.push(
            row(policy, case, "bytes a key without ghosts and queue", own(&store))
                .beside(NOEVICTION, without),
        );
        rows.push(row(policy, case, "ghosts and queue a key", a_key(store.eviction_bytes(), &store)));
        store = full(policy, limit, keys);
        new_keys(keys).iter().for_each(|key| Store::set(&mut store, key, VALUE, 1_000));
        let case = format!("{case}, at the limit");
        rows.push(row(policy, &case, "ghosts and queue a key", a_key(store.eviction_bytes(), &store)));
    }
    rows.into_iter().for_each(|row| ctx.report.row(row));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_timed_in_all_phases_and_evict_at_the_limit_only() {
        let keys = Keys::new(500, 1);
        let limit = full(Noeviction, 0, &keys).allocation_size();
        for policy in [Noeviction, AllkeysLru, AllkeysS3fifo] {
            let times = [&below_the_limit(policy, 2 * limit, &keys)[..], &at_the_limit(policy, limit, &keys)]
                .concat();
            assert!(times.iter().all(|time| !time.is_zero()), "{policy}: {times:?}");
        }
    }
}
