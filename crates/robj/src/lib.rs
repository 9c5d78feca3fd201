#![doc = include_str!("../README.md")]

mod clock;
mod collection;
mod convert;
mod element;
mod error;
pub mod hash;
mod header;
mod limits;
pub mod list;
mod members;
mod object;
mod packed;
mod refcount;
mod remains;
mod sample;
pub mod set;
mod shared;
mod sort;
mod string;
mod types;
mod values;
mod view;
pub mod zset;

pub use clock::{LFU_INIT_VAL, LRU_BITS, LRU_CLOCK_MAX, LfuParams, lru_clock};
pub use collection::{Collection, Ref, RefMut};
pub use element::{Element, StrView};
pub use error::{AccessError, WrongType};
pub use hash::Hash;
pub use limits::EncodingLimits;
pub use list::List;
pub use object::Robj;
pub use refcount::SHARED_REFCOUNT;
pub use remains::Remains;
pub use set::Set;
pub use shared::OBJ_SHARED_INTEGERS;
pub use sort::{SortError, SortOptions, sort, try_sort};
pub use string::{BitFieldType, BitOp, BitOverflow, BitRange, LongDouble, StringError};
pub use types::{Encoding, ObjectType};
pub use zmalloc::ReserveError;
pub use zset::ZSet;

/// How the property tests run: Miri is a hundred times slower, and has no files to keep failures in.
#[cfg(test)]
fn test_config() -> proptest::prelude::ProptestConfig {
    let cases = if cfg!(miri) { 8 } else { 1024 };
    proptest::prelude::ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}
