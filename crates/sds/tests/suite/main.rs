//! Tests of the public interface. One program contains all integration tests: see `docs/src/testing.md`.

#[cfg(feature = "c-shim")]
mod c_shim;
mod common;
mod layout;
mod memory;
mod model;
mod text;
mod traits;
