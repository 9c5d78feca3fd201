//! The errors of this crate.

use core::error::Error;
use core::fmt;

use zmalloc::ReserveError;

/// The score is NaN, which has no place in an order. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the score is not a number")
    }
}

impl Error for NotANumber {}

/// The reason why a member was not inserted. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsertError {
    /// The score is NaN.
    NotANumber(NotANumber),
    /// The allocation failed, or the member is too long.
    Reserve(ReserveError),
}

impl InsertError {
    /// Returns the value, or the error of a score that is NaN. For a [`ReserveError`], calls the OOM handler,
    /// which does not return.
    pub(crate) fn or_oom<T>(result: Result<T, Self>) -> Result<T, NotANumber> {
        match result {
            Ok(value) => Ok(value),
            Err(Self::NotANumber(error)) => Err(error),
            Err(Self::Reserve(error)) => zmalloc::or_oom(Err(error)),
        }
    }
}

impl From<NotANumber> for InsertError {
    fn from(error: NotANumber) -> Self {
        Self::NotANumber(error)
    }
}

impl From<ReserveError> for InsertError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber(error) => error.fmt(f),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl Error for InsertError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotANumber(error) => Some(error),
            Self::Reserve(error) => Some(error),
        }
    }
}
