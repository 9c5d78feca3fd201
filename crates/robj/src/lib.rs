#![doc = include_str!("../README.md")]

mod clock;
mod collections;
mod convert;
mod error;
mod header;
mod lend;
mod object;
mod refcount;
mod shared;
mod string;
mod value;

pub use error::AccessError;
pub use lend::RefMut;
pub use object::{HEADER_SIZE, Robj};
pub use refcount::SHARED_REFCOUNT;
pub use values::{Cursor, Encoding, EncodingLimits, ObjectType};
