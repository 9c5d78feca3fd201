//! Checks S3-FIFO.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Store, USES_MAX};
use std::collections::VecDeque;

/// Requests `count` keys that were not requested before.
fn scan(store: &mut Store, first: u32, count: u32) {
    for key in first..first + count {
        assert!(!store.access(key), "{key} is new");
    }
}

#[test]
fn keys_are_there_as_long_as_the_store_is_not_full() {
    for capacity in 1..50 {
        let mut store = Store::new(capacity as usize);
        scan(&mut store, 0, capacity);
        assert!((0..capacity).all(|key| store.access(key)), "{capacity} keys");
    }
}

#[test]
fn a_store_for_one_key_has_the_last_one() {
    let mut store = Store::new(1);
    let hits = [1, 1, 1, 2, 2, 1, 3, 3].map(|key| store.access(key));
    assert_eq!(hits, [false, true, true, false, true, false, false, true]);
}

#[test]
fn a_key_that_was_used_on_probation_outlives_a_scan() {
    let mut store = Store::new(10);
    scan(&mut store, 1, 2);
    assert!(store.access(1));
    scan(&mut store, 100, 1_000);
    assert_eq!([1, 2].map(|key| store.access(key)), [true, false]);
}

#[test]
fn a_hit_does_not_move_a_key_in_its_queue() {
    let mut store = Store::new(3);
    scan(&mut store, 1, 3);
    assert!(store.access(1));
    scan(&mut store, 4, 1); // 1 moves to the main queue, and 2 is evicted
    assert!([1, 3, 4].into_iter().all(|key| store.access(key)));
    scan(&mut store, 5, 1); // 3 and 4 move. Then 1 is spared, and 3 is evicted
    assert_eq!([1, 4, 5, 3].map(|key| store.access(key)), [true, true, true, false]);
}

#[test]
fn each_look_chooses_the_queue_anew() {
    // A tenth of the capacity is 2 keys.
    let mut store = Store::new(20);
    scan(&mut store, 1, 20);
    assert!((1..20).all(|key| store.access(key)));
    scan(&mut store, 21, 1); // 1 to 19 move. Only 20 is left on probation, so 1 is evicted
    assert_eq!([20, 1].map(|key| store.access(key)), [true, false]);
}

#[test]
fn a_ghost_does_not_have_to_pass_probation() {
    let mut store = Store::new(10);
    scan(&mut store, 1, 1);
    scan(&mut store, 100, 10); // 1 is evicted
    assert!(!store.access(1));
    scan(&mut store, 200, 1_000);
    assert!(store.access(1));
}

#[test]
fn there_are_as_many_ghosts_as_keys() {
    for capacity in [1, 2, 10, 37] {
        for (count, is_ghost) in [(2 * capacity - 1, true), (2 * capacity, false)] {
            let mut store = Store::new(capacity as usize);
            scan(&mut store, 1, 1);
            scan(&mut store, 1_000, count);
            // `count - capacity` other ghosts came after 1.
            assert!(!store.access(1));
            scan(&mut store, 2_000, 100);
            let is_in_main = capacity > 1 && is_ghost;
            assert_eq!(store.access(1), is_in_main, "a scan of {count}, capacity {capacity}");
        }
    }
}

#[test]
fn a_main_key_is_spared_once_for_each_use_up_to_three() {
    /// Counts how many other keys have to pass until a main key with this many uses is evicted.
    fn passes_of(uses: u8) -> u32 {
        let is_left_after = |passes| {
            let mut store = Store::new(10);
            scan(&mut store, 1, 1);
            assert!(store.access(1));
            scan(&mut store, 100, 10); // 1 is the only main key
            (0..uses).for_each(|_| assert!(store.access(1)));
            for key in 1_000..1_000 + passes {
                assert!(!store.access(key) && store.access(key));
            }
            store.access(1)
        };
        (0..).find(|&passes| !is_left_after(passes)).unwrap()
    }
    let passes: Vec<u32> = (0..=USES_MAX + 2).map(passes_of).collect();
    // One key is on probation and nine are in the main queue. So each use lets nine more keys pass.
    assert_eq!(passes, [10, 19, 28, 37, 37, 37]);
}

/// A trace of 30,000 requests. One request in four is for a key that is never requested again. The other keys are
/// 1 to 4,095: key 10 is requested about ten times as often as key 100, and so on.
fn trace() -> impl Iterator<Item = u32> {
    let mut state = 1_u64;
    let mut random = move |bits: u32| {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32 & ((1 << bits) - 1)
    };
    (0..30_000).map(move |n| {
        let bits = random(16) % 12;
        if n % 4 == 3 { 1_000_000 + n } else { 1 << bits | random(bits) }
    })
}

/// Returns the hits of a queue. A hit moves a key to its end under LRU, and does nothing under FIFO.
fn hits_of_queue(capacity: usize, is_lru: bool) -> usize {
    let mut queue = VecDeque::new();
    let mut access = |key| {
        let place = queue.iter().position(|other| *other == key);
        match place {
            Some(place) if is_lru => drop(queue.remove(place)),
            Some(_) => return true,
            None if queue.len() == capacity => drop(queue.pop_front()),
            None => {}
        }
        queue.push_back(key);
        place.is_some()
    };
    trace().filter(|&key| access(key)).count()
}

fn hits_of_store(capacity: usize) -> usize {
    let mut store = Store::new(capacity);
    trace().filter(|&key| store.access(key)).count()
}

#[test]
fn there_are_more_hits_than_with_fifo_and_with_lru() {
    for capacity in [10, 30, 100, 300] {
        let [ours, fifo, lru] =
            [hits_of_store(capacity), hits_of_queue(capacity, false), hits_of_queue(capacity, true)];
        assert!(ours > fifo + 1_000 && ours > lru + 500, "{capacity}: {ours} hits, FIFO {fifo}, LRU {lru}");
    }
}

#[test]
fn the_number_of_hits_is_exact() {
    let expected = [213, 2_068, 2_934, 5_729, 5_967, 7_547, 7_535, 11_656, 15_414, 17_973];
    assert_eq!([1, 2, 3, 9, 10, 19, 20, 100, 500, 2_000].map(hits_of_store), expected);
}
