//! The frame of a list: what stands around its entries.
//!
//! ```text
//!   byte 0        4       6                                 byte_len - 1
//!      +----------+-------+---------+---------+-----------+------+
//!      | byte_len | count | entry 0 | entry 1 |    ...    | 0xFF |
//!      |  u32 LE  | u16   |         |         |           |      |
//!      +----------+-------+---------+---------+-----------+------+
//! ```

/// Bytes before the first entry.
pub(crate) const HEADER_LEN: usize = 6;
/// Bytes of a list without entries: header and end.
pub(crate) const EMPTY_LEN: usize = HEADER_LEN + 1;
/// The most bytes that a list may have: 1 GiB, as Redis allows.
pub const BYTE_LEN_MAX: usize = 1 << 30;
/// The count of a list with more entries than 16 bits can say. They have to be counted.
pub(crate) const COUNT_UNKNOWN: u16 = u16::MAX;
/// The byte behind the last entry.
pub(crate) const END: u8 = 0xFF;
