//! Compares a list with a vector: every operation, with allocations that fail.

use listpack::{ListPack, Value};
use proptest::prelude::*;
use zmalloc::fault;

#[derive(Clone, Debug)]
pub(crate) enum Owned {
    Int(i64),
    Str(Vec<u8>),
    Double(f64),
}

impl<'a> From<&'a Owned> for Value<'a> {
    fn from(owned: &'a Owned) -> Self {
        match owned {
            Owned::Int(value) => Value::Int(*value),
            Owned::Str(bytes) => Value::raw(bytes),
            Owned::Double(value) => Value::Double(*value),
        }
    }
}

fn same(value: Value<'_>, owned: &Owned) -> bool {
    match (value, owned) {
        (Value::Int(value), Owned::Int(want)) => value == *want,
        (Value::Str(bytes), Owned::Str(want)) => bytes == want,
        (Value::Double(value), Owned::Double(want)) => value.to_bits() == want.to_bits(),
        _ => false,
    }
}

fn owned() -> impl Strategy<Value = Owned> {
    let long = if cfg!(miri) { 150usize } else { 20_000 };
    prop_oneof![
        4 => any::<i64>().prop_flat_map(|value| (0..64u32).prop_map(move |shift| Owned::Int(value >> shift))),
        6 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Owned::Str),
        2 => prop::collection::vec(b'0'..=b'9', 1..4).prop_map(Owned::Str),
        1 => (0..long, any::<u8>()).prop_map(|(len, byte)| Owned::Str(vec![byte; len])),
        1 => any::<f64>().prop_map(Owned::Double),
    ]
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    PushBack(Owned),
    PushFront(Owned),
    InsertBefore(usize, Owned),
    InsertAfter(usize, Owned),
    Replace(usize, Owned),
    Remove(usize),
    Extend(Vec<Owned>),
    InsertAllBefore(usize, Vec<Owned>),
    MoveBefore(usize, usize, usize),
    RemoveRange(usize, usize),
    RemoveMany(Vec<usize>),
    Truncate(usize),
    SplitAndMerge(usize),
    ShrinkToFit,
    Clear,
    Clone,
    Relocate,
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => owned().prop_map(Op::PushBack),
        2 => owned().prop_map(Op::PushFront),
        2 => (any::<usize>(), owned()).prop_map(|(at, value)| Op::InsertBefore(at, value)),
        2 => (any::<usize>(), owned()).prop_map(|(at, value)| Op::InsertAfter(at, value)),
        3 => (any::<usize>(), owned()).prop_map(|(at, value)| Op::Replace(at, value)),
        4 => any::<usize>().prop_map(Op::Remove),
        1 => prop::collection::vec(owned(), 0..9).prop_map(Op::Extend),
        2 => (any::<usize>(), prop::collection::vec(owned(), 0..4))
            .prop_map(|(at, values)| Op::InsertAllBefore(at, values)),
        2 => (any::<usize>(), 0..4usize, any::<usize>()).prop_map(|(at, n, to)| Op::MoveBefore(at, n, to)),
        1 => (0..30usize, 0..5usize).prop_map(|(at, n)| Op::RemoveRange(at, n)),
        1 => Just(Op::ShrinkToFit),
        1 => prop::collection::vec(0..30usize, 0..6).prop_map(Op::RemoveMany),
        1 => (0..60usize).prop_map(Op::Truncate),
        1 => (0..30usize).prop_map(Op::SplitAndMerge),
        1 => Just(Op::Clone),
        1 => Just(Op::Relocate),
        1 => Just(Op::Clear),
    ]
}

