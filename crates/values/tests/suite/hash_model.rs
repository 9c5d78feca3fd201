//! Tests of a hash against a map, at limits where it changes its encoding early, and with allocations that
//! fail.

use common::Cursor;
use proptest::prelude::*;
use std::collections::BTreeMap;
use testing::integer;
use values::hash::HashError;
use values::{Collection, Element, Encoding, EncodingLimits, Hash};
use zmalloc::{Region, fault};

type Text = Vec<u8>;
type Model = BTreeMap<Text, Text>;

#[derive(Clone, Debug)]
enum Op {
    Insert(Text, Text),
    InsertInts(i64, i64),
    InsertAbsent(Text, Text),
    InsertMany(Vec<(Text, Text)>),
    Remove(Text),
    IncrBy(Text, i64),
    IncrByFloat(Text, f64),
    Clone,
    ThroughRaw,
    Relocate,
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => (0..20i64).prop_map(|value| value.to_string().into_bytes()),
        3 => prop::collection::vec(b'a'..=b'c', 0..3),
        1 => (any::<u8>(), 0..400usize).prop_map(|(byte, len)| vec![byte; len]),
        1 => any::<i64>().prop_map(|value| value.to_string().into_bytes()),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (text(), text()).prop_map(|(field, value)| Op::Insert(field, value)),
        1 => (0..20i64, any::<i64>()).prop_map(|(field, value)| Op::InsertInts(field, value)),
        2 => (text(), text()).prop_map(|(field, value)| Op::InsertAbsent(field, value)),
        2 => prop::collection::vec((text(), text()), 0..6).prop_map(Op::InsertMany),
        4 => text().prop_map(Op::Remove),
        2 => (text(), any::<i64>()).prop_map(|(field, value)| Op::IncrBy(field, value)),
        1 => (text(), -9..9i8).prop_map(|(field, value)| Op::IncrByFloat(field, f64::from(value) / 4.0)),
        1 => Just(Op::Clone),
        1 => Just(Op::ThroughRaw),
        1 => Just(Op::Relocate),
    ]
}

/// Returns the encoding after fields and values were written to a hash, which then has `len` fields.
fn encoding_after(was: Encoding, written: &[(Text, Text)], len: usize, limits: &EncodingLimits) -> Encoding {
    let long = |text: &Text| text.len() > limits.hash_max_listpack_value;
    let many = written.len().max(len) > limits.hash_max_listpack_entries;
    let converts = written.iter().any(|(field, value)| long(field) || long(value));
    if !written.is_empty() && (converts || many) { Encoding::HashTable } else { was }
}

/// Applies `op` to both. Returns whether there was memory for it.
fn step(hash: &mut Hash, model: &mut Model, op: &Op, limits: &EncodingLimits) -> bool {
    let was = hash.encoding();
    let written: Vec<(Text, Text)> = match op {
        Op::Insert(field, value) => {
            let Ok(new) = hash.try_insert(&field[..], &value[..], limits) else { return false };
            assert_eq!(new, !model.contains_key(field));
            vec![(field.clone(), value.clone())]
        }
        Op::InsertInts(field, value) => {
            let Ok(new) = hash.try_insert(*field, *value, limits) else { return false };
            let (field, value) = (field.to_string().into_bytes(), value.to_string().into_bytes());
            assert_eq!(new, !model.contains_key(&field));
            vec![(field, value)]
        }
        Op::InsertAbsent(field, value) => {
            let Ok(new) = hash.try_insert_absent(&field[..], &value[..], limits) else { return false };
            assert_eq!(new, !model.contains_key(field));
            if new { vec![(field.clone(), value.clone())] } else { vec![] }
        }
        Op::InsertMany(pairs) => {
            let elements: Vec<_> =
                pairs.iter().map(|(f, v)| (Element::from(&f[..]), Element::from(&v[..]))).collect();
            let Ok(new) = hash.try_insert_many(&elements, limits) else { return false };
            let mut after = model.clone();
            after.extend(pairs.iter().cloned());
            assert_eq!(new, after.len() - model.len());
            pairs.clone()
        }
        Op::Remove(field) => {
            assert_eq!(hash.remove(&field[..]), model.remove(field).is_some());
            vec![]
        }
        Op::IncrBy(field, increment) => {
            let value = model.get(field).map_or(Some(0), |value| integer(value));
            match (hash.try_incr_by(&field[..], *increment, limits), value) {
                (Err(HashError::Reserve(_)), _) => return false,
                (Err(HashError::NotAnInteger), None) => vec![],
                (Err(HashError::Overflow { value }), Some(old)) => {
                    assert_eq!((value, old.checked_add(*increment)), (old, None));
                    vec![]
                }
                (Ok(sum), Some(old)) => {
                    assert_eq!(Some(sum), old.checked_add(*increment));
                    vec![(field.clone(), sum.to_string().into_bytes())]
                }
                (result, _) => panic!("{result:?}"),
            }
        }
        Op::IncrByFloat(field, increment) => match hash.try_incr_by_float(&field[..], *increment, limits) {
            Err(HashError::Reserve(_)) => return false,
            Err(error) => {
                assert_eq!(error, HashError::NotAFloat);
                assert!(integer(&model[field]).is_none());
                vec![]
            }
            Ok(sum) => {
                let text = hash.get(&field[..]).unwrap().text().to_vec();
                assert_eq!(std::str::from_utf8(&text), Ok(&*sum.to_string()));
                vec![(field.clone(), text)]
            }
        },
        Op::Clone => {
            let Ok(copy) = hash.try_clone() else { return false };
            assert_eq!(copy, *hash);
            *hash = copy;
            vec![]
        }
        Op::ThroughRaw => {
            let (encoding, word) = std::mem::take(hash).into_raw();
            // SAFETY: both come from `into_raw` above. The view ends before the hash is taken back, which
            // happens once.
            unsafe {
                assert_eq!(Hash::view_of_raw(encoding, &word).len(), model.len());
                *hash = Hash::from_raw(encoding, word);
            }
            vec![]
        }
        Op::Relocate => {
            let mut cursor = Cursor::START;
            loop {
                cursor = hash.relocate(cursor, &mut |_, size| size > 0);
                if cursor.is_start() {
                    break;
                }
            }
            vec![]
        }
    };
    model.extend(written.iter().cloned());
    assert_eq!(hash.encoding(), encoding_after(was, &written, model.len(), limits));
    true
}

