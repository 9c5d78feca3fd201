//! Snapshots that save all shards as they are at one moment.

use super::*;

/// Several threads write keys while all shards are saved. Each key counts up. At any moment, all keys of one
/// thread are equal or differ by one. So they must differ by at most one in the snapshot too.
#[test]
#[cfg_attr(miri, ignore = "slow; no unsafe code of its own")]
fn shards_are_saved_as_of_one_moment_beside_writers() {
    const KEYS_PER_THREAD: i64 = 200;
    let sharded = Sharded::new(8);
    let write = |thread: usize, key: i64, value: i64| {
        let key = format!("{thread}:{key}");
        sharded.write(&key, |keyspace, key| keyspace.set(key, value, NOW)).unwrap();
    };
    (0..2).for_each(|thread| (0..KEYS_PER_THREAD).for_each(|key| write(thread, key, 0)));
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let over = || is_over.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let write = &write;
            scope.spawn(move || {
                for value in 1.. {
                    (0..KEYS_PER_THREAD).for_each(|key| write(thread, key, value));
                    if over() {
                        break;
                    }
                }
            });
        }
        for _ in 0..30 {
            let all = Arc::new(Mutex::new(Vec::new()));
            let make_sink = |_shard| {
                let (sink, got) = Collector::new(1);
                all.lock().unwrap().push(got);
                sink
            };
            sharded.begin_snapshot(make_sink, NOW).unwrap();
            assert_eq!(sharded.begin_snapshot(|_| Collector::new(1).0, NOW), Err(SnapshotError::InProgress));
            while !sharded.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
            let mut values = BTreeMap::new();
            for got in all.lock().unwrap().iter() {
                let got = got.lock().unwrap();
                assert!(got.is_finished);
                for (key, (elements, _)) in &got.state {
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    let (thread, key) = text(key)
                        .split_once(':')
                        .map(|(a, b)| (a.to_owned(), b.parse::<i64>().unwrap()))
                        .unwrap();
                    values.insert((thread, key), text(&elements[0]).parse::<i64>().unwrap());
                }
            }
            assert_eq!(values.len(), 2 * KEYS_PER_THREAD as usize);
            for thread in ["0", "1"] {
                let of_thread: Vec<i64> =
                    (0..KEYS_PER_THREAD).map(|key| values[&(thread.to_owned(), key)]).collect();
                // A writer increments its keys in order.
                assert!(of_thread.windows(2).all(|pair| pair[0] >= pair[1]), "{of_thread:?}");
                assert!(of_thread[0] - of_thread[of_thread.len() - 1] <= 1, "{of_thread:?}");
            }
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    sharded.for_each(Keyspace::check);
}

#[test]
fn large_values_of_all_shards_come_after_small_ones_and_one_shard_that_fails_ends_all() {
    let sharded = Sharded::new(4);
    sharded.set_options(options());
    for n in 0..40 {
        sharded.write(&format!("text {n}"), |keyspace, key| keyspace.set(key, n, NOW)).unwrap();
    }
    for n in 0..if cfg!(miri) { 1 } else { 8 } {
        let name = format!("set {n}");
        sharded.write(&name, |keyspace, _key| add_many(keyspace, &name, MANY));
    }
    for (fails_at, is_abandoned) in [(usize::MAX, false), (3, false), (usize::MAX, true), (usize::MAX, false)]
    {
        let order: Arc<Mutex<Vec<bool>>> = Arc::default();
        struct Order(Arc<Mutex<Vec<bool>>>, usize);
        impl SnapshotSink for Order {
            fn save(&mut self, record: &Record<'_>, _portion: Portion) -> Result<bool, SinkError> {
                let mut order = self.0.lock().unwrap();
                order.push(record.key.text().starts_with(b"set"));
                if order.len() > self.1 { Err(SinkError) } else { Ok(true) }
            }
        }
        sharded.begin_snapshot(|_| Order(Arc::clone(&order), fails_at), NOW).unwrap();
        if is_abandoned {
            assert!(sharded.abandon_snapshot() && !sharded.abandon_snapshot());
        }
        let (mut keys, mut calls) = (0, 0);
        assert!(sharded.is_snapshot_running() != is_abandoned);
        let end = loop {
            let done = sharded.snapshot_for(Duration::from_micros(2), || Duration::ZERO);
            keys += done.keys;
            calls += 1;
            if done.is_complete {
                break done.end;
            }
            assert!(calls < 10_000);
        };
        let expected = match (fails_at, is_abandoned) {
            (usize::MAX, false) => SnapshotEnd::Saved,
            (usize::MAX, true) => SnapshotEnd::Abandoned,
            _ => SnapshotEnd::Failed,
        };
        assert_eq!((end, sharded.last_snapshot_end()), (Some(expected), Some(expected)));
        assert!(!sharded.is_snapshot_running() && sharded.snapshot_bytes() == 0);
        sharded.for_each(Keyspace::check);
        let order = order.lock().unwrap();
        if expected == SnapshotEnd::Saved {
            assert!(order.is_sorted() && keys == sharded.len() && order.len() == keys);
        }
    }
}

