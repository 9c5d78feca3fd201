//! `used_memory` is the sum of the charges of all live blocks. There is only one test, because the sum
//! includes the whole process.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::mpsc;
use std::thread;

use allocator_api2::alloc::Allocator;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use zmalloc::*;

/// One operation of a thread.
#[derive(Clone, Debug)]
enum Op {
    Allocate {
        size: usize,
        zeroed: bool,
    },
    AllocateAligned {
        size: usize,
        lg_align: u32,
    },
    Reallocate {
        which: usize,
        size: usize,
        sized: bool,
    },
    Free {
        which: usize,
        sized: bool,
    },
    /// Sends a block to the next thread, which owns it from then on.
    Send {
        which: usize,
    },
}

fn sizes() -> impl Strategy<Value = usize> {
    let scale = if cfg!(miri) { 100_usize } else { 1 }; // Miri interprets each access
    prop_oneof![4 => 0..200_usize, 2 => 0..10_000 / scale, 1 => 0..300_000 / scale]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (sizes(), any::<bool>()).prop_map(|(size, zeroed)| Op::Allocate { size, zeroed }),
        2 => (1..if cfg!(miri) { 100 } else { 5_000_usize }, 0..13_u32).prop_map(|(size, lg_align)| Op::AllocateAligned { size, lg_align }),
        3 => (any::<usize>(), sizes(), any::<bool>()).prop_map(|(which, size, sized)| Op::Reallocate { which, size, sized }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(which, sized)| Op::Free { which, sized }),
        2 => any::<usize>().prop_map(|which| Op::Send { which }),
    ]
}

/// A live block: a raw one, or one of the two traits with its layout.
struct Block {
    ptr: NonNull<u8>,
    size: usize,
    layout: Option<Layout>,
    fill: u8,
}

// SAFETY: a block is memory that one owner uses at a time.
unsafe impl Send for Block {}

impl Block {
    fn new(ptr: NonNull<u8>, size: usize, layout: Option<Layout>) -> Self {
        let mut block = Self { ptr, size, layout, fill: 0 };
        block.write(size as u8 | 1);
        block
    }

    fn write(&mut self, fill: u8) {
        self.fill = fill;
        // SAFETY: the block has `size` bytes.
        unsafe { self.ptr.write_bytes(fill, self.size) };
    }

    /// Asserts that the first `len` bytes have their written value.
    fn verify(&self, len: usize) {
        // SAFETY: `size` bytes were written, and `len` is at most `size`.
        let bytes = unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), len) };
        assert!(bytes.iter().all(|&byte| byte == self.fill), "somebody else wrote into a live block");
    }

    fn charge(&self) -> usize {
        match self.layout {
            // SAFETY: the block is live and has this layout.
            Some(layout) => unsafe { Zmalloc.block_size(self.ptr, layout) },
            // SAFETY: the block is live and raw.
            None => unsafe {
                assert_eq!(zmalloc_size(self.ptr), zmalloc_size_sized(self.ptr, self.size));
                assert!(zmalloc_usable_size(self.ptr) >= self.size.max(good_size(self.size)));
                zmalloc_size(self.ptr)
            },
        }
    }

    fn reallocate(&mut self, size: usize, sized: bool) {
        self.verify(self.size);
        // SAFETY: the block is live and is passed to the function or trait that allocated it.
        unsafe {
            match &mut self.layout {
                Some(layout) => {
                    let new = Layout::from_size_align(size, layout.align()).unwrap();
                    let resized = if size < layout.size() {
                        Zmalloc.shrink(self.ptr, *layout, new)
                    } else {
                        Zmalloc.grow(self.ptr, *layout, new)
                    };
                    (self.ptr, *layout) = (resized.unwrap().cast(), new);
                }
                None if sized => (self.ptr, _) = zrealloc_sized(self.ptr, self.size, size),
                None => self.ptr = zrealloc(self.ptr, size),
            }
        }
        let kept = self.size.min(size);
        self.size = size;
        self.verify(kept);
        self.write(self.fill.wrapping_add(2));
    }

    fn free(self, sized: bool) {
        self.verify(self.size);
        // SAFETY: the block is live and is passed to the function or trait that allocated it.
        unsafe {
            match self.layout {
                Some(layout) => Zmalloc.deallocate(self.ptr, layout),
                None if sized => zfree_sized(self.ptr, self.size),
                None => zfree(self.ptr),
            }
        }
    }
}

/// Runs the operations of one thread and returns the blocks that it owns at the end.
fn run(ops: Vec<Op>, send: mpsc::Sender<Block>, receive: mpsc::Receiver<Block>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for op in ops {
        blocks.extend(receive.try_iter());
        let pick = |which: usize, blocks: &[Block]| (!blocks.is_empty()).then(|| which % blocks.len());
        match op {
            Op::Allocate { size, zeroed } => {
                let ptr = if zeroed { zcalloc(size) } else { zmalloc(size) };
                if zeroed {
                    // SAFETY: the block has `size` bytes, all of them zero.
                    let bytes = unsafe { std::slice::from_raw_parts(ptr.as_ptr(), size) };
                    assert!(bytes.iter().all(|&byte| byte == 0));
                }
                assert!(ptr.addr().get().is_multiple_of(8));
                blocks.push(Block::new(ptr, size, None));
            }
            Op::AllocateAligned { size, lg_align } => {
                let layout = Layout::from_size_align(size, 1 << lg_align).unwrap();
                let block = Zmalloc.allocate(layout).unwrap();
                assert!(block.len() >= size && block.addr().get().is_multiple_of(layout.align()));
                blocks.push(Block::new(block.cast(), size, Some(layout)));
            }
            Op::Reallocate { which, size, sized } => {
                if let Some(which) = pick(which, &blocks) {
                    let size = if blocks[which].layout.is_some() { size.max(1) } else { size };
                    blocks[which].reallocate(size, sized);
                }
            }
            Op::Free { which, sized } => {
                if let Some(which) = pick(which, &blocks) {
                    blocks.swap_remove(which).free(sized);
                }
            }
            Op::Send { which } => {
                if let Some(which) = pick(which, &blocks) {
                    send.send(blocks.swap_remove(which)).unwrap();
                }
            }
        }
    }
    drop(send);
    blocks.extend(receive.iter());
    blocks
}

