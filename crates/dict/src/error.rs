//! What can go wrong: memory is missing, and then an entry that was to be added comes back. Or a look-up that
//! gives up early has decided nothing.

use core::error::Error;
use core::fmt;

use zmalloc::{ReserveError, oom};

/// Memory for one more entry could not be had. The table is as it was, and here is the entry.
///
/// `?` turns it into a [`ReserveError`] where the entry is of no more use.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryInsertError<T> {
    /// What was to be inserted.
    pub entry: T,
    /// What could not be had: the first chunk of the table, or an overflow child.
    pub error: ReserveError,
}

impl<T> TryInsertError<T> {
    /// Ends an operation that cannot say that it found no memory. The entry is dropped first.
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

/// The error of [`Table::find_first`](crate::Table::find_first): one entry does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided;

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more than one entry may have this hash")
    }
}

impl Error for Undecided {}
