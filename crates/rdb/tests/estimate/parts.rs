//! Tests of the parts of a survey: prefixes, times, the largest keys, and scaling.

use super::program::figures::{Figures, Form, scale};
use super::program::largest::{LARGEST_MAX, LargeKey, Largest};
use super::program::prefixes::{FIRST_PARTS_MAX, PREFIX_LEN_MAX, Prefixes, SECOND_PARTS_MAX};
use super::program::probe::Sampler;
use super::program::ttl::Ttls;
use keyspace::values::{Encoding, ObjectType};

fn figures(keys: u64) -> Figures {
    Figures { keys, file: 2 * keys, redis: 3 * keys, here: 4 * keys, coded: 5 * keys }
}

/// Returns the prefixes of these keys. Each has its name, whether it is joined, and its number of keys.
fn prefixes_of(keys: &[&str]) -> Vec<(String, bool, u64)> {
    let mut prefixes = Prefixes::new(b':');
    keys.iter().for_each(|key| prefixes.add(key.as_bytes(), figures(1)));
    let list = prefixes.largest(100);
    list.iter().map(|it| (String::from_utf8_lossy(&it.name).into(), it.is_joined, it.figures.keys)).collect()
}

#[test]
fn a_prefix_ends_with_the_second_separator_or_with_the_only_one() {
    let found = prefixes_of(&["a:b:1", "a:b:2", "a:b:3:4", "a:c:1", "a:1", "a:2", "plain", "z:"]);
    let expected = [("a:b:", 3), ("a:", 2), ("a:c:", 1), ("z:", 1)];
    assert_eq!(found, expected.map(|(name, keys)| (name.to_owned(), false, keys)));
}

#[test]
fn a_first_part_with_too_many_second_parts_is_one_prefix() {
    let keys: Vec<String> = (0..=SECOND_PARTS_MAX).map(|n| format!("user:{n}:name")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(prefixes_of(&keys[1..]).len(), SECOND_PARTS_MAX);
    assert_eq!(prefixes_of(&keys), [("user:".to_owned(), true, SECOND_PARTS_MAX as u64 + 1)]);
}

#[test]
fn prefixes_are_bounded_and_nothing_is_lost() {
    let mut prefixes = Prefixes::new(b'/');
    let keys = FIRST_PARTS_MAX as u64 + 10;
    for n in 0..keys {
        prefixes.add(format!("{n}/x").as_bytes(), figures(1));
    }
    prefixes.add(b"none:of:them", figures(1));
    prefixes.add(&[[b'k'; PREFIX_LEN_MAX].as_slice(), b"/x"].concat(), figures(1));
    assert_eq!(prefixes.others, figures(10));
    assert_eq!(prefixes.none, figures(2));
    let listed: u64 = prefixes.largest(usize::MAX).iter().map(|it| it.figures.keys).sum();
    assert_eq!(listed, FIRST_PARTS_MAX as u64);
}

#[test]
fn times_are_counted_in_spans_with_their_ends() {
    let mut ttls = Ttls::default();
    for expiry in [0, 999, 1_000, 1_001, 61_000, 61_001, 3_601_000, 86_401_000, u64::MAX] {
        ttls.add(expiry, 1_000);
    }
    let keys: Vec<u64> = ttls.spans().map(|(_, keys)| keys).collect();
    assert_eq!(keys, [3, 2, 2, 1, 0, 0, 1]);
    assert_eq!(ttls.keys(), 9);
}

#[test]
fn the_largest_keys_are_kept_in_order() {
    let form = Form { object_type: ObjectType::String, redis: Encoding::Raw, here: Encoding::Raw };
    let mut largest = Largest::default();
    for n in 0..1_000_u64 {
        let bytes = n * 7_919 % 1_000;
        let name = bytes.to_string().into_bytes().into();
        largest.add(bytes, || LargeKey {
            name,
            name_len: 3,
            database: 0,
            form,
            len: 1,
            redis: 0,
            here: bytes,
        });
    }
    let kept: Vec<u64> = largest.iter().map(|key| key.here).collect();
    let expected: Vec<u64> = (1_000 - LARGEST_MAX as u64..1_000).rev().collect();
    assert_eq!(kept, expected);
}

#[test]
fn the_name_of_a_large_key_is_cut() {
    assert_eq!(LargeKey::name(&[b'x'; 1_000]).len(), 128);
}

#[test]
fn figures_are_scaled_to_the_nearest_number() {
    assert_eq!(scale(10, 3, 3), 10);
    assert_eq!(scale(10, 100, 3), 333);
    assert_eq!(scale(11, 3, 2), 17); // 16.5
    assert_eq!(scale(u64::MAX, u64::MAX, 1), u64::MAX);
    assert_eq!(scale(0, 7, 0), 0);
}

#[test]
fn weights_of_measured_keys_stand_for_all_keys() {
    let mut sampler = Sampler::default();
    let weights: Vec<u64> = (0..1_000_000).filter_map(|_| sampler.choose()).collect();
    assert!(weights.len() < 11_000 && weights[..1_000].iter().all(|weight| *weight == 1));
    let sum: u64 = weights.iter().sum();
    // The keys after the last chosen one are not counted. They are fewer than its weight.
    assert!((1_000_000 - weights[weights.len() - 1]..=1_000_000).contains(&sum), "{sum}");
}
