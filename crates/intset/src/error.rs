//! The errors of bytes that are not a valid intset.

use core::fmt;

/// The reason why bytes are not a valid intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There are fewer bytes than the eight of the header.
    Truncated,
    /// The encoding is not 2, 4 or 8.
    Encoding,
    /// The header's length does not match the number of bytes after the header.
    Length,
    /// The integer is not greater than the one before it.
    Order,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the bytes end within the header",
            Self::Encoding => "no such encoding",
            Self::Length => "the length is not that of the contents",
            Self::Order => "an integer that is not greater than the one before it",
        })
    }
}

impl common::Fault for Fault {
    const FORMAT: &'static str = "intset";
}

/// The bytes are not a valid intset. The offset is that of the first byte of the wrong field or integer. If
/// the header is truncated, the offset is the number of bytes.
pub type Malformed = common::Malformed<Fault>;

/// The bytes are not a valid intset, or there was no memory for a copy of them.
pub type FromBytesError = common::FromBytesError<Fault>;
