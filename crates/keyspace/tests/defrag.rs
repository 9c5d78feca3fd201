//! Defragmentation with the allocator's own hints. A program of its own with one test, because slabs are
//! those of the whole process. What a pass does to keys and values, with any allocator, is tested inside the
//! crate.
#![cfg(not(miri))] // the interpreter has the prefix layout, which has no slabs

use keyspace::{Keyspace, Options, Sharded};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::cell::Cell;
use std::time::{Duration, Instant};
use zmalloc::{allocator_info, flush_tcache};

/// Bytes in gaps between blocks, in the whole process, and bytes in pages that are in use. `None` if the
/// allocator does not say.
fn gaps_and_pages() -> Option<[usize; 2]> {
    flush_tcache();
    allocator_info().map(|info| [info.frag_smallbins_bytes, info.active])
}

/// So many keys with random values, of which one in eight is left, and the numbers of those.
fn thinned_out(options: Options, keys: usize) -> (Keyspace, Vec<(usize, Vec<u8>)>) {
    let (mut keyspace, mut random) = (Keyspace::with_options(options), SmallRng::seed_from_u64(3));
    let mut left = Vec::new();
    for n in 0..keys {
        let value: Vec<u8> = (0..random.random_range(32..300)).map(|_| random.random()).collect();
        keyspace.set(format!("key:{n}").as_bytes(), &value[..], 0).unwrap();
        if random.random_ratio(1, 8) {
            left.push((n, value));
        }
    }
    let mut kept = left.iter().map(|(n, _)| *n).peekable();
    for n in 0..keys {
        if kept.next_if_eq(&n).is_none() {
            assert!(keyspace.remove(format!("key:{n}").as_bytes(), 0));
        }
    }
    (keyspace, left)
}

fn assert_holds(keyspace: &Keyspace, left: &[(usize, Vec<u8>)]) {
    keyspace.check();
    assert_eq!(keyspace.len(), left.len());
    for (n, value) in left {
        let found = keyspace.get_string(format!("key:{n}").as_bytes(), 0).unwrap().unwrap();
        assert_eq!(&*found.to_bytes(), &value[..]);
    }
}

#[test]
fn memory_in_gaps_is_won_back() {
    passes_win_the_memory_back_of_keys_that_were_removed_at_random();
    active_defragmentation_begins_and_ends_by_itself();
    shards_win_memory_back_together();
    where_the_allocator_says_nothing_a_pass_is_complete_at_once();
}

fn passes_win_the_memory_back_of_keys_that_were_removed_at_random() {
    let Some([gaps_at_first, _]) = gaps_and_pages() else { return };
    let (mut keyspace, left) = thinned_out(Options::new(), 100_000);
    let [gaps, pages] = gaps_and_pages().unwrap();
    let held = keyspace.allocation_size();
    assert!(gaps - gaps_at_first > 4 * held, "{gaps} bytes in gaps, {held} bytes in blocks");
    let start = Instant::now();
    for pass in 1.. {
        let mut hits = 0;
        loop {
            let slice = keyspace.defrag_for(Duration::from_micros(500), || start.elapsed());
            hits += slice.hits;
            if slice.is_complete {
                break;
            }
        }
        if hits < left.len() / 100 {
            break;
        }
        assert!(pass < 10, "passes come to an end");
    }
    let [gaps_after, pages_after] = gaps_and_pages().unwrap();
    assert!(gaps_after < gaps_at_first + held / 20, "{gaps_after} bytes in gaps");
    assert!(pages - pages_after > 3 * held, "{pages} bytes in pages before, {pages_after} after");
    assert_holds(&keyspace, &left);
    let blocks = keyspace.active_defrag_hits() + keyspace.active_defrag_misses();
    assert!(blocks >= 2 * left.len() as u64, "{blocks} blocks in two passes or more");
}

