//! Eviction of one key, under any policy.

use crate::entry::Entry;
use crate::keyspace::Keyspace;
use crate::options::Ranking;
use common::random::{mix, scale};
use core::hash::BuildHasher;

/// The largest number of random keys that are drawn for one victim. Another key is drawn if a key is not
/// found by its hash, or may not be evicted. Nearly always one draw suffices.
const DRAWS: usize = 16;

impl<S: BuildHasher> Keyspace<S> {
    /// Evicts keys by the policy until there are at most `keys`, and returns the number of removed keys. An
    /// expired key is removed too, but is not counted in [`evicted_keys`](Self::evicted_keys).
    ///
    /// Use it for a store whose number of keys is limited. Call it with the limit minus 1 before adding a
    /// key, from the first key on, because S3-FIFO uses the limit while the store fills.
    ///
    /// O(victims), plus the time to drop the values. Under a volatile policy, a victim may take O(chunks of
    /// the table) if few keys have an expiry.
    ///
    /// ```
    /// use keyspace::{Keyspace, MaxmemoryPolicy, Options};
    /// let options = Options::new().maxmemory_policy(MaxmemoryPolicy::AllkeysLru);
    /// let mut keyspace = Keyspace::with_options(options);
    /// for second in 0..100 {
    ///     let now = 1_000 * second as u64;
    ///     keyspace.evict_down_to(9, now);
    ///     keyspace.set(format!("key:{second}").as_bytes(), second, now)?;
    /// }
    /// assert_eq!(keyspace.len(), 10);
    /// assert!(keyspace.contains_key("key:99", 100_000));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn evict_down_to(&mut self, keys: usize, now: u64) -> usize {
        self.totals.eviction.keys_max = keys.saturating_add(1);
        self.totals.eviction.protected = 0;
        let mut evicted = 0;
        while self.len() > keys && self.evict_one(now) {
            evicted += 1;
        }
        evicted
    }

    /// Evicts one key by the policy, whatever the limit is. Returns whether there was a key that may be
    /// evicted.
    pub(super) fn evict_one(&mut self, now: u64) -> bool {
        // Eviction itself may take memory, for the queue and the ghosts. So the next write measures the room
        // again.
        self.totals.eviction.cancel_allowance();
        let policy = self.options.get_maxmemory_policy();
        if policy.ranking() == Ranking::None || policy.is_volatile() && self.totals.expires == 0 {
            return false;
        }
        match policy.ranking() {
            Ranking::None => false,
            Ranking::Random => self.evict_random(now),
            Ranking::S3fifo => self.evict_s3fifo(now),
            Ranking::Lru | Ranking::Lrm | Ranking::Lfu | Ranking::Ttl => {
                match self.take_best_candidate(now) {
                    Some((hash, address)) => self.evict_at(hash, address, now),
                    None => self.evict_random(now),
                }
            }
        }
    }

    pub(super) fn evict_at(&mut self, hash: u64, address: usize, now: u64) -> bool {
        let Ok(entry) = self.table.find_entry(hash, |entry| entry.address().addr() == address) else {
            return false;
        };
        self.totals.evict(entry, now);
        true
    }

    /// Evicts a random key. Needs no memory, and also finds keys whose hash is not the one that the hasher
    /// gives.
    pub(super) fn evict_random(&mut self, now: u64) -> bool {
        let mut last = None;
        for _ in 0..DRAWS {
            let Some((hash, address)) = self.draw() else { return false };
            if address == self.totals.eviction.protected {
                continue;
            }
            if self.evict_at(hash, address, now) {
                return true;
            }
            last = Some(address);
        }
        // The caller gave another hash (`Key::with_hash`), or the hasher gives another hash each time.
        let Some(address) = last else { return self.evict_any(now) };
        self.extract(|entry| entry.address().addr() == address, now)
    }

    /// Evicts the first key that may be evicted, in the order of the table. It is called when the policy can
    /// choose from only one or two keys, one of which is being written to.
    fn evict_any(&mut self, now: u64) -> bool {
        let (protected, is_volatile) =
            (self.totals.eviction.protected, self.options.get_maxmemory_policy().is_volatile());
        self.extract(|entry| entry.address().addr() != protected && (entry.expires() || !is_volatile), now)
    }

    /// Removes the first entry for which `is_victim` returns `true`. O(n).
    fn extract(&mut self, mut is_victim: impl FnMut(&Entry) -> bool, now: u64) -> bool {
        self.finish_half_saved();
        let Some(entry) = self.table.extract_if(|entry| is_victim(entry)).next() else { return false };
        self.totals.before_discard(&entry);
        if entry.is_expired(now) {
            self.totals.discard_expired(entry);
        } else {
            self.totals.discard_victim(entry);
        }
        true
    }

    /// Returns the hash and the address of the entry of a random key that the policy may evict.
    fn draw(&mut self) -> Option<(u64, usize)> {
        let Self { table, hasher, options, totals, reading, .. } = self;
        let eviction = &mut totals.eviction;
        let mut drawn = None;
        if options.get_maxmemory_policy().is_volatile() {
            // Walk from a random chunk to the first one that has marked entries: keys with an expiry. The
            // keys of a chunk have only some bits of their hashes in common, so they are as good as random
            // ones.
            let chunks = table.stats().chunks;
            let mut chunk = scale(eviction.next_random(hasher), chunks);
            for _ in 0..=chunks {
                let mut count = 0;
                let random = eviction.next_random(hasher);
                chunk = table.walk_marked(chunk, |entry| {
                    count += 1;
                    // The n-th key replaces the one drawn before it with probability 1 / n.
                    if scale(mix(random ^ count), count as usize) == 0 {
                        drawn = Some(entry);
                    }
                });
                if drawn.is_some() {
                    break;
                }
            }
        } else {
            drawn = table.random(|| eviction.next_random(hasher));
        }
        drawn.map(|entry| (entry.key_hash(hasher, &reading.tables), entry.address().addr()))
    }
}
