//! Checks the bytes of an entry.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::encode;
use listpack::ListPack;

/// Compares the entry of a text with the bytes of the real crate.
fn check(text: &[u8]) {
    let mut list = ListPack::new();
    list.push_back(text);
    let bytes = list.as_bytes();
    let (found, expected) = (encode(text), &bytes[6..bytes.len() - 1]);
    if found != expected {
        // The beginning and the end of an entry are enough to see what is wrong.
        let short = |bytes: &[u8]| {
            format!("{:02x?} .. {:02x?}", &bytes[..bytes.len().min(9)], bytes.rchunks(9).next())
        };
        let what =
            format!("{} bytes, beginning with \"{}\"", text.len(), text[..text.len().min(24)].escape_ascii());
        panic!("the text has {what}\n found: {}\n right: {}", short(&found), short(expected));
    }
}

#[test]
fn the_entries_of_the_chapter_have_its_bytes() {
    assert_eq!(encode(b"hello"), b"\x85hello\x06");
    assert_eq!(encode(b"1024"), [0xC4, 0, 2]);
    assert_eq!(encode(b"-1"), [0xDF, 0xFF, 2]);
}

#[test]
fn every_small_integer_has_its_bytes() {
    (-70_000..70_000).for_each(|number: i64| check(number.to_string().as_bytes()));
}

#[test]
fn integers_near_a_power_of_two_have_as_few_bytes_as_possible() {
    for exponent in 0..64 {
        for distance in -2..=2 {
            for sign in [1, -1] {
                let number = (1_i64 << exponent).wrapping_add(distance).wrapping_mul(sign);
                check(number.to_string().as_bytes());
            }
        }
    }
    let lens = [127, 128, 4_095, 4_096, 32_768, 8_388_608, i64::MAX]
        .map(|number| encode(number.to_string().as_bytes()).len());
    assert_eq!(lens, [2, 3, 3, 4, 5, 6, 10]);
}

#[test]
fn a_text_that_is_not_a_canonical_integer_is_a_string() {
    for text in ["", "007", "+7", "-0", "7 ", "-", "9223372036854775808", "\u{661}"] {
        check(text.as_bytes());
        assert_eq!(encode(text.as_bytes()).len(), text.len() + 2, "{text:?}");
    }
    check(b"\xFF\0");
}

#[test]
fn strings_of_every_length_have_their_bytes() {
    let text = vec![b'x'; 20_000];
    (0..300).chain(4_000..4_200).chain(16_300..16_500).for_each(|len| check(&text[..len]));
}

#[test]
fn a_back_length_of_all_ones_has_one_more_byte() {
    let back_length = |len: usize| encode(&vec![b'x'; len])[5 + len..].to_vec();
    assert_eq!(back_length(16_382 - 5), [0x7F, 0xFE]);
    assert_eq!(back_length(16_383 - 5), [0x00, 0xFF, 0xFF]);
    assert_eq!(back_length(16_384 - 5), [0x01, 0x80, 0x80]);
    for len in 2_097_150..=2_097_153 {
        check(&vec![b'x'; len - 5]);
    }
}
