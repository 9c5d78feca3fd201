//! [`Order`]: which of two entries a policy evicts first.

use super::clock::{S3Clock, Stamp};
use crate::access::{MINUTE, SECOND};
use crate::entry::Entry;
use crate::options::{Options, Ranking};
use values::{Lfu, LfuParams, idle_time};

/// How a policy orders entries at one moment.
///
/// An entry's *precedence* ranks it for eviction: the entry with the highest one is evicted first. It changes
/// when the entry is used, and not while time passes, so that those of a pool stay comparable. (A count of
/// uses decays. Then an entry's precedence rises.)
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
    /// The order of a policy at `now`, in milliseconds. `None` if the policy has none: then any entry will
    /// do, or none may be evicted.
    pub(crate) fn of(options: &'o Options, now: u64, stamp: Stamp) -> Option<Self> {
        match options.get_maxmemory_policy().ranking() {
            Ranking::None | Ranking::Random => None,
            Ranking::Lru | Ranking::Lrm => Some(Self::Idle { now: now / SECOND }),
            Ranking::Lfu => Some(Self::Frequency { now: now / MINUTE, params: options.lfu_params() }),
            Ranking::Ttl => Some(Self::Expiry),
            Ranking::S3fifo => Some(Self::Stamp(stamp)),
        }
    }

    /// The precedence of an entry. `None` for one that is not a candidate.
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
