//! Integration tests of keyspaces. They are one program, for the reasons in `docs/src/testing.md`.

mod clocks;
mod closures;
#[cfg(not(miri))] // training takes minutes; entries have their own test
mod coded;
#[cfg(not(miri))] // the same
mod coded_keys;
mod edges;
#[cfg(not(miri))] // no unsafe code
mod estimate;
#[cfg(not(miri))] // the other tests reach the same unsafe code
mod eviction;
#[cfg(not(miri))] // two minutes; under Miri only the tests of entries fail allocations
mod faults;
#[cfg(not(miri))] // the shell has no unsafe code of its own
mod kv;
#[cfg(not(miri))] // ten minutes; the tests of dict, values and entries reach the same unsafe code
mod lazyfree;
#[cfg(not(miri))] // no unsafe code of its own
mod maintain;
mod memory;
#[cfg(not(miri))] // hours; the other tests reach the same unsafe code
mod model;
mod sharded;
#[cfg(not(miri))] // slow, and no unsafe code of its own
mod snapshot;
mod threads;

use keyspace::{Keyspace, Options};

/// Returns a keyspace whose collections change their encoding beyond eight elements.
fn small() -> Keyspace {
    let options = Options::new()
        .hash_max_listpack_entries(8)
        .set_max_intset_entries(8)
        .set_max_listpack_entries(8)
        .zset_max_listpack_entries(8)
        .list_max_listpack_size(8);
    Keyspace::with_options(options)
}
