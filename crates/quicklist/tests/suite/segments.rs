//! Tests that need segments of their full size. Unit tests use smaller segments.

use quicklist::QuickList;

const SEGMENT: usize = 128;

/// If most of the nodes are removed, those that stay move together into few segments.
#[test]
#[cfg_attr(miri, ignore = "thousands of elements; the unit tests of `storage` cover the unsafe code")]
fn nodes_that_are_left_of_many_stand_close_together() {
    let segments = 1_000;
    for (forwards, one_by_one) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut list = QuickList::new(1, 0);
        for n in 0..segments * SEGMENT {
            list.push_back((n % 100) as i64);
        }
        // One node of each segment stays.
        for n in 0..segments {
            let at = 1 + if forwards { n } else { (segments - 1 - n) * SEGMENT };
            if one_by_one {
                (1..SEGMENT).for_each(|_| assert!(list.remove(at)));
            } else {
                assert_eq!(list.remove_range(at, SEGMENT - 1), SEGMENT - 1);
            }
        }
        assert_eq!(list.node_count(), segments);
        // A node takes its listpack of one integer, and 16 bytes in a segment. The segment may have as much
        // room again that is not used. If only two nodes shared a segment, this would be 64 bytes or more.
        let (bytes, pack) = (list.allocation_size() / segments, one_listpack());
        assert!(bytes <= pack + 40, "{bytes} bytes a node, {pack} of them the listpack's");
    }
}

#[test]
fn the_halves_of_a_split_node_keep_no_room() {
    let n = if cfg!(miri) { 100 } else { 20_000 };
    for (fill, step) in [(-2, 81), (128, 129)] {
        let mut list = QuickList::new(fill, 0);
        (0..n).for_each(|_| list.push_back(&[b'x'; 100][..]));
        for at in (50..n).step_by(step) {
            list.insert_before(at, &[b'y'; 100][..]);
        }
        let (bytes, packed) = (list.allocation_size() as f64, list.clone().allocation_size() as f64);
        assert!(
            bytes < 1.03 * packed || cfg!(miri),
            "fill {fill}: {bytes} bytes, of which {packed} are needed"
        );
    }
}

/// Returns how many bytes a listpack of one integer takes. This depends on the allocator.
fn one_listpack() -> usize {
    let mut pack = listpack::ListPack::new();
    pack.push_back(1);
    pack.allocation_size()
}
