//! Maps from byte strings to byte strings behind one trait. Each map is used as in a program that builds a
//! store on it.
//!
//! All maps use the same allocator, and the same hash with a fixed seed. Each stores keys and values in the
//! form that its documentation suggests. If the map lends a value, the value is a `Box`. If it returns a
//! clone, the value is an `Arc`.
//!
//! | store | key | value | for |
//! |---|---|---|---|
//! | Keyspace | in the entry's block | in the entry's block | one thread that writes |
//! | hashbrown; classic, which is Redis' design | `Box<[u8]>` | `Box<[u8]>` | one thread that writes |
//! | Sharded | in the entry's block | in the entry's block | several threads, locks |
//! | dashmap | `Box<[u8]>` | `Box<[u8]>` | several threads, locks |
//! | papaya | `Box<[u8]>` | `Box<[u8]>` | several threads, without locks |
//! | moka, quick_cache | `Box<[u8]>` | `Arc<[u8]>` | several threads; these are caches, and so large here that they evict nothing |

use crate::keys::Key;
use crate::maps::FoldHash;
use dict::classic;
use keyspace::{Keyspace, Options, Sharded, StringRef};
use quick_cache::UnitWeighter;
use quick_cache::sync::DefaultLifecycle;
use std::sync::Arc;

type Bytes = Box<[u8]>;

/// The number of look-ups in a batch.
pub const BATCH: usize = 16;

/// hashbrown's map with keys and values in boxes.
pub type BoxMap = hashbrown::HashMap<Bytes, Bytes, FoldHash>;

/// Redis' two chained tables, with keys and values in boxes.
pub type ClassicMap = classic::Dict<Bytes, Bytes, FoldHash>;

/// dashmap with keys and values in boxes.
pub type DashMap = dashmap::DashMap<Bytes, Bytes, FoldHash>;

/// papaya with keys and values in boxes.
pub type PapayaMap = papaya::HashMap<Bytes, Bytes, FoldHash>;

/// moka without a limit.
pub type MokaCache = moka::sync::Cache<Bytes, Arc<[u8]>, FoldHash>;

/// quick_cache with room for all keys.
pub type QuickCache = quick_cache::sync::Cache<Bytes, Arc<[u8]>, UnitWeighter, FoldHash>;

/// A store that one thread writes and reads.
pub trait Store {
    /// The name in the tables.
    const NAME: &'static str;
    /// Returns an empty store for `n` keys. Only stores that need a capacity use `n`.
    fn new(n: usize) -> Self;
    /// Adds a key, or replaces its value. `now` is in milliseconds. A map without an access clock ignores it.
    fn set(&mut self, key: &[u8], value: &[u8], now: u64);
    /// Replaces the value of a key that exists. A map does not need a new box for the key then.
    #[inline]
    fn overwrite(&mut self, key: &[u8], value: &[u8], now: u64) {
        self.set(key, value, now);
    }
    /// Returns the first bytes of a value as a number, so that the value must be read.
    fn get(&self, key: &[u8], now: u64) -> Option<u64>;
    /// Looks sixteen keys up, in one call if the store has such a call.
    #[inline]
    fn get_batch(&self, keys: &[Key; BATCH], now: u64) -> [Option<u64>; BATCH] {
        keys.each_ref().map(|key| self.get(key, now))
    }
    /// Removes a key. Returns `false` if it does not exist.
    fn remove(&mut self, key: &[u8], now: u64) -> bool;
    /// Finishes the work that the store has put off, so that its memory can be compared.
    fn finish_background_work(&mut self) {}
}

/// A store that several threads use at once.
pub trait SharedStore: Store + Sync {
    /// Like [`Store::set`], for one of several threads.
    fn set_shared(&self, key: &[u8], value: &[u8], now: u64);
    /// Like [`Store::overwrite`], for one of several threads.
    #[inline]
    fn overwrite_shared(&self, key: &[u8], value: &[u8], now: u64) {
        self.set_shared(key, value, now);
    }
}

