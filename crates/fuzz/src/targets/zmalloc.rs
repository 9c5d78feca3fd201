//! Compares the blocks of zmalloc with a list of the live blocks, for both faces: the functions, and the
//! `Allocator`.
//!
//! Each live block has its own pattern at both ends of its usable size. So the target finds blocks that
//! overlap, sizes that are too large (under AddressSanitizer), and bytes that a resize loses. After each
//! operation, the counter must be the sum of the blocks' sizes.

use crate::harness::{Faults, LeakCheck, Plan, operations};
use ::zmalloc::{self as z, Zmalloc};
use allocator_api2::alloc::{Allocator, Layout};
use arbitrary::Arbitrary;
use std::ptr::NonNull;

/// The maximum number of live blocks.
const BLOCKS_MAX: usize = 48;

/// The maximum size of a block, in bytes. Only requests that no allocator can serve are larger.
const SIZE_MAX: usize = 128 * 1024;

/// The number of bytes at each end of a block that are written and checked.
const EDGE: usize = 256;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Small(u8),
    Medium(u16),
    Large(u32),
    /// `usize::MAX` minus this number.
    TooLarge(u8),
    /// The limit of sizes, `isize::MAX`, plus this number.
    Limit(i8),
}

impl Size {
    fn bytes(self) -> usize {
        match self {
            Self::Small(n) => n.into(),
            Self::Medium(n) => n.into(),
            Self::Large(n) => n as usize % SIZE_MAX,
            Self::TooLarge(n) => usize::MAX - usize::from(n),
            // AddressSanitizer prints a warning about each size that reaches it and that it cannot serve.
            Self::Limit(n) if cfg!(fuzzing) => isize::MAX as usize + usize::from(n.unsigned_abs()),
            Self::Limit(n) => (isize::MAX as usize).wrapping_add_signed(n.into()),
        }
    }

    fn can_be_served(self) -> bool {
        self.bytes() <= SIZE_MAX
    }
}

/// A size that is passed to the allocator. It may be any size from the requested to the usable one.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct PassedSize(u8);

impl PassedSize {
    fn pick(self, block: &Block) -> usize {
        block.size + (block.usable - block.size) * usize::from(self.0) / 255
    }
}

#[derive(Arbitrary, Debug)]
enum Op {
    Allocate { size: Size, zeroed: bool, may_fail: bool },
    AllocateNum { count: u8, size: u8 },
    Resize { block: u8, size: Size, passed_size: Option<PassedSize>, may_fail: bool },
    Free { block: u8, passed_size: Option<PassedSize> },
    Aligned { size: u16, align_log2: u8, zeroed: bool },
    ResizeAligned { block: u8, size: u16, align_log2: u8, zeroed: bool },
    Follow(Plan),
}

/// A live block. A block of the `Allocator` has an alignment, and must be freed by the `Allocator`.
struct Block {
    start: NonNull<u8>,
    size: usize,
    usable: usize,
    align: Option<usize>,
    seed: u8,
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let (leak_check, used_before) = (LeakCheck::open(), z::used_memory());
    let mut state = State { blocks: Vec::new(), faults: Faults::new(), next_seed: 0 };
    for op in operations(data) {
        state.step(op);
        let sum: usize = state.blocks.iter().map(Block::charge).sum();
        assert_eq!(leak_check.used(), sum, "the thread's count is not the sum of the blocks");
        assert_eq!(z::used_memory() - used_before, sum, "used_memory is not the sum of the blocks");
        assert!(z::peak_memory() >= z::used_memory());
    }
}

struct State {
    blocks: Vec<Block>,
    faults: Faults,
    next_seed: u8,
}

impl State {
    fn step(&mut self, op: Op) {
        match op {
            Op::Allocate { size, zeroed, may_fail } => self.allocate(size, zeroed, may_fail),
            Op::AllocateNum { count, size } => {
                let total = usize::from(count) * usize::from(size);
                let (start, failed) = self.faults.watch(|| z::ztrycalloc_num(count.into(), size.into()));
                assert!(z::ztrycalloc_num(usize::MAX / 2, 3).is_none(), "a product that overflows");
                assert_eq!(start.is_none(), failed);
                if let Some(start) = start {
                    // SAFETY: the block was just allocated by a function of this family.
                    let usable = unsafe { z::zmalloc_usable_size(start) };
                    self.keep(start, total, usable, None, true);
                }
            }
            Op::Resize { block, size, passed_size, may_fail } => {
                if let Some(index) = self.find(block, false) {
                    self.resize(index, size, passed_size, may_fail);
                }
            }
            Op::Free { block, passed_size } => {
                if !self.blocks.is_empty() {
                    let index = usize::from(block) % self.blocks.len();
                    self.blocks.swap_remove(index).free(passed_size);
                }
            }
            Op::Aligned { size, align_log2, zeroed } => self.aligned(size.into(), align_log2, zeroed),
            Op::ResizeAligned { block, size, align_log2, zeroed } => {
                if let Some(index) = self.find(block, true) {
                    self.resize_aligned(index, size.into(), align_log2, zeroed);
                }
            }
            Op::Follow(plan) => self.faults.follow(plan),
        }
    }

