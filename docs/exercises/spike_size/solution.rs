//! The bytes that inserts into the classic table request.

/// The bytes of an entry.
pub(crate) const ENTRY: u64 = 24;

/// The bytes of a bucket.
pub(crate) const BUCKET: u64 = 8;

/// The buckets of the first table.
pub(crate) const FIRST_BUCKETS: u64 = 4;

/// Returns the bytes that insert number `n` requests. The first insert has the number 1.
pub(crate) fn insert_bytes(n: u64) -> Option<u64> {
    let entries = n - 1; // before this insert
    let buckets = match entries {
        0 => FIRST_BUCKETS,
        // The number of buckets is a power of two. The table is full if there are as many entries.
        FIRST_BUCKETS.. if entries.is_power_of_two() => entries.checked_mul(2)?,
        _ => 0,
    };
    buckets.checked_mul(BUCKET)?.checked_add(ENTRY)
}

/// Returns the numbers of the inserts up to `n` that request a table.
fn doublings(n: u64) -> impl Iterator<Item = u64> {
    let later = (FIRST_BUCKETS.ilog2()..u64::BITS).map(|exponent| (1 << exponent) + 1);
    std::iter::once(1).chain(later).take_while(move |&insert| insert <= n)
}

/// Returns the number and the bytes of the insert that requests the most, among the first `n`. `n` is at most 2^60.
pub(crate) fn worst_insert(n: u64) -> Option<(u64, u64)> {
    let insert = doublings(n).last()?; // each table is larger than the one before
    Some((insert, insert_bytes(insert)?))
}

/// Returns how many of the first `n` inserts request more than `limit` bytes. `n` is at most 2^60.
pub(crate) fn inserts_above(n: u64, limit: u64) -> u64 {
    if limit < ENTRY {
        return n;
    }
    doublings(n).filter(|&insert| insert_bytes(insert).is_none_or(|bytes| bytes > limit)).count() as u64
}
