//! `maintain` does all background work, in turns and within its budget. Then the caller may wait.

use keyspace::{ExpireOptions, Expiry, Keyspace, Maintained, MaxmemoryPolicy, Options, Sharded};
use std::time::Duration;

const KEYS: usize = 20_000;

/// The clock advances by this time with each reading.
const TICK: Duration = Duration::from_micros(10);

/// The time slice of a task in the library.
const TIME_SLICE: Duration = Duration::from_micros(50);

fn clock() -> impl FnMut() -> Duration {
    let mut time = Duration::ZERO;
    move || {
        time += TICK;
        time
    }
}

fn key(n: usize) -> Vec<u8> {
    format!("key:{n:08}").into_bytes()
}

/// Returns a keyspace with work for every task that does not depend on the allocator. At time 2,000, a
/// quarter of the keys have expired, a large value was removed, the table is too large, and the limit is too
/// low.
fn with_work_for_every_task() -> Keyspace {
    let options = Options::new().maxmemory_policy(MaxmemoryPolicy::AllkeysLru);
    let mut keyspace = Keyspace::with_options(options.activedefrag(false)); // Gaps depend on the process.
    for n in 0..KEYS {
        keyspace.set(key(n).as_slice(), n as i64, 1_000).unwrap();
        keyspace.sadd("large", key(n).as_slice(), 1_000).unwrap();
        if n % 4 == 0 {
            let options = ExpireOptions::default();
            assert!(keyspace.expire(key(n).as_slice(), Expiry::InMillis(100), options, 1_000).unwrap());
        }
    }
    keyspace.retain(1_000, |key, _value| key == b"large" || key.ends_with(b"0") || key.ends_with(b"4"));
    assert!(keyspace.remove("large", 1_000));
    let limit = (keyspace.allocation_size() - keyspace.lazyfree_pending_bytes()) / 2;
    keyspace.set_options(keyspace.options().maxmemory(limit));
    assert!(keyspace.rehash_debt() > 0 && keyspace.lazyfree_pending_bytes() > 0 && keyspace.expires() > 0);
    keyspace
}

/// Calls `maintain` until the next call may wait.
fn maintain_to_the_end(keyspace: &mut Keyspace, budget: Duration) -> Vec<Maintained> {
    let mut calls = Vec::new();
    loop {
        let done = keyspace.maintain(2_000, budget, clock());
        calls.push(done);
        if !done.next.is_zero() {
            return calls;
        }
        assert!(calls.len() < 100 * KEYS, "it comes to an end");
    }
}

#[test]
fn everything_is_done_in_the_end() {
    for budget in [Duration::ZERO, TICK, Duration::from_micros(500), Duration::MAX] {
        let mut keyspace = with_work_for_every_task();
        let calls = maintain_to_the_end(&mut keyspace, budget);
        assert_eq!((keyspace.lazyfree_pending_bytes(), keyspace.rehash_debt()), (0, 0), "{budget:?}");
        assert!(keyspace.counted_bytes() <= keyspace.options().get_maxmemory());
        assert!(keyspace.expires() * 10 < keyspace.len(), "few expired keys are left");
        assert_eq!(keyspace.lazyfreed_objects(), 1);
        assert!(
            calls.iter().any(|done| done.expired.removed > 0 && done.rehashed.chunks_merged > 0)
                || budget < TIME_SLICE
        );
        let last = calls.last().unwrap();
        assert!(last.freed.is_complete && last.evicted.is_within);
        // The next call is for a sweep, or for free pages if the allocator returns pages after a time.
        let waits = [Duration::from_millis(100), Duration::from_secs(1)];
        assert!(waits.contains(&last.next), "{:?}", last.next);
        keyspace.check();
    }
}

#[test]
fn each_task_has_its_turn_however_small_the_budget_is() {
    let mut keyspace = with_work_for_every_task();
    let mut sum = [0; 4];
    for _ in 0..10 {
        let done = keyspace.maintain(2_000, Duration::ZERO, clock());
        assert!(done.next.is_zero());
        let tasks = [
            done.expired.removed,
            done.freed.bytes,
            done.rehashed.chunks_merged as usize,
            done.evicted.bytes,
        ];
        assert!(tasks.iter().filter(|&&work| work > 0).count() <= 1, "one turn a call: {tasks:?}");
        sum = std::array::from_fn(|task| sum[task] + tasks[task]);
    }
    assert!(sum.iter().all(|&work| work > 0), "{sum:?}");
}

#[test]
fn a_limit_that_was_lowered_is_reached_under_every_policy() {
    for policy in MaxmemoryPolicy::ALL.into_iter().filter(|policy| !policy.is_volatile()) {
        let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy));
        for n in 0..KEYS {
            keyspace.set(key(n).as_slice(), n as i64, 1_000).unwrap();
        }
        let limit = keyspace.allocation_size() / 2;
        keyspace.set_options(keyspace.options().maxmemory(limit));
        let calls = maintain_to_the_end(&mut keyspace, Duration::from_micros(500));
        let evicts = policy != MaxmemoryPolicy::Noeviction;
        assert_eq!(keyspace.counted_bytes() <= limit, evicts, "{policy}");
        assert_eq!(calls.last().unwrap().evicted.is_within, evicts);
        let keys: usize = calls.iter().map(|done| done.evicted.keys).sum();
        assert_eq!((keys > KEYS / 4, keys as u64), (evicts, keyspace.evicted_keys()));
    }
}

