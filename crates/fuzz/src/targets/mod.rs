//! The targets, one file each. Each `run` panics when it finds a fault.
//!
//! `used_memory` is compared with the model's sum, so nothing else in the process may allocate
//! through zmalloc meanwhile: run one target at a time.

pub mod dict;
pub mod glob;
pub mod intset;
pub mod keyspace;
pub mod listpack;
pub mod quicklist;
pub mod rdb;
pub mod robj;
pub mod sds;
pub mod symbols;
pub mod table;
pub mod values;
pub mod zindex;
pub mod zmalloc;
