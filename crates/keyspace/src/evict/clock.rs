//! [`S3Clock`]: the 24 bits of an entry's access clock under S3-FIFO.
//!
//! ```text
//!  bit   23           22 ..= 2                                     1 0
//!      | probation |  number of the queue's element, or a stamp  | uses |
//! ```
//!
//! The low bits count uses, up to 3, since the entry was added or was last considered for eviction. For an
//! entry on probation, the bits in the middle are the low bits of the number of its element in the
//! [queue](super::queue). For other entries, they are a stamp: the time at which the entry passed probation,
//! or was last stamped anew.

const PROBATION: u32 = 1 << 23;
const MIDDLE_SHIFT: u32 = 2;
const MIDDLE_BITS: u32 = 21;
const MIDDLE_MASK: u32 = (1 << MIDDLE_BITS) - 1;
const USES_MAX: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct S3Clock(u32);

impl S3Clock {
    /// Returns the clock with these bits.
    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) fn to_bits(self) -> u32 {
        self.0
    }

    /// Returns the clock of an unused key on probation. `number` is the number of its element in the queue.
    #[inline]
    pub(crate) fn on_probation(number: u64) -> Self {
        Self(PROBATION | (number as u32 & MIDDLE_MASK) << MIDDLE_SHIFT)
    }

    /// Returns the clock of a key that has passed probation.
    #[inline]
    pub(crate) fn passed(stamp: Stamp, uses: u32) -> Self {
        Self((stamp.0 as u32 & MIDDLE_MASK) << MIDDLE_SHIFT | uses)
    }

    #[inline]
    pub(crate) fn is_on_probation(self) -> bool {
        self.0 & PROBATION != 0
    }

    /// Returns whether the clock belongs to the queue's element with this number.
    #[inline]
    pub(crate) fn has_number(self, number: u64) -> bool {
        let uses = USES_MAX;
        self.0 & !uses == Self::on_probation(number).0
    }

    /// Returns the number of counted uses.
    #[inline]
    pub(crate) fn uses(self) -> u32 {
        self.0 & USES_MAX
    }

    /// Returns this clock with the count of uses of another clock.
    #[inline]
    pub(crate) fn with_uses_of(self, other: Self) -> Self {
        Self(self.0 & !USES_MAX | other.uses())
    }

    /// Returns the clock after one more use.
    #[inline]
    pub(crate) fn used(self) -> Self {
        if self.uses() < USES_MAX { Self(self.0 + 1) } else { self }
    }

    /// Returns the stamp. The clock has only its low bits, so this is the last stamp up to `now` that has
    /// them.
    #[inline]
    pub(crate) fn stamp(self, now: Stamp) -> Stamp {
        let age = (now.0 as u32).wrapping_sub(self.0 >> MIDDLE_SHIFT) & MIDDLE_MASK;
        Stamp(now.0.wrapping_sub(age.into()))
    }
}

/// A time of the logical clock that stamps keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// The base-2 logarithm of the ticks in which a store of any size stamps as many keys as it has. A clock
    /// can tell sixteen times as many ticks apart.
    ///
    /// No key gets so old while keys are evicted, because the hand passes all keys several times meanwhile.
    /// If keys are only added and removed, an old key may look young for a while.
    pub(crate) const TICKS_PER_ROUND_LOG2: u32 = MIDDLE_BITS - 4;

    /// The first time. It is so large that the subtraction of an age never goes below zero.
    pub(crate) const START: Self = Self(1 << MIDDLE_BITS);

    #[inline]
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the number of ticks since time 0.
    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_up_to_three_and_change_nothing_else() {
        let stamp = Stamp::START.next();
        for clock in [S3Clock::on_probation(u64::MAX), S3Clock::passed(stamp, 0)] {
            let used = clock.used().used().used();
            assert_eq!((used.uses(), used.used()), (3, used));
            assert_eq!(used.is_on_probation(), clock.is_on_probation());
            assert_eq!(used.has_number(u64::MAX), clock.is_on_probation());
            assert_eq!(used.stamp(stamp.next()), clock.stamp(stamp.next()));
            assert_eq!(clock.with_uses_of(used), used);
            assert!(used.to_bits() < 1 << 24);
        }
    }

    #[test]
    fn a_clock_has_the_number_of_its_element_only() {
        let clock = S3Clock::on_probation(5 + (1 << MIDDLE_BITS));
        assert!(clock.has_number(5) && !clock.has_number(6));
        assert!(!S3Clock::passed(Stamp(5), 0).has_number(5));
    }

    #[test]
    fn a_stamp_is_known_for_two_million_ticks() {
        for old in [Stamp::START, Stamp((7 << MIDDLE_BITS) - 1)] {
            for ticks in [0, 1, 2, (1 << MIDDLE_BITS) - 1] {
                assert_eq!(S3Clock::passed(old, 2).stamp(Stamp(old.0 + ticks)), old);
            }
        }
    }
}
