//! Tests of sorted sets through the public interface. Nodes have their full size here, and in unit tests they
//! are small. All integration tests are one program: see `docs/src/testing.md`.

mod memory;
mod model;
mod relocate;
mod sorted_set;
