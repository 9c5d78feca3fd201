//! The errors of this crate: [`TryInsertError`] for missing memory, and [`Undecided`] for a look-up that
//! needs more than one comparison.

use core::error::Error;
use core::fmt;

use zmalloc::{ReserveError, oom};

/// The error when there is no memory for one more entry. The table is unchanged. The error gives back what the caller
/// passed: the entry, or only the key in the case of `Dict::try_entry`.
///
/// `?` converts this error to a [`ReserveError`] and drops the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryInsertError<T> {
    /// The entry that was not inserted, or its key.
    pub entry: T,
    /// The allocation that failed: the first chunk of the table, or an overflow child.
    pub error: ReserveError,
}

impl<T> TryInsertError<T> {
    /// Calls the OOM handler, for operations that do not return this error. The entry is dropped first.
    #[cold]
    #[inline(never)]
    pub(crate) fn oom(self) -> ! {
        let Self { entry, error } = self;
        drop(entry);
        oom(error.size())
    }
}

impl<T> From<TryInsertError<T>> for ReserveError {
    fn from(error: TryInsertError<T>) -> Self {
        error.error
    }
}

impl<T> fmt::Debug for TryInsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryInsertError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for TryInsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room for one more entry: {}", self.error)
    }
}

impl<T> Error for TryInsertError<T> {}

/// The error of [`Table::find_first`](crate::Table::find_first): comparing one entry does not decide the
/// look-up. Call [`Table::find_map`](crate::Table::find_map) instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided;

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more than one entry may have this hash")
    }
}

impl Error for Undecided {}
