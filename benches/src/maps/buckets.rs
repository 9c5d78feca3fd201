//! A map on hashbrown's `HashTable`, which is the peer for scans.
//!
//! `hashbrown::HashMap` cannot continue an iteration after a change. `HashTable` can, because its buckets
//! have numbers. An implementation of SCAN on hashbrown would walk these numbers. Such a scan has no
//! guarantee: if the table grows in between, entries move to other numbers, and the scan may miss them.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

/// A map that can be scanned by bucket.
pub(super) struct BucketMap<K, V, S> {
    table: HashTable<(K, V)>,
    hash_builder: S,
}

impl<K, V, S: Default> Default for BucketMap<K, V, S> {
    fn default() -> Self {
        Self { table: HashTable::new(), hash_builder: S::default() }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> BucketMap<K, V, S> {
    #[inline]
    pub(super) fn insert(&mut self, key: K, value: V) {
        let hash = self.hash_builder.hash_one(&key);
        let hasher = |(key, _): &(K, V)| self.hash_builder.hash_one(key);
        match self.table.entry(hash, |(other, _)| *other == key, hasher) {
            Entry::Occupied(mut entry) => entry.get_mut().1 = value,
            Entry::Vacant(entry) => {
                entry.insert((key, value));
            }
        }
    }

    #[inline]
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash_builder.hash_one(key);
        self.table.find(hash, |(other, _)| other.borrow() == key).map(|(_, value)| value)
    }

    #[inline]
    pub(super) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash_builder.hash_one(key);
        self.table.find_mut(hash, |(other, _)| other.borrow() == key).map(|(_, value)| value)
    }

    #[inline]
    pub(super) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash_builder.hash_one(key);
        let entry = self.table.find_entry(hash, |(other, _)| other.borrow() == key).ok()?;
        Some(entry.remove().0.1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.table.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns one past the number of the last bucket.
    pub(super) fn ends_at(&self) -> usize {
        self.table.num_buckets()
    }

    /// Returns the entry in a bucket, if there is one.
    #[inline]
    pub(super) fn at(&self, bucket: usize) -> Option<(&K, &V)> {
        self.table.get_bucket(bucket).map(|(key, value)| (key, value))
    }
}
