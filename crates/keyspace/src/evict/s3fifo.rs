//! [`S3Fifo`]: what the policies `allkeys-s3fifo` and `volatile-s3fifo` know beside the entries' clocks.
//!
//! ```text
//!                       new key
//!                          |
//!              remembered? | no                 used twice or more
//!           +--- yes ------+-----> PROBATION ----------------------------> passed
//!           |                      a tenth    \                              ^
//!           +----------------------------------\-----------------------------+
//!                                               \ else: evicted, remembered      oldest of some: evicted if it
//!                                                v                               was not used, else stamped anew
//!                                              ghosts
//! ```
//!
//! *S3-FIFO* keeps two queues. A new key enters the small one, a tenth of the store, and is evicted from there unless
//! it was used meanwhile. So keys that are used once do not displace others. Here only the small queue is a
//! [queue](Queue). In place of the large one each key has a stamp, and a victim is the oldest of the keys that a
//! [search](super::search) has seen last. docs/src/eviction.md compares both.
//!
//! Learned from: Yang, Zhang, Qiu, Yue and Rashmi, *FIFO Queues are All You Need for Cache Eviction* (SOSP 2023).

use super::clock::{S3Clock, Stamp};
use super::ghosts::Ghosts;
use super::queue::{Locator, Queue};

/// A key on probation is kept if it was used so often.
pub(crate) const USES_TO_PASS: u32 = 2;

/// One in so many keys, and one in so many bytes, is on probation.
const SHARE: usize = 10;

/// Before the first eviction, keys beyond the share begin behind probation. Later they do beyond twice the share,
/// which keeps the queue short while keys are removed and none is evicted.
const SHARE_MAX: usize = SHARE / 2;

/// How large a store is.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) keys: usize,
    pub(crate) bytes: usize,
}

pub(crate) struct S3Fifo {
    pub(crate) queue: Queue,
    pub(crate) ghosts: Ghosts,
    stamp: Stamp,
    /// Keys that were stamped since the clock ticked.
    stamped: usize,
    has_evicted: bool,
}

impl S3Fifo {
    pub(crate) const fn new() -> Self {
        Self {
            queue: Queue::new(),
            ghosts: Ghosts::new(),
            stamp: Stamp::START,
            stamped: 0,
            has_evicted: false,
        }
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The stamp of one more key, in a store of so many.
    pub(crate) fn next_stamp(&mut self, keys: usize) -> Stamp {
        self.stamped += 1;
        if self.stamped > keys >> Stamp::TICKS_A_ROUND_LOG {
            (self.stamp, self.stamped) = (self.stamp.next(), 0);
        }
        self.stamp
    }

    /// Whether so much is on probation that the next victim comes from there.
    pub(crate) fn is_full(&self, extent: Extent) -> bool {
        self.exceeds(extent, SHARE)
    }

    fn exceeds(&self, extent: Extent, share: usize) -> bool {
        self.queue.len() >= (extent.keys / share).max(1)
            || self.queue.size_sum() >= ((extent.bytes / share) as u64).max(1)
    }

    /// The clock of a new key, whose entry has `size` bytes. The key counts in `extent`. `full` is the extent of
    /// the store when it is full.
    pub(crate) fn arrive(&mut self, locator: Locator, size: usize, extent: Extent, full: Extent) -> S3Clock {
        let is_full =
            if self.has_evicted { self.exceeds(extent, SHARE_MAX) } else { self.exceeds(full, SHARE) };
        if self.ghosts.take(locator) || is_full {
            return S3Clock::passed(self.next_stamp(extent.keys), 0);
        }
        match self.queue.try_push(locator, size) {
            Ok(number) => S3Clock::on_probation(number),
            Err(_) => S3Clock::passed(self.next_stamp(extent.keys), 0),
        }
    }

    /// Remembers a key that is evicted from probation.
    pub(crate) fn remember(&mut self, locator: Locator, ghosts_max: usize, extent: Extent) {
        let passed = extent.keys.saturating_sub(self.queue.len());
        self.ghosts.add(locator, passed.min(ghosts_max));
    }

    /// The store is full from now on.
    pub(crate) fn note_eviction(&mut self) {
        self.has_evicted = true;
    }

    /// What queue and ghosts add to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        self.queue.allocation_size() + self.ghosts.allocation_size()
    }
}
