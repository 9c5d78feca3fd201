//! Keyspaces from outside. One program for all integration tests: see `docs/src/testing.md`.

mod clocks;
mod closures;
#[cfg(not(miri))] // training takes minutes; entries have a test of their own
mod coded;
mod edges;
#[cfg(not(miri))] // no unsafe code
mod estimate;
#[cfg(not(miri))] // the unsafe code that it reaches has the other tests
mod eviction;
#[cfg(not(miri))] // two minutes; the tests of entries alone fail allocations under Miri
mod faults;
#[cfg(not(miri))] // the shell has no unsafe code of its own
mod kv;
#[cfg(not(miri))] // ten minutes; the unsafe code that it reaches has the tests of dict, values and entries
mod lazyfree;
#[cfg(not(miri))] // no unsafe code of its own
mod maintain;
mod memory;
#[cfg(not(miri))] // hours; the unsafe code that it reaches has the other tests
mod model;
mod sharded;
#[cfg(not(miri))] // slow, and no unsafe code of its own
mod snapshot;
mod threads;

use keyspace::{Keyspace, Options};

/// A keyspace whose collections change their encoding beyond eight elements.
fn small() -> Keyspace {
    let options = Options::new()
        .hash_max_listpack_entries(8)
        .set_max_intset_entries(8)
        .set_max_listpack_entries(8)
        .zset_max_listpack_entries(8)
        .list_max_listpack_size(8);
    Keyspace::with_options(options)
}
