//! [`Dict`]: a map of keys and values, built on [`Table`].

mod batch;
mod entry;
mod iter;
mod maintenance;

pub use entry::{Entry, EntryRef, OccupiedEntry, VacantEntry, VacantEntryRef};
pub use iter::{Drain, IntoIter, IntoKeys, IntoValues, Iter, IterMut, Keys, Values, ValuesMut};

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::Index;

use common::Cursor;
use zmalloc::ReserveError;

use crate::error::TryInsertError;
use crate::hash::DefaultHashBuilder;
use crate::stats::Stats;
use crate::table::{ExtractIf, Table};

/// A hash map that grows by one chunk at a time.
///
/// Taught in the chapter `docs/src/spikes.md`.
///
/// The methods are those of `std::collections::HashMap` and `hashbrown::HashMap`. In addition, there are
/// `scan`, `random`, `fair_random`, `sample`, `stats` and `allocation_size`. The differences are:
///
/// - No insert or removal stalls: an insert splits at most one chunk, and a removal merges at most one
///   ([`crate::Work`]).
/// - The memory follows the number of entries closely, up and down, without a second table.
/// - The iteration order changes as the table grows, and is not random.
/// - The error of [`Dict::try_insert`] means that there is no memory, not that the key exists.
///
/// These parts of hashbrown's interface are left out:
///
/// - everything that takes an allocator, since the memory always comes from `zmalloc`;
/// - `Equivalent`: as in std, keys are looked up by what they [`Borrow`];
/// - the `unchecked` methods, which save one comparison at the price of safety;
/// - `into_map` of entries, since an entry borrows the table but not the hasher of the dict;
/// - `rayon`.
///
/// The drop check is the strict one, as with hashbrown on stable Rust: what the entries borrow must outlive
/// the dict.
///
/// In C: `dict`.
///
/// ```
/// use dict::Dict;
/// let mut ages = Dict::new();
/// ages.insert("ada", 36);
/// *ages.entry("alan").or_insert(0) += 41;
/// assert_eq!(ages.get("ada"), Some(&36));
/// assert_eq!(ages["alan"], 41);
/// assert_eq!(ages.remove("ada"), Some(36));
/// ```
#[derive(Clone)]
pub struct Dict<K, V, S = DefaultHashBuilder> {
    hash_builder: S,
    table: Table<(K, V)>,
}

/// A dict must not outlive what its entries borrow, even if dropping the entries does not read it. The reason
/// is that `Drop` is implemented without `#[may_dangle]`, which is unstable. std has no such limit, and
/// neither has hashbrown with its feature `nightly`.
///
/// ```compile_fail,E0597
/// let mut dict = dict::Dict::new();
/// let text = String::from("dropped first");
/// dict.insert(1, text.as_str());
/// ```
#[cfg(doctest)]
struct DropCheck;

/// Returns the closure that hashes the key of an entry. The table calls it for entries that it moves.
#[inline]
fn hasher<K: Hash, V, S: BuildHasher>(hash_builder: &S) -> impl Fn(&(K, V)) -> u64 + '_ {
    move |(key, _)| hash_builder.hash_one(key)
}

/// Returns the closure that compares the key of an entry with `key`.
#[inline]
fn equivalent_key<Q: Eq + ?Sized, K: Borrow<Q>, V>(key: &Q) -> impl Fn(&(K, V)) -> bool + '_ {
    move |(other, _)| key == other.borrow()
}

impl<K, V> Dict<K, V> {
    /// Creates an empty dict with the default hash. It owns no memory.
    pub fn new() -> Self {
        Self::with_hasher(DefaultHashBuilder::new())
    }

    /// Creates an empty dict with the default hash and room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, DefaultHashBuilder::new())
    }

    /// Does what [`Dict::with_capacity`] does, but returns an error if there is no memory.
    pub fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        Self::try_with_capacity_and_hasher(capacity, DefaultHashBuilder::new())
    }
}

