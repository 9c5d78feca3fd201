//! A cache of free blocks in front of the slabs.

use std::collections::BTreeMap;

/// The largest number of free blocks of a class in a cache.
pub(crate) const MAX: usize = 8;

/// A block, known by its number.
pub(crate) type Block = u32;

/// The slabs, which all threads share. Each call needs a lock.
pub(crate) trait Slabs {
    /// Takes `count` free blocks of a class.
    fn take(&mut self, class: usize, count: usize) -> Vec<Block>;

    /// Returns blocks of a class.
    fn put_back(&mut self, class: usize, blocks: Vec<Block>);
}

/// The free blocks of one thread.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// The free blocks by class.
    free: BTreeMap<usize, Vec<Block>>,
}

impl Cache {
    /// Returns a block for `size` bytes.
    pub(crate) fn alloc(&mut self, size: usize, slabs: &mut impl Slabs) -> Block {
        let class = class(size);
        let blocks = self.free.entry(class).or_default();
        if blocks.is_empty() {
            *blocks = slabs.take(class, MAX / 2);
        }
        blocks.pop().expect("the slabs returned blocks")
    }

    /// Frees a block that was allocated for `size` bytes.
    pub(crate) fn free(&mut self, block: Block, size: usize, slabs: &mut impl Slabs) {
        let class = class(size);
        let blocks = self.free.entry(class).or_default();
        if blocks.len() == MAX {
            // Half of the blocks stay. So neither an allocation nor a free that follows needs a call.
            slabs.put_back(class, blocks.drain(..MAX / 2).collect());
        }
        blocks.push(block);
    }

    /// Returns all blocks to the slabs.
    pub(crate) fn clear(&mut self, slabs: &mut impl Slabs) {
        for (class, blocks) in std::mem::take(&mut self.free) {
            if !blocks.is_empty() {
                slabs.put_back(class, blocks);
            }
        }
    }
}

/// Returns the size class of `size` bytes, with a quantum of 8.
fn class(size: usize) -> usize {
    let doubling = size.saturating_sub(1).max(1).ilog2();
    size.max(1).next_multiple_of(8.max((1 << doubling) / 4))
}
