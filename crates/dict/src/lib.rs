#![doc = include_str!("../README.md")]

mod chunk;
pub mod classic;
mod compact;
mod error;
mod geometry;
mod group;
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
mod stats;
mod storage;
pub mod table;
#[cfg(test)]
mod tests;

pub use compact::CompactPtr;
pub use error::{TryInsertError, TryReserveError};
pub use map::{DefaultHashBuilder, Dict};
pub use resize::ResizePolicy;
pub use scan::Cursor;
pub use stats::{Stats, Work};
pub use table::Table;
