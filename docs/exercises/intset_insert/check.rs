//! Checks the insert into an intset.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::insert;
use intset::IntSet;

const EMPTY: [u8; 8] = [2, 0, 0, 0, 0, 0, 0, 0];

/// Integers at the ends of each width.
const EDGES: [i64; 14] = [
    i64::MIN,
    i32::MIN as i64 - 1,
    i32::MIN as i64,
    i16::MIN as i64 - 1,
    i16::MIN as i64,
    -1,
    0,
    1,
    i16::MAX as i64,
    i16::MAX as i64 + 1,
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    i64::MAX - 1,
    i64::MAX,
];

/// Inserts the values one after the other, and compares the bytes with those of the real crate after each.
fn check(values: &[i64]) {
    let (mut found, mut set) = (EMPTY.to_vec(), IntSet::new());
    for (n, &value) in values.iter().enumerate() {
        assert_eq!(insert(&mut found, value), set.insert(value), "insert {value} after {:?}", &values[..n]);
        assert_eq!(found, set.as_bytes(), "insert {value} after {:?}", &values[..n]);
    }
}

#[test]
fn the_set_of_the_chapter_has_its_bytes() {
    let mut set = EMPTY.to_vec();
    assert!([300, 5, 17].iter().all(|value| insert(&mut set, *value)));
    assert_eq!(set, [2, 0, 0, 0, 3, 0, 0, 0, 5, 0, 17, 0, 0x2C, 1]);
    assert!(!insert(&mut set, 17));
    assert_eq!(set, [2, 0, 0, 0, 3, 0, 0, 0, 5, 0, 17, 0, 0x2C, 1]);
    assert!(insert(&mut set, 70_000) && set.len() == 24);
    assert!(insert(&mut set, 5_000_000_000) && set.len() == 48);
}

#[test]
fn one_integer_has_the_width_that_it_needs() {
    EDGES.iter().for_each(|value| check(&[*value]));
}

#[test]
fn an_integer_that_is_there_is_not_inserted_again() {
    EDGES.iter().for_each(|value| check(&[*value, *value, 0, *value]));
}

#[test]
fn every_three_edges_have_the_same_bytes_in_any_order() {
    for a in EDGES {
        for b in EDGES {
            EDGES.iter().for_each(|c| check(&[a, b, *c]));
        }
    }
}

#[test]
fn an_upgrade_moves_all_integers() {
    for small in [2, 3, 10, 100] {
        let mut values: Vec<i64> = (-small..small).collect();
        for wide in [-70_000, 70_000, i64::MIN, i64::MAX] {
            values.push(wide);
            check(&values);
        }
    }
    // From 2 bytes to 8 at once.
    check(&[-2, -1, 0, 1, 2, i64::MIN]);
    check(&[-2, -1, 0, 1, 2, i64::MAX]);
}

#[test]
fn mixed_integers_are_sorted() {
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        seed as i64 >> (seed >> 58)
    };
    let values: Vec<i64> = std::iter::repeat_with(&mut next).take(600).collect();
    check(&values);
}
