//! [`Access`]: how a use of a key changes its access clock.
//!
//! The clock of an entry has 24 bits. Their meaning depends on the policy:
//!
//! - LRU, TTL, random and no eviction: the second of the last use.
//! - LRM: the second of the last modification.
//! - LFU: a counter of uses, and the minute of the last use.
//! - S3-FIFO: the two low bits count uses, from 0 to 3. Eviction uses the other bits.
//!
//! A batch computes its access once, and then touches all its entries.

use crate::entry::EntryView;
use crate::evict::S3Clock;
use crate::options::{Options, Ranking};
use values::{Lfu, LfuParams, lru_clock};

/// Milliseconds of a second, and of a minute.
pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;

/// How an access at a given moment changes the clock of an entry.
#[derive(Clone, Copy)]
pub(crate) enum Access<'o> {
    /// Sets the clock to this second.
    Lru(u32),
    /// Counts the use by the rules of LFU.
    Lfu {
        /// The time of the access, in milliseconds.
        now: u64,
        params: &'o LfuParams,
    },
    /// Counts the use in the two low bits of the clock.
    S3,
    /// Leaves the clock unchanged: the access is a read and only modifications count, or accesses are not to count.
    Unchanged,
}

impl<'o> Access<'o> {
    /// Returns the access that creates a key at `now`, in milliseconds.
    #[inline]
    pub(crate) fn at(options: &'o Options, now: u64) -> Self {
        match options.get_maxmemory_policy().ranking() {
            Ranking::Lrm => Self::Lru(lru_clock(now / SECOND)),
            ranking => Self::of(ranking, options, now),
        }
    }

    /// Returns the access of a write at `now`, in milliseconds, to a key that exists. It differs from
    /// [`at`](Self::at) only after [`set_no_touch`](crate::Keyspace::set_no_touch).
    #[inline]
    pub(crate) fn write_at(options: &'o Options, now: u64) -> Self {
        if options.is_no_touch && !options.get_maxmemory_policy().is_lrm() {
            return Self::Unchanged;
        }
        Self::at(options, now)
    }

    /// Returns the access of a read at `now`, in milliseconds. It differs from a write only under LRM policies.
    #[inline]
    pub(crate) fn read_at(options: &'o Options, now: u64) -> Self {
        if options.is_no_touch {
            return Self::Unchanged;
        }
        Self::of(options.get_maxmemory_policy().ranking(), options, now)
    }

    #[inline]
    fn of(ranking: Ranking, options: &'o Options, now: u64) -> Self {
        match ranking {
            Ranking::None | Ranking::Random | Ranking::Lru | Ranking::Ttl => {
                Self::Lru(lru_clock(now / SECOND))
            }
            Ranking::Lrm => Self::Unchanged,
            Ranking::Lfu => Self::Lfu { now, params: options.lfu_params() },
            Ranking::S3fifo => Self::S3,
        }
    }

    /// Returns the clock of a new key. Returns 0 for [`Unchanged`](Self::Unchanged), which adds no keys.
    #[inline]
    pub(crate) fn initial(self) -> u32 {
        match self {
            Self::Lru(clock) => clock,
            Self::Lfu { now, .. } => Lfu::new(now / MINUTE).to_bits(),
            Self::S3 | Self::Unchanged => 0,
        }
    }

    /// Updates the clock of an entry that is used. `hash` is the hash of its key.
    #[inline]
    pub(crate) fn touch(self, entry: EntryView<'_>, hash: u64) {
        match self {
            Self::Lru(clock) => entry.set_clock(clock),
            Self::Lfu { now, params } => entry.set_clock(counted(entry.clock(), now, params, hash)),
            Self::S3 => {
                let clock = S3Clock::from_bits(entry.clock());
                entry.set_clock(clock.used().to_bits());
            }
            Self::Unchanged => {}
        }
    }
}

/// Returns the new clock of an entry whose name or expiry changes at `now`, in milliseconds. Such a change is
/// a modification and not a use, so it sets the clock only under LRM policies.
#[inline]
pub(crate) fn modified(options: &Options, now: u64) -> Option<u32> {
    options.get_maxmemory_policy().is_lrm().then(|| lru_clock(now / SECOND))
}

/// Returns an LFU clock after one more use. The function is kept out of line because LFU policies are less
/// frequent than those that store a second.
///
/// The counter rises with a probability. The random number is computed from the key's hash, the time and the
/// old clock, so that readers share no state. All uses within one millisecond get the same number, until one
/// of them raises the counter.
#[inline(never)]
fn counted(clock: u32, now: u64, params: &LfuParams, hash: u64) -> u32 {
    let clock = Lfu::from_bits(clock);
    let random = || common::random::mix(hash ^ now.rotate_left(32) ^ u64::from(clock.to_bits())) as u32;
    clock.touched(now / MINUTE, random, params).to_bits()
}
