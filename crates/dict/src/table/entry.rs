//! An entry of a table, or the place for one.

use core::fmt;

use crate::error::TryInsertError;
use crate::group::MARK;
use crate::raw::{Place, RawTable, Vacancy};
use crate::table::Table;

/// What [`Table::entry`] found.
pub enum Entry<'a, T> {
    /// The entry is in the table.
    Occupied(OccupiedEntry<'a, T>),
    /// It is not, and may be added.
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

    /// Changes the entry, in ways that do not change its hash, if there is one.
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

    /// [`Entry::or_insert_with`] that hands the new entry back when there is no memory for it.
    pub fn try_or_insert_with(
        self,
        default: impl FnOnce() -> T,
    ) -> Result<OccupiedEntry<'a, T>, TryInsertError<T>> {
        match self {
            Entry::Occupied(entry) => Ok(entry),
            Entry::Vacant(entry) => entry.try_insert(default()),
        }
    }

    /// [`Entry::or_insert`] that hands `default` back when there is no memory for it.
    pub fn try_or_insert(self, default: T) -> Result<OccupiedEntry<'a, T>, TryInsertError<T>> {
        self.try_or_insert_with(|| default)
    }
}

/// An entry in a table.
pub struct OccupiedEntry<'a, T> {
    pub(super) table: &'a mut Table<T>,
    pub(super) place: Place<T>,
}

// SAFETY: holds nothing but the table for writing and a place in it.
unsafe impl<T: Send> Send for OccupiedEntry<'_, T> {}
// SAFETY: shared, it reads the entry only.
unsafe impl<T: Sync> Sync for OccupiedEntry<'_, T> {}

impl<'a, T> OccupiedEntry<'a, T> {
    /// The entry.
    #[inline]
    pub fn get(&self) -> &T {
        // SAFETY: an occupied slot of the table, which is borrowed.
        unsafe { self.place.slot.entry.as_ref() }
    }

    /// The entry, to be changed in ways that do not change its hash.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: as in `get`, and the table is borrowed for writing.
        unsafe { self.place.slot.entry.as_mut() }
    }

    /// The entry for as long as the table is borrowed.
    #[inline]
    pub fn into_mut(mut self) -> &'a mut T {
        // SAFETY: as in `get_mut`; the table is borrowed for `'a`.
        unsafe { self.place.slot.entry.as_mut() }
    }

    /// The table that the entry is in.
    pub fn table(&self) -> &Table<T> {
        self.table
    }

    /// The table that the entry is in, to be changed.
    pub fn into_table(self) -> &'a mut Table<T> {
        self.table
    }

    /// Removes the entry; one chunk may be merged. O(1). In C: `dictDelete`.
    #[inline]
    pub fn remove(self) -> T {
        // SAFETY: an occupied slot of the table and its chunk.
        unsafe { self.table.raw.remove(self.place) }
    }

    /// [`OccupiedEntry::remove`] that also gives its place, for putting another entry with the same hash there. No chunk
    /// is merged.
    pub fn take(self) -> (T, VacantEntry<'a, T>) {
        // SAFETY: an occupied slot of the table and its chunk.
        let (entry, vacancy) = unsafe { self.table.raw.take_from(self.place) };
        (entry, VacantEntry { table: self.table, vacancy })
    }

    /// Whether the mark is set. A new entry's is not.
    pub fn is_marked(&self) -> bool {
        // SAFETY: a tag of the table.
        unsafe { self.place.slot.tag.read() & MARK != 0 }
    }

    /// Sets or clears the mark. O(1), and touches the tags only.
    pub fn set_mark(&mut self, marked: bool) {
        // SAFETY: a tag of the table, which stays a tag: only the mark changes.
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

/// The place of an entry that is not in the table.
pub struct VacantEntry<'a, T> {
    pub(super) table: &'a mut Table<T>,
    pub(super) vacancy: Vacancy<T>,
}

// SAFETY: holds nothing but the table for writing and a free place in it.
unsafe impl<T: Send> Send for VacantEntry<'_, T> {}
// SAFETY: shared, it gives nothing out.
unsafe impl<T: Sync> Sync for VacantEntry<'_, T> {}

impl<'a, T> VacantEntry<'a, T> {
    /// The table that the entry is not in.
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

    /// [`VacantEntry::insert`] that hands the entry back when there is no memory for it.
    #[inline]
    pub fn try_insert(self, entry: T) -> Result<OccupiedEntry<'a, T>, TryInsertError<T>> {
        // SAFETY: found in a table that has had a chunk since, and which this borrows.
        match unsafe { self.table.raw.fill(self.vacancy, entry) } {
            Ok(place) => Ok(OccupiedEntry { table: self.table, place }),
            Err(entry) => Err(TryInsertError { entry, error: RawTable::<T>::NO_CHILD }),
        }
    }
}

/// The answer of [`Table::find_entry`] when there is no such entry.
pub struct AbsentEntry<'a, T> {
    pub(super) table: &'a mut Table<T>,
}

impl<'a, T> AbsentEntry<'a, T> {
    /// The table that was searched.
    pub fn into_table(self) -> &'a mut Table<T> {
        self.table
    }
}

impl<T> fmt::Debug for AbsentEntry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AbsentEntry")
    }
}
