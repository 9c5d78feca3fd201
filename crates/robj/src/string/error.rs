//! What a string operation may refuse, as values; printed in the words that Redis' clients know.

use crate::error::WrongType;
use core::fmt;
use zmalloc::{ReserveError, oom};

/// Why an operation on a string did nothing. The object is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StringError {
    /// The object is no string.
    WrongType(WrongType),
    /// The string is not the canonical decimal form of an `i64`.
    NotAnInteger,
    /// The sum would not be an `i64`.
    Overflow {
        /// What the integer is, and stays.
        value: i64,
    },
    /// The string is not the text of a number.
    NotAFloat,
    /// The sum would not be a finite number, or the increment is none.
    NotFinite,
    /// The string would be longer than [`proto_max_bulk_len`](crate::EncodingLimits::proto_max_bulk_len).
    TooLong {
        /// What its length would be, in bytes; `usize::MAX` for more than that.
        len: usize,
    },
    /// No string may have a bit there, by the same limit.
    BitOffset {
        /// The bit that was asked for, counted from the start of the string.
        offset: u64,
    },
    /// There was no room.
    Reserve(ReserveError),
}

impl StringError {
    /// The infallible half of an operation: what is left are the errors of the caller's making.
    #[inline]
    pub(super) fn or_oom<T>(result: Result<T, Self>) -> Result<T, Self> {
        match result {
            Err(Self::Reserve(error)) => oom(error.size()),
            other => other,
        }
    }
}

impl fmt::Display for StringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnInteger => "value is not an integer or out of range",
            Self::Overflow { .. } => "increment or decrement would overflow",
            Self::NotAFloat => "value is not a valid float",
            Self::NotFinite => "increment would produce NaN or Infinity",
            Self::TooLong { .. } => "string exceeds maximum allowed size (proto-max-bulk-len)",
            Self::BitOffset { .. } => "bit offset is not an integer or out of range",
            Self::WrongType(error) => return error.fmt(f),
            Self::Reserve(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for StringError {}

impl From<ReserveError> for StringError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}

impl From<WrongType> for StringError {
    fn from(error: WrongType) -> Self {
        Self::WrongType(error)
    }
}
