//! [`S3Fifo`]: the state of the policies `allkeys-s3fifo` and `volatile-s3fifo` beside the entries' clocks.
//!
//! ```text
//!                       new key
//!                          |
//!              remembered? | no                 used twice or more
//!           +--- yes ------+-----> PROBATION ----------------------------> passed
//!           |                      its share  \                              ^
//!           +----------------------------------\-----------------------------+
//!                                               \ else: evicted, remembered  oldest of some: evicted if it
//!                                                v                           was not used, else stamped anew
//!                                              ghosts
//! ```
//!
//! *S3-FIFO* keeps two queues. A new key enters the small queue, which holds a tenth of the store. It is
//! evicted from there unless it was used twice meanwhile. So keys that are hardly used do not displace others.
//!
//! Here only the small queue is a [queue](Queue). Each other key has a stamp instead of a place in the large
//! queue. A victim is the key with the oldest stamp that the [search](super::search) has seen recently. The
//! small queue begins with a tenth of the store, and its [share](ProbationShare) then adapts to the workload.
//! docs/src/eviction.md compares both.
//!
//! One in four of the evicted keys that had passed probation is remembered too. If such a key comes back, it
//! begins on probation like a new key. Its ghost only says that probation has too large a share.
//!
//! Learned from: Yang, Zhang, Qiu, Yue and Rashmi, *FIFO Queues are All You Need for Cache Eviction* (SOSP
//! 2023).

use super::clock::{S3Clock, Stamp};
use super::ghosts::{BUCKET_LEN, Ghosts, Side};
use super::queue::{Locator, Queue};
use super::share::ProbationShare;

/// A key passes probation if it was used at least this many times.
const USES_TO_PASS_PROBATION: u32 = 2;

/// The size of a store, in keys and in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) keys: usize,
    pub(crate) bytes: usize,
}

pub(crate) struct S3Fifo {
    pub(crate) queue: Queue,
    ghosts: Ghosts,
    share: ProbationShare,
    stamp: Stamp,
    /// The number of keys that were stamped since the last tick of the clock.
    stamped: usize,
    has_evicted: bool,
}