#[test]
fn shards_without_memory_do_not_begin_a_snapshot() {
    let sharded = Sharded::new(4);
    for nth in 1.. {
        let plan = fault::fail_nth(nth);
        let begun = sharded.begin_snapshot(|_| Collector::new(1).0, NOW);
        let failures = plan.failures();
        drop(plan);
        sharded.for_each(Keyspace::check);
        if failures == 0 {
            assert!(begun.is_ok() && nth > 8);
            break;
        }
        assert!(matches!(begun, Err(SnapshotError::Memory(_))));
    }
}

#[test]
fn a_sink_that_cannot_be_made_leaves_no_snapshot() {
    let sharded = Sharded::new(4);
    sharded.write("key", |keyspace, key| keyspace.set(key, 1, NOW)).unwrap();
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        sharded.begin_snapshot(
            |shard| {
                assert!(shard < 2, "no sink for it");
                Collector::new(1).0
            },
            NOW,
        )
    }));
    assert!(made.is_err());
    sharded.begin_snapshot(|_| Collector::new(1).0, NOW).unwrap();
}

/// Large values of all shards are saved in slices between writes. A sink checks that no other key comes
/// between two slices.
#[test]
fn large_values_of_shards_are_saved_in_slices_beside_writes() {
    let sharded = Sharded::new(4);
    sharded.set_options(options());
    let add_to = |name: &str, n| sharded.write(name, |keyspace, _key| add(keyspace, name, n)).unwrap();
    let names: Vec<_> = (0..24).map(|n| format!("{} {n}", TYPES[n % 4])).collect();
    for name in &names {
        (0..3 * MANY).for_each(|n| add_to(name, n));
    }
    let mut expected = State::new();
    sharded.for_each(|keyspace| expected.extend(state_of(keyspace, NOW)));

    let all = Mutex::new(Vec::new());
    let make_sink = |_shard| {
        let (sink, got) = Collector::new(3);
        all.lock().unwrap().push(got);
        sink
    };
    sharded.begin_snapshot(make_sink, NOW).unwrap();
    assert_eq!(sharded.snapshot_keys_total(), names.len());
    let calls = || all.lock().unwrap().iter().map(|got| got.lock().unwrap().calls).sum::<usize>();
    let (mut time, mut turns) = (0, 0);
    loop {
        let before = calls();
        // The clock advances by 10 us with each reading, so that a turn of a shard has a few steps.
        let done = sharded.snapshot_for(Duration::from_micros(100), || {
            time += 10;
            Duration::from_micros(time)
        });
        assert!(calls() - before <= 10, "a turn is short");
        if done.is_complete {
            assert_eq!(done.end, Some(SnapshotEnd::Saved));
            break;
        }
        turns += 1;
        let new = format!("new {turns}");
        sharded.write(&new, |keyspace, key| keyspace.set(key, 1, NOW)).unwrap();
        // An edit saves the whole value at once. A removal leaves the value to the snapshot.
        if turns % 20 == 0 {
            add_to(&names[turns / 20 % names.len()], 1_000 + turns);
        } else if turns % 20 == 10 {
            sharded.write(&names[turns / 20 % names.len()], |keyspace, key| keyspace.remove(key, NOW));
        }
        sharded.for_each(Keyspace::check);
    }
    // The hash distributes the keys among the shards, and is another one in each run.
    assert!(turns > 60, "{turns} turns");
    let mut got = State::new();
    all.lock().unwrap().iter().for_each(|one| got.extend(std::mem::take(&mut one.lock().unwrap().state)));
    assert_eq!(got, expected);
}

