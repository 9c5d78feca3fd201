//! Tests of [`View`], which reads a set in place, at any alignment.

use crate::model::{some_set, value};
use intset::{Fault, IntSet, View, inter, union};
use proptest::prelude::*;

/// Copies the bytes into `room`, to an address that is `offset` more than a multiple of eight. Returns the
/// index of the copy in `room`.
fn at_offset(bytes: &[u8], offset: usize, room: &mut Vec<u8>) -> usize {
    room.clear();
    room.resize(bytes.len() + 16, 0xEE);
    let start = room.as_ptr().align_offset(8) + offset;
    room[start..start + bytes.len()].copy_from_slice(bytes);
    start
}

proptest! {
    #![proptest_config(testing::config(128, 1))]

    #[test]
    fn a_view_reads_what_a_set_does_at_every_alignment(
        models in (some_set(), some_set()), values in prop::collection::vec(value(), 1..9),
    ) {
        let (set, other): (IntSet, IntSet) = (models.0.iter().copied().collect(), models.1.into_iter().collect());
        let mut room = Vec::new();
        for offset in 0..8 {
            let start = at_offset(set.as_bytes(), offset, &mut room);
            let view = View::new(&room[start..start + set.as_bytes().len()]).unwrap();
            prop_assert_eq!(view.as_bytes().as_ptr().addr() % 8, offset);
            prop_assert_eq!(view, &*set);
            prop_assert_eq!(view.check_order(), Ok(()));
            prop_assert!(view.into_iter().eq(models.0.iter().copied()));
            prop_assert!(view.iter().rev().eq(models.0.iter().rev().copied()));
            prop_assert_eq!((view.min(), view.max(), view.get(3)), (set.min(), set.max(), set.get(3)));
            for &value in &values {
                prop_assert_eq!((view.rank(value), view.contains(value)), (set.rank(value), set.contains(value)));
                prop_assert!(view.range(value..).eq(set.range(value..)));
            }
            let all = |mut all: Vec<i64>, value| { all.push(value); all };
            let want = inter(&mut [set.iter(), other.iter()]).fold(vec![], all);
            prop_assert_eq!(inter(&mut [view.iter(), other.iter()]).fold(vec![], all), want);
            let want = union(&mut [set.iter(), other.iter()]).fold(vec![], all);
            prop_assert_eq!(union(&mut [view.iter(), other.iter()]).fold(vec![], all), want);
            let copy = view.try_to_owned().unwrap();
            prop_assert_eq!(copy.as_bytes(), set.as_bytes());
        }
    }
}

#[test]
fn a_view_begins_a_block_and_ends_where_its_header_says() {
    let set = IntSet::from_iter([3, 1, 2]);
    let block = [set.as_bytes(), b"key"].concat();
    let (view, key) = View::from_prefix(&block).unwrap();
    assert_eq!((view.to_owned(), key), (set.clone(), &b"key"[..]));
    assert_eq!(format!("{view:?}"), "{1, 2, 3}");
    assert_eq!(View::new(&block).unwrap_err().fault, Fault::Length);
    for len in 0..set.as_bytes().len() {
        let fault = View::from_prefix(&block[..len]).unwrap_err().fault;
        assert_eq!(fault, if len < 8 { Fault::Truncated } else { Fault::Length });
    }
}

/// A view may hold integers that do not ascend, because only its header is checked.
#[test]
fn a_view_out_of_order_is_read_to_its_end() {
    let bytes = [2, 0, 0, 0, 4, 0, 0, 0, 9, 0, 1, 0, 9, 0, 3, 0];
    let view = View::new(&bytes).unwrap();
    let error = view.check_order().unwrap_err();
    assert_eq!((error.offset, error.fault), (10, Fault::Order));
    assert_eq!(view.iter().count(), 4);
    let ordered = IntSet::from_iter(0..10);
    for values in 0..12 {
        let _ = (view.rank(values), view.range(values..).count(), view.range(values..3).count());
    }
    assert!(inter(&mut [view.iter(), ordered.iter()]).count() <= 4);
    assert!(union(&mut [view.iter(), ordered.iter()]).count() <= 14);
}
