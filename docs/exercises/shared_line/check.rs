//! Checks that the slots of two threads are in different cache lines.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Counters, THREADS};
use std::collections::BTreeMap;
use std::thread;

/// Counters that come after another field, such as those of a larger structure.
#[repr(C)]
struct Part {
    other: u64,
    counters: Counters,
}

/// Checks the slots of counters at many addresses.
fn check_lines_of(line: usize) {
    let parts: Vec<Part> = (0..64).map(|other| Part { other, counters: Counters::new() }).collect();
    for Part { other, counters } in &parts {
        let mut thread_of_line = BTreeMap::new();
        for thread in 0..THREADS {
            let slot = counters.slot(thread);
            let begin = std::ptr::from_ref(slot).addr();
            let last = begin + size_of_val(slot) - 1;
            for number in begin / line..=last / line {
                let first = *thread_of_line.entry(number).or_insert(thread);
                assert_eq!(
                    first,
                    thread,
                    "counters {other}: the slots of threads {first} and {thread} share the line {:#x}",
                    number * line
                );
            }
        }
    }
}

#[test]
fn no_two_slots_share_a_line_of_64_bytes() {
    check_lines_of(64);
}

#[test]
fn no_two_slots_share_a_line_of_128_bytes() {
    check_lines_of(128);
}

#[test]
fn slots_are_at_least_64_bytes_apart() {
    let counters = Counters::new();
    let at = |thread| std::ptr::from_ref(counters.slot(thread)).addr();
    assert!((1..THREADS).all(|thread| at(thread - 1).abs_diff(at(thread)) >= 64));
}

#[test]
fn the_sum_of_all_threads_is_exact() {
    let counters = Counters::new();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let slot = counters.slot(thread);
            scope.spawn(move || {
                for _ in 0..10_000 {
                    slot.add(64);
                    slot.add(48);
                    slot.sub(64);
                }
            });
        }
    });
    assert_eq!(counters.used(), THREADS * 10_000 * 48);
}

#[test]
fn the_peak_is_the_largest_sum() {
    let counters = Counters::new();
    let [a, b] = [0, THREADS - 1].map(|thread| counters.slot(thread));
    a.add(6_400);
    assert_eq!((counters.used(), counters.peak()), (6_400, 6_400));
    b.sub(6_400); // another thread frees the blocks
    assert_eq!((counters.used(), counters.peak()), (0, 6_400));
}
