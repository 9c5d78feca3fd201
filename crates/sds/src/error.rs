//! What can go wrong, as values.

use core::fmt;

/// Room could not be had. The string is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// The string would be longer than [`MAX_LEN`](crate::layout::MAX_LEN).
    TooLong {
        /// Its length now, in bytes.
        len: usize,
        /// What was to be added, in bytes.
        additional: usize,
    },
    /// The allocator refused.
    OutOfMemory {
        /// What it was asked for, in bytes.
        size: usize,
    },
}

impl ReserveError {
    /// The size that could not be had, in bytes: of the block, or of a string too long for any block
    /// (`usize::MAX` where even that overflows).
    pub fn size(&self) -> usize {
        match *self {
            Self::TooLong { len, additional } => len.saturating_add(additional),
            Self::OutOfMemory { size } => size,
        }
    }
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len, additional } => {
                write!(f, "a string of {len} bytes cannot grow by {additional}")
            }
            Self::OutOfMemory { size } => write!(f, "out of memory: {size} bytes refused"),
        }
    }
}

impl core::error::Error for ReserveError {}

/// The infallible half of every fallible operation: ends in zmalloc's OOM handler.
#[inline]
pub(crate) fn or_oom<T>(result: Result<T, ReserveError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => zmalloc::oom(error.size()),
    }
}

/// Why [`Sds::try_push_fmt`](crate::Sds::try_push_fmt) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// There was no room for the text.
    Reserve(ReserveError),
    /// A value refused to be formatted.
    Display,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserve(error) => error.fmt(f),
            Self::Display => f.write_str("a value could not be formatted"),
        }
    }
}

impl core::error::Error for FormatError {}
