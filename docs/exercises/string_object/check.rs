//! Checks the blocks of a string object.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Blocks, Encoding, blocks};
use robj::{EncodingLimits, Robj};

/// Compares the blocks of a text with those of redcore's object.
fn check(text: &[u8], shared_integers: u32) {
    let limits = EncodingLimits { shared_integers, ..EncodingLimits::DEFAULT };
    let object = Robj::from_bytes(text, &limits).encode(&limits);
    let found = blocks(text, shared_integers);
    let encoding = match found.encoding {
        Encoding::Int => robj::Encoding::Int,
        Encoding::EmbStr => robj::Encoding::EmbStr,
        Encoding::Raw => robj::Encoding::Raw,
    };
    let text = text[..text.len().min(24)].escape_ascii();
    assert_eq!(encoding, object.encoding(), "the encoding of \"{text}\"");
    if zmalloc::quantum().is_some() {
        let sizes =
            [found.object, found.string].map(|size| if size > 0 { zmalloc::good_size(size) } else { 0 });
        assert_eq!(
            sizes.iter().sum::<usize>(),
            object.allocation_size(),
            "the blocks of \"{text}\": {found:?}"
        );
    }
}

#[test]
fn the_examples_of_the_chapter_have_its_blocks() {
    let found = ["7", "10000", "007"].map(|text| blocks(text.as_bytes(), 10_000));
    let int = |object| Blocks { encoding: Encoding::Int, object, string: 0 };
    assert_eq!(found, [int(0), int(16), Blocks { encoding: Encoding::EmbStr, object: 23, string: 0 }]);
    let found = [44, 45].map(|len| blocks(&vec![b'x'; len], 10_000));
    let longest = Blocks { encoding: Encoding::EmbStr, object: 64, string: 0 };
    assert_eq!(found, [longest, Blocks { encoding: Encoding::Raw, object: 16, string: 49 }]);
}

#[test]
fn only_a_canonical_text_is_an_integer() {
    let alphabet = b"-+019 ";
    let mut texts = vec![vec![]];
    for _ in 0..4 {
        texts = texts
            .iter()
            .flat_map(|text| alphabet.iter().map(move |byte| [&text[..], &[*byte]].concat()))
            .collect();
        texts.iter().for_each(|text| check(text, 10));
    }
}

#[test]
fn an_integer_has_64_bits_with_a_sign() {
    for number in [i64::MIN, i64::MAX, -1, 1 << 32] {
        check(number.to_string().as_bytes(), 10_000);
    }
    for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999", &"1".repeat(45)] {
        check(text.as_bytes(), 10_000);
    }
}

#[test]
fn shared_integers_take_no_block() {
    for shared_integers in [0, 1, 10, 10_000] {
        for number in [-1, 0, 1, 9, 10, 9_999, 10_000] {
            check(number.to_string().as_bytes(), shared_integers);
        }
    }
}

#[test]
fn every_length_has_the_header_that_it_needs() {
    for len in (0..300).chain(65_500..65_550).chain([1 << 20]) {
        check(&vec![b'x'; len], 10_000);
    }
    assert_eq!([255, 256].map(|len| blocks(&vec![0; len], 0).string), [259, 262]);
    assert_eq!([65_535, 65_536].map(|len| blocks(&vec![0; len], 0).string), [65_541, 65_546]);
}

#[test]
fn any_bytes_are_a_text() {
    for text in [&b""[..], b"\0", b"\xFF\xFE", b"1\xFF", "\u{661}".as_bytes(), b"12\n"] {
        check(text, 10_000);
    }
}
