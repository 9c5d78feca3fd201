//! Operations on one entry: insert, replace and remove. In O(n), n stands for the length of the list.

use crate::buffer::Buffer;
use crate::editor::Editor;
use crate::entry::{self, Entry};
use crate::format::{COUNT_UNKNOWN, HEADER_LEN};
use crate::value::Value;
use crate::view::Offset;
use common::ReserveError;

impl<B: Buffer> Editor<B> {
    /// Adds `value` at the end. O(1), plus the time to grow the block. In C: `lpAppend`, `lpAppendInteger`.
    #[inline]
    pub fn try_push_back<'a>(&mut self, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        self.try_insert(self.body().len(), value.into())
    }

    /// Adds `value` at the beginning. O(n). In C: `lpPrepend`.
    pub fn try_push_front<'a>(&mut self, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        self.try_insert(HEADER_LEN, value.into())
    }

    /// Adds `value` in front of the entry at `offset`, or at the end if the list ends before `offset`.
    /// Returns the offset of the new entry. In the first case, this is `offset` itself. O(n). In C:
    /// `lpInsert` with `LP_BEFORE`.
    pub fn try_insert_before<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<Offset, ReserveError> {
        let at = offset.at().min(self.body().len());
        self.try_insert(at, value.into())?;
        Ok(Offset::new(at))
    }

    /// Adds `value` after the entry at `offset`, or at the end of the list if there is no such entry.
    /// Returns the offset of the new entry. O(n). In C: `lpInsert` with `LP_AFTER`.
    pub fn try_insert_after<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<Offset, ReserveError> {
        let body = self.body();
        let at = entry::skip(body, offset.at()).unwrap_or(body.len());
        self.try_insert(at, value.into())?;
        Ok(Offset::new(at))
    }

    /// Replaces the entry at `offset` by `value`. The new entry has the same offset. Returns `false` if there
    /// is no entry at `offset`. O(1) if both entries have the same number of bytes, and otherwise O(n). In C:
    /// `lpReplace`.
    pub fn try_replace<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<bool, ReserveError> {
        let at = offset.at();
        let Some(next) = entry::skip(self.body(), at) else { return Ok(false) };
        self.try_write(at, next - at, &Entry::new(value.into()))?;
        Ok(true)
    }

    /// Removes the entry at `offset`, if there is one. Returns the offset of the next entry, which is then
    /// `offset` itself, or `None` if there is no next entry. O(n). In C: `lpDelete`.
    pub fn remove(&mut self, offset: Offset) -> Option<Offset> {
        let next = entry::skip(self.body(), offset.at())?;
        self.remove_bytes(offset.at(), next, 1);
        (offset.at() < self.body().len()).then_some(offset)
    }

    #[inline]
    fn try_insert(&mut self, at: usize, value: Value<'_>) -> Result<(), ReserveError> {
        self.try_write(at, 0, &Entry::new(value))?;
        self.add_to_count(1);
        Ok(())
    }

    /// Replaces `removed` bytes by an entry.
    #[inline]
    fn try_write(&mut self, at: usize, removed: usize, entry: &Entry<'_>) -> Result<(), ReserveError> {
        self.buffer.try_splice(at, removed, entry.len(), |gap| entry.write(gap))
    }

    /// Removes the bytes `from..to`, and subtracts `n` from the count.
    pub(crate) fn remove_bytes(&mut self, from: usize, to: usize, n: usize) {
        // Removing fails only in a room that breaks its contract. Nothing is removed then.
        if self.buffer.try_splice(from, to - from, 0, |_| ()).is_ok() {
            self.subtract_from_count(n);
        }
    }

    /// Adds `n` to the count. The count becomes unknown if it reaches 65,535.
    #[inline]
    pub(crate) fn add_to_count(&mut self, n: usize) {
        let count = usize::from(self.buffer.count()).saturating_add(n);
        self.buffer.set_count(u16::try_from(count).unwrap_or(COUNT_UNKNOWN));
    }

    /// Subtracts `n` from the count. A count that is unknown stays unknown.
    #[inline]
    fn subtract_from_count(&mut self, n: usize) {
        let count = self.buffer.count();
        if count != COUNT_UNKNOWN {
            self.buffer.set_count(usize::from(count).saturating_sub(n) as u16);
        }
    }
}
