//! Compares a quicklist with a `VecDeque`. The input chooses the settings.
//!
//! After each operation, the length and the counted bytes must be right. Some operations read and compare the
//! elements. An operation that returns an error changes nothing. If only an optional allocation fails, the
//! operation still succeeds.

use crate::harness::{Faults, LeakCheck, Len, Plan, Text, operations};
use ::quicklist::{Cursor, Item, QuickList, Side};
use ::zmalloc::ReserveError;
use arbitrary::Arbitrary;
use std::collections::VecDeque;

#[derive(Arbitrary, Debug)]
enum Op {
    Push(bool, Text),
    PushRun(bool, i32, u8),
    Pop(bool),
    Insert(bool, Len, Text),
    Replace(Len, Text),
    RemoveRange(Len, u8),
    RemoveEqual(bool, u8, Text),
    Rotate(bool, bool),
    Read(bool, Len, u8),
    ReplaceByClone,
    Relocate(bool),
    ThroughListpack,
    DropInSteps(u8),
    Follow(Plan),
}

type Model = VecDeque<Vec<u8>>;

fn side(front: bool) -> Side {
    if front { Side::Front } else { Side::Back }
}

/// Runs the operations that `data` encodes. The first two bytes are the settings.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let (&[size, depth], data) = data.split_first_chunk().unwrap_or((&[0, 0], &[]));
    let settings = (i32::from(size as i8) % 16, u16::from(depth % 4));
    let mut list = QuickList::new(settings.0, settings.1);
    let mut model = Model::new();
    let mut faults = Faults::new();
    for op in operations(data) {
        step(&mut list, &mut model, &mut faults, settings, op);
        check(&list, &model, &leak_check);
    }
}

/// Compares the length and the bytes. Elements are not read, because that allocates if a node is compressed,
/// and the plan may make this allocation fail.
fn check(list: &QuickList, model: &Model, leak_check: &LeakCheck) {
    assert_eq!(list.len(), model.len());
    assert_eq!(leak_check.used(), list.allocation_size());
    assert!(list.node_count() <= model.len());
}

fn step(list: &mut QuickList, model: &mut Model, faults: &mut Faults, (size, depth): (i32, u16), op: Op) {
    match op {
        Op::Push(front, Text(value)) => {
            if refused(faults, || list.try_push(side(front), &*value)).is_some() {
                push(model, front, value);
            }
        }
        Op::PushRun(front, from, count) => {
            for n in (0..i64::from(count)).map(|n| n + i64::from(from)) {
                if refused(faults, || list.try_push(side(front), n)).is_some() {
                    push(model, front, n.to_string().into_bytes());
                }
            }
        }
        Op::Pop(front) => {
            let pop = || list.try_pop_with(side(front), |value| Ok(Item::from(value).to_vec()));
            if let Some(popped) = refused(faults, pop) {
                assert_eq!(popped, if front { model.pop_front() } else { model.pop_back() });
            }
        }
        Op::Insert(front, Len(index), Text(value)) => {
            if let Some(here) = refused(faults, || list.try_insert(side(front), index, &*value)) {
                assert_eq!(here, index < model.len());
                if here {
                    model.insert(index + usize::from(!front), value);
                }
            }
        }
        Op::Replace(Len(index), Text(value)) => {
            if let Some(here) = refused(faults, || list.try_replace(index, &*value)) {
                assert_eq!(here, index < model.len());
                if let Some(old) = model.get_mut(index) {
                    *old = value;
                }
            }
        }
        Op::RemoveRange(Len(start), count) => {
            if let Some(removed) = refused(faults, || list.try_remove_range(start, count.into())) {
                let start = start.min(model.len());
                let end = model.len().min(start + usize::from(count));
                assert_eq!(removed, model.drain(start..end).count());
            }
        }
        Op::RemoveEqual(front, count, Text(value)) => {
            let remove = || list.try_remove_equal(side(front), count.into(), &*value);
            if let Some(removed) = refused(faults, remove) {
                assert_eq!(removed, remove_equal(model, front, count.into(), &value));
            }
        }
        Op::Rotate(from, to) => {
            let done = refused(faults, || list.try_rotate(side(from), side(to))).is_some();
            if done && from != to && !model.is_empty() {
                if from { model.rotate_left(1) } else { model.rotate_right(1) }
            }
        }
        Op::Read(front, Len(start), count) => read(list, model, faults, side(front), start, count.into()),
        Op::ReplaceByClone => {
            if let Some(copy) = refused(faults, || list.try_clone()) {
                *list = copy;
            }
        }
        Op::Relocate(yes) => {
            let mut cursor = Cursor::START;
            loop {
                cursor = list.relocate(cursor, &mut |_, size| yes && size > 0);
                if cursor.is_start() {
                    break;
                }
            }
        }
        Op::ThroughListpack => {
            faults.follow(Plan::None);
            let old = std::mem::replace(list, QuickList::new(size, depth));
            *list = match old.into_listpack() {
                Ok(mut pack) => QuickList::try_from_listpack(&mut pack, size, depth).expect("memory"),
                Err(list) => list,
            };
        }
        Op::DropInSteps(count) => {
            faults.follow(Plan::None);
            let old = std::mem::replace(list, QuickList::new(size, depth));
            if let Some(rest) = old.drop_in_steps(count.into()) {
                model.truncate(rest.len());
                *list = rest;
            } else {
                model.clear();
            }
        }
        Op::Follow(plan) => faults.follow(plan),
    }
}

/// Returns the result of an operation, or `None` if an allocation failed. Panics if there was an error and no
/// failed allocation.
fn refused<T>(faults: &Faults, operation: impl FnOnce() -> Result<T, ReserveError>) -> Option<T> {
    let (result, failed) = faults.watch(operation);
    assert!(result.is_ok() || failed, "no fault was injected");
    result.ok()
}

fn push(model: &mut Model, front: bool, value: Vec<u8>) {
    if front { model.push_front(value) } else { model.push_back(value) }
}

fn remove_equal(model: &mut Model, front: bool, count: usize, value: &[u8]) -> usize {
    let mut found: Vec<usize> = (0..model.len()).filter(|&n| model[n] == value).collect();
    if !front {
        found.reverse();
    }
    found.truncate(count);
    found.sort_unstable();
    found.iter().rev().for_each(|&n| drop(model.remove(n)));
    found.len()
}

/// Reads consecutive elements from one end of a range, and compares them. Reads owned items and borrowed
/// values in turn.
fn read(list: &QuickList, model: &Model, faults: &Faults, from: Side, start: usize, count: usize) {
    let mut want: Vec<&Vec<u8>> = model.iter().skip(start).take(count).collect();
    if from == Side::Back {
        want.reverse();
    }
    let mut iter = list.range(start, count);
    assert_eq!(iter.len(), want.len());
    for (n, want) in want.into_iter().enumerate() {
        let got = refused(faults, || {
            if n % 2 == 0 {
                Ok(iter.try_next_from(from)?.map(|item| item.to_vec()))
            } else {
                Ok(iter.next_value_from(from)?.map(|value| Item::from(value).to_vec()))
            }
        });
        let Some(got) = got else { return };
        assert_eq!(got.as_ref(), Some(want));
    }
    assert!(iter.next().is_none());
}