/// Returns the first eight bytes of a value as a number.
#[inline]
fn head(value: &[u8]) -> u64 {
    value.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline]
fn head_of(string: StringRef<'_>) -> u64 {
    string.plain().map_or(0, |plain| head(&plain.text())) // no store here codes strings
}

impl Store for Keyspace<FoldHash> {
    const NAME: &'static str = "Keyspace";

    fn new(_n: usize) -> Self {
        Self::with_hasher(FoldHash::default())
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8], now: u64) {
        self.set(key, value, now).expect("there is memory");
    }

    #[inline]
    fn get(&self, key: &[u8], now: u64) -> Option<u64> {
        self.get_string(key, now).ok()?.map(head_of)
    }

    #[inline]
    fn get_batch(&self, keys: &[Key; BATCH], now: u64) -> [Option<u64>; BATCH] {
        self.get_many(keys.each_ref(), now).map(|value| value?.as_string().map(head_of))
    }

    #[inline]
    fn remove(&mut self, key: &[u8], now: u64) -> bool {
        self.remove(key, now)
    }
}

/// Implements [`Store`] for a map of boxes with the methods of std's `HashMap`.
macro_rules! box_map {
    ($name:literal, $map:ty) => {
        impl Store for $map {
            const NAME: &'static str = $name;

            fn new(_n: usize) -> Self {
                Self::default()
            }

            #[inline]
            fn set(&mut self, key: &[u8], value: &[u8], _now: u64) {
                self.insert(key.into(), value.into());
            }

            #[inline]
            fn overwrite(&mut self, key: &[u8], value: &[u8], _now: u64) {
                *self.get_mut(key).expect("the key is there") = value.into();
            }

            #[inline]
            fn get(&self, key: &[u8], _now: u64) -> Option<u64> {
                self.get(key).map(|value| head(value))
            }

            #[inline]
            fn remove(&mut self, key: &[u8], _now: u64) -> bool {
                self.remove(key).is_some()
            }
        }
    };
}

box_map!("hashbrown of boxes", BoxMap);
box_map!("classic of boxes", ClassicMap);

impl Store for Sharded<FoldHash> {
    const NAME: &'static str = "Sharded";

    fn new(_n: usize) -> Self {
        // This is the number that the documentation recommends. dashmap has its default, four locks for each
        // processor.
        let shards = 32 * std::thread::available_parallelism().map_or(1, usize::from);
        Self::try_with_options_and_hasher(shards, Options::default(), FoldHash::default())
            .expect("there is memory")
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8], now: u64) {
        self.set_shared(key, value, now);
    }

    #[inline]
    fn get(&self, key: &[u8], now: u64) -> Option<u64> {
        self.read(key, |keyspace, key| Some(head_of(keyspace.get_string(key, now).ok()??)))
    }

    #[inline]
    fn get_batch(&self, keys: &[Key; BATCH], now: u64) -> [Option<u64>; BATCH] {
        let mut found = [None; BATCH];
        self.get_each(&keys.each_ref().map(Into::into), now, |i, value| {
            found[i] = value.and_then(|value| value.as_string()).map(head_of);
        });
        found
    }

    #[inline]
    fn remove(&mut self, key: &[u8], now: u64) -> bool {
        self.write(key, |keyspace, key| keyspace.remove(key, now))
    }
}

impl SharedStore for Sharded<FoldHash> {
    #[inline]
    fn set_shared(&self, key: &[u8], value: &[u8], now: u64) {
        self.write(key, |keyspace, key| keyspace.set(key, value, now)).expect("there is memory");
    }
}

