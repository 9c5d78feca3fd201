//! A walk over the chunks in the order of memory, for callers that go round and round.

use crate::table::Table;

impl<T> Table<T> {
    /// Hands the entries of chunk number `chunk` to `each`, and returns the number of the next chunk: 0 after
    /// the last. A number beyond the table is that of the first chunk. O(entries of the chunk).
    ///
    /// For a search that takes up where the last one stopped, such as the hand of a clock: chunks that follow
    /// each other lie next to each other in memory, and the next one is prefetched. Unlike
    /// [`scan`](Self::scan), a walk promises nothing about entries that move while the table changes its
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

    /// [`walk`](Self::walk) over the entries whose mark is set.
    pub fn walk_marked<'a>(&'a self, chunk: usize, each: impl FnMut(&'a T)) -> usize {
        self.walk_slots(chunk, true, each)
    }

    fn walk_slots<'a>(&'a self, chunk: usize, only_marked: bool, mut each: impl FnMut(&'a T)) -> usize {
        let chunks = self.raw.chunks();
        let chunk = if chunk < chunks { chunk } else { 0 };
        let next = if chunk + 1 < chunks { chunk + 1 } else { 0 };
        // SAFETY: live chunks, or the empty one; the occupied slots of a table that is borrowed and does not
        // change.
        unsafe {
            self.raw.chunk(next).prefetch_all();
            for slot in self.raw.iter_chunk(chunk, only_marked) {
                each(slot.entry.as_ref());
            }
        }
        next
    }
}
