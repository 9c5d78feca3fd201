//! [`Table`]: the set of entries whose hash and equality the caller brings.

use core::fmt;

use crate::error::{TryInsertError, TryReserveError, out_of_memory};
use crate::extract::ExtractIf;
use crate::group::MARK;
use crate::iter::{Drain, IntoIter, Iter, IterMarked, IterMut};
use crate::overflow::Slot;
use crate::raw::RawTable;
use crate::scan::{Cursor, step};
use crate::stats::Stats;

/// A hash table of entries `T` that grows by one chunk at a time; the layer under [`Dict`](crate::Dict).
///
/// The table stores no hashes and asks for no trait: a look-up brings the hash and a closure that recognises
/// the entry, and what may move entries (inserting, reserving) brings a closure that hashes one again. This
/// serves entries that know more than a key, such as pointers to blocks that hold the key. The method names
/// are those of `hashbrown::HashTable`. In C: `dict` with a `dictType`.
///
/// Every entry carries one bit for the caller, its *mark*: [`OccupiedEntry::set_mark`], [`Table::iter_marked`].
///
/// ```
/// use dict::Table;
/// let mut table = Table::new();
/// let hash = |number: &u32| u64::from(*number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
/// for number in 0..1000_u32 {
///     table.insert_unique(hash(&number), number, hash);
/// }
/// assert_eq!(table.find(hash(&7), |&number| number == 7), Some(&7));
/// ```
///
/// The closures must agree with each other: an entry found under one hash must hash to it. If they do not,
/// entries are lost from look-up, and nothing worse.
pub struct Table<T> {
    raw: RawTable<T>,
}

impl<T> Table<T> {
    /// An empty table, which owns no memory.
    pub const fn new() -> Self {
        Self { raw: RawTable::new() }
    }

