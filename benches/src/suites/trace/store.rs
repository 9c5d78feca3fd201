//! The stores of this suite: maps of byte strings with GET, SET and a scan.

use crate::maps::{FoldHash, Map, Visitor, for_each_scan_map, for_each_store_map};
use robj::{EncodingLimits, Robj};
use sds::Sds;
use std::collections::HashMap;
use std::hash::RandomState;
use std::marker::PhantomData;

/// A key that a store owns.
pub(super) trait OwnedKey: 'static {
    fn from_bytes(bytes: &[u8]) -> Self;
}

/// A value that a store owns.
pub(super) trait Value: 'static {
    fn from_bytes(bytes: &[u8]) -> Self;
    /// Passes the bytes of the value to `read`, as if they were written to a reply.
    fn read<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R;
}

impl OwnedKey for Sds {
    #[inline]
    fn from_bytes(bytes: &[u8]) -> Self {
        Sds::from_bytes(bytes)
    }
}

impl OwnedKey for Vec<u8> {
    #[inline]
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes.to_vec()
    }
}

impl Value for Robj {
    #[inline]
    fn from_bytes(bytes: &[u8]) -> Self {
        Robj::from_bytes(bytes, &EncodingLimits::default())
    }

    #[inline]
    fn read<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(&self.as_string().unwrap())
    }
}

impl Value for Vec<u8> {
    #[inline]
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes.to_vec()
    }

    #[inline]
    fn read<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(self)
    }
}

/// A store over the map `M`.
pub(super) struct Store<M, K, V> {
    map: M,
    cursor: u64,
    types: PhantomData<(K, V)>,
}

impl<K: OwnedKey, V: Value, M: Map<K, V, [u8]>> Store<M, K, V> {
    pub(super) fn new() -> Self {
        Self { map: M::default(), cursor: 0, types: PhantomData }
    }

    /// Returns the sum of the length and the first byte of the value, or `None` if the key is missing. So the
    /// value is not only found but also read.
    #[inline]
    pub(super) fn get(&mut self, key: &[u8]) -> Option<usize> {
        let touch = |bytes: &[u8]| bytes.len() + usize::from(bytes.first().copied().unwrap_or(0));
        self.map.get(key).map(|value| value.read(touch))
    }

    /// Replaces a value, or adds the key and the value.
    #[inline]
    pub(super) fn set(&mut self, key: &[u8], value: &[u8]) {
        match self.map.get_mut(key) {
            Some(old) => *old = V::from_bytes(value),
            None => self.map.insert(K::from_bytes(key), V::from_bytes(value)),
        }
    }

    /// Adds a key that is known to be missing.
    #[inline]
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.map.insert(K::from_bytes(key), V::from_bytes(value));
    }

    /// Visits at least `count` entries, or all if there are fewer. Returns the sum of the lengths of their
    /// values.
    #[inline]
    pub(super) fn scan(&mut self, count: usize) -> usize {
        let (mut read, mut cursor) = (0, self.cursor);
        self.map.scan(&mut cursor, count, |_, value| read += value.read(<[u8]>::len));
        self.cursor = cursor;
        read
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// See [`Map::finish_background_work`].
    pub(super) fn finish_background_work(&mut self) {
        self.map.finish_background_work();
    }
}

/// An operation that is done once for each kind of store.
pub(super) trait StoreVisitor {
    fn visit<K: OwnedKey, V: Value, M: Map<K, V, [u8]> + 'static>(&mut self, name: &str);
}

/// Visits the stores that hold the same keys and values, `Sds` and `Robj`, in different maps.
struct Same<'a, W>(&'a mut W);

impl<W: StoreVisitor> Visitor<Sds, Robj, [u8]> for Same<'_, W> {
    fn visit<M: Map<Sds, Robj, [u8]> + 'static>(&mut self) {
        self.0.visit::<Sds, Robj, M>(M::NAME);
    }
}

/// Visits redcore's store, and the peers that can scan.
pub(super) fn for_each_scan_store(visitor: &mut impl StoreVisitor) {
    for_each_scan_map::<Sds, Robj, [u8], FoldHash>(&mut Same(visitor));
}

/// Visits redcore's store, peers with the same keys and values in other maps, and stores of `Vec<u8>`.
pub(super) fn for_each_store(visitor: &mut impl StoreVisitor) {
    for_each_store_map::<Sds, Robj, [u8], FoldHash>(&mut Same(visitor));
    visitor.visit::<Vec<u8>, Vec<u8>, hashbrown::HashMap<Vec<u8>, Vec<u8>, FoldHash>>("hashbrown, Vec<u8>");
    visitor.visit::<Vec<u8>, Vec<u8>, HashMap<Vec<u8>, Vec<u8>, RandomState>>("std, Vec<u8>, own hash");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that were visited, and whether to scan.
    struct Check(Vec<String>, bool);

    impl StoreVisitor for Check {
        fn visit<K: OwnedKey, V: Value, M: Map<K, V, [u8]> + 'static>(&mut self, name: &str) {
            let mut store = Store::<M, K, V>::new();
            assert_eq!(store.get(b"k"), None, "{name}");
            store.set(b"k", b"abc");
            assert_eq!(store.get(b"k"), Some(3 + usize::from(b'a')), "{name}");
            store.set(b"k", b"z");
            assert_eq!(store.get(b"k"), Some(1 + usize::from(b'z')), "{name}");
            for i in 0..100 {
                store.add(format!("key-{i}").as_bytes(), b"xy");
            }
            store.finish_background_work();
            assert_eq!(store.len(), 101, "{name}");
            if self.1 {
                // Each scan visits at least ten entries of one or two bytes. A scan for more entries than
                // there are visits all.
                for _ in 0..50 {
                    assert!(store.scan(10) >= 10, "{name}");
                }
                assert!(store.scan(10_000) >= 201, "{name}");
            }
            self.0.push(name.to_owned());
        }
    }

    #[test]
    fn every_store_gets_sets_and_scans() {
        let mut check = Check(Vec::new(), false);
        for_each_store(&mut check);
        assert_eq!(check.0.len(), 6, "{:?}", check.0);
        let mut check = Check(Vec::new(), true);
        for_each_scan_store(&mut check);
        assert_eq!(check.0.len(), 3, "{:?}", check.0);
    }
}
