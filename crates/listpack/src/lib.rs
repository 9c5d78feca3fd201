#![doc = include_str!("../README.md")]

mod batch;
mod edit;
mod entry;
mod find;
pub mod integer;
mod list;
mod sample;
mod storage;
mod validate;
mod value;
mod walk;

pub use entry::encoded_len;
pub use list::{ListPack, Offset};
pub use storage::BYTE_LEN_MAX;
pub use validate::{Depth, Flaw, FromBytesError, Malformed, validate};
pub use value::Value;
pub use walk::Iter;

/// How the property tests run: Miri is a hundred times slower, and has no files to keep failures in.
#[cfg(test)]
fn test_config() -> proptest::prelude::ProptestConfig {
    let cases = if cfg!(miri) { 8 } else { 1024 };
    proptest::prelude::ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}
