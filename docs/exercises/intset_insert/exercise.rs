//! An insert into the bytes of an intset.

/// The bytes in front of the integers: the width in 4 bytes, and the number of integers in 4 bytes.
const HEADER: usize = 8;

/// Adds an integer to the bytes of an intset. Returns whether it is new.
pub(crate) fn insert(set: &mut Vec<u8>, value: i64) -> bool {
    todo!("insert {value} into {:?}, whose header is {:?}", &set[HEADER..], &set[..HEADER])
}
