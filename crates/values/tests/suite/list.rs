//! Tests that compare lists with a `VecDeque`. The limits are so low that the lists change their encoding
//! often. The tests also check the memory of a list, and lists after an operation that was refused memory.

use common::Cursor;
use core::num::NonZeroI64;
use proptest::prelude::*;
use std::collections::VecDeque;
use values::list::Side;
use values::{Collection, Element, EncodingLimits, List, ReserveError};
use zmalloc::{Region, fault};

type Model = VecDeque<Vec<u8>>;

#[derive(Clone, Debug)]
enum Op {
    Push(Side, Vec<u8>),
    PushAll(Side, Vec<Vec<u8>>),
    Pop(Side),
    RemoveEnd(Side, u8),
    Set(i64, Vec<u8>),
    Insert(Side, Vec<u8>, Vec<u8>),
    Remove(i64, Vec<u8>),
    Trim(i64, i64),
    Rotate(Side, Side),
    MoveTo(Side, Side),
    Get(i64),
    Range(i64, i64),
    Positions(Vec<u8>, i64, u8),
    Clone,
    /// Converts the list into a raw value word and back.
    ThroughRaw,
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Front), Just(Side::Back)]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0u32..6).prop_map(|n| n.to_string().into_bytes()),
        2 => "[ab]{0,3}".prop_map(String::into_bytes),
        2 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        1 => (0usize..400).prop_map(|len| vec![b'x'; len]),
        1 => (3_000usize..9_000).prop_map(|len| vec![b'y'; len]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let index = || -12i64..12;
    prop_oneof![
        6 => (side(), value()).prop_map(|(side, value)| Op::Push(side, value)),
        3 => (side(), proptest::collection::vec(value(), 0..8)).prop_map(|(side, all)| Op::PushAll(side, all)),
        3 => side().prop_map(Op::Pop),
        1 => (side(), 0u8..6).prop_map(|(side, count)| Op::RemoveEnd(side, count)),
        2 => (index(), value()).prop_map(|(index, value)| Op::Set(index, value)),
        3 => (side(), value(), value()).prop_map(|(side, pivot, value)| Op::Insert(side, pivot, value)),
        2 => (-3i64..4, value()).prop_map(|(count, value)| Op::Remove(count, value)),
        1 => (index(), index()).prop_map(|(start, end)| Op::Trim(start, end)),
        2 => (side(), side()).prop_map(|(from, to)| Op::Rotate(from, to)),
        2 => (side(), side()).prop_map(|(from, to)| Op::MoveTo(from, to)),
        1 => index().prop_map(Op::Get),
        1 => (index(), index()).prop_map(|(start, end)| Op::Range(start, end)),
        1 => (value(), 1i64..4, any::<u8>()).prop_map(|(value, rank, max)| Op::Positions(value, rank, max)),
        1 => Just(Op::Clone),
        1 => Just(Op::ThroughRaw),
    ]
}

fn limits() -> impl Strategy<Value = EncodingLimits> {
    (prop_oneof![-2i32..0, 0i32..7], 0u16..3).prop_map(|(size, depth)| EncodingLimits {
        list_max_listpack_size: size,
        list_compress_depth: depth,
        ..EncodingLimits::DEFAULT
    })
}

fn texts(list: &List) -> Vec<Vec<u8>> {
    list.iter().map(|item| item.element().text().to_vec()).collect()
}

