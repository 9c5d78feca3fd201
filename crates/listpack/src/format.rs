//! The format of a list: a header, the entries, and an end byte.
//!
//! ```text
//!   byte 0        4        6                                 byte_len - 1
//!      +----------+--------+---------+---------+-----------+------+
//!      | byte_len | count  | entry 0 | entry 1 |    ...    | 0xFF |
//!      |  u32 LE  | u16 LE |         |         |           |      |
//!      +----------+--------+---------+---------+-----------+------+
//! ```

/// How many bytes are in front of the first entry.
pub(crate) const HEADER_LEN: usize = 6;
/// How many bytes a list without entries has: the header and the end byte.
pub(crate) const EMPTY_LEN: usize = HEADER_LEN + 1;
/// The maximum size of a list in bytes: 1 GiB, as in Redis.
pub const BYTE_LEN_MAX: usize = 1 << 30;
/// The count in the header if the number of entries is not known. A list that reaches 65,535 entries has this
/// count. Its entries have to be counted one by one.
pub(crate) const COUNT_UNKNOWN: u16 = u16::MAX;
/// The byte after the last entry.
pub(crate) const END: u8 = 0xFF;
