//! The bounds of a single operation, by the table's own counters, and of the memory over time.

use super::mix;
use crate::group::TAG_BYTES;
use crate::layout::{ChunkLayout, preferred_offset};
use crate::{Table, Work};

/// Returns the length of the longest chunk with its overflow.
fn longest_chunk<T>(table: &Table<T>) -> usize {
    // SAFETY: the chunks are live.
    (0..table.raw().chunks())
        .map(|chunk| unsafe { table.raw().iter_chunk(chunk, false) }.count())
        .max()
        .unwrap_or(0)
}

#[test]
fn no_operation_does_more_than_one_step_or_allocates_more_than_a_segment_and_the_directory() {
    const LAYOUT: ChunkLayout = ChunkLayout::of::<u64>();
    let count = if cfg!(miri) { 150 } else { 1_000_000_u64 };
    let hash = |n: &u64| mix(*n);
    let mut table = Table::new();
    let mut before = table.stats();
    let mut check = |table: &Table<u64>| {
        let after = table.stats();
        let work = after.work.since(before.work);
        assert!(work.chunks_split + work.chunks_merged <= 1);
        // The two chunks of a split or merge together hold what one had or will have. That may be far above
        // the mean, but not out of all proportion.
        assert!(work.entries_moved <= 64, "{work:?}");
        // A segment is a sixteenth of the table, but at least a page of 128 chunks, and at most 256 KiB with
        // its tags. The directory has two pointers per page and at most doubles. An insert may also need a
        // child.
        let chunk = (LAYOUT.stride + TAG_BYTES) as u64;
        let segment = (after.chunks as u64 / 16).clamp(128, LAYOUT.paging.step_max() as u64) * chunk;
        let directory = 2 * 16 * (after.chunks_allocated as u64 / 128 + 1);
        // The allocator rounds the sizes of blocks up, large ones to pages. In mimalloc, an aligned block
        // takes the next class, up to a quarter more.
        let classes = if zmalloc::ALLOCATOR.starts_with("mimalloc") { (segment + directory) / 4 } else { 0 };
        let rounding = 3 * 4096 + classes;
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
fn a_large_directory_is_copied_a_little_at_a_time_in_both_directions() {
    // Chunks of 64 KiB have a page each, so the directory is large long before the table is.
    type Wide = [u64; 540];
    let hash = |entry: &Wide| mix(entry[0]);
    let (mut table, mut state, mut most) = (Table::<Wide>::new(), 1, 0);
    let mut entry = [0; 540];
    let pages = |table: &Table<Wide>| table.stats().chunks_allocated;
    let count = if cfg!(miri) { 0 } else { 30_000 };
    let mut check = |table: &Table<Wide>, before: Work| {
        let work = table.stats().work.since(before);
        most = most.max(work.bytes_allocated);
    };
    for n in 0..count {
        entry[0] = n;
        let before = table.stats().work;
        table.insert_unique(hash(&entry), entry, hash);
        check(&table, before);
        // The table grows and shrinks, so that pages are freed and added while a copy is under way.
        state = mix(state);
        if state % 7_000 == 0 {
            table.shrink_to_fit();
        }
    }
    assert!(pages(&table) > 2_500 || cfg!(miri), "{}", pages(&table));
    table.raw().check(hash);
    for n in 0..count {
        let before = table.stats().work;
        table.find_entry(mix(n), |other| other[0] == n).unwrap().remove();
        check(&table, before);
    }
    assert!(table.stats().chunks <= 2);
    // The limit is a step of 256 KiB, its tags, and at most one directory.
    assert!(most <= (256 << 10) + 16 * (4 + 8_192), "{most}");
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

/// Returns how often an entry is in the cache line that a look-up prefetches before it reads the tags. For
/// entries of 64 bytes or more, only the first byte counts, where a comparison begins.
fn right_lines<T>(make: impl Fn(u64) -> T, number: impl Fn(&T) -> u64) -> f64 {
    let hash = |entry: &T| mix(number(entry));
    let mut table = Table::new();
    for n in 0..200_000 {
        let entry = make(n);
        table.insert_unique(hash(&entry), entry, hash);
    }
    let mut right = 0;
    for chunk in 0..table.raw().chunks() {
        // SAFETY: the chunks are live, and the slots are occupied.
        unsafe {
            let entries = table.raw().chunk(chunk).base().entry.addr().get();
            for slot in table.raw().iter_chunk(chunk, false) {
                let asked = entries + preferred_offset::<T>(hash(slot.entry.as_ref()));
                let first = slot.entry.addr().get();
                let last = if size_of::<T>() < 64 { first + size_of::<T>() - 1 } else { first };
                right += usize::from((first / 64..=last / 64).contains(&(asked / 64)));
            }
        }
    }
    right as f64 / table.len() as f64
}

#[test]
#[cfg_attr(miri, ignore = "shares of many entries")]
fn most_entries_are_in_the_cache_line_that_is_asked_for_before_the_tags_are_read() {
    #[repr(align(64))]
    struct Wide([u64; 16]);
    let shares = [
        // A random slot would give one in two, one in two, one in six, and one in fifteen.
        ("pointers", right_lines(|n| n, |n| *n), 0.75),
        (
            "six bytes",
            right_lines(|n| [n as u16, (n >> 16) as u16, 0], |n| u64::from(n[0]) | u64::from(n[1]) << 16),
            0.71,
        ),
        ("24 bytes", right_lines(|n| [n; 3], |n| n[0]), 0.47),
        ("72 bytes", right_lines(|n| [n; 9], |n| n[0]), 0.28),
        ("128 aligned bytes", right_lines(|n| Wide([n; 16]), |n| n.0[0]), 0.28),
    ];
    for (entries, share, least) in shares {
        // With child pointers of four bytes, chunks of pointers do not begin on a cache line.
        let least = if cfg!(target_pointer_width = "64") { least } else { least - 0.1 };
        assert!(share > least, "{entries}: {share}");
    }
}

#[test]
fn a_table_of_five_entries_is_one_chunk() {
    let mut table = Table::new();
    for n in 0..5_u64 {
        table.insert_unique(mix(n), n, |n| mix(*n));
    }
    let stats = table.stats();
    assert_eq!((stats.chunks, stats.chunks_allocated, stats.children), (1, 1, 0));
    // Entries, tags, and a directory of one page. The blocks of libc are a little larger.
    assert!(stats.allocation_size <= 128 + 16 + 16 + 3 * 24, "{stats:?}");
}

#[test]
fn what_is_reserved_is_not_given_back_by_removals_but_by_asking() {
    let (capacity, count) = if cfg!(miri) { (200, 30) } else { (10_000, 100_u64) };
    let mut table = Table::with_capacity(capacity);
    let reserved = table.stats();
    assert!(table.capacity() >= capacity);
    for n in 0..count {
        table.insert_unique(mix(n), n, |n| mix(*n));
    }
    for n in 0..count {
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
fn a_table_that_hovers_around_an_edge_allocates_nothing() {
    let hash = |n: &u64| mix(*n);
    let mut table = Table::new();
    for n in 0..if cfg!(miri) { 100 } else { 60_000 } {
        table.insert_unique(hash(&n), n, hash);
    }
    // Remove the entries one by one. At every size, insert one entry and remove one, twice.
    let mut next = table.len() as u64;
    while table.len() > 20 {
        let oldest = next - table.len() as u64;
        table.find_entry(hash(&oldest), |&n| n == oldest).unwrap().remove();
        let before = table.stats().work;
        for _ in 0..2 {
            table.insert_unique(hash(&next), next, hash);
            next += 1;
            let oldest = next - table.len() as u64;
            table.find_entry(hash(&oldest), |&n| n == oldest).unwrap().remove();
        }
        let after = table.stats().work;
        let children = 4 * ChunkLayout::of::<u64>().child.size() as u64;
        assert!(after.bytes_allocated - before.bytes_allocated <= children, "at {} entries", table.len());
    }
}

#[test]
fn large_entries_do_not_make_large_steps() {
    type Large = [u64; 512]; // 4 KiB: a chunk is 60 KiB
    let hash = |entry: &Large| mix(entry[0]);
    let mut table = Table::<Large>::new();
    let (mut before, segment) = (table.stats(), 2 << 20);
    for n in 0..if cfg!(miri) { 40 } else { 4_000 } {
        table.insert_unique(mix(n), [n; 512], hash);
        let allocated = table.stats().work.since(before.work).bytes_allocated;
        before = table.stats();
        assert!(allocated <= segment + (segment >> 3), "{allocated} bytes at {n} entries");
    }
}

#[test]
fn a_table_that_was_large_keeps_nothing_of_it() {
    let hash = |n: &u64| mix(*n);
    let fresh = {
        let mut table = Table::new();
        table.insert_unique(hash(&0), 0, hash);
        table.allocation_size()
    };
    let mut table = Table::new();
    let count = if cfg!(miri) { 100 } else { 300_000 };
    for n in 0..count {
        table.insert_unique(hash(&n), n, hash);
    }
    table.retain(|&mut n| n == 0);
    table.shrink_to_fit();
    // The blocks of libc for one size may differ by 16 bytes.
    assert!(
        table.allocation_size() <= fresh + 3 * 16,
        "{} bytes, {fresh} when fresh",
        table.allocation_size()
    );
    let work = table.stats().work;
    drop(table.drain());
    assert_eq!(table.stats().work, work, "draining is not forgetting");
}

#[test]
fn a_clone_keeps_what_was_reserved() {
    let mut clone = Table::<u64>::with_capacity(1_000).clone();
    let chunks = clone.stats().chunks;
    clone.insert_unique(mix(1), 1, |n| mix(*n)).remove();
    assert_eq!(clone.stats().chunks, chunks);
}

/// The worst cases are to remove what a scan visits, and to copy in the order of a scan. The entries that are
/// left, or copied, agree in the lowest bits. The chains grow with the square root of the table, and no
/// further.
#[test]
fn following_a_scan_makes_chains_of_the_square_root() {
    let (count, hash) = (if cfg!(miri) { 100 } else { 100_000_u64 }, |n: &u64| mix(*n));
    let bound = 4 * (count.isqrt() + 16);
    let mut table = Table::new();
    for n in 0..count {
        table.insert_unique(hash(&n), n, hash);
    }
    let (mut cursor, mut copy, mut worst) = (crate::Cursor::START, Table::new(), 0);
    let mut seen = Vec::new();
    loop {
        cursor = table.scan(cursor, |&n| seen.push(n));
        for n in seen.drain(..) {
            let before = (copy.stats(), table.stats());
            copy.insert_unique(hash(&n), n, hash);
            table.find_entry(hash(&n), |&other| other == n).unwrap().remove();
            worst = worst.max(copy.stats().work.since(before.0.work).entries_moved);
            worst = worst.max(table.stats().work.since(before.1.work).entries_moved);
        }
        if cursor == crate::Cursor::START {
            break;
        }
    }
    assert_eq!((table.len() as u64, copy.len() as u64), (0, count));
    assert!(worst <= bound, "{worst} entries moved in one operation, {bound} allowed");
}

#[test]
fn the_first_entry_decides_most_look_ups_at_every_load() {
    let mut table = Table::new();
    for number in 0..if cfg!(miri) { 70 } else { 20_000_u64 } {
        table.insert_unique(mix(number), number, |number| mix(*number));
        if !number.is_power_of_two() && number % 5_000 != 0 {
            continue;
        }
        let first = |wanted: u64| table.find_first(mix(wanted), |found| (*found == wanted).then_some(*found));
        let present = (0..=number).filter(|&wanted| first(wanted) == Ok(Some(wanted))).count() as u64;
        let absent = (0..=number).filter(|&wanted| first(!wanted) == Ok(None)).count() as u64;
        // At most one entry in ten lies in children. For 4 %, another entry of the chunk with the same tag
        // comes first: half of ten others, each in one of 127 cases. An absent entry meets one of ten tags in
        // 8 % of the cases. In the third of the chunks that have children, it may also meet a bit of the
        // filter.
        assert!(present >= number * 4 / 5, "{present} of {number}");
        assert!(absent >= number * 3 / 5, "{absent} of {number}");
    }
}
