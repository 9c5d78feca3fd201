//! Snapshots that run between random operations.

use super::*;

/// Does one operation, which the number `random` chooses.
fn change(keyspace: &mut Keyspace, other: &mut Keyspace, random: u64, now: u64) {
    let (what, n) = (random % 32, (random >> 8) as usize);
    let pick = (random >> 40) as usize;
    let name = match pick % 3 {
        0 => format!("text {}", n % 30),
        1 => format!("{} {}", TYPES[n % 4], n % 10),
        _ => format!("{} large", TYPES[n % 4]),
    };
    let key = name.as_bytes();
    let expiry = Expiry::AtMillis(now as i64 + (n % 50) as i64 - 5);
    /// An operation may fail if there is no memory.
    fn ignore<T>(_result: T) {}
    match what {
        0..4 => ignore(keyspace.set(key, &vec![b'y'; n % 90][..], now)),
        4 => ignore(keyspace.append(key, b"more", now)),
        5 => ignore(keyspace.incr_by(key, 1, now)),
        6..10 if !name.starts_with("text") => {
            (0..n % 20).for_each(|n| ignore(add(keyspace, &name, n + pick % 99)))
        }
        10 | 11 => ignore(keyspace.srem(key, format!("element {}", n % 80).as_bytes(), now)),
        12 => ignore(keyspace.hdel(key, format!("element {}", n % 80).as_bytes(), now)),
        13..15 => ignore(keyspace.remove(key, now)),
        15 => ignore(keyspace.rename(key, format!("{name} new").as_bytes(), now)),
        16 => ignore(keyspace.rename(format!("{name} new").as_bytes(), key, now)),
        17 => ignore(keyspace.copy(key, format!("{name} new").as_bytes(), true, now)),
        18 => ignore(keyspace.copy(format!("text {}", n % 30).as_bytes(), key, true, now)),
        19 => ignore(keyspace.expire(key, expiry, ExpireOptions::default(), now)),
        20 => ignore(keyspace.persist(key, now)),
        21 => ignore(keyspace.take(key, now)),
        22 => ignore(keyspace.move_to(key, other, now)),
        23 => ignore(other.move_to(key, keyspace, now)),
        24 => ignore(keyspace.evict_down_to(keyspace.len().saturating_sub(2), now)),
        25 => ignore(keyspace.expire_some(now, 100)),
        26 if pick.is_multiple_of(8) => keyspace.clear(),
        27 if pick.is_multiple_of(3) => keyspace.retain(now, |key, _value| key.len() != n % 12),
        28 => keyspace.shrink_to_fit(),
        29 if pick.is_multiple_of(2) => {
            // The clock stands still, so that the time of defragmentation never ends.
            keyspace.set_options(options().active_defrag_ignore_bytes(1).active_defrag_threshold_lower(1));
            ignore(keyspace.active_defrag(now, Duration::from_micros(500), || Duration::ZERO));
        }
        29 => ignore(keyspace.maintain(now, Duration::from_micros(500), || Duration::ZERO)),
        30 => keyspace.set_options(options().maxmemory_policy(POLICIES[n % 5]).maxmemory(n % 60_000)),
        31 if pick.is_multiple_of(2) => ignore(keyspace.set_symbols(TABLES.get(n % 3).cloned())),
        31 if pick % 4 == 1 => ignore(keyspace.recode_for(Duration::MAX, || Duration::ZERO)),
        31 => keyspace.set_options(options().lazyfree_lazy_user_del(n % 2 == 0)),
        _ => ignore(keyspace.get_remove(key, now)),
    }
}

const POLICIES: [MaxmemoryPolicy; 5] = [
    MaxmemoryPolicy::AllkeysLfu,
    MaxmemoryPolicy::AllkeysLru,
    MaxmemoryPolicy::AllkeysS3fifo,
    MaxmemoryPolicy::VolatileTtl,
    MaxmemoryPolicy::AllkeysRandom,
];

