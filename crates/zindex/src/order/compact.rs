//! Fills leaves that removals have left half full. A defragmenter needs this, because the free slots of a
//! leaf waste memory just as the free blocks of a slab do.

use super::Order;
use crate::node::{Child, Inner, LEAF, NodeMut, NodeRef};

impl Order {
    /// Finds the leaf that holds `rank`, and moves entries into it from the next leaves of the same parent.
    /// Removes the leaves that are empty afterwards.
    pub(crate) fn fill_leaf(&mut self, rank: usize) {
        let Some(root) = self.root.as_mut() else { return };
        let mut freed = 0;
        fill_below(root, rank, &mut freed);
        freed += self.collapse_root();
        self.allocation_size -= freed;
    }
}

fn fill_below(child: &mut Child, rank: usize, freed: &mut usize) {
    let NodeMut::Inner(inner) = child.get_mut() else { return };
    let (index, rest) = inner.find_rank(rank);
    match inner.child(index).get() {
        NodeRef::Leaf(_) => fill(inner, index, freed),
        NodeRef::Inner(_) => fill_below(inner.child_mut(index), rest, freed),
    }
}

/// Moves entries into the leaf at `index` from the next leaves of `inner`.
fn fill(inner: &mut Inner, index: usize, freed: &mut usize) {
    while index + 1 < inner.len() {
        let room = LEAF - inner.child(index).width();
        if room == 0 {
            return;
        }
        let mut right = inner.remove(index + 1);
        let (NodeMut::Leaf(left), NodeMut::Leaf(behind)) =
            (inner.child_mut(index).get_mut(), right.get_mut())
        else {
            unreachable!("leaves are equally deep");
        };
        let moved = room.min(behind.len());
        left.append_first(behind, moved);
        inner.add_count(index, moved as isize);
        if right.width() > 0 {
            return inner.insert(index + 1, right);
        }
        *freed += right.allocation_size();
    }
}