    /// Returns the index of a block of the wanted face, if there is one.
    fn find(&self, number: u8, aligned: bool) -> Option<usize> {
        let of_face = |index: &usize| self.blocks[*index].align.is_some() == aligned;
        let start = usize::from(number).checked_rem(self.blocks.len())?;
        (start..self.blocks.len()).chain(0..start).find(of_face)
    }

    fn allocate(&mut self, size: Size, zeroed: bool, may_fail: bool) {
        let bytes = size.bytes();
        if !may_fail {
            if size.can_be_served() {
                let (start, usable) =
                    if zeroed { z::zcalloc_usable(bytes) } else { z::zmalloc_usable(bytes) };
                self.keep(start, bytes, usable, None, zeroed);
            }
            return;
        }
        let (block, failed) = self
            .faults
            .watch(|| if zeroed { z::ztrycalloc_usable(bytes) } else { z::ztrymalloc_usable(bytes) });
        assert_eq!(block.is_none(), failed || !size.can_be_served(), "size {bytes}");
        if let Some((start, usable)) = block {
            self.keep(start, bytes, usable, None, zeroed);
        }
    }

    fn resize(&mut self, index: usize, size: Size, passed_size: Option<PassedSize>, may_fail: bool) {
        let bytes = size.bytes();
        if !may_fail && !size.can_be_served() {
            return;
        }
        let (start, old_size) = (self.blocks[index].start, passed_size.map(|w| w.pick(&self.blocks[index])));
        self.blocks[index].check();
        // SAFETY: the block is live and of this family. The passed size is between the requested and the
        // usable one.
        let (new, failed) = self.faults.watch(|| unsafe {
            match (old_size, may_fail) {
                (Some(old), true) => z::ztryrealloc_sized(start, old, bytes),
                (Some(old), false) => Some(z::zrealloc_sized(start, old, bytes)),
                (None, true) => z::ztryrealloc_usable(start, bytes),
                (None, false) => Some(z::zrealloc_usable(start, bytes)),
            }
        });
        assert_eq!(new.is_none(), failed || !size.can_be_served(), "size {bytes}");
        let Some((start, usable)) = new else { return self.blocks[index].check() };
        let old = self.blocks.swap_remove(index);
        old.check_moved(start, bytes);
        self.keep(start, bytes, usable, None, false);
    }

    fn layout(size: usize, align_log2: u8) -> Layout {
        Layout::from_size_align(size, 1 << (align_log2 % 13)).expect("small sizes and alignments")
    }

    fn aligned(&mut self, size: usize, align_log2: u8, zeroed: bool) {
        let layout = Self::layout(size, align_log2);
        let (block, failed) = self
            .faults
            .watch(|| if zeroed { Zmalloc.allocate_zeroed(layout) } else { Zmalloc.allocate(layout) });
        assert_eq!(block.is_err(), failed, "{layout:?}");
        if let Ok(block) = block {
            self.keep(block.cast(), size, block.len(), Some(layout.align()), zeroed);
        }
    }

    fn resize_aligned(&mut self, index: usize, size: usize, align_log2: u8, zeroed: bool) {
        let block = &self.blocks[index];
        block.check();
        let (start, old, new) = (block.start, block.layout(block.size), Self::layout(size, align_log2));
        // SAFETY: the block is live, comes from this face, and has this layout. `grow` gets a size that is
        // not smaller, and `shrink` gets one that is not larger.
        let (result, failed) = self.faults.watch(|| unsafe {
            match (size >= old.size(), zeroed) {
                (true, false) => Zmalloc.grow(start, old, new),
                (true, true) => Zmalloc.grow_zeroed(start, old, new),
                (false, _) => Zmalloc.shrink(start, old, new),
            }
        });
        assert_eq!(result.is_err(), failed, "{old:?} to {new:?}");
        let Ok(moved) = result else { return self.blocks[index].check() };
        let old = self.blocks.swap_remove(index);
        old.check_moved(moved.cast(), size);
        if zeroed && size > old.size {
            // SAFETY: the block is live and has at least `size` bytes. `grow_zeroed` has written the tail.
            let tail = unsafe {
                std::slice::from_raw_parts(moved.cast::<u8>().as_ptr().add(old.size), size - old.size)
            };
            assert!(tail.iter().all(|byte| *byte == 0), "grown bytes are not zero");
        }
        self.keep(moved.cast(), size, moved.len(), Some(new.align()), false);
    }