#[test]
fn a_shard_whose_sink_fails_in_a_write_ends_the_snapshot_of_all_in_the_next_call() {
    let sharded = Sharded::new(4);
    for n in 0..400 {
        sharded.write(&format!("text {n}"), |keyspace, key| keyspace.set(key, n, NOW)).unwrap();
    }
    let last = sharded.shard_count() - 1;
    let fails_at = |shard| if shard == last { 0 } else { usize::MAX };
    sharded.begin_snapshot(|shard| Collector::failing(fails_at(shard)).0, NOW).unwrap();
    (0..400).for_each(|n| {
        sharded.write(&format!("text {n}"), |keyspace, key| keyspace.remove(key, NOW));
    });
    assert!(sharded.is_snapshot_running(), "no call of snapshot_for has seen the failure");
    assert_eq!(sharded.snapshot_for(Duration::ZERO, || Duration::ZERO).end, Some(SnapshotEnd::Failed));
    assert!(!sharded.is_snapshot_running());
}

#[test]
fn a_shard_that_is_abandoned_alone_ends_the_snapshot_of_all_as_abandoned() {
    let sharded = Sharded::new(4);
    for n in 0..400 {
        sharded.write(&format!("text {n}"), |keyspace, key| keyspace.set(key, n, NOW)).unwrap();
    }
    sharded.begin_snapshot(|_| Collector::new(1).0, NOW).unwrap();
    sharded.write("text 1", |keyspace, _key| assert!(keyspace.abandon_snapshot()));
    while !sharded.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
    assert_eq!(sharded.last_snapshot_end(), Some(SnapshotEnd::Abandoned));
}

#[test]
fn the_figures_of_a_snapshot_are_those_of_all_shards() {
    let sharded = Sharded::new(4);
    for n in 0..400 {
        let key = format!("text {n}");
        sharded.write(&key, |keyspace, key| keyspace.set(key, n, NOW)).unwrap();
        if n % 4 == 0 {
            let expiry = Expiry::AtMillis(NOW as i64 + 1_000);
            let expire = |keyspace: &mut Keyspace, key: &keyspace::Key<'_>| {
                keyspace.expire(*key, expiry, ExpireOptions::default(), NOW)
            };
            sharded.write(&key, |keyspace, key| expire(keyspace, &key)).unwrap();
        }
    }
    assert_eq!(sharded.expires(), 100);
    assert_eq!((sharded.snapshot_keys_total(), sharded.last_snapshot_end()), (0, None));
    sharded.begin_snapshot(|_| Collector::new(1).0, NOW).unwrap();
    let (mut processed, mut done) = (0, Snapshotted::default());
    while !done.is_complete {
        assert_eq!((sharded.snapshot_keys_processed(), sharded.snapshot_keys_total()), (processed, 400));
        assert!(sharded.snapshot_bytes() > 0);
        done = sharded.snapshot_for(Duration::ZERO, || Duration::ZERO);
        processed += done.keys;
    }
    assert_eq!((processed, sharded.snapshot_keys_processed()), (400, 0));
    assert_eq!(sharded.last_snapshot_end(), Some(SnapshotEnd::Saved));
}
