//! How a thread is counted, and what happens to its counts. The tests cover threads that jemalloc counts for,
//! threads that use jemalloc without this crate, threads that end, and threads that a forked child does not
//! have.

use std::alloc::Layout;
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, mpsc};
use std::thread;

use allocator_api2::alloc::Allocator;
use zmalloc::*;

/// Takes the lock with which the tests of this file run one after the other. `used_memory` includes the whole
/// process, so a test would also see the blocks of another one.
fn lock_tests() -> MutexGuard<'static, ()> {
    static TEST_LOCK: Mutex<()> = Mutex::new(());
    TEST_LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A raw block that is freed when it is dropped, on any thread.
struct Block(NonNull<u8>);

// SAFETY: a block is memory that one owner uses at a time.
unsafe impl Send for Block {}

impl Block {
    fn new(size: usize) -> Self {
        Self(zmalloc(size))
    }

    fn charge(&self) -> usize {
        // SAFETY: the block is live.
        unsafe { zmalloc_size(self.0) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block is live and is freed once.
        unsafe { zfree(self.0) }
    }
}

#[test]
fn a_region_sees_its_own_thread_and_nothing_else() {
    let _lock = lock_tests();
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
    // SAFETY: the block was just allocated.
    unsafe { Zmalloc.deallocate(block.cast(), layout) };
    assert_eq!(outer.allocated(), kept.charge() + inner.allocated());
    assert_eq!(outer.held(), kept.charge() as isize + inner.held());
}

#[test]
fn a_region_may_outlive_its_threads_slot() {
    /// Reads its region when the thread-locals of its thread are dropped.
    struct ReadsOnDrop(Option<(Region, mpsc::Sender<(usize, usize)>)>);
    impl Drop for ReadsOnDrop {
        fn drop(&mut self) {
            let (region, send) = self.0.take().unwrap();
            drop(Block::new(1_000));
            send.send((region.allocated(), region.freed())).unwrap();
        }
    }
    thread_local!(static READS_ON_DROP: RefCell<ReadsOnDrop> = const { RefCell::new(ReadsOnDrop(None)) });
    let _lock = lock_tests();
    let (send, receive) = mpsc::channel();
    let expected = thread::spawn(move || {
        // `READS_ON_DROP` is registered before `Region::start` claims the slot, so it is dropped after the
        // slot was released.
        READS_ON_DROP.with_borrow_mut(|on_drop| on_drop.0 = Some((Region::start(), send)));
        let block = Block::new(50_000);
        block.charge() + Block::new(1_000).charge()
    });
    let expected = expected.join().unwrap() + Block::new(1_000).charge();
    assert_eq!(receive.recv().unwrap(), (expected, expected));
}

#[test]
fn resizing_in_place_or_not_is_counted_to_the_byte() {
    let _lock = lock_tests();
    let base = used_memory();
    let mut block = zmalloc(10);
    // SAFETY: each step passes on the live block of the previous step.
    unsafe {
        for size in [20, 100, 3_000, 70_000, 5_000_000, 5_100_000, 40_000, 300, 1] {
            block = zrealloc(block, size);
            assert_eq!(used_memory() - base, zmalloc_size(block), "at {size}");
        }
        zfree(block);
    }
    assert_eq!(used_memory(), base);
}

/// Blocks are freed and allocated while a thread ends, by destructors that run before and after this crate's
/// own.
#[test]
fn destructors_of_thread_locals_may_free_and_allocate() {
    thread_local! {
        static EARLY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
        static LATE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
    }
    /// Replaces its block with another one when it is dropped.
    struct AllocatesOnDrop(Option<Block>);
    impl Drop for AllocatesOnDrop {
        fn drop(&mut self) {
            self.0 = Some(Block::new(777));
        }
    }
    thread_local! {
        static ALLOCATES_ON_DROP: RefCell<AllocatesOnDrop> = const { RefCell::new(AllocatesOnDrop(None)) };
    }
    let _lock = lock_tests();
    let base = used_memory();
    for _ in 0..if cfg!(miri) { 2 } else { 50 } {
        thread::spawn(|| {
            // `LATE` is registered before the thread's first block, so its destructor runs after the slot was
            // released.
            LATE.with_borrow_mut(|late| assert!(late.is_empty()));
            ALLOCATES_ON_DROP.with_borrow_mut(|on_drop| on_drop.0 = Some(Block::new(33)));
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
    let _lock = lock_tests();
    const SIZE: usize = 20_000;
    let (rounds, at_once) = if cfg!(miri) { (2, 2) } else { (150, 6) };
    let base = used_memory();
    let charge = Block::new(SIZE).charge();
    let (over, begun) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        // Each thread leaves a block behind. So the sum only grows, and by no more than the allocations that
        // have begun.
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

/// The sum contains each thread's share as it was at one instant, however long a reader is interrupted.
#[test]
fn a_thread_that_allocates_and_frees_is_never_half_seen() {
    let _lock = lock_tests();
    let held = Block::new(if cfg!(miri) { 1_000 } else { 8 << 20 });
    let base = used_memory();
    assert!(base >= held.charge());
    const SIZE: usize = 100_000;
    let charge = Block::new(SIZE).charge();
    let over = AtomicBool::new(false);
    let (least, most) = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    drop(Block::new(SIZE));
                }
            });
        }
        let start = std::time::Instant::now();
        let mut range = (usize::MAX, 0);
        while start.elapsed().as_millis() < if cfg!(miri) { 20 } else { 1_000 } {
            let used = used_memory();
            range = (range.0.min(used), range.1.max(used));
        }
        over.store(true, Ordering::Relaxed);
        range
    });
    assert!(least >= base, "{least} with {base} in use");
    // A reader tries several times to load a thread's two counts as of one instant. If it never succeeds, its
    // result is a few blocks too high.
    assert!(most <= base + 20 * charge, "{most} with {base} and two blocks in use");
}

