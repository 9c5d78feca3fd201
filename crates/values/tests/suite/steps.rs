//! Drops a collection in steps, and checks the memory after each step.

use values::{Collection, Remains};
use zmalloc::Region;

/// Drops a collection in steps of `n`, and returns the number of steps. Checks the size of the remains after
/// each step.
///
/// A step frees at most `members` of the collection's `len` members, and one step of the table. A step of the
/// table is at most a quarter of the table. The table has at most half of all bytes.
pub(crate) fn drop_in_steps<C: Collection>(collection: C, n: usize, members: usize) -> usize {
    let region = Region::start();
    let (all, len) = (collection.allocation_size(), collection.len());
    let most = members * all / len + all / 8;
    let (mut freed, mut steps) = (0, 0);
    let mut check = |left: Option<&Remains>| {
        let before = freed;
        freed = region.held().unsigned_abs();
        assert!(freed - before <= most, "{} bytes of {all} in a step", freed - before);
        assert_eq!(left.map_or(0, Remains::allocation_size), all - freed);
        steps += 1;
    };
    let mut left = collection.drop_in_steps(n);
    check(left.as_ref());
    while let Some(remains) = left {
        left = remains.drop_in_steps(n);
        check(left.as_ref());
    }
    steps
}
