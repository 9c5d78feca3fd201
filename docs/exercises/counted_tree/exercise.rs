//! A tree of any number of levels, whose inner nodes count.

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Scores in ascending order.
    Leaf(Vec<u32>),
    /// Children in the order of their scores.
    Inner(Vec<Child>),
}

/// A child of an inner node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Child {
    /// The first score below this child.
    pub(crate) first: u32,
    /// The number of scores below this child, in all of its leaves.
    pub(crate) count: usize,
    pub(crate) node: Node,
}

impl Node {
    /// Returns the number of scores below `score`.
    pub(crate) fn rank(&self, score: u32) -> usize {
        todo!("the rank of {score} in {self:?}")
    }

    /// Returns the score with this rank.
    pub(crate) fn by_rank(&self, rank: usize) -> Option<u32> {
        todo!("the score of rank {rank} in {self:?}")
    }

    /// Removes a score, and returns whether it was there.
    pub(crate) fn remove(&mut self, score: u32) -> bool {
        todo!("remove {score} from {self:?}")
    }
}
