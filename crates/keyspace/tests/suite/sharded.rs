//! Tests of [`Sharded`](keyspace::Sharded): the shards of keys, batches, renames between shards, and the absence of
//! deadlocks.

use keyspace::{
    Cursor, DefaultHashBuilder, Error, Expiry, Key, Keyspace, Options, ScanOptions, SetExpiry, SetOptions,
    Sharded, Ttl,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::thread;
use values::Element;
use zmalloc::Region;

const KEYS: usize = if cfg!(miri) { 26 } else { 16_000 };

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("key:{n}")).collect()
}

fn filled(shards: usize) -> Sharded {
    let hasher = DefaultHashBuilder::with_seed(7);
    let sharded = Sharded::try_with_options_and_hasher(shards, Options::default(), hasher).unwrap();
    for (n, name) in names(KEYS).iter().enumerate() {
        sharded.write(name, |keyspace, key| keyspace.set(key, n as i64, 0)).unwrap();
    }
    sharded
}

/// Returns the number in a key's string.
fn number(keyspace: &Keyspace, key: Key<'_>) -> Option<i64> {
    keyspace.get_string(key, 0).unwrap().and_then(|string| string.plain().unwrap().as_i64())
}

#[test]
fn every_key_is_found_again_whatever_the_number_of_shards() {
    const SHARDS: &[usize] = if cfg!(miri) { &[0, 3] } else { &[0, 1, 2, 3, 64, 5_000] };
    for &shards in SHARDS {
        let sharded = filled(shards);
        assert_eq!(sharded.shard_count(), shards.clamp(1, 4_096).next_power_of_two());
        assert_eq!(sharded.len(), KEYS);
        for (n, name) in names(KEYS).iter().enumerate() {
            assert_eq!(sharded.read(name, number), Some(n as i64));
        }
        assert_eq!(sharded.read("none", number), None);
        sharded.for_each(Keyspace::check);
    }
}

/// Each of 16 shards has 1,000 of 16,000 keys on average, with a standard deviation of 31. The bytes of the
/// tables show that the chunks are filled evenly too. If the low bits of a hash chose the shard, 15 of 16
/// chunks would be empty.
#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn shards_are_filled_evenly_and_so_are_their_tables() {
    let sharded = filled(16);
    sharded.for_each(|keyspace| {
        assert!(keyspace.len().abs_diff(KEYS / 16) < 5 * 31, "{} keys in a shard", keyspace.len());
        let report = keyspace.memory_report();
        assert!(report.overhead_hashtable_main < 18 * keyspace.len(), "{report:?}");
    });
}

#[test]
fn batches_do_what_single_calls_do() {
    let sharded = filled(8);
    let names = names(KEYS + 5); // five of them are absent
    const COUNTS: &[usize] = if cfg!(miri) { &[17] } else { &[0, 1, 15, 16, 17, 50] };
    for &count in COUNTS {
        // The batch begins with the last names, so that absent keys are among the first.
        let keys: Vec<Key<'_>> =
            names.iter().rev().take(count).chain(&names[..count]).map(Key::from).collect();
        let mut seen = Vec::new();
        sharded.get_each(&keys, 0, |i, value| seen.push((i, value.is_some())));
        let is_there = |key: &Key<'_>| sharded.read(*key, |keyspace, key| keyspace.contains_key(key, 0));
        let expected: Vec<_> = keys.iter().map(is_there).enumerate().collect();
        assert_eq!(seen, expected);
    }
    let pairs: Vec<(Key<'_>, Element<'_>)> =
        (0..40).map(|n| (Key::from(&names[n % 30]), Element::Int(1_000_000 + n as i64))).collect();
    sharded.set_many(&pairs, 0).unwrap();
    for (n, name) in names.iter().enumerate().take(30) {
        let last = if n < 10 { n + 30 } else { n };
        assert_eq!(sharded.read(name, number), Some(1_000_000 + last as i64), "the last pair of a key wins");
    }
    sharded.for_each(Keyspace::check);
}

#[test]
fn a_scan_shows_every_key_once() {
    let sharded = filled(8);
    let (mut cursor, mut seen) = (Cursor::START, BTreeMap::new());
    loop {
        cursor = sharded.scan(cursor, &ScanOptions::default(), 0, |key, _value| {
            *seen.entry(key.to_vec()).or_insert(0) += 1;
        });
        if cursor.is_start() {
            break;
        }
    }
    assert!(seen.len() == KEYS && seen.values().all(|times| *times == 1));
}

/// Each thread passes the keys in a different order.
#[test]
#[cfg_attr(miri, ignore = "a thread that waits for a parking_lot lock casts integers to pointers")]
fn threads_with_batches_in_any_order_do_not_deadlock() {
    const ROUNDS: usize = 2_000;
    let region = Region::start();
    let sharded = filled(4);
    let names = names(16);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (sharded, names) = (&sharded, &names);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let at = |i: usize| &names[(i * (2 * thread + 1) + round) % names.len()];
                    let pairs: Vec<_> = (0..16).map(|i| (Key::from(at(i)), Element::Int(i as i64))).collect();
                    sharded.set_many(&pairs, 0).unwrap();
                    let keys: Vec<_> = pairs.iter().rev().map(|(key, _)| *key).collect();
                    sharded.get_each(&keys, 0, |_, value| assert!(value.is_some()));
                }
            });
        }
    });
    assert_eq!(sharded.len(), KEYS);
    assert_eq!(sharded.into_keyspaces().map(|keyspace| keyspace.len()).sum::<usize>(), KEYS);
    assert_eq!(region.held(), 0);
}

