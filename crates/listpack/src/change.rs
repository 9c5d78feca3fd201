//! The methods that change a [`ListPack`]. They call its [`Editor`](crate::Editor). The forms without `try_`
//! call the OOM handler instead of returning an error. A list that would be longer than
//! [`BYTE_LEN_MAX`](crate::BYTE_LEN_MAX) causes an error in the same way as missing memory.
//!
//! In O(n) and O(len), n and len stand for the length of the list, unless a method says otherwise.

use crate::list::ListPack;
use crate::value::Value;
use crate::view::Offset;
use common::{ReserveError, Room};
use zmalloc::or_oom;

/// Operations on one entry.
impl<R: Room> ListPack<R> {
    /// Adds `value` at the end. O(1), plus the time to grow the block. In C: `lpAppend`, `lpAppendInteger`.
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.push_back("12"); // stored as an integer, in two bytes
    /// list.push_back("twelve");
    /// assert_eq!(list.byte_len(), 6 + 2 + 8 + 1);
    /// ```
    #[inline]
    pub fn push_back<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push_back(value));
    }

    /// Like [`push_back`](Self::push_back), but returns an error if there is no memory, and leaves the list
    /// unchanged.
    #[inline]
    pub fn try_push_back<'a>(&mut self, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        self.editor.try_push_back(value)
    }

    /// Adds `value` at the beginning. O(n). In C: `lpPrepend`.
    pub fn push_front<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push_front(value));
    }

    /// Like [`push_front`](Self::push_front), but returns an error if there is no memory, and leaves the list
    /// unchanged.
    pub fn try_push_front<'a>(&mut self, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        self.editor.try_push_front(value)
    }

    /// Adds `value` in front of the entry at `offset`, or at the end if the list ends before `offset`.
    /// Returns the offset of the new entry. In the first case, this is `offset` itself. O(n). In C:
    /// `lpInsert` with `LP_BEFORE`.
    pub fn insert_before<'a>(&mut self, offset: Offset, value: impl Into<Value<'a>>) -> Offset {
        or_oom(self.try_insert_before(offset, value))
    }

    /// Like [`insert_before`](Self::insert_before), but returns an error if there is no memory, and leaves
    /// the list unchanged.
    pub fn try_insert_before<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<Offset, ReserveError> {
        self.editor.try_insert_before(offset, value)
    }

    /// Adds `value` after the entry at `offset`, or at the end of the list if there is no such entry.
    /// Returns the offset of the new entry. O(n). In C: `lpInsert` with `LP_AFTER`.
    pub fn insert_after<'a>(&mut self, offset: Offset, value: impl Into<Value<'a>>) -> Offset {
        or_oom(self.try_insert_after(offset, value))
    }

    /// Like [`insert_after`](Self::insert_after), but returns an error if there is no memory, and leaves the
    /// list unchanged.
    pub fn try_insert_after<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<Offset, ReserveError> {
        self.editor.try_insert_after(offset, value)
    }

    /// Replaces the entry at `offset` by `value`. The new entry has the same offset. Returns `false` if there
    /// is no entry at `offset`. O(1) if both entries have the same number of bytes, and otherwise O(n). In C:
    /// `lpReplace`.
    pub fn replace<'a>(&mut self, offset: Offset, value: impl Into<Value<'a>>) -> bool {
        or_oom(self.try_replace(offset, value))
    }

    /// Like [`replace`](Self::replace), but returns an error if there is no memory, and leaves the list
    /// unchanged.
    pub fn try_replace<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<bool, ReserveError> {
        self.editor.try_replace(offset, value)
    }

    /// Removes the entry at `offset`, if there is one. Returns the offset of the next entry, which is then
    /// `offset` itself, or `None` if there is no next entry. O(n). In C: `lpDelete`.
    pub fn remove(&mut self, offset: Offset) -> Option<Offset> {
        self.editor.remove(offset)
    }
}

