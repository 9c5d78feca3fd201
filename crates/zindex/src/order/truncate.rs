//! Dropping the highest entries, many at once: a leaf loses its last entries without a search, and nodes that
//! have lost all go.
//!
//! Nodes that have lost some are not joined with others, so the last node of each level may be as low as one
//! entry.

use super::Order;
use crate::node::{Child, NodeMut};

impl Order {
    /// Keeps the lowest entries, `len` of them, and drops the others. O(entries dropped + log n).
    pub(crate) fn truncate(&mut self, len: usize) {
        let Some(root) = self.root.as_mut().filter(|_| len < self.len) else { return };
        self.allocation_size -= truncate(root, len);
        self.allocation_size -= self.collapse_root();
        self.len = len;
    }

    /// Drops the highest leaves with `n` entries in all or fewer, and at least one leaf. `n` is not 0. Whole leaves,
    /// because the blocks of a leaf are asked for together.
    pub(crate) fn drop_leaves(&mut self, n: usize) {
        let len = self.len.saturating_sub(n);
        let Some((leaf, index)) = self.leaf_at(len) else { return };
        // The leaf holds the ranks from here to `end`.
        let end = len - index + leaf.len();
        self.truncate(if index == 0 || end == self.len { len - index } else { end });
    }
}

/// Keeps the first entries in and below a node, and says how many bytes the others have given back.
fn truncate(child: &mut Child, keep: usize) -> usize {
    let mut freed = 0;
    match child.get_mut() {
        NodeMut::Leaf(leaf) => leaf.truncate(keep, |block| freed += block.allocation_size()),
        NodeMut::Inner(inner) => {
            while let Some(last) = inner.len().checked_sub(1) {
                let (before, count) = (inner.count_before(last), inner.count());
                if count <= keep {
                    break;
                }
                freed += truncate(inner.child_mut(last), keep.saturating_sub(before));
                if before < keep {
                    inner.add_count(last, keep as isize - count as isize);
                } else {
                    let child = inner.remove(last);
                    freed += child.allocation_size();
                    // Nodes lie in a random order. In the cache of the thread they would wait for each other,
                    // and then empty many slabs within one step.
                    child.drop_no_tcache();
                }
            }
        }
    }
    freed
}
