//! Removes the last entries, many at once. A leaf loses its last entries without a search, and a node without
//! entries is removed.
//!
//! A node that keeps some entries does not join a neighbour, unlike in `remove.rs`. So the last node of each
//! level may have as few as one entry or child.

use super::Order;
use crate::node::{Child, NodeMut};

impl Order {
    /// Keeps the first `len` entries and drops the others. O(entries dropped + log n).
    pub(crate) fn truncate(&mut self, len: usize) {
        let Some(root) = self.root.as_mut().filter(|_| len < self.len) else { return };
        self.allocation_size -= truncate(root, len);
        self.allocation_size -= self.collapse_root();
        self.len = len;
    }

    /// Drops whole leaves from the end: as many as have at most `n` entries together, but at least one. `n`
    /// must not be 0. No leaf is dropped in part, because the blocks of a leaf are prefetched together.
    pub(crate) fn drop_leaves(&mut self, n: usize) {
        let len = self.len.saturating_sub(n);
        let Some((leaf, index)) = self.leaf_at(len) else { return };
        // The leaf holds the ranks from `len - index` to `end`.
        let end = len - index + leaf.len();
        self.truncate(if index == 0 || end == self.len { len - index } else { end });
    }
}

/// Keeps the first `keep` entries of the subtree below `child`, and drops the others. Returns how many bytes
/// that frees.
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
                    // The thread's cache would collect freed nodes and return many of them at once. The nodes
                    // lie in a random order in memory, so many slabs would become empty within one step.
                    child.drop_no_tcache();
                }
            }
        }
    }
    freed
}
