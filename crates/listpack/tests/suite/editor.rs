//! Lists in a caller's block, compared with lists that have their own block.

use crate::model::{Op, Owned, SecondPass, UnreliableIter, op};
use listpack::{Editor, Fault, ListPack, ReserveError, Room, Value, View};
use proptest::prelude::*;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testing::{Entry, FaultyRoom, RoomFault};

/// Applies the operation to an [`Editor`] or a [`ListPack`], and returns its result as text. Operations that
/// need a list with its own block do nothing here.
macro_rules! apply {
    ($list:expr, $op:expr) => {{
        let list = $list;
        let at = |index: &usize| list.seek(index.checked_rem(list.len()).unwrap_or_default() as isize);
        let debug_text =
            |debug_text: &dyn std::fmt::Debug| Ok::<String, ReserveError>(format!("{debug_text:?}"));
        match $op {
            Op::PushBack(value) => list.try_push_back(value).and_then(|done| debug_text(&done)),
            Op::PushFront(value) => list.try_push_front(value).and_then(|done| debug_text(&done)),
            Op::InsertBefore(index, value) => match at(index) {
                Some(offset) => list.try_insert_before(offset, value).and_then(|at| debug_text(&at)),
                None => debug_text(&()),
            },
            Op::InsertAfter(index, value) => match at(index) {
                Some(offset) => list.try_insert_after(offset, value).and_then(|at| debug_text(&at)),
                None => debug_text(&()),
            },
            Op::Replace(index, value) => match at(index) {
                Some(offset) => list.try_replace(offset, value).and_then(|found| debug_text(&found)),
                None => debug_text(&()),
            },
            Op::InsertAllBefore(index, values) => match at(index) {
                Some(offset) => list.try_insert_all_before(offset, values).and_then(|done| debug_text(&done)),
                None => debug_text(&()),
            },
            Op::Extend(values) => list.try_extend(values).and_then(|done| debug_text(&done)),
            Op::Remove(index) => match at(index) {
                Some(offset) => debug_text(&list.remove(offset)),
                None => debug_text(&()),
            },
            Op::MoveBefore(index, n, to) => match at(index) {
                Some(offset) => {
                    let to = list.seek((to % (list.len() + 1)) as isize);
                    debug_text(&list.move_before(offset, *n, to))
                }
                None => debug_text(&()),
            },
            Op::RemoveRange(index, n) => debug_text(&list.remove_range(*index, *n)),
            Op::RemoveMany(indices) => {
                let offsets: Vec<_> = indices.iter().filter_map(|index| list.seek(*index as isize)).collect();
                debug_text(&list.remove_many(&offsets))
            }
            Op::Truncate(len) => debug_text(&list.truncate(*len)),
            Op::Clear => debug_text(&list.clear()),
            Op::SplitAndMerge(_) | Op::ShrinkToFit | Op::Clone | Op::Relocate => debug_text(&()),
        }
    }};
}

/// Returns the list that the room holds.
fn in_room<R: Room>(room: R) -> ListPack<R> {
    ListPack::in_room(room).map_err(|(fault, _room)| fault).unwrap()
}

proptest! {
    #![proptest_config(testing::config(512, 1))]

    #[test]
    fn a_list_in_a_block_has_the_bytes_of_one_on_its_own_and_leaves_the_rest_alone(
        ops in prop::collection::vec((op(), 0..4_u8), if cfg!(miri) { 8..14 } else { 0..60 }),
        key in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let mut list = ListPack::new();
        let mut entry = Entry::new(b"8 bytes:", list.as_bytes(), &key, usize::MAX);
        for (op, chance) in ops {
            let before = entry.block().to_vec();
            let is_full = chance == 0;
            entry.set_capacity(if is_full { before.len() } else { usize::MAX });
            let answer = if chance == 1 {
                apply!(&mut Editor::new(&mut entry).unwrap(), &op)
            } else {
                apply!(&mut in_room(&mut entry), &op)
            };
            match answer {
                Ok(debug_text) => prop_assert_eq!(debug_text, apply!(&mut list, &op).unwrap()),
                Err(error) => {
                    let is_out_of_memory = matches!(error, ReserveError::OutOfMemory { .. });
                    prop_assert!(is_full && is_out_of_memory);
                    prop_assert_eq!(entry.block(), &before);
                }
            }
            prop_assert!(entry.take_splices() <= 1);
            let (header, rest) = entry.block().split_at(8);
            let (view, behind) = View::from_prefix(rest).unwrap();
            prop_assert_eq!(view.as_bytes(), list.as_bytes());
            prop_assert_eq!((header, behind), (&b"8 bytes:"[..], &key[..]));
            prop_assert_eq!(view, &*list);
        }
    }
}

#[test]
fn an_iterator_that_panics_leaves_no_half_list_in_a_block() {
    let mut list = ListPack::new();
    list.extend(["a", "b"]);
    for place in [None, list.first(), list.last()] {
        let mut entry = Entry::new(b"8 bytes:", list.as_bytes(), b"key", usize::MAX);
        let before = entry.block().to_vec();
        let mut editor = Editor::new(&mut entry).unwrap();
        let yielded = Cell::new(0);
        let values = UnreliableIter { left: 5, yielded: &yielded, second_pass: SecondPass::Panics };
        let added = catch_unwind(AssertUnwindSafe(|| match place {
            Some(place) => editor.try_insert_all_before(place, values),
            None => editor.try_extend(values),
        }));
        assert!(added.is_err());
        assert_eq!(entry.block(), before);
    }
}