impl<K, V, S> Dict<K, V, S> {
    /// Creates an empty dict whose keys `hash_builder` hashes. It owns no memory. The caller chooses the
    /// seed. In C: `dictCreate`.
    pub const fn with_hasher(hash_builder: S) -> Self {
        Self { hash_builder, table: Table::new() }
    }

    /// Creates an empty dict whose keys `hash_builder` hashes, with room for `capacity` entries.
    pub fn with_capacity_and_hasher(capacity: usize, hash_builder: S) -> Self {
        Self { hash_builder, table: Table::with_capacity(capacity) }
    }

    /// Does what [`Dict::with_capacity_and_hasher`] does, but returns an error if there is no memory.
    pub fn try_with_capacity_and_hasher(capacity: usize, hash_builder: S) -> Result<Self, ReserveError> {
        Ok(Self { hash_builder, table: Table::try_with_capacity(capacity)? })
    }

    /// Returns the hasher of the keys.
    pub fn hasher(&self) -> &S {
        &self.hash_builder
    }

    /// Returns the number of entries. In C: `dictSize`.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns whether the dict has no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Returns the number of entries that fit before a chunk is added.
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// Returns the shape of the table, in constant time. In C: `dictGetStats`.
    pub fn stats(&self) -> Stats {
        self.table.stats()
    }

    /// Returns the bytes that the table's own blocks add to `used_memory`. Keys and values are included, but
    /// not what they point to. Constant time. In C: `dictMemUsage`.
    pub fn allocation_size(&self) -> usize {
        self.table.allocation_size()
    }