#[test]
fn used_memory_is_the_sum_of_live_blocks_over_any_number_of_threads() {
    let base = used_memory();
    let (cases, threads, ops) = if cfg!(miri) { (1, 2..3, 4..8) } else { (150, 1..6, 0..150) };
    let threads = prop::collection::vec(prop::collection::vec(op(), ops), threads);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&threads, |threads| {
            // The threads form a ring, in which each thread sends to the next one.
            let (mut senders, mut receivers): (Vec<_>, Vec<_>) =
                threads.iter().map(|_| mpsc::channel()).unzip();
            senders.rotate_left(1);
            let blocks: Vec<Block> = thread::scope(|scope| {
                let handles: Vec<_> = threads
                    .into_iter()
                    .map(|ops| {
                        let (send, receive) = (senders.pop().unwrap(), receivers.pop().unwrap());
                        scope.spawn(move || run(ops, send, receive))
                    })
                    .collect();
                handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
            });
            let live: usize = blocks.iter().map(Block::charge).sum();
            prop_assert_eq!(used_memory() - base, live);
            prop_assert!(peak_memory() >= used_memory());
            // This thread frees the blocks, none of which it allocated.
            blocks.into_iter().enumerate().for_each(|(index, block)| block.free(index % 2 == 0));
            prop_assert_eq!(used_memory(), base);
            Ok(())
        })
        .unwrap();

    many_threads_leave_the_sum_exact(base);
    the_peak_is_within_its_bound(base);
}

/// Runs more threads than there are slots, at once and one after the other.
fn many_threads_leave_the_sum_exact(base: usize) {
    let (at_once, in_turn) = if cfg!(miri) { (3, 3) } else { (300, 1_000) };
    let barrier = std::sync::Barrier::new(at_once);
    thread::scope(|scope| {
        for index in 0..at_once {
            let barrier = &barrier;
            scope.spawn(move || {
                let block = Block::new(zmalloc(index), index, None);
                barrier.wait();
                let used = used_memory();
                barrier.wait(); // before a panic is possible, or the others would wait for ever
                assert!(used >= base + index);
                block.free(true);
            });
        }
    });
    assert_eq!(used_memory(), base);
    let mut kept = Vec::new();
    for index in 0..in_turn {
        let block = thread::spawn(move || Block::new(zmalloc(index), index, None)).join().unwrap();
        kept.push(block);
    }
    assert_eq!(used_memory() - base, kept.iter().map(Block::charge).sum::<usize>());
    kept.into_iter().for_each(|block| block.free(false));
    assert_eq!(used_memory(), base);
}

fn the_peak_is_within_its_bound(base: usize) {
    const BOUND_PER_THREAD: usize = 512 * 1024;
    reset_peak_memory();
    assert_eq!(peak_memory(), base);
    let count = if cfg!(miri) { 60 } else { 2_000 };
    let blocks: Vec<Block> = (0..count).map(|_| Block::new(zmalloc(1_000), 1_000, None)).collect();
    let top = used_memory();
    blocks.into_iter().for_each(|block| block.free(true));
    // No thread checked the peak at the top. The known peak was seen on the way up, by one thread.
    let peak = peak_memory();
    assert!(peak <= top && peak + BOUND_PER_THREAD >= top, "peak {peak}, top {top}");
    // The peak is checked at once after a large block.
    let large = 8 << 20;
    if !cfg!(miri) {
        Block::new(zmalloc(large), large, None).free(true);
        assert!(peak_memory() >= base + large, "peak {}, block of {large} over {base}", peak_memory());
    }
    let peak = peak_memory();
    // A smaller use of memory does not lower the peak.
    let small = if cfg!(miri) { 300 } else { 100_000 };
    Block::new(zmalloc(small), small, None).free(true);
    assert_eq!(peak_memory(), peak);

    // A block that is resized does not count twice, whether it moves or not.
    if !cfg!(miri) {
        // SAFETY: each step passes on the live block of the previous step.
        unsafe {
            let mut block = zmalloc(64 << 20);
            reset_peak_memory();
            for size in [(64 << 20) - 8_192, 48 << 20, 70 << 20, 100_000, 30_000, 1 << 20] {
                let before = used_memory();
                reset_peak_memory();
                block = zrealloc(block, size);
                let most = before.max(used_memory()) + 16 * 1024;
                assert!(peak_memory() <= most, "peak {} at {size}, {most} at most", peak_memory());
            }
            zfree(block);
        }
    }
}
