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
        todo!("a block of {blocks:?}, or one of {:?}", slabs.take(class, MAX / 2))
    }

    /// Frees a block that was allocated for `size` bytes.
    pub(crate) fn free(&mut self, block: Block, size: usize, slabs: &mut impl Slabs) {
        todo!("add {block} to the class {}, or return blocks: {:?}", class(size), slabs.put_back(0, vec![]))
    }

    /// Returns all blocks to the slabs.
    pub(crate) fn clear(&mut self, slabs: &mut impl Slabs) {
        todo!("return the blocks of {self:?}: {:?}", slabs.put_back(0, vec![]))
    }
}

/// Returns the size class of `size` bytes, with a quantum of 8.
fn class(size: usize) -> usize {
    let doubling = size.saturating_sub(1).max(1).ilog2();
    size.max(1).next_multiple_of(8.max((1 << doubling) / 4))
}
