//! The bytes that a table reports are the bytes that the allocator counts.

use dict::{Dict, Table};
use zmalloc::Region;

#[test]
fn allocation_size_is_what_the_allocator_counts() {
    let count = if cfg!(miri) { 100 } else { 100_000_u64 };
    let region = Region::start();
    let used = || region.held() as usize;

    let mut dict = Dict::new();
    for n in 0..count {
        dict.insert(n, n);
        if n % 97 == 0 {
            assert_eq!(dict.allocation_size(), used());
        }
    }
    let clone = dict.clone();
    assert_eq!(dict.allocation_size() + clone.allocation_size(), used());
    drop(clone);
    dict.retain(|n, _| n % 3 == 0);
    assert_eq!(dict.allocation_size(), used());
    dict.shrink_to_fit();
    assert_eq!(dict.allocation_size(), used());
    drop(dict.drain());
    assert_eq!((dict.allocation_size(), used()), (0, 0));

    // The closure that controls growth has a block of its own.
    let mut table = Table::<u64>::new();
    let limit = [count; 4];
    table.on_grow(move |bytes| (bytes as u64) < limit[3]);
    table.insert_unique(1, 1, |n| *n);
    assert!(table.allocation_size() >= size_of_val(&limit));
    assert_eq!(table.allocation_size(), used());
    drop(table);
    assert_eq!(used(), 0);

    // All entries are in one chunk with a long chain of children.
    let mut table = Table::new();
    let chain = if cfg!(miri) { 40 } else { 2_000 };
    for n in 0..chain {
        table.insert_unique(0, n, |_| 0);
    }
    assert_eq!(table.allocation_size(), used());
    for n in 0..chain {
        table.find_entry(0, |&other| other == n).unwrap().remove();
    }
    assert_eq!(table.allocation_size(), used());
    drop(table);
    assert_eq!(used(), 0);

    // The textbook dict is checked with one table and with two.
    let mut classic = dict::classic::Dict::new();
    for n in 0..count.min(10_000) {
        classic.insert(n, n);
        if zmalloc::ALLOCATOR.starts_with("jemalloc") {
            assert_eq!(classic.allocation_size(), used());
        }
    }
    drop(classic);
    assert_eq!(used(), 0);
}