    /// An empty table with room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        let mut table = Self::new();
        table.reserve(capacity, |_| unreachable!("there is no entry to hash"));
        table
    }

    /// The number of entries. In C: `dictSize`.
    #[inline]
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether there is no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of entries that fit before the table adds a chunk.
    pub fn capacity(&self) -> usize {
        self.raw.capacity()
    }

    /// The shape of the table, in constant time. In C: `dictGetStats`.
    pub fn stats(&self) -> Stats {
        self.raw.stats()
    }

    /// Bytes that the table's own blocks add to `used_memory`; what entries point to is not counted. Constant
    /// time. In C: `dictMemUsage`.
    pub fn allocation_size(&self) -> usize {
        self.stats().allocation_size
    }

    /// The entry with `hash` for which `eq` is true. O(1); about two cache misses in a large table.
    #[inline]
    pub fn find(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&T> {
        // SAFETY: an occupied slot; the table is borrowed.
        self.raw.find(hash, eq).map(|slot| unsafe { slot.entry.as_ref() })
    }

    /// [`Table::find`] for changing the entry, in ways that do not change its hash.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&mut T> {
        // SAFETY: an occupied slot; the table is borrowed for writing.
        self.raw.find(hash, eq).map(|mut slot| unsafe { slot.entry.as_mut() })
    }

    /// [`Table::find`] for removing the entry or changing its mark; gives the table back if there is none.
    #[inline]
    pub fn find_entry(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
    ) -> Result<OccupiedEntry<'_, T>, AbsentEntry<'_, T>> {
        match self.raw.find(hash, eq) {
            Some(slot) => Ok(OccupiedEntry { table: self, hash, slot }),
            None => Err(AbsentEntry { table: self }),
        }
    }

    /// The entry with `hash` for which `eq` is true, or the place to put it. If it is vacant, one chunk may
    /// have been split to make room.
    ///
    /// Where even the first chunk finds no memory, this calls the OOM handler, as all that cannot say so.
    #[inline]
    pub fn entry(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        hasher: impl Fn(&T) -> u64,
    ) -> Entry<'_, T> {
        if let Some(slot) = self.raw.find(hash, eq) {
            return Entry::Occupied(OccupiedEntry { table: self, hash, slot });
        }
        if let Err(error) = self.raw.grow_for_one(hasher) {
            out_of_memory(RawTable::<T>::LAYOUT.stride, error);
        }
        Entry::Vacant(VacantEntry { table: self, hash })
    }

    /// Adds an entry that is not in the table yet. O(1): at most one chunk is split, at most one segment
    /// allocated. In C: `dictAdd` after a look-up.
    #[inline]
    pub fn insert_unique(&mut self, hash: u64, entry: T, hasher: impl Fn(&T) -> u64) -> OccupiedEntry<'_, T> {
        match self.try_insert_unique_slot(hash, entry, hasher) {
            Ok(slot) => OccupiedEntry { table: self, hash, slot },
            Err(entry) if self.is_empty() => out_of_memory(RawTable::<T>::LAYOUT.stride, entry),
            Err(entry) => out_of_memory(RawTable::<T>::LAYOUT.child.size(), entry),
        }
    }

    /// [`Table::insert_unique`] that hands the entry back when there is no memory for it. A table that cannot
    /// grow takes entries as long as its chunks have room, and longer where children can be had.
    #[inline]
    pub fn try_insert_unique(
        &mut self,
        hash: u64,
        entry: T,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<OccupiedEntry<'_, T>, TryInsertError<T>> {
        match self.try_insert_unique_slot(hash, entry, hasher) {
            Ok(slot) => Ok(OccupiedEntry { table: self, hash, slot }),
            Err(entry) => Err(TryInsertError { entry }),
        }
    }

    #[inline]
    fn try_insert_unique_slot(
        &mut self,
        hash: u64,
        entry: T,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<Slot<T>, T> {
        match self.raw.grow_for_one(hasher) {
            Ok(()) => self.raw.push(hash, entry),
            Err(_) => Err(entry),
        }
    }

    /// Makes room for `additional` more entries, and keeps removals from shrinking the table below that until
    /// [`Table::shrink_to_fit`]. Without it inserts never wait for growth, so this only saves splitting. In C:
    /// `dictExpand`.
    pub fn reserve(&mut self, additional: usize, hasher: impl Fn(&T) -> u64) {
        if let Err(error) = self.raw.reserve(additional, hasher) {
            out_of_memory(additional.saturating_mul(size_of::<T>()), error);
        }
    }

    /// [`Table::reserve`] that says when there is no memory. In C: `dictTryExpand`.
    pub fn try_reserve(
        &mut self,
        additional: usize,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<(), TryReserveError> {
        self.raw.reserve(additional, hasher).map_err(|_| TryReserveError { additional })
    }

    /// Makes the table as small as its entries allow, all in one go: O(entries that move). In C: `dictShrink`.
    pub fn shrink_to_fit(&mut self) {
        self.raw.shrink_to(0);
    }

    /// The same, keeping room for `min_capacity` entries.
    pub fn shrink_to(&mut self, min_capacity: usize) {
        self.raw.shrink_to(min_capacity);
    }

    /// Drops all entries and gives the memory back. O(n). In C: `dictEmpty`.
    pub fn clear(&mut self) {
        self.raw.clear();
    }

    /// Keeps the entries for which `keep` is true. O(n), and O(m²) for a chunk with m entries of its own. Moves no
    /// entry between chunks: after a mass removal the table shrinks with later removals, or by
    /// [`Table::shrink_to_fit`].
    pub fn retain(&mut self, keep: impl FnMut(&mut T) -> bool) {
        self.raw.retain(keep);
    }

    /// Takes all entries out. The memory goes with them and is freed with the iterator.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain::new(self.raw.take())
    }

    /// All entries. In C: `dictGetIterator`, `dictNext`.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(&self.raw)
    }

    /// All entries, to be changed in ways that do not change their hash.
    pub fn iter_mut(&mut self) -> IterMut<'_, T> {
        IterMut::new(&mut self.raw)
    }

    /// The entries whose mark is set. Chunks without one cost a read of their sixteen tag bytes.
    pub fn iter_marked(&self) -> IterMarked<'_, T> {
        IterMarked::new(&self.raw)
    }

    /// Hands the entries of the next chunk or two to `each` and answers where to go on; answers
    /// [`Cursor::START`] when all chunks have been visited. In C: `dictScan`.
    ///
    /// An entry that is in the table from the first call to the last is handed out at least once, whatever grows or
    /// shrinks in between. It may be handed out again if the table shrinks in between; an entry that comes or goes in
    /// between may be missed. A call visits at most two chunks with their overflow.
    ///
    /// The order is that of the chunks' lowest bits. Whoever removes what a scan shows, or inserts it into another
    /// table under the same hash, empties or fills chunks unevenly while it lasts: chains then grow with the square
    /// root of the table (some 2,000 entries in the longest, for a million).
    ///
    /// ```
    /// # let mut table = dict::Table::new();
    /// # for n in 0..100_u64 { table.insert_unique(n << 57 | n, n, |n| n << 57 | n); }
    /// let (mut cursor, mut seen) = (dict::Cursor::START, 0);
    /// loop {
    ///     cursor = table.scan(cursor, |_| seen += 1);
    ///     if cursor == dict::Cursor::START {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(seen, table.len());
    /// ```
    pub fn scan<'a>(&'a self, cursor: Cursor, mut each: impl FnMut(&'a T)) -> Cursor {
        if self.raw.chunks() == 0 {
            return Cursor::START;
        }
        let (chunk, other_half, next) = step(cursor, self.raw.chunks());
        for chunk in [Some(chunk), other_half].into_iter().flatten() {
            // SAFETY: `step` names live chunks; the table is borrowed and does not change.
            for slot in unsafe { self.raw.iter_chunk(chunk) } {
                // SAFETY: an occupied slot.
                each(unsafe { slot.entry.as_ref() });
            }
        }
        next
    }

    /// An entry picked with `random`, a source of uniformly distributed numbers; `None` if there is none.
    ///
    /// A chunk is picked, then an entry of it: entries that share their chunk with few others come up
    /// more often. Takes one or two tries as a rule; a table that `retain` has all but emptied may be missed 64
    /// times, and then the next entry behind a random place is taken, which walks over up to all chunks and
    /// favours entries behind long gaps. In C: `dictGetRandomKey`.
    pub fn random(&self, mut random: impl FnMut() -> u64) -> Option<&T> {
        const TRIES: usize = 64;
        if self.is_empty() {
            return None;
        }
        // The top 64 bits of the product: a number below `bound`, without division.
        let mut below = |bound: usize| ((u128::from(random()) * bound as u128) >> 64) as usize;
        let chunks = self.raw.chunks();
        let mut first = 0;
        for _ in 0..TRIES {
            first = below(chunks);
            // SAFETY: a live chunk.
            let mut entries = unsafe { self.raw.iter_chunk(first) };
            let len = entries.size_hint().0;
            if len > 0 {
                // SAFETY: an occupied slot of a borrowed table.
                return entries.nth(below(len)).map(|slot| unsafe { slot.entry.as_ref() });
            }
        }
        (0..chunks).find_map(|step| {
            // SAFETY: a live chunk, and an occupied slot of it.
            unsafe { Some(self.raw.iter_chunk((first + step) % chunks).next()?.entry.as_ref()) }
        })
    }
}

