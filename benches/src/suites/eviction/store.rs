//! A keyspace that evicts, as the caches of the hit ratios: the only file that knows how its policies are
//! asked for.
//!
//! Time passes with requests, because what is in traces cannot be used: many have none, and the one from
//! block storage has 17 requests in each second, which is the unit of the LRU clock. Under LRU a request
//! takes a second, so that the clock tells requests apart. Under the other policies it takes a millisecond. A
//! second would let the counters of LFU decay after every 60 requests.

use super::cache::Cache;
use crate::keys::key;
use crate::maps::Fold;
use crate::trace::Trace;
use keyspace::{Error, Keyspace, MaxmemoryPolicy, Options};

/// The policies with a hit ratio, the best one first.
pub(super) const POLICIES: [MaxmemoryPolicy; 4] = [
    MaxmemoryPolicy::AllkeysS3fifo,
    MaxmemoryPolicy::AllkeysLru,
    MaxmemoryPolicy::AllkeysLfu,
    MaxmemoryPolicy::AllkeysRandom,
];

/// The value of every key where only keys count. A small one: ghosts take a part of the bytes, so a larger
/// one would allow more.
pub(super) const VALUE: &[u8; 32] = b"a value of thirty-two bytes here";

/// An LRU clock counts up to so many seconds.
const LRU_CLOCK_SECONDS: u64 = 1 << 24;

/// An empty keyspace with a policy and a limit in bytes; 0 is no limit. Its picks at random follow from the
/// seed of its hash, which is fixed.
pub(super) fn keyspace(policy: MaxmemoryPolicy, maxmemory: usize) -> Keyspace<Fold> {
    seeded(policy, maxmemory, Fold::default())
}

fn seeded(policy: MaxmemoryPolicy, maxmemory: usize, hasher: Fold) -> Keyspace<Fold> {
    let options = Options::new().maxmemory_policy(policy).maxmemory(maxmemory);
    Keyspace::with_options_and_hasher(options, hasher)
}

/// A clock that goes on with each request.
struct RequestClock {
    micros: u64,
    step_micros: u64,
}

impl RequestClock {
    /// For so many requests. If the LRU clock cannot count as many seconds, a request takes less than one.
    fn new(policy: MaxmemoryPolicy, requests: usize) -> Self {
        let step_micros = match policy {
            MaxmemoryPolicy::AllkeysLru => {
                (LRU_CLOCK_SECONDS * 1_000_000 / requests.max(1) as u64).min(1_000_000)
            }
            _ => 1_000,
        };
        Self { micros: 0, step_micros }
    }

    /// The time of the next request, in milliseconds.
    fn tick(&mut self) -> u64 {
        self.micros += self.step_micros;
        self.micros / 1_000
    }
}

/// A keyspace that holds a number of keys. All keys and values have the same length.
pub(super) struct ByKeys {
    keyspace: Keyspace<Fold>,
    capacity: usize,
    clock: RequestClock,
}

impl ByKeys {
    pub(super) fn new(policy: MaxmemoryPolicy, capacity: usize, requests: usize, seed: u64) -> Self {
        let keyspace = seeded(policy, 0, Fold::with_seed(seed));
        Self { keyspace, capacity, clock: RequestClock::new(policy, requests) }
    }
}

impl Cache for ByKeys {
    fn request(&mut self, number: u32, _size: u32) -> bool {
        let (key, now) = (key(number.into()), self.clock.tick());
        let is_hit = self.keyspace.get_string(&key, now).expect("values are strings").is_some();
        if !is_hit {
            self.keyspace.evict_down_to(self.capacity - 1, now);
            self.keyspace.set(&key, VALUE, now).expect("there is memory");
        }
        is_hit
    }

    fn used(&self) -> usize {
        self.keyspace.len()
    }
}

/// A keyspace under `maxmemory`, with the keys of a trace.
pub(super) struct ByBytes<'a> {
    keyspace: Keyspace<Fold>,
    clock: RequestClock,
    trace: &'a Trace,
    /// A value of `n` bytes is the first `n` of these.
    value: &'a [u8],
}

impl<'a> ByBytes<'a> {
    pub(super) fn new(
        policy: MaxmemoryPolicy,
        maxmemory: usize,
        trace: &'a Trace,
        value: &'a [u8],
        seed: u64,
    ) -> Self {
        let clock = RequestClock::new(policy, trace.requests().len());
        Self { keyspace: seeded(policy, maxmemory, Fold::with_seed(seed)), clock, trace, value }
    }
}

impl Cache for ByBytes<'_> {
    fn request(&mut self, number: u32, size: u32) -> bool {
        let (key, now) = (self.trace.key(number), self.clock.tick());
        let is_hit = self.keyspace.get_string(key, now).expect("values are strings").is_some();
        if !is_hit {
            match self.keyspace.set(key, &self.value[..size as usize], now) {
                // What is larger than the limit is not kept.
                Ok(()) | Err(Error::MaxmemoryReached { .. }) => {}
                Err(err) => panic!("no memory: {err}"),
            }
        }
        is_hit
    }

    fn used(&self) -> usize {
        self.keyspace.counted_bytes()
    }
}
