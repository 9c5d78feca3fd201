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
        let block = self.in_use.iter().position(|in_use| !in_use).unwrap_or(self.in_use.len());
        if block == self.in_use.len() {
            self.in_use.push(true);
        } else {
            self.in_use[block] = true;
        }
        block
    }

    /// Frees a block. Returns `false` if it is not in use.
    pub(crate) fn free(&mut self, block: usize) -> bool {
        self.in_use.get_mut(block).is_some_and(std::mem::take)
    }

    /// Returns the bytes of all blocks in use.
    pub(crate) fn used_memory(&self) -> usize {
        self.block_size * self.in_use.iter().filter(|&&in_use| in_use).count()
    }

    /// Returns the bytes of all pages that have a block in use.
    pub(crate) fn rss(&self) -> usize {
        let blocks_per_page = PAGE_SIZE / self.block_size;
        let pages = self.in_use.chunks(blocks_per_page);
        PAGE_SIZE * pages.filter(|page| page.contains(&true)).count()
    }

    /// Returns the RSS divided by `used_memory`.
    pub(crate) fn fragmentation_ratio(&self) -> Option<f64> {
        match self.used_memory() {
            0 => None,
            used_memory => Some(self.rss() as f64 / used_memory as f64),
        }
    }
}
