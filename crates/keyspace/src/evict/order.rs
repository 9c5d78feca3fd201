//! [`Order`]: which of two entries a policy evicts first.

use super::clock::{S3Clock, Stamp};
use crate::access::{MINUTE, SECOND};
use crate::entry::Entry;
use crate::options::{Options, Ranking};
use values::{Lfu, LfuParams, idle_time};

/// How a policy orders entries at one moment.
#[derive(Clone, Copy)]
pub(crate) enum Order<'o> {
    /// The longest idle first.
    Idle {
        /// In seconds.
        now: u64,
    },
    /// The least frequently used first.
    Frequency {
        /// In minutes.
        now: u64,
        params: &'o LfuParams,
    },
    /// The first to expire first.
    Expiry,
    /// Of those that have passed probation, the one whose stamp is oldest.
    Stamp(Stamp),
}

impl<'o> Order<'o> {
    /// The order of a policy at `now`, in milliseconds. `None` if the policy has none: then any entry will do, or
    /// none may be evicted.
    pub(crate) fn of(options: &'o Options, now: u64, stamp: Stamp) -> Option<Self> {
        match options.get_maxmemory_policy().ranking() {
            Ranking::None | Ranking::Random => None,
            Ranking::Lru | Ranking::Lrm => Some(Self::Idle { now: now / SECOND }),
            Ranking::Lfu => Some(Self::Frequency { now: now / MINUTE, params: options.lfu_params() }),
            Ranking::Ttl => Some(Self::Expiry),
            Ranking::S3fifo => Some(Self::Stamp(stamp)),
        }
    }

    /// What the rank of an entry follows from: its clock, or its expiry. `None` for an entry that is not a
    /// candidate.
    #[inline]
    pub(crate) fn standing(self, entry: &Entry) -> Option<u64> {
        let clock = || entry.view().clock();
        match self {
            Self::Idle { .. } | Self::Frequency { .. } => Some(u64::from(clock())),
            Self::Expiry => entry.expiry(),
            Self::Stamp(_) => {
                let clock = clock();
                (!S3Clock::from_bits(clock).is_on_probation()).then_some(u64::from(clock))
            }
        }
    }

    /// The higher the rank, the sooner the entry is evicted.
    #[inline]
    pub(crate) fn rank(self, standing: u64) -> u64 {
        let clock = standing as u32;
        match self {
            Self::Idle { now } => u64::from(idle_time(clock, now)),
            Self::Frequency { now, params } => u64::from(u8::MAX - Lfu::from_bits(clock).freq(now, params)),
            Self::Expiry => !standing,
            Self::Stamp(now) => u64::from(S3Clock::from_bits(clock).age(now)),
        }
    }
}
