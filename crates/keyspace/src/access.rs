//! [`Access`]: how a use of a key changes its access clock.
//!
//! The 24 bits of an entry's clock are the second of the last use, or, under an LFU policy, a counter of uses
//! and the minute of the last one. A batch computes its time once, and then touches its entries.

use crate::entry::EntryView;
use crate::options::Options;
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
}

impl<'o> Access<'o> {
    /// A use at `now`, in milliseconds.
    #[inline]
    pub(crate) fn at(options: &'o Options, now: u64) -> Self {
        if options.get_maxmemory_policy().is_lfu() {
            Self::Lfu { now, params: options.lfu_params() }
        } else {
            Self::Lru(lru_clock(now / SECOND))
        }
    }

    /// The clock of a new key.
    #[inline]
    pub(crate) fn initial(self) -> u32 {
        match self {
            Self::Lru(clock) => clock,
            Self::Lfu { now, .. } => Lfu::new(now / MINUTE).to_bits(),
        }
    }

    /// Sets the clock of an entry that is used. `hash` is that of its key.
    #[inline]
    pub(crate) fn touch(self, entry: EntryView<'_>, hash: u64) {
        match self {
            Self::Lru(clock) => entry.set_clock(clock),
            Self::Lfu { now, params } => entry.set_clock(counted(entry.clock(), now, params, hash)),
        }
    }
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
