//! Errors: one type for each kind of operation, and [`Error`] for callers that want one type for all.

mod hash;
mod reply;
mod sort;
mod string;
mod zset;

pub use hash::HashError;
pub use sort::SortError;
pub use string::StringError;
pub use zset::AddError;

use crate::types::{Encoding, ObjectType};
use common::{FromBytesError, Malformed};
use core::fmt;
use reply::OUT_OF_MEMORY;
use zmalloc::{ReserveError, oom};

/// The error of an operation on a value of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongType {
    /// The type that the operation needs.
    pub expected: ObjectType,
    /// The type of the value.
    pub found: ObjectType,
}

impl WrongType {
    /// Returns the error unless `found` is `expected`.
    #[inline]
    pub fn check(expected: ObjectType, found: ObjectType) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self { expected, found }) }
    }
}

impl fmt::Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong type: a {} where a {} is needed", self.found, self.expected)
    }
}

impl core::error::Error for WrongType {}

/// Any error of this crate, or of an object that holds a value. All of these errors convert to this type with
/// `From`.
///
/// ```
/// use values::string::{StringError, incr_by};
/// use values::{EncodingLimits, Error, Hash};
/// fn both(hash: &mut Hash) -> Result<i64, Error> {
///     let sum = incr_by("1", 1)?; // a StringError
///     Ok(hash.incr_by("visits", sum, &EncodingLimits::DEFAULT)?) // a HashError
/// }
/// assert_eq!(both(&mut Hash::new()), Ok(2));
/// let error = Error::from(StringError::NotAnInteger);
/// assert_eq!(error.reply(), "ERR value is not an integer or out of range");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The value has another type than the operation needs.
    WrongType(WrongType),
    /// An operation on a string failed.
    String(StringError),
    /// A field of a hash could not be incremented.
    Hash(HashError),
    /// A member of a sorted set cannot have the score.
    ZSet(AddError),
    /// The elements could not be sorted.
    Sort(SortError),
    /// The value has other references, and the operation does not copy it.
    Shared {
        /// The number of references.
        refcount: u32,
    },
    /// Bytes that the caller passed as a packed value are not valid.
    Malformed {
        /// The position of the fault, in bytes from the start.
        offset: usize,
    },
    /// Values of this type are not packed in this encoding.
    NotPacked {
        /// The encoding that the caller passed.
        encoding: Encoding,
    },
    /// There was no memory. [`From`] turns the `Reserve` variant of every other error into this one.
    Reserve(ReserveError),
}

impl Error {
    /// Returns the error as Redis words it in a reply, without the leading `-`. Errors that Redis does not
    /// have are worded in the same way.
    ///
    /// ```
    /// use values::{Error, ObjectType, WrongType};
    /// let error = Error::from(WrongType::check(ObjectType::Hash, ObjectType::Set).unwrap_err());
    /// assert_eq!(error.reply(), "WRONGTYPE Operation against a key holding the wrong kind of value");
    /// ```
    pub const fn reply(&self) -> &'static str {
        match self {
            Self::WrongType(_) => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Self::String(error) => error.reply(),
            Self::Hash(error) => error.reply(),
            Self::ZSet(error) => error.reply(),
            Self::Sort(error) => error.reply(),
            Self::Shared { .. } => "ERR the value is shared",
            Self::Malformed { .. } | Self::NotPacked { .. } => "ERR Bad data format",
            Self::Reserve(_) => OUT_OF_MEMORY,
        }
    }

    /// Returns the error of the allocation, if one failed.
    pub const fn reserve_error(&self) -> Option<ReserveError> {
        match self {
            Self::Reserve(error)
            | Self::String(StringError::Reserve(error))
            | Self::Hash(HashError::Reserve(error))
            | Self::ZSet(AddError::Reserve(error))
            | Self::Sort(SortError::Reserve(error)) => Some(*error),
            _ => None,
        }
    }

    /// Calls the out-of-memory handler if there was no memory. Returns all other errors.
    #[inline]
    pub fn or_oom<T, E>(result: Result<T, E>) -> Result<T, E>
    where
        E: Copy + Into<Self>,
    {
        if let Err(error) = &result
            && let Some(error) = (*error).into().reserve_error()
        {
            oom(error.size())
        }
        result
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType(error) => error.fmt(f),
            Self::String(error) => error.fmt(f),
            Self::Hash(error) => error.fmt(f),
            Self::ZSet(error) => error.fmt(f),
            Self::Sort(error) => error.fmt(f),
            Self::Shared { refcount } => write!(f, "the value has {refcount} references"),
            Self::NotPacked { encoding } => write!(f, "not an encoding that packs the value: {encoding}"),
            Self::Malformed { offset } => write!(f, "malformed packed value at offset {offset}"),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<WrongType> for Error {
    fn from(error: WrongType) -> Self {
        Self::WrongType(error)
    }
}

impl From<ReserveError> for Error {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}

/// Converts an operation's error. Missing memory becomes the same variant for all operations.
macro_rules! from_error_of {
    ($($Error:ident => $variant:ident;)*) => { $(
        impl From<$Error> for Error {
            #[inline]
            fn from(error: $Error) -> Self {
                match error {
                    $Error::Reserve(error) => Self::Reserve(error),
                    error => Self::$variant(error),
                }
            }
        }
    )* };
}

from_error_of! {
    StringError => String;
    HashError => Hash;
    AddError => ZSet;
    SortError => Sort;
}

impl<F> From<Malformed<F>> for Error {
    fn from(error: Malformed<F>) -> Self {
        Self::Malformed { offset: error.offset }
    }
}

impl<F> From<FromBytesError<F>> for Error {
    fn from(error: FromBytesError<F>) -> Self {
        match error {
            FromBytesError::Reserve(error) => Self::Reserve(error),
            FromBytesError::Malformed(error) => error.into(),
            _ => Self::Malformed { offset: 0 },
        }
    }
}
