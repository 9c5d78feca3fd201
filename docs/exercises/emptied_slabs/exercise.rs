//! The slabs that a defragmentation should empty.

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
    todo!(
        "empty slabs of {blocks} blocks with {moves_max} moves: {in_use:?}. Begin with {:?}",
        Plan::default()
    )
}
