//! Where nodes begin and end after each operation. Redis has the same nodes after the same commands.

use super::{check, elements};
use crate::node::Node;
use crate::{QuickList, Side};
use listpack::ListPack;

/// Returns the number of elements of each node.
fn counts(list: &QuickList) -> Vec<usize> {
    list.inner().nodes.iter().map(Node::count).collect()
}

fn list_of(limit: i32, depth: u16, count: usize) -> QuickList {
    let mut list = QuickList::new(limit, depth);
    for n in 0..count {
        list.push_back(n as i64);
    }
    list
}

#[test]
#[cfg_attr(miri, ignore = "long lists")]
fn pushed_elements_fill_a_node_and_then_the_next() {
    assert_eq!(counts(&list_of(4, 0, 10)), [4, 4, 2]);
    let mut list = list_of(4, 0, 4);
    list.push_front(-1);
    assert_eq!(counts(&list), [1, 4]);
    // An entry of 20 bytes takes 22. An element joins if its length and 8 more bytes fit:
    // 7 + 22 * 370 + 28 <= 8192.
    let mut list = QuickList::new(-2, 0);
    for _ in 0..372 {
        list.push_back("twenty bytes of text");
    }
    assert_eq!(counts(&list), [371, 1]);
}

#[test]
fn an_element_inserted_at_the_edge_of_a_full_node_goes_to_its_neighbour_or_stands_alone() {
    let mut list = list_of(4, 0, 6); // 4, 2
    list.insert_after(3, "next");
    assert_eq!(counts(&list), [4, 3]);
    let mut list = list_of(4, 0, 8); // 4, 4
    list.insert_after(3, "alone");
    assert_eq!(counts(&list), [4, 1, 4]);
    list.insert_before(5, "joins");
    assert_eq!(counts(&list), [4, 2, 4]);
}

#[test]
fn a_full_node_is_split_and_its_parts_join_what_has_room() {
    let mut list = list_of(4, 0, 12); // 4, 4, 4
    list.insert_after(5, "middle");
    assert_eq!(counts(&list), [4, 2, 3, 4]);
    list.insert_before(2, "first");
    assert_eq!(counts(&list), [3, 4, 3, 4]); // 2 + "first" | 2 and 2 are merged
    check(&list, true);
}

#[test]
fn removed_elements_leave_the_other_nodes_alone() {
    let mut list = list_of(4, 0, 16);
    assert_eq!(list.remove_range(2, 11), 11);
    assert_eq!(counts(&list), [2, 3]);
    assert!(list.remove(0) && list.remove(0));
    assert_eq!(counts(&list), [3]);
    list.clear();
    assert!(counts(&list).is_empty() && list.is_empty());
}

#[test]
fn a_large_element_has_a_node_of_its_own() {
    let large = vec![b'x'; 5_000];
    let mut list = list_of(-1, 0, 10);
    list.replace(4, &*large);
    assert_eq!(counts(&list), [4, 1, 5]);
    list.replace(4, "small again");
    assert_eq!(counts(&list), [4, 6]); // the element joins the next node
    list.insert_before(2, &*large);
    assert_eq!(counts(&list), [2, 1, 2, 6]);
    list.replace(0, &*large);
    assert_eq!(counts(&list), [1, 1, 1, 2, 6]);
    // The replaced element is the last one of its node. No nodes can be merged here.
    list.replace(4, &*large);
    assert_eq!(counts(&list), [1, 1, 1, 1, 1, 6]);
    check(&list, true);
}

#[test]
#[cfg_attr(miri, ignore = "long lists")]
fn the_middle_is_compressed_and_the_ends_are_not() {
    let compressed =
        |list: &QuickList| list.inner().nodes.iter().map(Node::is_compressed).collect::<Vec<_>>();
    let mut list = QuickList::new(-1, 1);
    for n in 0..1_100 {
        list.push_back(format!("element:{n:06}").as_bytes());
    }
    assert_eq!(compressed(&list), [false, true, true, true, false]);
    let (size, plain) = (list.allocation_size(), 5 * 4_096);
    assert!(size < plain * 2 / 3, "{size}");
    // Reading does not change the list.
    assert_eq!(list.get(500).unwrap().to_vec(), b"element:000500");
    assert_eq!(list.iter().count(), 1_100);
    assert_eq!(list.allocation_size(), size);
    // A node that becomes the end of the list is decompressed.
    while list.node_count() > 3 {
        list.pop_front_with(|_| ());
    }
    assert_eq!(compressed(&list), [false, true, false]);
    while list.node_count() > 2 {
        list.pop_back_with(|_| ());
    }
    assert_eq!(compressed(&list), [false, false]);
}

