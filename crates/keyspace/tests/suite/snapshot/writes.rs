//! Writes to keys that are not saved yet, mostly to keys with large values.

use super::*;

type Change = fn(&mut Keyspace, &str);

/// The time at which a large value is saved if its key is changed.
#[derive(Clone, Copy, PartialEq)]
enum When {
    Later,
    AtOnce,
    /// At once if the value is half saved.
    AtOnceIfHalf,
}

const CHANGES: [(When, Change); 16] = [
    (When::Later, |keyspace, key| assert!(keyspace.remove(key, NOW))),
    (When::Later, |keyspace, key| assert!(keyspace.unlink(key, NOW))),
    (When::Later, |keyspace, key| keyspace.set(key, "text", NOW).unwrap()),
    (When::Later, |keyspace, key| {
        keyspace.set("other", "text", NOW).unwrap();
        keyspace.rename("other", key, NOW).unwrap();
    }),
    (When::Later, |keyspace, key| {
        keyspace.set("other", "text", NOW).unwrap();
        assert!(keyspace.copy("other", key, true, NOW).unwrap());
    }),
    (When::Later, |keyspace, key| keyspace.insert(key, values::Set::new(), None, NOW).unwrap()),
    (When::Later, |keyspace, _key| assert_eq!(keyspace.expire_some(NOW + 10, 100).removed, 1)),
    (When::Later, |keyspace, key| keyspace.set(key, "text", NOW + 10).unwrap()),
    (When::Later, |keyspace, _key| {
        keyspace.set_options(options().maxmemory_policy(MaxmemoryPolicy::VolatileTtl));
        assert_eq!(keyspace.evict_down_to(1, NOW), 1);
    }),
    (When::Later, |keyspace, key| {
        keyspace.set_options(options().lazyfree_lazy_user_del(false).lazyfree_lazy_server_del(false));
        assert!(keyspace.remove(key, NOW));
    }),
    (When::Later, |keyspace, key| {
        keyspace.set_options(options().lazyfree_lazy_server_del(false));
        keyspace.set(key, "text", NOW).unwrap();
    }),
    (When::AtOnce, |keyspace, key| add(keyspace, key, MANY).unwrap()),
    (When::AtOnce, |keyspace, key| keyspace.rename(key, "new name", NOW).unwrap()),
    (When::AtOnce, |keyspace, key| assert!(keyspace.persist(key, NOW))),
    (When::AtOnce, |keyspace, key| assert!(keyspace.take(key, NOW).unwrap().is_some())),
    (When::AtOnceIfHalf, |keyspace, key| keyspace.retain(NOW, |other, _value| other != key.as_bytes())),
];

