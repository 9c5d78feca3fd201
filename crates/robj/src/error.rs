//! [`AccessError`]: the reason why an object cannot be changed.

use core::fmt;
use values::{Error, ReserveError, WrongType};

/// The reason why an object cannot be changed. The object stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// The object has another type.
    WrongType(WrongType),
    /// The object has other references, and this operation does not copy.
    /// [`Robj::make_collection_mut`](crate::Robj::make_collection_mut) does.
    Shared {
        /// The number of references.
        refcount: u32,
    },
    /// There is no memory for a copy.
    Reserve(ReserveError),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType(error) => error.fmt(f),
            Self::Shared { refcount } => write!(f, "the object has {refcount} references"),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AccessError {}

impl From<WrongType> for AccessError {
    fn from(error: WrongType) -> Self {
        Self::WrongType(error)
    }
}

impl From<ReserveError> for AccessError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}

impl From<AccessError> for Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::WrongType(error) => Self::WrongType(error),
            AccessError::Shared { refcount } => Self::Shared { refcount },
            AccessError::Reserve(error) => Self::Reserve(error),
        }
    }
}
