//! Sets of integers from outside. One program for all integration tests: see `docs/src/testing.md`.

mod memory;
mod model;
