//! [`Error`]: why an operation on a keyspace failed.

use core::convert::Infallible;
use core::fmt;
use values::string::StringError;
use values::{ReserveError, SortError, WrongType};
use values::{hash::HashError, zset::AddError};

/// The reason why an operation on a keyspace failed. The key and its value are unchanged, except for what a
/// closure has changed.
///
/// [`reply`](Self::reply) returns the error as Redis words it. All errors of the crate `values` convert into
/// this type by `From`, so a closure that edits a value can use `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The operation on the value failed, the value is of another type, or there is no memory.
    Value(values::Error),
    /// The key is longer than 2^32 - 1 bytes, the longest that a key can be.
    KeyTooLong {
        /// The number of bytes of the key.
        len: usize,
    },
    /// There is no such key.
    NoSuchKey,
    /// The expiry time is not valid. It is zero or negative where the command needs a positive number, or it
    /// does not fit into 63 bits of milliseconds.
    InvalidExpireTime,
    /// The write does not fit below `maxmemory`, or no key can be evicted for it. In C: `C_ERR` of
    /// `performEvictions`.
    MaxmemoryReached {
        /// How many bytes the write adds. The number is approximate if the value reserves room to grow.
        additional: usize,
        /// The limit, in bytes.
        maxmemory: usize,
    },
    /// Some strings or keys may still be coded with an older symbol table. See
    /// [`Keyspace::set_symbols`](crate::Keyspace::set_symbols).
    SymbolsInUse,
    /// The conditions of `EXPIRE` or `ZADD` exclude each other. The field is the error as Redis words it.
    IncompatibleOptions(&'static str),
}

impl Error {
    /// Returns the error as Redis words it in a reply, without the leading `-`. Redis adds the command's name
    /// to [`InvalidExpireTime`](Self::InvalidExpireTime).
    ///
    /// ```
    /// assert_eq!(keyspace::Error::NoSuchKey.reply(), "ERR no such key");
    /// ```
    pub const fn reply(&self) -> &'static str {
        match self {
            Self::Value(error) => error.reply(),
            Self::KeyTooLong { .. } => "ERR key is too long",
            Self::NoSuchKey => "ERR no such key",
            Self::InvalidExpireTime => "ERR invalid expire time",
            Self::MaxmemoryReached { .. } => "OOM command not allowed when used memory > 'maxmemory'.",
            Self::SymbolsInUse => "ERR an older symbol table is still in use",
            Self::IncompatibleOptions(reply) => reply,
        }
    }

    /// Returns the failed reservation if there was no memory, and otherwise `None`.
    pub const fn reserve_error(&self) -> Option<ReserveError> {
        match self {
            Self::Value(error) => error.reserve_error(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(error) => error.fmt(f),
            Self::KeyTooLong { len } => write!(f, "a key of {len} bytes is too long"),
            Self::NoSuchKey => f.write_str("no such key"),
            Self::InvalidExpireTime => f.write_str("invalid expire time"),
            Self::MaxmemoryReached { additional, maxmemory } => {
                write!(f, "{additional} more bytes do not fit below a maxmemory of {maxmemory}")
            }
            Self::SymbolsInUse => f.write_str("an older symbol table is still in use"),
            Self::IncompatibleOptions(_) => f.write_str("conditions that exclude each other"),
        }
    }
}

impl core::error::Error for Error {}

macro_rules! from_value_error {
    ($($Error:ty),* $(,)?) => { $(
        impl From<$Error> for Error {
            #[inline]
            fn from(error: $Error) -> Self {
                Self::Value(error.into())
            }
        }
    )* };
}

from_value_error!(values::Error, WrongType, ReserveError, StringError, HashError, AddError, SortError);

/// For closures that cannot fail.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