/// `now` is when the next call is due. The clock goes on by 10 us with each look, so that nothing depends on
/// how busy the machine is.
fn active_defragmentation_begins_and_ends_by_itself() {
    if gaps_and_pages().is_none() {
        return;
    }
    let options = Options::new().active_defrag_ignore_bytes(1 << 20);
    let (mut keyspace, left) = thinned_out(options.activedefrag(false), 50_000);
    let (budget, time) = (Duration::from_millis(1), Cell::new(Duration::ZERO));
    let clock = || {
        time.set(time.get() + Duration::from_micros(10));
        time.get()
    };
    assert!(keyspace.active_defrag(0, budget, clock).is_complete, "switched off");
    assert_eq!((keyspace.active_defrag_running(), keyspace.active_defrag_due(0)), (0, None));

    keyspace.set_options(options);
    keyspace.active_defrag(2_000, budget, clock);
    assert_eq!(keyspace.active_defrag_running(), 25, "fragmentation is above the upper threshold");
    let (mut now, mut used) = (2_000, Duration::ZERO);
    while let Some(due) = keyspace.active_defrag_due(now) {
        now += due.as_millis() as u64;
        let before = time.get();
        keyspace.active_defrag(now, budget, clock);
        used += time.get() - before;
        assert!(now < 1_000_000, "it does not end");
    }
    assert_eq!(keyspace.active_defrag_running(), 0);
    assert!(keyspace.active_defrag_hits() > left.len() as u64 / 4);
    let share = used.as_secs_f64() * 1e3 / (now - 2_000) as f64;
    assert!(share < 0.3, "it takes {share} of the time, at most a quarter");

    let hits = keyspace.active_defrag_hits();
    keyspace.active_defrag(now + 5_000, budget, clock);
    assert_eq!(
        (keyspace.active_defrag_running(), keyspace.active_defrag_hits()),
        (0, hits),
        "nothing is left"
    );
    assert_holds(&keyspace, &left);
}

/// Each slab has blocks of all shards. One shard after the other would empty no slab.
fn shards_win_memory_back_together() {
    let Some([gaps_at_first, _]) = gaps_and_pages() else { return };
    let sharded = Sharded::new(64);
    sharded.set_options(Options::new().active_defrag_ignore_bytes(1 << 20));
    let key = |n: usize| format!("key:{n}");
    for n in 0..100_000 {
        let value = vec![b'x'; 32 + n * 7 % 200];
        sharded.write(&key(n), |keyspace, key| keyspace.set(key, &value[..], 0)).unwrap();
    }
    for n in (0..100_000).filter(|n| n % 8 != 0) {
        assert!(sharded.write(&key(n), |keyspace, key| keyspace.remove(key, 0)));
    }
    let [gaps, _] = gaps_and_pages().unwrap();
    let held = sharded.allocation_size();
    assert!(gaps - gaps_at_first > 2 * held, "{gaps} bytes in gaps, {held} bytes in blocks");
    let (start, mut now, mut was_running) = (Instant::now(), 0, false);
    loop {
        let done = sharded.maintain(now, Duration::from_millis(1), || start.elapsed());
        now += done.next.as_millis() as u64;
        let is_running = sharded.active_defrag_running() > 0;
        if was_running && !is_running {
            break;
        }
        was_running |= is_running;
        assert!(now < 1_000_000, "it begins and ends");
    }
    let [gaps_after, _] = gaps_and_pages().unwrap();
    assert!(gaps_after < gaps_at_first + held / 10, "{gaps_after} bytes in gaps, {held} in blocks");
    sharded.for_each(Keyspace::check);
    assert_eq!(sharded.len(), 12_500);
}

fn where_the_allocator_says_nothing_a_pass_is_complete_at_once() {
    let mut keyspace = Keyspace::new();
    keyspace.set("key", "value", 0).unwrap();
    let slice = keyspace.defrag_for(Duration::ZERO, || Duration::ZERO);
    assert!(slice.is_complete || allocator_info().is_some());
    assert_eq!(slice.hits + slice.misses > 0, allocator_info().is_some());
}
