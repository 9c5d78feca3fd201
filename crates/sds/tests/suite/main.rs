//! Strings from outside. One program for all integration tests: see `docs/src/testing.md`.

#[cfg(feature = "c-shim")]
mod c_shim;
mod common;
#[cfg(all(target_pointer_width = "64", not(miri)))]
mod huge;
mod layout;
mod memory;
mod model;
mod text;
mod traits;
