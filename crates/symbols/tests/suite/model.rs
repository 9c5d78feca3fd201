//! Tests that compare coding and decoding with a simple coder.

use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use symbols::SymbolTable;

const ESCAPE: u8 = 255;

/// A simple coder. At each place of a text, it uses the first of these symbols with which the rest of the text
/// begins:
///
/// 1. the first symbol of three bytes or more whose first three bytes are the next three bytes of the text;
/// 2. the symbol of two bytes;
/// 3. the symbol of one byte.
///
/// The table finds symbols of three bytes or more by a hash of their first three bytes. So the coder and the
/// table agree only if symbols that differ in these bytes never share a slot.
struct Naive {
    symbols: Vec<Vec<u8>>,
}

impl Naive {
    fn code(&self, rest: &[u8]) -> Option<u8> {
        let first = |fits: &dyn Fn(&[u8]) -> bool| self.symbols.iter().position(|symbol| fits(symbol));
        let long = first(&|symbol| symbol.len() >= 3 && rest.get(..3) == symbol.get(..3));
        let long = long.filter(|&code| rest.starts_with(&self.symbols[code]));
        let of_len = |len| first(&|symbol| symbol.len() == len && rest.starts_with(symbol));
        long.or_else(|| of_len(2)).or_else(|| of_len(1)).map(|code| code as u8)
    }

    fn encode(&self, mut rest: &[u8]) -> Vec<u8> {
        let mut codes = Vec::new();
        while let [byte, ..] = *rest {
            match self.code(rest) {
                Some(code) => {
                    codes.push(code);
                    rest = &rest[self.symbols[usize::from(code)].len()..];
                }
                None => {
                    codes.extend([ESCAPE, byte]);
                    rest = &rest[1..];
                }
            }
        }
        codes
    }
}

/// Returns symbols that consist mostly of the bytes 0, 1 and 2, as the texts do, so that texts contain them.
fn symbols() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let symbol = vec(prop_oneof![4 => 0..3_u8, 1 => any::<u8>()], 1..=8);
    vec(symbol, 0..60).prop_map(|mut symbols| {
        let mut seen = BTreeSet::new();
        symbols.retain(|symbol| seen.insert(symbol.clone()));
        symbols
    })
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let byte = || prop_oneof![6 => 0..3_u8, 1 => any::<u8>()];
    // Texts of 64 bytes or more are coded in lanes.
    prop_oneof![
        vec(byte(), 0..70),
        vec(byte(), 60..600),
        vec(vec(byte(), 1..9), 1..90).prop_map(|pieces| pieces.concat())
    ]
}

proptest! {
    #![proptest_config(testing::config(1_024, 8))]

    #[test]
    fn texts_are_coded_as_the_definition_says_and_come_back(symbols in symbols(), texts in vec(text(), 1..6)) {
        let table = SymbolTable::from_symbols(&symbols).unwrap();
        let naive = Naive { symbols };
        let (mut buffer, mut decoded) = (Vec::new(), Vec::new());
        for text in texts {
            let codes = table.encode(&text, &mut buffer).unwrap();
            prop_assert_eq!(codes, naive.encode(&text));
            decoded.clear();
            table.decode(codes, text.len(), &mut decoded).unwrap();
            prop_assert_eq!(&decoded, &text);
            prop_assert_eq!(table.pieces(codes).collect::<Vec<_>>().concat(), &text[..]);
            prop_assert!(table.matches(codes, &text));
        }
    }

    #[test]
    fn codes_match_their_own_text_only(
        symbols in symbols(),
        text in text(),
        other in text(),
        at in any::<usize>(),
        byte in any::<u8>(),
    ) {
        let table = SymbolTable::from_symbols(&symbols).unwrap();
        let mut buffer = Vec::new();
        let codes = table.encode(&text, &mut buffer).unwrap();
        prop_assert_eq!(table.matches(codes, &other), other == text);
        if !text.is_empty() {
            let mut changed = text.clone();
            changed[at % text.len()] = byte;
            prop_assert_eq!(table.matches(codes, &changed), changed == text);
            prop_assert!(!table.matches(codes, &text[..at % text.len()]));
        }
        let longer = [&text[..], &[byte]].concat();
        prop_assert!(!table.matches(codes, &longer));
    }

    #[test]
    fn a_table_comes_back_from_its_bytes(symbols in symbols()) {
        let table = SymbolTable::from_symbols(&symbols).unwrap();
        let copy = SymbolTable::from_bytes(&table.to_bytes().unwrap()).unwrap();
        prop_assert!(copy.symbols().eq(symbols.iter().map(|symbol| &symbol[..])));
        prop_assert_eq!(copy, table);
    }
}

