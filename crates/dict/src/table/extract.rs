//! Removal of entries in bulk. [`ExtractIf`] removes the entries that a closure picks, one at a time.
//! [`Table::pop_chunks`] removes all entries, chunk by chunk.
//!
//! If the chunk has children, `ExtractIf` moves the last entry of the last child into the hole that a removal
//! leaves. It moves no other entry. Entries that were visited and kept therefore stay before the hole, and
//! the entries that were not visited come after them. The number of kept entries of a chunk tells where to
//! continue: a new iterator over the chunk skips that many.

use crate::raw::RawIter;
use crate::raw::{PoppedChunk, RawTable};
use crate::table::Table;
use core::mem::needs_drop;

/// An iterator that removes the entries of a [`Table`] that a closure picks. The others stay. See
/// [`Table::extract_if`].
#[must_use = "entries are taken out as the iterator is asked for them"]
pub struct ExtractIf<'a, T, F> {
    table: &'a mut RawTable<T>,
    pick: F,
    /// The index of the current chunk.
    chunk: usize,
    /// The entries of that chunk that were not visited. `None` until the iterator enters the chunk, and after
    /// each removal.
    rest: Option<RawIter<T>>,
    /// The number of entries of that chunk that were visited and kept.
    kept: usize,
    /// The number of entries that were not visited.
    left: usize,
}

// SAFETY: `rest` is a place in the table, which is borrowed for writing and whose entries may be sent.
unsafe impl<T: Send, F: Send> Send for ExtractIf<'_, T, F> {}
// SAFETY: through a shared reference, only the number of entries left is accessible.
unsafe impl<T: Sync, F: Sync> Sync for ExtractIf<'_, T, F> {}

impl<T> Table<T> {
    /// Returns an iterator that removes and yields the entries for which `pick` is true. An entry is removed
    /// when the iterator reaches it. Entries that it has not reached when it is dropped stay.
    ///
    /// The iterator visits each entry once and moves none between chunks. Later removals, or
    /// [`Table::rehash`], shrink the table.
    pub fn extract_if<F: FnMut(&mut T) -> bool>(&mut self, pick: F) -> ExtractIf<'_, T, F> {
        let left = self.len();
        ExtractIf { table: &mut self.raw, pick, chunk: 0, rest: None, kept: 0, left }
    }

    /// Removes about `n` entries and their chunks, and calls `each` with each entry. Returns whether the
    /// table still has chunks. The last chunk takes all the memory of the table with it.
    ///
    /// This empties a table in steps, which [`clear`](Self::clear) does all at once. No entry changes its
    /// chunk, nothing is hashed, and no memory is needed, whatever the resize policy is. The table no longer
    /// keeps a reserved capacity.
    ///
    /// A call ends with the chunk in which it reaches `n` pieces of work, and removes at least one chunk.
    /// Each entry is one piece of work. Each chunk is one more, even if it is empty, and one more per 4 KiB
    /// of its slots. A chunk has about ten entries. If `each` panics, the rest of the chunk is dropped.
    ///
    /// `ahead` is called for all entries of a chunk before the first of them is taken. If entries are
    /// pointers, `ahead` can prefetch what they point to with [`prefetch`](crate::prefetch::prefetch), so
    /// that their cache misses overlap. Otherwise it has nothing to do (`|_| ()`).
    ///
    /// O(`n` + entries of the last chunk). The memory of the chunks is freed in steps of at most 256 KiB, or
    /// of one chunk if a chunk is larger.
    ///
    /// ```
    /// let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = dict::Table::new();
    /// for n in 0..1000 {
    ///     table.insert_unique(hash(&n), n, hash);
    /// }
    /// let mut sum = 0;
    /// while table.pop_chunks(100, |_| (), |n| sum += n) {
    ///     // Something else may happen here.
    /// }
    /// assert_eq!((sum, table.len(), table.allocation_size()), (499_500, 0, 0));
    /// ```
    pub fn pop_chunks(&mut self, n: usize, mut ahead: impl FnMut(&T), mut each: impl FnMut(T)) -> bool {
        self.pop_until(n, |chunk| {
            let entries = chunk.len();
            chunk.peek_all(&mut ahead);
            chunk.for_each(&mut each);
            entries
        })
    }

    /// Pops chunks until `n` pieces of work are done. The work is that of each chunk itself and what
    /// `consume` returns. Returns whether there are chunks left.
    fn pop_until(&mut self, n: usize, mut consume: impl FnMut(PoppedChunk<'_, T>) -> usize) -> bool {
        const PAGE: usize = 4096;
        let mut work = 0;
        while work < n.max(1)
            && let Some(chunk) = self.raw.pop_chunk()
        {
            work += 1 + RawTable::<T>::LAYOUT.stride / PAGE + consume(chunk);
        }
        self.raw.chunks() > 0
    }

    /// Drops about `n` entries and returns the table with the others, or `None` if no chunks are left. This
    /// drops a large table without a pause.
    ///
    /// Work is counted as in [`pop_chunks`](Self::pop_chunks), but entries that [need no drop](needs_drop)
    /// are not counted. A call then drops about `n` chunks of ten entries each. In C: what `dictEmpty` does
    /// between two calls of its callback.
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// # let mut table = dict::Table::new();
    /// # for n in 0..1000_u64 { table.insert_unique(hash(&n), n, hash); }
    /// let mut left = Some(table);
    /// while let Some(table) = left {
    ///     left = table.drop_in_steps(100);
    ///     // Requests are served in between.
    /// }
    /// ```
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        let drop_all = |chunk: PoppedChunk<'_, T>| {
            if !needs_drop::<T>() {
                return 0;
            }
            let entries = chunk.len();
            chunk.for_each(drop);
            entries
        };
        self.pop_until(n, drop_all).then_some(self)
    }
}

impl<T, F: FnMut(&mut T) -> bool> Iterator for ExtractIf<'_, T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while self.chunk < self.table.chunks() {
            let rest = self.rest.get_or_insert_with(|| {
                // SAFETY: the chunk is live.
                let mut entries = unsafe { self.table.iter_chunk(self.chunk, false) };
                entries.by_ref().take(self.kept).for_each(drop);
                entries
            });
            let Some(slot) = rest.next() else {
                (self.chunk, self.rest, self.kept) = (self.chunk + 1, None, 0);
                continue;
            };
            self.left -= 1;
            // The entry counts as kept until it is picked. If `pick` panics, it stays.
            self.kept += 1;
            // SAFETY: the slot is an occupied one, and the table is borrowed for writing.
            if (self.pick)(unsafe { &mut *slot.entry.as_ptr() }) {
                (self.rest, self.kept) = (None, self.kept - 1);
                // SAFETY: the chunk is live and the slot is an occupied one of it. The iterator over it is
                // gone.
                return Some(unsafe { self.table.remove_from(self.table.chunk(self.chunk), slot) });
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<T, F: FnMut(&mut T) -> bool> core::iter::FusedIterator for ExtractIf<'_, T, F> {}

impl<T, F> core::fmt::Debug for ExtractIf<'_, T, F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ExtractIf").field("left", &self.left).finish_non_exhaustive()
    }
}
