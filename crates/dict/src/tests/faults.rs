//! Allocations that fail: the table stays as it was, or works with longer chains.

use zmalloc::{ReserveError, fault};

use super::mix;
use crate::layout::ChunkLayout;
use crate::{ResizePolicy, Table};

fn hash(n: &u64) -> u64 {
    mix(*n)
}

#[test]
fn an_insert_without_memory_hands_the_entry_back_and_changes_nothing() {
    let mut table = Table::new();
    {
        let _plan = fault::fail_from(1);
        let error = table.try_insert_unique(hash(&7), 7, hash).unwrap_err();
        assert_eq!(error.entry, 7);
        assert_eq!((table.len(), table.allocation_size()), (0, 0));
    }
    table.insert_unique(hash(&7), 7, hash);
    table.raw().check(hash);
}

#[test]
fn an_error_says_how_much_was_asked_for() {
    const LAYOUT: ChunkLayout = ChunkLayout::of::<u64>();
    let chunks = LAYOUT.paging.step(0);
    let directory = 2 * size_of::<usize>();
    let of_first_chunk =
        [LAYOUT.tags(chunks).unwrap().size(), LAYOUT.entries(chunks).unwrap().size(), directory];
    for (nth, size) in (1..).zip(of_first_chunk) {
        let mut table = Table::new();
        let _plan = fault::fail_nth(nth);
        let error = table.try_insert_unique(hash(&7), 7, hash).unwrap_err().error;
        assert_eq!(error, ReserveError::OutOfMemory { size }, "allocation {nth}");
    }
    // All entries are in one chunk, which is full.
    let mut table = Table::new();
    table.set_resize_policy(ResizePolicy::Forbid);
    for n in 0..15_u64 {
        table.insert_unique(7, n, |_| 7);
    }
    let _plan = fault::fail_from(1);
    let child = ReserveError::OutOfMemory { size: LAYOUT.child.size() };
    assert_eq!(table.try_insert_unique(7, 15, |_| 7).unwrap_err().error, child);
    assert_eq!(ReserveError::from(table.try_insert_unique(7, 15, |_| 7).unwrap_err()), child);
    let absurd = table.try_reserve(usize::MAX, |_| 7).unwrap_err();
    assert!(matches!(absurd, ReserveError::TooLong { len: 120, .. }), "{absurd:?}");
}

#[test]
fn an_empty_table_that_found_no_memory_answers_as_before() {
    // The first insert allocates tags, entries and a directory. Each of these allocations fails once.
    for nth in 1..=3 {
        let mut table = Table::new();
        let plan = fault::fail_nth(nth);
        assert!(table.try_insert_unique(hash(&7), 7, hash).is_err(), "allocation {nth}");
        drop(plan);
        assert_eq!(table.allocation_size(), 0);
        assert!(table.find(hash(&7), |_| true).is_none());
        assert!(table.find_entry(hash(&7), |_| true).is_err());
        assert_eq!((table.iter().count(), table.clone().len()), (0, 0));
        table.insert_unique(hash(&7), 7, hash);
        table.raw().check(hash);
    }
}

#[test]
fn each_allocation_of_a_growing_table_may_fail_without_losing_an_entry() {
    let count = if cfg!(miri) { 36 } else { 400_u64 };
    for nth in 1.. {
        let mut table = Table::new();
        let plan = fault::fail_nth(nth);
        let mut refused = Vec::new();
        for n in 0..count {
            if table.try_insert_unique(hash(&n), n, hash).is_err() {
                refused.push(n);
            }
        }
        let failures = plan.failures();
        drop(plan);
        table.raw().check(hash);
        assert!(refused.len() <= 1, "one failure refuses one entry at most");
        for n in 0..count {
            assert_eq!(table.find(hash(&n), |&other| other == n).is_some(), !refused.contains(&n));
        }
        if failures == 0 {
            break; // fewer allocations than nth: all have been failed once
        }
    }
}

#[test]
fn a_table_that_can_grow_no_more_serves_with_longer_chains() {
    let mut table = Table::new();
    for n in 0..100 {
        table.insert_unique(hash(&n), n, hash);
    }
    let chunks = table.stats().chunks;
    let plan = fault::fail_from(1);
    let mut taken = 100;
    for n in 100..200 {
        taken += u64::from(table.try_insert_unique(hash(&n), n, hash).is_ok());
    }
    assert!(taken > 110, "free slots are still used: {taken}");
    assert_eq!(taken as usize, table.len());
    drop(plan);
    assert!(table.stats().chunks <= chunks + 1, "memory for a few chunks may have been there");
    table.raw().check(hash);
    // When there is memory again, each insert does one of the splits that were put off.
    for n in 1_000..1_200 {
        table.insert_unique(hash(&n), n, hash);
    }
    table.raw().check(hash);
    assert!(table.stats().load() <= 0.76, "{:?}", table.stats());
}

