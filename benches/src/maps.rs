//! The maps that the table suites compare, with a common trait.
//!
//! Each suite is written once, generic over [`Map`], and compiled for every map. So no map is called through
//! a pointer, and all maps run the same loops. All of them use the same allocator (the global one is
//! [`zmalloc::Zmalloc`]). Unless a row says otherwise, they use the same hash function with a fixed seed.

mod buckets;
mod pointer;

use buckets::BucketMap;
use dict::{Cursor, Dict, classic};
pub use pointer::{CompactNode, Node, Pointer};
use std::borrow::Borrow;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// foldhash with a fixed seed. It is fast, and does the same work in every run.
pub type FoldHash = foldhash::fast::FixedState;

/// SipHash-1-3 with a fixed key: the hasher of std.
pub type Sip = BuildHasherDefault<DefaultHasher>;

/// The operations that the suites need of a map from `K` to `V` that looks keys up by `Q`.
pub trait Map<K, V, Q: ?Sized = K>: Default {
    /// The name of the map in the tables.
    const NAME: &'static str;
    /// Adds an entry, or replaces the value of an existing one.
    fn insert(&mut self, key: K, value: V);
    /// Looks an entry up. A table that rehashes in steps may do one step.
    fn get(&mut self, key: &Q) -> Option<&V>;
    /// Looks an entry up to change it.
    fn get_mut(&mut self, key: &Q) -> Option<&mut V>;
    /// Removes an entry, and returns its value.
    fn remove(&mut self, key: &Q) -> Option<V>;
    /// Visits all entries.
    fn for_each(&self, visit: impl FnMut(&K, &V));
    /// Visits at least `count` entries, or all if there are fewer. Continues where the last scan has stopped,
    /// and starts again at the end. The first cursor is 0. Only the maps of [`for_each_scan_map`] have a
    /// scan. The others cannot continue an iteration after a change, and a scan that always starts at the
    /// first entry would be different work.
    fn scan(&mut self, cursor: &mut u64, count: usize, visit: impl FnMut(&K, &V)) {
        let _ = (cursor, count, visit);
        unreachable!("{} has no cursor", Self::NAME);
    }
    /// Returns the number of entries.
    fn len(&self) -> usize;
    /// Returns whether there are no entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Finishes what the map does in the background, so that its memory can be compared.
    fn finish_background_work(&mut self) {}
}

/// A scan of `Dict`, which proceeds in chunks with the cursor of the table.
macro_rules! by_cursor {
    ($map:ident, $cursor:ident, $count:ident, $visit:ident) => {{
        // The shared reference selects the `scan` of the type instead of the one of the trait.
        let (map, mut visit, mut at, mut seen) = (&*$map, $visit, Cursor::from(*$cursor), 0);
        while seen < $count.min(map.len()) {
            at = map.scan(at, |key, value| {
                visit(key, value);
                seen += 1;
            });
        }
        *$cursor = at.into();
    }};
}

/// A scan of a map whose places have the numbers from 0 to below `$ends_at`. Some places may be empty.
macro_rules! by_number {
    ($at:ident, $ends_at:ident, $map:ident, $cursor:ident, $count:ident, $visit:ident) => {{
        let (map, mut visit, mut number, mut seen) = (&*$map, $visit, *$cursor as usize, 0);
        while seen < $count.min(map.len()) {
            if number >= map.$ends_at() {
                number = 0;
            }
            if let Some((key, value)) = map.$at(number) {
                visit(key, value);
                seen += 1;
            }
            number += 1;
        }
        *$cursor = number as u64;
    }};
}

macro_rules! by_bucket {
    ($($input:ident),*) => { by_number!(at, ends_at, $($input),*) };
}

macro_rules! by_index {
    ($($input:ident),*) => { by_number!(get_index, len, $($input),*) };
}

/// Implements [`Map`] for a type with the methods of std's `HashMap`.
macro_rules! hash_map {
    ($name:literal, $map:ty, remove: $remove:ident $(, scan: $scan:ident)? $(, finish_background_work: $finish_background_work:ident)?) => {
        impl<K, V, Q, S> Map<K, V, Q> for $map
        where
            K: Hash + Eq + Borrow<Q>,
            Q: Hash + Eq + ?Sized,
            S: BuildHasher + Default,
        {
            const NAME: &'static str = $name;

            #[inline]
            fn insert(&mut self, key: K, value: V) {
                self.insert(key, value);
            }

            #[inline]
            fn get(&mut self, key: &Q) -> Option<&V> {
                <$map>::get(self, key)
            }

            #[inline]
            fn get_mut(&mut self, key: &Q) -> Option<&mut V> {
                self.get_mut(key)
            }

            #[inline]
            fn remove(&mut self, key: &Q) -> Option<V> {
                self.$remove(key)
            }

            #[inline]
            fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
                self.iter().for_each(|(key, value)| visit(key, value));
            }

            $(#[inline]
            fn scan(&mut self, cursor: &mut u64, count: usize, visit: impl FnMut(&K, &V)) {
                $scan!(self, cursor, count, visit)
            })?

            fn len(&self) -> usize {
                self.len()
            }

            $(fn finish_background_work(&mut self) {
                $finish_background_work(self);
            })?
        }
    };
}

