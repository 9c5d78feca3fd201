//! jemalloc's bins: how the blocks of each small size class are distributed over their slabs.
//!
//! ```text
//!  bin of class 320                            a slab: 5 pages, 64 blocks
//!    slab [################################]   full
//!    slab [##.##..#######.####.############]   not full
//!    slab [....#.......#...................]   not full
//!    slab [###########.....................]   the *current* slab: serves the next allocation
//! ```
//!
//! The current slab counts in `slabs`, but not in `nonfull_slabs`.
//!
//! A slab is given back only when its last block is freed. Fragmentation of small blocks consists of slabs
//! whose blocks are nearly all free. `defrag` finds the blocks to move out of them.

use super::ctl::Control;

/// The state of a bin when the statistics were last refreshed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bin {
    /// The size class, in bytes.
    pub(super) size: usize,
    /// Blocks in a full slab.
    pub(super) slab_blocks: usize,
    pub(super) slabs: usize,
    pub(super) nonfull_slabs: usize,
    /// Blocks that are in use or in the cache of a thread.
    pub(super) live: usize,
}

impl Bin {
    /// Returns the bytes in free blocks of slabs.
    pub(super) fn free_bytes(&self) -> usize {
        // The figures may come from different instants, so the difference could be negative.
        self.slabs.saturating_mul(self.slab_blocks).saturating_sub(self.live).saturating_mul(self.size)
    }
}

/// Returns all bins of an arena, or of all arenas together, by size. Returns `None`, or bins that are `None`,
/// if jemalloc keeps no statistics or another allocator is used.
pub(super) fn bins(arena: usize) -> Option<impl Iterator<Item = Option<Bin>>> {
    static COUNT: Control<2> = Control::new(c"arenas.nbins");
    let count: u32 = COUNT.read(&[])?;
    Some((0..count as usize).map(move |bin| read(arena, bin)))
}

fn read(arena: usize, bin: usize) -> Option<Bin> {
    static SIZE: Control<4> = Control::new(c"arenas.bin.0.size");
    static SLAB_BLOCKS: Control<4> = Control::new(c"arenas.bin.0.nregs");
    static SLABS: Control<6> = Control::new(c"stats.arenas.0.bins.0.curslabs");
    static NONFULL_SLABS: Control<6> = Control::new(c"stats.arenas.0.bins.0.nonfull_slabs");
    static LIVE: Control<6> = Control::new(c"stats.arenas.0.bins.0.curregs");
    let class = [(2, bin)];
    let here = [(2, arena), (4, bin)];
    Some(Bin {
        size: SIZE.read(&class)?,
        slab_blocks: SLAB_BLOCKS.read::<u32>(&class)? as usize,
        slabs: SLABS.read(&here)?,
        nonfull_slabs: NONFULL_SLABS.read(&here)?,
        live: LIVE.read(&here)?,
    })
}
