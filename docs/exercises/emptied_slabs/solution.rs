//! The slabs that a defragmentation should empty.

use std::cmp::Reverse;

/// The slabs to empty, and what it costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The indexes of the slabs, in ascending order.
    pub(crate) slabs: Vec<usize>,
    /// The number of blocks that have to move.
    pub(crate) moves: u64,
}

/// Chooses the slabs to empty. `in_use` has the blocks in use for each slab of `blocks` blocks.
pub(crate) fn plan(in_use: &[u32], blocks: u32, moves_max: u64) -> Plan {
    let mut slabs: Vec<usize> = (0..in_use.len()).filter(|&n| in_use[n] > 0).collect();
    // An emptier slab costs fewer moves, and keeping a fuller one leaves no fewer gaps.
    slabs.sort_by_key(|&n| (in_use[n], Reverse(n)));
    let mut gaps: u64 = slabs.iter().map(|&n| u64::from(blocks - in_use[n])).sum();
    let mut plan = Plan::default();
    for n in slabs {
        let moves = plan.moves + u64::from(in_use[n]);
        gaps -= u64::from(blocks - in_use[n]);
        // Both limits only become tighter, so a later slab does not fit either.
        if moves > moves_max || moves > gaps {
            break;
        }
        plan.moves = moves;
        plan.slabs.push(n);
    }
    plan.slabs.sort_unstable();
    plan
}
