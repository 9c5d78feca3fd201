//! Foreign bytes: which bytes are refused, and that all others are harmless.

use listpack::{Depth, Fault, FromBytesError, ListPack, Offset, Value, validate};
use proptest::prelude::*;
use zmalloc::fault;

fn sample() -> ListPack {
    let mut list = ListPack::new();
    let long = vec![b'x'; 5_000];
    list.extend([Value::Int(5), Value::Int(-70_000), Value::raw(b"abc"), Value::raw(&long[..100])]);
    list.extend([Value::raw(&long), Value::Double(0.5)]);
    list
}

fn fault_of(bytes: &[u8], depth: Depth) -> Option<(usize, Fault)> {
    validate(bytes, depth).err().map(|error| (error.offset, error.fault))
}

#[test]
fn a_list_is_read_back_from_its_bytes() {
    let list = sample();
    assert_eq!(ListPack::from_bytes(list.as_bytes()).unwrap().as_bytes(), list.as_bytes());
    assert_eq!(ListPack::from_bytes_shallow(list.as_bytes()).unwrap(), list);
    let empty = ListPack::from_bytes(ListPack::new().as_bytes()).unwrap();
    assert_eq!((empty.len(), empty.allocation_size()), (0, 0));
}

#[test]
fn each_fault_is_named_with_its_place() {
    for depth in [Depth::Shallow, Depth::Deep, Depth::Strict] {
        assert_eq!(fault_of(&[], depth), Some((0, Fault::Size)));
        assert_eq!(fault_of(&[6, 0, 0, 0, 0, 0], depth), Some((6, Fault::Size)));
        assert_eq!(fault_of(&[8, 0, 0, 0, 0, 0, 0xFF], depth), Some((0, Fault::ByteLen)));
        assert_eq!(fault_of(&[7, 0, 0, 0, 0, 0, 0xFE], depth), Some((6, Fault::End)));
        assert_eq!(fault_of(&[7, 0, 0, 0, 3, 0, 0xFF], depth), Some((4, Fault::Count)));
        assert_eq!(fault_of(&[7, 0, 0, 0, 0xFF, 0xFF, 0xFF], depth), None);
    }
    let entries = |count, entries: &[u8]| {
        let mut bytes = vec![7 + entries.len() as u8, 0, 0, 0, count, 0];
        bytes.extend(entries);
        bytes.push(0xFF);
        assert_eq!(fault_of(&bytes, Depth::Shallow), None);
        fault_of(&bytes, Depth::Deep)
    };
    assert_eq!(entries(1, &[0x81, b'a', 2]), None);
    assert_eq!(entries(2, &[0x81, b'a', 2]), Some((4, Fault::Count)));
    assert_eq!(entries(2, &[0x81, b'a', 2, 0xF6, 1]), Some((9, Fault::Entry)));
    assert_eq!(entries(2, &[0x81, b'a', 2, 0xFF, 1]), Some((9, Fault::Entry)));
    assert_eq!(entries(2, &[0x81, b'a', 2, 0x82, b'a']), Some((9, Fault::Entry)));
    assert_eq!(entries(1, &[0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 1]), Some((6, Fault::Entry)));
    assert_eq!(entries(1, &[0xEF, 0xFF, 1]), Some((6, Fault::Entry)));
    assert_eq!(entries(1, &[0xE0]), Some((6, Fault::Entry)));
    assert_eq!(entries(1, &[0x81, b'a', 1]), Some((6, Fault::Backlen)));
    // Read from the right, this backlen is 0 * 128 + 4, which leads to the right place. But it has two bytes
    // instead of one.
    assert_eq!(entries(1, &[0x84, b'a', b'a', b'a', 0, 0x84]), Some((6, Fault::Backlen)));
    let mut double = ListPack::new();
    double.extend([Value::Int(1), Value::Double(1.5)]);
    assert_eq!(fault_of(double.as_bytes(), Depth::Deep), None);
    assert_eq!(fault_of(double.as_bytes(), Depth::Strict), Some((8, Fault::Double)));
}

#[test]
fn without_memory_there_is_an_error_and_no_list() {
    let list = sample();
    let _plan = fault::fail_nth(1);
    assert!(matches!(
        ListPack::try_from_bytes(list.as_bytes(), Depth::Deep),
        Err(FromBytesError::Reserve(error)) if error.size() >= list.byte_len()
    ));
}

