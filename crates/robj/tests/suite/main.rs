//! Objects and values from outside. One program for all integration tests: see `docs/src/testing.md`.
//!
//! Miri leaves out the models and the memory of the collections, which would take hours: their unsafe code (blocks, tables,
//! views) has unit tests.

mod accounting;
mod encodings;
mod failure;
#[cfg(not(miri))]
mod hash_memory;
#[cfg(not(miri))]
mod hash_model;
#[cfg(not(miri))] // millions of hits, and no unsafe code that other tests do not reach
mod lfu;
#[cfg(not(miri))]
mod list;
mod model;
#[cfg(not(miri))]
mod set_common;
#[cfg(not(miri))]
mod set_encodings;
#[cfg(not(miri))]
mod set_memory;
#[cfg(not(miri))]
mod set_model;
#[cfg(not(miri))]
mod steps;
#[cfg(not(miri))]
mod string_errors;
#[cfg(not(miri))]
mod strings;
mod threads;
#[cfg(not(miri))]
mod zset_memory;
#[cfg(not(miri))]
mod zset_model;
