#![doc = include_str!("../README.md")]

pub mod classic;
mod error;
mod extract;
mod geometry;
mod group;
mod hash;
pub mod iter;
mod layout;
pub mod map;
mod overflow;
mod raw;
mod scan;
#[cfg(feature = "serde")]
mod serde_impl;
mod stats;
mod storage;
pub mod table;
#[cfg(test)]
mod tests;

pub use error::{TryInsertError, TryReserveError};
pub use extract::ExtractIf;
pub use hash::{DefaultHashBuilder, DefaultHasher};
pub use map::Dict;
pub use scan::Cursor;
pub use stats::{Stats, Work};
pub use table::Table;