#[cfg(test)]
impl<T> Table<T> {
    pub(crate) fn raw(&self) -> &RawTable<T> {
        &self.raw
    }

    pub(crate) fn raw_mut(&mut self) -> &mut RawTable<T> {
        &mut self.raw
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<T: Clone> Clone for Table<T> {
    /// Copies chunk by chunk, without hashing. O(n).
    fn clone(&self) -> Self {
        let mut clone = Self::new();
        if let Err(error) = clone.raw.reserve_chunks(self.raw.chunks()) {
            out_of_memory(self.allocation_size(), error);
        }
        clone.raw.set_floor(self.raw.floor());
        for chunk in 0..self.raw.chunks() {
            // SAFETY: a live chunk of a borrowed table, and its occupied slots.
            for slot in unsafe { self.raw.iter_chunk(chunk) } {
                // SAFETY: as above.
                let (tag, entry) = unsafe { (slot.tag.read(), slot.entry.as_ref().clone()) };
                if let Err(entry) = clone.raw.push_to_chunk(chunk, tag, entry) {
                    out_of_memory(RawTable::<T>::LAYOUT.child.size(), entry);
                }
            }
        }
        clone
    }
}

impl<T> IntoIterator for Table<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter::new(self.raw)
    }
}

impl<'a, T> IntoIterator for &'a Table<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Table<T> {
    type Item = &'a mut T;
    type IntoIter = IterMut<'a, T>;

    fn into_iter(self) -> IterMut<'a, T> {
        self.iter_mut()
    }
}

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

    /// Adds `default` if the entry is vacant.
    pub fn or_insert(self, default: T) -> OccupiedEntry<'a, T> {
        self.or_insert_with(|| default)
    }
}