    /// Returns an iterator over all entries, in no particular order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.table.iter())
    }

    /// Returns an iterator over all entries, with mutable references to the values.
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut(self.table.iter_mut())
    }

    /// Returns an iterator over all keys.
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys(self.iter())
    }

    /// Returns an iterator over all values.
    pub fn values(&self) -> Values<'_, K, V> {
        Values(self.iter())
    }

    /// Returns an iterator over mutable references to all values.
    pub fn values_mut(&mut self) -> ValuesMut<'_, K, V> {
        ValuesMut(self.iter_mut())
    }

    /// Returns an iterator over all keys by value.
    pub fn into_keys(self) -> IntoKeys<K, V> {
        IntoKeys(self.into_iter())
    }

    /// Returns an iterator over all values by value.
    pub fn into_values(self) -> IntoValues<K, V> {
        IntoValues(self.into_iter())
    }

    /// Removes all entries and returns them as an iterator. The iterator owns the table's memory and frees it
    /// when it is dropped.
    pub fn drain(&mut self) -> Drain<'_, K, V> {
        Drain(self.table.drain())
    }

    /// Keeps only the entries for which `keep` is true. O(n). Moves no entry between chunks.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.table.retain(|(key, value)| keep(key, value));
    }

    /// Returns an iterator that removes and yields the entries for which `pick` is true. An entry is removed
    /// when the iterator reaches it. Entries that it has not reached when it is dropped stay. Like
    /// [`Dict::retain`], it moves no entry between chunks.
    ///
    /// ```
    /// let mut dict: dict::Dict<u32, u32> = (0..100).map(|n| (n, n)).collect();
    /// assert_eq!(dict.extract_if(|key, _| key % 2 == 0).count(), 50);
    /// assert!(dict.keys().all(|key| key % 2 == 1));
    /// ```
    pub fn extract_if<'a>(
        &'a mut self,
        mut pick: impl FnMut(&K, &mut V) -> bool + 'a,
    ) -> ExtractIf<'a, (K, V), impl FnMut(&mut (K, V)) -> bool + 'a> {
        self.table.extract_if(move |(key, value)| pick(key, value))
    }

    /// Drops all entries and frees the memory. O(n). In C: `dictEmpty`.
    pub fn clear(&mut self) {
        self.table.clear();
    }

    /// Makes the table as small as its entries allow, in one call. O(entries that move). In C: `dictShrink`.
    pub fn shrink_to_fit(&mut self) {
        self.table.shrink_to_fit();
    }

    /// Makes the table as small as its entries allow, but keeps room for `min_capacity` entries. O(entries
    /// that move).
    pub fn shrink_to(&mut self, min_capacity: usize) {
        self.table.shrink_to(min_capacity);
    }

    /// Calls `each` for the entries of the next one or two chunks. [`Table::scan`] describes the guarantee.
    /// In C: `dictScan`.
    ///
    /// ```
    /// use dict::{Cursor, Dict};
    /// let dict: Dict<u32, u32> = (0..100).map(|n| (n, n * n)).collect();
    /// let (mut cursor, mut keys) = (Cursor::START, Vec::new());
    /// loop {
    ///     cursor = dict.scan(cursor, |&key, _| keys.push(key));
    ///     if cursor == Cursor::START {
    ///         break;
    ///     }
    /// }
    /// keys.sort();
    /// assert!(keys.into_iter().eq(0..100));
    /// ```
    pub fn scan<'a>(&'a self, cursor: Cursor, mut each: impl FnMut(&'a K, &'a V)) -> Cursor {
        self.table.scan(cursor, |(key, value)| each(key, value))
    }

    /// Returns an entry picked at random, quickly. [`Table::random`] describes how even the choice is. In C:
    /// `dictGetRandomKey`.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<(&K, &V)> {
        self.table.random(rng).map(|(key, value)| (key, value))
    }

    /// Returns an entry picked at random, each with the same probability: see [`Table::fair_random`]. In C:
    /// `dictGetFairRandomKey`.
    pub fn fair_random(&self, rng: impl FnMut() -> u64) -> Option<(&K, &V)> {
        self.table.fair_random(rng).map(|(key, value)| (key, value))
    }

    /// Calls `each` for `n` different entries, or for all if there are no more. The entries are neighbours in
    /// the table, which makes the call cheap. [`Table::sample`] describes what such a sample is good for. In
    /// C: `dictGetSomeKeys`.
    pub fn sample<'a>(&'a self, n: usize, rng: impl FnMut() -> u64, mut each: impl FnMut(&'a K, &'a V)) {
        self.table.sample(n, rng, |(key, value)| each(key, value));
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Dict<K, V, S> {
    /// Returns the value of `key`. O(1). In C: `dictFetchValue`.
    #[inline]
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// Returns a mutable reference to the value of `key`.
    #[inline]
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value_mut(key).map(|(_, value)| value)
    }

    /// Returns the entry of `key`. In C: `dictFind`.
    #[inline]
    pub fn get_key_value<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        if self.table.is_empty() {
            return None;
        }
        let hash = self.hash_builder.hash_one(key);
        self.table.find(hash, equivalent_key(key)).map(|(key, value)| (key, value))
    }

    /// Returns the entry of `key`, with a mutable reference to the value.
    #[inline]
    pub fn get_key_value_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<(&K, &mut V)>
    where
        K: Borrow<Q>,
    {
        if self.table.is_empty() {
            return None;
        }
        let hash = self.hash_builder.hash_one(key);
        self.table.find_mut(hash, equivalent_key(key)).map(|(key, value)| (&*key, value))
    }

    /// Returns mutable references to the values of several keys at once.
    ///
    /// # Panics
    /// If two keys are equal and the dict contains them.
    ///
    /// ```
    /// let mut accounts = dict::Dict::from([("ada", 10), ("alan", 0)]);
    /// if let [Some(from), Some(to), None] = accounts.get_disjoint_mut(["ada", "alan", "grace"]) {
    ///     *from -= 3;
    ///     *to += 3;
    /// }
    /// assert_eq!((accounts["ada"], accounts["alan"]), (7, 3));
    /// ```
    pub fn get_disjoint_mut<Q: Hash + Eq + ?Sized, const N: usize>(
        &mut self,
        keys: [&Q; N],
    ) -> [Option<&mut V>; N]
    where
        K: Borrow<Q>,
    {
        self.get_disjoint_key_value_mut(keys).map(|entry| entry.map(|(_, value)| value))
    }

    /// Does what [`Dict::get_disjoint_mut`] does, and returns the keys too.
    ///
    /// # Panics
    /// If two keys are equal and the dict contains them.
    pub fn get_disjoint_key_value_mut<Q: Hash + Eq + ?Sized, const N: usize>(
        &mut self,
        keys: [&Q; N],
    ) -> [Option<(&K, &mut V)>; N]
    where
        K: Borrow<Q>,
    {
        let hashes = keys.map(|key| self.hash_builder.hash_one(key));
        let entries = self.table.get_disjoint_mut(hashes, |index, (key, _)| keys[index] == key.borrow());
        entries.map(|entry| entry.map(|(key, value)| (&*key, value)))
    }

    /// Returns whether there is an entry of `key`.
    #[inline]
    pub fn contains_key<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).is_some()
    }

    /// Sets the value of `key` and returns the previous one. If the dict has an equal key, it keeps that key
    /// and drops `key`. O(1). In C: `dictReplace`.
    #[inline]
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.entry(key) {
            Entry::Occupied(mut entry) => Some(entry.insert(value)),
            Entry::Vacant(entry) => {
                entry.insert(value);
                None
            }
        }
    }

    /// Does what [`Dict::insert`] does, but can return an error. std's unstable method of this name is
    /// different: it fails if the key exists.
    ///
    /// # Errors
    /// If there is no memory for a new entry. The error contains the key and the value. The dict is then as
    /// it was.
    pub fn try_insert(&mut self, key: K, value: V) -> Result<Option<V>, TryInsertError<(K, V)>> {
        self.try_insert_hashed(self.hash_builder.hash_one(&key), key, value)
    }

    /// Removes the entry of `key` and returns its value. O(1). In C: `dictDelete`.
    #[inline]
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.remove_entry(key).map(|(_, value)| value)
    }

    /// Removes the entry of `key` and returns it. In C: `dictUnlink`.
    #[inline]
    pub fn remove_entry<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash_builder.hash_one(key);
        self.table.find_entry(hash, equivalent_key(key)).ok().map(|entry| entry.remove())
    }

    /// Returns the entry of `key`, or the place for it.
    #[inline]
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        let hash = self.hash_builder.hash_one(&key);
        Entry::new(self.table.entry(hash, equivalent_key(&key), hasher(&self.hash_builder)), key)
    }

    /// Does what [`Dict::entry`] does, but returns the key in an error if the table is empty and there is no
    /// memory for its first chunk. The `try_` methods of the entry return the other errors.
    ///
    /// ```
    /// # fn count(words: &mut dict::Dict<String, u32>, word: String) -> Result<(), Box<dyn std::error::Error>> {
    /// *words.try_entry(word)?.try_or_insert(0)? += 1;
    /// # Ok(())
    /// # }
    /// # let mut words = dict::Dict::new();
    /// # count(&mut words, "rose".into()).unwrap();
    /// # assert_eq!(words["rose"], 1);
    /// ```
    #[inline]
    pub fn try_entry(&mut self, key: K) -> Result<Entry<'_, K, V>, TryInsertError<K>> {
        let hash = self.hash_builder.hash_one(&key);
        match self.table.try_entry(hash, equivalent_key(&key), hasher(&self.hash_builder)) {
            Ok(entry) => Ok(Entry::new(entry, key)),
            Err(error) => Err(TryInsertError { entry: key, error }),
        }
    }

    /// Returns the entry of `key`, or the place for it. `K::from` creates the key only if it is inserted, for
    /// example a `String` from a `str`, or an `Sds` from bytes. hashbrown 0.17 uses `ToOwned` instead, which
    /// `Sds` cannot implement.
    ///
    /// ```
    /// let mut words = dict::Dict::<String, u32>::new();
    /// for word in ["a", "rose", "is", "a", "rose"] {
    ///     *words.entry_ref(word).or_insert(0) += 1;
    /// }
    /// assert_eq!(words["rose"], 2);
    /// ```
    #[inline]
    pub fn entry_ref<'a, 'q, Q: Hash + Eq + ?Sized>(&'a mut self, key: &'q Q) -> EntryRef<'a, 'q, K, Q, V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash_builder.hash_one(key);
        EntryRef::new(self.table.entry(hash, equivalent_key(key), hasher(&self.hash_builder)), key)
    }

    /// Does what [`Dict::entry_ref`] does, but returns an error if the table is empty and there is no memory
    /// for its first chunk.
    #[inline]
    pub fn try_entry_ref<'a, 'q, Q: Hash + Eq + ?Sized>(
        &'a mut self,
        key: &'q Q,
    ) -> Result<EntryRef<'a, 'q, K, Q, V>, ReserveError>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash_builder.hash_one(key);
        let entry = self.table.try_entry(hash, equivalent_key(key), hasher(&self.hash_builder))?;
        Ok(EntryRef::new(entry, key))
    }

    /// Makes room for `additional` more entries. [`Table::reserve`] describes how long the room is kept. In
    /// C: `dictExpand`.
    pub fn reserve(&mut self, additional: usize) {
        self.table.reserve(additional, hasher(&self.hash_builder));
    }

    /// Does what [`Dict::reserve`] does, but can return an error. In C: `dictTryExpand`.
    ///
    /// # Errors
    /// If there is no memory. The entries are as they were. The table may be larger than before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), ReserveError> {
        self.table.try_reserve(additional, hasher(&self.hash_builder))
    }
}

