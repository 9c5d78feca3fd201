#![doc = include_str!("../README.md")]

mod cursor;
mod foreign;
pub mod length;
pub mod random;

pub use cursor::Cursor;
pub use foreign::{Fault, FromBytesError, Malformed};
