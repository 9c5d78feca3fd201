//! Applies random operations to a list and to a `VecDeque` of byte strings, and compares the two. In one of
//! the tests, allocations fail.

use super::{check, elements};
use crate::{Cursor, QuickList, Side};
use listpack::ListPack;
use proptest::prelude::*;
use std::collections::VecDeque;
use zmalloc::{Region, ReserveError, fault};

/// An operation. A `bool` is a side, and `true` is the front. A `u8` is a position or a number of elements.
/// Positions are fractions of the list's length, in units of 1/256.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Push(bool, Vec<u8>),
    PushMany(bool, u8),
    PushAll(bool, Vec<Vec<u8>>),
    Pop(bool),
    Insert(bool, u8, Vec<u8>),
    Replace(u8, Vec<u8>),
    Remove(u8),
    RemoveRange(u8, u8),
    Trim(u8, u8),
    RemoveEqual(bool, u8, u8),
    Rotate(bool, bool),
    Read(u8, u8),
    Relocate,
    Clone,
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0u32..40).prop_map(|n| n.to_string().into_bytes()),
        2 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        4 => "[ab]{0,12}".prop_map(String::into_bytes),
        2 => (0usize..700).prop_map(|len| vec![b'x'; len]),
        1 => proptest::collection::vec(any::<u8>(), 0..300),
        1 => (if cfg!(miri) { 4_090usize..4_110 } else { 3_000..9_000 }).prop_map(|len| vec![b'y'; len]),
    ]
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (any::<bool>(), value()).prop_map(|(side, value)| Op::Push(side, value)),
        1 => (any::<bool>(), 1u8..60).prop_map(|(side, n)| Op::PushMany(side, if cfg!(miri) { n % 12 } else { n })),
        1 => (any::<bool>(), proptest::collection::vec(value(), 0..20))
            .prop_map(|(side, values)| Op::PushAll(side, values)),
        3 => any::<bool>().prop_map(Op::Pop),
        4 => (any::<bool>(), any::<u8>(), value()).prop_map(|(side, at, value)| Op::Insert(side, at, value)),
        3 => (any::<u8>(), value()).prop_map(|(at, value)| Op::Replace(at, value)),
        2 => any::<u8>().prop_map(Op::Remove),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(at, n)| Op::RemoveRange(at, n)),
        1 => (0u8..40, any::<u8>()).prop_map(|(at, n)| Op::Trim(at, n)),
        1 => (any::<bool>(), 0u8..10, any::<u8>()).prop_map(|(side, n, at)| Op::RemoveEqual(side, n, at)),
        1 => any::<(bool, bool)>().prop_map(|(from, to)| Op::Rotate(from, to)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(at, n)| Op::Read(at, n)),
        1 => Just(Op::Relocate),
        1 => Just(Op::Clone),
    ]
}

fn side(front: bool) -> Side {
    if front { Side::Front } else { Side::Back }
}

/// Generates a `list-max-listpack-size` with which nodes are small, so that a list has many nodes, and a
/// `list-compress-depth`.
pub(super) fn settings() -> impl Strategy<Value = (i32, u16)> {
    (prop_oneof![Just(-1), Just(-2), 0i32..6, Just(60)], 0u16..4)
}

pub(super) type Model = VecDeque<Vec<u8>>;

fn at(model: &Model, fraction: u8) -> usize {
    model.len() * usize::from(fraction) / 256
}

/// Moves all blocks. Returns the sum of the sizes that were passed to the closure.
fn relocate(list: &mut QuickList) -> usize {
    let (mut cursor, mut asked) = (Cursor::START, 0);
    loop {
        cursor = list.relocate(cursor, &mut |_, size| {
            asked += size;
            true
        });
        if cursor.is_start() {
            return asked;
        }
    }
}

