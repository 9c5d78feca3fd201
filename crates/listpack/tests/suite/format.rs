//! The bytes of the format: each encoding and each length of a backlen, at their limits.

use listpack::{ListPack, Value, encoded_len};

fn list<'a, V: Into<Value<'a>>>(values: impl IntoIterator<Item = V>) -> ListPack {
    let mut list = ListPack::new();
    for value in values {
        list.push_back(value);
    }
    list
}

/// Returns the bytes of the entry in a list that contains only `value`.
fn entry<'a>(value: impl Into<Value<'a>>) -> Vec<u8> {
    let list = list([value]);
    let bytes = list.as_bytes();
    assert_eq!(bytes[..4], (bytes.len() as u32).to_le_bytes());
    assert_eq!(bytes[4..6], [1, 0]);
    assert_eq!(bytes.last(), Some(&0xFF));
    bytes[6..bytes.len() - 1].to_vec()
}

/// Returns the backlen of an entry as the specification defines it: a number of `size` digits of seven bits,
/// with the most significant digit first. Every byte except the first has the top bit set.
fn backlen_naive(len: usize, size: usize) -> Vec<u8> {
    (0..size)
        .rev()
        .map(|digit| (len >> (7 * digit)) as u8 & 127 | if digit + 1 == size { 0 } else { 128 })
        .collect()
}

#[test]
fn an_empty_list_is_seven_bytes_and_no_memory() {
    const EMPTY: ListPack = ListPack::new();
    assert_eq!(EMPTY.as_bytes(), [7, 0, 0, 0, 0, 0, 0xFF]);
    assert_eq!((EMPTY.len(), EMPTY.allocation_size(), EMPTY.first(), EMPTY.last()), (0, 0, None, None));
    assert_eq!(EMPTY.iter().next(), None);
    assert_eq!(EMPTY.iter().next_back(), None);
    assert_eq!(EMPTY.seek(0), None);
    assert_eq!(EMPTY.seek(-1), None);
}