/// An entry in a table.
pub struct OccupiedEntry<'a, T> {
    table: &'a mut Table<T>,
    hash: u64,
    slot: Slot<T>,
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
        unsafe { self.slot.entry.as_ref() }
    }

    /// The entry, to be changed in ways that do not change its hash.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: as in `get`, and the table is borrowed for writing.
        unsafe { self.slot.entry.as_mut() }
    }

    /// The entry for as long as the table is borrowed.
    #[inline]
    pub fn into_mut(mut self) -> &'a mut T {
        // SAFETY: as in `get_mut`; the table is borrowed for `'a`.
        unsafe { self.slot.entry.as_mut() }
    }

    /// Removes the entry; one chunk may be merged. O(1). In C: `dictDelete`.
    #[inline]
    pub fn remove(self) -> T {
        // SAFETY: an occupied slot of the chunk that this hash belongs to.
        unsafe { self.table.raw.remove(self.hash, self.slot) }
    }

    /// Whether the mark is set. A new entry's is not.
    pub fn is_marked(&self) -> bool {
        // SAFETY: a tag of the table.
        unsafe { self.slot.tag.read() & MARK != 0 }
    }

    /// Sets or clears the mark. O(1), and touches the tags only.
    pub fn set_mark(&mut self, marked: bool) {
        // SAFETY: a tag of the table, which stays a tag: only the mark changes.
        unsafe {
            let tag = self.slot.tag.read() & !MARK;
            self.slot.tag.write(if marked { tag | MARK } else { tag });
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for OccupiedEntry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OccupiedEntry").field(self.get()).finish()
    }
}

/// The place of an entry that is not in the table.
pub struct VacantEntry<'a, T> {
    table: &'a mut Table<T>,
    hash: u64,
}

impl<'a, T> VacantEntry<'a, T> {
    /// Adds the entry.
    #[inline]
    pub fn insert(self, entry: T) -> OccupiedEntry<'a, T> {
        match self.table.raw.push(self.hash, entry) {
            Ok(slot) => OccupiedEntry { table: self.table, hash: self.hash, slot },
            Err(entry) => out_of_memory(RawTable::<T>::LAYOUT.child.size(), entry),
        }
    }
}

/// The answer of [`Table::find_entry`] when there is no such entry.
pub struct AbsentEntry<'a, T> {
    table: &'a mut Table<T>,
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

impl<T> Table<T> {
    /// References to several entries at once: for each hash, the entry for which `eq`, given the hash's index, is true.
    ///
    /// # Panics
    /// If two of them are the same entry.
    ///
    /// ```
    /// let mut table = dict::Table::new();
    /// # for n in 0..100_u64 { table.insert_unique(n << 57 | n, [n, 0], |it| it[0] << 57 | it[0]); }
    /// let wanted = [7_u64, 40];
    /// let hashes = wanted.map(|n| n << 57 | n);
    /// let [Some(one), Some(other)] = table.get_disjoint_mut(hashes, |index, it| it[0] == wanted[index]) else { panic!() };
    /// std::mem::swap(&mut one[1], &mut other[1]);
    /// ```
    pub fn get_disjoint_mut<const N: usize>(
        &mut self,
        hashes: [u64; N],
        mut eq: impl FnMut(usize, &T) -> bool,
    ) -> [Option<&mut T>; N] {
        let mut index = 0;
        let slots = hashes.map(|hash| {
            let slot = self.raw.find(hash, |entry| eq(index, entry));
            index += 1;
            slot
        });
        for (index, slot) in slots.iter().enumerate() {
            let Some(slot) = slot else { continue };
            let same = slots[..index].iter().flatten().any(|before| before.tag == slot.tag);
            assert!(!same, "the same entry is asked for twice");
        }
        // SAFETY: occupied slots, all different, of a table that is borrowed for writing.
        slots.map(|slot| slot.map(|mut slot| unsafe { slot.entry.as_mut() }))
    }

    /// Takes out the entries for which `pick` is true, each when the iterator is asked for it; those it has not come
    /// to when it is dropped stay. Moves no entry between chunks, like [`Table::retain`].
    pub fn extract_if<F: FnMut(&mut T) -> bool>(&mut self, pick: F) -> ExtractIf<'_, T, F> {
        ExtractIf::new(&mut self.raw, pick)
    }
}

impl<'a, T> OccupiedEntry<'a, T> {
    /// [`OccupiedEntry::remove`] that also gives its place, for putting another entry with the same hash there.
    pub fn take(self) -> (T, VacantEntry<'a, T>) {
        let (table, hash) = (self.table, self.hash);
        // SAFETY: an occupied slot of the chunk that this hash belongs to.
        let entry = unsafe { table.raw.remove(hash, self.slot) };
        (entry, VacantEntry { table, hash })
    }
}
