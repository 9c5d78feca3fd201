//! The owner's control of a table's size, and the work that is done when there is time for it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use zmalloc::fault;

use super::mix;
use crate::raw::RawTable;
use crate::{Cursor, ResizePolicy, Table};

fn hash(n: &u64) -> u64 {
    mix(*n)
}

const COUNT: u64 = if cfg!(miri) { 45 } else { 20_000 };
/// The number of entries of some chunks, and of ten times as many.
const FEW: u64 = if cfg!(miri) { 20 } else { 100 };
const MANY: u64 = 10 * FEW;

fn insert(table: &mut Table<u64>, numbers: core::ops::Range<u64>) {
    for n in numbers {
        table.insert_unique(hash(&n), n, hash);
    }
}

fn remove(table: &mut Table<u64>, numbers: core::ops::Range<u64>) {
    for n in numbers {
        table.find_entry(hash(&n), |&other| other == n).unwrap().remove();
    }
}

fn table_of(count: u64) -> Table<u64> {
    let mut table = Table::new();
    insert(&mut table, 0..count);
    table
}

/// Asserts that all of these numbers are in the table, and no others, and that its invariants hold.
fn holds(table: &Table<u64>, numbers: core::ops::Range<u64>) {
    assert_eq!(table.len() as u64, numbers.end - numbers.start);
    assert!(numbers.into_iter().all(|n| table.find(hash(&n), |&other| other == n).is_some()));
    table.raw().check(hash);
}

#[test]
fn a_growth_that_is_avoided_is_a_debt_and_comes_only_at_four_times_the_load() {
    let mut table = table_of(COUNT);
    let chunks = table.stats().chunks;
    assert_eq!(table.rehash_debt(), 0);
    table.set_resize_policy(ResizePolicy::Avoid);
    insert(&mut table, COUNT..3 * COUNT);
    assert_eq!(table.stats().chunks, chunks);
    assert!(table.rehash_debt() >= chunks && table.rehash_debt() <= 3 * chunks, "{}", table.rehash_debt());
    holds(&table, 0..3 * COUNT);
    insert(&mut table, 3 * COUNT..6 * COUNT);
    assert!(table.stats().chunks > chunks, "beyond four times the load it grows all the same");
    assert!(table.stats().load() < 4.0);
    holds(&table, 0..6 * COUNT);
}

#[test]
fn a_debt_is_paid_chunk_by_chunk_and_what_was_done_is_told() {
    let mut table = table_of(COUNT);
    table.set_resize_policy(ResizePolicy::Avoid);
    insert(&mut table, COUNT..3 * COUNT);
    let mut debt = table.rehash_debt();
    while debt > 0 {
        let before = table.stats();
        let work = table.rehash(5, hash);
        assert_eq!(work.chunks_split as usize, debt.min(5));
        assert_eq!((work.chunks_merged, table.stats().chunks), (0, before.chunks + debt.min(5)));
        assert!(work.entries_moved > 0 || debt < 5);
        debt -= debt.min(5);
        assert_eq!(table.rehash_debt(), debt);
    }
    assert_eq!(table.rehash(5, hash).chunks_split, 0);
    holds(&table, 0..3 * COUNT);
}

#[test]
fn under_forbid_only_explicit_calls_resize() {
    let mut table = table_of(COUNT);
    let chunks = table.stats().chunks;
    table.set_resize_policy(ResizePolicy::Forbid);
    insert(&mut table, COUNT..4 * COUNT);
    assert!(table.rehash_debt() > 0);
    assert_eq!(table.rehash(100, hash), table.stats().work.since(table.stats().work));
    remove(&mut table, FEW..4 * COUNT);
    assert_eq!(table.stats().chunks, chunks);
    holds(&table, 0..FEW);
    table.shrink_to_fit();
    assert!(table.stats().chunks < chunks);
    holds(&table, 0..FEW);
}

#[test]
fn a_table_that_is_allowed_to_grow_again_does_one_chunk_an_insert() {
    let mut table = table_of(COUNT);
    table.set_resize_policy(ResizePolicy::Forbid);
    insert(&mut table, COUNT..3 * COUNT);
    table.set_resize_policy(ResizePolicy::Allow);
    let mut next = 3 * COUNT;
    while table.rehash_debt() > 0 {
        let before = table.stats().work;
        insert(&mut table, next..next + 1);
        assert_eq!(table.stats().work.since(before).chunks_split, 1);
        next += 1;
    }
    assert!(next < 4 * COUNT, "a chunk an insert is faster than the inserts");
    holds(&table, 0..next);
}

