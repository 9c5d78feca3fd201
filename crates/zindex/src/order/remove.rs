//! Removes an entry.
//!
//! A node that becomes less than half full joins a neighbour under the same parent, if both together fill at
//! most three quarters of a node. A node never takes single entries from a neighbour, because two nodes that
//! do not fit together have enough entries. A node without entries is removed at once. The only child of a
//! root replaces the root. Nothing here allocates, so nothing can fail.

use super::Order;
use crate::block::{Block, BlockPtr};
use crate::node::{Child, FAN, Inner, LEAF, NodeMut, NodeRef, can_merge, is_underfull};
use crate::score::UpperBound;

impl Order {
    /// Removes and returns a block. Returns `None` if the block is not in this order.
    pub(crate) fn remove(&mut self, block: BlockPtr) -> Option<Block> {
        let root = self.root.as_mut()?;
        // SAFETY: the block is live, because it is in this order or in another one. `bound` is not used after
        // the block is returned, and nothing before that frees the block.
        let bound = unsafe { UpperBound { key: block.key(), member: block.member() } };
        let mut freed = 0;
        let block = remove_from(root, &bound, block, &mut freed)?.block;
        freed += self.collapse_root();
        self.len -= 1;
        self.allocation_size -= freed + block.allocation_size();
        Some(block)
    }

    /// Drops a root without entries, and replaces a root with only one child by that child. Returns the number
    /// of bytes freed.
    #[inline]
    pub(super) fn collapse_root(&mut self) -> usize {
        let Some(root) = self.root.as_mut() else { return 0 };
        let mut freed = 0;
        while let NodeMut::Inner(inner) = root.get_mut()
            && inner.len() == 1
        {
            let child = inner.remove(0);
            freed += root.allocation_size();
            *root = child;
        }
        if root.width() == 0 {
            freed += root.allocation_size();
            self.root = None;
        }
        freed
    }
}

/// An entry that was removed from the subtree of a node.
struct Removed {
    block: Block,
    /// Whether the entry was the first one in the subtree.
    first: bool,
}

fn remove_from(
    child: &mut Child,
    bound: &UpperBound<'_>,
    block: BlockPtr,
    freed: &mut usize,
) -> Option<Removed> {
    match child.get_mut() {
        NodeMut::Leaf(leaf) => {
            let index = leaf.position(bound.key, block)?;
            Some(Removed { block: leaf.remove(index), first: index == 0 })
        }
        NodeMut::Inner(inner) => {
            let index = inner.find(bound);
            inner.child(index).prefetch();
            let removed = remove_from(inner.child_mut(index), bound, block, freed)?;
            inner.add_count(index, -1);
            if inner.child(index).width() == 0 {
                let empty = inner.remove(index);
                *freed += empty.allocation_size();
            } else {
                if removed.first {
                    let first = inner.child(index).first();
                    inner.set_first(index, first);
                }
                join(inner, index, freed);
            }
            Some(Removed { first: removed.first && index == 0, ..removed })
        }
    }
}

/// Joins a child with a neighbour if the child is less than half full and both fit together.
fn join(inner: &mut Inner, index: usize, freed: &mut usize) {
    let capacity = match inner.child(index).get() {
        NodeRef::Leaf(_) => LEAF,
        NodeRef::Inner(_) => FAN,
    };
    let width = |index: usize| inner.child(index).width();
    if !is_underfull(width(index), capacity) {
        return;
    }
    let fits = |left: usize| left + 1 < inner.len() && can_merge(width(left), width(left + 1), capacity);
    let Some(left) = [index.wrapping_sub(1), index].into_iter().find(|&left| left < FAN && fits(left)) else {
        return;
    };
    let mut right = inner.remove(left + 1);
    let moved = right.count();
    match (inner.child_mut(left).get_mut(), right.get_mut()) {
        (NodeMut::Leaf(left), NodeMut::Leaf(right)) => left.append(right),
        (NodeMut::Inner(left), NodeMut::Inner(right)) => left.append(right),
        _ => unreachable!("leaves are equally deep"),
    }
    inner.add_count(left, moved as isize);
    *freed += right.allocation_size();
}
