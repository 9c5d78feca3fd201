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
//! Chunks lie in pages of 128, so that finding one is a shift and a mask. A directory leads to the pages:
//! 16 bytes for about 1,440 entries, which stay in the nearest caches. Memory for chunks comes in steps:
//!
//! ```text
//!  chunks held   1 2 3 .. 8 10 .. 16 20 .. 32 40 .. 64 80 .. 128 | 160 192 224 256 | 288 .. 2,048 | 2,176 ..
//!                the first page grows                            | the last page grows by 32      | whole pages,
//!                                                                                    a sixteenth of the table
//! ```
//!
//! so that what is held but not yet in use is a quarter at most, and a sixteenth from 512 chunks on. Only the
//! last page of a table of up to 2,048 chunks ever moves (18 KiB of pointers at most); a larger table's stay
//! where they are.
//!
//! Learned from: Litwin, *Linear hashing* (1980); Larson, *Dynamic hash tables* (1988), which stores the
//! chunks in segments under a directory.

/// Chunks in a page, as a power of two.
const LG_PAGE: u32 = 7;
/// Chunks in a page.
pub(crate) const PAGE: usize = 1 << LG_PAGE;
/// Up to here the last page grows by steps of its own; beyond, pages come whole.
const SMALL_CHUNKS: usize = 16 * PAGE;

/// The hash mask of a table of `chunks` chunks: one less than the next power of two.
#[inline]
pub(crate) const fn mask_of(chunks: usize) -> usize {
    match chunks {
        0 | 1 => 0,
        _ => usize::MAX >> (chunks - 1).leading_zeros(),
    }
}

/// The chunk that holds the entries of `hash`, in a table of `chunks` chunks with `mask_of(chunks)`;
/// 0 for an empty table.
#[inline]
pub(crate) const fn chunk_of(hash: u64, chunks: usize, mask: usize) -> usize {
    let (split, unsplit) = (hash as usize & mask, hash as usize & (mask >> 1));
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

/// The page of a chunk, and its place there.
#[inline]
pub(crate) const fn page_of(chunk: usize) -> (usize, usize) {
    (chunk >> LG_PAGE, chunk & (PAGE - 1))
}

/// How many chunks are allocated next by a table that holds memory for `held`. `most` bounds the step of a
/// large table, where it allows at least a page.
pub(crate) const fn step(held: usize, most: usize) -> usize {
    match held {
        0..8 => 1,
        8..16 => 2,
        16..32 => 4,
        32..64 => 8,
        64..PAGE => 16,
        PAGE..SMALL_CHUNKS => 32,
        _ => {
            let sixteenth = 1 << (held.ilog2() - 4);
            let step = if sixteenth < most { sixteenth } else { most };
            if step < PAGE { PAGE } else { step }
        }
    }
}

/// The first chunk in the last pair of blocks of a table that holds `held` chunks, more than none: of its last
/// page, or of all the pages that one step brought.
pub(crate) const fn block_start(held: usize, most: usize) -> usize {
    if held <= SMALL_CHUNKS { held - 1 - page_of(held - 1).1 } else { held_before(held, most) }
}

/// What a table that holds `held` chunks, more than none, held before its last step.
pub(crate) const fn held_before(held: usize, most: usize) -> usize {
    // A step never crosses a power of two, so the last chunk knows the step that brought it.
    held - step(held - 1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_covers_every_chunk_and_no_further_power_of_two() {
        assert_eq!(mask_of(0), 0);
        for chunks in 1..if cfg!(miri) { 70 } else { 5_000_usize } {
            assert_eq!(mask_of(chunks), chunks.next_power_of_two() - 1, "{chunks} chunks");
        }
        assert_eq!(mask_of(usize::MAX), usize::MAX);
    }

    #[test]
    fn a_split_moves_exactly_the_hashes_that_belong_to_the_new_chunk() {
        for chunks in 1..if cfg!(miri) { 10 } else { 130 } {
            let split = Split::after(chunks);
            assert_eq!(split.from + split.bit, chunks);
            for hash in 0..if cfg!(miri) { 64 } else { 1024 } {
                let before = chunk_of(hash, chunks, mask_of(chunks));
                let after = chunk_of(hash, chunks + 1, mask_of(chunks + 1));
                let moves = before == split.from && hash as usize & split.bit != 0;
                assert!(before < chunks);
                assert_eq!(after, if moves { chunks } else { before }, "{chunks} chunks, hash {hash}");
            }
        }
    }

    #[test]
    fn steps_lead_up_and_back_through_the_same_numbers() {
        for most in [1, 128, 2048, 16_384] {
            let (mut held, mut block) = (0, 0);
            while held < if cfg!(miri) { 5_000 } else { 5_000_000 } {
                let after = held + step(held, most);
                assert_eq!(held_before(after, most), held);
                // A step extends the last page or brings new ones; it never does both.
                let (page, place) = page_of(held);
                assert!(if place > 0 {
                    page_of(after - 1).0 == page
                } else {
                    held < SMALL_CHUNKS || page_of(after).1 == 0
                });
                if place == 0 {
                    block = held;
                }
                assert_eq!(block_start(after, most), block);
                held = after;
            }
        }
    }

    #[test]
    fn a_step_is_a_quarter_of_a_small_table_at_most_and_a_sixteenth_of_a_large_one() {
        let (mut held, most) = (4, usize::MAX);
        while held < 1 << 40 {
            let step = step(held, most);
            assert!(step <= held / 4);
            assert!(step <= held / 16 || held < 512, "{held}");
            held += step;
        }
    }
}