/// Applies `op` to both. Returns whether the operation succeeded.
fn step(list: &mut ListPack, model: &mut Vec<Owned>, op: &Op) -> bool {
    let index = |at: &usize| (!model.is_empty()).then(|| at % model.len());
    let offset = |list: &ListPack, index: usize| list.seek(index as isize).unwrap();
    match op {
        Op::PushBack(value) => {
            let done = list.try_push_back(value).is_ok();
            if done {
                model.push(value.clone());
            }
            done
        }
        Op::PushFront(value) => {
            let done = list.try_push_front(value).is_ok();
            if done {
                model.insert(0, value.clone());
            }
            done
        }
        Op::InsertBefore(at, value) => {
            let Some(index) = index(at) else { return true };
            let Ok(at) = list.try_insert_before(offset(list, index), value) else { return false };
            model.insert(index, value.clone());
            assert_eq!(at, offset(list, index));
            true
        }
        Op::InsertAfter(at, value) => {
            let Some(index) = index(at) else { return true };
            let Ok(at) = list.try_insert_after(offset(list, index), value) else { return false };
            model.insert(index + 1, value.clone());
            assert_eq!(at, offset(list, index + 1));
            true
        }
        Op::Replace(at, value) => {
            let Some(index) = index(at) else { return true };
            let Ok(found) = list.try_replace(offset(list, index), value) else { return false };
            assert!(found);
            model[index] = value.clone();
            true
        }
        Op::Remove(at) => {
            let Some(index) = index(at) else { return true };
            let next = list.remove(offset(list, index));
            model.remove(index);
            assert_eq!(next, list.seek(index as isize));
            true
        }
        Op::Extend(values) => {
            let done = list.try_extend(values).is_ok();
            if done {
                model.extend_from_slice(values);
            }
            done
        }
        Op::InsertAllBefore(at, values) => {
            let Some(index) = index(at) else { return true };
            let done = list.try_insert_all_before(offset(list, index), values).is_ok();
            if done {
                model.splice(index..index, values.iter().cloned());
            }
            done
        }
        Op::MoveBefore(at, n, to) => {
            let Some(from) = index(at) else { return true };
            // The target is one of the entries, or the end.
            let to = to % (model.len() + 1);
            list.move_before(offset(list, from), *n, list.seek(to as isize));
            if from + n <= model.len() && !(from + 1..from + n).contains(&to) {
                let moved: Vec<_> = model.drain(from..from + n).collect();
                let to = if to > from { to - n } else { to };
                model.splice(to..to, moved);
            }
            true
        }
        Op::ShrinkToFit => {
            list.shrink_to_fit();
            true
        }
        Op::RemoveRange(at, n) => {
            let from = (*at).min(model.len());
            let removed = model.drain(from..(from + n).min(model.len())).count();
            assert_eq!(list.remove_range(*at, *n), removed);
            true
        }
        Op::RemoveMany(indices) => {
            let offsets: Vec<_> = indices.iter().filter_map(|index| list.seek(*index as isize)).collect();
            // Indices that do not ascend are skipped.
            let mut ascending: Vec<usize> = Vec::new();
            for index in indices.iter().filter(|index| **index < model.len()) {
                if ascending.last().is_none_or(|last| last < index) {
                    ascending.push(*index);
                }
            }
            assert_eq!(list.remove_many(&offsets), ascending.len());
            for index in ascending.iter().rev() {
                model.remove(*index);
            }
            true
        }
        Op::Truncate(len) => {
            list.truncate(*len);
            model.truncate(*len);
            true
        }
        Op::SplitAndMerge(at) => {
            let Ok(mut tail) = list.try_split_off(*at) else { return false };
            let at = (*at).min(model.len());
            check(&tail, &model[at..]);
            check(list, &model[..at]);
            if list.try_merge(&mut tail).is_err() {
                check(&tail, &model[at..]);
                let _ = fault::fail_nth(0);
                list.merge(&mut tail);
            }
            assert!(tail.is_empty());
            true
        }
        Op::Clear => {
            list.clear();
            model.clear();
            true
        }
        Op::Clone => {
            let Ok(clone) = list.try_clone() else { return false };
            assert!(clone == *list);
            *list = clone;
            true
        }
        Op::Relocate => {
            let was = list.as_bytes().as_ptr();
            let mut asked = 0;
            let moved = list.relocate(&mut |block, size| {
                asked += 1;
                assert_eq!(block.as_ptr().cast_const(), was);
                assert!(size > 7);
                true
            });
            assert_eq!(asked, usize::from(!model.is_empty()));
            assert_eq!(moved, list.as_bytes().as_ptr() != was);
            true
        }
    }
}

fn check(list: &ListPack, model: &[Owned]) {
    assert_eq!(list.len(), model.len());
    assert_eq!(list.is_empty(), model.is_empty());
    assert_eq!(list.is_empty(), list.allocation_size() == 0);
    assert_eq!(list.byte_len(), 7 + model.iter().map(listpack::encoded_len).sum::<usize>());
    assert_eq!(list.iter().size_hint(), (model.len(), Some(model.len())));
    assert!(list.iter().zip(model).all(|(value, want)| same(value, want)));
    assert_eq!(list.iter().count(), model.len());
    assert!(list.iter().rev().zip(model.iter().rev()).all(|(value, want)| same(value, want)));
    assert_eq!(list.iter().rev().count(), model.len());
    // Miri tests only every seventh entry, because each seek is a walk.
    let step = if cfg!(miri) { 7 } else { 1 };
    for (index, want) in model.iter().enumerate().step_by(step) {
        let offset = list.seek(index as isize).unwrap();
        assert_eq!(list.seek(index as isize - model.len() as isize), Some(offset));
        assert!(same(list.get(offset).unwrap(), want));
        assert_eq!(list.next(offset), list.seek(index as isize + 1));
        assert_eq!(list.prev(offset), index.checked_sub(1).and_then(|index| list.seek(index as isize)));
    }
    assert_eq!(list.seek(model.len() as isize), None);
    assert_eq!(list.seek(-1 - model.len() as isize), None);
}