/// Returns the range of elements that a command's indexes mean, as the documentation of `LRANGE` defines it.
fn span(model: &Model, start: i64, end: i64) -> std::ops::Range<usize> {
    let len = model.len() as i64;
    let from_front = |index: i64| if index < 0 { index + len } else { index };
    let (start, end) = (from_front(start).max(0), from_front(end).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

fn at(model: &Model, index: i64) -> Option<usize> {
    let index = if index < 0 { index + model.len() as i64 } else { index };
    usize::try_from(index).ok().filter(|&index| index < model.len())
}

fn push(model: &mut Model, side: Side, value: Vec<u8>) {
    match side {
        Side::Front => model.push_front(value),
        Side::Back => model.push_back(value),
    }
}

fn pop(model: &mut Model, side: Side) -> Option<Vec<u8>> {
    match side {
        Side::Front => model.pop_front(),
        Side::Back => model.pop_back(),
    }
}

/// Applies `op` to a list and to its model, and compares their results. `Op::MoveTo` moves an element to
/// `other`. If the list returns an error, the model does not change.
fn apply(
    (list, other): (&mut List, &mut List),
    (model, other_model): (&mut Model, &mut Model),
    limits: &EncodingLimits,
    op: &Op,
) -> Result<(), ReserveError> {
    match op {
        Op::Push(side, value) => {
            list.try_push(*side, Element::Bytes(value), limits)?;
            push(model, *side, value.clone());
        }
        Op::PushAll(side, values) => {
            list.try_push_all(*side, values.iter().map(|value| Element::Bytes(value)), limits)?;
            values.iter().for_each(|value| push(model, *side, value.clone()));
        }
        Op::Pop(side) => {
            let popped = list.try_pop(*side, limits)?;
            assert_eq!(popped.map(|object| object.as_element().text().to_vec()), pop(model, *side));
        }
        Op::RemoveEnd(side, count) => {
            let removed = list.try_remove_end(*side, usize::from(*count), limits)?;
            assert_eq!(removed, (0..*count).map_while(|_| pop(model, *side)).count());
        }
        Op::Set(index, value) => {
            let existed = list.try_set(*index, Element::Bytes(value), limits)?;
            let place = at(model, *index);
            assert_eq!(existed, place.is_some());
            if let Some(place) = place {
                model[place] = value.clone();
            }
        }
        Op::Insert(side, pivot, value) => {
            let done = list.try_insert(*side, Element::Bytes(pivot), Element::Bytes(value), limits)?;
            let place = model.iter().position(|other| other == pivot);
            assert_eq!(done, place.is_some());
            if let Some(place) = place {
                model.insert(place + usize::from(*side == Side::Back), value.clone());
            }
        }
        Op::Remove(count, value) => {
            let removed = list.try_remove(*count, Element::Bytes(value), limits)?;
            let mut found: Vec<usize> = (0..model.len()).filter(|&n| model[n] == *value).collect();
            if *count < 0 {
                found.reverse();
            }
            if *count != 0 {
                found.truncate(count.unsigned_abs() as usize);
            }
            found.sort_unstable();
            assert_eq!(removed, found.len());
            found.iter().rev().for_each(|&n| drop(model.remove(n)));
        }
        Op::Trim(start, end) => {
            list.try_trim(*start, *end, limits)?;
            *model = model.range(span(model, *start, *end)).cloned().collect();
        }
        Op::Rotate(from, to) => {
            let done = list.try_rotate(*from, *to, limits)?;
            let popped = pop(model, *from);
            assert_eq!(done, popped.is_some());
            popped.into_iter().for_each(|value| push(model, *to, value));
        }
        Op::MoveTo(from, to) => {
            let done = list.try_move_to(*from, other, *to, limits)?;
            let popped = pop(model, *from);
            assert_eq!(done, popped.is_some());
            popped.into_iter().for_each(|value| push(other_model, *to, value));
        }
        Op::Get(index) => {
            let got = list.try_get(*index)?.map(|item| item.element().text().to_vec());
            assert_eq!(got.as_ref(), at(model, *index).map(|place| &model[place]));
        }
        Op::Range(start, end) => {
            let mut iter = list.range(*start, *end);
            let want: Vec<_> = model.range(span(model, *start, *end)).collect();
            assert_eq!(iter.len(), want.len());
            // The loop reads from both ends in turn: items from the front, lent elements from the back.
            let (mut front, mut back) = (want.iter(), want.iter().rev());
            for n in 0..want.len() {
                if n % 2 == 0 {
                    let item = iter.try_next_from(Side::Front)?.expect("as many as promised");
                    assert_eq!(*item.element().text(), ***front.next().unwrap());
                } else {
                    let element = iter.next_element(Side::Back)?.expect("as many as promised");
                    assert_eq!(*element.text(), ***back.next().unwrap());
                }
            }
            assert!(iter.next().is_none() && iter.next_back().is_none());
        }
        Op::Positions(value, rank, max_len) => {
            let max_len = if *max_len == 0 { usize::MAX } else { usize::from(*max_len) };
            let rank = NonZeroI64::new(*rank).unwrap();
            let skip = rank.get() as usize - 1;
            let equal = |&n: &usize| model[n] == *value;
            let mut positions = list.positions(&**value, rank, max_len);
            for want in (0..model.len()).take(max_len).filter(equal).skip(skip) {
                assert_eq!(positions.try_next()?, Some(want));
            }
            assert_eq!(positions.try_next()?, None);
            let mut positions = list.positions(&**value, -rank, max_len);
            for want in (0..model.len()).rev().take(max_len).filter(equal).skip(skip) {
                assert_eq!(positions.try_next()?, Some(want));
            }
            assert_eq!(positions.try_next()?, None);
        }
        Op::Clone => *list = list.try_clone()?,
        Op::ThroughRaw => {
            let (encoding, word) = core::mem::take(list).into_raw();
            // SAFETY: both come from `into_raw` above. The view ends before the list is taken back, which
            // happens once.
            unsafe {
                assert_eq!(List::view_of_raw(encoding, &word).len(), model.len());
                *list = List::from_raw(encoding, word);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(testing::config(512, 4))]

    #[test]
    fn a_list_does_what_a_deque_does_in_whatever_encoding(
        limits in limits(),
        ops in proptest::collection::vec(op(), 1..100),
    ) {
        let region = Region::start();
        let (mut list, mut other) = (List::new(), List::new());
        let (mut model, mut other_model) = (Model::new(), Model::new());
        for op in &ops {
            apply((&mut list, &mut other), (&mut model, &mut other_model), &limits, op).unwrap();
            let held = region.held();
            prop_assert_eq!((list.allocation_size() + other.allocation_size()) as isize, held);
            prop_assert!(texts(&list).iter().eq(&model), "{:?}", op);
            prop_assert!(texts(&other).iter().eq(&other_model), "{:?}", op);
            prop_assert_eq!(list.len(), model.len());
            prop_assert!(list.is_empty() == (list.allocation_size() == 0));
        }
        let copy = list.try_clone().unwrap();
        prop_assert!(copy == list && copy.encoding() == list.encoding());
        prop_assert!(list.free_effort() >= 1);
        drop((copy, other));
        let mut left = list.drop_in_steps(3);
        while let Some(remains) = left {
            prop_assert_eq!(remains.allocation_size() as isize, region.held());
            left = remains.drop_in_steps(3);
        }
        prop_assert_eq!(region.held(), 0);
    }

    #[test]
    fn a_list_that_is_refused_memory_is_as_it_was(
        limits in limits(),
        start in proptest::collection::vec(value(), 0..30),
        ops in proptest::collection::vec((op(), 1u64..8, any::<bool>()), 1..60),
    ) {
        let (mut list, mut other) = (List::new(), List::new());
        let (mut model, mut other_model) = (Model::from(start), Model::new());
        list.push_all(Side::Back, model.iter().map(|value| Element::Bytes(value)), &limits);
        for (op, nth, all_after) in &ops {
            let before = [&list, &other].map(|list| (list.encoding(), list.allocation_size()));
            let region = Region::start();
            let plan = if *all_after { fault::fail_from(*nth) } else { fault::fail_nth(*nth) };
            let result = apply((&mut list, &mut other), (&mut model, &mut other_model), &limits, op);
            let failures = plan.failures();
            drop(plan);
            let after = [&list, &other].map(|list| (list.encoding(), list.allocation_size()));
            if result.is_err() {
                prop_assert!(failures > 0);
                prop_assert_eq!(before.map(|(encoding, _)| encoding), after.map(|(encoding, _)| encoding), "{:?}", op);
                // `PushAll` removes its elements again one by one, but may keep memory that it allocated
                // for them.
                let exact = !matches!(op, Op::PushAll(..));
                prop_assert!(!exact || before == after, "{:?}: {:?}, {:?}", op, before, after);
            }
            let grown = after.iter().map(|(_, size)| size).sum::<usize>() as isize
                - before.iter().map(|(_, size)| size).sum::<usize>() as isize;
            prop_assert_eq!(region.held(), grown, "{:?}", op);
            prop_assert!(texts(&list).iter().eq(&model), "{:?}", op);
            prop_assert!(texts(&other).iter().eq(&other_model), "{:?}", op);
        }
    }
}

#[test]
fn every_block_of_a_list_can_be_moved() {
    let limits = EncodingLimits { list_max_listpack_size: 10, ..EncodingLimits::DEFAULT };
    for count in [0, 5, 5_000] {
        let mut list = List::new();
        (0..count).for_each(|n: u32| list.push_back(format!("element {n}").as_bytes(), &limits));
        let before = texts(&list);
        let (mut cursor, mut blocks, mut calls) = (Cursor::START, 0, 0);
        loop {
            let mut in_this_call = 0;
            cursor = list.relocate(cursor, &mut |_, size| {
                in_this_call += 1;
                size > 0
            });
            assert!(in_this_call < 40, "work in a call is bounded");
            (blocks, calls) = (blocks + in_this_call, calls + 1);
            if cursor.is_start() {
                break;
            }
        }
        assert_eq!(texts(&list), before);
        match count {
            0 => assert_eq!((blocks, calls), (0, 1)),
            5 => assert_eq!((blocks, calls), (1, 1)),
            _ => assert!(blocks > 500 && calls >= 30, "{blocks} blocks in {calls} calls"),
        }
    }
}
