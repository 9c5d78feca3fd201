//! What a single operation may cost, by the table's own counters, and what memory may do over time.

use super::mix;
use crate::layout::ChunkLayout;
use crate::{Stats, Table, Work};

fn difference(before: Stats, after: Stats) -> Work {
    let (b, a) = (before.work, after.work);
    Work {
        chunks_split: a.chunks_split - b.chunks_split,
        chunks_merged: a.chunks_merged - b.chunks_merged,
        entries_moved: a.entries_moved - b.entries_moved,
        bytes_allocated: a.bytes_allocated - b.bytes_allocated,
    }
}

/// The longest chunk with its overflow.
fn longest_chunk<T>(table: &Table<T>) -> usize {
    // SAFETY: live chunks.
    (0..table.raw().chunks()).map(|chunk| unsafe { table.raw().iter_chunk(chunk) }.count()).max().unwrap_or(0)
}

#[test]
fn no_operation_does_more_than_one_step_or_allocates_more_than_a_segment_and_the_directory() {
    const LAYOUT: ChunkLayout = ChunkLayout::of::<u64>();
    let count = if cfg!(miri) { 500 } else { 1_000_000_u64 };
    let hash = |n: &u64| mix(*n);
    let mut table = Table::new();
    let mut before = table.stats();
    let mut check = |table: &Table<u64>| {
        let after = table.stats();
        let work = difference(before, after);
        assert!(work.chunks_split + work.chunks_merged <= 1);
        // Both chunks of a split or merge together hold what one had or will have: far above the mean is
        // possible, out of all proportion is not.
        assert!(work.entries_moved <= 64, "{work:?}");
        // A segment is a sixteenth of the table, but at least a page of 128 chunks and at most 2 MiB with its
        // tags; the directory has two pointers a page and at most doubles; an insert may also need a child.
        let chunk = (LAYOUT.entries(1).size() + LAYOUT.tags(1).size()) as u64;
        let segment = (after.chunks as u64 / 16).clamp(128, LAYOUT.step_max as u64) * chunk;
        let directory = 2 * 16 * (after.chunks_allocated as u64 / 128 + 1);
        let rounding = 64; // of the blocks' sizes
        let child = LAYOUT.child.size() as u64;
        assert!(work.bytes_allocated <= segment + directory + child + rounding, "{work:?} {after:?}");
        before = after;
    };
    for n in 0..count {
        table.insert_unique(hash(&n), n, hash);
        check(&table);
    }
    assert!(longest_chunk(&table) < 64);
    for n in 0..count {
        table.find_entry(hash(&n), |&other| other == n).unwrap().remove();
        check(&table);
    }
    assert!(table.stats().chunks <= 2, "removing everything shrinks to almost nothing: {:?}", table.stats());
}

#[test]
fn bytes_an_entry_are_flat_over_the_number_of_entries() {
    let hash = |n: &u64| mix(*n);
    let mut table = Table::new();
    let (mut least, mut most) = (f64::MAX, 0.0_f64);
    for n in 0..if cfg!(miri) { 100 } else { 1_000_000_u64 } {
        table.insert_unique(hash(&n), n, hash);
        if n >= 10_000 && n % 1_000 == 0 {
            let bytes = table.allocation_size() as f64 / table.len() as f64;
            (least, most) = (least.min(bytes), most.max(bytes));
        }
    }
    assert!(most <= 1.15 * least || cfg!(miri), "{least} to {most} bytes an entry");
}

#[test]
fn a_table_of_five_entries_is_one_chunk() {
    let mut table = Table::new();
    for n in 0..5_u64 {
        table.insert_unique(mix(n), n, |n| mix(*n));
    }
    let stats = table.stats();
    assert_eq!((stats.chunks, stats.chunks_allocated, stats.children), (1, 1, 0));
    // Entries, tags, and a directory of one page. (libc's blocks are a little larger.)
    assert!(stats.allocation_size <= 128 + 16 + 16 + 3 * 24, "{stats:?}");
}

#[test]
fn what_is_reserved_is_not_given_back_by_removals_but_by_asking() {
    let mut table = Table::with_capacity(10_000);
    let reserved = table.stats();
    assert!(table.capacity() >= 10_000);
    for n in 0..100_u64 {
        table.insert_unique(mix(n), n, |n| mix(*n));
    }
    for n in 0..100_u64 {
        table.find_entry(mix(n), |&other| other == n).unwrap().remove();
    }
    assert_eq!(table.stats().chunks, reserved.chunks);
    table.shrink_to_fit();
    assert_eq!(table.allocation_size(), 0);
}

#[test]
fn a_capacity_beyond_all_memory_is_an_error() {
    let mut table = Table::<u64>::new();
    assert!(table.try_reserve(usize::MAX, |_| 0).is_err());
    assert!(table.try_reserve(isize::MAX as usize, |_| 0).is_err());
    table.insert_unique(1, 1, |_| 1);
    assert!(table.try_reserve(usize::MAX, |_| 0).is_err());
    assert_eq!(table.len(), 1);
}

#[test]
fn a_random_entry_may_be_any_entry() {
    let (count, hash) = (if cfg!(miri) { 20 } else { 1_000 }, |n: &u64| mix(*n));
    let mut table = Table::new();
    for n in 0..count {
        table.insert_unique(hash(&n), n, hash);
    }
    let (mut state, mut seen) = (1, vec![0_u32; count as usize]);
    let picks = 40 * count;
    for _ in 0..picks {
        let picked = table.random(|| {
            state = mix(state);
            state
        });
        seen[*picked.unwrap() as usize] += 1;
    }
    // An entry's share is 1/chunks * 1/len: with chunks of up to 40 entries at a mean of 11 that is at least a
    // quarter of the even share, 10 expected picks, so that no pick at all has probability e^-10 each.
    let missed = seen.iter().filter(|&&picks| picks == 0).count();
    assert!(missed <= 1, "{missed} of {count} entries never came up");
}