/// The number of each key, and whether the key expires.
type Model = BTreeMap<u8, (i64, bool)>;

#[derive(Clone, Copy, Debug)]
enum Op {
    Rename,
    RenameAbsent,
    Copy { replace: bool },
    Remove,
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Rename),
        3 => Just(Op::RenameAbsent),
        3 => any::<bool>().prop_map(|replace| Op::Copy { replace }),
        1 => Just(Op::Remove),
    ]
}

/// Applies the operation to a map, and returns the expected result.
fn apply(model: &mut Model, op: Op, from: u8, to: u8) -> Result<bool, ()> {
    let value = model.get(&from).copied();
    let is_taken = model.contains_key(&to);
    match op {
        Op::Remove => Ok(model.remove(&from).is_some()),
        Op::Rename | Op::RenameAbsent => {
            let value = value.ok_or(())?;
            let is_done = matches!(op, Op::Rename) || !is_taken;
            if is_done {
                model.remove(&from);
                model.insert(to, value);
            }
            Ok(is_done)
        }
        Op::Copy { replace } => {
            let is_done = value.is_some() && from != to && (replace || !is_taken);
            if let Some(value) = value.filter(|_| is_done) {
                model.insert(to, value);
            }
            Ok(is_done)
        }
    }
}

proptest! {
    #![proptest_config(testing::config(300, 1))]

    #[test]
    fn names_change_within_and_between_shards(
        shards in 1_usize..=16,
        steps in vec((ops(), 0..24_u8, 0..24_u8), 1..if cfg!(miri) { 20 } else { 120 }),
    ) {
        let region = Region::start();
        let sharded = Sharded::new(shards);
        let name = |key: u8| format!("key:{key}");
        let expiring = SetOptions { expiry: SetExpiry::To(Expiry::AtMillis(1_000)), ..SetOptions::default() };
        let mut model = Model::new();
        for key in 0..12 {
            let (value, expires) = (i64::from(key), key % 3 == 0);
            let options = if expires { expiring } else { SetOptions::default() };
            let set = sharded.write(&name(key), |keyspace, key| keyspace.set_with(key, value, &options, 0));
            prop_assert!(set.unwrap().is_set);
            model.insert(key, (value, expires));
        }
        for (op, from, to) in steps {
            let (from_name, to_name) = (name(from), name(to));
            let result = match op {
                Op::Rename => sharded.rename(&from_name, &to_name, 0).map(|()| true),
                Op::RenameAbsent => sharded.rename_absent(&from_name, &to_name, 0),
                Op::Copy { replace } => sharded.copy(&from_name, &to_name, replace, 0),
                Op::Remove => Ok(sharded.write(&from_name, |keyspace, key| keyspace.remove(key, 0))),
            };
            let expected = apply(&mut model, op, from, to);
            match result {
                Ok(is_done) => prop_assert_eq!(Ok(is_done), expected, "{:?} {} {}", op, from, to),
                Err(err) => {
                    prop_assert_eq!(err, Error::NoSuchKey);
                    prop_assert_eq!(Err(()), expected);
                }
            }
        }
        let found: Model = (0..24)
            .filter_map(|key| {
                sharded.read(&name(key), |keyspace, name| {
                    Some((key, (number(keyspace, name)?, keyspace.ttl(name, 0) != Ttl::Persistent)))
                })
            })
            .collect();
        prop_assert_eq!(&found, &model);
        prop_assert_eq!(sharded.len(), model.len());
        sharded.for_each(Keyspace::check);
        drop(sharded);
        prop_assert_eq!(region.held(), 0);
    }
}

#[test]
#[cfg_attr(miri, ignore = "a thread that waits for a parking_lot lock casts integers to pointers")]
fn threads_that_rename_the_same_keys_in_any_direction_do_not_deadlock() {
    let sharded = filled(8);
    let names = names(16);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (sharded, names) = (&sharded, &names);
            scope.spawn(move || {
                for round in 0..4_000_usize {
                    let (from, to) =
                        (&names[(round * 7 + thread) % 16], &names[(round * 3 + thread * 5) % 16]);
                    match sharded.rename_absent(from, to, 0) {
                        Ok(_) | Err(Error::NoSuchKey) => {}
                        Err(err) => panic!("{err}"),
                    }
                    if round % 8 == 0 {
                        sharded.write(from, |keyspace, key| keyspace.set(key, 1, 0)).unwrap();
                    }
                }
            });
        }
    });
    sharded.for_each(Keyspace::check);
    assert!(sharded.len() <= KEYS && sharded.len() >= KEYS - 16);
}

#[test]
fn every_byte_is_counted_and_given_back() {
    let region = Region::start();
    let sharded = filled(32);
    assert_eq!(region.held() as usize, sharded.allocation_size());
    let mut removed = 0;
    sharded.for_each_mut(|keyspace| {
        removed += keyspace.len();
        keyspace.clear();
    });
    assert!(removed == KEYS && sharded.is_empty());
    drop(sharded);
    assert_eq!(region.held(), 0);
}
