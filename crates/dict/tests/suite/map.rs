//! `Dict` through its public interface: it behaves as users of std's map expect.

use std::collections::{BTreeMap, HashMap};

use dict::map::Entry;
use dict::{Cursor, Dict};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Insert(String, u32),
    TryInsert(String, u32),
    Remove(String),
    RemoveEntry(String),
    Add(String, u32),
    RemoveByEntry(String),
    GetMut(String, u32),
    Reserve(usize),
    ShrinkToFit,
    Retain(u32),
    Extend(Vec<(String, u32)>),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || "[a-d]{0,3}";
    prop_oneof![
        5 => (key(), any::<u32>()).prop_map(|(key, value)| Op::Insert(key, value)),
        2 => (key(), any::<u32>()).prop_map(|(key, value)| Op::TryInsert(key, value)),
        2 => key().prop_map(Op::Remove),
        1 => key().prop_map(Op::RemoveEntry),
        2 => (key(), any::<u32>()).prop_map(|(key, value)| Op::Add(key, value)),
        1 => key().prop_map(Op::RemoveByEntry),
        1 => (key(), any::<u32>()).prop_map(|(key, value)| Op::GetMut(key, value)),
        1 => (0..100_usize).prop_map(Op::Reserve),
        1 => Just(Op::ShrinkToFit),
        1 => (1..5_u32).prop_map(Op::Retain),
        1 => prop::collection::vec((key(), any::<u32>()), 0..20).prop_map(Op::Extend),
    ]
}

