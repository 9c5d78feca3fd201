//! The 24 bits that say when, or how often, an object was used.
//!
//! ```text
//!  LRU (least recently used)            LFU (least frequently used)
//!  +------------------------------+     +--------------------+-----------+
//!  | seconds modulo 2^24          |     | minutes mod 2^16   | counter:8 |
//!  +------------------------------+     +--------------------+-----------+
//!   194 days                              45 days
//! ```
//!
//! The caller chooses one of the two readings for all objects and stays with it, and brings the time and
//! the randomness: nothing here has a clock. Any origin of time will do (Unix time, process start), as long
//! as it is always the same. An object that was idle for longer than a whole turn looks fresh again; that
//! costs an eviction policy one bad choice in months.
//!
//! **The logarithmic counter.** 8 bits would overflow after 255 hits, so a hit counts only with
//! probability `1 / (base * log_factor + 1)`, where `base` is how far the counter stands above
//! [`LFU_INIT_VAL`]. To climb from `base` 0 to `k` takes on average
//!
//! ```text
//!  sum over base = 0 .. k-1 of (base * f + 1)  =  k + f * k * (k - 1) / 2      hits:
//!  f = 10:  k = 5 after 105,  k = 14 after 924,  k = 141 after 98,841,  k = 250 after 311,500
//! ```
//!
//! A caller starts new objects at [`LFU_INIT_VAL`] (`Robj::lfu_init`); left at 0 they would be evicted before they
//! could be used a second time. For each `decay_time` minutes that have passed, the counter goes down by one: when it
//! is read, without being written back, and when it is next touched. A touch starts the period anew, as in
//! Redis: an object touched more often than every `decay_time` minutes never decays.
//!
//! Learned from: Redis' `evict.c` (`LFULogIncr`, `LFUDecrAndReturn`, `estimateObjectIdleTime`).

use crate::object::Robj;

/// How many bits the clock field has. In C: `LRU_BITS`.
pub const LRU_BITS: u32 = 24;

/// The largest value of the LRU clock, in seconds. In C: `LRU_CLOCK_MAX`.
pub const LRU_CLOCK_MAX: u32 = (1 << LRU_BITS) - 1;

/// Where the LFU counter of a new object starts. In C: `LFU_INIT_VAL`.
pub const LFU_INIT_VAL: u8 = 5;

/// What the clock field shows at `seconds`: `seconds` modulo 2^24. In C: `getLRUClock`.
///
/// ```
/// assert_eq!(robj::lru_clock(20_000_000), 20_000_000 - (1 << 24));
/// ```
pub const fn lru_clock(seconds: u64) -> u32 {
    (seconds & LRU_CLOCK_MAX as u64) as u32
}

/// How the LFU counter rises and falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LfuParams {
    /// How much harder each step is than the one before; 0 counts every hit. In redis.conf:
    /// `lfu-log-factor`.
    pub log_factor: u32,
    /// After how many minutes the counter loses one; 0 is never. In redis.conf: `lfu-decay-time`.
    pub decay_time: u32,
}

impl Default for LfuParams {
    /// The defaults of redis.conf: factor 10, one minute.
    fn default() -> Self {
        Self { log_factor: 10, decay_time: 1 }
    }
}

/// The LFU reading of the field.
#[derive(Clone, Copy)]
struct Lfu {
    minutes: u16,
    counter: u8,
}

impl Lfu {
    const fn from_field(field: u32) -> Self {
        Self { minutes: (field >> 8) as u16, counter: field as u8 }
    }

    const fn to_field(self) -> u32 {
        (self.minutes as u32) << 8 | self.counter as u32
    }

    /// The counter as it stands at `now`. In C: `LFUDecrAndReturn`.
    const fn decayed(self, now: u16, decay_time: u32) -> u8 {
        let elapsed = now.wrapping_sub(self.minutes) as u32;
        match elapsed.checked_div(decay_time) {
            Some(lost) if lost > u8::MAX as u32 => 0,
            Some(lost) => self.counter.saturating_sub(lost as u8),
            None => self.counter,
        }
    }
}

/// The counter after one more hit; `random` is uniform over all of `u32`. In C: `LFULogIncr`.
///
/// The probability `1 / d` is exact to 2^-32: `random * d < 2^32` holds for `ceil(2^32 / d)` values.
fn log_increment(counter: u8, log_factor: u32, random: impl FnOnce() -> u32) -> u8 {
    if counter == u8::MAX {
        return counter;
    }
    let base = u64::from(counter.saturating_sub(LFU_INIT_VAL));
    let divisor = base * u64::from(log_factor) + 1;
    let hit = u64::from(random()).saturating_mul(divisor) < 1 << 32;
    counter + u8::from(hit)
}

