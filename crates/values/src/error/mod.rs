//! What a command may refuse, as values: each operation's own error, and [`Error`] for callers that want one type.

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

/// The value is of another type than the operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongType {
    /// What the operation is for.
    pub expected: ObjectType,
    /// What the value is.
    pub found: ObjectType,
}

impl WrongType {
    /// The error, if `found` is not what is `expected`.
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

/// Any error of this crate, and of an object around a value. All of them go into it by `From`.
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
    /// The value is of another type than the operation is for.
    WrongType(WrongType),
    /// An operation on a string refused.
    String(StringError),
    /// A field of a hash cannot be counted up.
    Hash(HashError),
    /// A member of a sorted set cannot have that score.
    ZSet(AddError),
    /// The elements cannot be sorted.
    Sort(SortError),
    /// Others hold the value too, and the operation does not copy it.
    Shared {
        /// How many references there are.
        refcount: u32,
    },
    /// Packed bytes from elsewhere are not valid.
    Malformed {
        /// Where the fault is, in bytes from the start.
        offset: usize,
    },
    /// Values of this type are not packed in that encoding.
    NotPacked {
        /// What was asked for.
        encoding: Encoding,
    },
    /// There was no memory. [`From`] turns the `Reserve` variant of every other error into this one.
    Reserve(ReserveError),
}

impl Error {
    /// The error as Redis words it in a reply, without the leading `-`. Errors that no client of Redis can see have words of
    /// the same kind.
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

    /// What memory was refused, if that is the error.
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

    /// The form for callers that have an out-of-memory handler: it is called for want of memory, and all other errors remain.
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

/// Want of memory is the same error whichever operation had it.
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