/// On this platform, jemalloc counts for a thread. If threads counted by hand instead, every sum would still
/// be right, and only the speed would be lost.
#[cfg(all(
    zmalloc_backend = "jemalloc",
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64"
))]
#[test]
fn jemalloc_counts_for_a_thread_that_comes_here_first() {
    use tikv_jemalloc_sys as je;
    let _lock = lock_tests();
    thread::spawn(|| {
        let region = Region::start();
        // SAFETY: the block is allocated and freed once.
        unsafe {
            let block = je::malloc(5_000);
            assert_eq!(
                region.allocated(),
                je::nallocx(5_000, 0),
                "what jemalloc counts is what a region sees"
            );
            je::free(block);
        }
        assert_eq!(region.held(), 0);
    })
    .join()
    .unwrap();
}

/// A signal handler may end the process, even if it interrupted a reader of the sum. `exit` runs the
/// destructors of the thread. These release the thread's slot, and the release waits for readers. On other
/// platforms threads count by hand, and a release does not wait.
#[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))] // Miri starts no processes
#[test]
fn exit_in_a_signal_handler_does_not_wait_for_the_reader_that_it_interrupted() {
    use std::os::unix::thread::JoinHandleExt;
    use std::time::{Duration, Instant};
    const CHILD: &str = "ZMALLOC_TEST_EXITS";
    extern "C" fn exit_handler(_signal: libc::c_int) {
        // SAFETY: the interrupted thread only reads the sum, so it holds no lock that `exit` takes. Servers
        // do the same at the second SIGINT.
        unsafe { libc::exit(7) }
    }
    if std::env::var_os(CHILD).is_some() {
        let handler: extern "C" fn(libc::c_int) = exit_handler;
        // SAFETY: the handler has the right type, and the thread runs until the process ends.
        unsafe {
            libc::signal(libc::SIGUSR1, handler as *const () as libc::sighandler_t);
            let reader = thread::spawn(|| {
                drop(Block::new(10));
                loop {
                    std::hint::black_box(used_memory());
                }
            });
            thread::sleep(Duration::from_millis(20));
            libc::pthread_kill(reader.as_pthread_t(), libc::SIGUSR1);
        }
        thread::sleep(Duration::from_secs(30));
        std::process::exit(8);
    }
    let _lock = lock_tests();
    let name = "exit_in_a_signal_handler_does_not_wait_for_the_reader_that_it_interrupted";
    for _ in 0..8 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, "1")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > Duration::from_secs(20) => {
                    child.kill().unwrap();
                    panic!("the child waits for itself");
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        assert_eq!(status.code(), Some(7));
    }
}

/// Other code in the process calls the same jemalloc, before this crate and after it.
#[cfg(zmalloc_backend = "jemalloc")]
#[test]
fn blocks_that_others_take_from_jemalloc_are_not_counted() {
    use tikv_jemalloc_sys as je;
    let _lock = lock_tests();
    let base = used_memory();
    thread::spawn(move || {
        // SAFETY: each block is allocated and freed once.
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

/// The child has one thread and all of the parent's memory.
#[cfg(all(unix, not(miri)))] // Miri has no `fork`
#[test]
fn a_forked_child_counts_what_the_threads_it_does_not_have_allocated() {
    use std::sync::Barrier;
    const THREADS: usize = 5;
    let _lock = lock_tests();
    let base = used_memory();
    let (allocated, over) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    let reading = AtomicBool::new(true);
    let (child, status) = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let block = Block::new(50_000);
                allocated.wait();
                over.wait();
                drop(block);
            });
        }
        // This thread is usually inside `used_memory` when the fork happens.
        scope.spawn(|| {
            while reading.load(Ordering::Relaxed) {
                std::hint::black_box(used_memory());
            }
        });
        allocated.wait();
        let used = used_memory();
        // SAFETY: the child only calls this crate, starts threads and calls `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: a signal ends a child that waits for ever. Otherwise `_exit` ends it without the
            // destructors of the test harness.
            unsafe {
                libc::alarm(60);
                libc::_exit(in_the_child(used));
            }
        }
        let mut status = -1;
        // SAFETY: the process waits for the child that it just forked.
        let waited = unsafe { libc::waitpid(child, &mut status, 0) };
        reading.store(false, Ordering::Relaxed);
        over.wait();
        assert_eq!(waited, child);
        (child, status)
    });
    assert!(child > 0 && libc::WIFEXITED(status), "the child ended by a signal: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the step that was wrong");
    assert_eq!(used_memory(), base);

    /// Returns the number of the first step that fails, or 0.
    fn in_the_child(used: usize) -> i32 {
        if used_memory() != used {
            return 1;
        }
        let block = Block::new(1_000);
        if used_memory() != used + block.charge() {
            return 2;
        }
        // The child starts as many threads as the parent had. Their stacks may reuse the memory of the
        // parent's threads.
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
