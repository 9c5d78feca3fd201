//! The textbook dict: two tables of chained entries, rehashed one bucket at a time.
//!
//! Redis has had this table since its early versions. It is kept small and plain here: for the book, for the
//! arithmetic of memory, and as the baseline of the benchmarks. Use [`crate::Dict`] for everything else.
//!
//! ```text
//!  tables[0]  [ * ][   ][ * ][ * ]                4 buckets of 8 bytes, being emptied
//!               |         |    +--> | key | value | next |      24 bytes for two pointers
//!               |         +--> ...
//!               +--> | key | value | next | --> | key | value | next |
//!  tables[1]  [   ][ * ][   ][   ][   ][   ][   ][   ]          8 buckets, being filled
//!  rehash_index = 1                               buckets before it have moved
//! ```
//!
//! While two tables exist, every operation moves one bucket from the old table to the new one, look-ups
//! search both, and inserts go to the new one. The old table is freed when its last bucket has moved.
//!
//! The costs of this design are the reason for the other one. Every link of a chain is a cache miss. A
//! doubling allocates and clears the whole new table in one operation, and both tables exist until the last
//! bucket has moved.
//!
//! The code is safe throughout: buckets and entries are boxes and vectors on [`Zmalloc`].
//!
//! Learned from: Salvatore Sanfilippo's `dict.c`.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::mem;

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use common::random::scale;
use zmalloc::{Zmalloc, good_size};

use crate::hash::DefaultHashBuilder;

/// The number of buckets of a first table. In C: `DICT_HT_INITIAL_SIZE`.
const INITIAL_BUCKETS: usize = 4;
/// A table shrinks when it has at most one entry per this many buckets. In C: `HASHTABLE_MIN_FILL`.
const SHRINK_AT: usize = 8;
/// The number of empty buckets that a step may pass over for each bucket that it moves.
const EMPTY_VISITS: usize = 10;

type Link<K, V> = Option<Box<Node<K, V>, Zmalloc>>;

/// In C: `dictEntry`.
struct Node<K, V> {
    key: K,
    value: V,
    next: Link<K, V>,
}

const _: () = assert!(size_of::<Node<usize, usize>>() == 3 * size_of::<usize>());

/// In C: `dictht`.
struct Buckets<K, V> {
    /// The buckets. Their number is a power of two, or 0.
    heads: Vec<Link<K, V>, Zmalloc>,
    used: usize,
}

impl<K, V> Buckets<K, V> {
    const fn none() -> Self {
        Self { heads: Vec::new_in(Zmalloc), used: 0 }
    }

    fn with_size(size: usize) -> Self {
        let mut heads = Vec::with_capacity_in(size, Zmalloc);
        heads.resize_with(size, || None);
        Self { heads, used: 0 }
    }

    fn size(&self) -> usize {
        self.heads.len()
    }

