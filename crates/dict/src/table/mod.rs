//! [`Table`]: the set of entries whose hash and equality the caller brings.

mod batch;
mod entry;
mod extract;
mod maintenance;
mod walk;

pub use entry::{AbsentEntry, Entry, OccupiedEntry, VacantEntry};
pub use extract::ExtractIf;

use core::fmt;

use common::Cursor;
use zmalloc::{ReserveError, or_oom};

use crate::error::{TryInsertError, Undecided};
use crate::expected::ExpectedSize;
use crate::iter::{Drain, IntoIter, Iter, IterMarked, IterMut};
use crate::raw::RawTable;
use crate::scan::step;
use crate::stats::Stats;

/// A hash table of entries `T` that grows by one chunk at a time; the layer under [`Dict`](crate::Dict).
///
/// The table stores no hashes and asks for no trait: a look-up brings the hash and a closure that recognises
/// the entry, and what may move entries (inserting, reserving) brings a closure that hashes one again. This
/// serves entries that know more than a key, such as pointers to blocks that hold the key. The method names
/// are those of `hashbrown::HashTable`; but [`OccupiedEntry::remove`] gives the entry alone, and
/// [`OccupiedEntry::take`] its place too. In C: `dict` with a `dictType`.
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

    /// [`Table::with_capacity`] that says when there is no memory.
    pub fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        let mut table = Self::new();
        table.try_reserve(capacity, |_| unreachable!("there is no entry to hash"))?;
        Ok(table)
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

    /// The number of entries that fit before the table adds a chunk, if it may ([`ResizePolicy`](crate::ResizePolicy)).
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
        self.raw.allocation_size()
    }

    /// What a table of so many entries takes that only inserts have filled, without making one. O(log(entries)).
    ///
    /// With jemalloc all sizes are those of such a table, except for the number of overflow children. That depends
    /// on the hashes, and is the expected value here. Other allocators may add bytes that are known only for a block.
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

    /// The entry with `hash` for which `eq` is true. O(1); about two cache misses in a large table.
    #[inline]
    pub fn find(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&T> {
        // SAFETY: an occupied slot; the table is borrowed.
        self.raw.find(hash, eq).map(|slot| unsafe { slot.entry.as_ref() })
    }

    /// Returns the first `Some` that `f` returns for an entry that may have this hash. O(1), as
    /// [`find`](Self::find).
    ///
    /// `f` compares the entry, as the closure of `find` does, and has to return `None` for all others: it
    /// also gets entries with other hashes. What it has decoded to compare need not be decoded again.
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
        // SAFETY: occupied slots; the table is borrowed.
        self.raw.find_map(hash, |slot| f(unsafe { slot.entry.as_ref() }))
    }

    /// The first step of [`find_map`](Self::find_map), which decides most look-ups: compares one entry at
    /// most. `Ok(None)` says that there is no entry with this hash.
    ///
    /// For a fast path without a loop, whose rest is kept out of line.
    ///
    /// # Errors
    /// If `f` returns `None` for the first entry. Also if the entry may have overflowed from its chunk. Then
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
        // SAFETY: an occupied slot; the table is borrowed.
        self.raw.find_first(hash, |slot| f(unsafe { slot.entry.as_ref() }))
    }

    /// [`Table::find`] for changing the entry, in ways that do not change its hash.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&mut T> {
        // SAFETY: an occupied slot; the table is borrowed for writing.
        self.raw.find(hash, eq).map(|mut slot| unsafe { slot.entry.as_mut() })
    }

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

    /// [`Table::find`] for removing the entry or changing its mark; gives the table back if there is none.
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

    /// The entry with `hash` for which `eq` is true, or the place to put it. In either case one chunk may have
    /// been split to make room for one more.
    ///
    /// Where even the first chunk finds no memory, this calls the OOM handler, as all that cannot say so.
    #[inline]
    pub fn entry(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        hasher: impl Fn(&T) -> u64,
    ) -> Entry<'_, T> {
        or_oom(self.try_entry(hash, eq, hasher))
    }

    /// [`Table::entry`] that says when there is no memory for the first chunk. The entry's own `try_` forms say so of an
    /// overflow child.
    #[inline]
    pub fn try_entry(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<Entry<'_, T>, ReserveError> {
        // Growing first leaves one search for both questions: is it there, and where is room for it.
        self.raw.grow_for_one(hasher)?;
        Ok(match self.raw.find_or_vacant(hash, eq) {
            Ok(place) => Entry::Occupied(OccupiedEntry { table: self, place }),
            Err(vacancy) => Entry::Vacant(VacantEntry { table: self, vacancy }),
        })
    }

    /// Adds an entry that is not in the table yet. O(1): at most one chunk is split, at most one segment
    /// allocated. In C: `dictAdd` after a look-up.
    #[inline]
    pub fn insert_unique(&mut self, hash: u64, entry: T, hasher: impl Fn(&T) -> u64) -> OccupiedEntry<'_, T> {
        match self.try_insert_unique(hash, entry, hasher) {
            Ok(entry) => entry,
            Err(error) => error.oom(),
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
        if let Err(error) = self.raw.grow_for_one(hasher) {
            return Err(TryInsertError { entry, error });
        }
        // SAFETY: just found, in a table that has grown for it.
        match unsafe { self.raw.fill(self.raw.vacancy(hash), entry) } {
            Ok(place) => Ok(OccupiedEntry { table: self, place }),
            Err(entry) => Err(TryInsertError { entry, error: RawTable::<T>::NO_CHILD }),
        }
    }

    /// Makes room for `additional` more entries, and keeps removals from shrinking the table below that until
    /// [`Table::shrink_to_fit`]. Without it inserts never wait for growth, so this only saves splitting. In C:
    /// `dictExpand`.
    pub fn reserve(&mut self, additional: usize, hasher: impl Fn(&T) -> u64) {
        or_oom(self.try_reserve(additional, hasher));
    }

    /// [`Table::reserve`] that returns an error. A reservation that could never be had is refused at once: its size is
    /// first asked for in one piece, which is not touched, but which `used_memory` and its peak show for a moment. In C:
    /// `dictTryExpand`.
    ///
    /// # Errors
    /// If there is no memory. The entries are as they were. The table may be larger than before.
    pub fn try_reserve(&mut self, additional: usize, hasher: impl Fn(&T) -> u64) -> Result<(), ReserveError> {
        self.raw.reserve(additional, hasher)
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

    /// Keeps the entries for which `keep` is true. O(n). Moves no entry between chunks: after a mass removal the table
    /// shrinks with later removals, by [`Table::rehash`], or by [`Table::shrink_to_fit`].
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

    /// The entries whose mark is set. Chunks without one cost a read of their sixteen tag bytes, and of their children's
    /// eight where they have overflowed.
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
    pub fn scan<'a>(&'a self, cursor: Cursor, each: impl FnMut(&'a T)) -> Cursor {
        self.scan_slots(cursor, false, each)
    }

    /// [`Table::scan`] of the entries whose mark is set. A chunk without one costs a read of its tags.
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
            // SAFETY: `step` names live chunks; the table is borrowed and does not change.
            for slot in unsafe { self.raw.iter_chunk(chunk, only_marked) } {
                // SAFETY: an occupied slot.
                each(unsafe { slot.entry.as_ref() });
            }
        }
        next
    }

    /// An entry picked at random, quickly: its cache misses and those of the search overlap. `None` if there is none.
    /// In C: `dictGetRandomKey`.
    ///
    /// `rng` is a source of uniformly distributed 64-bit numbers; the same for all picks.
    ///
    /// Entries are picked equally often, except for those that have overflowed in a chunk of more entries, `m`, than 23 (or
    /// than twice the mean if that is more, while growth is put off): they come up `(23 - 15) / (m - 15)` times as often as
    /// others. That is half as often in a chunk of 31 and a quarter as often in one of 47; the longest that good hashes
    /// make in a table of up to 10^9 entries has about 50.
    ///
    /// Bounded whatever the fill and the source: a number of trials that grows with the number of chunks, then a look at
    /// the tags of all chunks. Only a table that `retain` has all but emptied pays that, a few ns a chunk; one that is one
    /// hundredth full, some microseconds.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<&T> {
        // SAFETY: an entry of a table that is borrowed.
        self.raw.random(rng).map(|entry| unsafe { entry.as_ref() })
    }

    /// An entry picked at random, each with the same probability; about twice the price of [`Table::random`], and
    /// bounded in the same way. `None` if there is none. In C: `dictGetFairRandomKey`.
    ///
    /// Exactly even (up to the 64 bits of a draw) for any table of fewer than 400 entries, and for one of any size none of
    /// whose chunks holds more entries than 24 and one and a half times the mean of the fullest chunks, those that are yet
    /// to be split: 40 to 57 while a table grows. Hashes that are not chosen by an adversary keep to that; the head of
    /// `sample.rs` derives how surely. In a longer chunk, of `m` entries, those that have overflowed come up less often,
    /// by a factor of some `30 / (m - 15)`.
    pub fn fair_random(&self, rng: impl FnMut() -> u64) -> Option<&T> {
        // SAFETY: an entry of a table that is borrowed.
        self.raw.fair_random(rng).map(|entry| unsafe { entry.as_ref() })
    }

    /// Hands `n` different entries to `each`, or all if there are no more; far cheaper than `n` times
    /// [`Table::random`]. In C: `dictGetSomeKeys`.
    ///
    /// They are an entry as [`Table::random`] picks it, and those that follow it in the order of [`Table::iter`], around
    /// the end: of one chunk as a rule, if `n` is small. Each place of the sample is as even as `random` is, so an entry is
    /// in it with probability `n / len` or nearly. But neighbours come together: two entries that are `d` places apart are
    /// both in it with probability `(n - d) / len`. Since neighbours share nothing but bits of their hash, a sample is as
    /// good as `n` independent picks for whatever the hash does not know: ages for an eviction pool, sizes, types. It is
    /// not for picking pairs. Bounded as `random` is, and by a look at the tags of all chunks for what follows.
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
        // SAFETY: entries of a table that is borrowed.
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
    /// A copy, chunk by chunk, without hashing. O(n). The resize policy and what was reserved are copied too; a pause and
    /// [`Table::on_grow`] are not. An error is about the table's own memory: entries are cloned by their `Clone`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut clone = Self::new();
        clone.raw.reserve_chunks(self.raw.chunks())?;
        clone.raw.set_floor(self.raw.floor());
        clone.raw.set_policy(self.raw.policy());
        for chunk in 0..self.raw.chunks() {
            // SAFETY: a live chunk of a borrowed table, and its occupied slots.
            for slot in unsafe { self.raw.iter_chunk(chunk, false) } {
                // SAFETY: as above.
                let entry = unsafe { slot.entry.as_ref().clone() };
                clone.raw.push_copy(&self.raw, chunk, slot, entry).map_err(|_| RawTable::<T>::NO_CHILD)?;
            }
        }
        Ok(clone)
    }
}

impl<T: Clone> Clone for Table<T> {
    /// [`Table::try_clone`], with the OOM handler in place of an error.
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
