//! Long lists from outside. One program for all integration tests: see `docs/src/testing.md`.

mod segments;
