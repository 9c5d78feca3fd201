//! Operations on many entries. Each operation moves the bytes in one pass and resizes the block at most once.
//! The only exception is an iterator that runs twice and yields fewer bytes the second time: see [`Editor`].
//!
//! In O(n) and O(len), n and len stand for the length of the list, unless a method says otherwise.

use crate::buffer::Buffer;
use crate::editor::Editor;
use crate::entry::{self, Entry, encoded_len};
use crate::format::{BYTE_LEN_MAX, HEADER_LEN};
use crate::value::Value;
use crate::view::{Offset, View};
use common::ReserveError;

impl<B: Buffer> Editor<B> {
    /// Adds the values at the end, and grows the block once. O(n) for n values. In C: `lpBatchAppend`.
    ///
    /// The iterator is cloned and runs twice. The first run adds up the sizes of the entries, and the second
    /// run writes the entries.
    ///
    /// # Panics
    /// If the iterator panics, or if the values of its second run need more bytes than those of the first
    /// run. The list is then unchanged.
    pub fn try_extend<'a>(
        &mut self,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        self.try_extend_at(self.body().len(), values)
    }

    /// Inserts the values in front of the entry at `offset`, and grows the block once. The first new entry is
    /// then at `offset`. If the list ends before `offset`, the values are added at the end. O(len).
    ///
    /// # Panics
    /// In the same cases as [`try_extend`](Self::try_extend).
    pub fn try_insert_all_before<'a>(
        &mut self,
        offset: Offset,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        self.try_extend_at(offset.at().min(self.body().len()), values)
    }

    fn try_extend_at<'a>(
        &mut self,
        at: usize,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        /// Removes the bytes `from..to` when it is dropped. These are the new bytes that are not valid
        /// entries. Until all entries are written, the range covers all of the new bytes.
        struct Trim<'a, B: Buffer> {
            list: &'a mut Editor<B>,
            from: usize,
            to: usize,
        }
        impl<B: Buffer> Drop for Trim<'_, B> {
            fn drop(&mut self) {
                // A room that breaks its contract may have fewer bytes. `remove_bytes` would then panic, and
                // a panic while another one unwinds aborts the process.
                if self.from < self.to && self.to <= self.list.body().len() {
                    self.list.remove_bytes(self.from, self.to, 0);
                }
            }
        }
        let values = values.into_iter();
        let len = values.clone().fold(0usize, |len, value| len.saturating_add(encoded_len(value)));
        // There are no new bytes until `try_splice` calls the closure.
        let trim = &mut Trim { list: self, from: at, to: at };
        let (mut count, mut written) = (0, 0);
        let to = &mut trim.to;
        trim.list.buffer.try_splice(at, 0, len, |gap| {
            *to = at + len;
            for value in values {
                let entry = Entry::new(value.into());
                entry.write(gap);
                (count, written) = (count + 1, written + entry.len());
            }
        })?;
        trim.from += written;
        trim.list.add_to_count(count);
        Ok(())
    }

    /// Replaces all entries by the entries of `other`.
    pub(crate) fn try_assign(&mut self, other: &View) -> Result<(), ReserveError> {
        let (removed, entries) = (self.body().len() - HEADER_LEN, &other.body()[HEADER_LEN..]);
        self.buffer.try_splice(HEADER_LEN, removed, entries.len(), |gap| gap.write(entries))?;
        self.buffer.set_count(0);
        self.add_to_count(other.known_len().unwrap_or(BYTE_LEN_MAX));
        Ok(())
    }

    /// Adds `count` entries at the end, from their bytes.
    pub(crate) fn try_append_bytes(&mut self, bytes: &[u8], count: usize) -> Result<(), ReserveError> {
        self.buffer.try_splice(self.body().len(), 0, bytes.len(), |gap| gap.write(bytes))?;
        self.add_to_count(count);
        Ok(())
    }

    /// Moves `n` entries, beginning with the one at `offset`, in front of the entry at `before`. Moves them
    /// to the end if `before` is `None`. Does not allocate. O(len).
    ///
    /// Moves nothing if there are fewer than `n` entries from `offset` on, or if `before` is the offset of
    /// one of them.
    pub fn move_before(&mut self, offset: Offset, n: usize, before: Option<Offset>) {
        let (body, from) = (self.body(), offset.at());
        let Some(to) = (0..n).try_fold(from, |at, _| entry::skip(body, at)).filter(|_| n > 0) else { return };
        let target = before.map_or(body.len(), |before| before.at().min(body.len()));
        // From here on, positions count from the end of the header.
        let [from, to, target] = [from, to, target].map(|at| at - HEADER_LEN);
        let entries = self.buffer.entries_mut();
        if target <= from {
            entries[target..to].rotate_right(to - from);
        } else if to <= target {
            entries[from..target].rotate_left(to - from);
        }
    }

    /// Removes up to `n` entries, beginning with the one at `offset`. Returns how many were removed. O(len).
    /// In C: `lpDeleteRangeWithEntry`.
    pub fn remove_run(&mut self, offset: Offset, n: usize) -> usize {
        let (from, mut to, mut removed) = (offset.at(), offset.at(), 0);
        while removed < n
            && let Some(next) = entry::skip(self.body(), to)
        {
            (to, removed) = (next, removed + 1);
        }
        if removed > 0 {
            self.remove_bytes(from, to, removed);
        }
        removed
    }

    /// Removes up to `n` entries, beginning with the one at `index`. Returns how many were removed. O(len).
    /// In C: `lpDeleteRange`.
    pub fn remove_range(&mut self, index: usize, n: usize) -> usize {
        let first = isize::try_from(index).ok().and_then(|index| self.seek(index));
        first.map_or(0, |first| self.remove_run(first, n))
    }

    /// Removes the entries at `offsets` in one pass, and returns how many were removed. O(len). In C:
    /// `lpBatchDelete`.
    ///
    /// The offsets must ascend. An offset is skipped if it is before the end of the last removed entry, or if
    /// no entry can be read there.
    pub fn remove_many(&mut self, offsets: &[Offset]) -> usize {
        // All entries before `read` have been handled. Those that stay have moved to the front and end at
        // `write`.
        let (mut read, mut write, mut removed) = (HEADER_LEN, HEADER_LEN, 0);
        for offset in offsets {
            let at = offset.at();
            // The entries from `read` on have not moved yet, so `at` is still valid.
            let Some(next) = entry::skip(self.body(), at).filter(|_| at >= read) else { continue };
            let entries = self.buffer.entries_mut();
            entries.copy_within(read - HEADER_LEN..at - HEADER_LEN, write - HEADER_LEN);
            write += at - read;
            (read, removed) = (next, removed + 1);
        }
        if removed > 0 {
            self.remove_bytes(write, read, removed);
        }
        removed
    }

    /// Keeps the first `len` entries and removes the others. O(n).
    pub fn truncate(&mut self, len: usize) {
        let Some(from) = isize::try_from(len).ok().and_then(|index| self.seek(index)) else { return };
        self.truncate_at(from.at(), len);
    }

    /// Removes the entries from the position `at` on. `len` is the number of entries that stay.
    pub(crate) fn truncate_at(&mut self, at: usize, len: usize) {
        self.remove_bytes(at, self.body().len(), 0);
        self.buffer.set_count(0);
        self.add_to_count(len);
    }

    /// Removes all entries. O(1), plus the time that the room takes to remove the bytes.
    pub fn clear(&mut self) {
        self.truncate_at(HEADER_LEN, 0);
    }
}
