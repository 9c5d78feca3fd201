//! [`StringError`]: the errors of string operations, in the words that Redis' clients know.

use super::reply::{OUT_OF_MEMORY, display};
use core::fmt;
use zmalloc::ReserveError;

/// The reason why an operation on a string failed. The string is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StringError {
    /// The string is not the canonical decimal form of an `i64`.
    NotAnInteger,
    /// The sum does not fit an `i64`.
    Overflow {
        /// The value of the integer, which does not change.
        value: i64,
    },
    /// The string is not the text of a number.
    NotAFloat,
    /// The sum would not be a finite number, or the increment is not one.
    NotFinite,
    /// The string would be longer than [`proto_max_bulk_len`](crate::EncodingLimits::proto_max_bulk_len).
    TooLong {
        /// The length that it would have, in bytes. `usize::MAX` stands for any larger number.
        len: usize,
    },
    /// The bit is beyond the same limit.
    BitOffset {
        /// The number of the bit, counted from the start of the string.
        offset: u64,
    },
    /// There was no memory.
    Reserve(ReserveError),
}

impl StringError {
    /// Returns the error as Redis words it in a reply, without the leading `-`.
    pub const fn reply(&self) -> &'static str {
        match self {
            Self::NotAnInteger => "ERR value is not an integer or out of range",
            Self::Overflow { .. } => "ERR increment or decrement would overflow",
            Self::NotAFloat => "ERR value is not a valid float",
            Self::NotFinite => "ERR increment would produce NaN or Infinity",
            Self::TooLong { .. } => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Self::BitOffset { .. } => "ERR bit offset is not an integer or out of range",
            Self::Reserve(_) => OUT_OF_MEMORY,
        }
    }
}

impl fmt::Display for StringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(
            f,
            self.reply(),
            match self {
                Self::Reserve(error) => Some(error),
                _ => None,
            },
        )
    }
}

impl core::error::Error for StringError {}

impl From<ReserveError> for StringError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}
