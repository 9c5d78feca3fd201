//! Lists, sets, sorted sets and hashes from outside. One program for all integration tests: see `docs/src/testing.md`.
//!
//! Miri leaves out the models and the memory of the collections, which would take hours: their unsafe code (blocks, tables,
//! words) has unit tests.

#![cfg(not(miri))]

mod hash_memory;
mod hash_model;
mod list;
mod set_common;
mod set_encodings;
mod set_memory;
mod set_model;
mod steps;
mod zset_memory;
mod zset_model;
