//! Checks the snapshot of a table.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Running, Store};
use std::collections::BTreeMap;

/// Returns a store with the keys from 0 to `keys - 1`. The value of a key is 100 more.
fn store_of(keys: u32, chunks: usize) -> Store {
    let mut store = Store::new(chunks);
    (0..keys).for_each(|key| store.set(key, key + 100));
    store
}

/// Completes a snapshot, and returns its file in the order of the keys.
fn complete(store: &mut Store) -> Vec<(u32, u32)> {
    for _ in 0..1_000 {
        if store.slice() {
            assert!(store.slice(), "a complete snapshot stays complete");
            let mut file = store.file().to_vec();
            file.sort_unstable();
            return file;
        }
    }
    panic!("the snapshot is not complete after 1,000 slices");
}

#[test]
fn a_snapshot_without_changes_has_all_keys_after_one_slice_per_chunk() {
    let mut store = store_of(12, 4);
    assert!(store.slice(), "no snapshot is running");
    for _ in 0..3 {
        store.begin().unwrap();
        assert_eq!(store.file(), []);
        let slices = [3, 6, 9, 12].map(|saved| (store.slice(), store.file().len() == saved));
        assert_eq!(slices, [(false, true), (false, true), (false, true), (true, true)]);
        assert!(complete(&mut store).into_iter().eq((0..12).map(|key| (key, key + 100))));
    }
}

#[test]
fn a_second_snapshot_does_not_begin_while_one_is_running() {
    let mut store = store_of(4, 2);
    assert_eq!(store.begin(), Ok(()));
    store.slice();
    assert_eq!((store.begin(), store.file().len()), (Err(Running), 2));
    assert_eq!(complete(&mut store).len(), 4);
    assert_eq!(store.begin(), Ok(()));
}

#[test]
fn a_write_saves_only_the_old_value_of_its_key() {
    let mut store = store_of(8, 2);
    store.begin().unwrap();
    store.set(3, 0);
    assert_eq!(store.file(), [(3, 103)]);
    store.set(3, 1);
    store.remove(3);
    store.set(3, 2); // a new key, which is not part of the snapshot
    store.set(8, 0);
    store.remove(9);
    assert_eq!(store.file(), [(3, 103)]);
    store.remove(4);
    assert_eq!(store.file(), [(3, 103), (4, 104)]);
    assert_eq!([3, 4, 8].map(|key| store.get(key)), [Some(2), None, Some(0)]);
    assert!(complete(&mut store).into_iter().eq((0..8).map(|key| (key, key + 100))));
}

#[test]
fn a_change_without_a_snapshot_saves_nothing() {
    let mut store = store_of(4, 2);
    store.remove(0);
    store.set(1, 1);
    store.resize(3);
    assert_eq!(store.file(), []);
    store.begin().unwrap();
    assert_eq!(complete(&mut store), [(1, 1), (2, 102), (3, 103)]);
}

#[test]
fn a_resize_saves_only_entries_that_the_walk_would_miss() {
    let mut store = store_of(8, 4);
    store.begin().unwrap();
    store.slice(); // 0 and 4
    store.resize(8);
    assert_eq!(store.file().len(), 2, "no entry moves to an earlier chunk");
    store.resize(4);
    store.slice(); // 1 and 5
    store.resize(2);
    assert_eq!(store.file().len(), 8, "2, 3, 6 and 7 have moved to chunks that were visited");
    assert!(store.slice());

    let mut store = store_of(8, 4);
    store.begin().unwrap();
    (0..3).for_each(|_| assert!(!store.slice()));
    store.resize(5);
    assert_eq!(store.file().len(), 7, "3 is in chunk 3, and 7 has moved to chunk 2");
    assert!(complete(&mut store).into_iter().eq((0..8).map(|key| (key, key + 100))));
}

#[test]
fn the_walk_ends_if_the_table_becomes_shorter() {
    let mut store = store_of(6, 6);
    store.begin().unwrap();
    (0..3).for_each(|_| assert!(!store.slice()));
    store.resize(3);
    assert_eq!(store.begin(), Err(Running));
    assert!(store.slice());
    assert!(complete(&mut store).into_iter().eq((0..6).map(|key| (key, key + 100))));
}

/// Does one of eleven steps with a store, and with a map that has the same keys.
fn step(store: &mut Store, map: &mut BTreeMap<u32, u32>, step: u32, value: u32) {
    match step {
        0 => {
            store.slice();
        }
        1..=4 => {
            store.set(step - 1, value);
            map.insert(step - 1, value);
        }
        5..=7 => {
            store.remove(step - 5);
            map.remove(&(step - 5));
        }
        _ => store.resize([1, 2, 3][step as usize - 8]),
    }
}

#[test]
fn all_sequences_of_four_steps_give_the_file_of_the_first_moment() {
    for case in 0..11_u32.pow(4) {
        let mut store = store_of(3, 3);
        let mut map: BTreeMap<u32, u32> = (0..3).map(|key| (key, key + 100)).collect();
        let expected: Vec<(u32, u32)> = map.clone().into_iter().collect();
        store.begin().unwrap();
        let steps = [0, 1, 2, 3].map(|n| case / 11_u32.pow(n) % 11);
        steps.iter().zip(200..).for_each(|(&number, value)| step(&mut store, &mut map, number, value));
        assert_eq!(complete(&mut store), expected, "the steps {steps:?}");
        store.begin().unwrap();
        assert!(complete(&mut store).into_iter().eq(map), "the second snapshot, after the steps {steps:?}");
    }
}

#[test]
fn long_sequences_give_the_file_of_the_first_moment() {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as u32
    };
    let (mut store, mut map) = (Store::new(8), BTreeMap::new());
    let (mut at_begin, mut snapshots) = (BTreeMap::new(), 0);
    store.begin().unwrap();
    for value in 0..20_000 {
        let key = random(60);
        match random(10) {
            0..5 => {
                store.set(key, value);
                map.insert(key, value);
            }
            5..7 => {
                store.remove(key);
                map.remove(&key);
            }
            7 => store.resize(1 + random(20) as usize),
            _ if store.slice() => {
                assert!(complete(&mut store).into_iter().eq(at_begin), "snapshot {snapshots}");
                store.begin().unwrap();
                at_begin = map.clone();
                snapshots += 1;
            }
            _ => {}
        }
        assert_eq!(store.get(key), map.get(&key).copied());
    }
    assert!(snapshots > 200);
}
