//! The bytes of a key in classic Redis.

/// Returns the bytes that a key of `key_len` bytes and its value take: the table's entry, the key and the value.
/// `class` returns the size of the block for a number of bytes.
pub(crate) fn key_bytes(key_len: u64, value: &str, class: impl Fn(u64) -> u64) -> u64 {
    let entry = class(8 + 8 + 8);
    todo!("{entry} bytes, and those of a key of {key_len} bytes with the value {value}")
}
