#![doc = include_str!("../README.md")]

mod clock;
mod collections;
mod convert;
mod error;
mod header;
mod object;
mod ref_mut;
mod refcount;
mod shared;
mod string;
mod value;

pub use error::AccessError;
pub use object::{HEADER_SIZE, Robj};
pub use ref_mut::RefMut;
pub use refcount::SHARED_REFCOUNT;
pub use values::{Cursor, Encoding, EncodingLimits, ObjectType};
