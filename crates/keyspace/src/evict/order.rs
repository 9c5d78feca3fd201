//! [`Order`]: which of two entries a policy evicts first.

use super::clock::{S3Clock, Stamp};
use crate::access::{MINUTE, SECOND};
use crate::entry::Entry;
use crate::options::{Options, Ranking};
use values::{Lfu, LfuParams, idle_time};

/// The order in which a policy evicts entries, at one moment.
///
/// An entry's *precedence* ranks it for eviction: the entry with the highest precedence is evicted first. The
/// precedence changes when the entry is used, and not while time passes. So the precedences in a pool stay
/// comparable. There is one exception: when a count of uses decays, the entry's precedence rises.
#[derive(Clone, Copy)]
pub(crate) enum Order<'o> {
    /// The entry that was idle for longest goes first.
    Idle {
        /// In seconds.
        now: u64,
    },
    /// The least frequently used entry goes first.
    Frequency {
        /// In minutes.
        now: u64,
        params: &'o LfuParams,
    },
    /// The entry that expires next goes first.
    Expiry,
    /// The entry with the oldest stamp goes first. Entries on probation are not candidates.
    Stamp(Stamp),
}

impl<'o> Order<'o> {
    /// Returns the order of a policy at `now`, in milliseconds. Returns `None` if the policy has no order: it
    /// evicts random entries, or no entries.
    pub(crate) fn of(options: &'o Options, now: u64, stamp: Stamp) -> Option<Self> {
        match options.get_maxmemory_policy().ranking() {
            Ranking::None | Ranking::Random => None,
            Ranking::Lru | Ranking::Lrm => Some(Self::Idle { now: now / SECOND }),
            Ranking::Lfu => Some(Self::Frequency { now: now / MINUTE, params: options.lfu_params() }),
            Ranking::Ttl => Some(Self::Expiry),
            Ranking::S3fifo => Some(Self::Stamp(stamp)),
        }
    }

    /// Returns the precedence of an entry, or `None` if the entry is not a candidate.
    #[inline]
    pub(crate) fn precedence(self, entry: &Entry) -> Option<u64> {
        let clock = || entry.view().clock();
        match self {
            Self::Idle { now } => Some(!now.wrapping_sub(idle_time(clock(), now).into())),
            Self::Frequency { now, params } => {
                Some(u64::from(u8::MAX - Lfu::from_bits(clock()).freq(now, params)))
            }
            Self::Expiry => entry.expiry().map(|at| !at),
            Self::Stamp(now) => {
                let clock = S3Clock::from_bits(clock());
                (!clock.is_on_probation()).then(|| !clock.stamp(now).number())
            }
        }
    }
}