proptest! {
    #![proptest_config(testing::config(512, 1))]

    #[test]
    fn a_list_does_what_a_vector_does_and_a_failed_operation_nothing(
        ops in prop::collection::vec((op(), 0..4u64), if cfg!(miri) { 8..14 } else { 0..60 })
    ) {
        let (mut list, mut model) = (ListPack::new(), Vec::new());
        for (op, nth) in ops {
            let before = list.as_bytes().to_vec();
            let plan = fault::fail_nth(nth);
            let done = step(&mut list, &mut model, &op);
            let failed = plan.failures() > 0;
            drop(plan);
            prop_assert!(done || failed);
            if !done {
                prop_assert_eq!(list.as_bytes(), before);
            }
            check(&list, &model);
            prop_assert!(listpack::validate(list.as_bytes(), listpack::Depth::Deep).is_ok());
        }
    }

    #[test]
    fn find_is_a_linear_search_for_the_text(
        values in prop::collection::vec(owned(), 0..20),
        needle in prop_oneof![
            any::<prop::sample::Index>().prop_map(Ok),
            prop::collection::vec(b'0'..=b'9', 0..3).prop_map(Err),
        ],
        from in 0..4usize,
        skip in 0..3usize,
    ) {
        let text = |value: &Owned| match value {
            Owned::Int(value) => Some(value.to_string().into_bytes()),
            Owned::Str(bytes) => Some(bytes.clone()),
            Owned::Double(_) => None,
        };
        let mut list = ListPack::new();
        for value in &values {
            list.push_back(value);
        }
        let needle = match needle {
            Ok(index) if !values.is_empty() => text(index.get(&values)).unwrap_or_default(),
            Ok(_) => Vec::new(),
            Err(needle) => needle,
        };
        let Some(start) = list.seek(from as isize) else { return Ok(()) };
        let want = values.iter().enumerate().skip(from).step_by(skip + 1)
            .find(|(_, value)| text(value).is_some_and(|text| text == needle));
        prop_assert_eq!(list.find(start, &needle, skip), want.and_then(|(index, _)| list.seek(index as isize)));
    }
}

/// An iterator whose second run differs from the first. All clones count their values in `yielded`. The first
/// seven values are the same text. With the eighth value, `second_pass` says what happens.
#[derive(Clone)]
pub(crate) struct UnreliableIter<'a> {
    pub(crate) left: usize,
    pub(crate) yielded: &'a std::cell::Cell<usize>,
    pub(crate) second_pass: SecondPass,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum SecondPass {
    Ends,
    Panics,
    YieldsMore,
}

impl Iterator for UnreliableIter<'_> {
    type Item = Value<'static>;

    fn next(&mut self) -> Option<Value<'static>> {
        self.left = self.left.checked_sub(1)?;
        self.yielded.set(self.yielded.get() + 1);
        Some(Value::raw(match self.second_pass {
            _ if self.yielded.get() <= 7 => b"text",
            SecondPass::Ends => return None,
            SecondPass::Panics => panic!("as it was told to"),
            SecondPass::YieldsMore => b"more than was said",
        }))
    }
}

#[test]
fn an_iterator_that_ends_early_or_panics_or_yields_more_leaves_no_half_list() {
    for (before, behind) in [(&[][..], &[][..]), (&["a", "b"], &[]), (&["a"], &["b", "c"]), (&[], &["b"])] {
        for second_pass in [SecondPass::Ends, SecondPass::Panics, SecondPass::YieldsMore] {
            let mut list = ListPack::new();
            list.extend(before.iter().chain(behind).copied());
            let yielded = std::cell::Cell::new(0);
            let values = UnreliableIter { left: 5, yielded: &yielded, second_pass };
            let place = list.seek(before.len() as isize);
            let added = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match place {
                Some(place) => list.insert_all_before(place, values),
                None => list.extend(values),
            }));
            assert_eq!(added.is_ok(), second_pass == SecondPass::Ends);
            // The first run yields five values. A second run that ends early yields two.
            let more: &[&str] = if second_pass == SecondPass::Ends { &["text", "text"] } else { &[] };
            let want = before.iter().chain(more).chain(behind);
            let want: Vec<Value<'_>> = want.map(|text| Value::from(*text)).collect();
            assert!(list.iter().eq(want.iter().copied()));
            assert_eq!(ListPack::from_bytes(list.as_bytes()).unwrap(), list);
            assert_eq!(list.allocation_size() == 0, want.is_empty());
        }
    }
}
