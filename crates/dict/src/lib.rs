#![doc = include_str!("../README.md")]

mod chunk;
pub mod classic;
mod compact;
mod error;
mod expected;
mod geometry;
mod group;
mod hash;
pub mod iter;
mod layout;
pub mod map;
mod moving;
mod overflow;
pub mod prefetch;
mod raw;
pub mod resize;
mod sample;
mod scan;
#[cfg(feature = "serde")]
mod serde_impl;
mod slot;
mod stats;
mod storage;
pub mod table;
#[cfg(test)]
mod tests;

pub use common::Cursor;
pub use compact::CompactPtr;
pub use error::{TryInsertError, Undecided};
pub use expected::ExpectedSize;
pub use hash::{DefaultHashBuilder, DefaultHasher};
pub use map::Dict;
pub use resize::ResizePolicy;
pub use stats::{Stats, Work};
pub use table::Table;
