//! The maps that the table suites compare, behind one trait.
//!
//! Each suite is written once, generic over [`Map`], and compiled for every map: no map is called through
//! a pointer, and none gets a loop of its own. All stand on the same allocator (the global one is
//! [`zmalloc::Zmalloc`]) and, unless a row says otherwise, on the same hash function with a fixed seed.

use crate::keys::Key;
use dict::{Cursor, Dict, classic};
use std::borrow::Borrow;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// foldhash with a fixed seed: fast, and the same work in every run.
pub type Fold = foldhash::fast::FixedState;

/// SipHash-1-3 with a fixed key, as std has it.
pub type Sip = BuildHasherDefault<DefaultHasher>;

/// What the suites ask of a map from `K` to `V` that looks keys up by `Q`.
pub trait Map<K, V, Q: ?Sized = K>: Default {
    /// The name in the tables.
    const NAME: &'static str;
    /// Adds an entry, or replaces the value of one.
    fn insert(&mut self, key: K, value: V);
    /// Looks an entry up; a table that rehashes in steps may take one.
    fn get(&mut self, key: &Q) -> Option<&V>;
    /// Looks an entry up to change it.
    fn get_mut(&mut self, key: &Q) -> Option<&mut V>;
    /// Takes an entry out.
    fn remove(&mut self, key: &Q) -> Option<V>;
    /// Visits all entries.
    fn for_each(&self, visit: impl FnMut(&K, &V));
    /// Visits at least `count` entries if there are as many, going on where the last scan stopped. Maps
    /// without a cursor begin at their first entry every time, which by then is in the cache: a scan row
    /// flatters them.
    fn scan(&mut self, cursor: &mut u64, count: usize, visit: impl FnMut(&K, &V));
    /// The number of entries.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Finishes what the map does in the background, so that its memory can be compared.
    fn settle(&mut self) {}
}

/// A scan for a map without a cursor.
macro_rules! from_the_first {
    ($map:ident, $cursor:ident, $count:ident, $visit:ident) => {{
        let (_, mut visit) = ($cursor, $visit);
        $map.iter().take($count).for_each(|(key, value)| visit(key, value));
    }};
}

/// A scan for `dict`'s maps: chunk by chunk, starting over at the end, at most once around.
macro_rules! from_the_cursor {
    ($map:ident, $cursor:ident, $count:ident, $visit:ident) => {{
        // A shared reference: the type's own `scan` is meant, not the trait's.
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

/// A [`Map`] for a type with the methods of std's `HashMap`.
macro_rules! hash_map {
    ($name:literal, $map:ty, remove: $remove:ident, scan: $scan:ident $(, settle: $settle:ident)?) => {
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

            #[inline]
            fn scan(&mut self, cursor: &mut u64, count: usize, visit: impl FnMut(&K, &V)) {
                $scan!(self, cursor, count, visit)
            }

            fn len(&self) -> usize {
                self.len()
            }

            $(fn settle(&mut self) {
                $settle(self);
            })?
        }
    };
}

hash_map!("Dict", Dict<K, V, S>, remove: remove, scan: from_the_cursor);
hash_map!("hashbrown", hashbrown::HashMap<K, V, S>, remove: remove, scan: from_the_first);
hash_map!("std HashMap", std::collections::HashMap<K, V, S>, remove: remove, scan: from_the_first);
hash_map!("griddle", griddle::HashMap<K, V, S>, remove: remove, scan: from_the_first);
hash_map!("indexmap", indexmap::IndexMap<K, V, S>, remove: swap_remove, scan: from_the_first);
hash_map!("dict::classic", classic::Dict<K, V, S>, remove: remove, scan: from_the_first, settle: finish_rehash);

fn finish_rehash<K: Hash + Eq, V, S: BuildHasher>(map: &mut classic::Dict<K, V, S>) {
    while map.is_rehashing() {
        map.rehash(1024);
    }
}

/// Something done once for each map.
pub trait Visitor<K, V, Q: ?Sized = K> {
    /// Does it for `M`.
    fn visit<M: Map<K, V, Q> + 'static>(&mut self);
}

/// Visits redcore's map and then all peers, with the hash `S`.
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

/// The same for the maps that somebody would build a store on.
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

/// A block that holds its key, for tables of pointers.
pub struct Node {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: u64,
}
