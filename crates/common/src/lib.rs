#![doc = include_str!("../README.md")]

mod cursor;
mod foreign;
pub mod length;
pub mod random;
mod room;
mod thousands;

pub use cursor::Cursor;
pub use foreign::{Fault, FromBytesError, Malformed};
pub use room::{Gap, NoRoom, Room, Writer};
pub use thousands::{SignedThousands, Thousands};
pub use zmalloc::ReserveError;