#[test]
fn a_bulk_of_removals_under_a_guard_moves_nothing_and_maintenance_merges_afterwards() {
    let mut table = table_of(COUNT);
    let before = table.stats();
    {
        let mut outer = table.pause_resize();
        // Guards nest: the outer one still holds when the inner one is dropped.
        drop(outer.pause_resize());
        remove(&mut outer, COUNT / 10..COUNT);
        assert_eq!(outer.stats().work, before.work);
    }
    assert!(table.rehash_debt() > 0);
    let work = table.rehash(usize::MAX, hash);
    assert_eq!(work.chunks_split, 0);
    assert_eq!(table.rehash_debt(), 0);
    assert!(table.stats().load() > 0.6 || cfg!(miri), "{}", table.stats().load());
    holds(&table, 0..COUNT / 10);
}

#[test]
fn removals_alone_leave_a_table_a_third_full_and_maintenance_six_tenths_at_least() {
    let mut table = table_of(COUNT);
    remove(&mut table, COUNT / 10..COUNT);
    assert!(table.stats().load() >= 0.33 || cfg!(miri), "{}", table.stats().load());
    table.rehash(usize::MAX, hash);
    assert!(table.stats().load() >= 0.6 || cfg!(miri), "{}", table.stats().load());
    holds(&table, 0..COUNT / 10);
}

#[test]
fn a_shrink_that_meets_new_inserts_turns_round() {
    let mut table = table_of(COUNT);
    // Remove entries until removals merge, and a little further.
    let mut left = COUNT;
    while table.stats().work.chunks_merged < 3 {
        left -= 1;
        remove(&mut table, left..left + 1);
    }
    let before = table.stats().work;
    // Near the size at which it merges, a table does not split and merge the same chunks repeatedly.
    for _ in 0..50 {
        insert(&mut table, left..left + COUNT / 50);
        remove(&mut table, left..left + COUNT / 50);
    }
    let work = table.stats().work.since(before);
    assert!(work.chunks_split + work.chunks_merged <= 1, "{work:?}");
    insert(&mut table, left..COUNT);
    holds(&table, 0..COUNT);
    assert!(table.stats().load() <= 0.71 || cfg!(miri), "{}", table.stats().load());
}

#[test]
fn rehash_for_stops_when_the_callers_clock_says_so() {
    let mut table = table_of(COUNT);
    table.retain(|_| false);
    let debt = table.rehash_debt();
    // This clock advances by a millisecond whenever it is read.
    let now = Cell::new(0);
    let clock = || {
        now.set(now.get() + 1);
        Duration::from_millis(now.get())
    };
    let work = table.rehash_for(Duration::from_millis(4), clock, hash);
    assert_eq!(work.chunks_merged as usize, debt.min(3 * 16));
    assert_eq!(table.rehash_debt(), debt - work.chunks_merged as usize);
    let work = table.rehash_for(Duration::ZERO, clock, hash);
    assert_eq!(work.chunks_merged, 0);
    // A clock that stands still does not make the call run forever.
    table.rehash_for(Duration::from_millis(1), || Duration::ZERO, hash);
    assert_eq!(table.rehash_debt(), 0);
}

