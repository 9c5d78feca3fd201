//! [`ExpectedSize`]: the memory that a table of a given number of entries will take.
//!
//! The chunks, the pages and the directory follow from the number of entries. This file repeats the steps of
//! growth of `storage`, with the rules of `resize` and `geometry`, and allocates nothing.
//!
//! Only the overflow children depend on the hashes. If a chunk gets the share `q` of all hashes, it holds `k`
//! of `n` entries with the probability `C(n, k) q^k (1 - q)^(n - k)`, and then has `children_for(k)`
//! children. The share is one over a power of two. A chunk that has been split has half the share of one that
//! has not.
//!
//! Limit: this is the size of a table that only inserts have filled. Removals leave more chunks, up to about
//! twice as many.

use core::alloc::Layout;

use zmalloc::ReserveError;

use crate::geometry::Split;
use crate::group::TAG_BYTES;
use crate::layout::ChunkLayout;
use crate::overflow::children_for;
use crate::resize::chunks_for;
use crate::storage::directory_size;

/// The probability of a chunk with more entries is negligible, since the mean is at most 21.
const ENTRIES_MAX: u32 = 128;

/// The memory of a table that holds a given number of entries, in its parts. Returned by
/// [`Table::expected_size`](crate::Table::expected_size).
///
/// All sizes are in bytes. A number that would exceed `usize::MAX` is `usize::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedSize {
    /// Chunks that there is memory for.
    pub chunks_allocated: usize,
    /// The size of a chunk: its tags, its fifteen slots and the child pointer.
    pub chunk_size: usize,
    /// The expected number of overflow children.
    pub children: usize,
    /// The size of a child.
    pub child_size: usize,
    /// The size of the directory.
    pub directory_size: usize,
    /// Bytes that all blocks of the table add to `used_memory`, in their size classes.
    pub allocation_size: usize,
}

impl ExpectedSize {
    pub(crate) fn of(layout: &ChunkLayout, entries: usize) -> Self {
        let chunks = chunks_for(entries);
        if chunks == 0 {
            return Self::default();
        }
        let (chunks_allocated, chunks_size) = chunks_and_size(layout, chunks);
        let children = expected_children(entries, chunks).round() as usize;
        let directory_size = directory_size(chunks_allocated.div_ceil(layout.paging.page()));
        let children_size = children.saturating_mul(zmalloc::good_size(layout.child.size()));
        Self {
            chunks_allocated,
            chunk_size: TAG_BYTES + layout.stride,
            children,
            child_size: layout.child.size(),
            directory_size,
            allocation_size: chunks_size
                .saturating_add(children_size)
                .saturating_add(zmalloc::good_size(directory_size)),
        }
    }
}

/// Returns what a block of this layout adds to `used_memory`, as far as the allocator knows before it is
/// allocated.
fn block_size(layout: Result<Layout, ReserveError>) -> usize {
    layout.map_or(usize::MAX, |layout| zmalloc::good_size(layout.pad_to_align().size()))
}

/// Returns the number of chunks for which a table of `chunks` chunks has memory, and the size of their
/// blocks.
fn chunks_and_size(layout: &ChunkLayout, chunks: usize) -> (usize, usize) {
    let paging = layout.paging;
    let blocks = |chunks| block_size(layout.tags(chunks)).saturating_add(block_size(layout.entries(chunks)));
    let (mut allocated, mut size) = (0_usize, 0_usize);
    while allocated < chunks {
        let (step, index_in_page) = (paging.step(allocated), paging.page_of(allocated).1);
        // From the largest step on, all steps have the same size.
        let steps = if step == paging.step_max() { (chunks - allocated).div_ceil(step) } else { 1 };
        // A step that extends the last page replaces the page's blocks.
        let replaced = if index_in_page > 0 { blocks(index_in_page) } else { 0 };
        let added = blocks(index_in_page.saturating_add(step)) - replaced;
        size = size.saturating_add(added.saturating_mul(steps));
        allocated = allocated.saturating_add(step.saturating_mul(steps));
    }
    (allocated, size)
}

/// Returns the mean number of children of a table of `chunks` chunks. `chunks` is not 0.
fn expected_children(entries: usize, chunks: usize) -> f64 {
    if chunks == 1 {
        return children_for(entries) as f64;
    }
    let Split { from: split, bit } = Split::after(chunks);
    let (split, bit) = (split as f64, bit as f64);
    // Each chunk that has been split counts together with the chunk that was split off from it.
    2.0 * split * mean_children(entries, 0.5 / bit) + (bit - split) * mean_children(entries, 1.0 / bit)
}

/// Returns the mean number of children of a chunk that gets this share of all hashes. The share is more than
/// 0 and less than 1.
fn mean_children(entries: usize, share: f64) -> f64 {
    let entries = entries as f64;
    let odds = share / (1.0 - share);
    // The probability of each number of entries follows from that of the number before it.
    let mut probability = (entries * (-share).ln_1p()).exp();
    let mut mean = 0.0;
    for len in 0..ENTRIES_MAX {
        mean += probability * children_for(len as usize) as f64;
        probability *= (entries - f64::from(len)).max(0.0) / f64::from(len + 1) * odds;
    }
    mean
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use crate::geometry::unsplit_mask;

    #[test]
    fn the_shares_of_all_chunks_sum_to_one_and_their_entries_to_all_entries() {
        for chunks in 2..200_usize {
            let Split { from: split, bit } = Split::after(chunks);
            assert_eq!(2 * split + (bit - split), chunks);
            assert_eq!((2 * split) as f64 * 0.5 / bit as f64 + (bit - split) as f64 / bit as f64, 1.0);
            assert!(unsplit_mask(chunks) < bit);
        }
    }

    #[test]
    fn a_single_chunk_has_the_children_that_its_entries_need() {
        for entries in 1..100 {
            assert_eq!(expected_children(entries, 1), children_for(entries) as f64);
        }
    }

    /// Two chunks and 24 entries: counts all 2^24 ways to distribute them, by the number of entries in the
    /// first chunk.
    #[test]
    fn the_mean_is_the_one_over_all_ways_to_distribute_the_entries() {
        let entries = 24;
        let (mut ways, mut sum) = (1.0, 0.0);
        for first in 0..=entries {
            sum += ways * (children_for(first) + children_for(entries - first)) as f64;
            ways *= (entries - first) as f64 / (first + 1) as f64;
        }
        let mean = sum / f64::from(1 << entries);
        assert!((expected_children(entries, 2) - mean).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn no_number_of_entries_is_too_large() {
        let layout = ChunkLayout::of::<[u16; 3]>();
        for entries in [usize::MAX, usize::MAX / 2, isize::MAX as usize, 1 << 31] {
            let size = ExpectedSize::of(&layout, entries);
            assert!(size.chunks_allocated >= chunks_for(entries));
            assert!(size.allocation_size >= size.chunks_allocated, "{size:?}");
        }
        assert_eq!(ExpectedSize::of(&layout, 0), ExpectedSize::default());
    }
}
