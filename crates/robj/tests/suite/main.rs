//! Objects and values from outside. One program for all integration tests: see `docs/src/testing.md`.

mod accounting;
mod encodings;
mod failure;
mod hash_memory;
mod hash_model;
#[cfg(not(miri))] // millions of hits, and no unsafe code that other tests do not reach
mod lfu;
mod list;
mod model;
mod redis;
mod set_common;
mod set_encodings;
mod set_memory;
mod set_model;
mod string_errors;
mod strings;
mod threads;
mod zset_memory;
mod zset_model;
