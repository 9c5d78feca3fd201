//! [`HashError`]: the errors of incrementing a field, in the words that Redis' clients know.

use super::reply::{OUT_OF_MEMORY, display};
use core::fmt;
use zmalloc::ReserveError;

/// The reason why a field was not incremented. The hash is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashError {
    /// The value is not the canonical decimal form of an `i64`.
    NotAnInteger,
    /// The sum does not fit an `i64`.
    Overflow {
        /// The value of the integer, which does not change.
        value: i64,
    },
    /// The value is not the text of a number.
    NotAFloat,
    /// The sum would not be a finite number, or the increment is not one.
    NotFinite,
    /// There was no memory.
    Reserve(ReserveError),
}

impl HashError {
    /// Returns the error as Redis words it in a reply, without the leading `-`.
    pub const fn reply(&self) -> &'static str {
        match self {
            Self::NotAnInteger => "ERR hash value is not an integer",
            Self::Overflow { .. } => "ERR increment or decrement would overflow",
            Self::NotAFloat => "ERR hash value is not a float",
            Self::NotFinite => "ERR increment would produce NaN or Infinity",
            Self::Reserve(_) => OUT_OF_MEMORY,
        }
    }
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reserve = match self {
            Self::Reserve(error) => Some(error),
            _ => None,
        };
        display(f, self.reply(), reserve)
    }
}

impl core::error::Error for HashError {}

impl From<ReserveError> for HashError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}
