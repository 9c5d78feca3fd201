//! Where things are: the arithmetic of linear hashing, without a byte of memory.
//!
//! A table of `n` chunks stands between two powers of two, `2^L <= n < 2^(L+1)`; the first
//! `p = n - 2^L` chunks have been split at the level `L + 1` already:
//!
//! ```text
//!  n = 6, L = 2, p = 2      chunk   0    1    2    3    4    5
//!                           bits   000  001  .10  .11  100  101      of the hash, lowest last
//!                                   ^ split     ^ not yet ^ split off from 0 and 1
//! ```
//!
//! Chunks lie in pages of 128 (fewer for large entries), so that finding one is a shift and two additions. A directory
//! leads to the pages: 16 bytes for about 1,344 entries, which stay in the nearest caches. Memory for chunks
//! comes in steps; with pages of 128:
//!
//! ```text
//!  chunks held   1 2 3 .. 8 10 .. 16 20 .. 32 40 .. 64 80 .. 128 | 160 192 224 256 | 288 .. 2,048 | 2,176 ..
//!                the first page grows                            | the last page grows by 32      | whole pages,
//!                                                                                    a sixteenth of the table
//! ```
//!
//! so that a growing table holds a quarter more than it uses at most, and a sixteenth from 512 chunks on. A step
//! that is smaller than a page makes the last page anew and copies it: 18 KiB at most for pointers, about
//! 64 KiB for any entries that fit. Whole pages stay where they are. A step is never more than 256 KiB: an allocator takes
//! ten times longer to find 2 MiB, and giving them back may take it a millisecond.
//!
//! Learned from: Litwin, *Linear hashing* (1980); Larson, *Dynamic hash tables* (1988), which stores the
//! chunks in segments under a directory.

/// The most chunks in a page, as a power of two.
const LG_PAGE_MAX: u32 = 7;
/// The most bytes of entries in a page, unless one chunk is larger.
const PAGE_BYTES_MAX: usize = 64 << 10;
/// The most bytes of entries in a step, likewise.
const STEP_BYTES_MAX: usize = 256 << 10;

/// The smaller of the two hash masks of a table of `chunks` chunks: half of the next power of two, less one. The larger mask
/// has one bit more. A table of a power of two counts as split throughout.
#[inline]
pub(crate) const fn unsplit_mask(chunks: usize) -> usize {
    match chunks {
        0 | 1 => 0,
        _ => usize::MAX >> (chunks - 1).leading_zeros() >> 1,
    }
}

/// The chunk that holds the entries of `hash`, in a table of `chunks` chunks with `unsplit_mask(chunks)`;
/// 0 for an empty table.
#[inline]
pub(crate) const fn chunk_of(hash: u64, chunks: usize, unsplit_mask: usize) -> usize {
    // One mask is stored. The larger one is one instruction away.
    let split_mask = unsplit_mask * 2 + 1;
    let (split, unsplit) = (hash as usize & split_mask, hash as usize & unsplit_mask);
    if split < chunks { split } else { unsplit }
}

/// The split that takes a table of `chunks` chunks to one more, or undoes it: chunk `from` gives the
/// entries whose hash has `bit` set to chunk `from + bit`, which is chunk number `chunks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) from: usize,
    pub(crate) bit: usize,
}

impl Split {
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
    /// Chunks in a page, as a power of two.
    lg_page: u32,
    /// Chunks in the largest step: a power of two, and at least a page.
    step_max: usize,
}

impl Paging {
    /// For chunks of `chunk_bytes` bytes of entries.
    pub(crate) const fn of(chunk_bytes: usize) -> Self {
        let lg_page = lg_fitting(PAGE_BYTES_MAX, chunk_bytes);
        let lg_page = if lg_page < LG_PAGE_MAX { lg_page } else { LG_PAGE_MAX };
        Self { lg_page, step_max: 1 << lg_fitting(STEP_BYTES_MAX, chunk_bytes) }
    }

    /// Chunks in a page.
    pub(crate) const fn page(self) -> usize {
        1 << self.lg_page
    }

    /// Chunks in the largest step.
    pub(crate) const fn step_max(self) -> usize {
        self.step_max
    }

    /// The page of a chunk, and its place there.
    #[inline]
    pub(crate) const fn page_of(self, chunk: usize) -> (usize, usize) {
        (chunk >> self.lg_page, chunk & (self.page() - 1))
    }

    /// How many chunks are allocated next by a table that holds memory for `held`: a power of two, less than a
    /// page to extend the last one, or some whole pages.
    pub(crate) const fn step(self, held: usize) -> usize {
        let step = match held {
            0..8 => 1,
            8..16 => 2,
            16..32 => 4,
            32..64 => 8,
            64..128 => 16,
            128..512 => 32,
            _ => 1 << (held.ilog2() - 4),
        };
        // A page that is extended is extended by a quarter, so that it is copied three times at most.
        let quarter = self.page() / 4;
        let step = if held >= 512 && step < self.page() { quarter } else { step };
        if step < self.step_max { step } else { self.step_max }
    }

    /// What a table that holds `held` chunks, more than none, held before its last step.
    pub(crate) const fn held_before(self, held: usize) -> usize {
        // A step never crosses a power of two, so the last chunk knows the step that brought it.
        held - self.step(held - 1)
    }

    /// The first chunk in the last pair of blocks of a table that holds `held` chunks, more than none: of its
    /// last page, or of all the pages that one step brought.
    pub(crate) const fn block_start(self, held: usize) -> usize {
        if self.step(held - 1) < self.page() {
            held - 1 - self.page_of(held - 1).1
        } else {
            self.held_before(held)
        }
    }
}

/// How many chunks of `chunk_bytes` fit into `bytes`, as a power of two; 0 where not even one does.
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

    /// Of entries from none to megabytes: pages of 128, 64, ... 1.
    fn all_pagings() -> impl Iterator<Item = Paging> {
        (3..24).flat_map(|lg| [(1 << lg) + 8, 3 << lg]).map(Paging::of)
    }

    #[test]
    fn steps_lead_up_and_back_through_the_same_numbers() {
        for paging in all_pagings() {
            let (mut held, mut block) = (0, 0);
            while held < 2_000_000 {
                let step = paging.step(held);
                let after = held + step;
                assert_eq!(paging.held_before(after), held);
                // A step extends the last page or brings new ones; it never does both.
                let (page, place) = paging.page_of(held);
                if step < paging.page() {
                    assert_eq!(paging.page_of(after - 1).0, page);
                } else {
                    assert_eq!((place, paging.page_of(after).1), (0, 0));
                }
                if place == 0 {
                    block = held;
                }
                assert_eq!(paging.block_start(after), block, "{paging:?}, {held} held");
                held = after;
            }
        }
    }

    #[test]
    fn a_step_is_a_quarter_of_a_small_table_at_most_and_a_sixteenth_of_a_large_one() {
        for paging in all_pagings() {
            let mut held = 4;
            while held < 10_000_000 {
                let step = paging.step(held);
                assert!(step <= held / 4);
                assert!(step <= held / 16 || held < 512, "{held}");
                held += step;
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
