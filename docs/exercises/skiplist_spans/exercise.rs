//! The spans of a skip list.

/// Returns the spans of all links, for each level from 0. Each height is at least 1.
pub(crate) fn spans(heights: &[usize]) -> Vec<Vec<usize>> {
    todo!("the spans of nodes with {heights:?} levels")
}

/// Returns how many links a search follows to the node with this rank, or `None` if there is no such node.
pub(crate) fn steps(spans: &[Vec<usize>], rank: usize) -> Option<usize> {
    todo!("the steps to the node of rank {rank}, with {spans:?}")
}
