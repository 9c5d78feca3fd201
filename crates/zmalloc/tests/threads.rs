//! Who counts for a thread, and what becomes of the count: threads that jemalloc counts for, threads that have
//! used it past this crate, threads that end, threads that a fork leaves behind.

use std::alloc::Layout;
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use allocator_api2::alloc::Allocator;
use zmalloc::*;

/// `used_memory` is the whole process': the tests of this file run one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A raw block that is freed when it is dropped, on whichever thread.
struct Block(NonNull<u8>);

// SAFETY: a block is memory that one owner at a time uses.
unsafe impl Send for Block {}

impl Block {
    fn new(size: usize) -> Self {
        Self(zmalloc(size))
    }

    fn charge(&self) -> usize {
        // SAFETY: a live raw block.
        unsafe { zmalloc_size(self.0) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: a live raw block, freed once.
        unsafe { zfree(self.0) }
    }
}

#[test]
fn a_region_sees_its_own_thread_and_nothing_else() {
    let _alone = alone();
    let outer = Region::start();
    let kept = Block::new(100);
    let inner = Region::start();
    let other = thread::spawn(|| (Block::new(5_000), Region::start().allocated())).join().unwrap();
    assert_eq!((inner.allocated(), inner.freed(), inner.held(), other.1), (0, 0, 0, 0));
    let foreign = other.0.charge();
    drop(other);
    assert_eq!((inner.allocated(), inner.freed(), inner.held()), (0, foreign, -(foreign as isize)));
    let layout = Layout::new::<[u64; 64]>();
    let block = Zmalloc.allocate(layout).unwrap();
    assert_eq!(inner.allocated(), block.len());
    // SAFETY: the block of just now.
    unsafe { Zmalloc.deallocate(block.cast(), layout) };
    assert_eq!(outer.allocated(), kept.charge() + inner.allocated());
    assert_eq!(outer.held(), kept.charge() as isize + inner.held());
}

#[test]
fn resizing_in_place_or_not_is_counted_to_the_byte() {
    let _alone = alone();
    let base = used_memory();
    let mut block = zmalloc(10);
    // SAFETY: each step passes on the live block of the step before.
    unsafe {
        for size in [20, 100, 3_000, 70_000, 5_000_000, 5_100_000, 40_000, 300, 1] {
            block = zrealloc(block, size);
            assert_eq!(used_memory() - base, zmalloc_size(block), "at {size}");
        }
        zfree(block);
    }
    assert_eq!(used_memory(), base);
}

/// What is freed while a thread is being torn down: by destructors that run before this crate's own and after.
#[test]
fn destructors_of_thread_locals_may_free_and_allocate() {
    thread_local! {
        static EARLY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
        static LATE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
    }
    /// Replaces its block by another on the way out.
    struct Replaces(Option<Block>);
    impl Drop for Replaces {
        fn drop(&mut self) {
            self.0 = Some(Block::new(777));
        }
    }
    thread_local!(static REPLACES: RefCell<Replaces> = const { RefCell::new(Replaces(None)) });
    let _alone = alone();
    let base = used_memory();
    for _ in 0..if cfg!(miri) { 2 } else { 50 } {
        thread::spawn(|| {
            // Registered before the first block of this thread, so it runs after the slot was given back.
            LATE.with_borrow_mut(|late| assert!(late.is_empty()));
            REPLACES.with_borrow_mut(|replaces| replaces.0 = Some(Block::new(33)));
            LATE.with_borrow_mut(|late| late.extend((0..10).map(|n| Block::new(n * 100))));
            EARLY.with_borrow_mut(|early| early.extend((0..10).map(|n| Block::new(n * 1_000))));
        })
        .join()
        .unwrap();
        assert_eq!(used_memory(), base);
    }
}

#[test]
fn the_sum_is_right_at_every_moment_while_threads_end() {
    let _alone = alone();
    const SIZE: usize = 20_000;
    let (rounds, at_once) = if cfg!(miri) { (2, 2) } else { (150, 6) };
    let base = used_memory();
    let charge = Block::new(SIZE).charge();
    let (over, begun) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        // Each thread leaves a block behind, so that the sum only grows, by no more than was begun.
        let watch = scope.spawn(|| {
            let mut last = base;
            let mut readings = 0_u64;
            while !over.load(Ordering::Acquire) {
                let now = used_memory();
                let most = base + charge * begun.load(Ordering::SeqCst);
                assert!(now >= last && now <= most, "{last}, then {now}, at most {most}");
                (last, readings) = (now, readings + 1);
            }
            readings
        });
        let mut kept = Vec::new();
        for _ in 0..rounds {
            let threads: Vec<_> = (0..at_once)
                .map(|_| {
                    scope.spawn(|| {
                        begun.fetch_add(1, Ordering::SeqCst);
                        Block::new(SIZE)
                    })
                })
                .collect();
            kept.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        }
        over.store(true, Ordering::Release);
        assert!(watch.join().unwrap() > 0);
        assert_eq!(used_memory(), base + charge * rounds * at_once);
    });
    assert_eq!(used_memory(), base);
}

/// Somebody else in the process calls the same jemalloc, before this crate and after.
#[cfg(zmalloc_backend = "jemalloc")]
#[test]
fn blocks_that_others_take_from_jemalloc_are_not_counted() {
    use tikv_jemalloc_sys as je;
    let _alone = alone();
    let base = used_memory();
    thread::spawn(move || {
        // SAFETY: plain allocations, each freed once.
        unsafe {
            let before = je::malloc(100_000);
            let ours = Block::new(10);
            let after = je::malloc(200_000);
            assert_eq!(used_memory() - base, ours.charge());
            let region = Region::start();
            je::free(before);
            drop(Block::new(50));
            assert_eq!(region.held(), 0);
            assert_eq!(used_memory() - base, ours.charge());
            drop(ours);
            je::free(after);
        }
    })
    .join()
    .unwrap();
    assert_eq!(used_memory(), base);
}

/// The child has one thread, and all the memory.
#[cfg(all(unix, not(miri)))]
#[test]
fn a_forked_child_counts_what_the_threads_it_does_not_have_allocated() {
    use std::sync::Barrier;
    const THREADS: usize = 5;
    let _alone = alone();
    let base = used_memory();
    let (allocated, over) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let block = Block::new(50_000);
                allocated.wait();
                over.wait();
                drop(block);
            });
        }
        allocated.wait();
        let used = used_memory();
        // SAFETY: the child calls nothing but this crate, threads and `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: a child that waits for ever is ended by a signal; one that does not, without the harness' destructors.
            unsafe {
                libc::alarm(60);
                libc::_exit(in_the_child(used));
            }
        }
        let mut status = -1;
        // SAFETY: waits for the child of just now.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert!(libc::WIFEXITED(status), "the child ended by a signal: {status:#x}");
        assert_eq!(libc::WEXITSTATUS(status), 0, "the step that was wrong");
        over.wait();
    });
    assert_eq!(used_memory(), base);

    /// The number of the first step that is wrong, or 0.
    fn in_the_child(used: usize) -> i32 {
        if used_memory() != used {
            return 1;
        }
        let block = Block::new(1_000);
        if used_memory() != used + block.charge() {
            return 2;
        }
        // As many threads as the parent had: theirs may be the stacks of the parent's.
        let all = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| Block::new(300))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        if used_memory() != used + block.charge() + all.iter().map(Block::charge).sum::<usize>() {
            return 3;
        }
        drop((block, all));
        if used_memory() == used { 0 } else { 4 }
    }
}
