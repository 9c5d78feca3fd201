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
//! Chunks live in segments. The first 32 segments hold one chunk each; from there on every doubling
//! of the table is cut into 16 segments, so that what is allocated but not yet in use is never more
//! than a sixteenth of the table; at a cap (2 MiB of entries) segments stop growing:
//!
//! ```text
//!  chunk    0 1 2 ... 31 | 32 33 | 34 35 | ... 62 63 | 64 .. 67 | ...
//!  segment  0 1 2 ... 31 |  32   |  33   | ...  47   |    48    | ...
//! ```
//!
//! Learned from: Litwin, *Linear hashing* (1980); Larson, *Dynamic hash tables* (1988), which stores the
//! chunks in segments under a directory.

/// Segments a doubling of the table is cut into, as a power of two.
const LG_SEGMENTS_PER_DOUBLING: u32 = 4;

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
    let chunk = hash as usize & mask;
    if chunk >= chunks { chunk & (mask >> 1) } else { chunk }
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

/// Chunk `chunk` as a segment and a place in it. `lg_cap` is the size at which segments stop growing,
/// as a power of two of chunks.
#[inline]
pub(crate) const fn locate(chunk: usize, lg_cap: u32) -> (usize, usize) {
    // Seen as a floating-point number, the chunk's exponent picks the segment size and the exponent
    // with four bits of mantissa the segment; below 32 the size is one.
    const LEAST: usize = 1 << LG_SEGMENTS_PER_DOUBLING;
    let lg = (usize::BITS - 1 - LG_SEGMENTS_PER_DOUBLING) - (chunk | LEAST).leading_zeros();
    let lg = if lg < lg_cap { lg } else { lg_cap };
    let segment = (chunk >> lg) + ((lg as usize) << LG_SEGMENTS_PER_DOUBLING);
    (segment, chunk & ((1 << lg) - 1))
}

/// The number of chunks in segment `segment`, as a power of two.
#[inline]
pub(crate) const fn lg_segment_chunks(segment: usize, lg_cap: u32) -> u32 {
    let lg = (segment >> LG_SEGMENTS_PER_DOUBLING).saturating_sub(1);
    if lg < lg_cap as usize { lg as u32 } else { lg_cap }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_covers_every_chunk_and_no_further_power_of_two() {
        assert_eq!(mask_of(0), 0);
        for chunks in 1..5_000_usize {
            assert_eq!(mask_of(chunks), chunks.next_power_of_two() - 1, "{chunks} chunks");
        }
        assert_eq!(mask_of(usize::MAX), usize::MAX);
    }

    #[test]
    fn a_split_moves_exactly_the_hashes_that_belong_to_the_new_chunk() {
        for chunks in 1..130 {
            let split = Split::after(chunks);
            assert_eq!(split.from + split.bit, chunks);
            for hash in 0..1024 {
                let before = chunk_of(hash, chunks, mask_of(chunks));
                let after = chunk_of(hash, chunks + 1, mask_of(chunks + 1));
                let moves = before == split.from && hash as usize & split.bit != 0;
                assert!(before < chunks);
                assert_eq!(after, if moves { chunks } else { before }, "{chunks} chunks, hash {hash}");
            }
        }
    }

    #[test]
    fn chunks_fill_segments_one_after_the_other_without_a_gap() {
        for lg_cap in [0, 1, 3, 14] {
            let (mut segment, mut place) = (0, 0);
            for chunk in 0..100_000 {
                assert_eq!(locate(chunk, lg_cap), (segment, place), "chunk {chunk}, cap {lg_cap}");
                place += 1;
                if place == 1 << lg_segment_chunks(segment, lg_cap) {
                    (segment, place) = (segment + 1, 0);
                }
            }
        }
    }

    #[test]
    fn a_segment_is_at_most_a_sixteenth_of_the_chunks_before_it() {
        for segment in 32..400 {
            let before: usize = (0..segment).map(|s| 1 << lg_segment_chunks(s, 40)).sum();
            assert!(1 << lg_segment_chunks(segment, 40) <= before / 16, "segment {segment}");
        }
    }
}
