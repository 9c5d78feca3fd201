//! The table and the map from outside. One program for all integration tests: see `docs/src/testing.md`.

mod accounting;
mod auto_traits;
mod entries;
mod failure;
mod flooding;
mod fx;
mod map;
#[cfg(feature = "serde")]
mod serde;