/// Walks and changes a list of any bytes. The only expectation is that every operation ends.
fn every_operation(list: &ListPack, stale: &[Offset], rng: &mut impl FnMut() -> u64) {
    let walked = list.iter().count();
    assert!(walked <= list.byte_len());
    assert!(list.iter().rev().count() <= list.byte_len());
    let _ = list.seek(walked as isize / 2);
    let _ = list.seek(-(walked as isize) / 2 - 1);
    assert!(list.random_many(9, &mut *rng).count() <= 9);
    assert!(list.random_pairs(9, &mut *rng).count() <= 9);
    assert!(list.random_unique(9, &mut *rng).count() <= 9);
    assert!(list.random_pairs_unique(9, &mut *rng).count() <= 9);
    let _ = list.random(&mut *rng);
    let own = list.iter_from(list.first().unwrap_or(stale[0]));
    let own = std::iter::successors(Some(own), |iter| {
        let mut iter = iter.clone();
        iter.next_with_offset().map(|_| iter)
    });
    let own = own.filter_map(|mut iter| iter.next_with_offset().map(|(offset, _)| offset)).take(4);
    assert_eq!(list.position(b"5", 0).map(|(at, _)| at), list.first().and_then(|at| list.find(at, b"5", 0)));
    let offsets: Vec<Offset> = stale.iter().copied().chain(own).collect();
    for &offset in &offsets {
        let _ = (list.get(offset), list.next(offset), list.prev(offset));
        assert!(list.iter_from(offset).count() <= list.byte_len());
        assert!(list.iter_from(offset).rev().count() <= list.byte_len());
        for skip in 0..3 {
            let _ = (list.find(offset, b"a", skip), list.find(offset, b"5", skip));
            let _ = (list.find(offset, b"eight by", skip), list.find(offset, &[b'z'; 64], skip));
            assert!(list.iter_from(offset).nth(skip).is_none() || list.iter_from(offset).count() > skip);
        }
        let mut copy = list.clone();
        copy.remove(offset);
        copy.insert_before(offset, 12);
        copy.insert_after(offset, "text");
        copy.replace(offset, vec![b'y'; 70].as_slice());
        copy.insert_all_before(offset, ["a", "5"]);
        for &before in &offsets {
            copy.move_before(offset, 2, Some(before));
        }
        copy.move_before(offset, 1, None);
        copy.move_before(offset, 0, copy.first());
        assert!(copy.remove_run(offset, 3) <= 3);
        assert_eq!(copy.as_bytes().len(), copy.byte_len());
    }
    let mut copy = list.clone();
    copy.remove_many(&offsets);
    copy.remove_range(walked / 2, 2);
    let mut tail = copy.split_off(walked / 3);
    tail.push_front(1);
    tail.push_back("two");
    copy.merge(&mut tail);
    copy.truncate(1);
    assert_eq!(copy.as_bytes().last(), Some(&0xFF));
}

#[test]
fn a_walk_that_jumps_beyond_the_end_has_ended() {
    // The count is too large. In the second case, one entry is also invalid.
    for entries in [&[1, 1, 2, 1][..], &[1, 1, 0xFE, 7, 1]] {
        let mut bytes = vec![7 + entries.len() as u8, 0, 0, 0, 9, 0];
        bytes.extend(entries);
        bytes.push(0xFF);
        let list = ListPack::from_bytes_shallow(&bytes).unwrap();
        for n in [2, 5, usize::MAX] {
            let mut walk = list.iter();
            assert_eq!(walk.nth(n), None);
            assert_eq!((walk.size_hint(), walk.offset()), ((0, Some(0)), None));
            assert_eq!((walk.next_back(), walk.next()), (None, None));
        }
    }
}

proptest! {
    #![proptest_config(testing::config(2_000, 1))]

    #[test]
    fn no_operation_minds_what_stands_in_a_list(
        entries in prop::collection::vec(prop_oneof![any::<u8>(), 0x80..0x84u8, 0..6u8, 0xE0..=0xFFu8], 0..60),
        count: u16,
        seed: u64,
    ) {
        let mut bytes = (entries.len() as u32 + 7).to_le_bytes().to_vec();
        bytes.extend(if entries.is_empty() { 0 } else { count }.to_le_bytes());
        bytes.extend(&entries);
        bytes.push(0xFF);
        let list = ListPack::from_bytes_shallow(&bytes).unwrap();
        prop_assert_eq!(list.as_bytes(), bytes.as_slice());
        let other = sample();
        let mut stale: Vec<Offset> = (0..6).filter_map(|index| other.seek(index)).collect();
        stale.reverse(); // the offsets of the last entries are far after the end
        let mut state = seed;
        every_operation(&list, &stale, &mut || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state
        });
        if let Ok(list) = ListPack::from_bytes(&bytes) {
            prop_assert_eq!(list.iter().count(), list.len());
            prop_assert_eq!(list.iter().rev().count(), list.len());
        }
    }

    #[test]
    fn a_changed_byte_of_a_header_a_backlen_or_an_end_is_found(at in 0..5_200usize, with: u8) {
        let list = sample();
        let mut bytes = list.as_bytes().to_vec();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != with);
        bytes[at] = with;
        // There is no checksum, so a change of data is not found. But then only the value of one entry
        // differs.
        if let Ok(other) = ListPack::from_bytes(&bytes) {
            prop_assert_eq!(other.len(), list.len());
            let differ = list.iter().zip(&other).filter(|(one, other)| one != other).count();
            prop_assert!(differ <= 1);
        }
    }
}
