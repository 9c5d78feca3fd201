#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod atomic_file;
mod build;
mod chunks;
mod crc;
mod databases;
mod dump;
mod error;
mod format;
mod input;
mod load;
mod lzf_reader;
mod output;
mod queue;
mod reader;
mod save;
mod sink;
mod skip;
mod snapshot;
mod text;
mod value;
mod walk;
mod write;
mod ziplist;

pub use databases::Databases;
pub use dump::{DumpOptions, Restored, dump, restore};
pub use error::{Error, Fault, SaveError};
pub use format::{Family, ValueType, Version};
pub use load::{DuplicateKey, LoadOptions, LoadStats, Loader, UnsupportedValue};
pub use reader::{Event, Expiring, Item, KeyHeader, Reader};
pub use save::{save, save_to_path};
pub use snapshot::SnapshotFile;
pub use value::ValueProgress;
pub use write::{KeyMeta, WriteOptions, WriteVersion, Writer};

/// The crate of the keyspaces that are loaded and saved. Its types are in the signatures of this crate.
pub use keyspace;
