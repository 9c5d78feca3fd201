//! Checks that no method sees an expired key.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Entry, InvalidExpiry, Store, Ttl};
use keyspace::{ExpireOptions, Expiry, Keyspace, SetExpiry, SetOptions};

/// Returns a store with key 1, whose value is 10.
fn store_of(expiry: Option<u64>) -> Store {
    Store { entries: [(1, Entry { value: 10, expiry })].into() }
}

#[test]
fn a_key_is_absent_from_its_expiry_on() {
    let store = store_of(Some(1_000));
    let reads = [0, 999, 1_000, 1_001].map(|now| (store.get(1, now), store.ttl(1, now)));
    let there = |millis| (Some(10), Ttl::Millis(millis));
    assert_eq!(reads, [there(1_000), there(1), (None, Ttl::Absent), (None, Ttl::Absent)]);
    let store = store_of(None);
    assert_eq!((store.get(1, i64::MAX as u64), store.ttl(1, 0)), (Some(10), Ttl::Persistent));
}

#[test]
fn a_write_removes_an_expired_key_even_if_it_does_nothing_else() {
    type Write = fn(&mut Store) -> bool;
    let writes: [(&str, Write); 3] = [
        ("expire", |store| store.expire(1, 5_000, 1_000).unwrap()),
        ("persist", |store| store.persist(1, 1_000)),
        ("remove", |store| store.remove(1, 1_000)),
    ];
    for (name, write) in writes {
        let mut store = store_of(Some(1_000));
        assert_eq!((write(&mut store), store.entries.len()), (false, 0), "{name}");
    }
}

#[test]
fn a_new_value_does_not_keep_the_expiry_of_an_expired_one() {
    for (now, keeps_expiry, expected) in
        [(999, true, Some(1_000)), (999, false, None), (1_000, true, None), (1_000, false, None)]
    {
        let mut store = store_of(Some(1_000));
        store.set(1, 11, keeps_expiry, now);
        assert_eq!(store.entries[&1], Entry { value: 11, expiry: expected }, "at {now}: {keeps_expiry}");
    }
}

#[test]
fn an_expiry_that_has_come_already_removes_the_key() {
    for millis in [0, -1, -1_000, -1_001, i64::MIN] {
        let mut store = store_of(None);
        assert_eq!((store.expire(1, millis, 1_000), store.entries.len()), (Ok(true), 0), "{millis} ms");
    }
}

#[test]
fn an_expiry_above_the_largest_time_is_an_error_that_changes_nothing() {
    let mut store = store_of(Some(1_000));
    assert_eq!(store.expire(1, i64::MAX, 1), Err(InvalidExpiry));
    assert_eq!(store.expire(1, i64::MAX, 1_000), Err(InvalidExpiry), "also for an expired key");
    assert_eq!(store.entries[&1], Entry { value: 10, expiry: Some(1_000) });
    assert_eq!(store.expire(1, i64::MAX - 1, 1), Ok(true));
    assert_eq!(store.ttl(1, 1), Ttl::Millis(i64::MAX as u64 - 1));
}

#[test]
fn other_keys_stay_as_they_are() {
    let mut store = store_of(Some(1_000));
    store.set(2, 20, false, 0);
    assert_eq!(store.expire(2, 500, 0), Ok(true));
    assert!(!store.persist(2, 500) && !store.remove(2, 500) && store.remove(1, 500));
    assert!(store.entries.is_empty());
}

/// The calls of one step in both stores. Each returns the same number if the results are the same.
fn step(store: &mut Store, keyspace: &mut Keyspace, number: u32, now: u64) -> (i8, i8) {
    let mut expire = |millis| {
        let expected = keyspace.expire("1", Expiry::InMillis(millis), ExpireOptions::default(), now);
        let of = |result: Option<bool>| result.map_or(-1, i8::from);
        (of(store.expire(1, millis, now).ok()), of(expected.ok()))
    };
    match number {
        0 => expire(-5),
        1 => expire(1),
        2 => expire(3),
        3 => expire(i64::MAX),
        4 => (store.persist(1, now).into(), keyspace.persist("1", now).into()),
        5 => (store.remove(1, now).into(), keyspace.remove("1", now).into()),
        6 | 7 => {
            let expiry = if number == 6 { SetExpiry::Clear } else { SetExpiry::Keep };
            store.set(1, now as u32, number == 7, now);
            let options = SetOptions { expiry, ..SetOptions::default() };
            assert!(keyspace.set_with("1", now as i64, &options, now).unwrap().is_set);
            (0, 0)
        }
        _ => (0, 0), // only the time goes on
    }
}

#[test]
fn all_sequences_of_five_steps_have_the_results_of_the_keyspace() {
    const STEPS: u32 = 9;
    for case in 0..STEPS.pow(5) {
        let (mut store, mut keyspace) = (store_of(None), Keyspace::new());
        keyspace.set("1", 10, 0).unwrap();
        for now in 1..=5_u32 {
            let (result, expected) =
                step(&mut store, &mut keyspace, case / STEPS.pow(now - 1) % STEPS, now.into());
            assert_eq!(result, expected, "case {case}, step {now}");
            assert_eq!(store.entries.len(), keyspace.len(), "the number of keys: case {case}, step {now}");
            let later = u64::from(now) + 1;
            let ttl = match store.ttl(1, later) {
                Ttl::Absent => keyspace::Ttl::Absent,
                Ttl::Persistent => keyspace::Ttl::Persistent,
                Ttl::Millis(millis) => keyspace::Ttl::Millis(millis),
            };
            assert_eq!(ttl, keyspace.ttl("1", later), "the time left: case {case}, step {now}");
            let mut text = Vec::new();
            keyspace.get_into("1", &mut text, later).unwrap();
            let value = store.get(1, later).map_or(String::new(), |value| value.to_string());
            assert_eq!(value.as_bytes(), text, "the value: case {case}, step {now}");
        }
    }
}
