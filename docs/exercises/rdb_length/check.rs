//! Checks the lengths of a dump file.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{LengthError, read_len, write_len};
use rdb::{DumpOptions, Error, Event, Fault, Reader};

/// The last length of each form and the first one of the next form, and others.
const LENGTHS: [u64; 14] = [
    0,
    1,
    0x3f,
    0x40,
    0xff,
    0x100,
    0x3fff,
    0x4000,
    0xffff,
    0x1_0000,
    0xffff_ffff,
    0x1_0000_0000,
    u64::MAX - 1,
    u64::MAX,
];

fn written(len: u64) -> Vec<u8> {
    let mut output = Vec::new();
    write_len(len, &mut output);
    output
}

/// Reads the length at the beginning of `bytes` as the crate `rdb` does: as the number of a database in a file.
fn read_by_rdb(bytes: &[u8]) -> Result<(u64, usize), LengthError> {
    let file = [b"REDIS0011\xfe", bytes].concat();
    let begin = file.len() - bytes.len();
    let mut reader = Reader::new(&file[..]).unwrap();
    let result = match reader.next_event() {
        Ok(Some(Event::Database(len))) => Ok(len),
        Err(Error::Malformed { offset, fault }) => Err((offset as usize - begin, fault)),
        other => panic!("{bytes:?}: {other:?}"),
    };
    match result {
        Ok(len) => Ok((len, reader.offset() as usize - begin)),
        Err((offset, Fault::Truncated)) => Err(LengthError::Truncated { offset }),
        Err((offset, Fault::Length)) => Err(LengthError::NotALength { offset, byte: bytes[offset] }),
        Err((offset, fault)) => panic!("{bytes:?}: {fault} at {offset}"),
    }
}

#[test]
fn a_length_has_one_two_five_or_nine_bytes() {
    assert_eq!([0, 10, 63].map(written), [[0], [10], [63]]);
    assert_eq!([64, 700, 16_383].map(written), [[0x40, 64], [0x42, 0xbc], [0x7f, 0xff]]);
    assert_eq!(written(16_384), [0x80, 0, 0, 0x40, 0]);
    assert_eq!(written(0xffff_ffff), [0x80, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(written(0x1_0000_0000), [0x81, 0, 0, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_length_is_appended() {
    let mut output = b"abc".to_vec();
    LENGTHS[..4].iter().for_each(|&len| write_len(len, &mut output));
    assert_eq!(output, b"abc\x00\x01\x3f\x40\x40");
}

#[test]
fn the_lengths_of_strings_are_those_in_a_payload_of_redcore() {
    let mut db = keyspace::Keyspace::new();
    let mut options = DumpOptions::default();
    options.compression = false;
    for len in (0..300).chain(16_370..16_400).chain([65_535, 65_536, 100_000]) {
        db.set("key", "x".repeat(len).as_bytes(), 0).unwrap();
        let payload = rdb::dump(db.get("key", 0).unwrap(), options).unwrap();
        // A byte for the type is in front of the length. Behind the string are ten bytes of version and checksum.
        let expected = &payload[1..payload.len() - len - 10];
        assert_eq!(written(len as u64), expected, "a string of {len} bytes");
    }
}

#[test]
fn what_was_written_is_read() {
    for len in (0..70_000).step_by(7).chain(LENGTHS) {
        let bytes = written(len);
        assert_eq!(read_len(&bytes, 0), Ok((len, bytes.len())), "{len}");
        assert_eq!(read_by_rdb(&bytes), Ok((len, bytes.len())), "{len}");
    }
}

#[test]
fn a_length_may_have_a_longer_form_than_it_needs() {
    assert_eq!(read_len(&[0x40, 7], 0), Ok((7, 2)));
    assert_eq!(read_len(&[0x80, 0, 0, 0, 7], 0), Ok((7, 5)));
    assert_eq!(read_len(&[0x81, 0, 0, 0, 0, 0, 0, 0, 7], 0), Ok((7, 9)));
}

#[test]
fn lengths_follow_each_other() {
    let mut bytes = b"magic".to_vec();
    LENGTHS.iter().for_each(|&len| write_len(len, &mut bytes));
    let mut offset = 5;
    for expected in LENGTHS {
        let (len, next) = read_len(&bytes, offset).unwrap();
        assert_eq!(len, expected, "at {offset}");
        offset = next;
    }
    assert_eq!(offset, bytes.len());
    assert_eq!(read_len(&bytes, offset), Err(LengthError::Truncated { offset }));
}

#[test]
fn an_error_has_the_offset_in_the_input() {
    let input = [1, 2, 0x40, 0xc3, 0x80, 0, 0, 0];
    let not_a_length = LengthError::NotALength { offset: 3, byte: 0xc3 };
    let truncated = LengthError::Truncated { offset: 8 };
    assert_eq!(
        [2, 3, 4].map(|offset| read_len(&input, offset)),
        [Ok((0xc3, 4)), Err(not_a_length), Err(truncated)]
    );
    for offset in [8, 9, usize::MAX] {
        assert_eq!(read_len(&input, offset), Err(truncated), "offset {offset}");
    }
}

#[test]
fn all_first_bytes_have_the_results_of_redcore() {
    for first in 0..=u8::MAX {
        // The first byte alone, and with one to nine others.
        for len in 1..=10 {
            let bytes: Vec<u8> = (0..len).map(|n| if n == 0 { first } else { 0xf0 | n }).collect();
            assert_eq!(read_len(&bytes, 0), read_by_rdb(&bytes), "{bytes:x?}");
        }
    }
}
