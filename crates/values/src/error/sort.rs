//! [`SortError`]: the errors of sorting.

use super::reply::{OUT_OF_MEMORY, display};
use core::fmt;
use zmalloc::ReserveError;

/// The reason why elements were not sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SortError {
    /// An element is not a number. In C: `One or more scores can't be converted into double`.
    NotADouble {
        /// The number of the element in the order of the input, from 0.
        index: usize,
    },
    /// There was no memory for the result.
    Reserve(ReserveError),
}

impl SortError {
    /// Returns the error as Redis words it in a reply, without the leading `-`.
    pub const fn reply(&self) -> &'static str {
        match self {
            Self::NotADouble { .. } => "ERR One or more scores can't be converted into double",
            Self::Reserve(_) => OUT_OF_MEMORY,
        }
    }
}

impl fmt::Display for SortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reserve = match self {
            Self::Reserve(error) => Some(error),
            Self::NotADouble { .. } => None,
        };
        display(f, self.reply(), reserve)
    }
}

impl core::error::Error for SortError {}

impl From<ReserveError> for SortError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}
