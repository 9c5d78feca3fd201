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

/// Returns the bucket of a hash in a table that has buckets.
fn bucket_of(hash: u64, table: &Buckets) -> usize {
    (hash & (table.len() as u64 - 1)) as usize
}

impl Tables {
    /// Moves one bucket, or passes over ten empty ones.
    pub(crate) fn step(&mut self) {
        let Some(first) = self.rehash_index else { return };
        for index in first..first + EMPTY_VISITS {
            self.rehash_index = Some(index + 1);
            if self.old[index].is_empty() {
                continue;
            }
            for hash in std::mem::take(&mut self.old[index]) {
                let bucket = bucket_of(hash, &self.new);
                self.new[bucket].push(hash);
            }
            // All buckets up to this one are empty.
            if self.old[index..].iter().all(Vec::is_empty) {
                self.old = std::mem::take(&mut self.new);
                self.rehash_index = None;
            }
            return;
        }
    }

    /// Returns whether the hash is in one of the tables.
    pub(crate) fn contains(&self, hash: u64) -> bool {
        let tables = [&self.old, &self.new];
        tables.iter().any(|table| !table.is_empty() && table[bucket_of(hash, table)].contains(&hash))
    }

    /// Does a step, and inserts a hash. Returns `false` if it was there already.
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        self.step();
        if self.contains(hash) {
            return false;
        }
        if self.old.is_empty() {
            self.old = vec![vec![]; FIRST_BUCKETS];
        } else if self.new.is_empty() && self.old.iter().map(Vec::len).sum::<usize>() == self.old.len() {
            self.new = vec![vec![]; 2 * self.old.len()];
            self.rehash_index = Some(0);
        }
        // The old table only gets smaller, so the rehash comes to an end.
        let table = if self.rehash_index.is_some() { &mut self.new } else { &mut self.old };
        let bucket = bucket_of(hash, table);
        table[bucket].push(hash);
        true
    }
}
