//! The 24 bits that tell when, or how often, an object was used.
//!
//! ```text
//!  LRU (least recently used)            LFU (least frequently used)
//!  +------------------------------+     +--------------------+-----------+
//!  | seconds modulo 2^24          |     | minutes mod 2^16   | counter:8 |
//!  +------------------------------+     +--------------------+-----------+
//!   194 days                              45 days
//! ```
//!
//! A store uses one of the two formats for all of its values and does not change it. It passes the time and
//! the random numbers, because nothing here has a clock. Any origin of time will do (Unix time, process
//! start), as long as it stays the same. A value that was idle for longer than a whole turn looks fresh
//! again. That costs an eviction policy one bad choice in months.
//!
//! The caller keeps the 24 bits, in the header of an object or in an entry of a store.
//!
//! Learned from: Redis' `evict.c` (`LFULogIncr`, `LFUDecrAndReturn`, `estimateObjectIdleTime`).

/// The number of bits of the clock. In C: `LRU_BITS`.
pub const LRU_BITS: u32 = 24;

/// The largest value of the LRU clock, in seconds. In C: `LRU_CLOCK_MAX`.
pub const LRU_CLOCK_MAX: u32 = (1 << LRU_BITS) - 1;

/// The initial LFU counter of a new value. In C: `LFU_INIT_VAL`.
pub const LFU_INIT_VAL: u8 = 5;

/// Returns the LRU clock at `seconds`, which is `seconds` modulo 2^24. In C: `getLRUClock`.
///
/// ```
/// assert_eq!(values::lru_clock(20_000_000), 20_000_000 - (1 << 24));
/// ```
#[inline]
pub const fn lru_clock(seconds: u64) -> u32 {
    (seconds & LRU_CLOCK_MAX as u64) as u32
}

/// Returns the number of seconds since the clock showed `last`, modulo 2^24. In C: `estimateObjectIdleTime`.
///
/// The caller's clock must not go back: one second before the last use reads as 2^24 - 1 seconds of idle
/// time.
///
/// ```
/// use values::{idle_time, lru_clock};
/// assert_eq!(idle_time(lru_clock(1_000), 1_007), 7);
/// ```
#[inline]
pub const fn idle_time(last: u32, now_seconds: u64) -> u32 {
    lru_clock(now_seconds).wrapping_sub(last) & LRU_CLOCK_MAX
}

/// The parameters with which the LFU counter rises and falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LfuParams {
    /// How much harder each step is than the one before. With 0 every hit counts. In redis.conf:
    /// `lfu-log-factor`.
    pub log_factor: u32,
    /// The number of minutes after which the counter loses one. With 0 it never does. In redis.conf:
    /// `lfu-decay-time`.
    pub decay_time: u32,
}

impl Default for LfuParams {
    /// The defaults of redis.conf: factor 10, one minute.
    fn default() -> Self {
        Self { log_factor: 10, decay_time: 1 }
    }
}

/// The LFU format of the 24 bits: a logarithmic counter, and the time of the last use.
///
/// A counter of 8 bits would overflow after 255 hits. So a hit counts only with probability `1 / (base *
/// log_factor + 1)`, where `base` is the difference of the counter to [`LFU_INIT_VAL`]. The average number
/// of hits from `base` 0 to `k` is
///
/// ```text
///  sum over base = 0 .. k-1 of (base * f + 1)  =  k + f * k * (k - 1) / 2      hits:
///  f = 10:  k = 5 after 105,  k = 14 after 924,  k = 141 after 98,841,  k = 250 after 311,500
/// ```
///
/// A new value starts at [`LFU_INIT_VAL`] ([`Lfu::new`]). If it started at 0, it would be evicted before it
/// could be used a second time.
///
/// For each `decay_time` minutes that have passed, the counter goes down by one. This happens when it is
/// read, without being written back, and when it is touched. A touch starts a new period, as in Redis. So a
/// value that is touched more often than every `decay_time` minutes never decays.
///
/// ```
/// use values::{Lfu, LfuParams};
/// let params = LfuParams::default();
/// let new = Lfu::new(0);
/// let always = || 0;
/// let used = new.touched(0, always, &params);
/// assert_eq!((new.freq(0, &params), used.freq(0, &params)), (5, 6));
/// assert_eq!(used.freq(2, &params), 4); // two minutes later
/// assert_eq!(Lfu::from_bits(used.to_bits()), used);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lfu {
    minutes: u16,
    counter: u8,
}

impl Lfu {
    /// Returns the bits of a new value at `now_minutes`. The counter is [`LFU_INIT_VAL`].
    #[inline]
    pub const fn new(now_minutes: u64) -> Self {
        Self { minutes: now_minutes as u16, counter: LFU_INIT_VAL }
    }