/// Implements [`Store`] and [`SharedStore`] for a map that is changed through `&self`.
macro_rules! shared_store {
    ($name:literal, $map:ty, |$n:ident| $new:expr,
     |$store:ident, $key:ident, $value:ident| $set:expr, $get:expr, $remove:expr
     $(, overwrite: $overwrite:expr)? $(, finish_background_work: $finish_background_work:ident)?) => {
        impl Store for $map {
            const NAME: &'static str = $name;

            fn new($n: usize) -> Self {
                $new
            }

            #[inline]
            fn set(&mut self, key: &[u8], value: &[u8], now: u64) {
                self.set_shared(key, value, now);
            }

            #[inline]
            fn overwrite(&mut self, key: &[u8], value: &[u8], now: u64) {
                self.overwrite_shared(key, value, now);
            }

            #[inline]
            fn get(&self, $key: &[u8], _now: u64) -> Option<u64> {
                let $store = self;
                $get
            }

            #[inline]
            fn remove(&mut self, $key: &[u8], _now: u64) -> bool {
                let $store = &*self; // the map's own method, not the trait's
                $remove
            }

            $(fn finish_background_work(&mut self) {
                self.$finish_background_work();
            })?
        }

        impl SharedStore for $map {
            #[inline]
            fn set_shared(&self, $key: &[u8], $value: &[u8], _now: u64) {
                let $store = self;
                $set;
            }

            $(#[inline]
            fn overwrite_shared(&self, $key: &[u8], $value: &[u8], _now: u64) {
                let $store = self;
                $overwrite;
            })?
        }
    };
}

shared_store!(
    "dashmap",
    DashMap,
    |_n| Self::default(),
    |store, key, value| drop(store.insert(key.into(), value.into())),
    store.get(key).map(|value| head(&value)),
    store.remove(key).is_some(),
    overwrite: *store.get_mut(key).expect("the key is there") = value.into()
);

shared_store!(
    "papaya",
    PapayaMap,
    |_n| Self::default(),
    |store, key, value| _ = store.pin().insert(key.into(), value.into()),
    store.pin().get(key).map(|value| head(value)),
    store.pin().remove(key).is_some()
);

shared_store!(
    "moka",
    MokaCache,
    |_n| moka::sync::Cache::builder().build_with_hasher(FoldHash::default()),
    |store, key, value| store.insert(key.into(), value.into()),
    store.get(key).map(|value| head(&value)),
    store.remove(key).is_some(),
    finish_background_work: run_pending_tasks
);

shared_store!(
    "quick_cache",
    QuickCache,
    // The shards are not equally full. With room for four times as many keys, no shard has to evict.
    |n| Self::with(n, 4 * n as u64, UnitWeighter, FoldHash::default(), DefaultLifecycle::default()),
    |store, key, value| store.insert(key.into(), value.into()),
    store.get(key).map(|value| head(&value)),
    store.remove(key).is_some()
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::key;

    /// Checks the methods of a store, and that it evicts nothing.
    fn holds_what_it_is_given<S: Store>() {
        const KEYS: u64 = 3_000;
        let mut store = S::new(KEYS as usize);
        let value = |n: u64| [n.to_le_bytes(); 4].concat();
        for n in 0..KEYS {
            store.set(&key(n), &value(n), 0);
            store.overwrite(&key(n / 2), &value(n), 0);
        }
        store.finish_background_work();
        let expected = |n: u64| if n < KEYS / 2 { 2 * n + 1 } else { n };
        for n in 0..KEYS {
            assert_eq!(store.get(&key(n), 0), Some(expected(n)), "{} {n}", S::NAME);
        }
        let batch = std::array::from_fn(|i| key(i as u64 * 300));
        let found = store.get_batch(&batch, 0).map(|found| found.is_some());
        assert_eq!(found, std::array::from_fn(|i| (i as u64) < KEYS / 300), "{}", S::NAME);
        assert!(store.remove(&key(0), 0) && !store.remove(&key(0), 0) && store.get(&key(0), 0).is_none());
    }

    #[test]
    fn every_store_holds_what_it_is_given() {
        holds_what_it_is_given::<Keyspace<FoldHash>>();
        holds_what_it_is_given::<BoxMap>();
        holds_what_it_is_given::<ClassicMap>();
        holds_what_it_is_given::<Sharded<FoldHash>>();
        holds_what_it_is_given::<DashMap>();
        holds_what_it_is_given::<PapayaMap>();
        holds_what_it_is_given::<MokaCache>();
        holds_what_it_is_given::<QuickCache>();
    }
}
