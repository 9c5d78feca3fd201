//! Integration tests of lists, sets, sorted sets and hashes. All of them are one program: see
//! `docs/src/testing.md`.
//!
//! Miri skips the models and the memory tests of the collections, because they would take hours. Their unsafe
//! code (blocks, tables, words) has unit tests.

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