/// Operations on many entries. Each of them moves the bytes in one pass and resizes the block at most once.
/// The only exception is an iterator whose second run is shorter: see [`Editor`](crate::Editor).
impl<R: Room> ListPack<R> {
    /// Adds the values at the end, and grows the block once. O(n) for n values. In C: `lpBatchAppend`.
    ///
    /// The iterator is cloned and runs twice. The first run adds up the sizes of the entries, and the second
    /// run writes the entries.
    ///
    /// ```
    /// use listpack::{ListPack, Value};
    /// let mut list = ListPack::new();
    /// list.extend(["field", "12"]);
    /// assert!(list.iter().eq([Value::raw(b"field"), Value::Int(12)]));
    /// ```
    ///
    /// # Panics
    /// If the iterator panics, or if the values of its second run need more bytes than those of the first
    /// run. The list is then unchanged.
    pub fn extend<'a>(&mut self, values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>) {
        or_oom(self.try_extend(values));
    }

    /// Like [`extend`](Self::extend), but returns an error if there is no memory, and leaves the list
    /// unchanged.
    pub fn try_extend<'a>(
        &mut self,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        self.editor.try_extend(values)
    }

    /// Inserts the values in front of the entry at `offset`, and grows the block once. The first new entry is
    /// then at `offset`. If the list ends before `offset`, the values are added at the end. O(len).
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.extend(["b", "2"]);
    /// list.insert_all_before(list.first().unwrap(), ["a", "1"]);
    /// assert!(list.iter().eq(["a", "1", "b", "2"].map(listpack::Value::from)));
    /// ```
    ///
    /// # Panics
    /// In the same cases as [`extend`](Self::extend).
    pub fn insert_all_before<'a>(
        &mut self,
        offset: Offset,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) {
        or_oom(self.try_insert_all_before(offset, values));
    }

    /// Like [`insert_all_before`](Self::insert_all_before), but returns an error if there is no memory, and
    /// leaves the list unchanged.
    pub fn try_insert_all_before<'a>(
        &mut self,
        offset: Offset,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        self.editor.try_insert_all_before(offset, values)
    }

    /// Moves `n` entries, beginning with the one at `offset`, in front of the entry at `before`. Moves them
    /// to the end if `before` is `None`. Does not allocate. O(len).
    ///
    /// Moves nothing if there are fewer than `n` entries from `offset` on, or if `before` is the offset of
    /// one of them.
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.extend(["a", "1", "b", "2", "c", "3"]);
    /// list.move_before(list.first().unwrap(), 2, list.seek(4));
    /// assert!(list.iter().eq(["b", "2", "a", "1", "c", "3"].map(listpack::Value::from)));
    /// ```
    pub fn move_before(&mut self, offset: Offset, n: usize, before: Option<Offset>) {
        self.editor.move_before(offset, n, before);
    }

    /// Removes up to `n` entries, beginning with the one at `offset`. Returns how many were removed. O(len).
    /// In C: `lpDeleteRangeWithEntry`.
    pub fn remove_run(&mut self, offset: Offset, n: usize) -> usize {
        self.editor.remove_run(offset, n)
    }

    /// Removes up to `n` entries, beginning with the one at `index`. Returns how many were removed. O(len).
    /// In C: `lpDeleteRange`.
    pub fn remove_range(&mut self, index: usize, n: usize) -> usize {
        self.editor.remove_range(index, n)
    }

    /// Removes the entries at `offsets` in one pass, and returns how many were removed. O(len). In C:
    /// `lpBatchDelete`.
    ///
    /// The offsets must ascend. An offset is skipped if it is not greater than the one before it, or if there
    /// is no entry at it.
    pub fn remove_many(&mut self, offsets: &[Offset]) -> usize {
        self.editor.remove_many(offsets)
    }

    /// Keeps the first `len` entries and removes the others. O(n).
    pub fn truncate(&mut self, len: usize) {
        self.editor.truncate(len);
    }
}
