//! A table that grows and shrinks by one bucket.

/// The table of the chapter. It stores only hashes.
pub(crate) struct Table {
    pub(crate) buckets: Vec<Vec<u64>>,
    pub(crate) len: usize,
}

impl Table {
    /// Creates an empty table, which has one bucket.
    pub(crate) fn new() -> Self {
        Self { buckets: vec![vec![]], len: 0 }
    }

    /// Returns the number of the bucket to which a hash belongs.
    pub(crate) fn bucket(&self, hash: u64) -> usize {
        let half = 1 << self.buckets.len().ilog2();
        let bucket = hash as usize & (2 * half - 1);
        if bucket < self.buckets.len() { bucket } else { bucket - half }
    }

    /// Inserts a hash. If there are two entries for each bucket, it first splits a bucket.
    pub(crate) fn insert(&mut self, hash: u64) {
        if self.len == 2 * self.buckets.len() {
            let half = 1 << self.buckets.len().ilog2();
            let split = self.buckets.len() - half;
            let all = std::mem::take(&mut self.buckets[split]);
            let (go, stay) = all.into_iter().partition(|hash| *hash as usize & half != 0);
            self.buckets[split] = stay;
            self.buckets.push(go);
        }
        let bucket = self.bucket(hash);
        self.buckets[bucket].push(hash);
        self.len += 1;
    }

    /// Removes one entry with this hash. Merges one bucket if there are then fewer entries than buckets. Returns how many
    /// other entries it has moved, or `None` if there is no entry with this hash.
    pub(crate) fn remove(&mut self, hash: u64) -> Option<usize> {
        let bucket = self.bucket(hash);
        let at = self.buckets[bucket].iter().position(|other| *other == hash)?;
        self.buckets[bucket].swap_remove(at);
        self.len -= 1;
        // The limit is half of the one for splits. So an entry that is added and removed again and again does not
        // split and merge a bucket each time.
        if self.len >= self.buckets.len() || self.buckets.len() == 1 {
            return Some(0);
        }
        let last = self.buckets.pop()?;
        // The table has as many buckets now as before the split that created the last one.
        let half = 1 << self.buckets.len().ilog2();
        let from = self.buckets.len() - half;
        let moved = last.len();
        self.buckets[from].extend(last);
        Some(moved)
    }
}
