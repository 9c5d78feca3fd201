#![doc = include_str!("../README.md")]

mod clock;
mod convert;
mod header;
mod limits;
mod object;
mod refcount;
mod shared;
mod string;
mod types;
mod view;

pub use clock::{LFU_INIT_VAL, LRU_BITS, LRU_CLOCK_MAX, LfuParams, lru_clock};
pub use limits::EncodingLimits;
pub use object::Robj;
pub use refcount::SHARED_REFCOUNT;
pub use sds::ReserveError;
pub use shared::OBJ_SHARED_INTEGERS;
pub use types::{Encoding, ObjectType};
pub use view::StrView;

/// How the property tests run: Miri is a hundred times slower, and has no files to keep failures in.
#[cfg(test)]
fn test_config() -> proptest::prelude::ProptestConfig {
    let cases = if cfg!(miri) { 8 } else { 1024 };
    proptest::prelude::ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}
