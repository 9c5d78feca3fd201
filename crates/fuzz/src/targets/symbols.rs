//! Tests symbol tables with texts that are encoded and decoded, with arbitrary codes, and with arbitrary
//! bytes of tables.

use crate::harness::{Faults, LeakCheck, Len, Plan, Text, operations};
use ::symbols::{DecodeError, FromBytesError, FromSymbolsError, SymbolTable};
use arbitrary::Arbitrary;

/// The maximum length of a text, in bytes. Longer texts are cut, so that no text takes much time.
const LEN_MAX: usize = 4_096;

#[derive(Arbitrary, Debug)]
enum Op {
    /// Reads a table from bytes. The version is put in front of them, because random bytes rarely begin with
    /// it.
    Read(Text),
    /// Builds a table from symbols. Each symbol is a length and eight letters.
    Build(Vec<[u8; 9]>),
    Train(Vec<Text>),
    Encode(Text),
    Decode(Text, Len),
    Match(Text, Text),
    Follow(Plan),
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let mut faults = Faults::new();
    let mut table = SymbolTable::from_symbols(["user:", "ab", "c"]).expect("memory");
    let mut buffer = Vec::new();
    for op in operations(data) {
        step(&mut table, &mut faults, &mut buffer, op);
        assert_eq!(leak_check.used(), table.allocation_size());
    }
}

fn step(table: &mut SymbolTable, faults: &mut Faults, buffer: &mut Vec<u8>, op: Op) {
    match op {
        Op::Read(Text(mut bytes)) => {
            bytes.truncate(LEN_MAX);
            let bytes = [&[1], &bytes[..]].concat();
            let (read, failed) = faults.watch(|| SymbolTable::from_bytes(&bytes));
            match read {
                Ok(read) => {
                    assert_eq!(read.to_bytes().as_deref(), Ok(&bytes[..]));
                    *table = read;
                }
                Err(FromBytesError::Malformed(error)) => assert!(error.offset <= bytes.len()),
                Err(error) => assert!(failed, "{error}"),
            }
        }
        Op::Build(symbols) => {
            let symbol = |[len, letters @ ..]: &[u8; 9]| {
                // There are only four letters, so that symbols have common prefixes and occur in texts.
                letters.map(|letter| b'a' + letter % 4)[..1 + usize::from(*len) % 8].to_vec()
            };
            let (built, failed) = faults.watch(|| SymbolTable::from_symbols(symbols.iter().map(symbol)));
            match built {
                Ok(built) => *table = built,
                Err(FromSymbolsError::Symbol { index, .. }) => assert!(index < symbols.len()),
                Err(error) => assert!(failed, "{error}"),
            }
        }
        Op::Train(mut sample) => {
            sample.iter_mut().for_each(|Text(text)| text.truncate(LEN_MAX));
            let sample: Vec<&[u8]> = sample.iter().map(|Text(text)| &text[..]).collect();
            let (trained, failed) = faults.watch(|| SymbolTable::train(&sample));
            match trained {
                Ok(trained) => {
                    sample.iter().for_each(|text| check_round_trip(&trained, text, buffer));
                    *table = trained;
                }
                Err(error) => assert!(failed, "{error}"),
            }
        }
        Op::Encode(Text(text)) => check_round_trip(table, &text[..text.len().min(LEN_MAX)], buffer),
        Op::Decode(Text(codes), Len(len)) => {
            let len = len % (8 * LEN_MAX);
            let mut buffer = Vec::new();
            match table.decode(&codes, len, &mut buffer) {
                Ok(()) => {
                    assert_eq!(buffer.len(), len);
                    assert!(table.matches(&codes, &buffer));
                }
                Err(DecodeError::Malformed(error)) => assert!(error.offset <= codes.len()),
                Err(error) => panic!("{error}"),
            }
            assert!(buffer.len() <= 8 * codes.len(), "a length takes no more than the codes can fill");
        }
        Op::Match(Text(codes), Text(text)) => {
            let is_match = table.matches(&codes, &text);
            let mut decoded = Vec::new();
            let is_decoded = table.decode(&codes, text.len(), &mut decoded).is_ok();
            assert_eq!(is_match, is_decoded && decoded == text);
        }
        Op::Follow(plan) => faults.follow(plan),
    }
}

fn check_round_trip(table: &SymbolTable, text: &[u8], buffer: &mut Vec<u8>) {
    let codes = table.encode(text, buffer).expect("the global allocator has memory").to_vec();
    assert!(codes.len() <= 2 * text.len());
    assert!(table.matches(&codes, text));
    let mut decoded = Vec::new();
    table.decode(&codes, text.len(), &mut decoded).expect("`encode` wrote them");
    assert_eq!(decoded, text);
    // The text after its first symbol must be encoded to the codes after the first one. This shorter text is
    // split into lanes at other places, and the lanes must not change the codes.
    if let Some(&code) = codes.first() {
        let symbol = table.symbols().nth(code.into()).map(<[u8]>::len);
        let (codes_len, text_len) = symbol.map_or((2, 1), |len| (1, len));
        assert_eq!(table.encode(&text[text_len..], buffer).expect("memory"), &codes[codes_len..]);
    }
}