#[test]
fn a_vetoed_growth_is_put_off_and_the_table_serves_on() {
    let (allowed, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let count = COUNT.min(2_000); // all in one chunk
    let mut table = Table::new();
    {
        let (allowed, asked) = (allowed.clone(), asked.clone());
        table.on_grow(move |bytes| {
            asked.fetch_max(bytes, Ordering::Relaxed);
            allowed.load(Ordering::Relaxed)
        });
    }
    insert(&mut table, 0..1);
    assert_eq!(asked.load(Ordering::Relaxed), 0, "without a first chunk there is no table");
    insert(&mut table, 1..count);
    assert_eq!(table.stats().chunks, 1);
    assert!(asked.load(Ordering::Relaxed) >= 128, "two chunks of fifteen words are asked for");
    assert!(table.rehash_debt() > 0);
    assert_eq!(table.rehash(10, hash).chunks_split, 0, "maintenance asks too");
    holds(&table, 0..count);

    let mut clone = table.clone();
    insert(&mut clone, count..count + 1);
    assert_eq!(clone.stats().chunks, 2, "a clone asks nobody");

    allowed.store(true, Ordering::Relaxed);
    table.rehash(usize::MAX, hash);
    assert_eq!(table.rehash_debt(), 0);
    holds(&table, 0..count);
    assert!(asked.load(Ordering::Relaxed) <= table.allocation_size());
}

#[test]
fn a_table_grows_by_no_more_than_its_limit_and_goes_on_when_that_is_raised() {
    let (count, limit) = if cfg!(miri) { (150, 1_500) } else { (1_000_u64, 10_000_usize) };
    let mut table = Table::new();
    for number in 0..count {
        table.set_growth_limit(limit.saturating_sub(table.allocation_size()));
        table.insert_unique(mix(number), number, hash);
    }
    let children = table.stats().children * RawTable::<u64>::LAYOUT.child.size();
    assert!(table.allocation_size() <= limit + children && table.rehash_debt() > 0);
    assert!(table.next_growth_bytes() > 0);
    table.set_growth_limit(usize::MAX);
    table.insert_unique(mix(count), count, hash);
    table.rehash(usize::MAX, hash);
    assert_eq!((table.rehash_debt(), table.next_growth_bytes()), (0, 0));
    table.raw().check(hash);
}

#[test]
fn a_walk_meets_each_entry_once_a_round_and_begins_anew_beyond_the_end() {
    let mut table = Table::new();
    assert_eq!(table.walk(7, |_: &u64| panic!("there is no entry")), 0);
    let count = if cfg!(miri) { 90 } else { 500_u64 };
    for number in 0..count {
        let mut entry = table.insert_unique(hash(&number), number, hash);
        entry.set_mark(number % 3 == 0);
    }
    let walk = |only_marked| {
        let (mut chunk, mut met) = (table.stats().chunks + 1, Vec::new()); // beyond the end: the first chunk
        for _ in 0..table.stats().chunks {
            let each = |number: &u64| met.push(*number);
            chunk = if only_marked { table.walk_marked(chunk, each) } else { table.walk(chunk, each) };
        }
        assert_eq!(chunk, 0);
        met.sort_unstable();
        met
    };
    assert_eq!(walk(false), (0..count).collect::<Vec<_>>());
    assert_eq!(walk(true), (0..count).step_by(3).collect::<Vec<_>>());
}

#[test]
fn a_veto_does_not_concern_reserve_and_can_be_taken_back() {
    let mut table = table_of(FEW);
    table.on_grow(|_| false);
    table.reserve(MANY as usize, hash);
    assert!(table.capacity() as u64 >= FEW + MANY);
    table.shrink_to_fit();
    insert(&mut table, FEW..4 * FEW);
    assert!(table.rehash_debt() > 0);
    table.clear_on_grow();
    insert(&mut table, 4 * FEW..MANY);
    assert_eq!(table.rehash_debt(), 0);
    holds(&table, 0..MANY);
}

#[test]
fn a_veto_that_panics_leaves_the_table_as_it_was() {
    let mut table = table_of(15);
    table.on_grow(|_| panic!("no answer"));
    assert!(catch_unwind(AssertUnwindSafe(|| insert(&mut table, 15..16))).is_err());
    holds(&table, 0..15);
    table.clear_on_grow();
    insert(&mut table, 15..16);
    holds(&table, 0..16);
}

#[test]
fn what_is_moved_for_defragmentation_lies_elsewhere_and_is_the_same() {
    let mut table = Table::new();
    // All entries are in one chunk. The blocks are the chunk's, the directory, and a chain of children.
    for n in 0..60_u64 {
        table.insert_unique(mix(n) << 8, n, |n| mix(*n) << 8);
    }
    let places = |table: &Table<u64>| {
        table.iter().map(|entry| std::ptr::from_ref(entry).addr()).collect::<std::collections::BTreeSet<_>>()
    };
    let (before, size) = (places(&table), table.allocation_size());
    let (mut cursor, mut asked) = (Cursor::START, Vec::new());
    loop {
        let mut moves = |block, bytes| {
            asked.push((block, bytes));
            true
        };
        cursor = table.relocate(cursor, &mut moves, |_| ());
        if cursor == Cursor::START {
            break;
        }
    }
    assert_eq!(asked.len(), 3 + table.stats().children, "directory, tags, entries and every child");
    // A block may move to the place that another one has left, so single places are not compared.
    assert_ne!(places(&table), before);
    // With other allocators, two blocks for the same request may differ in size.
    assert!(table.allocation_size() == size || !zmalloc::ALLOCATOR.starts_with("jemalloc"));
    table.raw().check(|n| mix(*n) << 8);
    assert!((0..60).all(|n| table.find(mix(n) << 8, |&other| other == n).is_some()));
}

#[test]
fn a_block_that_cannot_be_moved_stays_where_it_is() {
    let mut table = table_of(60);
    for nth in 1..6 {
        let plan = fault::fail_nth(nth);
        let mut cursor = Cursor::START;
        loop {
            cursor = table.relocate(cursor, &mut |_, _| true, |_| ());
            if cursor == Cursor::START {
                break;
            }
        }
        drop(plan);
        holds(&table, 0..60);
    }
}

#[test]
fn maintenance_without_memory_stops_and_loses_nothing() {
    let mut table = table_of(COUNT);
    table.set_resize_policy(ResizePolicy::Forbid);
    insert(&mut table, COUNT..2 * COUNT);
    table.set_resize_policy(ResizePolicy::Allow);
    let debt = table.rehash_debt();
    {
        let _plan = fault::fail_from(1);
        let work = table.rehash(usize::MAX, hash);
        assert!((work.chunks_split as usize) < debt || cfg!(miri));
        let forever = table.rehash_for(Duration::from_secs(1), || Duration::ZERO, hash);
        assert_eq!(forever.chunks_split, 0, "it does not spin without memory");
    }
    holds(&table, 0..2 * COUNT);
    table.rehash(usize::MAX, hash);
    assert_eq!(table.rehash_debt(), 0);
    holds(&table, 0..2 * COUNT);
}

#[test]
fn a_question_that_panics_leaves_a_table_with_its_blocks() {
    for nth in (1..40).step_by(if cfg!(miri) { 3 } else { 1 }) {
        let mut table = Table::new();
        for n in 0..60_u64 {
            table.insert_unique(mix(n) << 8, n, |n| mix(*n) << 8);
        }
        let mut asked = 0;
        let mut moves = |_, _| {
            asked += 1;
            assert!(asked < nth, "no answer");
            true
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| table.relocate(Cursor::START, &mut moves, |_| ())));
        table.raw().check(|n| mix(*n) << 8);
        assert_eq!(table.iter().count(), 60);
        if outcome.is_ok() {
            return;
        }
    }
    panic!("some number of questions is enough");
}

