//! [`Access`]: how a use of a key changes its access clock.
//!
//! The 24 bits of an entry's clock are the second of the last use, or of the last modification under an LRM
//! policy. Under an LFU policy they are a counter of uses and the minute of the last one. Under S3-FIFO the
//! two low bits count uses from 0 to 3, and eviction owns the others. A batch computes its time once, and
//! then touches its entries.

use crate::entry::EntryView;
use crate::evict::S3Clock;
use crate::options::{Options, Ranking};
use values::{Lfu, LfuParams, lru_clock};

/// Milliseconds of a second, and of a minute.
pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;

/// How an access at one moment changes clocks.
#[derive(Clone, Copy)]
pub(crate) enum Access<'o> {
    /// The clock is this second.
    Lru(u32),
    /// The clock counts.
    Lfu {
        /// In milliseconds.
        now: u64,
        params: &'o LfuParams,
    },
    /// The two low bits of the clock count.
    S3,
    /// The clock stays, because only modifications count, and the access is a read.
    Unchanged,
}

impl<'o> Access<'o> {
    /// A write at `now`, in milliseconds.
    #[inline]
    pub(crate) fn at(options: &'o Options, now: u64) -> Self {
        match options.get_maxmemory_policy().ranking() {
            Ranking::Lrm => Self::Lru(lru_clock(now / SECOND)),
            ranking => Self::of(ranking, options, now),
        }
    }

    /// A read at `now`, in milliseconds. It differs from a write under LRM policies only.
    #[inline]
    pub(crate) fn read_at(options: &'o Options, now: u64) -> Self {
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

    /// The clock of a new key. 0 for a read that changes nothing: it adds no keys.
    #[inline]
    pub(crate) fn initial(self) -> u32 {
        match self {
            Self::Lru(clock) => clock,
            Self::Lfu { now, .. } => Lfu::new(now / MINUTE).to_bits(),
            Self::S3 | Self::Unchanged => 0,
        }
    }

    /// Sets the clock of an entry that is used. `hash` is that of its key.
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

/// The clock of an entry that gets another name or expiry at `now`, in milliseconds. Such a change is a
/// modification and not a use, so it sets the clock under LRM policies only.
#[inline]
pub(crate) fn modified(options: &Options, now: u64) -> Option<u32> {
    options.get_maxmemory_policy().is_lrm().then(|| lru_clock(now / SECOND))
}

/// An LFU clock after one more use. Kept out of line, because the second of the last use is the frequent
/// case.
///
/// The counter rises by chance. The random number is computed from the key's hash, the time and the clock
/// before, so that readers share no state. Within a millisecond all uses draw the same number until one
/// raises the counter.
#[inline(never)]
fn counted(clock: u32, now: u64, params: &LfuParams, hash: u64) -> u32 {
    let clock = Lfu::from_bits(clock);
    let random = || common::random::mix(hash ^ now.rotate_left(32) ^ u64::from(clock.to_bits())) as u32;
    clock.touched(now / MINUTE, random, params).to_bits()
}
