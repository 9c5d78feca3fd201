//! Tests of objects from outside. All integration tests are one program: see `docs/src/testing.md`.
//!
//! Under Miri some modules are left out, which would take hours. The unsafe code that they reach has unit
//! tests.

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