hash_map!("Dict", Dict<K, V, S>, remove: remove, scan: by_cursor);
hash_map!("hashbrown", hashbrown::HashMap<K, V, S>, remove: remove);
hash_map!("hashbrown HashTable", BucketMap<K, V, S>, remove: remove, scan: by_bucket);
hash_map!("std HashMap", std::collections::HashMap<K, V, S>, remove: remove);
hash_map!("griddle", griddle::HashMap<K, V, S>, remove: remove);
hash_map!("indexmap", indexmap::IndexMap<K, V, S>, remove: swap_remove, scan: by_index);
hash_map!("dict::classic", classic::Dict<K, V, S>, remove: remove, finish_background_work: finish_rehash);

fn finish_rehash<K: Hash + Eq, V, S: BuildHasher>(map: &mut classic::Dict<K, V, S>) {
    while map.is_rehashing() {
        map.rehash(1024);
    }
}

/// An operation that is generic over the map, and is done once for each map.
pub trait Visitor<K, V, Q: ?Sized = K> {
    /// Does the operation for `M`.
    fn visit<M: Map<K, V, Q> + 'static>(&mut self);
}

/// Visits redcore's map and then all peers, with the hasher `S`.
pub fn for_each_map<K, V, Q, S>(visitor: &mut impl Visitor<K, V, Q>)
where
    K: Hash + Eq + Borrow<Q> + 'static,
    V: 'static,
    Q: Hash + Eq + ?Sized,
    S: BuildHasher + Default + 'static,
{
    for_each_store_map::<K, V, Q, S>(visitor);
    visitor.visit::<griddle::HashMap<K, V, S>>();
    visitor.visit::<indexmap::IndexMap<K, V, S>>();
}

/// Like [`for_each_map`], for the maps that are suitable for a store.
pub fn for_each_store_map<K, V, Q, S>(visitor: &mut impl Visitor<K, V, Q>)
where
    K: Hash + Eq + Borrow<Q> + 'static,
    V: 'static,
    Q: Hash + Eq + ?Sized,
    S: BuildHasher + Default + 'static,
{
    visitor.visit::<Dict<K, V, S>>();
    visitor.visit::<hashbrown::HashMap<K, V, S>>();
    visitor.visit::<std::collections::HashMap<K, V, S>>();
    visitor.visit::<classic::Dict<K, V, S>>();
}

/// Like [`for_each_map`], for redcore's map and the peers that can scan.
pub fn for_each_scan_map<K, V, Q, S>(visitor: &mut impl Visitor<K, V, Q>)
where
    K: Hash + Eq + Borrow<Q> + 'static,
    V: 'static,
    Q: Hash + Eq + ?Sized,
    S: BuildHasher + Default + 'static,
{
    visitor.visit::<Dict<K, V, S>>();
    visitor.visit::<BucketMap<K, V, S>>();
    visitor.visit::<indexmap::IndexMap<K, V, S>>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Key, key};
    use std::collections::HashMap;

    /// Makes the same changes to a map and to std's `HashMap`, which is the oracle.
    struct Check {
        names: Vec<&'static str>,
        scans: bool,
    }

    impl Visitor<Key, u64> for Check {
        fn visit<M: Map<Key, u64> + 'static>(&mut self) {
            let (mut map, mut oracle) = (M::default(), HashMap::new());
            for i in 0..2_000_u64 {
                map.insert(key(i % 1_500), i);
                oracle.insert(key(i % 1_500), i);
                let gone = key(i * 7 % 900);
                assert_eq!(map.remove(&gone), oracle.remove(&gone), "{}", M::NAME);
                if let Some(value) = map.get_mut(&key(i / 2)) {
                    *value += 1;
                    *oracle.get_mut(&key(i / 2)).expect("both or none") += 1;
                }
            }
            map.finish_background_work();
            assert_eq!(map.len(), oracle.len(), "{}", M::NAME);
            assert!((0..2_000).all(|i| map.get(&key(i)) == oracle.get(&key(i))), "{}", M::NAME);
            let mut seen = HashMap::new();
            map.for_each(|key, value| assert!(seen.insert(*key, *value).is_none()));
            assert_eq!(seen, oracle, "{}", M::NAME);
            if self.scans {
                let (mut cursor, mut seen, mut steps) = (0, HashMap::new(), 0);
                while seen.len() < oracle.len() {
                    let mut visited = 0;
                    map.scan(&mut cursor, 10, |key, value| {
                        seen.insert(*key, *value);
                        visited += 1;
                    });
                    steps += 1;
                    assert!(visited >= 10 && steps <= oracle.len(), "{}", M::NAME);
                }
                assert_eq!(seen, oracle, "{}", M::NAME);
            }
            self.names.push(M::NAME);
        }
    }

    #[test]
    fn every_map_does_what_std_does() {
        let mut check = Check { names: Vec::new(), scans: false };
        for_each_map::<Key, u64, Key, FoldHash>(&mut check);
        assert_eq!(check.names.len(), 6);
        check.scans = true;
        for_each_scan_map::<Key, u64, Key, FoldHash>(&mut check);
        assert_eq!(check.names.len(), 9);
    }
}
