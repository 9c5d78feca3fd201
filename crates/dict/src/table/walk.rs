//! A walk over the chunks in the order of memory, for callers that go round the table repeatedly.

use crate::table::Table;

impl<T> Table<T> {
    /// Calls `each` for the entries of chunk number `chunk`, and returns the number of the next chunk. After
    /// the last chunk, it returns 0. A number beyond the table stands for the first chunk. O(entries of the
    /// chunk).
    ///
    /// This is for a search that continues where the last one stopped, such as the hand of a clock.
    /// Consecutive chunks lie next to each other in memory, and the next one is prefetched. Unlike
    /// [`scan`](Self::scan), a walk guarantees nothing about entries that move while the table changes its
    /// size.
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = dict::Table::new();
    /// for n in 0..1_000_u64 {
    ///     table.insert_unique(hash(&n), n, hash);
    /// }
    /// let (mut chunk, mut sum) = (0, 0);
    /// loop {
    ///     chunk = table.walk(chunk, |n| sum += n);
    ///     if chunk == 0 {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(sum, (0..1_000).sum());
    /// ```
    pub fn walk<'a>(&'a self, chunk: usize, each: impl FnMut(&'a T)) -> usize {
        self.walk_slots(chunk, false, each)
    }

    /// Does what [`walk`](Self::walk) does, for the entries whose mark is set.
    pub fn walk_marked<'a>(&'a self, chunk: usize, each: impl FnMut(&'a T)) -> usize {
        self.walk_slots(chunk, true, each)
    }

    fn walk_slots<'a>(&'a self, chunk: usize, only_marked: bool, mut each: impl FnMut(&'a T)) -> usize {
        let chunks = self.raw.chunks();
        let chunk = if chunk < chunks { chunk } else { 0 };
        let next = if chunk + 1 < chunks { chunk + 1 } else { 0 };
        // SAFETY: both chunks are live, or they are the empty one. The slots are occupied, and the table is
        // borrowed and does not change.
        unsafe {
            self.raw.chunk(next).prefetch_all();
            for slot in self.raw.iter_chunk(chunk, only_marked) {
                each(slot.entry.as_ref());
            }
        }
        next
    }
}
