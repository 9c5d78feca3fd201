//! Checks the slot table under every interleaving of its threads, with loom: claim, attach, release,
//! overflow, and readers at the same time. The interleavings are limited to two or three switches away from a
//! thread that could continue.
//!
//! loom needs 64 bits. It runs only over jemalloc, because the model is the same over every back end. A
//! sanitizer selects libc, so loom does not run there.
//!
//! Under Miri, the model runs once with real threads. Miri reports a reader that uses counters which no
//! longer exist.

#![cfg(all(target_pointer_width = "64", any(miri, zmalloc_backend = "jemalloc")))]

/// Replaces the library's `crate::sync`, with the atomics of loom or, under Miri, of std.
mod sync {
    #[cfg(not(miri))]
    pub(crate) use loom::{
        sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence},
        thread::yield_now,
    };
    #[cfg(miri)]
    pub(crate) use std::{
        sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence},
        thread::yield_now,
    };

    macro_rules! const_fn {
        (array $value:expr; $n:expr) => { std::array::from_fn(|_| $value) };
        ($vis:vis fn $name:ident() -> $out:ty $body:block) => {
            $vis fn $name() -> $out $body
        };
    }
    pub(crate) use const_fn;
}

#[allow(dead_code, reason = "the library's own file; forks are not modelled")]
#[path = "../src/counter/slots.rs"]
mod slots;

#[cfg(not(miri))]
use loom::{sync::Arc, thread};
use slots::{Inside, Slots};
#[cfg(miri)]
use std::{sync::Arc, thread};
use sync::{AtomicUsize, Ordering::Relaxed};

/// Explores all interleavings with at most `switches` switches away from a thread that could continue.
fn model(switches: usize, run: impl Fn() + Sync + Send + 'static) {
    if cfg!(miri) {
        return run();
    }
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(switches);
    builder.check(run);
}

fn used<const N: usize>(slots: &Slots<N>) -> usize {
    let (allocated, freed) = slots.read(&Inside::default());
    allocated.wrapping_sub(freed)
}

/// Runs a thread that the allocator counts for: it claims a slot, allocates `bytes`, releases the slot and
/// ends. It then overwrites its counters, like memory that is reused.
fn live_thread<const N: usize>(slots: &Slots<N>, bytes: usize) {
    const NONSENSE: usize = 1_000_000;
    let counters = (AtomicUsize::new(0), AtomicUsize::new(0));
    let slot = slots.claim().expect("as many slots as threads");
    // SAFETY: both counters are 0 and only this thread writes them. It releases the slot before they are
    // dropped.
    unsafe { slot.attach((&raw const counters.0).cast_mut(), (&raw const counters.1).cast_mut()) };
    counters.0.store(bytes, Relaxed);
    slots.release(slot, &Inside::default());
    counters.0.store(NONSENSE, Relaxed);
    counters.1.store(0, Relaxed);
}

/// Runs a thread that counts by hand.
fn manual_count_thread<const N: usize>(slots: &Slots<N>, bytes: usize) {
    let slot = slots.claim().expect("as many slots as threads");
    let own = slot.own();
    own.allocated.store(own.allocated.load(Relaxed) + bytes, Relaxed);
    slots.release(slot, &Inside::default());
}

#[test]
fn a_reader_sees_what_an_ending_thread_counted_once_and_never_its_dead_counters() {
    model(3, || {
        let slots = Arc::new(Slots::<1>::new());
        let ending = thread::spawn({
            let slots = slots.clone();
            move || live_thread(&slots, 7)
        });
        let seen = used(&slots);
        assert!(seen == 0 || seen == 7, "{seen}");
        ending.join().unwrap();
        assert_eq!(used(&slots), 7);
    });
}

#[test]
fn the_sum_stands_still_while_a_thread_that_no_longer_allocates_ends() {
    model(3, || {
        let slots = Arc::new(Slots::<1>::new());
        let counters = (AtomicUsize::new(40), AtomicUsize::new(8));
        let slot = slots.claim().unwrap();
        // SAFETY: there is no reader yet, so the counters need not be equal. They outlive the release.
        unsafe { slot.attach((&raw const counters.0).cast_mut(), (&raw const counters.1).cast_mut()) };
        let readers = slots.clone();
        let reader = thread::spawn(move || {
            for _ in 0..2 {
                assert_eq!(used(&readers), 32);
            }
        });
        slots.release(slot, &Inside::default());
        counters.0.store(0, Relaxed);
        reader.join().unwrap();
        assert_eq!(used(&slots), 32);
    });
}

#[test]
fn two_readers_do_not_keep_a_thread_from_ending() {
    model(2, || {
        let slots = Arc::new(Slots::<1>::new());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let slots = slots.clone();
                thread::spawn(move || assert!([0, 7].contains(&used(&slots))))
            })
            .collect();
        live_thread(&slots, 7);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(used(&slots), 7);
    });
}

#[test]
fn a_slot_goes_from_owner_to_owner_without_losing_a_byte() {
    model(3, || {
        let slots = Arc::new(Slots::<1>::new());
        let owners = thread::spawn({
            let slots = slots.clone();
            move || {
                live_thread(&slots, 1);
                manual_count_thread(&slots, 2);
                live_thread(&slots, 4);
            }
        });
        let (first, second) = (used(&slots), used(&slots));
        assert!(first <= second && [0, 1, 3, 7].contains(&first) && [0, 1, 3, 7].contains(&second));
        owners.join().unwrap();
        assert_eq!(used(&slots), 7);
    });
}

#[test]
fn a_slot_has_one_owner_and_the_rest_go_without() {
    model(3, || {
        let slots = Arc::new(Slots::<2>::new());
        let owners = Arc::new(AtomicUsize::new(0));
        let claim = |slots: &Slots<2>, owners: &AtomicUsize| {
            if let Some(slot) = slots.claim() {
                let own = slot.own();
                // This is a plain load and store, so two owners of one slot would lose an update.
                own.allocated.store(own.allocated.load(Relaxed) + 5, Relaxed);
                owners.fetch_add(1, Relaxed);
            }
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (slots, owners) = (slots.clone(), owners.clone());
                thread::spawn(move || claim(&slots, &owners))
            })
            .collect();
        claim(&slots, &owners);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(owners.load(Relaxed), 2, "three threads, two slots");
        assert_eq!(used(&slots), 10);
    });
}

#[test]
fn the_next_owner_counts_on_from_what_the_last_one_left() {
    model(3, || {
        let slots = Arc::new(Slots::<1>::new());
        let own_it = |slots: &Slots<1>| {
            let Some(slot) = slots.claim() else { return 0 };
            let own = slot.own();
            own.allocated.store(own.allocated.load(Relaxed) + 5, Relaxed);
            slots.release(slot, &Inside::default());
            5
        };
        let other = thread::spawn({
            let slots = slots.clone();
            move || own_it(&slots)
        });
        let all = own_it(&slots) + other.join().unwrap();
        assert!(all > 0);
        assert_eq!(used(&slots), all);
    });
}
