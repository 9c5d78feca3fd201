//! Comparison of expected sizes with tables that were filled.

use crate::layout::ChunkLayout;
use crate::{CompactPtr, Table};
use common::random::mix;

/// The number of sizes at which a growing table is compared.
const SIZES: usize = 400;

/// Fills a table with entries made from numbers, and compares it with the expected size at many sizes up to
/// `most`. `number` returns the number of an entry. The hash must look random, because a plain multiplication
/// spreads numbers more evenly than chance does.
fn check<T>(most: usize, entry: impl Fn(u64) -> T, number: impl Fn(&T) -> u64) {
    let hash = |entry: &T| mix(number(entry));
    let child = zmalloc::good_size(ChunkLayout::of::<T>().child.size());
    let (mut table, mut differing) = (Table::<T>::new(), 0);
    for n in 1..=most {
        let entry = entry(n as u64);
        table.insert_unique(hash(&entry), entry, hash);
        if n > 2 * SIZES && !n.is_multiple_of(most / SIZES) {
            continue;
        }
        let (expected, stats) = (Table::<T>::expected_size(n), table.stats());
        assert_eq!(expected.chunks_allocated, stats.chunks_allocated, "{n} entries");

        // The children of different chunks are hardly correlated. The variance of the children of one chunk
        // is less than three times their mean, because few chunks have more than two. Five standard
        // deviations are therefore at most 5 * sqrt(3 * mean). The first chunks need a few more, since a mean
        // of less than one is far from normal.
        let deviation = 5.0 * (3.0 * expected.children as f64).sqrt() + 3.0;
        assert!(
            expected.children.abs_diff(stats.children) as f64 <= deviation,
            "{n} entries: {expected:?}, {stats:?}"
        );

        if zmalloc::ALLOCATOR.starts_with("jemalloc") {
            let without_children = |size: usize, children: usize| size - children * child;
            let of_table = without_children(stats.allocation_size, stats.children);
            if without_children(expected.allocation_size, expected.children) != of_table {
                differing += 1;
            }
        }
    }
    // While a large directory is copied, there are two directories.
    assert!(differing * 50 <= SIZES, "{differing} of {SIZES}");
}

#[test]
#[cfg_attr(miri, ignore = "a million entries; no unsafe code")]
fn a_table_that_inserts_have_filled_has_the_expected_size() {
    check::<u64>(1_000_000, |n| n, |&n| n);
    // This is the table of a keyspace.
    let address = |n: u64| core::ptr::NonNull::new((n as usize * 8) as *mut u64);
    let pointer = |n| CompactPtr::new(address(n).expect("n is not 0")).expect("a small address");
    check(3_000_000, pointer, |pointer| pointer.get().as_ptr() as u64 / 8);
    // These pages have one chunk, so the directory is large.
    type Wide = [u64; 540];
    check::<Wide>(12_000, |n| [n; 540], |entry| entry[0]);
}
