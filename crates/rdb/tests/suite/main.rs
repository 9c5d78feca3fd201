//! Files and payloads from outside. One program for all integration tests: see `docs/src/testing.md`.
//!
//! Nothing here runs under Miri: the crate has no unsafe code.

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

/// Milliseconds since 1970, some time in 2023.
const NOW: u64 = 1_700_000_000_000;
