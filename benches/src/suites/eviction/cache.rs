//! What a cache is to the hit ratios, and the caches of others behind it.
//!
//! A run asks for keys by their numbers. [`request`](Cache::request) is a GET and, where the key is missing,
//! a SET, which evicts as many keys as the limit asks for.

use crate::maps::Fold;
use quick_cache::unsync::DefaultLifecycle;
use quick_cache::{OptionsBuilder, UnitWeighter};

/// A cache with a limit.
pub(super) trait Cache {
    /// Asks for a key, and adds it if it is missing. Returns whether it was there.
    fn request(&mut self, key: u32, size: u32) -> bool;
    /// What counts for the limit: keys or bytes.
    fn used(&self) -> usize;
}

/// A cache in which each key has a size of its own.
pub(super) struct Resized<C, F> {
    pub(super) cache: C,
    /// The size of a key.
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

/// The caches of others: their names, and how to make them.
pub(super) const PEERS: [(&str, NewByKeys); 2] = [
    ("moka", |capacity| Box::new(Moka::new(capacity))),
    ("quick_cache", |capacity| Box::new(QuickCache::new(capacity))),
];

/// moka, a TinyLFU. What it has put off is done after each SET: it never holds more keys than its limit.
struct Moka(moka::sync::Cache<u32, (), Fold>);

impl Moka {
    fn new(capacity: usize) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(capacity as u64);
        Self(builder.build_with_hasher(Fold::default()))
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

/// quick_cache, a Clock-PRO, in one piece: shards would each have their own limit.
struct QuickCache(quick_cache::unsync::Cache<u32, (), UnitWeighter, Fold>);

impl QuickCache {
    fn new(capacity: usize) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(capacity)
            .weight_capacity(capacity as u64)
            .build()
            .expect("both capacities are given");
        let lifecycle = DefaultLifecycle::default();
        Self(quick_cache::unsync::Cache::with_options(options, UnitWeighter, Fold::default(), lifecycle))
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

    /// Four keys in turn fit and are hit from the second round on; of forty in turn there are at most four.
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
