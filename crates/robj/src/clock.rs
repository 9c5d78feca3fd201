//! The access clock of an object: the 24 bits in its header, with the meaning that [`values`] gives them.

use crate::object::Robj;
use values::{Lfu, LfuParams, idle_time, lru_clock};

/// Methods of the access clock. They take a shared reference, because the field is atomic. If two threads
/// write at once, one of the two values stays.
///
/// Shared integers are never written, so their clock is always 0. New objects have 0 too, until the first
/// `touch` or `lfu_init`.
impl Robj {
    /// Marks the object as used at `now_seconds`. For an LRU policy.
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

    /// Returns the number of seconds since the last `touch`, modulo 2^24. Does not count as a use. For an
    /// LRU policy. In C: `estimateObjectIdleTime`, `OBJECT IDLETIME`.
    ///
    /// The caller's clock must not go back: one second before the last touch reads as 2^24 - 1 seconds of
    /// idle time.
    #[inline]
    pub fn idle_time(&self, now_seconds: u64) -> u32 {
        idle_time(self.header().lru(), now_seconds)
    }

    /// Starts the counter of a new object at [`LFU_INIT_VAL`](values::LFU_INIT_VAL). For an LFU policy.
    #[inline]
    pub fn lfu_init(&self, now_minutes: u64) {
        self.header().set_lru(Lfu::new(now_minutes).to_bits());
    }

    /// Counts one use at `now_minutes` and returns the counter. The counter first decays, and is then
    /// raised with the probability that [`Lfu`] defines. For an LFU policy. In C: `updateLFU`.
    ///
    /// `random` must be uniform over all of `u32`. It is called at most once.
    ///
    /// ```
    /// use robj::Robj;
    /// use values::LfuParams;
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
        let touched = Lfu::from_bits(header.lru()).touched(now_minutes, random, params);
        header.set_lru(touched.to_bits());
        touched.counter()
    }

    /// Returns the counter, decayed to `now_minutes`. Does not count as a use. For an LFU policy. In C:
    /// `LFUDecrAndReturn`, `OBJECT FREQ`.
    #[inline]
    pub fn freq(&self, now_minutes: u64, params: &LfuParams) -> u8 {
        Lfu::from_bits(self.header().lru()).freq(now_minutes, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
