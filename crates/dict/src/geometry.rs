//! The arithmetic of linear hashing: which chunk holds a hash, which chunk is split next, and how chunks are
//! cut into pages. The functions here compute with numbers and read no table.
//!
//! A table of `n` chunks is between two powers of two, `2^L <= n < 2^(L+1)`. Its first `p = n - 2^L` chunks
//! have been split to the level `L + 1` already:
//!
//! ```text
//!  n = 6, L = 2, p = 2      chunk   0    1    2    3    4    5
//!                           bits   000  001  .10  .11  100  101      of the hash, lowest last
//!                                   ^ split     ^ not yet ^ split off from 0 and 1
//! ```
//!
//! Chunks lie in pages of 128, or fewer for large entries, so a look-up finds a chunk with a shift and two
//! additions. A directory leads to the pages. It has 16 bytes for about 1,344 entries, so it stays in the
//! nearest caches. Memory for chunks is allocated in steps. With pages of 128, they are:
//!
//! ```text
//!  allocated     1 2 3 .. 8 10 .. 16 20 .. 32 40 .. 64 80 .. 128 | 160 192 .. 2,048 | 2,176 ..
//!                the first page grows                            | the last page    | whole pages,
//!                                                                | grows by 32      | a sixteenth
//!                                                                |                  | of the table
//! ```
//!
//! From four chunks on, a growing table therefore holds at most a quarter more than it uses. From 512 chunks
//! on, it holds at most a sixteenth more. A step that is smaller than a page allocates the last page again
//! and copies it. Such a copy has at most 18 KiB if the entries are pointers, and about 64 KiB if they are
//! larger. Whole pages stay where they are.
//!
//! A step is at most 256 KiB, unless one chunk is larger. An allocator takes ten times longer to find 2 MiB,
//! and may take a millisecond to free them.
//!
//! Learned from: Litwin, *Linear hashing* (1980); Larson, *Dynamic hash tables* (1988), which stores the
//! chunks in segments under a directory.

/// The most chunks in a page, as a power of two.
const LG_PAGE_MAX: u32 = 7;
/// The most bytes of entries in a page, unless one chunk is larger.
const PAGE_BYTES_MAX: usize = 64 << 10;
/// The most bytes of entries in a step, unless one chunk is larger.
const STEP_BYTES_MAX: usize = 256 << 10;

/// Returns the smaller of the two hash masks of a table of `chunks` chunks: half of the next power of two,
/// less one. The larger mask has one bit more. If `chunks` is a power of two, every chunk counts as split.
#[inline]
pub(crate) const fn unsplit_mask(chunks: usize) -> usize {
    match chunks {
        0 | 1 => 0,
        _ => usize::MAX >> (chunks - 1).leading_zeros() >> 1,
    }
}

/// Returns the chunk that holds the entries of `hash`, in a table of `chunks` chunks with
/// `unsplit_mask(chunks)`. Returns 0 for an empty table.
#[inline]
pub(crate) const fn chunk_of(hash: u64, chunks: usize, unsplit_mask: usize) -> usize {
    // One mask is stored, because the larger one takes only one instruction to compute.
    let split_mask = unsplit_mask * 2 + 1;
    let (split, unsplit) = (hash as usize & split_mask, hash as usize & unsplit_mask);
    if split < chunks { split } else { unsplit }
}

/// The split that adds a chunk to a table of `chunks` chunks, or the merge that undoes it. Chunk `from` gives
/// the entries whose hash has `bit` set to chunk `from + bit`, which is chunk number `chunks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) from: usize,
    pub(crate) bit: usize,
}

impl Split {
    /// Returns the split that adds a chunk to a table of `chunks` chunks.
    ///
    /// # Panics
    /// In debug builds, if `chunks` is 0.
    #[inline]
    pub(crate) const fn after(chunks: usize) -> Self {
        debug_assert!(chunks > 0);
        let bit = 1 << (usize::BITS - 1 - chunks.leading_zeros());
        Self { from: chunks - bit, bit }
    }
}

/// How the chunks of a table are cut into pages and allocated in steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    /// The number of chunks in a page, as a power of two.
    lg_page: u32,
    /// The number of chunks in the largest step: a power of two, and at least a page.
    step_max: usize,
}

impl Paging {
    /// Creates the paging for chunks of `chunk_bytes` bytes of entries.
    pub(crate) const fn of(chunk_bytes: usize) -> Self {
        let lg_page = lg_fitting(PAGE_BYTES_MAX, chunk_bytes);
        let lg_page = if lg_page < LG_PAGE_MAX { lg_page } else { LG_PAGE_MAX };
        Self { lg_page, step_max: 1 << lg_fitting(STEP_BYTES_MAX, chunk_bytes) }
    }

    /// Returns the number of chunks in a page.
    pub(crate) const fn page(self) -> usize {
        1 << self.lg_page
    }

    /// Returns the number of chunks in the largest step.
    pub(crate) const fn step_max(self) -> usize {
        self.step_max
    }

    /// Returns the page of a chunk, and the index of the chunk in the page.
    #[inline]
    pub(crate) const fn page_of(self, chunk: usize) -> (usize, usize) {
        (chunk >> self.lg_page, chunk & (self.page() - 1))
    }

