//! What can go wrong.

use core::error::Error;
use core::fmt;

/// Memory for more entries could not be had. The table is as it was, or has grown a part of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryReserveError {
    /// How many entries were to be added.
    pub additional: usize,
}

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no memory for {} more entries", self.additional)
    }
}

impl Error for TryReserveError {}

/// Memory for one more entry could not be had. The table is as it was, and here is the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryInsertError<T> {
    /// What was to be inserted.
    pub entry: T,
}

impl<T> fmt::Debug for TryInsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryInsertError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for TryInsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no memory for one more entry")
    }
}

impl<T> Error for TryInsertError<T> {}

/// Ends an infallible operation that found no memory for `bytes`, and drops what was to be added.
#[cold]
#[inline(never)]
pub(crate) fn out_of_memory<T>(bytes: usize, lost: T) -> ! {
    drop(lost);
    zmalloc::oom(bytes)
}
