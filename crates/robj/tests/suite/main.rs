//! Objects from outside. One program for all integration tests: see `docs/src/testing.md`.
//!
//! Miri leaves out what would take hours. The unsafe code that it reaches has unit tests.

mod accounting;
mod encodings;
mod failure;
mod lending;
#[cfg(not(miri))] // millions of hits, and no unsafe code that other tests do not reach
mod lfu;
mod model;
#[cfg(not(miri))]
mod string_errors;
#[cfg(not(miri))]
mod strings;
mod threads;
