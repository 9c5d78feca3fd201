#![doc = include_str!("../README.md")]

mod error;
mod geometry;
mod group;
mod iter;
mod layout;
mod overflow;
mod raw;
mod scan;
mod stats;
mod storage;
mod table;
#[cfg(test)]
mod tests;

pub use error::{TryInsertError, TryReserveError};
pub use scan::Cursor;
pub use stats::{Stats, Work};
pub use table::{AbsentEntry, Entry, OccupiedEntry, Table, VacantEntry};

/// The iterators of a [`Table`].
pub mod table_iter {
    pub use crate::iter::{Drain, IntoIter, Iter, IterMut};
}
