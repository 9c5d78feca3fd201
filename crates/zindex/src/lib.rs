#![doc = include_str!("../README.md")]

#[cfg(test)]
extern crate self as zindex; // for the models that unit and integration tests share

mod block;
pub mod classic;
mod error;
mod handle;
mod index;
mod node;
mod order;
mod score;
mod table;
#[cfg(test)]
mod tests;

pub use common::Cursor;
pub use error::{InsertError, NotANumber};
pub use index::{Member, ZIndex};
pub use order::{Iter, Order};
pub use table::{Remains, Upsert, ZTable};
