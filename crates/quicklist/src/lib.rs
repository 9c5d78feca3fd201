#![doc = include_str!("../README.md")]

mod edit;
mod elements;
mod ends;
mod item;
mod iter;
mod limit;
mod list;
pub mod lzf;
mod node;
mod node_view;
mod nodes;
mod recompress;
mod remove;
mod segment;
mod side;
mod storage;
#[cfg(test)]
mod tests;

pub use common::Cursor;
pub use item::Item;
pub use iter::Iter;
pub use limit::NodeLimit;
pub use list::QuickList;
pub use node_view::NodeView;
pub use side::Side;
