//! Tests of the memory that a field of a hash takes, and of random fields.

use std::collections::{BTreeMap, BTreeSet};
use values::{Collection, Element, Encoding, EncodingLimits, Hash};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

fn hash_of(fields: usize) -> Hash {
    let mut hash = Hash::new();
    for n in 0..fields {
        assert!(hash.insert(
            format!("field:{n:012}").as_bytes(),
            format!("value:{n:010}").as_bytes(),
            &LIMITS
        ));
    }
    hash
}

/// A pair has 2 bytes of lengths, a field of 18 bytes and a value of 16, so it needs a block of 40 bytes. Its
/// slot in the table takes 11 or 12 bytes.
#[test]
#[cfg_attr(miri, ignore = "a million allocations")]
fn a_field_of_18_bytes_with_a_value_of_16_costs_less_than_52() {
    let fields = 1_000_000;
    let hash = hash_of(fields);
    assert_eq!(hash.encoding(), Encoding::HashTable);
    let bytes = hash.allocation_size() as f64 / fields as f64;
    println!("{bytes:.2} bytes a field");
    if zmalloc::ALLOCATOR.starts_with("jemalloc") {
        assert!(bytes < 52.0, "{bytes}");
    }
}

/// The field of a pair takes 18 + 2 bytes, and its value 16 + 2. The listpack has 7 more bytes in all.
#[test]
fn a_small_hash_costs_four_bytes_a_field_beside_the_strings() {
    let hash = hash_of(100);
    assert_eq!(hash.encoding(), Encoding::ListPack);
    assert!(hash.allocation_size() >= 100 * 38 + 7);
    assert!(hash.allocation_size() <= (100 * 38 + 7) * 5 / 4);
}

#[test]
fn a_value_as_long_as_the_old_one_moves_nothing() {
    for fields in [10, 600] {
        let mut hash = hash_of(fields);
        let field = Element::Bytes(b"field:000000000007");
        let address = |hash: &Hash| match hash.get(field) {
            Some(Element::Bytes(value)) => value.as_ptr(),
            other => panic!("{other:?}"),
        };
        let before = address(&hash);
        let plan = zmalloc::fault::fail_from(1);
        assert!(!hash.try_insert(field, &b"0123456789abcdef"[..], &LIMITS).unwrap());
        drop(plan);
        assert_eq!(address(&hash), before);
    }
}

/// Returns a random number generator: SplitMix64.
fn source(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[test]
fn different_fields_are_different_whatever_the_source_and_as_many_as_were_wanted() {
    for fields in if cfg!(miri) { vec![0, 1, 20, 530] } else { vec![0, 1, 20, 512, 513, 5_000] } {
        let hash = hash_of(fields);
        for wanted in [0, 1, 3, fields / 4, fields / 2, fields, fields + 5] {
            let mut sources: [Box<dyn FnMut() -> u64>; 3] =
                [Box::new(source(1)), Box::new(|| 0), Box::new(|| u64::MAX)];
            for source in &mut sources {
                let mut seen = BTreeSet::new();
                let visited = hash.random_unique(wanted, source, |field, value| {
                    assert_eq!(hash.get(field), Some(value));
                    assert!(seen.insert(field.text().to_vec()));
                });
                assert_eq!((visited, seen.len()), (wanted.min(fields), wanted.min(fields)));
            }
            let mut many = 0;
            hash.random_many(wanted, source(2), |field, value| {
                assert_eq!(hash.get(field), Some(value));
                many += 1;
            });
            assert_eq!(many, if fields == 0 { 0 } else { wanted });
        }
        assert_eq!(hash.random(source(3)).is_some(), fields > 0);
    }
}

/// Each of `n` fields is drawn `rounds * wanted / n` times on average. The variance is at most this mean, and
/// the test allows six standard deviations.
#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn every_field_has_the_same_chance_in_each_encoding() {
    for (fields, wanted, rounds) in
        [(30usize, 1usize, 60_000usize), (30, 10, 6_000), (600, 20, 20_000), (600, 300, 2_000)]
    {
        let hash = hash_of(fields);
        let mut rng = source(4);
        let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        for _ in 0..rounds {
            hash.random_unique(wanted, &mut rng, |field, _| {
                *counts.entry(field.text().to_vec()).or_default() += 1
            });
        }
        let mean = (rounds * wanted) as f64 / fields as f64;
        assert_eq!(counts.len(), fields);
        for (field, count) in counts {
            assert!((count as f64 - mean).abs() < 6.0 * mean.sqrt(), "{field:?}: {count} of {mean}");
        }
    }
}
