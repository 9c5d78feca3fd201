//! The interface to a cache whose hit ratios are measured, and the caches of other crates.
//!
//! A run requests keys by their numbers. [`request`](Cache::request) is a GET. If the key is missing, a SET
//! follows, which evicts as many keys as the limit requires.

use crate::maps::FoldHash;
use quick_cache::unsync::DefaultLifecycle;
use quick_cache::{OptionsBuilder, UnitWeighter};

/// A cache with a limit.
pub(super) trait Cache {
    /// Requests a key, and adds it if it is missing. Returns whether the key was there.
    fn request(&mut self, key: u32, size: u32) -> bool;
    /// Returns how many keys or bytes count for the limit.
    fn used(&self) -> usize;
}

/// A cache that gets other sizes of keys than those of the requests.
pub(super) struct Resized<C, F> {
    pub(super) cache: C,
    /// Returns the size of a key.
    pub(super) size: F,
}

impl<C: Cache, F: Fn(u32) -> u32> Cache for Resized<C, F> {
    fn request(&mut self, key: u32, _size: u32) -> bool {
        self.cache.request(key, (self.size)(key))
    }

    fn used(&self) -> usize {
        self.cache.used()
    }
}

/// Makes an empty cache for a number of keys.
pub(super) type NewByKeys = fn(usize) -> Box<dyn Cache>;

/// The names of the caches of other crates, and how to make them.
pub(super) const PEERS: [(&str, NewByKeys); 2] = [
    ("moka", |capacity| Box::new(Moka::new(capacity))),
    ("quick_cache", |capacity| Box::new(QuickCache::new(capacity))),
];

/// The cache of moka, a TinyLFU. Its pending tasks are run after each SET, so that it never holds more keys
/// than its limit.
struct Moka(moka::sync::Cache<u32, (), FoldHash>);

impl Moka {
    fn new(capacity: usize) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(capacity as u64);
        Self(builder.build_with_hasher(FoldHash::default()))
    }
}

impl Cache for Moka {
    fn request(&mut self, key: u32, _size: u32) -> bool {
        let is_hit = self.0.get(&key).is_some();
        if !is_hit {
            self.0.insert(key, ());
            self.0.run_pending_tasks();
        }
        is_hit
    }

    fn used(&self) -> usize {
        self.0.entry_count() as usize
    }
}

/// The cache of quick_cache, a Clock-PRO. It has no shards, because each shard would have its own limit.
struct QuickCache(quick_cache::unsync::Cache<u32, (), UnitWeighter, FoldHash>);

impl QuickCache {
    fn new(capacity: usize) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(capacity)
            .weight_capacity(capacity as u64)
            .build()
            .expect("both capacities are given");
        let lifecycle = DefaultLifecycle::default();
        Self(quick_cache::unsync::Cache::with_options(options, UnitWeighter, FoldHash::default(), lifecycle))
    }
}

impl Cache for QuickCache {
    fn request(&mut self, key: u32, _size: u32) -> bool {
        let is_hit = self.0.get(&key).is_some();
        if !is_hit {
            self.0.insert(key, ());
        }
        is_hit
    }

    fn used(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four keys fit, and are hits from the second round on. Of forty keys, the cache holds at most four.
    #[test]
    fn a_cache_of_others_keeps_what_fits_and_no_more() {
        for (name, new) in PEERS {
            let mut cache = new(4);
            let hits = (0..40).filter(|i| cache.request(i % 4, 1)).count();
            assert_eq!((hits, cache.used()), (36, 4), "{name}");
            for key in 0..40 {
                cache.request(key, 1);
                assert!(cache.used() <= 4, "{name}: {}", cache.used());
            }
        }
    }
}
