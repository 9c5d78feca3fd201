//! Tests of the public interface of the table and the map. All integration tests are one program: see
//! `docs/src/testing.md`.

mod accounting;
mod auto_traits;
mod entries;
mod failure;
mod flooding;
mod fx;
mod map;
#[cfg(feature = "serde")]
mod serde;
