#![doc = include_str!("../README.md")]

mod access;
mod batch;
mod check;
mod coded;
mod collections;
mod defrag;
mod entry;
mod error;
pub mod estimate;
mod event;
mod evict;
mod expire;
mod expiry;
mod garbage;
mod glob;
mod key;
mod keyspace;
mod lazyfree;
mod lent;
mod maintain;
mod maintenance;
mod object;
mod options;
mod random;
mod reading;
mod recode;
mod remove;
mod rename;
mod report;
mod restore;
mod scan;
mod sharded;
mod shared_sum;
mod shorthands;
mod snapshot;
mod strings;
mod sweep;
mod symbols_report;
mod totals;
mod training;
mod value;
mod whole;

pub use bytes::Bytes;
pub use common::{Cursor, Part, PartBytes};
pub use defrag::Defragged;
pub use dict::{DefaultHashBuilder, Stats, Work};
pub use entry::{InEntry, KeyRef, KeyText, StringEdit};
pub use error::Error;
pub use event::Event;
pub use evict::Evicted;
pub use expiry::{ExpireOptions, Expiry, Ttl};
pub use garbage::Garbage;
pub use glob::{Glob, glob_match};
pub use key::Key;
pub use keyspace::Keyspace;
pub use lazyfree::Freed;
pub use maintain::Maintained;
pub use options::{
    ConfError, ConfErrorKind, MaxmemoryPolicy, Options, Parsed, UnknownDirective, memory_amount,
};
pub use random::random_source;
pub use recode::Recoded;
pub use report::{Figure, Finding, MemoryReport};
pub use restore::{Record, RestoreOptions, RestoreValue};
pub use scan::ScanOptions;
pub use sharded::Sharded;
pub use snapshot::{Portion, SinkError, SnapshotEnd, SnapshotError, SnapshotSink, Snapshotted};
pub use strings::{SetCondition, SetExpiry, SetOptions, SetOutcome};
pub use sweep::Swept;
pub use symbols_report::SymbolsReport;
pub use value::{StringRef, Value, ValueMut, ValueRef};

/// Symbol tables, which code strings and keys.
pub use symbols;
/// The types of values and their operations, which appear in the signatures of this crate.
pub use values;
/// The allocator of all keys and values: its statistics, and the type for `#[global_allocator]`.
pub use zmalloc;
