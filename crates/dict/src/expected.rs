//! [`ExpectedSize`]: what a table of so many entries takes, before there is one.
//!
//! Chunks, pages and the directory follow from the number of entries: this file walks through the steps of
//! growth as `storage` does, with the rules of `resize` and `geometry`, and allocates nothing.
//!
//! Only the overflow children depend on the hashes. A chunk that gets the share `q` of all hashes holds `k`
//! of `n` entries with the probability `C(n, k) q^k (1 - q)^(n - k)`, and then has `children_for(k)`
//! children. The share is one over a power of two. A chunk that has been split has half of the share of one
//! that has not.
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

/// A chunk with more entries has a probability that does not count: the mean is 21 at most.
const ENTRIES_MAX: u32 = 128;

/// The parts of a table that holds so many entries: [`Table::expected_size`](crate::Table::expected_size).
/// All sizes are in bytes.
///
/// No number is larger than `usize::MAX`: a sum that would be is that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedSize {
    /// Chunks that there is memory for.
    pub chunks_allocated: usize,
    /// A chunk: its tags and its fifteen slots.
    pub chunk_size: usize,
    /// Overflow children, as many as are expected.
    pub children: usize,
    /// A child.
    pub child_size: usize,
    /// The directory of pages.
    pub directory_size: usize,
    /// What all blocks of the table add to `used_memory`, in their size classes.
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

/// What a block of that layout adds to `used_memory`, as far as the allocator says before there is one.
fn block_size(layout: Result<Layout, ReserveError>) -> usize {
    layout.map_or(usize::MAX, |layout| zmalloc::good_size(layout.pad_to_align().size()))
}

/// For how many chunks a table of `chunks` chunks has memory, and the size of their blocks.
fn chunks_and_size(layout: &ChunkLayout, chunks: usize) -> (usize, usize) {
    let paging = layout.paging;
    let blocks = |chunks| block_size(layout.tags(chunks)).saturating_add(block_size(layout.entries(chunks)));
    let (mut held, mut size) = (0_usize, 0_usize);
    while held < chunks {
        let (step, place) = (paging.step(held), paging.page_of(held).1);
        // From the largest step on, all steps are the same.
        let steps = if step == paging.step_max() { (chunks - held).div_ceil(step) } else { 1 };
        // A page that is extended gives its blocks back.
        let replaced = if place > 0 { blocks(place) } else { 0 };
        let added = blocks(place.saturating_add(step)) - replaced;
        size = size.saturating_add(added.saturating_mul(steps));
        held = held.saturating_add(step.saturating_mul(steps));
    }
    (held, size)
}

/// How many children a table of `chunks` chunks, more than none, has on average.
fn expected_children(entries: usize, chunks: usize) -> f64 {
    if chunks == 1 {
        return children_for(entries) as f64;
    }
    let Split { from: split, bit } = Split::after(chunks);
    let (split, bit) = (split as f64, bit as f64);
    // Each chunk that has been split counts with the one that was split off from it.
    2.0 * split * mean_children(entries, 0.5 / bit) + (bit - split) * mean_children(entries, 1.0 / bit)
}

/// How many children a chunk has on average that gets this share of all hashes, more than 0 and less than 1.
fn mean_children(entries: usize, share: f64) -> f64 {
    let entries = entries as f64;
    let odds = share / (1.0 - share);
    // The probability of each number of entries follows from that of the number before.
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

    /// Two chunks and 24 entries: all 2^24 ways to distribute them, counted by how many are in the first
    /// chunk.
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
