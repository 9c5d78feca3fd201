//! Compares a set with a `BTreeSet`, and its bytes with a second, simple implementation of the layout.

use intset::{Encoding, Fault, IntSet, diff, inter, union};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// How many integers the larger sets have at most.
const MANY: usize = if cfg!(miri) { 30 } else { 400 };

/// The simple implementation of the layout.
fn bytes_of(encoding: Encoding, values: &[i64]) -> Vec<u8> {
    let mut bytes = (encoding as u32).to_le_bytes().to_vec();
    bytes.extend((values.len() as u32).to_le_bytes());
    for value in values {
        bytes.extend(&value.to_le_bytes()[..encoding.size()]);
    }
    bytes
}

/// Panics unless every method that reads the set agrees with `model`.
fn check(set: &IntSet, model: &BTreeSet<i64>) {
    let values: Vec<i64> = model.iter().copied().collect();
    assert_eq!(set.as_bytes(), bytes_of(set.encoding(), &values));
    assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
    assert_eq!((set.min(), set.max()), (model.first().copied(), model.last().copied()));
    assert!(set.iter().eq(values.iter().copied()));
    assert!(set.iter().rev().eq(values.iter().rev().copied()));
    assert_eq!(
        set.iter().fold(Vec::new(), |mut all, value| {
            all.push(value);
            all
        }),
        values
    );
    assert_eq!(
        (set.iter().len(), set.iter().count(), set.iter().last()),
        (values.len(), values.len(), set.max())
    );
    for (index, value) in values.iter().enumerate() {
        assert_eq!((set.get(index), set.rank(*value)), (Some(*value), Ok(index)));
    }
    assert_eq!(set.get(values.len()), None);
    assert!(set.max().is_none_or(|max| set.encoding() >= Encoding::of(max)));
    assert_eq!(&IntSet::from_bytes(set.as_bytes()).unwrap(), set);
    assert_eq!(set.allocation_size() == 0, set.is_empty());
}

/// Values near zero and at the limits of all three sizes. There are few of them, so that sets share members.
pub(crate) fn value() -> impl Strategy<Value = i64> {
    let around = |middle: i64| (-3..3_i64).prop_map(move |offset| middle.saturating_add(offset));
    prop_oneof![
        8 => -40..40_i64,
        1 => around(i16::MAX.into()),
        1 => around(i16::MIN.into()),
        1 => around(i32::MAX.into()),
        1 => around(i32::MIN.into()),
        1 => around(i64::MAX),
        1 => around(i64::MIN),
    ]
}

pub(crate) fn some_set() -> impl Strategy<Value = BTreeSet<i64>> {
    prop_oneof![
        prop::collection::btree_set(value(), 0..30),
        prop::collection::btree_set(-1000..1000_i64, 0..MANY),
        (0..40_i64, 1..5_usize, 0..MANY as i64 / 2)
            .prop_map(|(from, step, len)| (from..from + len).step_by(step).collect()),
    ]
}

proptest! {
    #![proptest_config(testing::config(512, 1))]

    #[test]
    fn it_does_what_a_btreeset_does(operations in prop::collection::vec((0..4_u8, value()), 0..MANY / 3)) {
        let (mut set, mut model) = (IntSet::new(), BTreeSet::new());
        for (operation, value) in operations {
            let index = model.range(..value).count();
            prop_assert_eq!(set.contains(value), model.contains(&value));
            prop_assert_eq!(set.rank(value), if model.contains(&value) { Ok(index) } else { Err(index) });
            match operation {
                0 => prop_assert_eq!(set.remove(value), model.remove(&value)),
                1 => {
                    let at = model.iter().nth(index).copied();
                    prop_assert_eq!(set.remove_at(index), at);
                    at.map(|at| model.remove(&at));
                }
                _ => prop_assert_eq!(set.insert(value), model.insert(value)),
            }
            check(&set, &model);
        }
    }

    #[test]
    fn ranges_are_those_of_a_btreeset(model in some_set(), a in value(), b in value()) {
        let set: IntSet = model.iter().copied().collect();
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(set.range(low..high).eq(model.range(low..high).copied()));
        prop_assert!(set.range(low..=high).rev().eq(model.range(low..=high).rev().copied()));
        prop_assert!(set.range(..low).eq(model.range(..low).copied()));
        prop_assert!(set.range(high..).eq(model.range(high..).copied()));
        let open = (std::ops::Bound::Excluded(low), std::ops::Bound::Unbounded);
        prop_assert!(set.range(open).eq(model.range(open).copied()));
        prop_assert_eq!(set.range(high..low).next(), None);
        let mut iter = set.iter();
        for least in [low, high] {
            prop_assert_eq!(iter.seek(least), model.range(least..).next().copied());
            prop_assert!(iter.clone().eq(model.range(least..).copied()));
        }
    }

    #[test]
    fn a_stretch_can_be_cut_out(model in some_set(), start in 0..200_usize, count in 0..200_usize) {
        let mut set: IntSet = model.iter().copied().collect();
        let rest = model.iter().copied().enumerate().filter(|(at, _)| !(start..start + count).contains(at));
        let rest: BTreeSet<i64> = rest.map(|(_, value)| value).collect();
        prop_assert_eq!(set.remove_range(start, count), model.len() - rest.len());
        check(&set, &rest);
    }

    #[test]
    fn algebra_is_that_of_btreesets(models in prop::collection::vec(some_set(), 0..5)) {
        let sets: Vec<IntSet> = models.iter().map(|model| model.iter().copied().collect()).collect();
        let iters = || sets.iter().map(|set| set.iter()).collect::<Vec<_>>();
        let in_all = models.iter().cloned().reduce(|a, b| &a & &b).unwrap_or_default();
        let in_any = models.iter().fold(BTreeSet::new(), |a, b| &a | b);
        let (mut inter_iters, mut union_iters) = (iters(), iters());
        let (inter_result, union_result) = (inter(&mut inter_iters), union(&mut union_iters));
        prop_assert!(inter_result.size_hint().1.is_some_and(|most| in_all.len() <= most));
        prop_assert!(union_result.size_hint().0 <= in_any.len());
        prop_assert!(union_result.size_hint().1 >= Some(in_any.len()));
        prop_assert!(inter_result.eq(in_all.iter().copied()));
        prop_assert!(union_result.eq(in_any.iter().copied()));
        // `fold` merges two sets with other code than `next` does.
        let all = |mut all: Vec<i64>, value| { all.push(value); all };
        prop_assert!(inter(&mut iters()).fold(vec![], all).into_iter().eq(in_all));
        prop_assert!(union(&mut iters()).fold(vec![], all).into_iter().eq(in_any));
        if let (Some(first), [_, others @ ..]) = (sets.first(), &models[..]) {
            let left = others.iter().fold(models[0].clone(), |a, b| &a - b);
            prop_assert!(diff(first.iter(), &mut iters()[1..]).eq(left));
        }
    }

    #[test]
    fn equality_is_that_of_the_integers_however_they_are_stored(a in some_set(), b in some_set()) {
        let (set_a, set_b): (IntSet, IntSet) = (a.iter().copied().collect(), b.iter().copied().collect());
        prop_assert_eq!(set_a == set_b, a == b);
        let mut wide = set_a.clone();
        wide.insert(i64::MAX);
        if !a.contains(&i64::MAX) {
            wide.remove(i64::MAX);
        }
        prop_assert_eq!(&wide, &set_a);
    }

    #[test]
    fn bytes_are_a_set_only_if_all_of_them_are(bytes in prop::collection::vec(0..4_u8, 0..40)) {
        if let Ok(set) = IntSet::from_bytes(&bytes) {
            prop_assert_eq!(set.as_bytes().len(), bytes.len());
            prop_assert!(set.is_empty() || set.as_bytes() == bytes);
            check(&set, &set.iter().collect());
        }
    }
}

