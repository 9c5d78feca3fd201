//! Taking out the entries that somebody picks, one at a time.

use core::fmt;
use core::iter::FusedIterator;

use crate::chunk::{Chunk, Slot};
use crate::group::SLOTS;
use crate::table::Table;

/// Removes and yields the entries for which `pred` is true: what [`Table::extract_if`] answers.
pub struct ExtractIf<'a, T, F> {
    table: &'a mut Table<T>,
    pred: F,
    /// Where it is: a chunk, and a place in it, the children's behind the slots.
    chunk: usize,
    place: usize,
}

impl<T> Table<T> {
    /// An iterator that removes the entries for which `pred` is true. Those that it has not come to when it is dropped
    /// stay. Looks at each entry once; moves none between chunks: the table is shrunk by later removals or by
    /// [`Table::rehash`].
    pub fn extract_if<F: FnMut(&mut T) -> bool>(&mut self, pred: F) -> ExtractIf<'_, T, F> {
        ExtractIf { table: self, pred, chunk: 0, place: 0 }
    }
}

impl<T, F> ExtractIf<'_, T, F> {
    /// The chunk that the iterator is in and its next entry there, if it has one; steps over free slots.
    fn next_slot(&mut self) -> Option<(Chunk<T>, Slot<T>)> {
        while self.chunk < self.table.raw.chunks() {
            // SAFETY: a live chunk and its children; a slot is answered only if it holds an entry.
            unsafe {
                let chunk = self.table.raw.chunk(self.chunk);
                while self.place < SLOTS {
                    let slot = chunk.slot(self.place);
                    if slot.tag.read() != 0 {
                        return Some((chunk, slot));
                    }
                    self.place += 1;
                }
                let (mut index, mut child) = (self.place - SLOTS, chunk.child());
                while let Some(one) = child {
                    if index < one.len() {
                        return Some((chunk, one.slot(index)));
                    }
                    index -= one.len();
                    child = one.next();
                }
            }
            self.chunk += 1;
            self.place = 0;
        }
        None
    }
}

impl<T, F: FnMut(&mut T) -> bool> Iterator for ExtractIf<'_, T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while let Some((chunk, mut slot)) = self.next_slot() {
            // SAFETY: an occupied slot of this chunk, and the table is borrowed for writing. What takes its place, the
            // last entry of the chunk's children, is looked at next.
            unsafe {
                if (self.pred)(slot.entry.as_mut()) {
                    return Some(self.table.raw.remove_from(chunk, slot));
                }
            }
            self.place += 1;
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.table.len()))
    }
}

impl<T, F: FnMut(&mut T) -> bool> FusedIterator for ExtractIf<'_, T, F> {}

impl<T, F> fmt::Debug for ExtractIf<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractIf").finish_non_exhaustive()
    }
}
