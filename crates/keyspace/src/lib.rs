#![doc = include_str!("../README.md")]

mod batch;
mod check;
mod collections;
mod entry;
mod error;
pub mod estimate;
mod event;
mod expire;
mod expiry;
mod glob;
mod key;
mod keyspace;
mod maintenance;
mod object;
mod options;
mod remove;
mod rename;
mod report;
mod scan;
mod shorthands;
mod strings;
mod sweep;
mod totals;
mod value;
mod whole;

pub use common::Cursor;
pub use dict::{DefaultHashBuilder, Work};
pub use entry::{InEntry, StringEdit};
pub use error::Error;
pub use event::Event;
pub use expiry::{ExpireOptions, Expiry, Ttl};
pub use glob::{Glob, glob_match};
pub use key::Key;
pub use keyspace::Keyspace;
pub use options::{ConfError, ConfErrorKind, MaxmemoryPolicy, Options, Parsed, UnknownDirective};
pub use remove::Unlinked;
pub use report::{Figure, Finding, MemoryReport};
pub use scan::ScanOptions;
pub use strings::{SetCondition, SetExpiry, SetOptions, SetOutcome};
pub use sweep::Swept;
pub use value::{StringRef, Value, ValueRef};

/// What values are, and what can be done with them: the types in the signatures here.
pub use values;