    /// Returns the bucket of a hash. The table must have buckets.
    fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.size() - 1)
    }

    fn push(&mut self, hash: u64, mut node: Box<Node<K, V>, Zmalloc>) {
        let bucket = self.bucket(hash);
        node.next = self.heads[bucket].take();
        self.heads[bucket] = Some(node);
        self.used += 1;
    }

    fn find(&self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<&Node<K, V>> {
        let mut link = &self.heads[self.bucket(hash)];
        while let Some(node) = link {
            if eq(&node.key) {
                return Some(node);
            }
            link = &node.next;
        }
        None
    }

    fn find_mut(&mut self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<&mut Node<K, V>> {
        let bucket = self.bucket(hash);
        let mut link = &mut self.heads[bucket];
        while let Some(node) = link {
            if eq(&node.key) {
                return Some(node);
            }
            link = &mut node.next;
        }
        None
    }

    fn remove(&mut self, hash: u64, eq: impl Fn(&K) -> bool) -> Option<Box<Node<K, V>, Zmalloc>> {
        let bucket = self.bucket(hash);
        let mut link = &mut self.heads[bucket];
        while link.as_ref().is_some_and(|node| !eq(&node.key)) {
            link = &mut link.as_mut()?.next;
        }
        let mut node = link.take()?;
        *link = node.next.take();
        self.used -= 1;
        Some(node)
    }
}

impl<K, V> Drop for Buckets<K, V> {
    /// Frees chains link by link. The default drop would recurse over the chain.
    fn drop(&mut self) {
        for head in &mut self.heads {
            let mut link = head.take();
            while let Some(mut node) = link {
                link = node.next.take();
            }
        }
    }
}

/// Returns a number below `bound`, without a division.
fn below(rng: &mut impl FnMut() -> u64, bound: usize) -> usize {
    scale(rng(), bound)
}

/// A dict of two chained tables.
///
/// ```
/// let mut dict = dict::classic::Dict::new();
/// for n in 0..5 {
///     dict.insert(n, n * n);
/// }
/// assert!(dict.is_rehashing()); // the fifth entry found four buckets and asked for eight
/// assert_eq!(dict.get(&3), Some(&9));
/// while dict.rehash(1) {}
/// assert!(!dict.is_rehashing());
/// ```
pub struct Dict<K, V, S = DefaultHashBuilder> {
    tables: [Buckets<K, V>; 2],
    /// The next bucket of `tables[0]` to move; `None` if there is one table. In C: `rehashidx`, or -1.
    rehash_index: Option<usize>,
    hash_builder: S,
}

impl<K, V> Dict<K, V> {
    /// Creates an empty dict with the default hash.
    pub fn new() -> Self {
        Self::with_hasher(DefaultHashBuilder::new())
    }
}

impl<K, V, S: Default> Default for Dict<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K, V, S> Dict<K, V, S> {
    /// Creates an empty dict whose keys `hash_builder` hashes. In C: `dictCreate`.
    pub const fn with_hasher(hash_builder: S) -> Self {
        Self { tables: [Buckets::none(), Buckets::none()], rehash_index: None, hash_builder }
    }

    /// Returns the number of entries. In C: `dictSize`.
    pub fn len(&self) -> usize {
        self.tables[0].used + self.tables[1].used
    }

    /// Returns whether the dict has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of buckets of both tables together. In C: `dictSlots`.
    pub fn buckets(&self) -> usize {
        self.tables[0].size() + self.tables[1].size()
    }

    /// Returns whether there are two tables. In C: `dictIsRehashing`.
    pub fn is_rehashing(&self) -> bool {
        self.rehash_index.is_some()
    }

    /// Returns the number of the next bucket that moves, or `None` if there is one table. O(1). In C:
    /// `rehashidx`.
    ///
    /// ```
    /// let mut dict = dict::classic::Dict::new();
    /// (0..4).for_each(|n| _ = dict.insert(n, ()));
    /// assert_eq!((dict.rehash_index(), dict.table_sizes()), (None, [4, 0]));
    /// dict.insert(4, ());
    /// assert_eq!((dict.rehash_index(), dict.table_sizes()), (Some(0), [4, 8]));
    /// // The new entry is in the new table, whose buckets have the numbers 4 to 11.
    /// assert!((4..12).any(|bucket| dict.chain(bucket).eq([(&4, &())])));
    /// ```
    pub fn rehash_index(&self) -> Option<usize> {
        self.rehash_index
    }

    /// Returns the number of buckets of each table. O(1). The second one is 0 unless the dict is rehashing.
    pub fn table_sizes(&self) -> [usize; 2] {
        [self.tables[0].size(), self.tables[1].size()]
    }

    /// Returns the bytes that the tables and entries add to `used_memory`, without what keys and values point
    /// to. The number is exact with jemalloc. With other allocators, it is the number of bytes requested.
    pub fn allocation_size(&self) -> usize {
        let array = |table: &Buckets<K, V>| match table.size() {
            0 => 0,
            size => good_size(size * size_of::<Link<K, V>>()),
        };
        self.tables.iter().map(array).sum::<usize>() + self.len() * good_size(size_of::<Node<K, V>>())
    }

    /// Returns an iterator over all entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        (0..self.buckets()).flat_map(|bucket| self.chain(bucket))
    }

    /// Returns an entry picked with `rng`, a source of uniformly distributed numbers. Draws buckets until one
    /// is not empty, and then an entry of its chain. Entries of short chains come up more often. In C:
    /// `dictGetRandomKey`.
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<(&K, &V)> {
        if self.is_empty() {
            return None;
        }
        // The source may never draw a bucket that is not empty. After a number of draws, the first such
        // bucket is taken.
        let drawn = (0..self.buckets())
            .map(|_| below(&mut rng, self.buckets()))
            .find(|&at| self.chain(at).next().is_some());
        let bucket = drawn.or_else(|| (0..self.buckets()).find(|&at| self.chain(at).next().is_some()))?;
        let len = self.chain(bucket).count();
        self.chain(bucket).nth(below(&mut rng, len))
    }

    /// Returns an entry picked from fifteen entries of neighbouring buckets. This evens out the lengths of
    /// chains to some degree. In C: `dictGetFairRandomKey`.
    pub fn fair_random(&self, mut rng: impl FnMut() -> u64) -> Option<(&K, &V)> {
        const NEIGHBOURS: usize = 15;
        let mut some = [None; NEIGHBOURS];
        let mut found = 0;
        self.sample(NEIGHBOURS, &mut rng, |key, value| {
            some[found] = Some((key, value));
            found += 1;
        });
        if found == 0 { self.random(rng) } else { some[below(&mut rng, found)] }
    }

    /// Calls `each` for up to `n` entries: those of whole chains, from a random bucket on. Stops after ten
    /// buckets for each entry wanted. In C: `dictGetSomeKeys`.
    pub fn sample<'a>(&'a self, n: usize, mut rng: impl FnMut() -> u64, mut each: impl FnMut(&'a K, &'a V)) {
        let n = n.min(self.len());
        if n == 0 {
            return;
        }
        let (first, steps) = (below(&mut rng, self.buckets()), self.buckets().min(n.saturating_mul(10)));
        let buckets = (0..steps).map(|step| (first + step) % self.buckets());
        buckets.flat_map(|bucket| self.chain(bucket)).take(n).for_each(|(key, value)| each(key, value));
    }

    /// Returns an iterator over the entries of a bucket, in the order of its chain. The buckets of the second
    /// table are numbered after those of the first. O(1) for each entry.
    ///
    /// # Panics
    /// If `bucket` is not less than [`buckets`](Self::buckets).
    pub fn chain(&self, bucket: usize) -> impl Iterator<Item = (&K, &V)> {
        let [old, new] = &self.tables;
        let head = if bucket < old.size() { &old.heads[bucket] } else { &new.heads[bucket - old.size()] };
        core::iter::successors(head.as_deref(), |node| node.next.as_deref())
            .map(|node| (&node.key, &node.value))
    }

    /// Drops all entries and frees the memory. In C: `dictEmpty`.
    pub fn clear(&mut self) {
        self.tables = [Buckets::none(), Buckets::none()];
        self.rehash_index = None;
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Dict<K, V, S> {
    /// Sets the value of `key` and returns the previous one. In C: `dictReplace`.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.step();
        let hash = self.hash_builder.hash_one(&key);
        for table in self.searched_mut() {
            if let Some(node) = table.find_mut(hash, |other| *other == key) {
                return Some(mem::replace(&mut node.value, value));
            }
        }
        self.expand_if_needed();
        let table = &mut self.tables[usize::from(self.is_rehashing())];
        table.push(hash, Box::new_in(Node { key, value, next: None }, Zmalloc));
        None
    }

    /// Returns the value of `key`. Moves no bucket, because the dict is borrowed for reading only. In C:
    /// `dictFind`.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        if self.is_empty() {
            return None;
        }
        let hash = self.hash_builder.hash_one(key);
        let table_count = if self.is_rehashing() { 2 } else { 1 };
        self.tables[..table_count]
            .iter()
            .find_map(|table| Some(&table.find(hash, |other| other.borrow() == key)?.value))
    }

    /// Returns a mutable reference to the value of `key`. Moves a bucket first. In C: `dictFind`.
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.step();
        let hash = self.hash_builder.hash_one(key);
        self.searched_mut()
            .find_map(|table| Some(&mut table.find_mut(hash, |other| other.borrow() == key)?.value))
    }

    /// Removes `key` and returns its value. In C: `dictDelete`.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.step();
        let hash = self.hash_builder.hash_one(key);
        let node = self.searched_mut().find_map(|table| table.remove(hash, |other| other.borrow() == key))?;
        self.shrink_if_needed();
        Some(Box::into_inner(node).value)
    }

    /// Moves `buckets` buckets to the new table, and passes over at most ten times as many empty ones.
    /// Returns whether there are more to move. In C: `dictRehash`.
    pub fn rehash(&mut self, buckets: usize) -> bool {
        let (mut to_move, mut empty_visits) = (buckets, buckets.saturating_mul(EMPTY_VISITS));
        while let Some(index) = self.rehash_index {
            let [old, new] = &mut self.tables;
            if old.used == 0 {
                self.tables = [mem::replace(new, Buckets::none()), Buckets::none()];
                self.rehash_index = None;
                break;
            }
            if to_move == 0 || empty_visits == 0 {
                return true;
            }
            if old.heads[index].is_some() {
                to_move -= 1
            } else {
                empty_visits -= 1
            }
            while let Some(node) = &old.heads[index] {
                // The node is still linked while it is hashed, so a hasher that panics loses no entry.
                let hash = self.hash_builder.hash_one(&node.key);
                let Some(mut node) = old.heads[index].take() else { unreachable!("it was there just now") };
                old.heads[index] = node.next.take();
                old.used -= 1;
                new.push(hash, node);
            }
            self.rehash_index = Some(index + 1);
        }
        false
    }

    fn step(&mut self) {
        if self.is_rehashing() {
            self.rehash(1);
        }
    }

    /// Returns the tables that may hold entries.
    fn searched_mut(&mut self) -> impl Iterator<Item = &mut Buckets<K, V>> {
        self.tables.iter_mut().filter(|table| table.size() > 0)
    }

    fn expand_if_needed(&mut self) {
        let table = &self.tables[0];
        if self.is_rehashing() || table.used < table.size() {
            return;
        }
        self.resize(table.used + 1);
    }

    fn shrink_if_needed(&mut self) {
        let table = &self.tables[0];
        if !self.is_rehashing() && table.size() > INITIAL_BUCKETS && table.used * SHRINK_AT <= table.size() {
            self.resize(table.used);
        }
    }

    /// Starts to move to a table of the smallest power of two that holds `entries`. In C: `_dictResize`.
    fn resize(&mut self, entries: usize) {
        let size = entries.next_power_of_two().max(INITIAL_BUCKETS);
        if self.tables[0].size() == 0 {
            self.tables[0] = Buckets::with_size(size);
        } else if self.tables[0].size() != size {
            self.tables[1] = Buckets::with_size(size);
            self.rehash_index = Some(0);
        }
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #![proptest_config(testing::config(100, 100))]

        #[test]
        fn it_does_what_a_map_does(ops in prop::collection::vec((0..4_u8, 0..200_u16, any::<u32>()), 0..800)) {
            let (mut dict, mut model) = (Dict::new(), HashMap::new());
            for (kind, key, value) in ops {
                match kind {
                    0 | 1 => prop_assert_eq!(dict.insert(key, value), model.insert(key, value)),
                    2 => prop_assert_eq!(dict.remove(&key), model.remove(&key)),
                    _ => prop_assert_eq!(dict.get_mut(&key).copied(), model.get(&key).copied()),
                }
                prop_assert_eq!(dict.get(&key), model.get(&key));
                prop_assert_eq!(dict.len(), model.len());
            }
            let entries: HashMap<u16, u32> = dict.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(entries, model);
        }
    }

    #[test]
    fn it_doubles_when_there_are_as_many_entries_as_buckets() {
        let mut dict = Dict::new();
        assert_eq!(dict.buckets(), 0);
        for n in 0..4 {
            dict.insert(n, ());
            assert_eq!(dict.buckets(), 4);
        }
        dict.insert(4, ());
        assert_eq!((dict.buckets(), dict.is_rehashing()), (4 + 8, true));
        while dict.rehash(1) {}
        assert_eq!((dict.buckets(), dict.is_rehashing()), (8, false));
    }

    #[test]
    fn an_operation_moves_one_bucket() {
        let mut dict = Dict::new();
        (0..1025).for_each(|n| assert_eq!(dict.insert(n, n), None));
        let full = |dict: &Dict<i32, i32>| dict.tables[0].heads.iter().filter(|head| head.is_some()).count();
        let mut before = full(&dict);
        loop {
            dict.get_mut(&-1);
            if !dict.is_rehashing() {
                break;
            }
            assert!(before - full(&dict) <= 1);
            before = full(&dict);
        }
        assert!(before <= 1, "the second table replaced the first with {before} buckets left");
    }

    #[test]
    fn a_hasher_that_panics_loses_no_entry() {
        use std::cell::Cell;
        use std::hash::{BuildHasherDefault, DefaultHasher};
        use std::panic::{AssertUnwindSafe, catch_unwind};
        thread_local!(static LEFT: Cell<u32> = const { Cell::new(u32::MAX) });
        #[derive(PartialEq, Eq)]
        struct Key(u32);
        impl Hash for Key {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                LEFT.set(LEFT.get().checked_sub(1).expect("the hasher gives up"));
                (self.0 % 2).hash(state); // two chains
            }
        }
        for calls in 0..12 {
            LEFT.set(u32::MAX);
            let mut dict = Dict::<Key, (), BuildHasherDefault<DefaultHasher>>::default();
            (0..9).for_each(|n| assert!(dict.insert(Key(n), ()).is_none()));
            LEFT.set(calls);
            let _ = catch_unwind(AssertUnwindSafe(|| while dict.rehash(1) {}));
            LEFT.set(u32::MAX);
            assert_eq!((dict.len(), dict.iter().count()), (9, 9), "after {calls} calls");
            (0..9).for_each(|n| assert!(dict.remove(&Key(n)).is_some()));
        }
    }

    #[test]
    fn it_shrinks_when_one_bucket_in_eight_is_used() {
        let mut dict = Dict::new();
        (0..1_000).for_each(|n| assert_eq!(dict.insert(n, ()), None));
        while dict.rehash(100) {}
        assert_eq!(dict.buckets(), 1024);
        (0..990).for_each(|n| assert_eq!(dict.remove(&n), Some(())));
        while dict.rehash(100) {}
        assert!(dict.buckets() <= 128, "{}", dict.buckets());
        assert_eq!(dict.len(), 10);
    }

    #[test]
    fn what_is_picked_is_in_the_dict_also_while_it_rehashes() {
        for entries in [0, 1, 4, 5, 100, 130] {
            let mut dict = Dict::new();
            (0..entries).for_each(|n| assert_eq!(dict.insert(n, n), None));
            for number in [0, 1 << 63, u64::MAX] {
                assert_eq!(dict.random(|| number).is_some(), entries > 0);
                assert_eq!(dict.fair_random(|| number).is_some(), entries > 0);
                let mut seen = std::collections::HashSet::new();
                dict.sample(5, || number, |key, _| assert!(seen.insert(*key)));
                assert!(seen.len() <= 5.min(entries) && seen.iter().all(|key| dict.get(key).is_some()));
            }
        }
    }

    #[test]
    fn a_long_chain_is_dropped_without_recursion() {
        let mut table = Buckets::with_size(1);
        for n in 0..1_000_000 {
            table.push(0, Box::new_in(Node { key: n, value: (), next: None }, Zmalloc));
        }
        drop(table);
    }
}
