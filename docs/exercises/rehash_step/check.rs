//! Checks the steps of a rehash.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use dict::classic::Dict;
use exercise::Tables;
use std::hash::{BuildHasherDefault, Hasher};

/// Uses a key as its own hash.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("all keys are numbers of 64 bits");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Inserts the hashes into both, and compares them after each insert.
fn compare_with_dict(hashes: impl IntoIterator<Item = u64>) {
    let (mut tables, mut dict) =
        (Tables::default(), Dict::with_hasher(BuildHasherDefault::<Identity>::default()));
    for hash in hashes {
        assert_eq!(tables.contains(hash), dict.get(&hash).is_some(), "{hash}");
        assert_eq!(tables.insert(hash), dict.insert(hash, ()).is_none(), "{hash}");
        assert_eq!(tables.rehash_index, dict.rehash_index(), "after {hash}");
        assert_eq!([tables.old.len(), tables.new.len()], dict.table_sizes(), "after {hash}");
        for (number, bucket) in tables.old.iter().chain(&tables.new).enumerate() {
            let mut chain: Vec<u64> = dict.chain(number).map(|(hash, ())| *hash).collect();
            let mut bucket = bucket.clone();
            chain.sort_unstable();
            bucket.sort_unstable();
            assert_eq!(bucket, chain, "bucket {number} after {hash}");
        }
    }
}

#[test]
fn consecutive_hashes_have_the_buckets_of_the_dict() {
    compare_with_dict(0..300);
}

#[test]
fn random_hashes_have_the_buckets_of_the_dict() {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    compare_with_dict(std::iter::successors(Some(1_u64), next).map(|state| state >> 40).take(300));
}

#[test]
fn hashes_of_one_bucket_have_long_runs_of_empty_buckets() {
    compare_with_dict((0..140).map(|n| n << 20));
    compare_with_dict((0..140).map(|n| n << 20 | 63));
}

#[test]
fn a_hash_is_inserted_once() {
    compare_with_dict((0..300).map(|n| n * n % 101));
}

#[test]
fn a_hash_that_is_there_does_not_double_a_full_table() {
    // The table is full after 3, 7, 15, and so on.
    compare_with_dict((0..70).flat_map(|n| [n, n, 0]));
}

#[test]
fn an_empty_table_contains_nothing_and_has_no_step() {
    let mut tables = Tables::default();
    tables.step();
    assert!(!tables.contains(0) && tables.old.is_empty() && tables.new.is_empty());
}

#[test]
fn a_step_stops_after_ten_empty_buckets() {
    let mut old = vec![vec![]; 16];
    old[12] = vec![12, 28];
    let mut tables = Tables { old, new: vec![vec![]; 32], rehash_index: Some(0) };
    tables.step();
    assert_eq!((tables.rehash_index, tables.old[12].len()), (Some(10), 2));
    tables.step();
    assert_eq!((tables.rehash_index, tables.old.len(), tables.new.len()), (None, 32, 0));
    assert_eq!((&tables.old[12][..], &tables.old[28][..]), (&[12][..], &[28][..]));
}
