//! Keys that were made to collide: under the default hash, they must behave like any other keys.
//!
//! The tests measure chains and not time. A call of `scan` visits a chunk and, if it has been split, its
//! other half. Random keys fill these as balls fill bins. The mean `m` is at most 30, when all fifteen slots
//! of both are taken. A Poisson variable is then 100 or more with a probability of at most
//!
//! ```text
//!   e^-m (e m / 100)^100  =  e^(-30 + 100 - 100 ln(100/30))  <  e^-50
//! ```
//!
//! In any of 10,000 chunks, this happens less often than once in 10^17 runs.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hash};

use super::fx::{Fx, against_fx};
use dict::{Cursor, DefaultHashBuilder, Dict};

const KEYS: u64 = 100_000;
const LONGEST: usize = 100;

/// Returns keys that collide under foldhash with its public constants, whatever the seed is. Their last eight
/// bytes make one factor zero, and therefore the product.
fn against_fixed_constants(n: u64) -> [u8; 16] {
    let constant = 0x3f84_d5b5_b547_0917_u64; // 64 bits of pi
    let mut key = [0; 16];
    key[..8].copy_from_slice(&n.to_ne_bytes());
    key[8..].copy_from_slice(&constant.to_ne_bytes());
    key
}

/// Returns the largest number of entries that one call of `scan` visits.
fn longest<K, S>(dict: &Dict<K, u64, S>) -> usize {
    let (mut cursor, mut longest) = (Cursor::START, 0);
    loop {
        let mut entries = 0;
        cursor = dict.scan(cursor, |_, _| entries += 1);
        longest = longest.max(entries);
        if cursor == Cursor::START {
            return longest;
        }
    }
}

/// Returns a dict of `count` keys, and the largest number of entries that one insert has moved.
fn filled<K: Hash + Eq, S: BuildHasher>(hash: S, count: u64, key: fn(u64) -> K) -> (Dict<K, u64, S>, u64) {
    let (mut dict, mut most_moved) = (Dict::with_hasher(hash), 0);
    for n in 0..count {
        let before = dict.stats().work.entries_moved;
        dict.insert(key(n), n);
        most_moved = most_moved.max(dict.stats().work.entries_moved - before);
    }
    assert!((0..count).all(|n| dict.get(&key(n)) == Some(&n)));
    (dict, most_moved)
}

fn distinct_hashes<K: Hash>(hash: &impl BuildHasher, count: u64, key: fn(u64) -> K) -> usize {
    (0..count).map(|n| hash.hash_one(key(n))).collect::<HashSet<_>>().len()
}

/// Checks that the keys all have the same hash under the weak hash, and behave like any other keys under the
/// default.
fn flood<K: Hash + Eq>(weak: impl BuildHasher, key: fn(u64) -> K) {
    assert_eq!(distinct_hashes(&weak, KEYS, key), 1);
    // 300 keys go far beyond the bound, and do not take long.
    let (dict, _) = filled(weak, 300, key);
    assert_eq!(longest(&dict), 300);

    let default = DefaultHashBuilder::new();
    // If the 100,000 hashes of 64 bits are random, two of them are the same in one of 2^31 runs. A few pairs
    // are known to collide more often.
    assert!(distinct_hashes(&default, KEYS, key) as u64 >= KEYS - 3);
    let (dict, most_moved) = filled(default, KEYS, key);
    assert!(longest(&dict) < LONGEST, "{} entries in one chain", longest(&dict));
    assert!(most_moved < LONGEST as u64, "{most_moved} entries moved by one insert");
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn keys_that_collide_under_an_unkeyed_hash_do_not_under_the_default() {
    flood(BuildHasherDefault::<Fx>::default(), against_fx);
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn keys_that_collide_under_public_constants_do_not_under_the_process_s_own() {
    flood(DefaultHashBuilder::with_seed(0x0123_4567_89ab_cdef), against_fixed_constants);
    // As its documentation says, a seed alone does not help.
    assert_eq!(distinct_hashes(&DefaultHashBuilder::with_seed(1), KEYS, against_fixed_constants), 1);
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn regular_keys_fill_the_chunks_as_random_ones_do() {
    // The numbers differ in a few bits, high or low ones.
    fn check<K: Hash + Eq>(key: fn(u64) -> K) {
        let (dict, most_moved) = filled(DefaultHashBuilder::new(), KEYS, key);
        assert!(longest(&dict).max(most_moved as usize) < LONGEST);
    }
    check(|n| n);
    check(|n| n << 8);
    check(|n| n << 24);
    check(|n| n << 40);
    check(|n| n.reverse_bits());
    check(|n| n.wrapping_neg());
    check(|n| (n as u32, 0_u32));
    check(|n| n.to_string());
    check(|n| format!("user:{n:08}:profile"));
}

/// Returns the largest number of entries that one insert moves while a dict is copied in the order of a scan.
fn most_moved_by_copying<S: BuildHasher>(source: &Dict<u64, u64, S>, hash: S) -> u64 {
    let (mut copy, mut cursor, mut most_moved) = (Dict::with_hasher(hash), Cursor::START, 0);
    loop {
        cursor = source.scan(cursor, |&key, &value| {
            let before = copy.stats().work.entries_moved;
            copy.insert(key, value);
            most_moved = most_moved.max(copy.stats().work.entries_moved - before);
        });
        if cursor == Cursor::START {
            assert_eq!(copy, *source);
            return most_moved;
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too few keys to show it")]
fn a_dict_copied_in_the_order_of_a_scan_fills_the_other_evenly() {
    let (source, _) = filled(DefaultHashBuilder::new(), KEYS, |n| n);
    let most_moved = most_moved_by_copying(&source, DefaultHashBuilder::new());
    assert!(most_moved < LONGEST as u64, "{most_moved} entries moved by one insert");
    // Under the same hash the copy is uneven, which is the reason why each dict has its own seed.
    let most_moved = most_moved_by_copying(&source, source.hasher().clone());
    assert!(most_moved >= LONGEST as u64, "only {most_moved}");
}
