//! A keyspace that evicts, as one of the caches whose hit ratios are measured. Only this file uses the
//! interface of its policies.
//!
//! The time advances with each request, because the times of traces cannot be used. Many traces have none.
//! The one from block storage has 17 requests in each second, which is the unit of the LRU clock. Under LRU,
//! a request takes one second, so that the clock distinguishes requests. Under the other policies, a request
//! takes one millisecond. With one second, the counters of LFU would decay after every 60 requests.

use super::cache::Cache;
use crate::keys::key;
use crate::maps::FoldHash;
use crate::trace::Trace;
use keyspace::{Error, Keyspace, MaxmemoryPolicy, Options};

/// The policies whose hit ratio is measured. The best one comes first.
pub(super) const POLICIES: [MaxmemoryPolicy; 4] = [
    MaxmemoryPolicy::AllkeysS3fifo,
    MaxmemoryPolicy::AllkeysLru,
    MaxmemoryPolicy::AllkeysLfu,
    MaxmemoryPolicy::AllkeysRandom,
];

/// The value of every key if only keys count. It is small, because ghosts may take a share of the bytes, and
/// larger values would allow more ghosts.
pub(super) const VALUE: &[u8; 32] = b"a value of thirty-two bytes here";

/// An LRU clock counts up to this many seconds.
const LRU_CLOCK_SECONDS: u64 = 1 << 24;

/// Returns an empty keyspace with a policy and a limit in bytes. 0 means no limit. The seed of its hash,
/// which is fixed, determines its random picks.
pub(super) fn keyspace(policy: MaxmemoryPolicy, maxmemory: usize) -> Keyspace<FoldHash> {
    seeded(policy, maxmemory, FoldHash::default())
}

fn seeded(policy: MaxmemoryPolicy, maxmemory: usize, hasher: FoldHash) -> Keyspace<FoldHash> {
    let options = Options::new().maxmemory_policy(policy).maxmemory(maxmemory);
    Keyspace::with_options_and_hasher(options, hasher)
}

/// A clock that advances with each request.
struct RequestClock {
    micros: u64,
    step_micros: u64,
}

impl RequestClock {
    /// Returns a clock for this many requests. A request takes less than a second if the LRU clock cannot
    /// count as many seconds.
    fn new(policy: MaxmemoryPolicy, requests: usize) -> Self {
        let step_micros = match policy {
            MaxmemoryPolicy::AllkeysLru => {
                (LRU_CLOCK_SECONDS * 1_000_000 / requests.max(1) as u64).min(1_000_000)
            }
            _ => 1_000,
        };
        Self { micros: 0, step_micros }
    }

    /// Returns the time of the next request, in milliseconds.
    fn tick(&mut self) -> u64 {
        self.micros += self.step_micros;
        self.micros / 1_000
    }
}

/// A keyspace that is limited to a number of keys. All keys and values have the same length.
pub(super) struct ByKeys {
    keyspace: Keyspace<FoldHash>,
    capacity: usize,
    clock: RequestClock,
}

impl ByKeys {
    pub(super) fn new(policy: MaxmemoryPolicy, capacity: usize, requests: usize, seed: u64) -> Self {
        let keyspace = seeded(policy, 0, FoldHash::with_seed(seed));
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
    keyspace: Keyspace<FoldHash>,
    clock: RequestClock,
    trace: &'a Trace,
    /// The first `n` of these bytes are a value of `n` bytes.
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
        Self { keyspace: seeded(policy, maxmemory, FoldHash::with_seed(seed)), clock, trace, value }
    }
}

impl Cache for ByBytes<'_> {
    fn request(&mut self, number: u32, size: u32) -> bool {
        let (key, now) = (self.trace.key(number), self.clock.tick());
        let is_hit = self.keyspace.get_string(key, now).expect("values are strings").is_some();
        if !is_hit {
            match self.keyspace.set(key, &self.value[..size as usize], now) {
                // A value that is larger than the limit is not kept.
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
