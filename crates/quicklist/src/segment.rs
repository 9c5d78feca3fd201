//! [`Segment`]: up to 128 nodes in one block. This is the only code that changes the nodes of a list.
//!
//! Each method that changes a node, or the room for nodes, takes `size` and updates it. `size` is the number
//! of bytes that the blocks of all segments and nodes of a list add to `used_memory`. A node is borrowed
//! mutably only in a closure, so no change can bypass `size`. The allocator is asked for the size of a block
//! only if the block may have changed.
//!
//! Invariants: `elements` is the number of elements in all nodes of the segment. A segment without nodes owns
//! no block, so dropping it does not change `size`.

use crate::node::Node;
use crate::storage::{shrink, try_reserve};
use allocator_api2::vec::Vec;
use core::ops::Range;
use core::ptr::NonNull;
use listpack::ListPack;
use zmalloc::{ReserveError, Zmalloc, relocate_vec, vec_size};

/// The maximum number of nodes of a segment. They take 2 KiB.
pub(crate) const SEGMENT_NODES: usize = if cfg!(test) { 4 } else { 128 };

/// How many nodes a call of [`Segment::relocate`] handles. Copying a node of 8 KiB takes a few
/// microseconds.
const NODES_PER_CALL: usize = if cfg!(test) { 3 } else { 16 };

/// A segment of a list. See the drawing in `nodes.rs`.
pub(crate) struct Segment {
    nodes: Vec<Node, Zmalloc>,
    elements: usize,
}

const _: () = assert!(size_of::<Segment>() == 4 * size_of::<usize>());

impl Segment {
    /// Creates a segment of these nodes, with room for at least `capacity` nodes. Also returns the number of
    /// bytes that it adds to the `size` of a list.
    pub(crate) fn try_new<const N: usize>(
        nodes: [Node; N],
        capacity: usize,
    ) -> Result<(Self, usize), ReserveError> {
        let (mut segment, mut size) = (Self { nodes: Vec::new_in(Zmalloc), elements: 0 }, 0);
        segment.try_reserve(capacity.max(N), &mut size)?;
        segment.insert(0, nodes, &mut size);
        Ok((segment, size))
    }

    /// Copies the segment, without unused room. Also returns the number of bytes that the copy adds to the
    /// `size` of a list.
    pub(crate) fn try_clone(&self) -> Result<(Self, usize), ReserveError> {
        let (mut copy, mut size) = Self::try_new([], self.nodes.len())?;
        for node in &self.nodes {
            copy.insert(copy.nodes.len(), [node.try_clone()?], &mut size);
        }
        Ok((copy, size))
    }

    /// Returns the nodes in order.
    #[inline]
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns how many elements the nodes have.
    #[inline]
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// Returns whether the segment has places for `additional` more nodes.
    pub(crate) fn has_free_slots(&self, additional: usize) -> bool {
        self.nodes.len() + additional <= SEGMENT_NODES
    }
}

/// One node.
impl Segment {
    /// Calls `change` with the node at `slot`. `change` may change the node in any way or replace it.
    pub(crate) fn change<T>(
        &mut self,
        slot: usize,
        size: &mut usize,
        change: impl FnOnce(&mut Node) -> T,
    ) -> T {
        let node = &mut self.nodes[slot];
        let before = node.count();
        let result = node.change(size, change);
        self.elements = self.elements - before + node.count();
        result
    }

    /// Calls `splice` with the listpack of the node at `slot`. `added` is the change of the number of
    /// elements: see [`Node::try_splice`].
    #[inline(always)] // only a few instructions around `splice`
    pub(crate) fn try_splice<T>(
        &mut self,
        slot: usize,
        size: &mut usize,
        added: isize,
        splice: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        let result = self.nodes[slot].try_splice(size, added, splice)?;
        self.elements = self.elements.wrapping_add_signed(added);
        Ok(result)
    }

    /// Inserts nodes at `slot`. The caller has checked [`has_free_slots`](Self::has_free_slots). An error
    /// leaves the segment unchanged.
    pub(crate) fn try_insert<const N: usize>(
        &mut self,
        slot: usize,
        nodes: [Node; N],
        size: &mut usize,
    ) -> Result<(), ReserveError> {
        self.try_reserve(N, size)?;
        self.insert(slot, nodes, size);
        Ok(())
    }

    /// Inserts nodes at `slot`. The caller has made room.
    fn insert<const N: usize>(&mut self, slot: usize, nodes: [Node; N], size: &mut usize) {
        debug_assert!(self.nodes.capacity() - self.nodes.len() >= N);
        for mut node in nodes.into_iter().rev() {
            self.elements += node.count();
            *size += node.cache_size();
            self.nodes.insert(slot, node);
        }
    }

