//! A table with two arrays of buckets while it changes its size, and its scan.

/// A table that stores only hashes. All numbers of buckets are powers of two.
pub(crate) struct Table {
    /// All buckets. While entries move, the buckets that they move from.
    from: Vec<Vec<u64>>,
    /// While entries move, the buckets that they move to. Otherwise, it is empty.
    to: Vec<Vec<u64>>,
    /// How many buckets of `from` have been moved.
    moved: usize,
}

/// Returns the bucket of `buckets` to which a hash or a cursor belongs.
fn bucket(buckets: &[Vec<u64>], number: u64) -> usize {
    number as usize & (buckets.len() - 1)
}

/// Returns the cursor after this one, in an array of buckets.
fn next(buckets: &[Vec<u64>], cursor: u64) -> u64 {
    let mask = buckets.len() as u64 - 1;
    (cursor | !mask).reverse_bits().wrapping_add(1).reverse_bits()
}

impl Table {
    /// Creates a table with these hashes.
    pub(crate) fn new(buckets: usize, hashes: impl IntoIterator<Item = u64>) -> Self {
        let mut from = vec![vec![]; buckets];
        hashes.into_iter().for_each(|hash| from[hash as usize & (buckets - 1)].push(hash));
        Self { from, to: vec![], moved: 0 }
    }

    /// Begins to change the number of buckets. No entry moves yet.
    pub(crate) fn resize(&mut self, buckets: usize) {
        assert!(self.to.is_empty() && buckets.is_power_of_two());
        self.to = vec![vec![]; buckets];
    }

    /// Moves the next bucket, if the table is changing its size. After the last one, only the new array is left.
    pub(crate) fn move_bucket(&mut self) {
        if self.to.is_empty() {
            return;
        }
        for hash in std::mem::take(&mut self.from[self.moved]) {
            let to = bucket(&self.to, hash);
            self.to[to].push(hash);
        }
        self.moved += 1;
        if self.moved == self.from.len() {
            *self = Self { from: std::mem::take(&mut self.to), to: vec![], moved: 0 };
        }
    }

    /// Visits some entries, and returns the cursor for the next call.
    pub(crate) fn scan(&self, cursor: u64, mut each: impl FnMut(u64)) -> u64 {
        let mut visit = |buckets: &[Vec<u64>], number| {
            buckets[bucket(buckets, number)].iter().for_each(|hash| each(*hash));
        };
        if self.to.is_empty() {
            visit(&self.from, cursor);
            return next(&self.from, cursor);
        }
        let is_growing = self.from.len() < self.to.len();
        let (small, large) = if is_growing { (&self.from, &self.to) } else { (&self.to, &self.from) };
        visit(small, cursor);
        // The entries of this bucket may also be in the buckets of the large array with the same last bits.
        let mut other = bucket(large, cursor);
        while other < large.len() {
            visit(large, other as u64);
            other += small.len();
        }
        next(small, cursor)
    }
}
