//! The tests of the crate, in one binary.

mod edges;
mod memory;
