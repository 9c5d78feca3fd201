//! The keys of the table suites: 16-byte strings such as `key:000000000042`, in an order drawn from a seed.
//!
//! All subjects have the same type of key, and store it inline, so that they differ only in the table.
//! Look-up and removal use another order than insertion. Otherwise, a table that stores its entries in the
//! order of insertion would be read like an array. Examples are indexmap, and a chained table whose nodes
//! were allocated one after the other.

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

/// A key of [`KEY_BYTES`] bytes.
pub type Key = [u8; KEY_BYTES];

/// The length of every key, in bytes.
pub const KEY_BYTES: usize = 16;

const DIGITS: usize = 12;

/// Returns the key of the number `id`: `key:` and the last twelve decimal digits of the number.
pub fn key(id: u64) -> Key {
    let mut key = *b"key:000000000000";
    let mut rest = id;
    for digit in key[KEY_BYTES - DIGITS..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// Returns the numbers of `range` in an order drawn from `seed`.
pub fn shuffled(range: std::ops::Range<u32>, seed: u64) -> Vec<u32> {
    let mut ids: Vec<u32> = range.collect();
    ids.shuffle(&mut SmallRng::seed_from_u64(seed));
    ids
}

/// Returns the `n` keys that are present (the numbers below `n`), in an order drawn from `seed`.
pub fn present(n: usize, seed: u64) -> Vec<Key> {
    shuffled(0..number(n), seed).into_iter().map(|id| key(id.into())).collect()
}

/// Returns `n` keys that are absent (the numbers from `n` to below `2 * n`), in an order drawn from `seed`.
pub fn absent(n: usize, seed: u64) -> Vec<Key> {
    shuffled(number(n)..number(2 * n), seed).into_iter().map(|id| key(id.into())).collect()
}

/// The keys for a table of one size.
pub struct Keys {
    /// The keys that a table holds, in the order of insertion.
    pub insert: Vec<Key>,
    /// The same keys in the order of look-up and removal.
    pub find: Vec<Key>,
    /// The same number of keys that are not in the table.
    pub absent: Vec<Key>,
}

impl Keys {
    /// Returns `n` keys that are present, and `n` keys that are absent.
    pub fn new(n: usize, seed: u64) -> Self {
        Self { insert: present(n, seed), find: present(n, seed.wrapping_add(1)), absent: absent(n, seed) }
    }
}

/// Converts a count of keys to `u32`. The suites have far fewer than four billion keys.
fn number(n: usize) -> u32 {
    u32::try_from(n).expect("more keys than the suites ever ask for")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_key_is_its_number_in_twelve_digits() {
        assert_eq!(&key(0), b"key:000000000000");
        assert_eq!(&key(42), b"key:000000000042");
        assert_eq!(&key(1_234_567_890_123), b"key:234567890123");
    }

    #[test]
    fn present_and_absent_keys_are_distinct_and_do_not_meet() {
        let present: HashSet<Key> = present(1000, 1).into_iter().collect();
        let absent: HashSet<Key> = absent(1000, 1).into_iter().collect();
        assert_eq!((present.len(), absent.len()), (1000, 1000));
        assert!(present.is_disjoint(&absent));
    }

    #[test]
    fn the_order_follows_the_seed() {
        assert_eq!(present(100, 7), present(100, 7));
        assert_ne!(present(100, 7), present(100, 8));
        assert_ne!(present(100, 7), (0..100).map(key).collect::<Vec<_>>());
    }
}
