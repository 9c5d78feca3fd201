//! The tests of the crate, in one binary.

mod edges;
mod faults;
mod memory;
#[cfg(not(miri))] // hours, and the unsafe code has unit tests
mod model;