#[test]
fn a_dict_is_dropped_in_steps_of_about_as_many_entries_as_asked_for() {
    let count = if cfg!(miri) { 60 } else { 10_000 };
    for step in [0, 1, 20, 1_000_000] {
        let region = zmalloc::Region::start();
        let dict: Dict<usize, Box<u8>> = (0..count).map(|n| (n, Box::new(0))).collect();
        let (mut left, mut steps) = (Some(dict), 0);
        while let Some(dict) = left {
            let (len, chunks) = (dict.len(), dict.stats().chunks);
            left = dict.drop_in_steps(step);
            steps += 1;
            let entries = len - left.as_ref().map_or(0, Dict::len);
            // A chunk holds 15 entries and its overflow.
            assert!(entries <= step + 60, "{entries} entries in a step of {step}");
            if let Some(dict) = &left {
                let chunks = chunks - dict.stats().chunks;
                assert!(
                    chunks > 0 && entries + chunks >= step,
                    "{entries} entries, {chunks} chunks of {step}"
                );
            }
        }
        assert!((steps == 1) == (step > 2 * count), "{steps} steps of {step}");
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn entries_that_need_no_drop_go_by_the_chunk() {
    let region = zmalloc::Region::start();
    let dict: Dict<usize, u8> = (0..if cfg!(miri) { 60 } else { 400 }).map(|n| (n, 0)).collect();
    let chunks = dict.stats().chunks;
    let (mut left, mut steps) = (dict.drop_in_steps(5), 1);
    while let Some(dict) = left {
        (left, steps) = (dict.drop_in_steps(5), steps + 1);
    }
    assert_eq!((steps, region.held()), (chunks.div_ceil(5), 0));
}

proptest! {
    #![proptest_config(testing::config(128, 1))]

    #[test]
    fn a_dict_does_what_a_hash_map_does(ops in prop::collection::vec(op(), 0..if cfg!(miri) { 20 } else { 400 })) {
        let (mut dict, mut model) = (Dict::new(), HashMap::new());
        for op in ops {
            match op {
                Op::Insert(key, value) => prop_assert_eq!(dict.insert(key.clone(), value), model.insert(key, value)),
                Op::TryInsert(key, value) => {
                    prop_assert_eq!(dict.try_insert(key.clone(), value).unwrap(), model.insert(key, value));
                }
                Op::Remove(key) => prop_assert_eq!(dict.remove(&key), model.remove(&key)),
                Op::RemoveEntry(key) => prop_assert_eq!(dict.remove_entry(&key), model.remove_entry(&key)),
                Op::Add(key, value) => {
                    let ours = dict.entry(key.clone()).and_modify(|old| *old ^= value).or_insert(value);
                    let theirs = model.entry(key).and_modify(|old| *old ^= value).or_insert(value);
                    prop_assert_eq!(ours, theirs);
                }
                Op::RemoveByEntry(key) => {
                    if let Entry::Occupied(entry) = dict.entry(key.clone()) {
                        prop_assert_eq!(entry.key(), &key);
                        prop_assert_eq!(Some(entry.remove()), model.remove(&key));
                    } else {
                        prop_assert!(!model.contains_key(&key));
                    }
                }
                Op::GetMut(key, value) => {
                    let ours = dict.get_mut(&key).map(|old| std::mem::replace(old, value));
                    prop_assert_eq!(ours, model.get_mut(&key).map(|old| std::mem::replace(old, value)));
                }
                Op::Reserve(additional) => {
                    dict.reserve(additional);
                    prop_assert!(dict.capacity() >= dict.len() + additional);
                }
                Op::ShrinkToFit => dict.shrink_to_fit(),
                Op::Retain(divisor) => {
                    dict.retain(|_, value| *value % divisor != 0);
                    model.retain(|_, value| *value % divisor != 0);
                }
                Op::Extend(entries) => {
                    dict.extend(entries.clone());
                    model.extend(entries);
                }
            }
            prop_assert_eq!(dict.len(), model.len());
        }
        for (key, value) in &model {
            prop_assert_eq!(dict.get(key), Some(value));
            prop_assert!(dict.contains_key(key));
        }
        let sorted: BTreeMap<String, u32> = model.into_iter().collect();
        prop_assert_eq!(&dict.iter().map(|(k, v)| (k.clone(), *v)).collect::<BTreeMap<_, _>>(), &sorted);
        let clone = dict.clone();
        prop_assert_eq!(&clone, &dict);
        prop_assert_eq!(&clone.into_iter().collect::<BTreeMap<_, _>>(), &sorted);
        prop_assert_eq!(&dict.drain().collect::<BTreeMap<_, _>>(), &sorted);
        prop_assert!(dict.is_empty());
    }
}

#[test]
fn keys_and_values_are_seen_from_every_side() {
    let mut dict = Dict::from([(1, 'a'), (2, 'b'), (3, 'c')]);
    let sum: i32 = dict.keys().sum();
    let mut values: Vec<char> = dict.values().copied().collect();
    values.sort_unstable();
    assert_eq!((sum, values), (6, vec!['a', 'b', 'c']));
    dict.values_mut().for_each(|value| *value = value.to_ascii_uppercase());
    dict.iter_mut().filter(|(key, _)| **key == 1).for_each(|(_, value)| *value = 'Z');
    assert_eq!((dict[&1], dict[&2]), ('Z', 'B'));
    assert_eq!(dict.iter().len(), 3);
    assert_eq!(dict.clone().into_keys().sum::<i32>(), 6);
    assert_eq!(dict.clone().into_values().filter(char::is_ascii_uppercase).count(), 3);
    let mut one = Dict::from([("key", 1)]);
    assert_eq!(
        format!("{one:?} {:?} {:?} {:?}", one.iter(), one.keys(), one.values()),
        r#"{"key": 1} {"key": 1} ["key"] [1]"#
    );
    assert_eq!(format!("{:?} {:?}", one.clone().into_keys(), one.clone().into_values()), r#"["key"] [1]"#);
    assert_eq!(format!("{:?}", one.iter_mut()), r#"{"key": 1}"#);
    assert_eq!(format!("{:?}", one.values_mut()), "[1]");
    assert_eq!(format!("{:?}", one.drain()), r#"{"key": 1}"#);
}

#[test]
fn a_cursor_survives_its_journey_through_a_number() {
    let count = if cfg!(miri) { 100 } else { 1_000 };
    let dict: Dict<u32, ()> = (0..count).map(|n| (n, ())).collect();
    let (mut cursor, mut seen) = (0_u64, 0);
    loop {
        cursor = dict.scan(Cursor::from(cursor), |_, ()| seen += 1).into();
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen, count);
    // Any number is a valid cursor, and the scan ends.
    let mut cursor = Cursor::from(0x1234_5678_9abc_def0);
    for _ in 0..=dict.stats().chunks {
        cursor = dict.scan(cursor, |_, ()| ());
    }
}

#[test]
fn an_empty_dict_owns_nothing_and_answers_everything() {
    let mut dict = Dict::<String, u32>::new();
    assert_eq!(dict.allocation_size(), 0);
    assert_eq!((dict.get("a"), dict.iter().next()), (None, None));
    assert_eq!(dict.remove("a"), None);
    assert_eq!(dict.scan(Cursor::START, |_, _| unreachable!()), Cursor::START);
    assert!(dict.random(|| 7).is_none() && dict.fair_random(|| 7).is_none());
    dict.sample(3, || 7, |_, _| unreachable!());
    dict.clear();
    dict.shrink_to_fit();
    dict.retain(|_, _| unreachable!());
    assert_eq!((dict.drain().count(), dict.into_iter().count()), (0, 0));
}

#[test]
fn entries_picked_at_random_are_keys_with_their_values() {
    let dict: Dict<u32, u32> = (0..if cfg!(miri) { 100 } else { 1_000 }).map(|n| (n, n * 3)).collect();
    let mut state = 1_u64;
    let mut rng = || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        state
    };
    let random = dict.random(&mut rng).into_iter().chain(dict.fair_random(&mut rng));
    assert_eq!(random.map(|(key, value)| assert_eq!(*value, key * 3)).count(), 2);
    let mut sample = HashMap::new();
    dict.sample(5, &mut rng, |key, value| assert!(sample.insert(key, value).is_none()));
    assert!(sample.len() == 5 && sample.iter().all(|(&key, &value)| dict.get(key) == Some(value)));
}

#[test]
fn large_entries_are_collected_on_a_small_stack() {
    // A batch of sixteen of these entries is larger than the stack. The seven of a child take more than half
    // of it.
    type Large = [u8; 40_000];
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(|| {
        let mut dict: Dict<u32, Large> =
            (0..if cfg!(miri) { 20 } else { 300 }).map(|n| (n, [n as u8; 40_000])).collect();
        assert!(dict.iter().all(|(&key, value)| value[39_999] == key as u8));
        dict.retain(|key, _| key % 20 == 0);
        dict.shrink_to_fit();
        dict.len()
    });
    assert_eq!(thread.unwrap().join().unwrap(), if cfg!(miri) { 1 } else { 15 });
}
