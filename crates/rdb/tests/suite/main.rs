//! Tests of files and payloads through the public interface. All of them are one program: see
//! `docs/src/testing.md`.
//!
//! These tests do not run under Miri, because the crate has no unsafe code.

#![cfg(not(miri))]

mod damage;
mod dump;
mod faults;
mod fixtures;
#[cfg(unix)]
mod full_disk;
#[cfg(unix)]
mod killed;
mod load;
mod memory;
mod model;
mod mutations;
mod round_trip;
mod samples;
mod save;
mod slices;
mod snapshot;
mod symbols;

/// The time of most tests, in November 2023, in milliseconds since 1970.
const NOW: u64 = 1_700_000_000_000;
