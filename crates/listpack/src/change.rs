//! What changes a [`ListPack`]: the operations of its [`Editor`](crate::Editor), and their forms with the OOM handler.

use crate::list::ListPack;
use crate::value::Value;
use crate::view::Offset;
use common::{ReserveError, Room};
use zmalloc::or_oom;

/// One entry.
impl<R: Room> ListPack<R> {
    /// Adds `value` at the end. O(1), but for the block. In C: `lpAppend`, `lpAppendInteger`.
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.push_back("12"); // kept as an integer: 2 bytes
    /// list.push_back("twelve");
    /// assert_eq!(list.byte_len(), 6 + 2 + 8 + 1);
    /// ```
    #[inline]
    pub fn push_back<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push_back(value));
    }

    /// [`push_back`](Self::push_back) that returns an error, the list then as it was.
    #[inline]
    pub fn try_push_back<'a>(&mut self, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        self.editor.try_push_back(value)
    }

    /// Adds `value` at the beginning. O(n). In C: `lpPrepend`.
    pub fn push_front<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push_front(value));
    }

    /// [`push_front`](Self::push_front) that returns an error, the list then as it was.
    pub fn try_push_front<'a>(&mut self, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        self.editor.try_push_front(value)
    }

    /// Adds `value` in front of the entry at `offset`, and returns where it is: at the same offset. O(n). In C: `lpInsert` with
    /// `LP_BEFORE`.
    pub fn insert_before<'a>(&mut self, offset: Offset, value: impl Into<Value<'a>>) -> Offset {
        or_oom(self.try_insert_before(offset, value))
    }

    /// [`insert_before`](Self::insert_before) that returns an error, the list then as it was.
    pub fn try_insert_before<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<Offset, ReserveError> {
        self.editor.try_insert_before(offset, value)
    }

    /// Adds `value` behind the entry at `offset`, and returns where it is; at the end of the list if there is no entry. O(n). In
    /// C: `lpInsert` with `LP_AFTER`.
    pub fn insert_after<'a>(&mut self, offset: Offset, value: impl Into<Value<'a>>) -> Offset {
        or_oom(self.try_insert_after(offset, value))
    }

    /// [`insert_after`](Self::insert_after) that returns an error, the list then as it was.
    pub fn try_insert_after<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<Offset, ReserveError> {
        self.editor.try_insert_after(offset, value)
    }

    /// Puts `value` in the place of the entry at `offset`, which stays the offset. Returns `false` if there is no entry. O(1) if
    /// both take as many bytes, else O(n). In C: `lpReplace`.
    pub fn replace<'a>(&mut self, offset: Offset, value: impl Into<Value<'a>>) -> bool {
        or_oom(self.try_replace(offset, value))
    }

    /// [`replace`](Self::replace) that returns an error, the list then as it was.
    pub fn try_replace<'a>(
        &mut self,
        offset: Offset,
        value: impl Into<Value<'a>>,
    ) -> Result<bool, ReserveError> {
        self.editor.try_replace(offset, value)
    }

    /// Removes the entry at `offset`, and returns where the next one is: at the same offset, if there is one. O(n). In C:
    /// `lpDelete`.
    pub fn remove(&mut self, offset: Offset) -> Option<Offset> {
        self.editor.remove(offset)
    }
}

/// Many entries at once.
impl<R: Room> ListPack<R> {
    /// Adds the values at the end, growing the block once. O(n) for n values. In C: `lpBatchAppend`.
    ///
    /// ```
    /// use listpack::{ListPack, Value};
    /// let mut list = ListPack::new();
    /// list.extend(["field", "12"]);
    /// assert!(list.iter().eq([Value::raw(b"field"), Value::Int(12)]));
    /// ```
    ///
    /// # Panics
    /// If the iterator does, or if a clone of it yields longer values than it did; the list is then as it was.
    pub fn extend<'a>(&mut self, values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>) {
        or_oom(self.try_extend(values));
    }

    /// [`extend`](Self::extend) that returns an error, the list then as it was.
    pub fn try_extend<'a>(
        &mut self,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        self.editor.try_extend(values)
    }

    /// Puts the values in front of the entry at `offset`, where the first of them is then. O(len), moving bytes and block
    /// once.
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.extend(["b", "2"]);
    /// list.insert_all_before(list.first().unwrap(), ["a", "1"]);
    /// assert!(list.iter().eq(["a", "1", "b", "2"].map(listpack::Value::from)));
    /// ```
    ///
    /// # Panics
    /// As [`extend`](Self::extend).
    pub fn insert_all_before<'a>(
        &mut self,
        offset: Offset,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) {
        or_oom(self.try_insert_all_before(offset, values));
    }

    /// [`insert_all_before`](Self::insert_all_before) that returns an error, the list then as it was.
    pub fn try_insert_all_before<'a>(
        &mut self,
        offset: Offset,
        values: impl IntoIterator<Item: Into<Value<'a>>, IntoIter: Clone>,
    ) -> Result<(), ReserveError> {
        self.editor.try_insert_all_before(offset, values)
    }

    /// Moves `n` entries, of which the first is at `offset`, in front of the entry at `before`, or to the end. Needs no memory.
    /// O(len). If there are fewer of them, or `before` is one of them, nothing is moved.
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

    /// Removes `n` entries, of which the first is at `offset`, or as many as there are, and returns how many they were. O(len).
    /// In C: `lpDeleteRangeWithEntry`.
    pub fn remove_run(&mut self, offset: Offset, n: usize) -> usize {
        self.editor.remove_run(offset, n)
    }

    /// Removes the entries from `index` on, `n` of them or as many as there are, and returns how many they were. O(len). In C:
    /// `lpDeleteRange`.
    pub fn remove_range(&mut self, index: usize, n: usize) -> usize {
        self.editor.remove_range(index, n)
    }

    /// Removes the entries at `offsets`, which ascend, in one pass, and returns how many they were. An offset that does not
    /// ascend, or where there is no entry, is skipped. O(len). In C: `lpBatchDelete`.
    pub fn remove_many(&mut self, offsets: &[Offset]) -> usize {
        self.editor.remove_many(offsets)
    }

    /// Removes all entries but the first `len`. O(n).
    pub fn truncate(&mut self, len: usize) {
        self.editor.truncate(len);
    }
}
