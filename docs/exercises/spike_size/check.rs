//! Checks the bytes that inserts request.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{BUCKET, ENTRY, FIRST_BUCKETS, insert_bytes, inserts_above, worst_insert};

#[test]
fn the_insert_of_the_chapter_requests_128_mib_and_an_entry() {
    assert_eq!(insert_bytes(8_388_609), Some(134_217_728 + ENTRY));
    assert_eq!(worst_insert(10_000_000), Some((8_388_609, 134_217_728 + ENTRY)));
}

#[test]
fn the_first_inserts_request_the_tables_of_4_8_and_16_buckets() {
    let buckets = [FIRST_BUCKETS, 0, 0, 0, 8, 0, 0, 0, 16, 0].map(|buckets| Some(ENTRY + buckets * BUCKET));
    assert_eq!(std::array::from_fn(|at| insert_bytes(at as u64 + 1)), buckets);
    assert_eq!(
        [0, 1, 4, 5, 8, 9].map(|n| worst_insert(n).map(|worst| worst.0)),
        [None, Some(1), Some(1), Some(5), Some(5), Some(9)]
    );
}

#[test]
fn nearly_all_of_ten_million_inserts_request_only_an_entry() {
    assert_eq!(inserts_above(10_000_000, ENTRY - 1), 10_000_000);
    assert_eq!(inserts_above(10_000_000, ENTRY), 23);
    assert_eq!(inserts_above(10_000_000, 1_024 * 1_024), 7 + 1);
    assert_eq!(inserts_above(10_000_000, 134_217_728 + ENTRY), 0);
}

#[test]
fn the_largest_numbers_of_inserts_are_computed_at_once() {
    assert_eq!(worst_insert(1 << 60), Some(((1 << 59) + 1, (1 << 63) + ENTRY)));
    assert_eq!(inserts_above(1 << 60, 1 << 62), 2);
    assert_eq!((insert_bytes((1 << 60) + 1), insert_bytes((1 << 63) + 1)), (None, None));
    assert_eq!(insert_bytes(u64::MAX), Some(ENTRY));
}

#[test]
fn the_three_functions_agree() {
    for n in 0..1_100 {
        let bytes: Vec<u64> = (1..=n).map(|insert| insert_bytes(insert).unwrap()).collect();
        assert_eq!(worst_insert(n).map(|worst| worst.1), bytes.iter().copied().max(), "{n} inserts");
        for limit in [0, 23, 24, 55, 56, 57, 88, 1_000, 9_000] {
            let above = bytes.iter().filter(|&&bytes| bytes > limit).count() as u64;
            assert_eq!(inserts_above(n, limit), above, "{n} inserts, more than {limit} bytes");
        }
    }
}

#[test]
fn the_table_of_redcore_doubles_at_the_same_inserts() {
    let mut dict = dict::classic::Dict::new();
    for n in 1..=3_000_u64 {
        let before = dict.table_sizes();
        dict.insert(n, ());
        let [first, second] = dict.table_sizes();
        // One insert can end a rehash and begin the next one. The second table is then a larger one.
        let buckets = match before {
            [0, 0] => first,
            _ if second > before[1] => second,
            _ => 0,
        };
        assert_eq!(insert_bytes(n), Some(ENTRY + buckets as u64 * BUCKET), "insert {n}");
    }
}
