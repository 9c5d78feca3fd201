#![doc = include_str!("../README.md")]

mod algebra;
mod backing;
mod block;
mod buffer;
mod editor;
mod error;
mod header;
mod item;
mod iter;
mod parts;
mod set;
mod traits;
mod view;

pub use algebra::{Diff, Inter, Union, diff, inter, union};
pub use common::{NoRoom, Part, PartBytes, ReserveError, Room};
pub use editor::Editor;
pub use error::{Fault, FromBytesError, Malformed};
pub use item::Encoding;
pub use iter::Iter;
pub use set::IntSet;
pub use view::View;
