//! Sorted sets through the public interface, with nodes of full size. One program for all integration tests: see `docs/src/testing.md`.

mod memory;
mod model;
mod relocate;
mod sorted_set;
