//! A random number below a bound.
//!
//! Learned from: Daniel Lemire, *Fast Random Integer Generation in an Interval*: a multiplication in place of a remainder.

/// The number below `bound` that lies where `fraction` lies below 2^64. Each number has the same chance, to within
/// `bound` / 2^64, if `fraction` is uniform over all of `u64`. 0 for a `bound` of 0.
///
/// ```
/// use common::random::scale;
/// assert_eq!((scale(0, 6), scale(1 << 63, 6), scale(u64::MAX, 6)), (0, 3, 5));
/// ```
#[inline]
pub const fn scale(fraction: u64, bound: usize) -> usize {
    ((fraction as u128 * bound as u128) >> 64) as usize
}