/// The access clock. All of these take a shared reference: the field is atomic, and two threads that
/// touch at once leave the mark of one of them. Shared integers are never touched: they always show a
/// clock of 0. New objects show 0 too, until their first `touch` or `lfu_init`.
impl Robj {
    /// Marks the object as used at `now_seconds`, under an LRU policy.
    ///
    /// ```
    /// let object = robj::Robj::from("value");
    /// object.touch(1_000);
    /// assert_eq!(object.idle_time(1_007), 7);
    /// ```
    #[inline]
    pub fn touch(&self, now_seconds: u64) {
        self.header().set_lru(lru_clock(now_seconds));
    }

    /// For how many seconds the object has not been touched, modulo 2^24, under an LRU policy. Does not
    /// touch it. The caller's clock must not go back: a second before the last touch reads as 2^24 - 1 of
    /// idleness. In C: `estimateObjectIdleTime`, `OBJECT IDLETIME`.
    #[inline]
    pub fn idle_time(&self, now_seconds: u64) -> u32 {
        lru_clock(now_seconds).wrapping_sub(self.header().lru()) & LRU_CLOCK_MAX
    }

    /// Starts the counter of a new object at [`LFU_INIT_VAL`], under an LFU policy.
    #[inline]
    pub fn lfu_init(&self, now_minutes: u64) {
        self.header().set_lru(Lfu { minutes: now_minutes as u16, counter: LFU_INIT_VAL }.to_field());
    }

    /// Counts one use at `now_minutes` and returns the counter, under an LFU policy: lets it decay first,
    /// then raises it with the probability that the module describes. `random` must be uniform over all of
    /// `u32`; it is called at most once. In C: `updateLFU`.
    ///
    /// ```
    /// use robj::{LfuParams, Robj};
    /// let object = Robj::from("value");
    /// object.lfu_init(0);
    /// let always = || 0;
    /// assert_eq!(object.lfu_touch(0, always, &LfuParams::default()), 6);
    /// assert_eq!(object.freq(2, &LfuParams::default()), 4); // two minutes later
    /// ```
    #[inline]
    pub fn lfu_touch(&self, now_minutes: u64, random: impl FnOnce() -> u32, params: &LfuParams) -> u8 {
        if self.count().is_immortal() {
            return 0;
        }
        let header = self.header();
        let minutes = now_minutes as u16;
        let counter = Lfu::from_field(header.lru()).decayed(minutes, params.decay_time);
        let counter = log_increment(counter, params.log_factor, random);
        header.set_lru(Lfu { minutes, counter }.to_field());
        counter
    }

    /// The counter as it stands at `now_minutes`, under an LFU policy. Does not touch it. In C:
    /// `LFUDecrAndReturn`, `OBJECT FREQ`.
    #[inline]
    pub fn freq(&self, now_minutes: u64, params: &LfuParams) -> u8 {
        Lfu::from_field(self.header().lru()).decayed(now_minutes as u16, params.decay_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lru_clock_turns_over_without_a_seam() {
        let object = Robj::from("x");
        let turn = 1u64 << LRU_BITS;
        for then in [0, 1, turn - 1, turn, 5 * turn - 3] {
            object.touch(then);
            for later in [0, 1, 2, 1_000_000, turn - 1] {
                assert_eq!(u64::from(object.idle_time(then + later)), later, "{then} + {later}");
            }
            assert_eq!(object.idle_time(then + turn), 0);
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
            assert_eq!(lfu.decayed(now, decay_time), expected, "{later} / {decay_time}");
        }
    }

    #[test]
    fn a_hit_counts_with_the_stated_probability_at_its_edges() {
        // The divisor is 10 * 10 + 1 = 101: random values up to 2^32 / 101 count.
        let edge = ((1u64 << 32) / 101) as u32;
        assert_eq!(log_increment(15, 10, || edge), 16);
        assert_eq!(log_increment(15, 10, || edge + 1), 15);
        // At or below the initial value every hit counts, with any factor, and so with factor 0.
        for (counter, factor) in [(0, u32::MAX), (LFU_INIT_VAL, u32::MAX), (254, 0)] {
            assert_eq!(log_increment(counter, factor, || u32::MAX), counter + 1);
        }
        assert_eq!(log_increment(254, u32::MAX, || 1), 254);
        assert_eq!(log_increment(u8::MAX, 0, || 0), u8::MAX);
    }

    #[test]
    fn reading_does_not_touch() {
        let object = Robj::from("x");
        object.lfu_init(7);
        let before = object.header().lru();
        object.freq(50, &LfuParams::default());
        object.idle_time(1 << 40);
        assert_eq!(object.header().lru(), before);
    }

    #[test]
    fn shared_integers_keep_no_clock() {
        let object = Robj::from(7);
        object.touch(1000);
        object.lfu_init(1000);
        assert_eq!(object.lfu_touch(1000, || 0, &LfuParams::default()), 0);
        assert_eq!(object.header().lru(), 0);
    }
}
