//! The bytes of a key in classic Redis.

/// The bytes of an object: type, encoding and lru in 4, refcount in 4, pointer in 8.
const OBJECT: u64 = 16;

/// The integers that have a shared object.
const SHARED: std::ops::Range<i64> = 0..10_000;

/// The longest string that is in the block of its object.
const EMBEDDED_LEN_MAX: u64 = 44;

/// Returns the bytes that a key of `key_len` bytes and its value take: the table's entry, the key and the value.
/// `class` returns the size of the block for a number of bytes.
pub(crate) fn key_bytes(key_len: u64, value: &str, class: impl Fn(u64) -> u64) -> u64 {
    let entry = class(8 + 8 + 8);
    let key = class(sds_bytes(key_len));
    let value_len = value.len() as u64;
    let value = match integer(value) {
        Some(integer) if SHARED.contains(&integer) => 0,
        Some(_) => class(OBJECT),
        None if value_len <= EMBEDDED_LEN_MAX => class(OBJECT + 3 + value_len + 1),
        None => class(OBJECT) + class(sds_bytes(value_len)),
    };
    entry + key + value
}

/// Returns the bytes of a string in a block of its own: the header, the string and the NUL.
fn sds_bytes(len: u64) -> u64 {
    let header = match len {
        1..=31 => 1,
        0..=0xff => 3,
        0x100..=0xffff => 5,
        0x1_0000..=0xffff_ffff => 9,
        _ => 17,
    };
    header + len + 1
}

/// Returns the integer whose decimal text is `text`.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok().filter(|integer: &i64| integer.to_string() == text)
}
