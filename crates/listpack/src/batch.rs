//! Many entries at once, moving bytes and blocks once.

use crate::buffer::Buffer;
use crate::editor::Editor;
use crate::entry::{self, Entry, encoded_len};
use crate::format::{BYTE_LEN_MAX, HEADER_LEN};
use crate::value::Value;
use crate::view::{Offset, View};
use common::ReserveError;

impl<B: Buffer> Editor<B> {
    /// Adds the values at the end, growing the block once. O(n) for n values. In C: `lpBatchAppend`.
    ///
    /// # Panics
    /// If the iterator does, or if a clone of it yields longer values than it did; the list is then as it was.
    pub fn try_extend<'a>(
        &mut self,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        self.try_extend_at(self.body().len(), values)
    }

    /// Puts the values in front of the entry at `offset`, where the first of them is then. O(len), moving bytes and block
    /// once.
    ///
    /// # Panics
    /// As [`try_extend`](Self::try_extend).
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
        /// Removes the new bytes that are not entries: all of them, until the entries are known to be whole.
        struct Trim<'a, B: Buffer> {
            list: &'a mut Editor<B>,
            from: usize,
            to: usize,
        }
        impl<B: Buffer> Drop for Trim<'_, B> {
            fn drop(&mut self) {
                // A room that lies may have fewer bytes, and a second panic would be an abort.
                if self.from < self.to && self.to <= self.list.body().len() {
                    self.list.cut(self.from, self.to, 0);
                }
            }
        }
        let values = values.into_iter();
        let len = values.clone().fold(0usize, |len, value| len.saturating_add(encoded_len(value)));
        // Until there is room, there are no new bytes.
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
        trim.list.count_added(count);
        Ok(())
    }

    /// Puts the entries of `other` in the place of all entries.
    pub(crate) fn try_assign(&mut self, other: &View) -> Result<(), ReserveError> {
        let (removed, entries) = (self.body().len() - HEADER_LEN, &other.body()[HEADER_LEN..]);
        self.buffer.try_splice(HEADER_LEN, removed, entries.len(), |gap| gap.write(entries))?;
        self.buffer.set_count(0);
        self.count_added(other.known_len().unwrap_or(BYTE_LEN_MAX));
        Ok(())
    }

    /// Adds the bytes of `count` entries at the end.
    pub(crate) fn try_append_bytes(&mut self, bytes: &[u8], count: usize) -> Result<(), ReserveError> {
        self.buffer.try_splice(self.body().len(), 0, bytes.len(), |gap| gap.write(bytes))?;
        self.count_added(count);
        Ok(())
    }

    /// Moves `n` entries, of which the first is at `offset`, in front of the entry at `before`, or to the end. Needs no memory.
    /// O(len). If there are fewer of them, or `before` is one of them, nothing is moved.
    pub fn move_before(&mut self, offset: Offset, n: usize, before: Option<Offset>) {
        let (body, from) = (self.body(), offset.at());
        let Some(to) = (0..n).try_fold(from, |at, _| entry::skip(body, at)).filter(|_| n > 0) else { return };
        let target = before.map_or(body.len(), |before| before.at().min(body.len()));
        // Positions in the entries, which begin behind the header.
        let [from, to, target] = [from, to, target].map(|at| at - HEADER_LEN);
        let entries = self.buffer.entries_mut();
        if target <= from {
            entries[target..to].rotate_right(to - from);
        } else if to <= target {
            entries[from..target].rotate_left(to - from);
        }
    }

    /// Removes `n` entries, of which the first is at `offset`, or as many as there are, and returns how many they were. O(len).
    /// In C: `lpDeleteRangeWithEntry`.
    pub fn remove_run(&mut self, offset: Offset, n: usize) -> usize {
        let (from, mut to, mut removed) = (offset.at(), offset.at(), 0);
        while removed < n
            && let Some(next) = entry::skip(self.body(), to)
        {
            (to, removed) = (next, removed + 1);
        }
        if removed > 0 {
            self.cut(from, to, removed);
        }
        removed
    }

    /// Removes the entries from `index` on, `n` of them or as many as there are, and returns how many they were. O(len). In C:
    /// `lpDeleteRange`.
    pub fn remove_range(&mut self, index: usize, n: usize) -> usize {
        let first = isize::try_from(index).ok().and_then(|index| self.seek(index));
        first.map_or(0, |first| self.remove_run(first, n))
    }

    /// Removes the entries at `offsets`, which ascend, in one pass, and returns how many they were. An offset that does not
    /// ascend, or where there is no entry, is skipped. O(len). In C: `lpBatchDelete`.
    pub fn remove_many(&mut self, offsets: &[Offset]) -> usize {
        // Up to `read` all bytes have been judged, and those that stay are at the front, up to `write`.
        let (mut read, mut write, mut removed) = (HEADER_LEN, HEADER_LEN, 0);
        for offset in offsets {
            let at = offset.at();
            // What follows `read` has not moved yet, so the entry still stands where it did.
            let Some(next) = entry::skip(self.body(), at).filter(|_| at >= read) else { continue };
            let entries = self.buffer.entries_mut();
            entries.copy_within(read - HEADER_LEN..at - HEADER_LEN, write - HEADER_LEN);
            write += at - read;
            (read, removed) = (next, removed + 1);
        }
        if removed > 0 {
            self.cut(write, read, removed);
        }
        removed
    }

    /// Removes all entries but the first `len`. O(n).
    pub fn truncate(&mut self, len: usize) {
        let Some(from) = isize::try_from(len).ok().and_then(|index| self.seek(index)) else { return };
        self.drop_tail(from.at(), len);
    }

    /// Removes the bytes from `at` on, in front of which there are `len` entries.
    pub(crate) fn drop_tail(&mut self, at: usize, len: usize) {
        self.cut(at, self.body().len(), 0);
        self.buffer.set_count(0);
        self.count_added(len);
    }

    /// Removes all entries. O(1), but for what the room does with the bytes.
    pub fn clear(&mut self) {
        self.drop_tail(HEADER_LEN, 0);
    }
}
