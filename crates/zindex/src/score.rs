//! Scores as integers of the same order, and bounds for searches in the order.
//!
//! An IEEE double has its sign first, then the exponent, then the mantissa. A positive number therefore
//! compares as the integer of its bits does, and a negative number compares the other way round. So a sort
//! key flips all bits of a negative number, and only the sign of a positive one. Sort keys are unsigned
//! integers in the order of the numbers:
//!
//! ```text
//!  -inf   fff0... -> 000f...        0.0    0000... -> 8000...
//!  -1.0   bff0... -> 400f...        1.0    3ff0... -> bff0...
//! ```
//!
//! Zero is added first, which turns -0.0 into 0.0. The two are equal scores.

use core::ops::Bound;

use crate::error::NotANumber;

/// Returns the sort key of a score: an integer of the same order. The score must not be NaN.
#[inline]
pub(crate) fn sort_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

/// Returns the score, or an error if it is NaN.
#[inline]
pub(crate) fn check_score(score: f64) -> Result<f64, NotANumber> {
    if score.is_nan() { Err(NotANumber) } else { Ok(score) }
}

/// A place between two entries of the order, as a search looks for it. It tells for each entry whether the
/// entry stands before it.
pub(crate) trait SearchBound {
    /// Returns the sort key of the score at the place, or `None` if only members decide.
    fn key(&self) -> Option<u64>;

    /// Returns whether the place is after all entries with that key, if their members do not matter.
    fn is_after_ties(&self) -> Option<bool> {
        None
    }

    /// Returns whether the place is after an entry with that key. If the place has no key, the entry may have
    /// any.
    fn is_after(&self, member: &[u8]) -> bool;
}

/// The place before an entry, which need not exist.
pub(crate) struct LowerBound<'a> {
    pub(crate) key: u64,
    pub(crate) member: &'a [u8],
}

/// The place after an entry, which need not exist.
pub(crate) struct UpperBound<'a> {
    pub(crate) key: u64,
    pub(crate) member: &'a [u8],
}

impl SearchBound for LowerBound<'_> {
    #[inline]
    fn key(&self) -> Option<u64> {
        Some(self.key)
    }

    #[inline]
    fn is_after(&self, member: &[u8]) -> bool {
        member < self.member
    }
}

impl SearchBound for UpperBound<'_> {
    #[inline]
    fn key(&self) -> Option<u64> {
        Some(self.key)
    }

    #[inline]
    fn is_after(&self, member: &[u8]) -> bool {
        member <= self.member
    }
}

/// The place before or after all entries of a score.
pub(crate) struct ScoreBound {
    key: u64,
    after: bool,
}

impl SearchBound for ScoreBound {
    #[inline]
    fn key(&self) -> Option<u64> {
        Some(self.key)
    }

    #[inline]
    fn is_after_ties(&self) -> Option<bool> {
        Some(self.after)
    }

    #[inline]
    fn is_after(&self, _member: &[u8]) -> bool {
        self.after
    }
}

/// The place before or after a member, if all scores are equal.
pub(crate) struct MemberBound<'a> {
    member: &'a [u8],
    after: bool,
}

impl SearchBound for MemberBound<'_> {
    #[inline]
    fn key(&self) -> Option<u64> {
        None
    }

    #[inline]
    fn is_after(&self, member: &[u8]) -> bool {
        if self.after { member <= self.member } else { member < self.member }
    }
}

/// Returns the value of a bound, and whether its place is after that value. `start` tells whether the
/// bound is the start of a range. The result is `None` for a missing bound.
#[inline]
fn after<T>(bound: Bound<T>, start: bool) -> Option<(T, bool)> {
    match bound {
        Bound::Unbounded => None,
        Bound::Included(at) => Some((at, !start)),
        Bound::Excluded(at) => Some((at, start)),
    }
}

/// Returns the place of a bound of scores, which must not be NaN. `None` stands for the end of the order.
pub(crate) fn score_bound(bound: Bound<&f64>, start: bool) -> Option<ScoreBound> {
    after(bound, start).map(|(&score, after)| ScoreBound { key: sort_key(score), after })
}

/// Returns the place of a bound of members. `None` stands for the end of the order.
pub(crate) fn member_bound(bound: Bound<&[u8]>, start: bool) -> Option<MemberBound<'_>> {
    after(bound, start).map(|(member, after)| MemberBound { member, after })
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