#[test]
fn a_merge_without_memory_is_put_off() {
    // Each of four chunks has more entries than slots, so a merge of two of them needs children.
    let each = if cfg!(miri) { 17 } else { 40 };
    let (chunks, hash) = (4, |n: &u64| (*n & 3) | (*n >> 2) << 57);
    let mut table = Table::new();
    for n in 0..chunks * each {
        table.insert_unique(hash(&n), n, hash);
    }
    while table.stats().chunks as u64 > chunks {
        table.raw_mut().merge_one().unwrap(); // empty ones: no hash has a further bit
    }
    let (entries, mut put_off) = (table.len(), 0);
    for nth in 1..=20 {
        let mut table = table.clone();
        let chunks = table.stats().chunks;
        let plan = fault::fail_nth(nth);
        let merged = table.raw_mut().merge_one();
        let failures = plan.failures();
        drop(plan);
        // After the children are allocated, the last page is made smaller. If that fails, the merge is still
        // done.
        assert!(merged.is_ok() || failures > 0, "allocation {nth}");
        put_off += u32::from(merged.is_err());
        assert_eq!(table.stats().chunks, chunks - usize::from(merged.is_ok()));
        assert_eq!(table.len(), entries);
        table.raw().check(hash);
        if failures == 0 {
            assert!(put_off > 1, "the merge needs children");
            return;
        }
    }
    panic!("a merge of two chunks does not allocate twenty times");
}

#[test]
fn a_reservation_without_memory_gives_back_what_it_got() {
    for nth in 1.. {
        let mut table = Table::new();
        for n in 0..if nth % 2 == 0 { 20 } else { 0 } {
            table.insert_unique(hash(&n), n, hash);
        }
        table.shrink_to_fit();
        let before = table.stats();
        let plan = fault::fail_nth(nth);
        let reserved = table.try_reserve(if cfg!(miri) { 120 } else { 5_000 }, hash);
        let failures = plan.failures();
        drop(plan);
        if failures == 0 {
            assert_eq!(reserved, Ok(()));
            break;
        }
        assert!(reserved.is_err());
        let after = table.stats();
        // The blocks of libc for one size may differ by 16 bytes.
        let (size, most) = (after.allocation_size, before.allocation_size + 4 * 16);
        assert!(
            after.chunks == before.chunks && size <= most,
            "allocation {nth}: {before:?}, then {after:?}"
        );
        table.raw().check(hash);
    }
}

#[test]
fn the_handler_is_told_how_much_was_missing() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    zmalloc::set_oom_handler(|size| panic!("no {size} bytes"));
    let message = |insert: &mut dyn FnMut()| {
        let _plan = fault::fail_from(1);
        *catch_unwind(AssertUnwindSafe(insert)).unwrap_err().downcast::<String>().unwrap()
    };
    let layout = ChunkLayout::of::<u64>();
    let missing = |size: usize| format!("no {size} bytes");
    let mut table = Table::new();
    let first = message(&mut || assert_eq!(table.insert_unique(0, 1_u64, |_| 0).get(), &1));
    assert_eq!(first, missing(layout.tags(1).unwrap().size()));
    for n in 0..15 {
        table.insert_unique(0, n, |_| 0);
    }
    let child = message(&mut || assert_eq!(table.insert_unique(0, 15, |_| 0).get(), &15));
    assert_eq!(child, missing(layout.child.size()));
    assert_eq!(table.len(), 15);
    table.raw().check(|_| 0);
}

#[test]
fn reserving_without_memory_is_an_error_and_loses_nothing() {
    let mut table = Table::new();
    for n in 0..50 {
        table.insert_unique(hash(&n), n, hash);
    }
    for nth in (1..20).step_by(if cfg!(miri) { 4 } else { 1 }) {
        let _plan = fault::fail_nth(nth);
        let error = table.try_reserve(5_000 * nth as usize, hash).unwrap_err();
        assert!(error.size() > 0, "{error:?}");
        table.raw().check(hash);
    }
    assert!((0..50).all(|n| table.find(hash(&n), |&other| other == n).is_some()));
}
