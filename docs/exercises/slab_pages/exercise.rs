//! A slab: blocks of one size, on pages.

/// The bytes of a page.
pub(crate) const PAGE_SIZE: usize = 4_096;

/// Blocks of one size, on pages.
#[derive(Debug)]
pub(crate) struct Slab {
    block_size: usize,
    /// Whether each block is in use, by its number.
    in_use: Vec<bool>,
}

impl Slab {
    /// Creates a slab without pages. The size of a block is from 1 to 4,096 bytes.
    pub(crate) fn new(block_size: usize) -> Self {
        assert!((1..=PAGE_SIZE).contains(&block_size));
        Self { block_size, in_use: Vec::new() }
    }

    /// Takes the free block with the lowest number, and returns this number.
    pub(crate) fn alloc(&mut self) -> usize {
        todo!("the first free block of {:?}", self.in_use)
    }

    /// Frees a block. Returns `false` if it is not in use.
    pub(crate) fn free(&mut self, block: usize) -> bool {
        todo!("free block {block} of {self:?}")
    }

    /// Returns the bytes of all blocks in use.
    pub(crate) fn used_memory(&self) -> usize {
        todo!("blocks in use, of {} bytes each", self.block_size)
    }

    /// Returns the bytes of all pages that have a block in use.
    pub(crate) fn rss(&self) -> usize {
        todo!("pages of {self:?} that have a block in use")
    }

    /// Returns the RSS divided by `used_memory`.
    pub(crate) fn fragmentation_ratio(&self) -> Option<f64> {
        todo!("the ratio of {self:?}")
    }
}
