//! The moves of an entry while its table grows by one bucket at a time.

/// Returns how often the entry with this hash has moved, while the table grew from 1 bucket to `buckets` buckets.
/// `buckets` is at least 1.
pub(crate) fn moves_so_far(hash: u64, buckets: u64) -> u32 {
    todo!("the moves of {hash:#b} up to {buckets} buckets")
}

/// Returns the number of buckets of the table just after the next move of the entry with this hash. The table has
/// `buckets` buckets now, at least 1. Returns `None` if the entry never moves again.
pub(crate) fn next_move(hash: u64, buckets: u64) -> Option<u64> {
    todo!("the next move of {hash:#b} after {buckets} buckets")
}
