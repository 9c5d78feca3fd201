//! Tests of lists, sets, sorted sets and hashes from outside. All integration tests are one program: see
//! `docs/src/testing.md`.
//!
//! Under Miri the models and the tests of memory are left out, which would take hours. Their unsafe code
//! (blocks, tables, words) has unit tests.

mod borrowed;
mod filled;
#[cfg(not(miri))]
mod hash_memory;
#[cfg(not(miri))]
mod hash_model;
mod in_room;
#[cfg(not(miri))]
mod list;
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
mod zset_memory;
#[cfg(not(miri))]
mod zset_model;
