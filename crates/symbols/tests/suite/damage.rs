//! Tests with bytes that are not valid codes, and with bytes that are not a valid table.

use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;
use symbols::{CodesFault, DecodeError, FromBytesError, FromSymbolsError, SymbolTable, TableFault};

const SYMBOLS: [&[u8]; 3] = [b"user:", b"ab", b"c"];
const ESCAPE: u8 = 255;

static TABLE: LazyLock<SymbolTable> = LazyLock::new(|| SymbolTable::from_symbols(SYMBOLS).unwrap());

fn decoded(codes: &[u8], len: usize) -> Result<Vec<u8>, (usize, CodesFault)> {
    let mut out = b"before".to_vec();
    match TABLE.decode(codes, len, &mut out) {
        Ok(()) => Ok(out.strip_prefix(b"before").unwrap().to_vec()),
        Err(DecodeError::Malformed(error)) => {
            assert_eq!(out, b"before");
            Err((error.offset, error.fault))
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn damaged_codes_are_refused_with_the_place_of_the_fault() {
    assert_eq!(decoded(&[0, 3, 1], 8), Err((1, CodesFault::UnknownCode)));
    assert_eq!(decoded(&[254], 0), Err((0, CodesFault::UnknownCode)));
    assert_eq!(decoded(&[1, ESCAPE], 3), Err((1, CodesFault::Truncated)));
    assert_eq!(decoded(&[0, 1], 8), Err((2, CodesFault::TooShort)));
    assert_eq!(decoded(&[], 1), Err((0, CodesFault::TooShort)));
    assert_eq!(decoded(&[0, 1], 6), Err((2, CodesFault::TooLong)));
    assert_eq!(decoded(&[0, 0, 0, 0, 0], 1), Err((1, CodesFault::TooLong)));
    let error = TABLE.decode(&[0, 3], 9, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "malformed codes at offset 1: no symbol has this code");
}

#[test]
fn a_damaged_length_takes_no_memory() {
    let mut buffer = Vec::new();
    for len in [9, 4 << 20, usize::MAX / 2, usize::MAX] {
        assert!(matches!(TABLE.decode(&[0], len, &mut buffer), Err(DecodeError::Malformed(_))));
        assert_eq!(buffer.capacity(), 0);
    }
}

/// Compares the decoder with a simple one, for all sequences of up to four codes and all lengths up to 24.
/// There are six different codes.
#[test]
fn all_short_codes_are_decoded_or_refused() {
    let naive = |mut codes: &[u8]| {
        let mut text = Vec::new();
        while let [code, rest @ ..] = codes {
            codes = match (*code, rest) {
                (ESCAPE, [byte, rest @ ..]) => {
                    text.push(*byte);
                    rest
                }
                (ESCAPE, []) => return None,
                (code, rest) => {
                    text.extend(*SYMBOLS.get(usize::from(code))?);
                    rest
                }
            };
        }
        Some(text)
    };
    let mut all = vec![vec![]];
    for len in 0..4 {
        let longer = all
            .iter()
            .filter(|codes: &&Vec<u8>| codes.len() == len)
            .flat_map(|codes| [0, 1, 2, 3, 254, ESCAPE].map(|code| [&codes[..], &[code]].concat()));
        all.extend(longer.collect::<Vec<_>>());
    }
    assert_eq!(all.len(), 1 + 6 + 36 + 216 + 1296);
    for codes in all {
        let text = naive(&codes);
        for len in 0..=24 {
            let expected = text.clone().filter(|text| text.len() == len);
            assert_eq!(decoded(&codes, len).ok(), expected, "{codes:?} {len}");
        }
        let Some(text) = text else { continue };
        assert!(TABLE.matches(&codes, &text));
        assert!(!TABLE.matches(&codes, &[&text[..], b"c"].concat()));
        assert!(text.is_empty() || !TABLE.matches(&codes, &text[..text.len() - 1]));
    }
}

#[test]
fn codes_that_decode_to_no_text_match_no_text() {
    assert!(TABLE.matches(&[0, ESCAPE, b'x'], b"user:x"));
    assert!(TABLE.matches(&[ESCAPE, b'c'], b"c"), "codes that `encode` does not give");
    for codes in [&[0, ESCAPE][..], &[0, 3], &[254, 0], &[ESCAPE]] {
        for text in [&b"user:"[..], b"user:x", b"user:user:user:", b"", b"x"] {
            assert!(!TABLE.matches(codes, text), "{codes:?} {text:?}");
        }
    }
}

#[test]
fn symbols_that_no_table_can_have_are_refused() {
    let refused = |symbols: &[&str]| match SymbolTable::from_symbols(symbols) {
        Err(FromSymbolsError::Symbol { index, fault }) => (index, fault),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&["a", ""]), (1, TableFault::SymbolLen));
    assert_eq!(refused(&["nine byte"]), (0, TableFault::SymbolLen));
    assert_eq!(refused(&["a", "b", "a"]), (2, TableFault::Duplicate));
    let numbers: Vec<String> = (0..256).map(|number| format!("{number:03}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(|number| &number[..]).collect();
    assert_eq!(refused(&numbers), (255, TableFault::TooManySymbols));
    assert_eq!(SymbolTable::from_symbols(&numbers[..255]).unwrap().symbols().len(), 255);
    let error = SymbolTable::from_symbols(["a", "a"]).unwrap_err();
    assert_eq!(error.to_string(), "symbol 1: a symbol occurs twice");
}

#[test]
fn bytes_that_are_no_table_are_refused_with_the_place_of_the_fault() {
    let refused = |bytes: &[u8]| match SymbolTable::from_bytes(bytes) {
        Err(FromBytesError::Malformed(error)) => (error.offset, error.fault),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b"\x02\x00"), (0, TableFault::Version));
    assert_eq!(refused(b"\x01\x01\x00"), (2, TableFault::SymbolLen));
    assert_eq!(refused(b"\x01\x01\x09abcdefghi"), (2, TableFault::SymbolLen));
    assert_eq!(refused(b"\x01\x02\x01\xFFa"), (3, TableFault::SymbolLen));
    assert_eq!(refused(b"\x01\x02\x01\x01aa"), (5, TableFault::Duplicate));
    assert_eq!(refused(b"\x01\x01\x01ab"), (4, TableFault::TrailingBytes));
    let whole = TABLE.to_bytes().unwrap();
    for len in 0..whole.len() {
        assert_eq!(refused(&whole[..len]), (len, TableFault::Truncated));
    }
    let error = SymbolTable::from_bytes(&whole[..4]).unwrap_err();
    assert_eq!(error.to_string(), "malformed symbol table at offset 4: the bytes end too early");
}

proptest! {
    #![proptest_config(testing::config(2_048, 8))]

    #[test]
    fn any_bytes_are_a_table_or_refused(bytes in vec(prop_oneof![0..9_u8, any::<u8>()], 0..40)) {
        let bytes = [&[1], &bytes[..]].concat();
        match SymbolTable::from_bytes(&bytes) {
            Ok(table) => prop_assert_eq!(table.to_bytes().unwrap(), bytes),
            Err(FromBytesError::Malformed(error)) => prop_assert!(error.offset <= bytes.len()),
            Err(error) => panic!("{error}"),
        }
    }
}
