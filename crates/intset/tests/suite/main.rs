//! Sets of integers from outside. One program for all integration tests: see `docs/src/testing.md`.

mod editor;
mod memory;
mod model;
mod view;
