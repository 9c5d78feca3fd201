#![doc = include_str!("../README.md")]

mod backing;
mod batch;
mod buffer;
mod change;
mod edit;
mod editor;
mod entry;
mod find;
mod format;
pub mod integer;
mod iter;
mod list;
mod parts;
mod sample;
mod storage;
mod validate;
mod value;
mod view;

pub use common::{NoRoom, Part, PartBytes, ReserveError, Room};
pub use editor::Editor;
pub use entry::encoded_len;
pub use format::BYTE_LEN_MAX;
pub use iter::Iter;
pub use list::ListPack;
pub use validate::{Depth, Fault, FromBytesError, Malformed, validate};
pub use value::Value;
pub use view::{Offset, View};
