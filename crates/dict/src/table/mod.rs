//! [`Table`]: a set of entries for which the caller provides the hash and the comparison.

mod batch;
mod entry;
mod extract;
mod maintenance;
mod parts;
mod walk;

pub use entry::{AbsentEntry, Entry, OccupiedEntry, VacantEntry};
pub use extract::ExtractIf;
pub use parts::ChunkPart;

use core::fmt;

use common::Cursor;
use zmalloc::{ReserveError, or_oom};

use crate::error::{TryInsertError, Undecided};
use crate::expected::ExpectedSize;
use crate::iter::{Drain, IntoIter, Iter, IterMarked, IterMut};
use crate::raw::RawTable;
use crate::scan::step;
use crate::stats::Stats;

/// A hash table of entries `T` that grows by one chunk at a time. [`Dict`](crate::Dict) is built on it.
///
/// Taught in the chapter `docs/src/growing.md`.
///
/// The table stores no hashes and requires no trait. A look-up takes the hash and a closure that recognises
/// the entry. Methods that may move entries, such as inserting and reserving, take a closure that hashes an
/// entry. This suits entries that contain more than a key, such as pointers to blocks that hold the key. The
/// method names are those of `hashbrown::HashTable`, with one difference: [`OccupiedEntry::remove`] returns
/// only the entry, and [`OccupiedEntry::take`] returns its place too. In C: `dict` with a `dictType`.
///
/// Every entry has one bit for the caller, its *mark*: [`OccupiedEntry::set_mark`], [`Table::iter_marked`].
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
/// The closures must agree with each other: an entry that is found under a hash must hash to it. If they do
/// not, look-ups do not find some entries. No other harm is done.
pub struct Table<T> {
    raw: RawTable<T>,
}

impl<T> Table<T> {
    /// Creates an empty table, which owns no memory.
    pub const fn new() -> Self {
        Self { raw: RawTable::new() }
    }

