//! Strings from outside. One program for all integration tests: see `docs/src/testing.md`.

#[cfg(feature = "c-shim")]
mod c_shim;
mod common;
mod layout;
mod memory;
mod model;
mod text;
mod traits;