#[test]
fn a_task_whose_turn_has_not_come_is_not_complete() {
    let mut keyspace = with_work_for_every_task();
    let done = keyspace.maintain(2_000, Duration::ZERO, clock());
    assert!(!done.freed.is_complete && !done.evicted.is_within && done.next.is_zero());
}

#[test]
fn a_call_ends_with_the_turn_that_spends_the_budget() {
    let mut keyspace = with_work_for_every_task();
    loop {
        let (mut looks, budget) = (0, Duration::from_micros(300));
        let done = keyspace.maintain(2_000, budget, || {
            looks += 1;
            TICK * looks
        });
        // A task that ends with its turn has read the clock once more.
        assert!(TICK * looks <= budget + TIME_SLICE + 2 * TICK, "{looks} looks");
        if !done.next.is_zero() {
            return;
        }
    }
}

#[test]
fn an_idle_keyspace_is_looked_at_once_a_second() {
    let mut keyspace = Keyspace::with_options(Options::new().activedefrag(false));
    keyspace.set("key", "value", 0).unwrap();
    let done = keyspace.maintain(0, Duration::from_millis(1), clock());
    assert_eq!(done.next, Duration::from_secs(1));
    assert!(done.expired.is_complete && done.freed.is_complete && done.defragged.is_complete);
    assert_eq!((done.expired.removed, done.evicted.keys, done.rehashed.chunks_split), (0, 0, 0));
}

#[test]
fn a_sweep_comes_ten_times_a_second() {
    let mut keyspace = Keyspace::with_options(Options::new().activedefrag(false));
    keyspace.set("key", "value", 0).unwrap();
    keyspace.expire("key", Expiry::InMillis(1_000_000), ExpireOptions::default(), 0).unwrap();
    let mut sweeps = Vec::new();
    for now in 0..500 {
        let done = keyspace.maintain(now, Duration::from_millis(1), clock());
        assert_eq!(done.next, Duration::from_millis(100 - now % 100));
        if done.expired.looked_at > 0 {
            sweeps.push(now);
        }
    }
    assert_eq!(sweeps, [0, 100, 200, 300, 400]);
}

#[test]
fn a_table_that_may_not_change_its_size_does_not_keep_the_caller_busy() {
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory(1 << 20));
    for n in 0..KEYS {
        if keyspace.set(key(n).as_slice(), n as i64, 0).is_err() {
            break;
        }
    }
    let calls = maintain_to_the_end(&mut keyspace, Duration::from_millis(1));
    assert!(!calls.last().unwrap().next.is_zero());
    keyspace.check();
}

#[test]
fn a_limit_that_no_eviction_can_reach_does_not_keep_the_caller_busy() {
    let mut keyspace = Keyspace::new();
    keyspace.set("key", "value", 0).unwrap();
    keyspace.set_options(Options::new().maxmemory(1).activedefrag(false));
    let done = keyspace.maintain(0, Duration::from_millis(1), clock());
    assert!(!done.evicted.is_within);
    assert_eq!(done.next, Duration::from_secs(1));
}

#[test]
fn all_shards_are_maintained_whatever_the_budget_is() {
    for budget in [Duration::ZERO, Duration::from_micros(60), Duration::from_millis(10)] {
        let sharded = Sharded::new(8);
        for n in 0..KEYS {
            sharded.write(&*key(n), |keyspace, key| keyspace.set(key, n as i64, 0)).unwrap();
        }
        sharded.for_each_mut(|keyspace| keyspace.clear());
        assert!(sharded.allocation_size() > KEYS);
        let mut calls = 0;
        while sharded.maintain(0, budget, clock()).next.is_zero() {
            calls += 1;
            assert!(calls < 100 * KEYS, "it comes to an end");
        }
        sharded.for_each(|keyspace| assert_eq!(keyspace.lazyfree_pending_bytes(), 0));
        assert!(calls > 2 || budget > Duration::from_millis(1));
    }
}

#[test]
fn several_threads_may_maintain_shards_beside_writers() {
    let sharded = Sharded::new(8);
    std::thread::scope(|scope| {
        let sharded = &sharded;
        for thread in 0..2 {
            scope.spawn(move || {
                for n in 0..KEYS / 2 {
                    let name = key(2 * n + thread);
                    sharded.write(&*name, |keyspace, key| keyspace.set(key, n as i64, 0)).unwrap();
                    if n % 3 == 0 {
                        assert!(sharded.write(&*name, |keyspace, key| keyspace.remove(key, 0)));
                    }
                }
            });
            scope.spawn(move || {
                for now in 0..20 {
                    let done = sharded.maintain(now, Duration::from_micros(100), clock());
                    assert!(done.next <= Duration::from_secs(1));
                }
            });
        }
    });
    assert_eq!(sharded.len(), KEYS - 2 * (KEYS / 2).div_ceil(3));
    sharded.for_each(Keyspace::check);
}