    /// Creates an empty table with room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        let mut table = Self::new();
        table.reserve(capacity, |_| unreachable!("there is no entry to hash"));
        table
    }

    /// Does what [`Table::with_capacity`] does, but returns an error if there is no memory.
    pub fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        let mut table = Self::new();
        table.try_reserve(capacity, |_| unreachable!("there is no entry to hash"))?;
        Ok(table)
    }

    /// Returns the number of entries. In C: `dictSize`.
    #[inline]
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Returns whether the table has no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of entries that fit before the table adds a chunk, if its
    /// [`ResizePolicy`](crate::ResizePolicy) allows it.
    pub fn capacity(&self) -> usize {
        self.raw.capacity()
    }

    /// Returns the shape of the table, in constant time. In C: `dictGetStats`.
    pub fn stats(&self) -> Stats {
        self.raw.stats()
    }

    /// Returns the bytes that the table's own blocks add to `used_memory`. What entries point to is not
    /// counted. Constant time. In C: `dictMemUsage`.
    pub fn allocation_size(&self) -> usize {
        self.raw.allocation_size()
    }

    /// Returns the memory that a table of `entries` entries takes if only inserts have filled it. No table is
    /// created. O(log(entries)).
    ///
    /// With jemalloc, all sizes are those of such a table, except for the number of overflow children. That
    /// number depends on the hashes, and is the expected value here. Other allocators may add bytes that are
    /// known only after the allocation.
    ///
    /// ```
    /// use dict::{DefaultHashBuilder, Table};
    /// use std::hash::BuildHasher;
    /// let hasher = DefaultHashBuilder::with_seed(1);
    /// let mut table = Table::new();
    /// for n in 0..10_000_u64 {
    ///     table.insert_unique(hasher.hash_one(n), n, |n| hasher.hash_one(n));
    /// }
    /// let expected = Table::<u64>::expected_size(10_000);
    /// assert_eq!(expected.chunks_allocated, table.stats().chunks_allocated);
    /// # if zmalloc::ALLOCATOR.starts_with("jemalloc") {
    /// assert!(expected.allocation_size.abs_diff(table.allocation_size()) < table.allocation_size() / 50);
    /// # }
    /// ```
    pub fn expected_size(entries: usize) -> ExpectedSize {
        ExpectedSize::of(&RawTable::<T>::LAYOUT, entries)
    }

    /// Returns the entry with `hash` for which `eq` is true. O(1); about two cache misses in a large table.
    #[inline]
    pub fn find(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&T> {
        // SAFETY: the slot is an occupied one, and the table is borrowed.
        self.raw.find(hash, eq).map(|slot| unsafe { slot.entry.as_ref() })
    }

    /// Returns the first `Some` that `f` returns for an entry that may have this hash. O(1), as
    /// [`find`](Self::find) is.
    ///
    /// `f` compares the entry, as the closure of `find` does, and must return `None` for all other entries.
    /// It also gets entries with other hashes. If `f` decodes the entry to compare it, it can return what it
    /// has decoded.
    ///
    /// ```
    /// # let hash = |text: &str| text.len() as u64; // all in one chunk, under one tag
    /// let mut table = dict::Table::new();
    /// for text in ["name=redcore", "lang=Rust"] {
    ///     table.insert_unique(hash("name"), text, |_| hash("name"));
    /// }
    /// let value = table.find_map(hash("lang"), |text| text.strip_prefix("lang="));
    /// assert_eq!(value, Some("Rust"));
    /// ```
    #[inline]
    pub fn find_map<'a, R>(&'a self, hash: u64, mut f: impl FnMut(&'a T) -> Option<R>) -> Option<R> {
        // SAFETY: the slots are occupied, and the table is borrowed.
        self.raw.find_map(hash, |slot| f(unsafe { slot.entry.as_ref() }))
    }

    /// Performs the first step of [`find_map`](Self::find_map), which decides most look-ups: it compares at
    /// most one entry. `Ok(None)` means that there is no entry with this hash.
    ///
    /// This is for a fast path without a loop, if the rest is out of line.
    ///
    /// # Errors
    /// If `f` returns `None` for the first entry, or if the entry may have overflowed from its chunk. Then
    /// `find_map` decides.
    ///
    /// ```
    /// let mut table = dict::Table::new();
    /// let is = |wanted: u64| move |found: &u64| (*found == wanted).then_some(*found);
    /// table.insert_unique(7, 7, |number| *number);
    /// assert_eq!(table.find_first(7, is(7)), Ok(Some(7)));
    /// assert_eq!(table.find_first(7, is(8)), Err(dict::Undecided)); // 8 might come second
    /// ```
    #[inline]
    pub fn find_first<'a, R>(
        &'a self,
        hash: u64,
        f: impl FnOnce(&'a T) -> Option<R>,
    ) -> Result<Option<R>, Undecided> {
        // SAFETY: the slot is an occupied one, and the table is borrowed.
        self.raw.find_first(hash, |slot| f(unsafe { slot.entry.as_ref() }))
    }

    /// Does what [`Table::find`] does, but returns a mutable reference. The caller must not change the hash
    /// of the entry.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&mut T> {
        // SAFETY: the slot is an occupied one, and the table is borrowed for writing.
        self.raw.find(hash, eq).map(|mut slot| unsafe { slot.entry.as_mut() })
    }

    /// Returns mutable references to several entries at once. `eq` gets the index of the hash for which it
    /// compares an entry.
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
        // SAFETY: the slots are occupied and all different, and the table is borrowed for writing.
        slots.map(|slot| slot.map(|mut slot| unsafe { slot.entry.as_mut() }))
    }

    /// Does what [`Table::find`] does, for removing the entry or changing its mark. If there is no entry,
    /// returns the table in the error.
    #[inline]
    pub fn find_entry(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
    ) -> Result<OccupiedEntry<'_, T>, AbsentEntry<'_, T>> {
        match self.raw.find_place(hash, eq) {
            Some(place) => Ok(OccupiedEntry { table: self, place }),
            None => Err(AbsentEntry { table: self }),
        }
    }

    /// Returns the entry with `hash` for which `eq` is true, or the place for it. In either case, one chunk
    /// may have been split to make room for one more entry.
    ///
    /// If there is no memory even for the first chunk, this calls the OOM handler, as all methods without an
    /// error do.
    #[inline]
    pub fn entry(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        hasher: impl Fn(&T) -> u64,
    ) -> Entry<'_, T> {
        or_oom(self.try_entry(hash, eq, hasher))
    }

    /// Does what [`Table::entry`] does, but returns an error if there is no memory for the first chunk. The
    /// `try_` methods of the entry return an error for an overflow child.
    #[inline]
    pub fn try_entry(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<Entry<'_, T>, ReserveError> {
        // The table grows first, so that one search finds the entry or the room for it.
        self.raw.grow_for_one(hasher)?;
        Ok(match self.raw.find_or_vacant(hash, eq) {
            Ok(place) => Entry::Occupied(OccupiedEntry { table: self, place }),
            Err(vacancy) => Entry::Vacant(VacantEntry { table: self, vacancy }),
        })
    }

    /// Adds an entry that is not in the table yet. O(1): it splits at most one chunk and allocates at most
    /// one segment. In C: `dictAdd` after a look-up.
    #[inline]
    pub fn insert_unique(&mut self, hash: u64, entry: T, hasher: impl Fn(&T) -> u64) -> OccupiedEntry<'_, T> {
        match self.try_insert_unique(hash, entry, hasher) {
            Ok(entry) => entry,
            Err(error) => error.oom(),
        }
    }

    /// Does what [`Table::insert_unique`] does, but returns the entry if there is no memory for it. A table
    /// that cannot grow still takes entries: first into the free slots of its chunks, then into children,
    /// while there is memory for them.
    #[inline]
    pub fn try_insert_unique(
        &mut self,
        hash: u64,
        entry: T,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<OccupiedEntry<'_, T>, TryInsertError<T>> {
        if let Err(error) = self.raw.grow_for_one(hasher) {
            return Err(TryInsertError { entry, error });
        }
        // SAFETY: the vacancy was just found, in a table that has grown for the entry.
        match unsafe { self.raw.fill(self.raw.vacancy(hash), entry) } {
            Ok(place) => Ok(OccupiedEntry { table: self, place }),
            Err(entry) => Err(TryInsertError { entry, error: RawTable::<T>::CHILD_ALLOC_ERROR }),
        }
    }

    /// Makes room for `additional` more entries. Until [`Table::shrink_to_fit`], removals do not shrink the
    /// table below that size. Inserts never wait for growth without a reservation either, so this only saves
    /// splits. In C: `dictExpand`.
    pub fn reserve(&mut self, additional: usize, hasher: impl Fn(&T) -> u64) {
        or_oom(self.try_reserve(additional, hasher));
    }

    /// Does what [`Table::reserve`] does, but returns an error. A reservation that can never succeed fails at
    /// once: its size is first allocated in one block, which is not touched. For a moment, `used_memory` and
    /// its peak include this block. In C: `dictTryExpand`.
    ///
    /// # Errors
    /// If there is no memory. The entries are as they were. The table may be larger than before.
    pub fn try_reserve(&mut self, additional: usize, hasher: impl Fn(&T) -> u64) -> Result<(), ReserveError> {
        self.raw.reserve(additional, hasher)
    }

    /// Makes the table as small as its entries allow, all at once: O(entries that move). In C: `dictShrink`.
    pub fn shrink_to_fit(&mut self) {
        self.raw.shrink_to(0);
    }

    /// Makes the table as small as its entries allow, but keeps room for `min_capacity` entries.
    pub fn shrink_to(&mut self, min_capacity: usize) {
        self.raw.shrink_to(min_capacity);
    }

    /// Drops all entries and frees the memory. O(n). In C: `dictEmpty`.
    pub fn clear(&mut self) {
        self.raw.clear();
    }

    /// Keeps only the entries for which `keep` is true. O(n). Moves no entry between chunks. After many
    /// removals, the table shrinks with later removals, by [`Table::rehash`], or by [`Table::shrink_to_fit`].
    pub fn retain(&mut self, keep: impl FnMut(&mut T) -> bool) {
        self.raw.retain(keep);
    }

    /// Removes all entries and returns them as an iterator. The iterator takes the memory with it and frees
    /// it at its end.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain::new(self.raw.take())
    }

    /// Returns an iterator over all entries. In C: `dictGetIterator`, `dictNext`.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(&self.raw)
    }

    /// Returns an iterator over mutable references to all entries. The caller must not change their hash.
    pub fn iter_mut(&mut self) -> IterMut<'_, T> {
        IterMut::new(&mut self.raw)
    }

    /// Returns an iterator over the entries whose mark is set. For a chunk without such entries, it reads the
    /// sixteen tag bytes, and the eight of each child.
    pub fn iter_marked(&self) -> IterMarked<'_, T> {
        IterMarked::new(&self.raw)
    }

    /// Calls `each` for the entries of the next one or two chunks, and returns the cursor for the next call.
    /// Returns [`Cursor::START`] when all chunks have been visited. In C: `dictScan`.
    ///
    /// An entry that is in the table from the first call to the last is visited at least once, however the
    /// table grows or shrinks in between. It may be visited again if the table shrinks in between. An entry
    /// that is added or removed in between may be missed. A call visits at most two chunks with their
    /// overflow.
    ///
    /// The order is that of the lowest bits of the chunk numbers. A caller may remove what a scan visits, or
    /// insert it into another table under the same hash. That empties or fills chunks unevenly while the scan
    /// lasts. The longest chain then grows with the square root of the table, to some 2,000 entries for a
    /// million.
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
    pub fn scan<'a>(&'a self, cursor: Cursor, each: impl FnMut(&'a T)) -> Cursor {
        self.scan_slots(cursor, false, each)
    }

    /// Does what [`Table::scan`] does, for the entries whose mark is set. A chunk without one costs a read of
    /// its tags.
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// # let mut table = dict::Table::new();
    /// for n in 0..1000_u64 {
    ///     table.insert_unique(hash(&n), n, hash).set_mark(n % 100 == 0);
    /// }
    /// let (mut cursor, mut marked) = (dict::Cursor::START, Vec::new());
    /// loop {
    ///     cursor = table.scan_marked(cursor, |n| marked.push(*n));
    ///     if cursor == dict::Cursor::START {
    ///         break;
    ///     }
    /// }
    /// marked.sort_unstable();
    /// assert!(marked.into_iter().eq((0..1000).step_by(100)));
    /// ```
    pub fn scan_marked<'a>(&'a self, cursor: Cursor, each: impl FnMut(&'a T)) -> Cursor {
        self.scan_slots(cursor, true, each)
    }

    fn scan_slots<'a>(&'a self, cursor: Cursor, only_marked: bool, mut each: impl FnMut(&'a T)) -> Cursor {
        if self.raw.chunks() == 0 {
            return Cursor::START;
        }
        let (chunk, other_half, next) = step(cursor, self.raw.chunks());
        for chunk in [Some(chunk), other_half].into_iter().flatten() {
            // SAFETY: `step` returns live chunks. The table is borrowed and does not change.
            for slot in unsafe { self.raw.iter_chunk(chunk, only_marked) } {
                // SAFETY: the slot is an occupied one.
                each(unsafe { slot.entry.as_ref() });
            }
        }
        next
    }

    /// Returns an entry picked at random, or `None` if there is none. This is quick: its cache misses and
    /// those of the search overlap. In C: `dictGetRandomKey`.
    ///
    /// `rng` is a source of uniformly distributed 64-bit numbers. This holds for all methods that pick
    /// entries.
    ///
    /// Entries are picked equally often, except for overflowed entries of a chunk that holds more entries,
    /// `m`, than a bound. The bound is 23. While growth is put off, it is twice the mean if that is more.
    /// Such entries come up `(23 - 15) / (m - 15)` times as often as others. That is half as often in a chunk
    /// of 31 entries, and a quarter as often in one of 47. With good hashes, the longest chunk of a table of
    /// up to 10^9 entries has about 50.
    ///
    /// The time is bounded for any fill and any source: a number of trials that grows with the number of
    /// chunks, then a look at the tags of all chunks. Only a table that `retain` has nearly emptied needs
    /// that look, at a few ns per chunk. A table that is one hundredth full needs some microseconds.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<&T> {
        // SAFETY: the entry is one of the table, which is borrowed.
        self.raw.random(rng).map(|entry| unsafe { entry.as_ref() })
    }

    /// Returns an entry picked at random, each with the same probability, or `None` if there is none. It
    /// takes about twice the time of [`Table::random`], and is bounded in the same way. In C:
    /// `dictGetFairRandomKey`.
    ///
    /// The choice is exactly even (up to the 64 bits of a draw) in a table of fewer than 400 entries. In a
    /// larger table it is exactly even if no chunk holds more entries than 24 and one and a half times the
    /// mean of the chunks that are yet to be split, which are the fullest. This limit is 40 to 57 while a
    /// table grows. Hashes that no adversary has chosen respect it. The head of `sample.rs` derives how
    /// surely. In a longer chunk, of `m` entries, the overflowed entries come up less often, by a factor of
    /// about `30 / (m - 15)`.
    pub fn fair_random(&self, rng: impl FnMut() -> u64) -> Option<&T> {
        // SAFETY: the entry is one of the table, which is borrowed.
        self.raw.fair_random(rng).map(|entry| unsafe { entry.as_ref() })
    }

    /// Calls `each` for `n` different entries, or for all if there are no more. This is far cheaper than `n`
    /// calls of [`Table::random`]. In C: `dictGetSomeKeys`.
    ///
    /// The first entry is picked as [`Table::random`] does. The others follow it in the order of
    /// [`Table::iter`], and continue at the start after the end. If `n` is small, they are usually of one
    /// chunk. Each place of the sample is as even as `random` is, so an entry is in it with a probability of
    /// about `n / len`.
    ///
    /// Neighbours come together: two entries that are `d` places apart are both in the sample with
    /// probability `(n - d) / len`. Since neighbours have nothing in common but bits of their hash, a sample
    /// is as good as `n` independent picks for properties that do not depend on the hash: ages for an
    /// eviction pool, sizes, types. It does not suit the picking of pairs.
    ///
    /// The time is bounded as for `random`, plus one look at the tags of all chunks for the entries that
    /// follow.
    ///
    /// ```
    /// # let (mut table, mut seed) = (dict::Table::new(), 1_u64);
    /// # for n in 0..100_u64 { table.insert_unique(n << 57 | n, n, |n| n << 57 | n); }
    /// # let mut rng = || { seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1); seed };
    /// let mut oldest = u64::MAX;
    /// table.sample(5, &mut rng, |&age| oldest = oldest.min(age));
    /// assert!(oldest < 100);
    /// ```
    pub fn sample<'a>(&'a self, n: usize, rng: impl FnMut() -> u64, mut each: impl FnMut(&'a T)) {
        // SAFETY: the entries are those of the table, which is borrowed.
        self.raw.sample(n, rng, |entry| each(unsafe { entry.as_ref() }));
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

impl<T: Clone> Table<T> {
    /// Returns a copy, made chunk by chunk without hashing. O(n). The resize policy and the reservation are
    /// copied too. A pause and the closure of [`Table::on_grow`] are not. The error is about the table's own
    /// memory: entries are cloned by their `Clone`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut clone = Self::new();
        clone.raw.reserve_chunks(self.raw.chunks())?;
        clone.raw.set_chunks_min(self.raw.chunks_min());
        clone.raw.set_policy(self.raw.policy());
        for chunk in 0..self.raw.chunks() {
            // SAFETY: the chunk is a live one of a borrowed table.
            for slot in unsafe { self.raw.iter_chunk(chunk, false) } {
                // SAFETY: the slot is an occupied one.
                let entry = unsafe { slot.entry.as_ref().clone() };
                clone
                    .raw
                    .push_copy(&self.raw, chunk, slot, entry)
                    .map_err(|_| RawTable::<T>::CHILD_ALLOC_ERROR)?;
            }
        }
        Ok(clone)
    }
}

impl<T: Clone> Clone for Table<T> {
    /// Does what [`Table::try_clone`] does, but calls the OOM handler if there is no memory.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
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
