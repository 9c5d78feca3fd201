#![doc = include_str!("../README.md")]

mod cursor;
pub mod length;
mod malformed;
mod parts;
pub mod random;
mod room;
mod thousands;

pub use cursor::Cursor;
pub use malformed::{Fault, FromBytesError, Malformed};
pub use parts::{Part, PartBytes};
pub use room::{Gap, NoRoom, Room, Writer};
pub use thousands::{SignedThousands, Thousands};
pub use zmalloc::ReserveError;
