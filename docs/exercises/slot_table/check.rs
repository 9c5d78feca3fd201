//! Checks a counter with fewer slots than threads.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Counter, Handle};
use std::thread;

/// Returns which of the handles have a slot.
fn slots_of(handles: &[Handle<'_>]) -> Vec<bool> {
    handles.iter().map(Handle::has_slot).collect()
}

#[test]
fn a_thread_gets_a_slot_while_one_is_free() {
    let counter = Counter::<2>::new();
    let mut handles: Vec<_> = (0..4).map(|_| counter.register()).collect();
    assert_eq!(slots_of(&handles), [true, true, false, false]);
    drop(handles.remove(3)); // it has no slot to give back
    handles.push(counter.register());
    assert_eq!(slots_of(&handles), [true, true, false, false]);
    drop(handles.remove(0));
    handles.push(counter.register());
    handles.push(counter.register());
    assert_eq!(slots_of(&handles), [true, false, false, true, false]);
}

#[test]
fn only_a_thread_without_a_slot_uses_the_shared_count() {
    let counter = Counter::<1>::new();
    let (mut first, mut second) = (counter.register(), counter.register());
    first.add(64);
    first.sub(16);
    assert_eq!((counter.used(), counter.shared()), (48, 0));
    second.add(100);
    second.sub(1);
    assert_eq!((counter.used(), counter.shared()), (48 + 99, 99));
}

#[test]
fn the_sum_is_right_if_one_thread_frees_what_another_has_allocated() {
    let (with_slots, with_one) = (Counter::<2>::new(), Counter::<1>::new());
    let mut handles =
        [with_slots.register(), with_slots.register(), with_one.register(), with_one.register()];
    let [a, b, c, d] = &mut handles;
    b.sub(6_400);
    a.add(6_400);
    assert_eq!(with_slots.used(), 0);
    d.sub(6_400); // in the shared count
    c.add(6_410);
    assert_eq!(with_one.used(), 10);
}

#[test]
fn a_slot_keeps_its_count_for_the_next_owner() {
    let counter = Counter::<1>::new();
    for n in 1..=100 {
        let mut handle = counter.register();
        assert!(handle.has_slot());
        handle.add(8);
        drop(handle);
        assert_eq!((counter.used(), counter.shared()), (8 * n, 0));
    }
}

#[test]
fn more_threads_than_slots_count_exactly() {
    let counter = Counter::<3>::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut handle = counter.register();
                for _ in 0..10_000 {
                    handle.add(64);
                    handle.add(48);
                    handle.sub(64);
                }
            });
        }
    });
    assert_eq!(counter.used(), 8 * 10_000 * 48);
}

#[test]
fn threads_that_register_again_and_again_count_exactly() {
    let counter = Counter::<2>::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let mut handle = counter.register();
                    (0..10).for_each(|_| handle.add(8));
                }
            });
        }
    });
    assert_eq!(counter.used(), 4 * 2_000 * 10 * 8);
    let handles = [counter.register(), counter.register()];
    assert_eq!(slots_of(&handles), [true, true], "all slots were given back");
}
