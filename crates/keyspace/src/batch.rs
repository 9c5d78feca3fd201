//! Operations on several keys at once, whose cache misses overlap.

use crate::access::Access;
use crate::entry::Entry;
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::value::ValueRef;
use core::hash::BuildHasher;
use dict::prefetch::prefetch;
use values::{AheadLookup, Element, Hash, ObjectType, Set};

/// How many keys are prefetched together: their entries, or the places in the table for new keys.
pub(crate) const AHEAD: usize = 16;

impl<S: BuildHasher> Keyspace<S> {
    /// Returns the values of `N` keys, as [`get`](Self::get) does for one. About 16 keys are a good number.
    /// The cache misses of all keys overlap, whereas single look-ups wait for each miss in turn. In C:
    /// `MGET`.
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("a", 1, 0)?;
    /// keyspace.set("b", 2, 0)?;
    /// let found = keyspace.get_many(["a", "x", "b"], 0);
    /// assert_eq!(found.map(|value| value.is_some()), [true, false, true]);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn get_many<'k, const N: usize>(
        &self,
        keys: [impl Into<Key<'k>>; N],
        now: u64,
    ) -> [Option<ValueRef<'_>>; N] {
        let (mut wanted, mut hashes): ([&[u8]; N], _) = ([&[]; N], [0; N]);
        for (i, key) in keys.into_iter().enumerate() {
            let key = key.into();
            (wanted[i], hashes[i]) = (key.bytes(), self.hash_of(&key));
        }
        let ahead = |entry: &Entry| prefetch(entry.address());
        let access = Access::read_at(&self.options, now);
        let mut values = [None; N];
        self.table.find_map_many(
            hashes,
            ahead,
            |i, entry| entry.view_of(wanted[i], &self.reading.tables),
            |i, found| {
                if let Some(entry) = found
                    && !entry.is_expired(now)
                {
                    access.touch(entry, hashes[i]);
                    values[i] = Some(ValueRef::of(entry, &self.reading));
                }
            },
        );
        values
    }

    /// Calls `each` with the index of every key and its value. Works like [`get_many`](Self::get_many), in
    /// batches of 16 keys. In C: `MGET`.
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("a", 1, 0)?;
    /// let (keys, mut found) = (vec!["x".into(), "a".into()], Vec::new());
    /// keyspace.get_each(&keys, 0, |i, value| found.push((i, value.is_some())));
    /// assert_eq!(found, [(0, false), (1, true)]);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn get_each<'a>(
        &'a self,
        keys: &[Key<'_>],
        now: u64,
        mut each: impl FnMut(usize, Option<ValueRef<'a>>),
    ) {
        let (batches, rest) = keys.as_chunks::<AHEAD>();
        let mut i = 0;
        let mut next = |value| {
            each(i, value);
            i += 1;
        };
        for batch in batches {
            self.get_many(*batch, now).into_iter().for_each(&mut next);
        }
        rest.iter().for_each(|key| next(self.get(*key, now)));
    }

    /// Computes the hashes of keys that are about to be read or written, and stores them in `keys`. Prefetches
    /// what the operations on the first 16 keys will read, so that their cache misses overlap: the places in
    /// the table, and the blocks of the keys that are there.
    ///
    /// This is for a caller that knows the keys of several requests before it runs the first of them. In
    /// Valkey: `prefetchCommands`.
    ///
    /// ```
    /// use keyspace::{Key, Keyspace};
    /// let mut keyspace = Keyspace::new();
    /// let mut keys = ["a", "b", "c"].map(Key::from);
    /// keyspace.prefetch(&mut keys);
    /// for key in keys {
    ///     keyspace.set(key, 1, 0)?;
    /// }
    /// assert!(keyspace.contains_key("b", 0));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn prefetch(&self, keys: &mut [Key<'_>]) {
        let (mut hashes, len) = ([0; AHEAD], keys.len().min(AHEAD));
        for (hash, key) in hashes.iter_mut().zip(&mut *keys) {
            *hash = self.hash_of(key);
            *key = Key::with_hash(key.bytes(), *hash);
            self.table.prefetch(*hash);
        }
        let mut candidates = [None; AHEAD];
        for (candidate, hash) in candidates.iter_mut().zip(&hashes[..len]) {
            *candidate = self.table.prefetch_candidate(*hash);
            if candidate.is_none() {
                self.table.prefetch_inserts(&[*hash]);
            }
        }
        candidates.into_iter().flatten().for_each(|entry| prefetch(entry.address()));
    }

    /// Prefetches what operations on members of sets or on fields of hashes will read, for the first 16 pairs of a
    /// key and a member or field. Ignores keys with other values, and small values, which are in the cache if they
    /// are in use. Looks the keys up, so [`prefetch`](Self::prefetch) them before.
    ///
    /// ```
    /// use keyspace::{Key, Keyspace};
    /// let mut keyspace = Keyspace::new();
    /// let mut keys = [Key::from("set"); 2];
    /// keyspace.prefetch(&mut keys);
    /// let pairs = [(keys[0], &b"a"[..]), (keys[1], b"b")];
    /// keyspace.prefetch_members(&pairs);
    /// for (key, member) in pairs {
    ///     keyspace.sadd(key, member, 0)?;
    /// }
    /// assert!(keyspace.sismember("set", "b", 0)?);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn prefetch_members(&self, pairs: &[(Key<'_>, &[u8])]) {
        let mut lookups = [None; AHEAD];
        for (lookup, (key, member)) in lookups.iter_mut().zip(pairs) {
            // At the time 0 no key has expired.
            *lookup = self.find(self.hash_of(key), key, 0).and_then(|entry| look_ahead(entry, member));
        }
        lookups.iter().flatten().for_each(|lookup| lookup.prefetch_slot());
        lookups.iter().flatten().for_each(|lookup| lookup.prefetch_block());
    }

    /// Sets many keys, one after the other, as [`set`](Self::set) does. Their cache misses overlap. In C:
    /// `MSET`.
    ///
    /// # Errors
    /// The error of the first pair that fails. The pairs before it are set, and those after it are not.
    pub fn set_many(&mut self, pairs: &[(Key<'_>, Element<'_>)], now: u64) -> Result<(), Error> {
        for pairs in pairs.chunks(AHEAD) {
            let mut hashes = [0; AHEAD];
            for (hash, (key, _)) in hashes.iter_mut().zip(pairs) {
                *hash = self.hash_of(key);
            }
            self.table.prefetch_inserts(&hashes[..pairs.len()]);
            for (hash, (key, value)) in hashes.iter().zip(pairs) {
                self.set(Key::with_hash(key.bytes(), *hash), *value, now)?;
            }
        }
        Ok(())
    }
}

/// Returns the look-up of a member or field in a large set or hash, and prefetches what it reads first.
fn look_ahead<'a>(entry: &'a Entry, member: &[u8]) -> Option<AheadLookup<'a>> {
    match entry.object_type() {
        ObjectType::Set => entry.collection::<Set>().ok()?.look_ahead(member),
        ObjectType::Hash => entry.collection::<Hash>().ok()?.look_ahead(member),
        ObjectType::String | ObjectType::List | ObjectType::ZSet => None,
    }
}
