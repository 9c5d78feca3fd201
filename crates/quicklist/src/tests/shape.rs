//! Where nodes begin and end, step by step: what Redis makes of the same commands.

use super::check;
use crate::node::Node;
use crate::{QuickList, Side};

/// The counts of the nodes.
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
fn pushed_elements_fill_a_node_and_then_the_next() {
    assert_eq!(counts(&list_of(4, 0, 10)), [4, 4, 2]);
    let mut list = list_of(4, 0, 4);
    list.push_front(-1);
    assert_eq!(counts(&list), [1, 4]);
    // 20 bytes take 22, and an element joins if its length and 8 more fit: 7 + 22 * 370 + 28 <= 8192.
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
    assert_eq!(counts(&list), [3, 4, 3, 4]); // 2 + first | 2 and 2 become 4
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
    assert_eq!(counts(&list), [4, 6]); // it joins the next node
    list.insert_before(2, &*large);
    assert_eq!(counts(&list), [2, 1, 2, 6]);
    list.replace(0, &*large);
    assert_eq!(counts(&list), [1, 1, 1, 2, 6]);
    // The last of its node: what stands behind merges with its own neighbour.
    list.replace(4, &*large);
    assert_eq!(counts(&list), [1, 1, 1, 1, 1, 6]);
    check(&list, true);
}

#[test]
fn the_middle_is_compressed_and_the_ends_are_not() {
    let zipped = |list: &QuickList| list.inner().nodes.iter().map(Node::is_zipped).collect::<Vec<_>>();
    let mut list = QuickList::new(-1, 1);
    for n in 0..1_100 {
        list.push_back(format!("element:{n:06}").as_bytes());
    }
    assert_eq!(zipped(&list), [false, true, true, true, false]);
    let (size, plain) = (list.allocation_size(), 5 * 4_096);
    assert!(size < plain * 2 / 3, "{size}");
    // Reading leaves it as it is.
    assert_eq!(list.get(500).unwrap().to_vec(), b"element:000500");
    assert_eq!(list.iter().count(), 1_100);
    assert_eq!(list.allocation_size(), size);
    // Nodes that come to an end are decompressed.
    while list.node_count() > 3 {
        list.pop_front_with(|_| ());
    }
    assert_eq!(zipped(&list), [false, true, false]);
    while list.node_count() > 2 {
        list.pop_back_with(|_| ());
    }
    assert_eq!(zipped(&list), [false, false]);
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
    // One that comes back to the end it left joins the node that is there then.
    list.try_rotate(Side::Front, Side::Front).unwrap();
    assert_eq!(counts(&list), [1, 4, 3]);
    list.pop_back_with(|_| ());
    list.remove(1);
    list.try_rotate(Side::Front, Side::Front).unwrap();
    assert_eq!(counts(&list), [4, 2]);
}
