//! The fuzz targets, one file each. The function `run` of a target panics if it finds a fault.
//!
//! The target `zmalloc` compares `used_memory` of the process with the total of its model. So nothing else in
//! the process may allocate through zmalloc while the target runs.

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
