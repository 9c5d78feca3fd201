//! Room that could not be had, as a value: the error of every structure that allocates here.

use crate::oom;
use core::fmt;

/// Room could not be had. The structure is as it was, unless the operation says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// The structure would be larger than its format can say, whatever memory there is.
    TooLong {
        /// Its size now, in bytes.
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
    /// The size that could not be had, in bytes: of the block, or of a structure too large for any block
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
                write!(f, "a structure of {len} bytes cannot grow by {additional} bytes")
            }
            Self::OutOfMemory { size } => write!(f, "out of memory: {size} bytes refused"),
        }
    }
}

impl core::error::Error for ReserveError {}

/// The infallible half of every fallible operation of the structures above: ends in the OOM handler.
///
/// ```
/// let block = zmalloc::ztrymalloc(16).ok_or(zmalloc::ReserveError::OutOfMemory { size: 16 });
/// let block = zmalloc::or_oom(block);
/// // SAFETY: a block of the raw family, freed once.
/// unsafe { zmalloc::zfree(block) };
/// ```
#[inline]
pub fn or_oom<T>(result: Result<T, ReserveError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => oom(error.size()),
    }
}
