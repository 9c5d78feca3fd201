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
        match self {
            Self::Leaf(scores) => scores.partition_point(|other| *other < score),
            Self::Inner(children) => {
                let begins_before = children.partition_point(|child| child.first < score);
                let Some((last, left)) = children[..begins_before].split_last() else { return 0 };
                left.iter().map(|child| child.count).sum::<usize>() + last.node.rank(score)
            }
        }
    }

    /// Returns the score with this rank.
    pub(crate) fn by_rank(&self, mut rank: usize) -> Option<u32> {
        match self {
            Self::Leaf(scores) => scores.get(rank).copied(),
            Self::Inner(children) => {
                for child in children {
                    if rank < child.count {
                        return child.node.by_rank(rank);
                    }
                    rank -= child.count;
                }
                None
            }
        }
    }

    /// Removes a score, and returns whether it was there.
    pub(crate) fn remove(&mut self, score: u32) -> bool {
        match self {
            Self::Leaf(scores) => scores.binary_search(&score).map(|at| scores.remove(at)).is_ok(),
            Self::Inner(children) => {
                let begins_until = children.partition_point(|child| child.first <= score);
                let Some(at) = begins_until.checked_sub(1) else { return false };
                let child = &mut children[at];
                if !child.node.remove(score) {
                    return false;
                }
                child.count -= 1;
                match child.node.first() {
                    Some(first) => child.first = first,
                    None => drop(children.remove(at)),
                }
                true
            }
        }
    }

    /// Returns the first score.
    fn first(&self) -> Option<u32> {
        match self {
            Self::Leaf(scores) => scores.first().copied(),
            Self::Inner(children) => children.first().map(|child| child.first),
        }
    }
}
