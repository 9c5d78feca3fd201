//! Checks the moves of an entry.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{moves_so_far, next_move};

/// Returns the bucket of a hash, as the chapter does.
fn bucket(hash: u64, buckets: u64) -> u64 {
    let half = 1 << buckets.ilog2();
    let bucket = hash & (2 * half - 1);
    if bucket < buckets { bucket } else { bucket - half }
}

#[test]
fn the_hash_of_the_task_moves_to_bucket_2_and_then_to_bucket_6() {
    let next = [1, 2, 3, 6, 7].map(|buckets| next_move(0b110, buckets));
    assert_eq!(next, [Some(3), Some(3), Some(7), Some(7), None]);
    assert_eq!([1, 2, 3, 6, 7].map(|buckets| moves_so_far(0b110, buckets)), [0, 0, 1, 1, 2]);
}

#[test]
fn the_moves_are_those_of_a_table_that_grows_bucket_by_bucket() {
    for hash in 0..300 {
        let mut moves = 0;
        for buckets in 1..400 {
            assert_eq!(moves_so_far(hash, buckets), moves, "hash {hash}, {buckets} buckets");
            let is_later = |more: &u64| bucket(hash, *more) != bucket(hash, buckets);
            assert_eq!(
                next_move(hash, buckets),
                (buckets..400).find(is_later),
                "hash {hash}, {buckets} buckets"
            );
            moves += u32::from(bucket(hash, buckets + 1) != bucket(hash, buckets));
        }
    }
}

#[test]
fn the_moves_are_those_of_the_real_table() {
    // The upper bits of a hash do not say which chunk it belongs to, as long as there are few chunks.
    let hash = |n: &u64| n << 57 | n;
    let (mut table, mut chunk_of) = (dict::Table::new(), vec![]);
    for n in 0..800 {
        let before = table.stats().chunks.max(1) as u64;
        table.insert_unique(hash(&n), n, hash);
        chunk_of.push(None);
        let chunks = table.stats().chunks;
        for chunk in 0..chunks {
            table.walk(chunk, |&n| {
                let has_moved = chunk_of[n as usize].replace(chunk).is_some_and(|other| other != chunk);
                let is_due = next_move(hash(&n), before).is_some_and(|buckets| buckets <= chunks as u64);
                assert!(!has_moved || is_due, "{n} must not move at {chunks} chunks");
                let moves = moves_so_far(hash(&n), chunks as u64);
                assert_eq!(moves, chunk.count_ones(), "{n} is in chunk {chunk} of {chunks}");
            });
        }
    }
    assert!(table.stats().chunks > 40);
}

#[test]
fn an_entry_without_more_bits_never_moves_again() {
    for buckets in [1, 2, 1 << 40, u64::MAX] {
        assert_eq!((next_move(0, buckets), moves_so_far(0, buckets)), (None, 0), "{buckets} buckets");
    }
    assert_eq!([8, 9, 10].map(|buckets| next_move(8, buckets)), [Some(9), None, None]);
}

#[test]
fn the_last_bits_of_a_hash_count_like_the_first() {
    let top = 1 << 63;
    assert_eq!(
        [1, top, top + 1].map(|buckets| next_move(top, buckets)),
        [Some(top + 1), Some(top + 1), None]
    );
    assert_eq!([1, top, top + 1].map(|buckets| moves_so_far(top, buckets)), [0, 0, 1]);
    // The last bucket of a table of u64::MAX buckets is u64::MAX - 1.
    assert_eq!(next_move(u64::MAX - 1, u64::MAX - 1), Some(u64::MAX));
    assert_eq!(next_move(u64::MAX, top), None);
    assert_eq!(next_move(u64::MAX, top - 1), Some(top));
    assert_eq!(moves_so_far(u64::MAX, u64::MAX), 63);
}