impl<K: Clone, V: Clone, S: Clone> Dict<K, V, S> {
    /// Returns a copy, made by [`Table::try_clone`]. O(n).
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(Self { hash_builder: self.hash_builder.clone(), table: self.table.try_clone()? })
    }
}

impl<K, V, S: Default> Default for Dict<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for Dict<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Eq + Hash, V: PartialEq, S: BuildHasher> PartialEq for Dict<K, V, S> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, value)| other.get(key).is_some_and(|it| *value == *it))
    }
}

impl<K: Eq + Hash, V: Eq, S: BuildHasher> Eq for Dict<K, V, S> {}

impl<K: Eq + Hash + Borrow<Q>, Q: Eq + Hash + ?Sized, V, S: BuildHasher> Index<&Q> for Dict<K, V, S> {
    type Output = V;

    /// # Panics
    /// If there is no entry of `key`.
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry found for key")
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Extend<(K, V)> for Dict<K, V, S> {
    /// The fallible form is [`Dict::try_insert_many`].
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.extend_in_batches(entries.into_iter());
    }
}

impl<'a, K: Eq + Hash + Copy, V: Copy, S: BuildHasher> Extend<(&'a K, &'a V)> for Dict<K, V, S> {
    fn extend<I: IntoIterator<Item = (&'a K, &'a V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}

impl<'a, K: Eq + Hash + Copy, V: Copy, S: BuildHasher> Extend<&'a (K, V)> for Dict<K, V, S> {
    fn extend<I: IntoIterator<Item = &'a (K, V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().copied());
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> FromIterator<(K, V)> for Dict<K, V, S> {
    /// The fallible form is [`Dict::try_insert_many`].
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut dict = Self::default();
        dict.extend(entries);
        dict
    }
}

impl<K: Eq + Hash, V, const N: usize> From<[(K, V); N]> for Dict<K, V> {
    /// The fallible form is [`Dict::try_insert_many`].
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}
