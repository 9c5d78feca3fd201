//! The header and the end byte of a list, which are in front of its entries and behind them.
//!
//! ```text
//!   byte 0        4       6                                 byte_len - 1
//!      +----------+-------+---------+---------+-----------+------+
//!      | byte_len | count | entry 0 | entry 1 |    ...    | 0xFF |
//!      |  u32 LE  | u16   |         |         |           |      |
//!      +----------+-------+---------+---------+-----------+------+
//! ```

/// How many bytes are in front of the first entry.
pub(crate) const HEADER_LEN: usize = 6;
/// How many bytes a list without entries has: the header and the end byte.
pub(crate) const EMPTY_LEN: usize = HEADER_LEN + 1;
/// The maximum size of a list in bytes: 1 GiB, as in Redis.
pub const BYTE_LEN_MAX: usize = 1 << 30;
/// The count in the header if 16 bits are too few for it. Such a list has to be walked to count its entries.
pub(crate) const COUNT_UNKNOWN: u16 = u16::MAX;
/// The byte behind the last entry.
pub(crate) const END: u8 = 0xFF;
