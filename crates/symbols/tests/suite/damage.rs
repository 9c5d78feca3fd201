//! Bytes that are no codes, and bytes that are no table.

use proptest::collection::vec;
use proptest::prelude::*;
use symbols::{CodedFault, DecodeError, FromBytesError, SymbolTable, TableFault};

fn table() -> SymbolTable {
    SymbolTable::from_symbols(["user:", "ab", "c"]).unwrap()
}

#[test]
fn damaged_codes_are_refused_with_the_place_of_the_fault() {
    let table = table();
    let refused = |codes: &[u8], len| match table.decode(codes, len, &mut Vec::new()) {
        Err(DecodeError::Malformed(error)) => (error.offset, error.fault),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&[0, 3, 1], 8), (1, CodedFault::Code));
    assert_eq!(refused(&[254], 0), (0, CodedFault::Code));
    assert_eq!(refused(&[1, 255], 3), (1, CodedFault::Truncated));
    assert_eq!(refused(&[0, 1], 8), (2, CodedFault::TooShort));
    assert_eq!(refused(&[], 1), (0, CodedFault::TooShort));
    assert_eq!(refused(&[0, 1], 6), (2, CodedFault::TooLong));
    assert_eq!(refused(&[0, 0, 0, 0, 0], 1), (1, CodedFault::TooLong));
    let error = table.decode(&[0, 3], 9, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "malformed coded text at offset 1: no such code");
}

#[test]
fn codes_of_other_tables_match_no_text() {
    let table = table();
    assert!(table.matches(&[0, 255, b'x'], b"user:x"));
    for codes in [&[0, 255][..], &[0, 3], &[254, 0], &[255], &[0]] {
        for text in [&b"user:"[..], b"user:x", b"", b"x"] {
            assert_eq!(table.matches(codes, text), codes == [0] && text == b"user:", "{codes:?} {text:?}");
        }
    }
}

#[test]
fn symbols_that_no_table_can_have_are_refused() {
    let refused = |symbols: &[&str]| match SymbolTable::from_symbols(symbols) {
        Err(FromBytesError::Malformed(error)) => (error.offset, error.fault),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&["a", ""]), (1, TableFault::Len));
    assert_eq!(refused(&["nine byte"]), (0, TableFault::Len));
    assert_eq!(refused(&["a", "b", "a"]), (2, TableFault::Duplicate));
    let numbers: Vec<String> = (0..256).map(|number| format!("{number:03}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(|number| &number[..]).collect();
    assert_eq!(refused(&numbers), (255, TableFault::Count));
    assert_eq!(SymbolTable::from_symbols(&numbers[..255]).unwrap().symbols().len(), 255);
}

#[test]
fn bytes_that_are_no_table_are_refused_with_the_place_of_the_fault() {
    let refused = |bytes: &[u8]| match SymbolTable::from_bytes(bytes) {
        Err(FromBytesError::Malformed(error)) => (error.offset, error.fault),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b"\x02\x00"), (0, TableFault::Version));
    assert_eq!(refused(b"\x01\x01\x00"), (3, TableFault::Len));
    assert_eq!(refused(b"\x01\x01\x09abcdefghi"), (3, TableFault::Len));
    assert_eq!(refused(b"\x01\x02\x01\x01aa"), (5, TableFault::Duplicate));
    assert_eq!(refused(b"\x01\x01\x01ab"), (4, TableFault::Trailing));
    let whole = table().to_bytes();
    for len in 0..whole.len() {
        assert_eq!(refused(&whole[..len]), (len, TableFault::Truncated));
    }
    let error = SymbolTable::from_bytes(&whole[..4]).unwrap_err();
    assert_eq!(error.to_string(), "malformed symbol table at offset 4: the bytes end too early");
}

proptest! {
    #![proptest_config(testing::config(4_096, 8))]

    #[test]
    fn any_codes_are_a_text_of_that_length_or_refused(codes in vec(prop_oneof![0..5_u8, 250..=255_u8], 0..40), len in 0..80_usize) {
        let mut buffer = Vec::new();
        let table = table();
        match table.decode(&codes, len, &mut buffer) {
            Ok(text) => {
                prop_assert_eq!(text.len(), len);
                let text = text.to_vec();
                prop_assert!(table.matches(&codes, &text));
            }
            Err(DecodeError::Malformed(error)) => prop_assert!(error.offset <= codes.len()),
            Err(error) => panic!("{error}"),
        }
        prop_assert!(buffer.len() <= len + 8, "damaged codes make no more bytes than the text has");
    }

    #[test]
    fn any_bytes_are_a_table_or_refused(bytes in vec(prop_oneof![0..9_u8, any::<u8>()], 0..40)) {
        let bytes = [&[1], &bytes[..]].concat();
        match SymbolTable::from_bytes(&bytes) {
            Ok(table) => prop_assert_eq!(table.to_bytes(), bytes),
            Err(FromBytesError::Malformed(error)) => prop_assert!(error.offset <= bytes.len()),
            Err(error) => panic!("{error}"),
        }
    }
}
