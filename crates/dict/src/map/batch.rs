//! Operations on several keys at a time, so that their cache misses overlap.
//! [`Table::find_many`](crate::Table::find_many) describes how.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::{Dict, Entry, equivalent_key, hasher};
use crate::TryInsertError;

/// The number of entries that [`Extend`] hashes and prefetches before it inserts the first of them. If the
/// iterator panics, the entries that it has already returned for the current batch are dropped.
const BATCH: usize = 16;
/// The size, in bytes, of the largest entries that are inserted in batches.
const BATCH_ENTRY_MAX: usize = 256;

/// The previous value of the key, or the entry for which there was no memory.
type Inserted<K, V> = Result<Option<V>, TryInsertError<(K, V)>>;

impl<K: Eq + Hash, V, S: BuildHasher> Dict<K, V, S> {
    /// Returns the values of `N` keys. About sixteen keys are a good number. The method is worth its cost if
    /// the dict is larger than the caches and the caller does something with the values. In a loop that only
    /// looks keys up, the processor overlaps the misses by itself.
    ///
    /// ```
    /// let squares: dict::Dict<u32, u32> = (0..100).map(|n| (n, n * n)).collect();
    /// assert_eq!(squares.get_many([&3, &200, &5]), [Some(&9), None, Some(&25)]);
    /// ```
    #[inline]
    pub fn get_many<Q: Hash + Eq + ?Sized, const N: usize>(&self, keys: [&Q; N]) -> [Option<&V>; N]
    where
        K: Borrow<Q>,
    {
        if self.is_empty() {
            return [const { None }; N];
        }
        let hashes = keys.map(|key| self.hash_builder.hash_one(key));
        self.table
            .find_many(hashes, |_| (), |i, entry| equivalent_key(keys[i])(entry))
            .map(|found| found.map(|(_, value)| value))
    }

    /// Inserts `N` entries in their order, and returns the previous values of their keys.
    ///
    /// ```
    /// let mut dict = dict::Dict::from([("a", 1)]);
    /// assert_eq!(dict.insert_many([("a", 2), ("b", 3), ("b", 4)]), [Some(1), None, Some(3)]);
    /// assert_eq!(dict.len(), 2);
    /// ```
    #[inline]
    pub fn insert_many<const N: usize>(&mut self, entries: [(K, V); N]) -> [Option<V>; N] {
        self.each_hashed(entries, Self::insert_hashed)
    }

    /// Does what [`Dict::insert_many`] does, but returns each entry for which there is no memory. The others
    /// are in the dict.
    #[inline]
    pub fn try_insert_many<const N: usize>(&mut self, entries: [(K, V); N]) -> [Inserted<K, V>; N] {
        self.each_hashed(entries, Self::try_insert_hashed)
    }

    /// Prefetches the places of all entries, and then inserts each.
    #[inline]
    fn each_hashed<T, const N: usize>(
        &mut self,
        entries: [(K, V); N],
        insert: impl Fn(&mut Self, u64, K, V) -> T,
    ) -> [T; N] {
        let hashes = entries.each_ref().map(|(key, _)| self.hash_builder.hash_one(key));
        self.table.prefetch_inserts(&hashes);
        let mut hashes = hashes.iter();
        entries.map(|(key, value)| {
            let hash = hashes.next().expect("as many hashes as entries");
            insert(self, *hash, key, value)
        })
    }

    #[inline]
    fn insert_hashed(&mut self, hash: u64, key: K, value: V) -> Option<V> {
        match Entry::new(self.table.entry(hash, equivalent_key(&key), hasher(&self.hash_builder)), key) {
            Entry::Occupied(mut entry) => Some(entry.insert(value)),
            Entry::Vacant(entry) => {
                entry.insert(value);
                None
            }
        }
    }

    #[inline]
    pub(super) fn try_insert_hashed(&mut self, hash: u64, key: K, value: V) -> Inserted<K, V> {
        if let Some((_, old)) = self.table.find_mut(hash, equivalent_key(&key)) {
            return Ok(Some(core::mem::replace(old, value)));
        }
        self.table.try_insert_unique(hash, (key, value), hasher(&self.hash_builder)).map(|_| None)
    }

    /// Implements [`Extend::extend`]. Inserts a batch at a time, unless entries are too large to keep a batch
    /// on the stack.
    pub(super) fn extend_in_batches(&mut self, entries: impl Iterator<Item = (K, V)>) {
        if size_of::<(K, V)>() <= BATCH_ENTRY_MAX {
            return self.extend_batch_by_batch(entries);
        }
        for (key, value) in entries {
            self.insert(key, value);
        }
    }

    #[inline(never)]
    fn extend_batch_by_batch(&mut self, entries: impl Iterator<Item = (K, V)>) {
        let mut entries = entries.fuse();
        loop {
            let mut batch: [Option<(K, V)>; BATCH] = core::array::from_fn(|_| entries.next());
            let mut hashes = [0; BATCH];
            let mut len = 0;
            for (hash, (key, _)) in hashes.iter_mut().zip(batch.iter().map_while(Option::as_ref)) {
                *hash = self.hash_builder.hash_one(key);
                len += 1;
            }
            self.table.prefetch_inserts(&hashes[..len]);
            for (hash, entry) in hashes[..len].iter().zip(&mut batch) {
                if let Some((key, value)) = entry.take() {
                    self.insert_hashed(*hash, key, value);
                }
            }
            if len < BATCH {
                return;
            }
        }
    }
}
