//! [`AddError`]: the errors of adding to a sorted set.

use super::reply::{OUT_OF_MEMORY, display};
use core::fmt;
use zindex::InsertError;
use zmalloc::ReserveError;

/// The reason why a member was not added. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddError {
    /// The score is NaN, or would be, because infinity and its opposite were added. In C: `ZADD_OUT_NAN`.
    NotANumber,
    /// There is no memory.
    Reserve(ReserveError),
}

impl From<ReserveError> for AddError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}

impl From<InsertError> for AddError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Reserve(error) => Self::Reserve(error),
            _ => Self::NotANumber,
        }
    }
}

impl AddError {
    /// Returns the error as Redis words it in a reply, without the leading `-`.
    pub const fn reply(&self) -> &'static str {
        match self {
            Self::NotANumber => "ERR resulting score is not a number (NaN)",
            Self::Reserve(_) => OUT_OF_MEMORY,
        }
    }
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reserve = match self {
            Self::Reserve(error) => Some(error),
            Self::NotANumber => None,
        };
        display(f, self.reply(), reserve)
    }
}

impl core::error::Error for AddError {}