    /// Returns the size in chunks of the next step of a table that has memory for `allocated` chunks. The
    /// size is a power of two. A step that is smaller than a page extends the last page. Any other step adds
    /// one or more whole pages.
    pub(crate) const fn step(self, allocated: usize) -> usize {
        let step = match allocated {
            0..8 => 1,
            8..16 => 2,
            16..32 => 4,
            32..64 => 8,
            64..128 => 16,
            128..512 => 32,
            _ => 1 << (allocated.ilog2() - 4),
        };
        // A large table extends a page by a quarter of a page, so that the page is copied at most three
        // times.
        let quarter = self.page() / 4;
        let step = if allocated >= 512 && step < self.page() { quarter } else { step };
        if step < self.step_max { step } else { self.step_max }
    }

    /// Returns the number of chunks that a table had memory for before its last step. `allocated` is the
    /// number that it has memory for now. It is not 0.
    pub(crate) const fn chunks_before_last_step(self, allocated: usize) -> usize {
        // A step never crosses a power of two, so the last chunk determines the step that allocated it.
        allocated - self.step(allocated - 1)
    }

    /// Returns the first chunk in the last pair of blocks (tags and entries) of a table that has memory for
    /// `allocated` chunks, which is not 0. The pair holds the last page, or all the pages that one step
    /// allocated.
    pub(crate) const fn block_start(self, allocated: usize) -> usize {
        if self.step(allocated - 1) < self.page() {
            allocated - 1 - self.page_of(allocated - 1).1
        } else {
            self.chunks_before_last_step(allocated)
        }
    }
}

/// Returns how many chunks of `chunk_bytes` fit into `bytes`, as a power of two. Returns 0 if not even one
/// fits.
const fn lg_fitting(bytes: usize, chunk_bytes: usize) -> u32 {
    if chunk_bytes >= bytes { 0 } else { (bytes / chunk_bytes).ilog2() }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    #[test]
    fn the_larger_mask_covers_every_chunk_and_no_further_power_of_two() {
        for (hash, chunks) in [(0, 0), (1, 0), (u64::MAX, 0), (0, 1), (1, 1), (u64::MAX, 1)] {
            assert_eq!(chunk_of(hash, chunks, unsplit_mask(chunks)), 0);
        }
        let most = usize::MAX;
        assert_eq!(chunk_of(u64::MAX, most, unsplit_mask(most)), most >> 1);
        for chunks in 2..5_000_usize {
            assert_eq!(unsplit_mask(chunks) * 2 + 1, chunks.next_power_of_two() - 1, "{chunks} chunks");
        }
        assert_eq!(unsplit_mask(usize::MAX) * 2 + 1, usize::MAX);
    }

    #[test]
    fn a_split_moves_exactly_the_hashes_that_belong_to_the_new_chunk() {
        for chunks in 1..130 {
            let split = Split::after(chunks);
            assert_eq!(split.from + split.bit, chunks);
            for hash in 0..1024 {
                let before = chunk_of(hash, chunks, unsplit_mask(chunks));
                let after = chunk_of(hash, chunks + 1, unsplit_mask(chunks + 1));
                let moves = before == split.from && hash as usize & split.bit != 0;
                assert!(before < chunks);
                assert_eq!(after, if moves { chunks } else { before }, "{chunks} chunks, hash {hash}");
            }
        }
    }

    /// Returns the pagings for entries from small ones to megabytes, which have pages of 128, 64, ... 1
    /// chunks.
    fn all_pagings() -> impl Iterator<Item = Paging> {
        (3..24).flat_map(|lg| [(1 << lg) + 8, 3 << lg]).map(Paging::of)
    }

    #[test]
    fn steps_lead_up_and_back_through_the_same_numbers() {
        for paging in all_pagings() {
            let (mut allocated, mut block) = (0, 0);
            while allocated < 2_000_000 {
                let step = paging.step(allocated);
                let after = allocated + step;
                assert_eq!(paging.chunks_before_last_step(after), allocated);
                // A step extends the last page or adds new ones; it never does both.
                let (page, index_in_page) = paging.page_of(allocated);
                if step < paging.page() {
                    assert_eq!(paging.page_of(after - 1).0, page);
                } else {
                    assert_eq!((index_in_page, paging.page_of(after).1), (0, 0));
                }
                if index_in_page == 0 {
                    block = allocated;
                }
                assert_eq!(paging.block_start(after), block, "{paging:?}, {allocated} chunks");
                allocated = after;
            }
        }
    }

    #[test]
    fn a_step_is_a_quarter_of_a_small_table_at_most_and_a_sixteenth_of_a_large_one() {
        for paging in all_pagings() {
            let mut allocated = 4;
            while allocated < 10_000_000 {
                let step = paging.step(allocated);
                assert!(step <= allocated / 4);
                assert!(step <= allocated / 16 || allocated < 512, "{allocated}");
                allocated += step;
            }
        }
    }

    #[test]
    fn pages_and_steps_of_large_entries_stay_small() {
        for chunk_bytes in [128, 368, 4096, 61_448, 1 << 20] {
            let paging = Paging::of(chunk_bytes);
            assert!(paging.page() == 1 || paging.page() * chunk_bytes <= PAGE_BYTES_MAX);
            assert!(paging.step_max == 1 || paging.step_max * chunk_bytes <= STEP_BYTES_MAX);
        }
    }
}
