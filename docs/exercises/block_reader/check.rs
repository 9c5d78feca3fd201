//! Checks the reader of blocks.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Entry, Error, Value, read};
use keyspace::{ExpireOptions, Expiry, Keyspace, PartBytes};

/// Returns the bytes of a key's block, and the offsets at which its parts end.
fn block(db: &Keyspace, key: &[u8]) -> (Vec<u8>, Vec<usize>) {
    // In the real block, the head is one number in the byte order of the machine.
    let (mut head, mut bytes, mut ends) = ([0; 4], vec![], vec![4]);
    for part in db.block_parts(key, 0).unwrap() {
        match (part.name, &part.bytes) {
            ("form", PartBytes::Written(form)) => head[0] = form[0],
            ("clock", _) => {
                head[1..].copy_from_slice(&part.meaning.parse::<u32>().unwrap().to_le_bytes()[..3])
            }
            (_, PartBytes::Written(part) | PartBytes::Text(part)) => {
                bytes.extend_from_slice(part);
                ends.push(head.len() + bytes.len());
            }
            _ => {}
        }
    }
    ([&head, &bytes[..]].concat(), ends)
}

/// Calls a function with the blocks of many keys, the entries that the reader should return, and the ends of the parts.
fn each_block(f: impl Fn(&[u8], Entry<'_>, &[usize])) {
    let mut texts: Vec<Vec<u8>> = [0, 1, 32, 253, 254, 255, 256, 1_024].map(|len| vec![b'x'; len]).into();
    let integers = (0..64)
        .flat_map(|exponent| [1 << exponent, (1_i64 << exponent).wrapping_neg(), i64::MAX >> exponent]);
    texts.extend(integers.map(|number| number.to_string().into_bytes()));
    for (key_len, expiry) in
        [(0, None), (16, None), (16, Some(60_000)), (253, Some(1 << 40)), (254, None), (300, Some(7))]
    {
        let key = vec![b'k'; key_len];
        for text in &texts {
            let mut db = Keyspace::new();
            db.set(&key, text, 0).unwrap();
            if let Some(expiry) = expiry {
                let expiry = Expiry::AtMillis(expiry);
                assert!(db.expire(&key, expiry, ExpireOptions::default(), 0).unwrap());
            }
            let (block, ends) = block(&db, &key);
            let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            let value = number.map_or(Value::Bytes(text), Value::Int);
            f(&block, Entry { key: &key, expiry: expiry.map(|at| at as u64), value }, &ends);
        }
    }
}

#[test]
fn the_block_of_the_chapter_is_read() {
    let key = b"key:000000000001";
    let value = b"a value of thirty-two bytes here";
    let block = [&[8, 0, 0, 0, 16], &key[..], &[32], value].concat();
    assert_eq!(block.len(), 54);
    assert_eq!(read(&block), Ok(Entry { key, expiry: None, value: Value::Bytes(value) }));
}

#[test]
fn the_blocks_of_a_keyspace_are_read() {
    each_block(|block, entry, _| assert_eq!(read(block), Ok(entry), "{block:?}"));
}

#[test]
fn the_rest_of_a_block_and_unknown_bits_are_ignored() {
    each_block(|block, entry, _| {
        let mut block = [block, &[0xEE; 9]].concat();
        block[0] |= 1 << 5 | 1 << 7;
        block[1..4].fill(0xFF);
        assert_eq!(read(&block), Ok(entry), "{block:?}");
    });
}

#[test]
fn the_offset_of_an_error_is_the_beginning_of_the_incomplete_part() {
    each_block(|block, _, ends| {
        for cut in 0..block.len() {
            let at = ends.iter().copied().take_while(|end| *end <= cut).last().unwrap_or(0);
            let what =
                format!("{} of {} bytes, beginning with {:?}", cut, block.len(), &block[..cut.min(16)]);
            assert_eq!(read(&block[..cut]), Err(Error::Truncated { at }), "{what}");
        }
    });
}

#[test]
fn a_long_value_has_a_length_of_five_bytes() {
    let value = vec![b'x'; 65_536];
    let block = [&[8, 0, 0, 0, 1, b'k', 255, 0, 0, 1, 0], &value[..]].concat();
    assert_eq!(read(&block), Ok(Entry { key: b"k", expiry: None, value: Value::Bytes(&value) }));
    assert_eq!(read(&block[..block.len() - 1]), Err(Error::Truncated { at: 11 }));
}

#[test]
fn the_largest_lengths_are_too_long_for_the_block() {
    assert_eq!(read(&[8, 0, 0, 0, 255, 255, 255, 255, 255, 1]), Err(Error::Truncated { at: 9 }));
    assert_eq!(read(&[8, 0, 0, 0, 0, 255, 255, 255, 255, 255, 1]), Err(Error::Truncated { at: 10 }));
}

#[test]
fn other_kinds_are_an_error_directly_after_the_head() {
    for kind in 9..32 {
        let form = kind | 1 << 6 | 1 << 7;
        assert_eq!(read(&[form, 0, 0, 0]), Err(Error::UnknownKind(kind)));
        assert_eq!(read(&[form, 0, 0]), Err(Error::Truncated { at: 0 }));
    }
}

#[test]
fn the_first_byte_of_a_coded_key_is_an_error() {
    assert_eq!(read(&[8, 0, 0, 0, 254, 3, 1, 2, 3, 0]), Err(Error::CodedKey));
    // The byte 254 is enough. The rest of the block may be missing.
    assert_eq!(read(&[8, 0, 0, 0, 254]), Err(Error::CodedKey));
    assert_eq!(read(&[8 | 1 << 6, 0, 0, 0, 254, 3]), Err(Error::CodedKey));
    assert_eq!(read(&[9, 0, 0, 0, 254]), Err(Error::UnknownKind(9)));
    assert_eq!(read(&[9, 0, 0, 0, 254, 3, 1, 2, 3, 0]), Err(Error::UnknownKind(9)));
}
