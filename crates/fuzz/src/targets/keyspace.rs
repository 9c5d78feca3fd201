//! Compares two keyspaces with models from std's maps. The target runs all operations of all types on a dozen
//! keys, so that many operations use the same key.
//!
//! The lengths of keys and values are near the limits of length fields, and of what fits into an entry.
//! Expiries in front of them are added and removed. After each operation, the contents must be those of the
//! models, and every byte must be counted. An operation that fails changes neither. It may fail because of an
//! allocation, of `maxmemory`, or because the command refuses. The soak runs the same operations.

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