#[test]
fn a_table_put_under_a_guard_is_not_paused_and_one_taken_from_it_is() {
    let mut table = table_of(FEW);
    let mut paused = table.pause_resize();
    let mut taken = std::mem::take(&mut *paused);
    insert(&mut paused, 0..3 * FEW);
    drop(paused);
    assert_eq!(table.rehash_debt(), 0);
    holds(&table, 0..3 * FEW);
    insert(&mut taken, FEW..3 * FEW);
    assert!(taken.rehash_debt() > 0);
    assert_eq!(taken.clone().pause_resize().len() as u64, 3 * FEW);
    let mut clone = taken.clone();
    clone.rehash(usize::MAX, hash);
    holds(&clone, 0..3 * FEW);
}

#[test]
fn a_clone_keeps_the_policy() {
    let mut table = table_of(FEW);
    table.set_resize_policy(ResizePolicy::Forbid);
    let mut clone = table.clone();
    let chunks = clone.stats().chunks;
    insert(&mut clone, FEW..MANY);
    assert_eq!((clone.resize_policy(), clone.stats().chunks), (ResizePolicy::Forbid, chunks));
}

#[test]
fn a_reservation_that_brought_nothing_keeps_nothing() {
    let mut table = table_of(COUNT);
    table.reserve(0, hash);
    remove(&mut table, 0..COUNT);
    assert_eq!(table.stats().chunks, 1);
}

#[test]
fn readings_of_work_in_the_wrong_order_differ_by_nothing() {
    let before = table_of(10).stats().work;
    let after = table_of(MANY).stats().work;
    assert_eq!(before.since(after).chunks_split, 0);
    assert!(after.since(before).chunks_split > 0);
}

#[test]
#[cfg_attr(miri, ignore = "a large table")]
fn a_veto_is_asked_for_every_byte_that_a_growing_table_takes_but_its_children() {
    type Wide = [u64; 540];
    let hash = |entry: &Wide| mix(entry[0]);
    let (asked, mut table) = (Arc::new(AtomicUsize::new(0)), Table::<Wide>::new());
    let counter = asked.clone();
    table.on_grow(move |bytes| {
        counter.fetch_add(bytes, Ordering::Relaxed);
        true
    });
    for n in 0..30_000 {
        let (before, entry) = (table.stats(), [n; 540]);
        asked.store(0, Ordering::Relaxed);
        table.insert_unique(hash(&entry), entry, hash);
        let (after, child) = (table.stats(), 64 + 7 * size_of::<Wide>());
        let taken = after.work.since(before.work).bytes_allocated as usize;
        // The difference is a child, a spare one to move large entries, and what the allocator rounds up. The
        // first chunk is allocated without a call.
        let rounding =
            if n == 0 { usize::MAX / 2 } else { 2 * child + asked.load(Ordering::Relaxed) / 4 + 16_384 };
        assert!(taken <= asked.load(Ordering::Relaxed) + rounding, "{n}: {taken} of {asked:?}");
    }
}