#[test]
fn an_integer_takes_the_smallest_encoding_that_holds_it() {
    let want: [(i64, &[u8]); 22] = [
        (0, &[0, 1]),
        (127, &[127, 1]),
        (-1, &[0xDF, 0xFF, 2]),
        (128, &[0xC0, 128, 2]),
        (4095, &[0xCF, 0xFF, 2]),
        (-4096, &[0xD0, 0, 2]),
        (4096, &[0xF1, 0, 0x10, 3]),
        (-4097, &[0xF1, 0xFF, 0xEF, 3]),
        (32_767, &[0xF1, 0xFF, 0x7F, 3]),
        (-32_768, &[0xF1, 0, 0x80, 3]),
        (32_768, &[0xF2, 0, 0x80, 0, 4]),
        (-32_769, &[0xF2, 0xFF, 0x7F, 0xFF, 4]),
        (8_388_607, &[0xF2, 0xFF, 0xFF, 0x7F, 4]),
        (-8_388_608, &[0xF2, 0, 0, 0x80, 4]),
        (8_388_608, &[0xF3, 0, 0, 0x80, 0, 5]),
        (-8_388_609, &[0xF3, 0xFF, 0xFF, 0x7F, 0xFF, 5]),
        (2_147_483_647, &[0xF3, 0xFF, 0xFF, 0xFF, 0x7F, 5]),
        (-2_147_483_648, &[0xF3, 0, 0, 0, 0x80, 5]),
        (2_147_483_648, &[0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
        (-2_147_483_649, &[0xF4, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 9]),
        (i64::MAX, &[0xF4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 9]),
        (i64::MIN, &[0xF4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9]),
    ];
    for (value, bytes) in want {
        assert_eq!(entry(value), bytes, "{value}");
        assert_eq!(entry(value.to_string().as_str()), bytes, "{value}");
        assert_eq!(encoded_len(value), bytes.len(), "{value}");
    }
}

#[test]
fn every_integer_of_up_to_seventeen_bits_reads_back() {
    let step = if cfg!(miri) { 997 } else { 1 };
    for value in (-66_000..66_000).step_by(step) {
        let list = list([value]);
        assert!(matches!(list.iter().next(), Some(Value::Int(read)) if read == value), "{value}");
        assert!(matches!(list.iter().next_back(), Some(Value::Int(read)) if read == value), "{value}");
    }
}

#[test]
fn a_string_takes_the_smallest_head_that_holds_its_length() {
    for (len, head) in [
        (0, &[0x80][..]),
        (1, &[0x81]),
        (63, &[0xBF]),
        (64, &[0xE0, 64]),
        (4095, &[0xEF, 0xFF]),
        (4096, &[0xF0, 0, 0x10, 0, 0]),
        (70_000, &[0xF0, 0x70, 0x11, 1, 0]),
    ] {
        let text = vec![b'x'; len];
        let bytes = entry(text.as_slice());
        assert_eq!(bytes[..head.len()], *head, "{len}");
        assert_eq!(bytes[head.len()..head.len() + len], text, "{len}");
    }
}

/// Two digits could hold lengths up to 16,383, but from 16,383 on the backlen has three digits. The limits of
/// three and four digits have the same exception. A single digit has no exception: it holds up to 127.
#[test]
fn the_backlen_grows_by_a_byte_one_before_its_digits_are_full_as_it_does_in_c() {
    // The length of the head and the data, and the number of digits that the backlen has.
    let mut lengths = vec![(127, 1), (128, 2), (16_382, 2), (16_383, 3), (16_384, 3)];
    if !cfg!(miri) {
        lengths.extend([(2_097_150, 3), (2_097_151, 4), (2_097_152, 4), (268_435_454, 4), (268_435_455, 5)]);
    }
    for (len, digits) in lengths {
        let head = if len < 4098 { 2 } else { 5 };
        let text = vec![b'x'; len - head];
        let list = list([Value::raw(b"before"), Value::raw(&text), Value::raw(b"behind")]);
        assert_eq!(encoded_len(text.as_slice()), len + digits);
        let entry = &list.as_bytes()[6 + 8..][..len + digits];
        assert_eq!(entry[len..], backlen_naive(len, digits), "{len}");
        assert_eq!(list.iter().rev().nth(1), Some(Value::raw(&text)), "{len}");
        assert_eq!(list.seek(-3), list.first());
    }
}

#[test]
fn a_double_is_the_extension_of_nine_bytes() {
    let mut bytes = vec![0xF5];
    bytes.extend(1.5f64.to_le_bytes());
    bytes.push(9);
    assert_eq!(entry(Value::Double(1.5)), bytes);
    assert_eq!(list([Value::Double(-0.1)]).iter().next(), Some(Value::Double(-0.1)));
}

/// The header can count up to 65,534 entries. From 65,535 on it holds the number 65,535, which means that the
/// count is unknown. It keeps that number when the list becomes shorter, and `len` counts the entries by a
/// walk.
#[test]
#[cfg_attr(miri, ignore = "as many entries as a count can tell")]
fn a_count_of_65535_is_lost_and_counted_for_as_long_as_the_list_lives() {
    let mut list = list(vec![7i64; 65_534]);
    assert_eq!((list.as_bytes()[4..6].to_vec(), list.len()), (vec![0xFE, 0xFF], 65_534));
    list.push_back(7);
    assert_eq!((list.as_bytes()[4..6].to_vec(), list.len()), (vec![0xFF, 0xFF], 65_535));
    list.push_front(7);
    assert_eq!(list.len(), 65_536);
    assert_eq!(list.iter().size_hint(), (0, None));
    assert_eq!(list.seek(65_536), None);
    assert!(list.seek(65_535).is_some());
    assert_eq!(list.seek(-65_536), list.first());
    list.remove(list.first().unwrap());
    list.remove(list.first().unwrap());
    assert_eq!((list.as_bytes()[4..6].to_vec(), list.len()), (vec![0xFF, 0xFF], 65_534));
}

/// Reading an integer loads eight bytes at once, if the list has that many. The bytes after the integer must
/// not change the result.
#[test]
fn integers_in_front_of_other_entries_read_back() {
    let numbers = [300, -300, 70_000, -70_000, 1 << 30, -1 << 30, i64::MAX, i64::MIN];
    let mut list = ListPack::new();
    for number in numbers {
        list.push_back(number);
        list.push_back("more than eight bytes");
    }
    let integer = |value: Value<'_>| match value {
        Value::Int(number) => Some(number),
        _ => None,
    };
    assert!(list.iter().filter_map(integer).eq(numbers));
}