impl S3Fifo {
    pub(crate) const fn new() -> Self {
        Self {
            queue: Queue::new(),
            ghosts: Ghosts::new(),
            share: ProbationShare::START,
            stamp: Stamp::START,
            stamped: 0,
            has_evicted: false,
        }
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Returns the stamp for one more key, in a store of `keys` keys.
    pub(crate) fn next_stamp(&mut self, keys: usize) -> Stamp {
        self.stamped += 1;
        if self.stamped > keys >> Stamp::TICKS_PER_ROUND_LOG2 {
            (self.stamp, self.stamped) = (self.stamp.next(), 0);
        }
        self.stamp
    }

    /// Returns whether probation has its share or more. The next victim then comes from probation.
    pub(crate) fn is_full(&self, extent: Extent) -> bool {
        self.exceeds(extent, &self.share)
    }

    fn exceeds(&self, extent: Extent, share: &ProbationShare) -> bool {
        self.queue.len() >= share.of(extent.keys) || self.queue.size_sum() >= share.of(extent.bytes) as u64
    }

    /// Adds a new key, whose entry has `size` bytes, and returns its clock. `extent` includes the key. `full`
    /// is the extent of the store when it is full.
    ///
    /// If probation is full, the new key passes probation at once. Before the first eviction, probation is
    /// full with a tenth of the full store. After it, probation is full with the largest possible share,
    /// which bounds the queue while keys are removed but not evicted. The present share cannot be the bound,
    /// because it may have become smaller than what is already on probation.
    pub(crate) fn note_new_key(
        &mut self,
        locator: Locator,
        size: usize,
        extent: Extent,
        full: Extent,
    ) -> S3Clock {
        let is_full = if self.has_evicted {
            self.exceeds(extent, &ProbationShare::MAX)
        } else {
            self.exceeds(full, &ProbationShare::START)
        };
        let side = self.ghosts.take(locator);
        if let Some(side) = side {
            self.share.note_ghost_hit(side, self.ghosts.counts(), extent.keys);
        }
        if side == Some(Side::Probation) || is_full {
            return S3Clock::passed(self.next_stamp(extent.keys), 0);
        }
        match self.queue.try_push(locator, size) {
            Ok(number) => S3Clock::on_probation(number),
            Err(_) => S3Clock::passed(self.next_stamp(extent.keys), 0),
        }
    }

    /// Returns whether a key that has reached the end of the queue passes probation. `uses` is the number of
    /// its uses on probation.
    ///
    /// A key with too few uses also passes while probation is of no use and has more than its share.
    pub(crate) fn passes_probation(&mut self, uses: u32, extent: Extent) -> bool {
        if uses > 0 {
            self.share.note_used();
        }
        uses >= USES_TO_PASS_PROBATION || self.share.is_unused() && self.is_full(extent)
    }

    /// Notes that a key with this number of uses is evicted from probation.
    pub(crate) fn note_evicted(&mut self, uses: u32, extent: Extent) {
        if uses == 0 {
            self.share.note_evicted_unused(extent.keys);
        }
    }

    /// Remembers a key that is evicted.
    ///
    /// There is room for nine tenths of the keys, whatever the share is, because ghosts are lost when the
    /// room changes. The ghosts of keys that had passed probation take places from those of other keys. One
    /// more bucket makes up for these places, which matter in a small store with few buckets.
    pub(crate) fn remember(&mut self, locator: Locator, side: Side, ghosts_max: usize, extent: Extent) {
        let wanted = extent.keys - extent.keys / 10 + BUCKET_LEN;
        self.ghosts.add(locator, side, wanted.min(ghosts_max));
    }

    /// Prefetches the memory that [`note_new_key`](Self::note_new_key) and [`remember`](Self::remember) read.
    #[inline]
    pub(crate) fn prefetch(&self, locator: Locator) {
        self.ghosts.prefetch(locator);
    }

    /// Notes that keys are evicted. The store counts as full from now on.
    pub(crate) fn note_eviction(&mut self) {
        self.has_evicted = true;
    }

    /// Returns the bytes that the queue and the ghosts add to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        self.queue.allocation_size() + self.ghosts.allocation_size()
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use crate::{ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, Options};
    use common::random::{mix, scale};

    /// Looks up all keys in a store of `capacity` keys, and adds those that are absent. Returns the keyspace,
    /// and the number of hits in the last half of `keys`.
    fn run(capacity: usize, keys: &[u64]) -> (Keyspace, usize) {
        let mut keyspace =
            Keyspace::with_options(Options::new().maxmemory_policy(MaxmemoryPolicy::AllkeysS3fifo));
        let mut hits = 0;
        for (index, key) in keys.iter().enumerate() {
            let key = &key.to_be_bytes()[..];
            if keyspace.get(key, 0).is_some() {
                hits += usize::from(index >= keys.len() / 2);
                continue;
            }
            keyspace.evict_down_to(capacity - 1, 0);
            keyspace.set(key, &[b'v'; 64][..], 0).unwrap();
        }
        keyspace.check();
        (keyspace, hits)
    }

    fn s3fifo(keyspace: &Keyspace) -> &S3Fifo {
        &keyspace.totals.eviction.state.as_ref().unwrap().s3fifo
    }

    /// With 30 of 300 keys on probation, at most 270 of 1,000 look-ups would be hits. With 3 keys on
    /// probation, at most 297 are.
    #[test]
    fn in_a_loop_that_is_too_long_for_the_store_probation_shrinks_to_its_least() {
        let keys: Vec<u64> = (0..100_000).map(|n| n % 1_000).collect();
        let (keyspace, hits) = run(300, &keys);
        assert_eq!(s3fifo(&keyspace).share.of(300), 3);
        assert!((14_500..=14_850).contains(&hits), "{hits}");
    }

    /// Each key is looked up three times within 1,000 requests, and then never again. Two of the three
    /// look-ups can be hits. With a tenth of the store on probation, 21,000 of the last 60,000 are hits.
    #[test]
    fn where_keys_are_used_again_soon_and_then_no_more_probation_grows() {
        let mut uses: Vec<(u64, u64)> = (0..40_000)
            .flat_map(|key| (0..3).map(move |use_| (3 * key + scale(mix(3 * key + use_), 1_000) as u64, key)))
            .collect();
        uses.sort_unstable();
        let keys: Vec<u64> = uses.iter().map(|(_, key)| *key).collect();
        let (keyspace, hits) = run(500, &keys);
        assert!(s3fifo(&keyspace).share.of(500) > 150, "{}", s3fifo(&keyspace).share.of(500));
        assert!(hits > 33_000, "{hits}");
    }

    #[test]
    fn probation_is_full_with_a_tenth_of_the_keys_or_of_the_bytes() {
        let extent = Extent { keys: 100, bytes: 10_240 };
        for (size, count) in [(16, 10), (512, 2)] {
            let mut s3fifo = S3Fifo::new();
            for n in 0..count {
                assert!(!s3fifo.is_full(extent));
                assert!(s3fifo.note_new_key(Locator::of(mix(n)), size, extent, extent).is_on_probation());
            }
            assert!(s3fifo.is_full(extent));
            // Further keys count as passed, until the first key is evicted.
            assert!(!s3fifo.note_new_key(Locator::of(mix(count)), size, extent, extent).is_on_probation());
            s3fifo.note_eviction();
            assert!(s3fifo.note_new_key(Locator::of(mix(count)), size, extent, extent).is_on_probation());
        }
    }

    #[test]
    fn a_key_that_comes_back_passes_if_it_was_evicted_from_probation_and_not_if_it_had_passed() {
        let extent = Extent { keys: 1_000, bytes: 100_000 };
        let mut s3fifo = S3Fifo::new();
        s3fifo.note_eviction();
        let mut passed = 0;
        for n in 0..200 {
            let locator = Locator::of(mix(n));
            s3fifo.remember(locator, Side::Probation, 1_000, extent);
            assert!(!s3fifo.note_new_key(locator, 100, extent, extent).is_on_probation());
            s3fifo.remember(locator, Side::Passed, 1_000, extent);
            passed += s3fifo.ghosts.counts().passed;
            assert!(s3fifo.note_new_key(locator, 100, extent, extent).is_on_probation());
        }
        assert!(passed > 0);
    }

    #[test]
    fn a_key_that_has_expired_leaves_no_ghost() {
        let mut keyspace =
            Keyspace::with_options(Options::new().maxmemory_policy(MaxmemoryPolicy::AllkeysS3fifo));
        for n in 0..100_u64 {
            keyspace.evict_down_to(999, 0);
            keyspace.set(&n.to_be_bytes()[..], "value", 0).unwrap();
            let key = &n.to_be_bytes()[..];
            keyspace.expire(key, Expiry::InSeconds(1), ExpireOptions::default(), 0).unwrap();
        }
        assert_eq!(keyspace.evict_down_to(0, 2_000), 100);
        assert_eq!((keyspace.evicted_keys(), s3fifo(&keyspace).ghosts.counts().probation), (0, 0));
    }
}