/// An action between two operations.
#[derive(Clone, Copy, Debug)]
enum BetweenOps {
    Nothing,
    Steps(usize),
    Abandon,
    /// Lets allocations of the next operation fail.
    NoMemory,
    AdvanceTime(u64),
}

fn between_ops() -> impl Strategy<Value = BetweenOps> {
    prop_oneof![
        6 => Just(BetweenOps::Nothing),
        6 => (1..4_usize).prop_map(BetweenOps::Steps),
        1 => (1..200_usize).prop_map(BetweenOps::Steps),
        1 => Just(BetweenOps::NoMemory),
        1 => (0..20_u64).prop_map(BetweenOps::AdvanceTime),
        1 => prop::bool::weighted(0.2).prop_map(|abandon| if abandon { BetweenOps::Abandon } else { BetweenOps::Nothing }),
    ]
}

proptest! {
    #![proptest_config(testing::config(300, 1))]

    /// Runs one snapshot after the other between all operations on keys. Each finished snapshot must have the
    /// state of its start.
    #[test]
    fn a_snapshot_is_the_state_at_its_start(
        changes in prop::collection::vec((any::<u64>(), between_ops()), 0..if cfg!(miri) { 20 } else { 300 }),
        slice in 1..20_usize,
        fails_at in prop_oneof![3 => Just(usize::MAX), 1 => 0..100_usize],
    ) {
        LazyLock::force(&TABLES);
        let region = Region::start();
        let (mut keyspace, mut other, mut now) = (empty(), empty(), NOW);
        for n in 0..if cfg!(miri) { 3 } else { 30 } {
            keyspace.set(format!("text {n}").as_bytes(), &vec![b'x'; n][..], now).unwrap();
            add_many(&mut keyspace, &format!("{} {}", TYPES[n % 4], n % 10), n % 12);
        }
        TYPES.iter().for_each(|name| add_many(&mut keyspace, &format!("{name} large"), MANY));
        let mut running: Option<(Arc<Mutex<Got>>, State)> = None;
        for (random, between_ops) in changes {
            if running.is_none() && keyspace.snapshot_bytes() == 0 {
                let (mut sink, got) = Collector::new(slice);
                sink.fails_at = fails_at;
                let expected = state_of(&keyspace, now);
                keyspace.begin_snapshot(sink, now).unwrap();
                running = Some((got, expected));
            }
            let mut plan = None;
            match between_ops {
                BetweenOps::Nothing => {}
                BetweenOps::Steps(steps) => for _ in 0..steps {
                    if step(&mut keyspace).is_complete {
                        break;
                    }
                }
                BetweenOps::Abandon => {
                    keyspace.abandon_snapshot();
                    running = None;
                }
                BetweenOps::NoMemory => plan = Some(fault::fail_from(1)),
                BetweenOps::AdvanceTime(millis) => now += millis,
            }
            change(&mut keyspace, &mut other, random, now);
            drop(plan);
            keyspace.check();
            prop_assert_eq!((keyspace.allocation_size() + other.allocation_size()) as isize, region.held());
            if !keyspace.is_snapshot_running() && let Some((got, expected)) = running.take() {
                let got = got.lock().unwrap();
                prop_assert_eq!(got.is_finished, keyspace.last_snapshot_end() == Some(SnapshotEnd::Saved));
                prop_assert!(got.is_dropped);
                if got.is_finished {
                    prop_assert_eq!(&got.state, &expected);
                }
            }
        }
        while !step(&mut keyspace).is_complete {
            keyspace.check();
        }
        if let Some((got, expected)) = running.take() && keyspace.last_snapshot_end() == Some(SnapshotEnd::Saved) {
            prop_assert_eq!(&got.lock().unwrap().state, &expected);
        }
        drop((keyspace, other));
        prop_assert_eq!(region.held(), 0);
    }
}