    /// Checks a new block, fills it and adds it to the list. If the list is full, frees another block.
    fn keep(&mut self, start: NonNull<u8>, size: usize, usable: usize, align: Option<usize>, zeroed: bool) {
        let seed = self.next_seed;
        self.next_seed = seed.wrapping_add(101);
        let block = Block { start, size, usable, align, seed };
        assert!(start.addr().get().is_multiple_of(align.unwrap_or(8)), "alignment");
        assert!(usable >= size);
        if zeroed {
            // SAFETY: the block is live, and the allocator has zeroed its first `size` bytes.
            let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), size) };
            assert!(bytes.iter().all(|byte| *byte == 0), "zeroed bytes are not zero");
        }
        block.check_sizes();
        for index in block.edges() {
            // SAFETY: the block is live, and the index is below its usable size.
            unsafe { start.add(index).write(block.pattern(index)) };
        }
        if self.blocks.len() == BLOCKS_MAX {
            self.blocks.swap_remove(usize::from(seed) % BLOCKS_MAX).free(None);
        }
        self.blocks.push(block);
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // After a failed check, the blocks may be damaged, so they are not freed.
        if !std::thread::panicking() {
            self.blocks.drain(..).for_each(|block| block.free(None));
        }
    }
}

impl Block {
    fn pattern(&self, index: usize) -> u8 {
        self.seed.wrapping_add(index as u8).wrapping_add((index >> 8) as u8)
    }

    fn layout(&self, size: usize) -> Layout {
        Layout::from_size_align(size, self.align.unwrap_or(8)).expect("the block exists")
    }

    /// Returns the number of bytes that the block adds to `used_memory`.
    fn charge(&self) -> usize {
        // SAFETY: the block is live, and the call goes to the face that it comes from. An empty block of the
        // `Allocator` has no memory, and no call is made for it.
        unsafe {
            match self.align {
                None => z::zmalloc_size(self.start),
                Some(_) if self.size == 0 => 0,
                Some(_) => Zmalloc.block_size(self.start, self.layout(self.size)),
            }
        }
    }

    /// Checks that the functions of the family agree on the size of the block.
    fn check_sizes(&self) {
        if self.align.is_some() {
            return;
        }
        // SAFETY: the block is live and of this family. All passed sizes are between the requested and the
        // usable one.
        unsafe {
            assert_eq!(z::zmalloc_usable_size(self.start), self.usable);
            assert!(self.usable >= z::good_size(self.size), "good_size promised more");
            for size in [self.size, self.usable] {
                assert_eq!(z::zmalloc_size_sized(self.start, size), z::zmalloc_size(self.start));
            }
        }
    }

    /// Returns the indexes of the bytes that have the pattern.
    fn edges(&self) -> impl Iterator<Item = usize> + use<> {
        let head = self.usable.min(EDGE);
        (0..head).chain(self.usable.saturating_sub(EDGE).max(head)..self.usable)
    }

    /// Checks that all written bytes are unchanged.
    fn check(&self) {
        // SAFETY: the block is live, and `keep` has written these bytes, which are below the usable size.
        let wrong = self.edges().find(|i| unsafe { self.start.add(*i).read() } != self.pattern(*i));
        assert_eq!(wrong, None, "somebody else wrote into a block");
    }

    /// Checks after a resize that the bytes up to the smaller size are those of the old block.
    fn check_moved(&self, start: NonNull<u8>, new_size: usize) {
        let kept = self.size.min(new_size);
        // SAFETY: the block is live and has at least `new_size` bytes. The first `kept` bytes were copied.
        let wrong = self.edges().find(|i| *i < kept && unsafe { start.add(*i).read() } != self.pattern(*i));
        assert_eq!(wrong, None, "a byte was lost in a resize");
    }

    fn free(self, passed_size: Option<PassedSize>) {
        self.check();
        // SAFETY: the block is live and is not in the list any more. It is freed by the face that it comes
        // from. The passed size is between the requested and the usable one.
        unsafe {
            match (self.align, passed_size) {
                (Some(_), None) => Zmalloc.deallocate(self.start, self.layout(self.size)),
                (Some(_), Some(within)) => {
                    // An empty block must be freed with the size 0.
                    let size = if self.size == 0 { 0 } else { within.pick(&self) };
                    Zmalloc.deallocate(self.start, self.layout(size));
                }
                (None, Some(within)) => z::zfree_sized(self.start, within.pick(&self)),
                (None, None) => assert_eq!(z::zfree_usable(self.start), self.usable),
            }
        }
    }
}