#[test]
fn the_bytes_are_those_of_redis() {
    let set = IntSet::from_iter([-1, 5, 256]);
    assert_eq!(set.as_bytes(), [2, 0, 0, 0, 3, 0, 0, 0, 0xFF, 0xFF, 5, 0, 0, 1]);
    let set = IntSet::from_iter([65_536, 5]);
    assert_eq!(set.as_bytes(), [4, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 0]);
    let set = IntSet::from_iter([1 << 32]);
    assert_eq!(set.as_bytes(), [8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(IntSet::new().as_bytes(), [2, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn foreign_bytes_are_refused_at_the_place_where_they_are_wrong() {
    let good = bytes_of(Encoding::Int32, &[-70_000, 0, 70_000]);
    assert!(IntSet::from_bytes(&good).is_ok());
    let refused = |bytes: &[u8]| {
        let error = IntSet::from_bytes(bytes).unwrap_err();
        (error.offset, error.fault)
    };
    for len in 0..8 {
        assert_eq!(refused(&good[..len]), (len, Fault::Truncated));
    }
    for len in 8..good.len() {
        assert_eq!(refused(&good[..len]), (4, Fault::Length));
    }
    assert_eq!(refused(&[&good[..], &[0]].concat()), (4, Fault::Length));
    for encoding in [0, 1, 3, 5, 16, 0x0400_0000_u32] {
        assert_eq!(refused(&[&encoding.to_le_bytes(), &good[4..]].concat()), (0, Fault::Encoding));
    }
    assert_eq!(refused(&[2, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]), (4, Fault::Length));
    assert_eq!(refused(&bytes_of(Encoding::Int64, &[1, 1])), (16, Fault::Order));
    assert_eq!(refused(&bytes_of(Encoding::Int16, &[1, 2, -3])), (12, Fault::Order));
}

#[test]
fn an_encoding_wider_than_needed_is_kept_until_the_set_is_empty() {
    let mut set = IntSet::from_bytes(&bytes_of(Encoding::Int64, &[1, 2])).unwrap();
    set.insert(3);
    assert_eq!(set.encoding(), Encoding::Int64);
    assert_eq!(set.remove_range(0, 9), 3);
    assert_eq!((set.encoding(), set.allocation_size()), (Encoding::Int16, 0));
    let empty = IntSet::from_bytes(&bytes_of(Encoding::Int64, &[])).unwrap();
    assert_eq!(empty, IntSet::new());
}

/// With 64 integers and 6400 draws, each integer is expected 100 times, with a standard deviation of 10. A
/// difference of 60, which is six deviations, has a probability of about 10^-9.
#[test]
fn random_draws_are_fair() {
    let set = IntSet::from_iter(0..64);
    let (mut state, mut drawn) = (0u64, [0; 64]);
    let draws = if cfg!(miri) { 0 } else { 6400 };
    for _ in 0..draws {
        let value = set.random(|| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15); // SplitMix64
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        });
        drawn[value.unwrap() as usize] += 1;
    }
    assert!(drawn.iter().all(|&count| draws == 0 || (40..160).contains(&count)), "{drawn:?}");
    assert_eq!((set.random(|| 0), set.random(|| u64::MAX)), (Some(0), Some(63)));
    assert_eq!(IntSet::new().random(|| 7), None);
}
