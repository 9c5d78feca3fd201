//! What can go wrong with bytes from elsewhere.

use core::fmt;
use zmalloc::ReserveError;

/// Bytes that are no intset, and where they stop being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// Of the first byte of what is wrong, from the start.
    pub offset: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with bytes that are no intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// They end before the header does, which has eight bytes.
    Truncated,
    /// The encoding is none of 2, 4 and 8.
    Encoding,
    /// The header's length is not that of what follows.
    Length,
    /// The integer is not greater than the one before it.
    Order,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Truncated => "the bytes end within the header",
            Fault::Encoding => "no such encoding",
            Fault::Length => "the length is not that of the contents",
            Fault::Order => "an integer that is not greater than the one before it",
        };
        write!(f, "malformed intset at offset {}: {fault}", self.offset)
    }
}

impl core::error::Error for Malformed {}

/// Why [`IntSet::try_from_bytes`](crate::IntSet::try_from_bytes) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromBytesError {
    /// The bytes are no intset.
    Malformed(Malformed),
    /// There was no room for a copy of them.
    Reserve(ReserveError),
}

impl fmt::Display for FromBytesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for FromBytesError {}

impl From<Malformed> for FromBytesError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl From<ReserveError> for FromBytesError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}
