#![doc = include_str!("../README.md")]

mod algebra;
mod block;
mod error;
mod item;
mod iter;
mod set;
mod traits;

pub use algebra::{Diff, Inter, Union, diff, inter, union};
pub use error::{Fault, FromBytesError, Malformed};
pub use item::Encoding;
pub use iter::Iter;
pub use set::IntSet;
pub use zmalloc::ReserveError;