/// Applies `op` to the list, and compares what the list returns with `model`. The caller applies `op` to the
/// model afterwards, with [`apply_to_model`]. An error must leave the list unchanged.
pub(super) fn apply(list: &mut QuickList, model: &Model, op: &Op) -> Result<(), ReserveError> {
    match op {
        Op::Push(front, value) => list.try_push(side(*front), &**value),
        Op::PushMany(front, n) => {
            // An error would not undo the pushes before it. So this pushes one element. The test
            // `a_list_does_what_a_deque_does` pushes the others as separate operations.
            list.try_push(side(*front), i64::from(*n))
        }
        Op::PushAll(front, values) => list.try_push_all(side(*front), values.iter().map(|value| &**value)),
        Op::Pop(front) => {
            let want = if *front { model.front() } else { model.back() };
            let popped = list.try_pop_with::<_, ReserveError>(side(*front), |value| {
                Ok(crate::Item::stored(value).to_vec())
            })?;
            assert_eq!(popped.as_ref(), want);
            Ok(())
        }
        Op::Insert(front, fraction, value) => {
            let existed = list.try_insert(side(*front), at(model, *fraction), &**value)?;
            assert_eq!(existed, !model.is_empty());
            Ok(())
        }
        Op::Replace(fraction, value) => {
            let existed = list.try_replace(at(model, *fraction), &**value)?;
            assert_eq!(existed, !model.is_empty());
            Ok(())
        }
        Op::Remove(fraction) => list.try_remove_range(at(model, *fraction), 1).map(drop),
        Op::RemoveRange(fraction, n) => {
            list.try_remove_range(at(model, *fraction), usize::from(*n)).map(drop)
        }
        Op::Trim(fraction, n) => list.try_trim(at(model, *fraction), usize::from(*n)),
        Op::RemoveEqual(front, n, fraction) => {
            let Some(value) = model.get(at(model, *fraction)) else { return Ok(()) };
            list.try_remove_equal(side(*front), usize::from(*n), &**value).map(drop)
        }
        Op::Rotate(from, to) => list.try_rotate(side(*from), side(*to)),
        Op::Read(fraction, n) => {
            let (start, n) = (at(model, *fraction), usize::from(*n));
            let got = list.try_get(start)?.map(|item| item.to_vec());
            assert_eq!(got.as_ref(), model.get(start));
            for from in [Side::Front, Side::Back] {
                let mut iter = list.range(start, n);
                let mut want: Vec<_> = model.iter().skip(start).take(n).collect();
                assert_eq!(iter.len(), want.len());
                if from == Side::Back {
                    want.reverse();
                }
                for want in want {
                    let item = iter.try_next_from(from)?.expect("as many as promised");
                    assert_eq!(item.to_vec(), *want);
                }
                assert!(iter.next().is_none());
            }
            Ok(())
        }
        Op::Relocate => {
            relocate(list);
            Ok(())
        }
        Op::Clone => {
            let region = Region::start();
            let copy = list.try_clone()?;
            assert_eq!(region.held(), copy.allocation_size() as isize);
            *list = copy;
            Ok(())
        }
    }
}

/// Applies `op` to the model.
pub(super) fn apply_to_model(model: &mut Model, op: &Op) {
    match op {
        Op::Push(true, value) => model.push_front(value.clone()),
        Op::Push(false, value) => model.push_back(value.clone()),
        Op::PushMany(true, n) => model.push_front(n.to_string().into_bytes()),
        Op::PushMany(false, n) => model.push_back(n.to_string().into_bytes()),
        Op::PushAll(true, values) => values.iter().for_each(|value| model.push_front(value.clone())),
        Op::PushAll(false, values) => model.extend(values.iter().cloned()),
        Op::Pop(front) => {
            if *front {
                model.pop_front();
            } else {
                model.pop_back();
            }
        }
        Op::Insert(front, fraction, value) if !model.is_empty() => {
            let at = at(model, *fraction) + usize::from(!front);
            model.insert(at, value.clone());
        }
        Op::Replace(fraction, value) if !model.is_empty() => {
            let at = at(model, *fraction);
            model[at] = value.clone();
        }
        Op::Remove(fraction) => {
            model.remove(at(model, *fraction));
        }
        Op::RemoveRange(fraction, n) => {
            let start = at(model, *fraction);
            let end = model.len().min(start + usize::from(*n));
            model.drain(start..end);
        }
        Op::Trim(fraction, n) => {
            drop(model.drain(..at(model, *fraction)));
            model.truncate(usize::from(*n));
        }
        Op::RemoveEqual(front, n, fraction) => {
            let Some(value) = model.get(at(model, *fraction)).cloned() else { return };
            let mut left = *n;
            if !front {
                model.make_contiguous().reverse();
            }
            model.retain(|other| {
                let goes = left > 0 && *other == value;
                left -= u8::from(goes);
                !goes
            });
            if !front {
                model.make_contiguous().reverse();
            }
        }
        Op::Rotate(true, false) if !model.is_empty() => model.rotate_left(1),
        Op::Rotate(false, true) if !model.is_empty() => model.rotate_right(1),
        _ => (),
    }
}

