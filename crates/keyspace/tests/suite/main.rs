//! The tests of the crate, in one binary.

mod kv;
mod memory;
