//! [`ReserveError`]: the error of every structure that allocates with this crate.

use crate::oom;
use core::fmt;

/// The error of an operation that needed memory. The structure is unchanged unless the operation says
/// otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// The structure would be larger than its format allows.
    TooLong {
        /// Its present size, in bytes.
        len: usize,
        /// The size to be added, in bytes.
        additional: usize,
    },
    /// The allocator returned no block.
    OutOfMemory {
        /// The size of the request, in bytes.
        size: usize,
    },
}

impl ReserveError {
    /// Returns the size that could not be provided, in bytes. For [`OutOfMemory`](Self::OutOfMemory), this is
    /// the size of the request. For [`TooLong`](Self::TooLong), it is the size that the whole structure would
    /// have, or `usize::MAX` if that overflows.
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

/// Returns the value, or calls the OOM handler with the error's size. The infallible operations of the
/// structures use this.
///
/// ```
/// let block = zmalloc::ztrymalloc(16).ok_or(zmalloc::ReserveError::OutOfMemory { size: 16 });
/// let block = zmalloc::or_oom(block);
/// // SAFETY: the raw block is live, and it is freed once.
/// unsafe { zmalloc::zfree(block) };
/// ```
#[inline]
pub fn or_oom<T>(result: Result<T, ReserveError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => oom(error.size()),
    }
}