#[test]
fn an_editor_asks_for_the_frame_of_a_list() {
    let fault = |bytes: &[u8]| Editor::new(FaultyRoom::new(bytes, RoomFault::Unchanged)).unwrap_err().fault;
    assert_eq!(fault(b""), Fault::Size);
    assert_eq!(fault(b"\x08\0\0\0\0\0\xFF"), Fault::ByteLen);
    assert_eq!(fault(b"\x07\0\0\0\0\0\xFE"), Fault::End);
    let editor = Editor::new(FaultyRoom::new(b"\x07\0\0\0\0\0\xFF", RoomFault::Unchanged)).unwrap();
    assert_eq!((editor.len(), editor.into_room().bytes().len()), (0, 7));
}

#[test]
fn a_list_says_whether_it_lies_in_a_room() {
    let mut list = ListPack::new();
    list.extend(["a", "1"]);
    let mut entry = Entry::new(b"8 bytes:", list.as_bytes(), b"key", usize::MAX);

    let mut there = in_room(&mut entry);
    assert_eq!(there, list);
    assert_eq!(there.with_own(|_| ()), None);
    assert_eq!(there.into_own().unwrap_err().bytes(), list.as_bytes());

    let mut own = list.clone().into_room_type::<Entry>();
    assert_eq!(own.with_own(|list| list.split_off(1).len()), Some(1));
    assert_eq!(own.into_own().unwrap().len(), 1);

    let (fault, room) =
        ListPack::in_room(FaultyRoom::new(b"\x07\0\0\0\0\0\xFE", RoomFault::Unchanged)).unwrap_err();
    assert_eq!((fault.fault, room.bytes().len()), (Fault::End, 7));
}

#[test]
fn a_list_is_assigned_with_one_resize_and_stays_as_it_was_without_room() {
    let [mut short, mut long] = [ListPack::new(), ListPack::new()];
    short.extend(["a", "1"]);
    long.extend(["field", "a value", "70000"]);
    let unknown = ListPack::from_bytes_shallow(b"\x09\0\0\0\xFF\xFF\x05\x01\xFF").unwrap();
    for (from, to) in [(&short, &long), (&long, &short), (&long, &ListPack::new()), (&short, &unknown)] {
        let mut entry = Entry::new(b"8 bytes:", from.as_bytes(), b"key", usize::MAX);
        in_room(&mut entry).try_assign(to.clone()).unwrap();
        assert_eq!((entry.take_splices(), entry.bytes()), (1, to.as_bytes()));
        assert!(entry.block().ends_with(b"\xFFkey"));

        let mut own = from.clone().into_room_type::<Entry>();
        own.try_assign(to.clone()).unwrap();
        assert_eq!(own.into_own().unwrap(), *to);
    }
    let mut entry = Entry::new(b"8 bytes:", short.as_bytes(), b"key", 0);
    assert!(in_room(&mut entry).try_assign(long).is_err());
    assert_eq!(entry.bytes(), short.as_bytes());
}

#[test]
fn the_count_of_an_emptied_list_is_known_again() {
    let mut entry = Entry::new(b"8 bytes:", b"\x09\0\0\0\xFF\xFF\x05\x01\xFF", b"key", 0);
    let mut list = Editor::new(&mut entry).unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list.remove(list.first().unwrap()), None);
    assert_eq!(list.as_bytes(), ListPack::new().as_bytes());
}

/// The results are not specified if a room breaks its contract. Every call must return or panic, and Miri
/// must find nothing.
#[test]
fn a_room_that_returns_wrong_bytes_is_no_danger() {
    let mut list = ListPack::new();
    list.extend([
        Value::Int(5),
        Value::Int(70_000),
        Value::raw(b"abc"),
        Value::raw(b"a longer one"),
        Value::Int(1),
    ]);
    let text = |text: &str| Owned::Str(text.into());
    let edits = [
        Op::PushBack(text("text")),
        Op::PushFront(Owned::Int(300)),
        Op::InsertAfter(2, text("text")),
        Op::Replace(1, text("longer than it was")),
        Op::Replace(3, Owned::Int(1)),
        Op::InsertAllBefore(3, vec![text("one"), text("two")]),
        Op::Remove(1),
        Op::RemoveMany(vec![0, 2, 3]),
        Op::MoveBefore(0, 2, 4),
        Op::Truncate(1),
    ];
    for room_fault in RoomFault::ALL {
        for first in &edits {
            let mut editor = Editor::new(FaultyRoom::new(list.as_bytes(), room_fault)).unwrap();
            for edit in [first].into_iter().chain(&edits) {
                let _ = catch_unwind(AssertUnwindSafe(|| apply!(&mut editor, edit)));
                let _ = catch_unwind(AssertUnwindSafe(|| (editor.iter().rev().count(), editor.seek(-2))));
            }
        }
    }
}

#[test]
fn a_view_becomes_a_list_of_its_own() {
    let mut list = ListPack::new();
    list.extend(["a", "1"]);
    let block = [&b"8 bytes:"[..], list.as_bytes(), b"key"].concat();
    let (view, key) = View::from_prefix(&block[8..]).unwrap();
    assert_eq!((view.to_owned(), key), (list, &b"key"[..]));
    assert!(view.into_iter().eq(["a", "1"].map(Value::from)));
    assert_eq!(format!("{view:?}"), "[Str([97]), Int(1)]");
    for len in 0..block.len() - 8 - 3 {
        let fault = View::from_prefix(&block[8..8 + len]).unwrap_err().fault;
        assert_eq!(fault, if len < 4 { Fault::Size } else { Fault::ByteLen });
    }
}
