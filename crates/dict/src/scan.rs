//! SCAN: a walk over a table in small steps, while the table grows and shrinks.
//!
//! The cursor counts through the chunks of the lower level with its bits reversed: the highest bit changes
//! fastest. With 4 chunks the order is 0, 2, 1, 3; with 8 it is 0, 4, 2, 6, 1, 5, 3, 7. The two halves of a
//! split chunk are neighbours in the order of the larger table. They stand exactly where the chunk stood in
//! the order of the smaller table:
//!
//! ```text
//!    4 chunks     0       2       1       3
//!    8 chunks   0   4   2   6   1   5   3   7
//! ```
//!
//! "Everything before the cursor has been visited" therefore keeps its meaning when the table changes its
//! level. Growth has no cost. After a shrink, a scan may visit the entries of at most one chunk again.
//! Between two powers of two, some of the chunks have been split already. A visit of chunk `i` of the lower
//! level then includes the other half, `i + 2^L`, if the chunk has been split.
//!
//! **Guarantee.** An entry that is in the table from the first call to the last is visited at least once.
//! **Limits.** An entry may be visited more than once if the table shrinks in between. An entry that is added
//! or removed in between may be visited or missed. A call visits at most two chunks with their overflow.
//!
//! Learned from: Pieter Noordhuis' `dictScan` in Redis, and the two occasions, in Redis and in its fork, on
//! which keys were lost because a cursor skipped the other half of a chunk while a table shrank.

use common::Cursor;

/// Returns the chunk of the lower level that is next at `cursor`. The lower level has `low_mask + 1` chunks.
fn chunk(cursor: Cursor, low_mask: usize) -> usize {
    u64::from(cursor) as usize & low_mask
}

/// Returns the cursor after that chunk.
fn advance(cursor: Cursor, low_mask: usize) -> Cursor {
    // Set the bits above the level, so that the reversed increment carries into the level at once.
    let above = u64::from(cursor) | !(low_mask as u64);
    Cursor::from(above.reverse_bits().wrapping_add(1).reverse_bits())
}

/// Returns the chunks that a scan visits at `cursor` in a table of `chunks` chunks (at least one), and the
/// next cursor.
pub(crate) fn step(cursor: Cursor, chunks: usize) -> (usize, Option<usize>, Cursor) {
    let level_chunks = 1 << chunks.ilog2();
    let chunk = chunk(cursor, level_chunks - 1);
    let other_half = chunk + level_chunks;
    (chunk, (other_half < chunks).then_some(other_half), advance(cursor, level_chunks - 1))
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use crate::geometry::{chunk_of, unsplit_mask};

    /// For every table size up to 64 chunks and every cursor that a scan of it can hold, changes to any other
    /// size and finishes the scan there. Every hash must have been visited before or after the change.
    #[test]
    fn no_change_of_size_at_any_cursor_hides_a_hash_from_a_scan() {
        const HASHES: u64 = 256; // all behaviours: the widest mask here is 127
        let max_chunks = 64;
        let visit = |seen: &mut [bool], cursor, chunks| {
            let (chunk, other, next) = step(cursor, chunks);
            for hash in 0..HASHES {
                let chunk_of_hash = chunk_of(hash, chunks, unsplit_mask(chunks));
                seen[hash as usize] |= chunk_of_hash == chunk || Some(chunk_of_hash) == other;
            }
            next
        };
        for first_size in 1..=max_chunks {
            let (mut seen, mut cursor) = (vec![false; HASHES as usize], Cursor::START);
            loop {
                for second_size in 1..=max_chunks {
                    let (mut seen, mut cursor) = (seen.clone(), cursor);
                    loop {
                        cursor = visit(&mut seen, cursor, second_size);
                        if cursor == Cursor::START {
                            break;
                        }
                    }
                    assert!(
                        seen.iter().all(|&seen| seen),
                        "{first_size} to {second_size} chunks at {cursor:?}"
                    );
                }
                cursor = visit(&mut seen, cursor, first_size);
                if cursor == Cursor::START {
                    break;
                }
            }
            assert!(seen.iter().all(|&seen| seen), "{first_size} chunks");
        }
    }

    /// Changes the size of the table between any two calls: each call sees a size of its own.
    #[test]
    fn changing_the_size_before_every_call_hides_nothing_either() {
        let mut state = 1_u64;
        for seed in 0..20_000_u64 {
            let (mut cursor, mut seen, mut calls) = (Cursor::START, [false; 256], 0);
            loop {
                state = (state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(seed | 1)) >> 1;
                let chunks = (state >> 17) as usize % 64 + 1;
                let (chunk, other, next) = step(cursor, chunks);
                for hash in 0..256 {
                    let chunk_of_hash = chunk_of(hash, chunks, unsplit_mask(chunks));
                    seen[hash as usize] |= chunk_of_hash == chunk || Some(chunk_of_hash) == other;
                }
                (cursor, calls) = (next, calls + 1);
                if cursor == Cursor::START {
                    break;
                }
                assert!(calls < 1_000, "the scan does not end");
            }
            assert!(seen.iter().all(|&seen| seen), "seed {seed}");
        }
    }

    #[test]
    fn a_scan_of_an_unchanging_table_visits_each_chunk_once() {
        for chunks in 1..=300 {
            let (mut cursor, mut visits) = (Cursor::START, vec![0; chunks]);
            loop {
                let (chunk, other, next) = step(cursor, chunks);
                visits[chunk] += 1;
                other.into_iter().for_each(|other| visits[other] += 1);
                cursor = next;
                if cursor == Cursor::START {
                    break;
                }
            }
            assert!(visits.iter().all(|&visits| visits == 1), "{chunks} chunks");
        }
    }
}