/// Tests all texts of up to nine bytes with all tables of two symbols of up to four bytes. Texts and symbols
/// consist of two letters.
#[test]
fn every_short_text_comes_back_from_every_small_table() {
    let words = |len_max: u32| {
        let of_len = |len: u32| {
            (0..1_u32 << len)
                .map(move |bits| (0..len).map(|at| b'a' + (bits >> at & 1) as u8).collect::<Vec<u8>>())
        };
        (0..=len_max).flat_map(of_len).collect::<Vec<_>>()
    };
    let (texts, symbols) =
        (words(if cfg!(miri) { 3 } else { 9 }), words(if cfg!(miri) { 2 } else { 4 }).split_off(1));
    let (mut buffer, mut decoded) = (Vec::new(), Vec::new());
    for first in &symbols {
        for second in symbols.iter().filter(|second| *second != first) {
            let symbols = vec![first.clone(), second.clone()];
            let table = SymbolTable::from_symbols(&symbols).unwrap();
            let naive = Naive { symbols };
            for text in &texts {
                let codes = table.encode(text, &mut buffer).unwrap();
                assert_eq!(codes, naive.encode(text), "{first:?}, {second:?}: {text:?}");
                decoded.clear();
                table.decode(codes, text.len(), &mut decoded).unwrap();
                assert_eq!(decoded, *text);
                assert!(table.matches(codes, text));
            }
        }
    }
}

/// Every symbol has two bytes. So two lanes never meet if one begins at an even offset and the other at an odd
/// offset. This happens for some of the lengths.
#[test]
fn lanes_that_do_not_meet_give_the_codes_of_one() {
    let symbols = vec![b"ab".to_vec(), b"ba".to_vec(), b"aa".to_vec(), b"bb".to_vec()];
    let (table, naive) = (SymbolTable::from_symbols(&symbols).unwrap(), Naive { symbols });
    let mut buffer = Vec::new();
    for len in 64..700 {
        let text: Vec<u8> =
            (0..len).map(|at: u32| if at.count_ones().is_multiple_of(2) { b'a' } else { b'b' }).collect();
        assert_eq!(table.encode(&text, &mut buffer).unwrap(), naive.encode(&text), "{len}");
    }
}

/// The first lane fills the room for its part with escapes. It then reads `ab` where the next lane reads `ba`,
/// so the two lanes do not meet before the spare room is full.
#[test]
fn a_lane_without_room_gives_the_codes_of_one() {
    let symbols = vec![b"ab".to_vec(), b"ba".to_vec()];
    let (table, naive) = (SymbolTable::from_symbols(&symbols).unwrap(), Naive { symbols });
    let mut buffer = Vec::new();
    for part in 100..300 {
        let mut text = vec![b'z'; part - 1];
        text.extend(b"ab".iter().cycle().take(3 * part + 1));
        assert_eq!(table.encode(&text, &mut buffer).unwrap(), naive.encode(&text), "{part}");
    }
}

/// Each table has 255 symbols of three bytes, which is the maximum. The table must find a multiplier for its
/// hash that gives each symbol its own slot.
#[test]
fn all_symbols_of_a_full_table_are_found() {
    let mut state = 1_u32;
    for _table in 0..20 {
        let mut symbols = BTreeSet::new();
        while symbols.len() < 255 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            symbols.insert(state.to_be_bytes()[..3].to_vec());
        }
        let table = SymbolTable::from_symbols(&symbols).unwrap();
        let mut buffer = Vec::new();
        for (code, symbol) in (0..ESCAPE).zip(&symbols) {
            assert_eq!(table.encode(symbol, &mut buffer).unwrap(), [code]);
        }
    }
}
