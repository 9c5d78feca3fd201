//! Sets in a caller's block, compared with sets that have their own block.

use crate::model::value;
use intset::{Editor, Encoding, Fault, IntSet, ReserveError, Room, View};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testing::{Entry, FaultyRoom, RoomFault};

#[derive(Clone, Debug)]
enum Op {
    Insert(i64),
    Remove(i64),
    RemoveAt(usize),
    RemoveRange(usize, usize),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => value().prop_map(Op::Insert),
        8 => value().prop_map(Op::Remove),
        4 => (0..40_usize).prop_map(Op::RemoveAt),
        2 => (0..40_usize, 0..9_usize).prop_map(|(start, count)| Op::RemoveRange(start, count)),
        1 => Just(Op::Clear),
    ]
}

/// Applies an operation to an [`Editor`] or an [`IntSet`]. Returns the result of the operation as an integer.
macro_rules! apply {
    ($set:expr, $op:expr) => {
        match *$op {
            Op::Insert(value) => $set.try_insert(value).map(i64::from),
            Op::Remove(value) => Ok(i64::from($set.remove(value))),
            Op::RemoveAt(index) => Ok($set.remove_at(index).unwrap_or_default()),
            Op::RemoveRange(start, count) => Ok($set.remove_range(start, count) as i64),
            Op::Clear => {
                $set.clear();
                Ok(0)
            }
        }
    };
}

/// Returns the set that the room holds.
fn in_room<R: Room>(room: R) -> IntSet<R> {
    IntSet::in_room(room).map_err(|(fault, _room)| fault).unwrap()
}

proptest! {
    #![proptest_config(testing::config(512, 2))]

    #[test]
    fn a_set_in_a_block_has_the_bytes_of_one_on_its_own_and_leaves_the_rest_alone(
        ops in prop::collection::vec((op(), 0..4_u8), if cfg!(miri) { 10..20 } else { 0..120 }),
        key in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let mut set = IntSet::new();
        let mut entry = Entry::new(b"8 bytes:", set.as_bytes(), &key, usize::MAX);
        for (op, chance) in ops {
            let before = entry.block().to_vec();
            let is_full = chance == 0;
            entry.set_capacity(if is_full { before.len() } else { usize::MAX });
            let answer = if chance == 1 {
                apply!(Editor::new(&mut entry).unwrap(), &op)
            } else {
                apply!(in_room(&mut entry), &op)
            };
            match answer {
                Ok(said) => prop_assert_eq!(Ok(said), apply!(set, &op)),
                Err(error) => {
                    let is_out_of_memory = matches!(error, ReserveError::OutOfMemory { .. });
                    prop_assert!(is_full && is_out_of_memory);
                    prop_assert_eq!(entry.block(), &before);
                }
            }
            prop_assert!(entry.take_splices() <= 1);
            let (header, rest) = entry.block().split_at(8);
            let (view, behind) = View::from_prefix(rest).unwrap();
            prop_assert_eq!(view.as_bytes(), set.as_bytes());
            prop_assert_eq!((header, behind), (&b"8 bytes:"[..], &key[..]));
            prop_assert_eq!(view, &*set);
        }
    }
}

#[test]
fn a_set_gets_wider_in_its_place_from_each_encoding_to_each_wider_one() {
    for (small, large) in [(5, 70_000), (5, 1 << 40), (70_000, 1 << 40)] {
        for large in [large, -large] {
            let values = [small, small + 1, small + 7];
            let mut entry = Entry::new(b"8 bytes:", IntSet::from_iter(values).as_bytes(), b"key", 100);
            let mut set = Editor::new(&mut entry).unwrap();
            assert!(set.try_insert(large).unwrap());
            assert_eq!(set.encoding(), Encoding::of(large));
            assert_eq!(set.as_bytes(), IntSet::from_iter(values.into_iter().chain([large])).as_bytes());
            assert!(entry.block().ends_with(b"key"));
        }
    }
}

#[test]
fn an_editor_asks_for_the_header_of_a_set() {
    let fault = |bytes: &[u8]| Editor::new(FaultyRoom::new(bytes, RoomFault::Unchanged)).unwrap_err().fault;
    assert_eq!(fault(b""), Fault::Truncated);
    assert_eq!(fault(&[3, 0, 0, 0, 0, 0, 0, 0]), Fault::Encoding);
    assert_eq!(fault(&[2, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0]), Fault::Length);
    let editor = Editor::new(FaultyRoom::new(&[2, 0, 0, 0, 1, 0, 0, 0, 7, 0], RoomFault::Unchanged)).unwrap();
    assert_eq!((editor.len(), editor.into_room().bytes().len()), (1, 10));
}

#[test]
fn a_set_says_whether_it_lies_in_a_room() {
    let set = IntSet::from_iter([5, 70_000]);
    let mut entry = Entry::new(b"8 bytes:", set.as_bytes(), b"key", usize::MAX);
    let there = in_room(&mut entry);
    assert_eq!(there, set);
    assert_eq!(there.into_own().unwrap_err().bytes(), set.as_bytes());
    let mut own = set.clone().into_room_type::<Entry>();
    assert!(own.insert(6));
    assert!(own.into_own().unwrap().iter().eq([5, 6, 70_000]));
    let (fault, room) =
        IntSet::in_room(FaultyRoom::new(&[3, 0, 0, 0, 0, 0, 0, 0], RoomFault::Unchanged)).unwrap_err();
    assert_eq!((fault.fault, room.bytes().len()), (Fault::Encoding, 8));
}

/// A room whose bytes stop being a valid set after an editor has checked them.
struct ChangesEncoding(std::cell::Cell<bool>);

impl Room for ChangesEncoding {
    fn bytes(&self) -> &[u8] {
        match self.0.replace(true) {
            false => &[8, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0],
            true => &[9, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0],
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut []
    }

    fn try_splice(&mut self, _: usize, _: usize, _: usize) -> Result<(), ReserveError> {
        Ok(())
    }
}

#[test]
fn a_copy_of_bytes_that_are_no_longer_a_valid_set_is_a_valid_set() {
    let editor = Editor::new(ChangesEncoding(false.into())).unwrap();
    let copy = editor.try_to_owned().unwrap();
    assert_eq!((copy.encoding(), copy.iter().collect::<Vec<_>>()), (Encoding::Int64, vec![7]));
    assert_eq!(copy.as_bytes().len(), 16);
}

/// With a faulty room, the results are not specified. But every call must return or panic, and Miri must find no
/// undefined behaviour.
#[test]
fn a_room_that_returns_wrong_bytes_is_no_danger() {
    let set = IntSet::from_iter([1, 5, 9, 300]);
    let edits =
        [Op::Insert(400), Op::Insert(2), Op::Insert(-70_000), Op::Insert(1 << 40), Op::Remove(5), Op::Clear];
    for room_fault in RoomFault::ALL {
        for first in &edits {
            let mut editor = Editor::new(FaultyRoom::new(set.as_bytes(), room_fault)).unwrap();
            for op in [first].into_iter().chain(&edits) {
                let _ = catch_unwind(AssertUnwindSafe(|| apply!(editor, op)));
                let _ = catch_unwind(AssertUnwindSafe(|| (editor.range(2..300).count(), editor.max())));
            }
        }
    }
}
