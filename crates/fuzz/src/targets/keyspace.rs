//! Two keyspaces beside models of std's maps: all operations of all types, with a dozen keys, so that operations meet.
//!
//! Keys and values have lengths around the limits of length fields and of what lies in a block, and expiries come and go in front of
//! them. After each operation the contents are those of the models, and every byte is accounted for. An operation that fails, for a
//! failed allocation, at `maxmemory`, or because the command refuses, has changed neither. The soak runs the same operations.

use crate::harness::operations;
use crate::world::{Scale, World};

/// Runs the operations that `data` spells.
pub fn run(data: &[u8]) {
    let mut world = World::new(Scale::Small, 1);
    for step in operations(data) {
        world.step(&step);
        world.compare_all();
    }
}
