//! [`random_source`]: random numbers for callers that have no source of their own.
//!
//! Learned from: Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators* (SplitMix64: a
//! counter, and a mix of its bits).

use common::random::mix;
use core::hash::BuildHasher;
use dict::DefaultHashBuilder;

/// Returns a source of uniform 64-bit numbers, for [`Keyspace::random_key`](crate::Keyspace::random_key) and
/// similar methods. Its seed comes from the operating system. It must not be used for secrets.
///
/// ```
/// use keyspace::{Keyspace, random_source};
/// let (mut keyspace, mut random) = (Keyspace::new(), random_source());
/// keyspace.set("only", 1, 0)?;
/// assert!(keyspace.random_key(0, &mut random).is_some_and(|key| key == "only"));
/// assert_ne!(random(), random());
/// # Ok::<(), keyspace::Error>(())
/// ```
pub fn random_source() -> impl FnMut() -> u64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = DefaultHashBuilder::new().hash_one(());
    move || {
        state = state.wrapping_add(STEP);
        mix(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of the 64 bits is set in 32,000 of 64,000 numbers on average, with a standard deviation of 126.
    #[test]
    #[cfg_attr(miri, ignore = "statistics")]
    fn every_bit_is_set_half_of_the_time_and_two_sources_differ() {
        let (mut random, mut other) = (random_source(), random_source());
        let mut set = [0_u32; 64];
        for _ in 0..64_000 {
            let number = random();
            set.iter_mut().enumerate().for_each(|(bit, count)| *count += (number >> bit & 1) as u32);
            assert_ne!(number, other());
        }
        assert!(set.iter().all(|count| count.abs_diff(32_000) < 6 * 126), "{set:?}");
    }
}
