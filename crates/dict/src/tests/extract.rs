//! `extract_if`: the picked entries come out once, and the rest stays, whatever happens in between.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::mix;
use crate::Table;
use zmalloc::fault;

/// Hash functions: one spreads the entries, and the others put them into few chunks, so that chains are long.
const HASHES: [fn(&u64) -> u64; 3] = [|&n| mix(n), |&n| mix(n) << 60, |_| 0];

fn table(count: u64, hash: fn(&u64) -> u64) -> Table<u64> {
    let mut table = Table::new();
    for n in 0..count {
        table.insert_unique(hash(&n), n, hash);
    }
    table
}

#[test]
fn what_is_picked_comes_out_once_and_the_rest_stays() {
    for hash in HASHES {
        for count in if cfg!(miri) { vec![0, 34] } else { vec![0, 1, 15, 16, 23, 60, 200] } {
            for divisor in if cfg!(miri) { 1..3 } else { 1..6 } {
                let mut table = table(count, hash);
                let mut seen = BTreeSet::new();
                let picked: BTreeSet<u64> = table
                    .extract_if(|&mut n| {
                        assert!(seen.insert(n), "{n} is looked at twice");
                        n % divisor == 0
                    })
                    .collect();
                table.raw().check(hash);
                assert!(seen.into_iter().eq(0..count));
                assert!(picked.into_iter().eq((0..count).step_by(divisor as usize)));
                assert!(table.iter().all(|n| n % divisor != 0));
                assert_eq!(table.len() as u64, count - count.div_ceil(divisor));
            }
        }
    }
}

#[test]
fn an_iterator_dropped_early_leaves_the_rest() {
    for hash in HASHES {
        let (len, taken) = if cfg!(miri) { (40, 15..16) } else { (100, 0..40) };
        for taken in taken {
            let mut table = table(len as u64, hash);
            let mut picks = table.extract_if(|n| *n % 2 == 0);
            assert_eq!(picks.by_ref().take(taken).count(), taken);
            let (_, at_most) = picks.size_hint();
            assert!(picks.count() <= at_most.unwrap());
            let mut again = self::table(len as u64, hash);
            again.extract_if(|n| *n % 2 == 0).take(taken).for_each(drop);
            again.raw().check(hash);
            assert_eq!(again.len(), len - taken);
        }
    }
}

#[test]
fn a_pick_that_panics_loses_nothing() {
    for hash in HASHES {
        let (len, numbers) = if cfg!(miri) { (40, 21..22) } else { (60, 0..60) };
        for number in numbers {
            let mut table = table(len, hash);
            let mut picks = table.extract_if(|n| {
                assert_ne!(*n, number);
                n.is_multiple_of(3)
            });
            let mut out = Vec::new();
            let pick_all = AssertUnwindSafe(|| out.extend(picks.by_ref()));
            assert!(catch_unwind(pick_all).is_err(), "it was meant to panic");
            // The entry over which `pick` panicked counts as visited, and the iterator continues after it.
            out.extend(picks);
            table.raw().check(hash);
            assert!(table.find(hash(&number), |n| *n == number).is_some());
            assert_eq!(out.len() + table.len(), len as usize);
        }
    }
}

#[test]
fn a_table_is_emptied_chunk_by_chunk() {
    for hash in HASHES {
        for count in if cfg!(miri) { vec![0, 1, 40] } else { vec![0, 1, 15, 16, 23, 60, 200, 3000] } {
            let mut table = table(count, hash);
            let mut seen = BTreeSet::new();
            loop {
                let chunks = table.stats().chunks;
                let ahead = RefCell::new(BTreeSet::new());
                let is_left = table.pop_chunks(
                    1,
                    |n| assert!(ahead.borrow_mut().insert(*n)),
                    |n| {
                        assert!(ahead.borrow_mut().remove(&n), "{n} was not shown before");
                        assert!(seen.insert(n), "{n} comes twice");
                    },
                );
                assert!(ahead.into_inner().is_empty());
                assert_eq!(is_left, chunks > 1);
                if !is_left {
                    break;
                }
                assert_eq!(table.stats().chunks, chunks - 1);
                assert_eq!(table.len(), count as usize - seen.len());
                if !cfg!(miri) || chunks < 4 {
                    table.raw().check(hash);
                }
            }
            assert!(seen.into_iter().eq(0..count));
            assert_eq!(table.allocation_size(), 0);
        }
    }
}

#[test]
fn a_table_of_large_entries_is_emptied_without_memory() {
    // The entries are so large that a merge needs a spare child. All are in the first chunk, into which the
    // others would be merged.
    let entry = |n: u64| [n; 64];
    let mut table = Table::new();
    (0..60).for_each(|n| {
        table.insert_unique(0, entry(n), |_| 0);
    });
    assert!(table.stats().chunks > 1);
    let _plan = fault::fail_from(1);
    let mut popped = 0;
    while table.pop_chunks(7, |_| (), |_| popped += 1) {}
    assert_eq!((popped, table.allocation_size()), (60, 0));
}

#[test]
fn a_panic_while_a_chunk_is_emptied_drops_the_rest_of_it() {
    // All 40 entries have the hash of the first chunk. The chunks after it are empty and are popped before
    // it.
    let (shared, hash) = (Rc::new(()), |_: &Rc<()>| 0);
    let mut table = Table::new();
    for _ in 0..40 {
        table.insert_unique(0, Rc::clone(&shared), hash);
    }
    let mut given = 0;
    let panicked = loop {
        let popped = catch_unwind(AssertUnwindSafe(|| {
            table.pop_chunks(
                1,
                |_| (),
                |_| {
                    given += 1;
                    assert!(given < 3);
                },
            )
        }));
        match popped {
            Ok(true) => {}
            other => break other.is_err(),
        }
    };
    assert!(panicked);
    assert_eq!((given, table.len(), table.allocation_size()), (3, 0, 0));
    assert_eq!(Rc::strong_count(&shared), 1);
    table.insert_unique(0, shared, hash);
    table.raw().check(hash);
}
