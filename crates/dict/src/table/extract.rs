//! Taking entries out of a table: one at a time those that a closure picks, or all of them, chunk by chunk.
//!
//! A removal moves the last entry of the chunk's chain into the hole, if there is a chain, and no other entry. So what has been
//! looked at and kept stays where it is, before the hole, and what has not comes after: the number kept in
//! the chunk says where to go on, and a fresh walk over the chunk gets there.

use crate::raw::RawIter;
use crate::raw::{PoppedChunk, RawTable};
use crate::table::Table;
use core::mem::needs_drop;

/// The entries of a [`Table`] that a closure picks, by value; the others stay. See
/// [`Table::extract_if`].
#[must_use = "entries are taken out as the iterator is asked for them"]
pub struct ExtractIf<'a, T, F> {
    table: &'a mut RawTable<T>,
    pick: F,
    /// The chunk that is walked over, and its entries that have not been looked at.
    chunk: usize,
    rest: Option<RawIter<T>>,
    /// Its entries that have been looked at and kept.
    kept: usize,
    /// Entries that have not been looked at.
    left: usize,
}

// SAFETY: `rest` is a place in the table, which is borrowed for writing and whose entries may be sent.
unsafe impl<T: Send, F: Send> Send for ExtractIf<'_, T, F> {}
// SAFETY: shared, it gives out nothing but how many entries are left.
unsafe impl<T: Sync, F: Sync> Sync for ExtractIf<'_, T, F> {}

impl<T> Table<T> {
    /// Takes out the entries for which `pick` is true, each when the iterator is asked for it; those it has not come
    /// to when it is dropped stay. Looks at each entry once and moves none between chunks: later removals shrink the
    /// table, or [`Table::rehash`] does.
    pub fn extract_if<F: FnMut(&mut T) -> bool>(&mut self, pick: F) -> ExtractIf<'_, T, F> {
        let left = self.len();
        ExtractIf { table: &mut self.raw, pick, chunk: 0, rest: None, kept: 0, left }
    }

    /// Takes about `n` entries out, gives each to `each`, and gives up their chunks. Says whether the table still has chunks; with the
    /// last one all its memory goes. For emptying a table in steps, which [`clear`](Self::clear) does all at once: no entry changes its
    /// chunk, nothing is hashed, and no memory is needed, whatever the resize policy. Forgets what was reserved.
    ///
    /// A call ends with the chunk in which it reaches `n` pieces of work; it takes one chunk at least. Each entry counts one. Each chunk
    /// counts one, also an empty one, and one more for each 4 KiB of its slots. A chunk has about ten entries. If `each` panics, the
    /// rest of the chunk is dropped.
    ///
    /// `ahead` is called for all entries of a chunk before the first of them is taken. Where entries are pointers it can ask for what they
    /// point to with [`prefetch`](crate::prefetch::prefetch), so that their cache misses overlap; where they are not it has nothing to
    /// do (`|_| ()`).
    ///
    /// O(`n` + entries of the last chunk), and the giving back of the chunks' memory, in steps of 256 KiB or of a chunk.
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
            chunk.look_ahead(&mut ahead);
            chunk.for_each(&mut each);
            entries
        })
    }

    /// Pops chunks until `n` pieces of work are done, those of a chunk itself and what `consume` answers, and says whether there are
    /// chunks left.
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

    /// Drops about `n` entries and gives back the table with the others; `None` when that was all. For dropping a large table without a
    /// pause. Work is counted as in [`pop_chunks`](Self::pop_chunks), but entries that [need no drop](needs_drop) are not counted: those of
    /// about `n` chunks go, ten in each. In C: what `dictEmpty` does between two calls of its callback.
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
                // SAFETY: a live chunk.
                let mut entries = unsafe { self.table.iter_chunk(self.chunk, false) };
                entries.by_ref().take(self.kept).for_each(drop);
                entries
            });
            let Some(slot) = rest.next() else {
                (self.chunk, self.rest, self.kept) = (self.chunk + 1, None, 0);
                continue;
            };
            self.left -= 1;
            // Counted as kept until it is picked: if `pick` panics, it stays.
            self.kept += 1;
            // SAFETY: an occupied slot of a table that is borrowed for writing.
            if (self.pick)(unsafe { &mut *slot.entry.as_ptr() }) {
                (self.rest, self.kept) = (None, self.kept - 1);
                // SAFETY: a live chunk and its occupied slot; the walk over it has ended.
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
