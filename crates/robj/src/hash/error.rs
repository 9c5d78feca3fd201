//! What counting in a hash may refuse, as values; printed in the words that Redis' clients know.

use crate::string::StringError;
use core::fmt;
use zmalloc::{ReserveError, oom};

/// Why a field was not counted up. The hash is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashError {
    /// The value is not the canonical decimal form of an `i64`.
    NotAnInteger,
    /// The sum would not be an `i64`.
    Overflow {
        /// What the integer is, and stays.
        value: i64,
    },
    /// The value is not the text of a number.
    NotAFloat,
    /// The sum would not be a finite number, or the increment is none.
    NotFinite,
    /// There was no room.
    Reserve(ReserveError),
}

impl HashError {
    /// The infallible half of an operation: what is left are the errors of the caller's making.
    #[inline]
    pub(super) fn or_oom<T>(result: Result<T, Self>) -> Result<T, Self> {
        match result {
            Err(Self::Reserve(error)) => oom(error.size()),
            other => other,
        }
    }
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnInteger => "hash value is not an integer",
            Self::Overflow { .. } => "increment or decrement would overflow",
            Self::NotAFloat => "hash value is not a float",
            Self::NotFinite => "increment would produce NaN or Infinity",
            Self::Reserve(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for HashError {}

impl From<ReserveError> for HashError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}

/// Of the errors of a sum in decimal.
impl From<StringError> for HashError {
    fn from(error: StringError) -> Self {
        match error {
            StringError::NotFinite => Self::NotFinite,
            StringError::Reserve(error) => Self::Reserve(error),
            _ => Self::NotAFloat,
        }
    }
}
