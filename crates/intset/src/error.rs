//! What can be wrong with bytes from elsewhere.

use core::fmt;

/// What is wrong with bytes that should be an intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end before the header does, which has eight bytes.
    Truncated,
    /// The encoding is not 2, 4 or 8.
    Encoding,
    /// The header's length is not that of what follows.
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

/// The bytes are not a valid intset. The offset is that of the first byte of what is wrong.
pub type Malformed = common::Malformed<Fault>;

/// Why no set could be made of foreign bytes.
pub type FromBytesError = common::FromBytesError<Fault>;