    /// Removes a node and returns it. O(nodes).
    pub(crate) fn remove(&mut self, slot: usize, size: &mut usize) -> Node {
        let node = self.nodes.remove(slot);
        self.forget(&node, size);
        node
    }

    /// Removes the last node and returns it. O(1).
    pub(crate) fn pop(&mut self, size: &mut usize) -> Option<Node> {
        let node = self.nodes.pop()?;
        self.forget(&node, size);
        Some(node)
    }

    /// Subtracts a removed node from `elements` and `size`.
    fn forget(&mut self, node: &Node, size: &mut usize) {
        self.elements -= node.count();
        *size -= node.cached_size();
        self.release_if_empty(size);
    }
}

/// Several nodes.
impl Segment {
    /// Drops the nodes in `slots`.
    pub(crate) fn remove_range(&mut self, slots: Range<usize>, size: &mut usize) {
        for node in self.nodes.drain(slots) {
            self.elements -= node.count();
            *size -= node.cached_size();
        }
        self.release_if_empty(size);
    }

    /// Drops the nodes without elements.
    pub(crate) fn remove_empty(&mut self, size: &mut usize) {
        self.nodes.retain(|node| {
            let keep = node.count() > 0;
            *size -= if keep { 0 } else { node.cached_size() };
            keep
        });
        self.release_if_empty(size);
    }

    /// Moves the node at `slot` and all nodes after it to the end of `target`, which has room for them.
    pub(crate) fn move_tail(&mut self, slot: usize, target: &mut Self, size: &mut usize) {
        debug_assert!(target.nodes.capacity() - target.nodes.len() >= self.nodes.len() - slot);
        let elements: usize = self.nodes[slot..].iter().map(Node::count).sum();
        target.nodes.extend(self.nodes.drain(slot..));
        target.elements += elements;
        self.elements -= elements;
        self.release_if_empty(size);
    }
}

/// The room for nodes.
impl Segment {
    /// Calls `change` with the vector of nodes. `change` may replace the block of the vector.
    fn resize<T>(&mut self, size: &mut usize, change: impl FnOnce(&mut Vec<Node, Zmalloc>) -> T) -> T {
        let before = vec_size(&self.nodes);
        let result = change(&mut self.nodes);
        *size = *size - before + vec_size(&self.nodes);
        result
    }

    /// Makes room for `additional` nodes.
    pub(crate) fn try_reserve(&mut self, additional: usize, size: &mut usize) -> Result<(), ReserveError> {
        self.resize(size, |nodes| try_reserve(nodes, additional, SEGMENT_NODES))
    }

    /// Frees most of the unused room: see [`shrink`].
    pub(crate) fn shrink(&mut self, size: &mut usize) {
        self.resize(size, shrink);
    }

    /// Frees the block if there are no nodes: see the invariants.
    fn release_if_empty(&mut self, size: &mut usize) {
        if self.nodes.is_empty() {
            self.resize(size, |nodes| *nodes = Vec::new_in(Zmalloc));
        }
    }

    /// Calls `moves` for the blocks of up to `NODES_PER_CALL` nodes, beginning with the node at `slot`. If
    /// `slot` is 0, also calls `moves` for the block of the segment. Moves the blocks for which `moves`
    /// returns `true`. Returns the slot of the next node, if there is one.
    ///
    /// Some allocators give a block another size at another address, so `size` may change.
    pub(crate) fn relocate(
        &mut self,
        slot: usize,
        size: &mut usize,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> Option<usize> {
        if slot == 0 {
            self.resize(size, |nodes| relocate_vec(nodes, moves));
        }
        let end = self.nodes.len().min(slot + NODES_PER_CALL);
        for slot in slot..end {
            self.change(slot, size, |node| node.relocate(moves));
        }
        (end < self.nodes.len()).then_some(end)
    }

    /// Counts again how many bytes the segment adds to the `size` of a list, and returns the number. Panics
    /// if an invariant does not hold.
    #[cfg(test)]
    pub(crate) fn recount(&self) -> usize {
        assert!((1..=SEGMENT_NODES).contains(&self.nodes.len()));
        assert_eq!(self.elements, self.nodes.iter().map(Node::count).sum::<usize>());
        let sizes = self.nodes.iter().map(|node| {
            assert_eq!(node.cached_size(), node.allocation_size());
            node.allocation_size()
        });
        vec_size(&self.nodes) + sizes.sum::<usize>()
    }
}
