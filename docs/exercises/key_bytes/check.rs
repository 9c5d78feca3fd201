//! Checks the bytes of a key.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::key_bytes;

/// The class of a size, as if all blocks were multiples of 16 bytes.
fn by_16(size: u64) -> u64 {
    size.next_multiple_of(16)
}

#[test]
fn the_keys_of_the_chapter_take_60_bytes_before_rounding_and_80_after() {
    assert_eq!(key_bytes(7, "aa10000", |size| size), 24 + 9 + 27);
    assert_eq!(key_bytes(7, "aa10000", by_16), 80);
}

#[test]
fn an_integer_takes_an_object_and_a_shared_integer_takes_nothing() {
    for value in ["10000", "-1", "-9999", "9223372036854775807", "-9223372036854775808"] {
        assert_eq!(key_bytes(7, value, by_16), 32 + 16 + 16, "{value}");
    }
    for value in ["0", "1", "9999"] {
        assert_eq!(key_bytes(7, value, by_16), 32 + 16, "{value}");
    }
}

#[test]
fn a_text_that_only_looks_like_an_integer_is_a_text() {
    for value in ["+1", "01", "-0", " 1", "1 ", "1.0", "", "-"] {
        let string = 16 + 3 + value.len() as u64 + 1;
        assert_eq!(key_bytes(7, value, |size| size), 24 + 9 + string, "'{value}'");
    }
    let larger_than_an_i64 = "9223372036854775808";
    assert_eq!(key_bytes(7, larger_than_an_i64, |size| size), 24 + 9 + 16 + 3 + 19 + 1);
}

#[test]
fn a_value_of_45_bytes_has_a_second_block() {
    let value = |len| key_bytes(7, &"x".repeat(len), |size| size + 1_000);
    assert_eq!(value(44), 24 + 9 + (16 + 3 + 44 + 1) + 3 * 1_000);
    assert_eq!(value(45), 24 + 9 + 16 + (3 + 45 + 1) + 4 * 1_000);
}

#[test]
fn an_empty_value_shares_a_block_with_its_object_and_a_shared_integer_has_none() {
    let with_value = |value| key_bytes(7, value, |size| size + 1_000);
    assert_eq!(with_value(""), 24 + 9 + (16 + 3 + 1) + 3 * 1_000);
    assert_eq!(with_value("7"), 24 + 9 + 2 * 1_000);
}

#[test]
fn the_header_of_a_key_is_the_smallest_that_fits() {
    let header = |key_len| key_bytes(key_len, "1", |size| size) - 24 - key_len - 1;
    assert_eq!([0, 1, 31, 32, 255, 256].map(header), [3, 1, 1, 3, 3, 5]);
    assert_eq!([65_535, 65_536, 4_294_967_295, 4_294_967_296].map(header), [5, 9, 9, 17]);
}

/// The objects of redcore have the sizes of Redis only if a pointer has 8 bytes.
#[cfg(target_pointer_width = "64")]
mod oracle {
    use super::*;
    use robj::{EncodingLimits, Robj};
    use sds::Sds;
    use zmalloc::good_size;

    fn class(size: u64) -> u64 {
        good_size(size as usize) as u64
    }

    /// Returns the bytes of a real value.
    fn value_bytes(value: &str) -> u64 {
        let limits = EncodingLimits::DEFAULT;
        Robj::from_bytes(value.as_bytes(), &limits).encode(&limits).allocation_size() as u64
    }

    #[test]
    fn keys_have_the_bytes_of_an_sds_and_values_those_of_an_robj() {
        if zmalloc::quantum().is_none() {
            return; // this allocator does not report its classes
        }
        let entry = class(24);
        for len in (0..1_100).chain(65_500..65_600) {
            let text = "x".repeat(len);
            let key = Sds::from(text.as_str()).allocation_size() as u64;
            assert_eq!(key_bytes(len as u64, "1", class), entry + key, "a key of {len} bytes");
            let expected = entry + class(9) + value_bytes(&text);
            assert_eq!(key_bytes(7, &text, class), expected, "a value of {len} bytes");
        }
        for integer in (-100..100).chain(9_990..10_010) {
            let expected = entry + class(9) + value_bytes(&integer.to_string());
            assert_eq!(key_bytes(7, &integer.to_string(), class), expected, "the value {integer}");
        }
    }
}
