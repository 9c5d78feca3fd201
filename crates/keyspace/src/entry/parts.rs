//! The number of bytes of each part of a block, for blocks that do not exist yet. Lengths have 64 bits on
//! every machine.

use super::{EXPIRY_SIZE, KEY_HEADER_AT, KeyLayout, content, length, word};

/// The bytes of a head.
pub(crate) const HEAD: u64 = KEY_HEADER_AT as u64;

/// The bytes of an expiry.
pub(crate) const EXPIRY: u64 = EXPIRY_SIZE as u64;

/// The bytes of a word, for a value that is stored outside of the block.
pub(crate) const WORD: u64 = word::SIZE as u64;

/// The length of the longest string that is stored in the block, in bytes.
pub(crate) const INLINE_LEN_MAX: u64 = content::INLINE_LEN_MAX as u64;

fn saturated(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// Returns the bytes that the header of a plain key of `len` bytes takes.
pub(crate) fn key_header(len: u64) -> u64 {
    KeyLayout::plain(saturated(len)).header_len() as u64
}

/// Returns the bytes that the length of a string of `len` bytes takes in the block.
pub(crate) fn string_len(len: u64) -> u64 {
    length::size(saturated(len)) as u64
}

/// Returns the bytes of an integer.
pub(crate) fn int(value: i64) -> u64 {
    content::int_width(value) as u64
}

/// Returns the bytes of padding between a key that ends at offset `end` and a word.
pub(crate) fn padding(end: u64) -> u64 {
    let align = word::ALIGN as u64;
    end.wrapping_neg() % align
}

#[cfg(test)]
mod tests {
    use super::super::{Content, Entry};
    use super::*;

    /// Returns the length of a block with this key and value, as the sum of its parts.
    fn sum(key: &[u8], expires: bool, value: &[u8]) -> u64 {
        let front = HEAD + key_header(key.len() as u64) + if expires { EXPIRY } else { 0 } + key.len() as u64;
        let len = value.len() as u64;
        match core::str::from_utf8(value).ok().and_then(|text| text.parse().ok()) {
            Some(number) => front + int(number),
            None if len <= INLINE_LEN_MAX => front + string_len(len) + len,
            None => front + padding(front) + WORD,
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "the other tests of entries cover the unsafe code")]
    fn the_parts_sum_to_the_bytes_of_an_entry() {
        let values = [0, 1, 253, 254, 1_024, 1_025, 70_000].map(|len| vec![b'x'; len]);
        let numbers =
            ["0", "127", "-129", "100000", "-9223372036854775808"].map(|text| text.as_bytes().to_vec());
        for key in [0, 1, 2, 3, 4, 5, 6, 7, 8, 253, 254, 300].map(|len| vec![b'k'; len]) {
            for value in values.iter().chain(&numbers) {
                for expiry in [None, Some(1)] {
                    let content = Content::try_string(value.as_slice().into()).unwrap();
                    let entry = Entry::try_new(&key, expiry, 0, content).unwrap();
                    let context = (key.len(), value.len(), expiry);
                    assert_eq!(sum(&key, expiry.is_some(), value), entry.byte_len() as u64, "{context:?}");
                }
            }
        }
    }
}
