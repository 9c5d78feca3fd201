//! Scores as integers that compare alike, and places in the order.
//!
//! An IEEE double is sign, exponent, mantissa, the weightiest bits first. Without a sign it compares as the integer of its
//! bits does; with one, the other way round. So with all bits of a negative number flipped, and only the sign of
//! a positive one, unsigned integers have the order of the numbers:
//!
//! ```text
//!  -inf   fff0... -> 000f...        0.0    0000... -> 8000...
//!  -1.0   bff0... -> 400f...        1.0    3ff0... -> bff0...
//! ```
//!
//! Adding zero first makes -0.0 the same as 0.0, which they are as scores.

use core::ops::Bound;

use crate::error::NotANumber;

/// A score as an integer of the same order. The score is not NaN.
#[inline]
pub(crate) fn sort_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

/// The score, if it is a number.
#[inline]
pub(crate) fn number(score: f64) -> Result<f64, NotANumber> {
    if score.is_nan() { Err(NotANumber) } else { Ok(score) }
}

/// A place between two entries of the order: says of each entry whether it stands before.
pub(crate) trait Place {
    /// The key of the score at which the place is; `None` if members alone tell.
    fn key(&self) -> Option<u64>;

    /// Whether entries with that key stand before, if their members do not matter.
    fn passes_ties(&self) -> Option<bool> {
        None
    }

    /// Whether an entry with that key (with any, if the place has none) stands before.
    fn passes(&self, member: &[u8]) -> bool;
}

/// Before an entry, whether it exists or not.
pub(crate) struct At<'a> {
    pub(crate) key: u64,
    pub(crate) member: &'a [u8],
}

/// Behind an entry, whether it exists or not.
pub(crate) struct Behind<'a> {
    pub(crate) key: u64,
    pub(crate) member: &'a [u8],
}

impl Place for At<'_> {
    #[inline]
    fn key(&self) -> Option<u64> {
        Some(self.key)
    }

    #[inline]
    fn passes(&self, member: &[u8]) -> bool {
        member < self.member
    }
}

impl Place for Behind<'_> {
    #[inline]
    fn key(&self) -> Option<u64> {
        Some(self.key)
    }

    #[inline]
    fn passes(&self, member: &[u8]) -> bool {
        member <= self.member
    }
}

/// Before or behind all entries of a score.
pub(crate) struct AtScore {
    key: u64,
    behind: bool,
}

impl Place for AtScore {
    #[inline]
    fn key(&self) -> Option<u64> {
        Some(self.key)
    }

    #[inline]
    fn passes_ties(&self) -> Option<bool> {
        Some(self.behind)
    }

    #[inline]
    fn passes(&self, _member: &[u8]) -> bool {
        self.behind
    }
}

/// Before or behind a member, where all scores are the same.
pub(crate) struct AtMember<'a> {
    member: &'a [u8],
    behind: bool,
}

impl Place for AtMember<'_> {
    #[inline]
    fn key(&self) -> Option<u64> {
        None
    }

    #[inline]
    fn passes(&self, member: &[u8]) -> bool {
        if self.behind { member <= self.member } else { member < self.member }
    }
}

/// Where a range begins (`behind` is whether an excluded bound is passed: true) or ends. `None` is no bound.
#[inline]
fn behind<T>(bound: Bound<T>, start: bool) -> Option<(T, bool)> {
    match bound {
        Bound::Unbounded => None,
        Bound::Included(at) => Some((at, !start)),
        Bound::Excluded(at) => Some((at, start)),
    }
}

/// The place of a bound of scores, which is not NaN; `None` is the end itself.
pub(crate) fn score_place(bound: Bound<&f64>, start: bool) -> Option<AtScore> {
    behind(bound, start).map(|(&score, behind)| AtScore { key: sort_key(score), behind })
}

/// The place of a bound of members; `None` is the end itself.
pub(crate) fn member_place(bound: Bound<&[u8]>, start: bool) -> Option<AtMember<'_>> {
    behind(bound, start).map(|(member, behind)| AtMember { member, behind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_compare_as_scores_do() {
        let scores = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1e10,
            -1.5,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            -0.0,
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            1.0,
            1.0 + f64::EPSILON,
            1e10,
            f64::MAX,
            f64::INFINITY,
        ];
        for a in scores {
            for b in scores {
                assert_eq!(sort_key(a).cmp(&sort_key(b)), a.partial_cmp(&b).unwrap(), "{a} {b}");
            }
        }
    }
}
