//! Compares two keyspaces with models made of std's maps. The target runs all operations of all types on 43
//! names of keys, so that many operations use the same key.
//!
//! Keys and values have lengths near the limits of length fields, and near the limits of what fits into an
//! entry. Expiries are added and removed, which moves the key and the value in the entry. After each
//! operation, the contents must be equal to the models, and every byte must be counted.
//!
//! An operation that fails must leave the keyspace unchanged. It may fail because an allocation fails,
//! because `maxmemory` is reached, or because the command refuses its arguments. The soak runs the same
//! operations.

use crate::harness::operations;
use crate::world::{Scale, World};

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let mut world = World::new(Scale::Small, 1);
    for step in operations(data) {
        world.step(&step);
        world.compare_all();
    }
}
