//! Tests of sorted sets through the public interface, with nodes of full size. All integration tests are
//! one program: see `docs/src/testing.md`.

mod memory;
mod model;
mod relocate;
mod sorted_set;
