#![doc = include_str!("../README.md")]

mod entry;
mod listpack;
mod module;
mod recording;
mod sds;
mod table;
mod words;

pub use self::entry::Entries;
pub use self::listpack::Elements;
pub use self::recording::{Recording, Structure};
pub use self::sds::Text;
pub use self::table::Chunks;