#[test]
fn an_element_turned_round_in_a_full_node_needs_no_other() {
    let mut list = list_of(4, 0, 4);
    list.try_rotate(Side::Front, Side::Back).unwrap();
    assert_eq!(counts(&list), [4]);
    assert_eq!(list.iter().map(|item| item.to_vec()).collect::<Vec<_>>(), [b"1", b"2", b"3", b"0"]);
    let mut list = list_of(4, 0, 8);
    list.try_rotate(Side::Back, Side::Front).unwrap();
    assert_eq!(counts(&list), [1, 4, 3]);
    // An element that comes back to the same end joins the node that is there then, if it may.
    list.try_rotate(Side::Front, Side::Front).unwrap();
    assert_eq!(counts(&list), [1, 4, 3]);
    list.pop_back_with(|_| ());
    list.remove(1);
    list.try_rotate(Side::Front, Side::Front).unwrap();
    assert_eq!(counts(&list), [4, 2]);
}

/// Returns a listpack of `real` elements whose header says `stated_count`. Foreign bytes may be like this if
/// only the header and the end byte were checked.
fn with_wrong_count(real: usize, stated_count: u16) -> ListPack {
    let mut pack = ListPack::new();
    for n in 0..real {
        pack.push_back(format!("e{n}").as_bytes());
    }
    let mut bytes = pack.as_bytes().to_vec();
    bytes[4..6].copy_from_slice(&stated_count.to_le_bytes());
    ListPack::from_bytes_shallow(&bytes).unwrap()
}

#[test]
fn a_foreign_count_is_not_believed() {
    let large = &*vec![b'y'; 9_000];
    let (step, then, some) = if cfg!(miri) { (53, 13, 4) } else { (1, 1, 1) };
    let change = |list: &mut QuickList, what: usize, at: usize| match what {
        0 => drop(list.insert_after(at, "x")),
        1 => drop(list.insert_before(at, large)),
        2 => drop(list.replace(at, large)),
        3 => drop(list.remove_range(at, 3)),
        4 => drop(list.remove_equal(Side::Front, at, "e1")),
        5 => list.try_rotate(Side::Front, Side::Back).unwrap(),
        6 => drop(list.pop_back_with(|_| ())),
        _ => list.push_front("p"),
    };
    for (real, stated_count) in [(1, 0), (4, 1), (4, 11), (6, 5), (6, 7)].into_iter().step_by(some) {
        for (what, at, depth) in (0..8 * 6 * 2).step_by(step).map(|n| (n % 8, n / 8 % 6, n / 48)) {
            let mut list =
                QuickList::try_from_listpack(&mut with_wrong_count(real, stated_count), 2, depth as u16)
                    .unwrap();
            assert_eq!((list.len(), list.iter().count()), (real, real));
            change(&mut list, what, at);
            for (what, at) in (0..8 * 4).step_by(then).map(|n| (n / 4, n % 4)) {
                change(&mut list, what, at);
                assert!(list.iter().count() <= list.len() && list.iter().rev().count() <= list.len());
                list.inner().nodes.check();
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "65,535 elements and more")]
fn a_node_of_more_elements_than_a_header_counts_is_split_and_cut() {
    let mut pack = ListPack::new();
    pack.extend((0..70_000).map(|n| n % 100));
    let mut list = QuickList::try_from_listpack(&mut pack, -2, 1).unwrap();
    assert_eq!(list.len(), 70_000);
    list.insert_after(69_000, "x");
    list.insert_before(1_000, &*vec![b'y'; 9_000]);
    assert_eq!(counts(&list).iter().sum::<usize>(), 70_002);
    list.remove_range(500, 60_000);
    check(&list, true);
    assert_eq!(elements(&list).len(), 10_002);
}
