//! The moves of an entry while its table grows by one bucket at a time.

/// Returns the low bits of a hash: 1 bit, 2 bits, and so on up to 64. An entry is in no other buckets.
fn candidates(hash: u64) -> impl DoubleEndedIterator<Item = u64> {
    (1..=64).map(move |bits| hash & (u64::MAX >> (64 - bits)))
}

/// Returns how often the entry with this hash has moved, while the table grew from 1 bucket to `buckets` buckets.
/// `buckets` is at least 1.
pub(crate) fn moves_so_far(hash: u64, buckets: u64) -> u32 {
    // The bucket of the entry is the largest candidate that exists. Bucket 0 always does.
    let bucket = candidates(hash).rev().find(|bucket| *bucket < buckets).unwrap_or(0);
    // Each move has added a 1 in front of the number. A split that adds a 0 does not move the entry.
    bucket.count_ones()
}

/// Returns the number of buckets of the table just after the next move of the entry with this hash. The table has
/// `buckets` buckets now, at least 1. Returns `None` if the entry never moves again.
pub(crate) fn next_move(hash: u64, buckets: u64) -> Option<u64> {
    // The entry moves when the first candidate that does not exist yet is created. It is then the last bucket.
    candidates(hash).find(|bucket| *bucket >= buckets)?.checked_add(1)
}
