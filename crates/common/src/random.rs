//! Random numbers below a bound, and bits that look random.
//!
//! Learned from: Daniel Lemire, *Fast Random Integer Generation in an Interval*, for a multiplication in
//! place of a remainder; David Stafford's finalizers, of which `mix` is the thirteenth.

/// Returns the number below `bound` that has the same relation to `bound` as `fraction` has to 2^64.
/// Returns 0 if `bound` is 0.
///
/// If `fraction` is uniform over all of `u64`, each number has the same probability, to within `bound` /
/// 2^64.
///
/// ```
/// use common::random::scale;
/// assert_eq!((scale(0, 6), scale(1 << 63, 6), scale(u64::MAX, 6)), (0, 3, 5));
/// ```
#[inline]
pub const fn scale(fraction: u64, bound: usize) -> usize {
    ((fraction as u128 * bound as u128) >> 64) as usize
}

/// Returns bits each of which depends on all bits of `number`. Different numbers have different results.
/// The function is not for secrets.
///
/// ```
/// use common::random::mix;
/// let flipped = (0..64).map(|bit| (mix(7) ^ mix(7 ^ 1 << bit)).count_ones()).sum::<u32>() / 64;
/// assert!((28..=36).contains(&flipped)); // about half of the 64 bits
/// ```
#[inline]
pub const fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ number >> 31
}
