//! Symbol tables from outside. One program for all integration tests: see `docs/src/testing.md`.

mod damage;
mod memory;
mod model;
mod training;