proptest! {
    #![proptest_config(testing::config(256, 2))]

    #[test]
    fn a_list_does_what_a_deque_does(
        (limit, depth) in settings(),
        ops in proptest::collection::vec(op(), 1..if cfg!(miri) { 10 } else { 120 }),
    ) {
        let region = Region::start();
        let mut list = QuickList::new(limit, depth);
        let mut model = Model::new();
        let mut many = Vec::new();
        for op in &ops {
            // `PushMany` pushes a sequence of elements first, so that the list has several nodes.
            if let Op::PushMany(front, n) = op {
                many.extend((0..*n).map(|n| Op::Push(*front, format!("element:{n:06}").into_bytes())));
            }
            for op in many.drain(..).chain([op.clone()]) {
                apply(&mut list, &model, &op).unwrap();
                apply_to_model(&mut model, &op);
            }
            let held = region.held();
            drop(many);
            many = Vec::new();
            prop_assert_eq!(list.len(), model.len());
            let listed = elements(&list);
            prop_assert!(listed.iter().eq(&model), "{:?}: {:?} is not {:?}", op, listed, model);
            check(&list, true);
            prop_assert_eq!(list.allocation_size() as isize, held);
        }
        let bytes = list.allocation_size(); // taken first, because moving a block may change its size
        let (asked, copy) = (relocate(&mut list), list.clone());
        prop_assert_eq!(asked, bytes, "every block is asked about");
        prop_assert!(copy == list);
        drop((list, copy));
        prop_assert_eq!(region.held(), 0);
    }

    #[test]
    fn an_operation_without_memory_changes_nothing(
        (limit, depth) in settings(),
        ops in proptest::collection::vec((op(), 0u64..12, any::<bool>()), 1..if cfg!(miri) { 5 } else { 80 }),
    ) {
        let region = Region::start();
        let mut list = QuickList::new(limit, depth);
        let mut model = Model::new();
        for n in 0..if cfg!(miri) { 10 } else { 30 } {
            list.push_back(format!("element:{n:06}").as_bytes());
            model.push_back(format!("element:{n:06}").into_bytes());
        }
        for (op, nth, all_after) in &ops {
            let (before, nodes) = (list.allocation_size(), list.node_count());
            let plan = if *all_after { fault::fail_from(*nth) } else { fault::fail_nth(*nth) };
            let result = apply(&mut list, &model, op);
            let failures = plan.failures();
            drop(plan);
            match result {
                Ok(()) => apply_to_model(&mut model, op),
                Err(_) => {
                    prop_assert!(failures > 0);
                    // `PushAll` removes its elements one by one after an error, so the list may keep room for
                    // them.
                    let exact = !matches!(op, Op::PushAll(..));
                    prop_assert!(!exact || list.allocation_size() == before, "{:?}", op);
                    prop_assert_eq!(list.node_count(), nodes);
                }
            }
            prop_assert!(elements(&list).iter().eq(&model), "{:?}", op);
            check(&list, false);
            prop_assert_eq!(list.allocation_size() as isize, region.held());
        }
    }

    #[test]
    fn a_list_can_be_dropped_in_steps(
        (limit, depth) in settings(),
        count in 0usize..200,
        step in 0usize..50,
    ) {
        let region = Region::start();
        let mut list = QuickList::new(limit, depth);
        for n in 0..count {
            list.push_back(n as i64);
        }
        let mut rest = Some(list);
        let mut left = count;
        while let Some(list) = rest.take().and_then(|list| list.drop_in_steps(step)) {
            let gone = left - list.len();
            prop_assert!(gone >= step.max(1), "{} in a step of {}", gone, step);
            left = list.len();
            prop_assert!(list.iter().map(|item| item.to_vec()).eq((0..left).map(|n| n.to_string().into_bytes())));
            check(&list, false);
            prop_assert_eq!(list.allocation_size() as isize, region.held());
            rest = Some(list);
        }
        prop_assert_eq!(region.held(), 0);
    }

    #[test]
    fn one_listpack_goes_in_and_comes_out(values in proptest::collection::vec(value(), 0..20)) {
        let mut pack = ListPack::new();
        for value in &values {
            pack.push_back(&**value);
        }
        let want = pack.clone();
        let list = QuickList::try_from_listpack(&mut pack, -2, 1).unwrap();
        prop_assert!(pack.is_empty());
        prop_assert_eq!(list.len(), values.len());
        match list.into_listpack() {
            Ok(pack) => prop_assert!(pack == want),
            Err(list) => prop_assert!(values.is_empty() && list.is_empty()),
        }
    }
}
