//! Taking entries out of a table: one at a time those that a closure picks, or all of them, chunk by chunk.
//!
//! A removal moves the last entry of the chunk's chain into the hole, if there is a chain, and no other entry. So what has been
//! looked at and kept stays where it is, before the hole, and what has not comes after: the number kept in
//! the chunk says where to go on, and a fresh walk over the chunk gets there.

use crate::iter::RawIter;
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

    /// Takes about `n` entries out, gives each to `each`, and gives up their chunks. Says whether anything is left; with the last chunk
    /// the table's memory goes too. For emptying a table in steps, which [`clear`](Self::clear) does all at once: no entry moves, nothing
    /// is hashed, and no memory is needed, whatever the resize policy. Forgets what was reserved.
    ///
    /// A call ends with the chunk in which it has done `n` pieces of work: an entry is one, and so is a chunk, be it empty. A chunk has
    /// about ten entries. If `each` panics, the rest of the chunk is dropped.
    ///
    /// O(`n`), and now and then the giving back of a step of memory, 256 KiB at most.
    ///
    /// ```
    /// let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = dict::Table::new();
    /// # for n in 0..1000_u64 { table.insert_unique(hash(&n), n, hash); }
    /// let mut sum = 0;
    /// while table.pop_chunks(100, |n| sum += n) {
    ///     // Something else may happen here.
    /// }
    /// assert_eq!((sum, table.len(), table.allocation_size()), (499_500, 0, 0));
    /// ```
    pub fn pop_chunks(&mut self, n: usize, mut each: impl FnMut(T)) -> bool {
        self.pop_some(n, |chunk| {
            let work = chunk.size_hint().0;
            chunk.for_each(&mut each);
            work
        })
    }

    /// Has `empty` empty chunks until `n` pieces of work are done, one for each chunk and what `empty` answers, and says whether anything
    /// is left.
    fn pop_some(&mut self, n: usize, mut empty: impl FnMut(PoppedChunk<'_, T>) -> usize) -> bool {
        let mut work = 0;
        while work < n.max(1)
            && let Some(chunk) = self.raw.pop_chunk()
        {
            work += 1 + empty(chunk);
        }
        self.raw.chunks() > 0
    }

    /// Drops about `n` entries and gives back the table with the others; `None` when that was all. For dropping a large table without a
    /// pause. Work is counted as in [`pop_chunks`](Self::pop_chunks), but for entries that [need no drop](needs_drop): they are none, so that
    /// `n` chunks of them go. In C: what `dictEmpty` does between two calls of its callback.
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
        let work = |chunk: PoppedChunk<'_, T>| if needs_drop::<T>() { chunk.size_hint().0 } else { 0 };
        self.pop_some(n, work).then_some(self)
    }
}

impl<T, F: FnMut(&mut T) -> bool> Iterator for ExtractIf<'_, T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while self.chunk < self.table.chunks() {
            let rest = self.rest.get_or_insert_with(|| {
                // SAFETY: a live chunk.
                let mut entries = unsafe { self.table.iter_chunk(self.chunk) };
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
