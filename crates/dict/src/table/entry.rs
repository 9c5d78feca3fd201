//! An entry of a [`Table`], or the place for one.

use core::fmt;

use crate::error::TryInsertError;
use crate::group::MARK;
use crate::raw::{Place, RawTable, Vacancy};
use crate::table::Table;

/// The result of [`Table::entry`].
pub enum Entry<'a, T> {
    /// The entry is in the table.
    Occupied(OccupiedEntry<'a, T>),
    /// The entry is not in the table. It may be added.
    Vacant(VacantEntry<'a, T>),
}

impl<'a, T> Entry<'a, T> {
    /// Adds `default()` if the entry is vacant.
    pub fn or_insert_with(self, default: impl FnOnce() -> T) -> OccupiedEntry<'a, T> {
        match self {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(entry) => entry.insert(default()),
        }
    }

    /// Calls `change` with the entry if it is occupied. `change` must not change the hash of the entry.
    pub fn and_modify(mut self, change: impl FnOnce(&mut T)) -> Self {
        if let Entry::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }

    /// Adds `default` if the entry is vacant.
    pub fn or_insert(self, default: T) -> OccupiedEntry<'a, T> {
        self.or_insert_with(|| default)
    }

    /// Does what [`Entry::or_insert_with`] does, but returns the new entry if there is no memory for it.
    pub fn try_or_insert_with(
        self,
        default: impl FnOnce() -> T,
    ) -> Result<OccupiedEntry<'a, T>, TryInsertError<T>> {
        match self {
            Entry::Occupied(entry) => Ok(entry),
            Entry::Vacant(entry) => entry.try_insert(default()),
        }
    }

    /// Does what [`Entry::or_insert`] does, but returns `default` if there is no memory for it.
    pub fn try_or_insert(self, default: T) -> Result<OccupiedEntry<'a, T>, TryInsertError<T>> {
        self.try_or_insert_with(|| default)
    }
}

/// An entry in a table.
pub struct OccupiedEntry<'a, T> {
    pub(super) table: &'a mut Table<T>,
    pub(super) place: Place<T>,
}

// SAFETY: it holds a mutable reference to the table and a place in it, and nothing else.
unsafe impl<T: Send> Send for OccupiedEntry<'_, T> {}
// SAFETY: through a shared reference, the entry is only read.
unsafe impl<T: Sync> Sync for OccupiedEntry<'_, T> {}

impl<'a, T> OccupiedEntry<'a, T> {
    /// Returns the entry.
    #[inline]
    pub fn get(&self) -> &T {
        // SAFETY: the slot is an occupied one of the table, which is borrowed.
        unsafe { self.place.slot.entry.as_ref() }
    }

    /// Returns a mutable reference to the entry. The caller must not change its hash.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: the slot is an occupied one of the table, which is borrowed for writing.
        unsafe { self.place.slot.entry.as_mut() }
    }

    /// Returns a mutable reference to the entry, for as long as the table is borrowed.
    #[inline]
    pub fn into_mut(mut self) -> &'a mut T {
        // SAFETY: the slot is an occupied one of the table, which is borrowed for writing for `'a`.
        unsafe { self.place.slot.entry.as_mut() }
    }

    /// Returns the table that contains the entry.
    pub fn table(&self) -> &Table<T> {
        self.table
    }

    /// Returns a mutable reference to the table that contains the entry.
    pub fn into_table(self) -> &'a mut Table<T> {
        self.table
    }

    /// Removes the entry and returns it. One chunk may be merged. O(1). In C: `dictDelete`.
    #[inline]
    pub fn remove(self) -> T {
        // SAFETY: the place is an occupied slot of the table and its chunk.
        unsafe { self.table.raw.remove(self.place) }
    }

    /// Removes the entry, and returns it together with its place, for another entry with the same hash. No
    /// chunk is merged.
    pub fn take(self) -> (T, VacantEntry<'a, T>) {
        // SAFETY: the place is an occupied slot of the table and its chunk.
        let (entry, vacancy) = unsafe { self.table.raw.take_from(self.place) };
        (entry, VacantEntry { table: self.table, vacancy })
    }

    /// Returns whether the mark is set. The mark of a new entry is not.
    pub fn is_marked(&self) -> bool {
        // SAFETY: the pointer leads to a tag of the table.
        unsafe { self.place.slot.tag.read() & MARK != 0 }
    }

    /// Sets or clears the mark. O(1); reads and writes the tags only.
    pub fn set_mark(&mut self, marked: bool) {
        // SAFETY: the pointer leads to a tag of the table. It stays a valid tag, because only the mark
        // changes.
        unsafe {
            let tag = self.place.slot.tag.read() & !MARK;
            self.place.slot.tag.write(if marked { tag | MARK } else { tag });
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Entry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}

impl<T> fmt::Debug for VacantEntry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VacantEntry")
    }
}

impl<T: fmt::Debug> fmt::Debug for OccupiedEntry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OccupiedEntry").field(self.get()).finish()
    }
}

/// The place for an entry that is not in the table.
pub struct VacantEntry<'a, T> {
    pub(super) table: &'a mut Table<T>,
    pub(super) vacancy: Vacancy<T>,
}

// SAFETY: it holds a mutable reference to the table and a free place in it, and nothing else.
unsafe impl<T: Send> Send for VacantEntry<'_, T> {}
// SAFETY: through a shared reference, nothing is accessible.
unsafe impl<T: Sync> Sync for VacantEntry<'_, T> {}

impl<'a, T> VacantEntry<'a, T> {
    /// Returns the table that does not contain the entry.
    pub fn into_table(self) -> &'a mut Table<T> {
        self.table
    }

    /// Adds the entry.
    #[inline]
    pub fn insert(self, entry: T) -> OccupiedEntry<'a, T> {
        match self.try_insert(entry) {
            Ok(entry) => entry,
            Err(error) => error.oom(),
        }
    }

    /// Does what [`VacantEntry::insert`] does, but returns the entry if there is no memory for it.
    #[inline]
    pub fn try_insert(self, entry: T) -> Result<OccupiedEntry<'a, T>, TryInsertError<T>> {
        // SAFETY: the vacancy was found in this table when it had a chunk. The table has been borrowed since,
        // so nothing has changed.
        match unsafe { self.table.raw.fill(self.vacancy, entry) } {
            Ok(place) => Ok(OccupiedEntry { table: self.table, place }),
            Err(entry) => Err(TryInsertError { entry, error: RawTable::<T>::CHILD_ALLOC_ERROR }),
        }
    }
}

/// The error of [`Table::find_entry`]: there is no such entry.
pub struct AbsentEntry<'a, T> {
    pub(super) table: &'a mut Table<T>,
}

impl<'a, T> AbsentEntry<'a, T> {
    /// Returns the table that was searched.
    pub fn into_table(self) -> &'a mut Table<T> {
        self.table
    }
}

impl<T> fmt::Debug for AbsentEntry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AbsentEntry")
    }
}
