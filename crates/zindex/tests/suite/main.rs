//! The order of a sorted set from outside, with nodes as they are. One program for all integration tests: see `docs/src/testing.md`.

mod memory;
mod model;
mod relocate;
mod sorted_set;
