//! A model of an allocator for one size class, and its defragmentation.

/// The number of blocks in a slab.
pub(crate) const BLOCKS: usize = 16;

/// The number of free blocks that the cache can hold.
const CACHE_MAX: usize = 8;

/// A block: the index of its slab, and its place in the slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Block {
    pub(crate) slab: usize,
    pub(crate) place: usize,
}

/// The slabs, and a cache of free blocks.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    /// The content of each block. A free block has none.
    slabs: Vec<[Option<u64>; BLOCKS]>,
    /// Free blocks for the next requests. For their slabs, they are in use.
    cache: Vec<Block>,
}

impl Heap {
    /// Returns a new block with a content. It is the block that was freed last, if there is one in the cache.
    pub(crate) fn new_block(&mut self, content: u64) -> Block {
        match self.cache.pop() {
            Some(block) => {
                self.slabs[block.slab][block.place] = Some(content);
                block
            }
            None => self.new_block_in_slab(content),
        }
    }

    /// Frees a block.
    pub(crate) fn free(&mut self, block: Block) {
        if self.cache.len() < CACHE_MAX {
            self.cache.push(block);
        } else {
            self.free_in_slab(block);
        }
    }

    /// Returns the content of a block.
    pub(crate) fn content(&self, block: Block) -> u64 {
        self.slabs[block.slab][block.place].expect("the block is in use")
    }

    /// Returns the number of slabs with at least one block in use. The others are returned to the system.
    pub(crate) fn slabs_in_use(&self) -> usize {
        (0..self.slabs.len()).filter(|&slab| self.blocks_in_use(slab) > 0).count()
    }

    /// Returns all blocks of the cache to their slabs.
    pub(crate) fn flush_cache(&mut self) {
        while let Some(block) = self.cache.pop() {
            self.free_in_slab(block);
        }
    }

    /// Moves the blocks that are worth moving, and changes the pointers to them. Returns the number of moves.
    pub(crate) fn defrag(&mut self, pointers: &mut [Block]) -> usize {
        // The blocks in the cache would keep their slabs in use.
        self.flush_cache();
        let is_worth_moving = self.is_worth_moving();
        let mut moves = 0;
        for pointer in pointers {
            let old = *pointer;
            if is_worth_moving[old.slab] {
                // The mend: both calls went through the cache. So each move put its old block into the cache, and the
                // next move took this block. The cache was only empty before the first move.
                *pointer = self.new_block_in_slab(self.content(old));
                self.free_in_slab(old);
                moves += 1;
            }
        }
        moves
    }

    /// Returns for each slab whether its blocks are worth moving: whether it is emptier than the average of the
    /// slabs with gaps.
    fn is_worth_moving(&self) -> Vec<bool> {
        let in_use: Vec<usize> = (0..self.slabs.len()).map(|slab| self.blocks_in_use(slab)).collect();
        let with_gaps = in_use.iter().filter(|blocks| (1..BLOCKS).contains(*blocks));
        let (slabs, sum) = with_gaps.fold((0, 0), |(slabs, sum), blocks| (slabs + 1, sum + blocks));
        in_use.iter().map(|blocks| slabs * blocks < sum).collect()
    }

    fn blocks_in_use(&self, slab: usize) -> usize {
        self.slabs[slab].iter().flatten().count()
    }

    /// Returns a new block of the fullest slab that has a gap. Creates a slab if no other has a gap.
    fn new_block_in_slab(&mut self, content: u64) -> Block {
        let with_gap = (0..self.slabs.len()).filter(|&slab| self.blocks_in_use(slab) < BLOCKS);
        let slab = with_gap.max_by_key(|&slab| self.blocks_in_use(slab)).unwrap_or(self.slabs.len());
        if slab == self.slabs.len() {
            self.slabs.push([None; BLOCKS]);
        }
        let place = self.slabs[slab].iter().position(Option::is_none).expect("the slab has a gap");
        self.slabs[slab][place] = Some(content);
        Block { slab, place }
    }

    fn free_in_slab(&mut self, block: Block) {
        self.slabs[block.slab][block.place] = None;
    }
}
