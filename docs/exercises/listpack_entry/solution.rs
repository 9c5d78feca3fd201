//! The bytes of a listpack's entry.

/// Returns the bytes of the entry that stores a text, with its back length.
pub(crate) fn encode(text: &[u8]) -> Vec<u8> {
    let mut entry = match listpack::integer::parse(text) {
        Some(number) => encode_integer(number),
        None => [encode_string_len(text.len() as u32), text.to_vec()].concat(),
    };
    push_back_length(&mut entry);
    entry
}

fn encode_integer(number: i64) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    match number {
        0..=127 => vec![bytes[0]],
        -0x1000..=0xFFF => vec![0xC0 | bytes[1] & 0x1F, bytes[0]],
        -0x8000..=0x7FFF => [&[0xF1], &bytes[..2]].concat(),
        -0x80_0000..=0x7F_FFFF => [&[0xF2], &bytes[..3]].concat(),
        -0x8000_0000..=0x7FFF_FFFF => [&[0xF3], &bytes[..4]].concat(),
        _ => [&[0xF4], &bytes[..]].concat(),
    }
}

fn encode_string_len(len: u32) -> Vec<u8> {
    let bytes = len.to_le_bytes();
    match len {
        0..=63 => vec![0x80 | bytes[0]],
        64..=4095 => vec![0xE0 | bytes[1], bytes[0]],
        _ => [&[0xF0], &bytes[..]].concat(),
    }
}

fn push_back_length(entry: &mut Vec<u8>) {
    let len = entry.len() as u64;
    let count = match len {
        0..=127 => 1,
        // The ends of these ranges are the exceptions.
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    };
    for at in (0..count).rev() {
        let has_left_neighbour = if at == count - 1 { 0 } else { 0x80 };
        entry.push((len >> (7 * at)) as u8 & 0x7F | has_left_neighbour);
    }
}
