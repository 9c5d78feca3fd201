//! A table of hashes that doubles in steps.

/// The buckets of the first table.
pub(crate) const FIRST_BUCKETS: usize = 4;

/// The number of empty buckets that a step may pass over.
pub(crate) const EMPTY_VISITS: usize = 10;

/// The buckets of a table. Their number is 0 or a power of two.
pub(crate) type Buckets = Vec<Vec<u64>>;

/// One table, or two tables during a rehash.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) old: Buckets,
    /// Has no buckets if there is only one table.
    pub(crate) new: Buckets,
    /// The next bucket of `old` to move, during a rehash.
    pub(crate) rehash_index: Option<usize>,
}

impl Tables {
    /// Moves one bucket, or passes over ten empty ones.
    pub(crate) fn step(&mut self) {
        todo!("move a bucket of {self:?}, and pass over up to {EMPTY_VISITS}")
    }

    /// Returns whether the hash is in one of the tables.
    pub(crate) fn contains(&self, hash: u64) -> bool {
        todo!("search {hash} in {self:?}")
    }

    /// Does a step, and inserts a hash. Returns `false` if it was there already.
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        todo!("insert {hash} into {self:?}, first into {FIRST_BUCKETS} buckets")
    }
}