fn contents(hash: &Hash) -> Model {
    let all: Model = hash.iter().map(|(f, v)| (f.text().to_vec(), v.text().to_vec())).collect();
    assert_eq!((all.len(), hash.iter().len()), (hash.len(), hash.len()), "a field twice");
    all
}

fn check(hash: &Hash, model: &Model) {
    assert_eq!(contents(hash), *model);
    assert_eq!(hash.is_empty(), model.is_empty());
    let mut scanned = Model::new();
    let mut cursor = Cursor::START;
    loop {
        cursor = hash.scan(cursor, |f, v| drop(scanned.insert(f.text().to_vec(), v.text().to_vec())));
        if cursor.is_start() {
            break;
        }
    }
    assert_eq!(scanned, *model);
    assert!(hash.keys().zip(hash.values()).eq(hash.iter()));
    let asked: Vec<Text> = model.keys().cloned().chain([b"nobody".to_vec(), b"-1".to_vec()]).collect();
    let elements: Vec<Element<'_>> = asked.iter().map(|field| Element::from(&field[..])).collect();
    let found: Vec<_> = hash.get_many(&elements).collect();
    assert_eq!(found.len(), asked.len());
    for (field, found) in asked.iter().zip(found) {
        let want = model.get(field).map(|value| Element::from(&value[..]));
        assert_eq!((hash.get(&field[..]), found), (want, want));
        assert_eq!(hash.contains_key(&field[..]), want.is_some());
        assert_eq!(hash.value_len(&field[..]), want.map(Element::len));
    }
}

proptest! {
    #![proptest_config(testing::config(600, 6))]

    #[test]
    fn a_hash_does_what_a_map_does_and_a_failed_operation_nothing(
        ops in prop::collection::vec((op(), 0..6u64), 0..50),
        entries in prop_oneof![Just(0usize), 1..12usize, Just(512)],
        value in prop_oneof![Just(0usize), 1..12usize, Just(64)],
        steps in 1..9usize,
    ) {
        let limits = EncodingLimits {
            hash_max_listpack_entries: entries,
            hash_max_listpack_value: value,
            ..EncodingLimits::DEFAULT
        };
        let region = Region::start();
        let (mut hash, mut model) = (Hash::new(), Model::new());
        for (op, nth) in ops {
            let (before, encoding) = (contents(&hash), hash.encoding());
            let plan = fault::fail_nth(nth);
            let done = step(&mut hash, &mut model, &op, &limits);
            let failed = plan.failures() > 0;
            drop(plan);
            prop_assert!(done || failed);
            if !done {
                prop_assert_eq!((contents(&hash), hash.encoding()), (before, encoding));
            }
            // The model and the test's own vectors do not use zmalloc.
            prop_assert_eq!(region.held() as usize, hash.allocation_size());
            check(&hash, &model);
        }
        let mut left = hash.drop_in_steps(steps);
        while let Some(remains) = left {
            let held = region.held();
            prop_assert_eq!(remains.allocation_size() as isize, held);
            left = remains.drop_in_steps(steps);
            prop_assert!(region.held() < held);
        }
        prop_assert_eq!(region.held(), 0);
    }
}