#[test]
#[cfg_attr(miri, ignore = "slow; the model reaches the same code")]
fn a_large_value_that_is_removed_is_saved_later_and_one_that_is_edited_at_once() {
    let cases = CHANGES.iter().flat_map(|change| TYPES.map(|name| (change, name)));
    for ((number, ((when, change), name)), is_half) in
        cases.enumerate().flat_map(|case| [(case, false), (case, true)])
    {
        let region = Region::start();
        let mut keyspace = empty();
        let key = format!("{name} large");
        add_many(&mut keyspace, &key, MANY);
        let expiry = Expiry::AtMillis(NOW as i64 + 10);
        assert!(keyspace.expire(&key, expiry, ExpireOptions::default(), NOW).unwrap());
        keyspace.set("small", 1, NOW).unwrap();
        let expected = state_of(&keyspace, NOW);
        let (sink, got) = Collector::new(1);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        if is_half {
            assert_eq!(step_into_large(&mut keyspace, &got), key);
            step(&mut keyspace);
        }
        change(&mut keyspace, &key);
        keyspace.check();
        let is_saved = got.lock().unwrap().state.contains_key(key.as_bytes());
        let is_saved_at_once = *when == When::AtOnce || *when == When::AtOnceIfHalf && is_half;
        assert_eq!(is_saved, is_saved_at_once, "change {number} of a {name}, half saved: {is_half}");
        if !is_saved {
            assert!(keyspace.snapshot_bytes() > 16 * MANY, "the snapshot holds the value");
            let counted = keyspace.allocation_size() - keyspace.snapshot_bytes();
            assert_eq!(keyspace.counted_bytes(), counted);
        }
        loop {
            let done = step(&mut keyspace);
            keyspace.check();
            assert_eq!(keyspace.allocation_size() as isize, region.held());
            if done.is_complete {
                break;
            }
        }
        assert_eq!(got.lock().unwrap().state, expected, "change {number} of a {name}");
        while !keyspace.free_some(10).is_complete {}
        drop(keyspace);
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn without_memory_for_the_list_a_removed_value_is_saved_at_once() {
    for is_half in [false, true] {
        let mut keyspace = filled();
        let expected = state_of(&keyspace, NOW);
        let (sink, got) = Collector::new(1);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        if is_half {
            step_into_large(&mut keyspace, &got);
        }
        let plan = fault::fail_from(1);
        for name in TYPES {
            assert!(keyspace.remove(&format!("{name} large"), NOW));
            assert!(got.lock().unwrap().state.contains_key(format!("{name} large").as_bytes()));
        }
        assert!(plan.failures() > 0);
        drop(plan);
        keyspace.check();
        to_the_end(&mut keyspace);
        assert_eq!(got.lock().unwrap().state, expected);
    }
}

#[test]
fn keys_that_are_cleared_meanwhile_are_all_saved() {
    for steps in [0, 1, 5, usize::MAX] {
        for is_lazy in [true, false] {
            let region = Region::start();
            let mut keyspace = filled();
            keyspace.set_options(options().lazyfree_lazy_user_flush(is_lazy));
            let expected = state_of(&keyspace, NOW);
            let (sink, got) = Collector::new(1);
            keyspace.begin_snapshot(sink, NOW).unwrap();
            if steps == usize::MAX {
                step_into_large(&mut keyspace, &got);
            } else {
                for _ in 0..steps {
                    step(&mut keyspace);
                }
            }
            let bytes = keyspace.allocation_size();
            keyspace.clear();
            assert!(keyspace.is_empty() && keyspace.allocation_size() == bytes);
            keyspace.check();
            for n in 0..10 {
                keyspace.set(format!("text {n}").as_bytes(), "new", NOW).unwrap();
            }
            step(&mut keyspace);
            keyspace.clear();
            add_many(&mut keyspace, "set new", MANY);
            keyspace.remove("set new", NOW);
            to_the_end(&mut keyspace);
            assert_eq!(got.lock().unwrap().state, expected);
            assert!(keyspace.lazyfree_pending_bytes() > 0, "the table is garbage now");
            while !keyspace.free_some(100).is_complete {}
            assert_eq!(keyspace.allocation_size() as isize, region.held());
        }
    }
}

/// A symbol table must stay for as long as a snapshot has strings that are coded with it.
#[test]
fn coded_strings_are_saved_after_their_keys_are_cleared_and_the_table_replaced() {
    let [old, new] = TABLES.clone();
    let uses = Arc::strong_count(&old);
    let mut keyspace = empty();
    keyspace.set_symbols(Some(old.clone())).unwrap();
    for n in 0..KEYS {
        keyspace.set(format!("text {n}").as_bytes(), &[b'x'; 40], NOW).unwrap();
    }
    let expected = state_of(&keyspace, NOW);
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    step(&mut keyspace);
    keyspace.clear();
    keyspace.set("text", &[b'y'; 40], NOW).unwrap();
    keyspace.set_symbols(Some(new)).unwrap();
    while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    assert_eq!(keyspace.set_symbols(Some(old.clone())), Err(Error::SymbolsInUse), "the snapshot needs it");
    to_the_end(&mut keyspace);
    assert_eq!(got.lock().unwrap().state, expected);
    assert!(Arc::strong_count(&old) > uses);
    while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    assert_eq!(Arc::strong_count(&old), uses);
    assert_eq!(keyspace.get_string("text", NOW).unwrap().unwrap(), [b'y'; 40]);
    keyspace.check();
}

#[test]
fn all_keys_that_are_cleared_while_a_snapshot_is_cleared_up_become_garbage_at_once() {
    let mut keyspace = filled();
    let (sink, _got) = Collector::new(3);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    let bytes = keyspace.snapshot_bytes();
    step(&mut keyspace);
    keyspace.abandon_snapshot();
    keyspace.clear();
    assert!(keyspace.snapshot_bytes() <= bytes && keyspace.lazyfree_pending_bytes() > 0);
    to_the_end(&mut keyspace);
    keyspace.check();
}

/// A callback must not panic. If it does, the snapshot is complete nevertheless.
#[test]
fn a_large_value_whose_removal_panics_in_the_callback_is_saved() {
    let mut keyspace = filled();
    let expected = state_of(&keyspace, NOW);
    let (sink, got) = Collector::new(3);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    let half_saved = step_into_large(&mut keyspace, &got);
    keyspace.on_event(|_| panic!("by the callback")).unwrap();
    let removal = std::panic::AssertUnwindSafe(|| keyspace.remove(half_saved.as_str(), NOW));
    assert!(std::panic::catch_unwind(removal).is_err());
    keyspace.clear_on_event();
    to_the_end(&mut keyspace);
    assert_eq!(got.lock().unwrap().state, expected);
    keyspace.check();
}

#[test]
fn a_write_to_a_small_key_saves_nothing_while_a_large_value_is_half_saved() {
    let mut keyspace = filled();
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    step_into_large(&mut keyspace, &got);
    let calls = got.lock().unwrap().calls;
    for n in 0..KEYS {
        keyspace.remove(format!("text {n}").as_bytes(), NOW);
        add(&mut keyspace, &format!("{} {n}", TYPES[n % 4]), 100).unwrap();
    }
    assert_eq!(got.lock().unwrap().calls, calls);
}

/// The value is found at the cursor of the walk, or in the whole table if the table has grown between two
/// slices.
#[test]
fn a_large_value_whose_key_has_another_hash_than_the_hasher_gives_is_found() {
    for new_keys in [0, 5_000] {
        let mut keyspace = empty();
        for n in 0..MANY as i64 {
            let key = keyspace::Key::with_hash(b"set", 7);
            keyspace
                .edit_as::<values::Set, _, _>(key, NOW, |set| set.try_insert(n, options().encoding_limits()))
                .unwrap();
        }
        let (sink, got) = Collector::new(1);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        step_into_large(&mut keyspace, &got);
        for n in 0..new_keys {
            keyspace.set(format!("text {n}").as_bytes(), n, NOW).unwrap();
        }
        while !step(&mut keyspace).is_complete {}
        let got = got.lock().unwrap();
        assert_eq!((got.state.len(), got.state[&b"set"[..]].0.len()), (1, MANY));
    }
}

#[test]
fn what_a_snapshot_holds_does_not_count_for_maxmemory_until_it_is_saved() {
    let mut keyspace = filled();
    let (sink, _got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    let limit = keyspace.counted_bytes() + 10_000;
    keyspace.set_options(options().maxmemory(limit));
    TYPES.iter().for_each(|name| assert!(keyspace.remove(format!("{name} large").as_bytes(), NOW)));
    let (held, mut n) = (keyspace.snapshot_bytes(), 0);
    assert!(held > 10_000, "{held}");
    // As many bytes are written as were removed, without freeing anything.
    while keyspace.set(format!("new {n}").as_bytes(), &[b'x'; 100], NOW).is_ok() {
        n += 1;
    }
    assert!(keyspace.allocation_size() > limit && keyspace.counted_bytes() <= limit);
    // Saved values become garbage, which counts. The next write that needs the room frees it.
    to_the_end(&mut keyspace);
    assert_eq!(keyspace.snapshot_bytes(), 0);
    // The removed keys are longer than the reserve, all of which an overflow child of the table may have.
    (0..20).for_each(|n| assert!(keyspace.remove(&format!("new {n}"), NOW)));
    keyspace.set("new 0", &[b'x'; 90], NOW).unwrap();
    assert!(keyspace.counted_bytes() <= limit);
    keyspace.check();
}

#[test]
fn a_sink_is_told_whether_a_write_waits_for_it() {
    struct Portions(Arc<Mutex<Vec<Portion>>>);
    impl SnapshotSink for Portions {
        fn save(&mut self, _record: &Record<'_>, portion: Portion) -> Result<bool, SinkError> {
            self.0.lock().unwrap().push(portion);
            Ok(!matches!(portion, Portion::Elements(_)))
        }
    }
    let mut keyspace = filled();
    let portions = Arc::default();
    keyspace.begin_snapshot(Portions(Arc::clone(&portions)), NOW).unwrap();
    let taken = || std::mem::take(&mut *portions.lock().unwrap());
    keyspace.set("text 1", "new", NOW).unwrap();
    assert_eq!(taken(), [Portion::RestBeforeWrite]);
    add(&mut keyspace, "set large", MANY).unwrap();
    assert_eq!(taken(), [Portion::RestBeforeWrite]);
    step(&mut keyspace);
    assert!(taken().iter().all(|portion| *portion == Portion::Rest));
    while !taken().iter().any(|portion| matches!(portion, Portion::Elements(_))) {
        assert!(!step(&mut keyspace).is_complete);
    }
    // Edit all large values: the half-saved one and the others.
    for name in ["list", "zset", "hash"] {
        add(&mut keyspace, &format!("{name} large"), MANY).unwrap();
    }
    assert_eq!(taken(), [Portion::RestBeforeWrite; 3]);
}
