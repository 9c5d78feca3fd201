//! Checks the expiry of a block.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Change, set_expiry};
use keyspace::{ExpireOptions, Expiry, Keyspace, PartBytes};

/// Returns the bytes in use of a key's block. The clock is 0.
fn block(db: &Keyspace, key: &[u8]) -> Vec<u8> {
    // In the real block, the head is one number in the byte order of the machine.
    let (mut head, mut rest) = ([0; 4], vec![]);
    for part in db.block_parts(key, 0).unwrap() {
        match (part.name, part.bytes) {
            ("form", PartBytes::Written(form)) => head[0] = form[0],
            ("clock", _) => {}
            (_, PartBytes::Written(bytes) | PartBytes::Text(bytes)) => rest.extend(bytes),
            _ => {}
        }
    }
    [&head, &rest[..]].concat()
}

/// Returns the class of an allocator that has only the multiples of 16.
fn multiple_of_16(len: usize) -> usize {
    len.next_multiple_of(16)
}

#[test]
fn the_block_of_the_chapter_grows_to_the_next_class() {
    let parts: [&[u8]; 4] = [&[8, 1, 2, 3, 16], b"key:000000000001", &[32], &[b'x'; 32]];
    let without = parts.concat();
    let mut block = without.clone();
    assert_eq!(block.len(), 54);
    let class = |len: usize| len.next_multiple_of(8);
    assert_eq!(set_expiry(&mut block, Some(60_000), class), Change::NewBlock);
    let expiry: &[u8] = &[0x60, 0xEA, 0, 0, 0, 0, 0, 0];
    assert_eq!(block, [&[8 | 64, 1, 2, 3, 16], expiry, parts[1], parts[2], parts[3]].concat());
    assert_eq!(set_expiry(&mut block, None, class), Change::NewBlock);
    assert_eq!(block, without);
}

#[test]
fn a_change_without_effect_leaves_the_block_as_it_is() {
    let without = vec![8, 0, 0, 0, 1, b'k', 0];
    let mut block = without.clone();
    assert_eq!(set_expiry(&mut block, None, multiple_of_16), Change::Nothing);
    assert_eq!(block, without);
    set_expiry(&mut block, Some(7), multiple_of_16);
    let with = block.clone();
    assert_eq!(set_expiry(&mut block, Some(7), multiple_of_16), Change::Nothing);
    assert_eq!(block, with);
}

#[test]
fn the_size_class_decides_whether_the_block_is_new() {
    for value_len in 0..64 {
        let without = [&[8, 0, 0, 0, 1, b'k', value_len][..], &vec![b'x'; value_len.into()]].concat();
        let mut block = without.clone();
        let is_new = multiple_of_16(without.len()) != multiple_of_16(without.len() + 8);
        let expected = if is_new { Change::NewBlock } else { Change::SameBlock };
        assert_eq!(
            set_expiry(&mut block, Some(1), multiple_of_16),
            expected,
            "{value_len} bytes get an expiry"
        );
        assert_eq!(set_expiry(&mut block, Some(2), multiple_of_16), Change::SameBlock, "another expiry");
        assert_eq!(
            set_expiry(&mut block, None, multiple_of_16),
            expected,
            "{value_len} bytes lose their expiry"
        );
        assert_eq!(block, without);
    }
}

#[test]
fn all_other_bits_of_the_head_stay() {
    for form in 0..=255 {
        let mut block = vec![form, 4, 5, 6, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9];
        set_expiry(&mut block, Some(u64::MAX), multiple_of_16);
        assert_eq!(block[..5], [form | 64, 4, 5, 6, 0]);
        assert_eq!(block[5..13], [0xFF; 8]);
        set_expiry(&mut block, None, multiple_of_16);
        assert_eq!(block[..5], [form & !64, 4, 5, 6, 0]);
    }
}

#[test]
fn the_expiry_is_after_the_header_of_a_coded_or_long_key() {
    for header in [&[253][..], &[254, 3], &[254, 0x83], &[255, 0, 1, 0, 0]] {
        let rest = b"the key and the value";
        let mut block = [&[8, 0, 0, 0], header, rest].concat();
        set_expiry(&mut block, Some(0x0102_0304_0506_0708), multiple_of_16);
        assert_eq!(block, [&[8 | 64, 0, 0, 0], header, &[8, 7, 6, 5, 4, 3, 2, 1], rest].concat());
    }
}

#[test]
fn the_bytes_are_those_of_a_keyspace() {
    let expiries = [None, Some(60_000), Some(60_000), Some(1 << 40), None, Some(1), None];
    for key in [&b""[..], b"k", b"key:000000000001", &[b'k'; 253], &[b'k'; 254], &[b'k'; 300]] {
        for text in
            [&b""[..], b"7", b"-70000", b"9223372036854775807", &[b'x'; 32], &[b'x'; 34], &[b'x'; 900]]
        {
            let mut db = Keyspace::new();
            db.set(key, text, 0).unwrap();
            let mut own = block(&db, key);
            for expiry in expiries {
                let memory = db.memory_usage(key, 0).unwrap();
                match expiry {
                    None => db.persist(key, 0),
                    Some(at) => db.expire(key, Expiry::AtMillis(at), ExpireOptions::default(), 0).unwrap(),
                };
                let change = set_expiry(&mut own, expiry.map(|at| at as u64), zmalloc::good_size);
                let what = format!("{} with {} bytes, to {expiry:?}", key.escape_ascii(), text.len());
                assert_eq!(own, block(&db, key), "{what}");
                if zmalloc::quantum().is_some() {
                    let is_new = db.memory_usage(key, 0).unwrap() != memory;
                    assert_eq!(change == Change::NewBlock, is_new, "{what}: {change:?}");
                }
            }
        }
    }
}
