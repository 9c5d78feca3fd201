//! The bytes that inserts into the classic table request.

/// The bytes of an entry.
pub(crate) const ENTRY: u64 = 24;

/// The bytes of a bucket.
pub(crate) const BUCKET: u64 = 8;

/// The buckets of the first table.
pub(crate) const FIRST_BUCKETS: u64 = 4;

/// Returns the bytes that insert number `n` requests. The first insert has the number 1.
pub(crate) fn insert_bytes(n: u64) -> Option<u64> {
    todo!("an entry of {ENTRY} bytes, and perhaps buckets, for insert {n}")
}

/// Returns the number and the bytes of the insert that requests the most, among the first `n`. `n` is at most 2^60.
pub(crate) fn worst_insert(n: u64) -> Option<(u64, u64)> {
    todo!("the last table among {n} inserts, if the first has {FIRST_BUCKETS} buckets")
}

/// Returns how many of the first `n` inserts request more than `limit` bytes. `n` is at most 2^60.
pub(crate) fn inserts_above(n: u64, limit: u64) -> u64 {
    todo!("{n} inserts, more than {limit} bytes, {BUCKET} for each bucket")
}