    /// Returns the bits for a known counter, such as one from a dump, at `now_minutes`. In C:
    /// `objectSetLRUOrLFU`.
    #[inline]
    pub const fn with_counter(counter: u8, now_minutes: u64) -> Self {
        Self { minutes: now_minutes as u16, counter }
    }

    /// Decodes the low 24 bits.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Self { minutes: (bits >> 8) as u16, counter: bits as u8 }
    }

    /// Returns the 24 bits to store.
    #[inline]
    pub const fn to_bits(self) -> u32 {
        (self.minutes as u32) << 8 | self.counter as u32
    }

    /// Returns the counter, decayed to `now_minutes`. In C: `LFUDecrAndReturn`, `OBJECT FREQ`.
    #[inline]
    pub const fn freq(self, now_minutes: u64, params: &LfuParams) -> u8 {
        let elapsed = self.minutes_since(now_minutes) as u32;
        match elapsed.checked_div(params.decay_time) {
            Some(lost) if lost > u8::MAX as u32 => 0,
            Some(lost) => self.counter.saturating_sub(lost as u8),
            None => self.counter,
        }
    }

    /// Returns the bits after one use at `now_minutes`. The counter first decays, and is then raised with
    /// the probability above. `random` must be uniform over all of `u32`. It is called at most once. In C:
    /// `updateLFU`.
    #[inline]
    pub fn touched(self, now_minutes: u64, random: impl FnOnce() -> u32, params: &LfuParams) -> Self {
        let counter = log_increment(self.freq(now_minutes, params), params.log_factor, random);
        Self { minutes: now_minutes as u16, counter }
    }

    /// Returns the number of minutes from the last use to `now_minutes`. The clock turns over every 65,536
    /// minutes, which are 45 days. In C: `LFUTimeElapsed`.
    #[inline]
    pub const fn minutes_since(self, now_minutes: u64) -> u16 {
        (now_minutes as u16).wrapping_sub(self.minutes)
    }

    /// Returns the counter at the time of the last use.
    #[inline]
    pub const fn counter(self) -> u8 {
        self.counter
    }
}

/// Returns the counter after one more hit. `random` must be uniform over all of `u32`. In C: `LFULogIncr`.
///
/// The probability `1 / d` is exact to 2^-32, because `random * d < 2^32` holds for `ceil(2^32 / d)` values.
fn log_increment(counter: u8, log_factor: u32, random: impl FnOnce() -> u32) -> u8 {
    if counter == u8::MAX {
        return counter;
    }
    let base = u64::from(counter.saturating_sub(LFU_INIT_VAL));
    let divisor = base * u64::from(log_factor) + 1;
    let hit = u64::from(random()).saturating_mul(divisor) < 1 << 32;
    counter + u8::from(hit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lru_clock_turns_over_without_a_seam() {
        let period = 1u64 << LRU_BITS;
        for then in [0, 1, period - 1, period, 5 * period - 3] {
            for later in [0, 1, 2, 1_000_000, period - 1] {
                assert_eq!(u64::from(idle_time(lru_clock(then), then + later)), later, "{then} + {later}");
            }
            assert_eq!(idle_time(lru_clock(then), then + period), 0);
        }
    }

    #[test]
    fn the_lfu_counter_decays_by_one_a_period_and_stops_at_zero() {
        let lfu = Lfu { minutes: 65_530, counter: 100 };
        for (later, decay_time, expected) in [
            (0, 1, 100),
            (1, 1, 99),
            (20, 1, 80), // across the turn of the 16 bits
            (99, 1, 1),
            (100, 1, 0),
            (60_000, 1, 0),
            (9, 10, 100),
            (10, 10, 99),
            (60_000, 0, 100),
            (60_000, u32::MAX, 100),
        ] {
            let now = lfu.minutes.wrapping_add(later);
            assert_eq!(
                lfu.freq(now.into(), &LfuParams { log_factor: 10, decay_time }),
                expected,
                "{later} / {decay_time}"
            );
        }
    }

    #[test]
    fn a_hit_counts_with_the_stated_probability_at_its_edges() {
        // The divisor is 10 * 10 + 1 = 101, so random values up to 2^32 / 101 count.
        let edge = ((1u64 << 32) / 101) as u32;
        assert_eq!(log_increment(15, 10, || edge), 16);
        assert_eq!(log_increment(15, 10, || edge + 1), 15);
        // At or below the initial value every hit counts, whatever the factor. With factor 0 every hit
        // counts.
        for (counter, factor) in [(0, u32::MAX), (LFU_INIT_VAL, u32::MAX), (254, 0)] {
            assert_eq!(log_increment(counter, factor, || u32::MAX), counter + 1);
        }
        assert_eq!(log_increment(254, u32::MAX, || 1), 254);
        assert_eq!(log_increment(u8::MAX, 0, || 0), u8::MAX);
    }
}
