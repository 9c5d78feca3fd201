//! [`Nodes`]: the nodes of a list in order, in segments.
//!
//! ```text
//!  segments  [ nodes *, elements ][ nodes *, elements ][ ... ]        32 bytes each
//!                    |
//!                    +--> [ node ][ node ][ node ] ...                16 bytes each, at most 128
//! ```
//!
//! A linked list of nodes has to be walked: the middle of a million elements is 1,300 cache misses away. Here an index is
//! found by adding up the segments' counts and then those in one segment, all of them side by side. A node that is
//! added moves at most the 2 KiB of its segment, never those of the whole list; at the ends segments are filled to the last place.
//!
//! Invariants: no segment is empty; `elements` is the sum over the segment's nodes.

use crate::node::Node;
use crate::storage::{shrink, try_reserve};
use allocator_api2::vec::Vec;
use core::ptr::NonNull;
use zmalloc::{ReserveError, Zmalloc, relocate_vec, vec_size};

/// The most nodes of a segment: 2 KiB of them.
pub(crate) const SEGMENT_NODES: usize = if cfg!(test) { 4 } else { 128 };

struct Segment {
    nodes: Vec<Node, Zmalloc>,
    elements: usize,
}

/// See the drawing above.
pub(crate) struct Nodes {
    segments: Vec<Segment, Zmalloc>,
}

/// Where a node stands. Good until nodes are added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    segment: usize,
    slot: usize,
}

/// One of the two ends of a list. In C: `LIST_HEAD` and `LIST_TAIL`, `QUICKLIST_HEAD` and `QUICKLIST_TAIL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where index 0 is; what `LPUSH` and `LEFT` mean.
    Front,
    /// Where the last index is; what `RPUSH` and `RIGHT` mean.
    Back,
}

impl Segment {
    /// A segment of these nodes, with room for `capacity`.
    fn try_new<const N: usize>(nodes: [Node; N], capacity: usize) -> Result<Self, ReserveError> {
        let mut segment = Self { nodes: Vec::new_in(Zmalloc), elements: 0 };
        try_reserve(&mut segment.nodes, capacity.max(N), SEGMENT_NODES)?;
        segment.insert(0, nodes);
        Ok(segment)
    }

    /// Puts nodes at `slot`; there is room.
    fn insert<const N: usize>(&mut self, slot: usize, nodes: [Node; N]) {
        debug_assert!(self.nodes.capacity() - self.nodes.len() >= N);
        for node in nodes.into_iter().rev() {
            self.elements += node.count();
            self.nodes.insert(slot, node);
        }
    }
}

/// Asking.
impl Nodes {
    pub(crate) const fn new() -> Self {
        Self { segments: Vec::new_in(Zmalloc) }
    }

    /// How many nodes. O(segments).
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.nodes.len()).sum()
    }

    /// The only node, if there is one.
    pub(crate) fn single(&self) -> Option<&Node> {
        match &*self.segments {
            [segment] if segment.nodes.len() == 1 => segment.nodes.first(),
            _ => None,
        }
    }

    /// The place at an end, if there is a node.
    #[inline]
    pub(crate) fn end(&self, side: Side) -> Option<Place> {
        let segment = match side {
            Side::Front => 0,
            Side::Back => self.segments.len().checked_sub(1)?,
        };
        let nodes = &self.segments.get(segment)?.nodes;
        let slot = if side == Side::Front { 0 } else { nodes.len() - 1 };
        Some(Place { segment, slot })
    }

    #[inline]
    pub(crate) fn get(&self, place: Place) -> &Node {
        &self.segments[place.segment].nodes[place.slot]
    }

    /// The next place away from `side`.
    #[inline]
    pub(crate) fn step_from(&self, side: Side, place: Place) -> Option<Place> {
        let Place { segment, slot } = place;
        match side {
            Side::Front if slot + 1 < self.segments[segment].nodes.len() => {
                Some(Place { segment, slot: slot + 1 })
            }
            Side::Front => {
                (segment + 1 < self.segments.len()).then_some(Place { segment: segment + 1, slot: 0 })
            }
            Side::Back if slot > 0 => Some(Place { segment, slot: slot - 1 }),
            Side::Back => {
                let segment = segment.checked_sub(1)?;
                Some(Place { segment, slot: self.segments[segment].nodes.len() - 1 })
            }
        }
    }

    /// The node of the element at `index`, and the element's index in it. From the nearer end of `len` elements, which `index`
    /// is below. O(segments + nodes of a segment).
    pub(crate) fn locate(&self, index: usize, len: usize) -> (Place, usize) {
        if index < len / 2 {
            let mut left = index;
            let segment = position(self.segments.iter().map(|segment| segment.elements), &mut left);
            let slot = position(self.segments[segment].nodes.iter().map(Node::count), &mut left);
            (Place { segment, slot }, left)
        } else {
            let mut left = len - 1 - index;
            let back = position(self.segments.iter().rev().map(|segment| segment.elements), &mut left);
            let segment = self.segments.len() - 1 - back;
            let nodes = &self.segments[segment].nodes;
            let back = position(nodes.iter().rev().map(Node::count), &mut left);
            let slot = nodes.len() - 1 - back;
            (Place { segment, slot }, nodes[slot].count() - 1 - left)
        }
    }

    /// How many nodes stand in front of the place. O(segments).
    pub(crate) fn ordinal(&self, place: Place) -> usize {
        let before: usize = self.segments[..place.segment].iter().map(|segment| segment.nodes.len()).sum();
        before + place.slot
    }

    /// The place of the node with `ordinal` before it, if there is one. O(segments).
    pub(crate) fn place(&self, ordinal: usize) -> Option<Place> {
        let mut slot = ordinal;
        for (segment, Segment { nodes, .. }) in self.segments.iter().enumerate() {
            if slot < nodes.len() {
                return Some(Place { segment, slot });
            }
            slot -= nodes.len();
        }
        None
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.segments.iter().flat_map(|segment| &segment.nodes)
    }
}

/// Goes through counts until their sum is above `left`; says how far, and leaves what the last one has of it.
fn position(counts: impl Iterator<Item = usize>, left: &mut usize) -> usize {
    let mut at = 0;
    for count in counts {
        if *left < count {
            break;
        }
        *left -= count;
        at += 1;
    }
    at
}

/// Changing.
impl Nodes {
    /// Lets `change` change a node; the counts follow.
    #[inline]
    pub(crate) fn change<T>(&mut self, place: Place, change: impl FnOnce(&mut Node) -> T) -> T {
        let segment = &mut self.segments[place.segment];
        let node = &mut segment.nodes[place.slot];
        let before = node.count();
        let result = change(node);
        segment.elements = segment.elements - before + node.count();
        result
    }

    /// Puts nodes in a row in front of the one with `ordinal`, or behind all. Without memory nothing has changed.
    /// O(segments + nodes of a segment).
    pub(crate) fn try_insert<const N: usize>(
        &mut self,
        ordinal: usize,
        nodes: [Node; N],
    ) -> Result<(), ReserveError> {
        let Some(place) = self.place(ordinal) else { return self.try_push_back(nodes) };
        let Place { segment: at, mut slot } = place;
        let segment = &mut self.segments[at];
        if segment.nodes.len() + N <= SEGMENT_NODES {
            try_reserve(&mut segment.nodes, N, SEGMENT_NODES)?;
            segment.insert(slot, nodes);
            return Ok(());
        }
        if slot == 0 {
            return self.try_insert_segment(at, nodes);
        }
        // Full: its second half moves to a segment behind it.
        let mut right = Segment::try_new([], SEGMENT_NODES)?;
        try_reserve(&mut self.segments, 1, usize::MAX)?;
        let segment = &mut self.segments[at];
        let half = segment.nodes.len() / 2;
        right.nodes.extend(segment.nodes.drain(half..));
        right.elements = right.nodes.iter().map(Node::count).sum();
        segment.elements -= right.elements;
        if slot <= half {
            segment.insert(slot, nodes);
        } else {
            slot -= half;
            right.insert(slot, nodes);
        }
        self.segments.insert(at + 1, right);
        Ok(())
    }

    /// Puts nodes in front of all. O(nodes of a segment), and now and then O(segments).
    pub(crate) fn try_push_front<const N: usize>(&mut self, nodes: [Node; N]) -> Result<(), ReserveError> {
        match self.segments.first_mut() {
            Some(segment) if segment.nodes.len() + N <= SEGMENT_NODES => {
                try_reserve(&mut segment.nodes, N, SEGMENT_NODES)?;
                segment.insert(0, nodes);
                Ok(())
            }
            _ => self.try_insert_segment(0, nodes),
        }
    }

    /// Puts nodes behind all. O(1) amortised.
    pub(crate) fn try_push_back<const N: usize>(&mut self, nodes: [Node; N]) -> Result<(), ReserveError> {
        match self.segments.last_mut() {
            Some(segment) if segment.nodes.len() + N <= SEGMENT_NODES => {
                try_reserve(&mut segment.nodes, N, SEGMENT_NODES)?;
                segment.insert(segment.nodes.len(), nodes);
                Ok(())
            }
            _ => self.try_insert_segment(self.segments.len(), nodes),
        }
    }

    fn try_insert_segment<const N: usize>(
        &mut self,
        at: usize,
        nodes: [Node; N],
    ) -> Result<(), ReserveError> {
        // A list that has had one full segment will fill another one.
        let capacity = if self.segments.is_empty() { N } else { SEGMENT_NODES };
        let segment = Segment::try_new(nodes, capacity)?;
        try_reserve(&mut self.segments, 1, usize::MAX)?;
        self.segments.insert(at, segment);
        Ok(())
    }

    /// Takes a node out. O(nodes of a segment), and when a segment goes, O(segments).
    pub(crate) fn remove(&mut self, place: Place) -> Node {
        let at = place.segment;
        let segment = &mut self.segments[at];
        let node = segment.nodes.remove(place.slot);
        segment.elements -= node.count();
        self.tidy(at);
        node
    }

    /// Takes the last node out. Gives back no room before the segment is empty, and none of the list of segments. O(1).
    pub(crate) fn pop_back(&mut self) -> Option<Node> {
        let segment = self.segments.last_mut()?;
        let node = segment.nodes.pop()?;
        segment.elements -= node.count();
        if segment.nodes.is_empty() {
            self.segments.pop();
        }
        Some(node)
    }

    /// Takes `count` nodes out, from the one with `ordinal` on. O(segments + nodes).
    pub(crate) fn remove_range(&mut self, ordinal: usize, mut count: usize) {
        let Some(Place { segment: first, slot }) = self.place(ordinal) else { return };
        let (mut at, mut slot) = (first, slot);
        while let Some(segment) = self.segments.get_mut(at)
            && count > 0
        {
            let end = segment.nodes.len().min(slot.saturating_add(count));
            count -= end - slot;
            segment.elements -= segment.nodes.drain(slot..end).map(|node| node.count()).sum::<usize>();
            at += 1;
            slot = 0;
        }
        self.segments.retain(|segment| !segment.nodes.is_empty());
        self.tidy(first);
    }

    /// Takes out the nodes that have no element, as a change of all nodes may leave them. O(nodes).
    pub(crate) fn remove_empty(&mut self) {
        for segment in &mut self.segments {
            segment.nodes.retain(|node| node.count() > 0);
        }
        self.segments.retain(|segment| !segment.nodes.is_empty());
        // Once for each pair of neighbours that may join.
        for at in (0..self.segments.len()).rev() {
            self.tidy(at);
        }
        self.tidy(0);
    }

    /// What is left to do around a segment of which nodes were taken: without nodes it goes, with few it joins a neighbour, and
    /// room that is not needed goes back if there is memory for less.
    fn tidy(&mut self, at: usize) {
        if self.segments.get(at).is_some_and(|segment| segment.nodes.is_empty()) {
            self.segments.remove(at);
        }
        if at + 1 < self.segments.len() {
            self.join(at);
        }
        if at > 0 && at < self.segments.len() {
            self.join(at - 1);
        }
        if let Some(segment) = self.segments.get_mut(at) {
            shrink(&mut segment.nodes);
        }
        shrink(&mut self.segments);
    }

    /// Moves the nodes of the segment behind `left` into that one, if it would be half full at most, and there is memory if
    /// it has not the room.
    fn join(&mut self, left: usize) {
        let [target, emptied] = &mut self.segments[left..left + 2] else { return };
        let len = target.nodes.len() + emptied.nodes.len();
        if len <= SEGMENT_NODES / 2
            && try_reserve(&mut target.nodes, emptied.nodes.len(), SEGMENT_NODES).is_ok()
        {
            target.nodes.append(&mut emptied.nodes);
            target.elements += emptied.elements;
            self.segments.remove(left + 1);
        }
    }
}

/// Memory.
impl Nodes {
    /// What the segments and the nodes' blocks add to `used_memory`. O(nodes).
    pub(crate) fn allocation_size(&self) -> usize {
        let segments: usize = self.segments.iter().map(|segment| vec_size(&segment.nodes)).sum();
        let blocks: usize = self.iter().map(Node::allocation_size).sum();
        vec_size(&self.segments) + segments + blocks
    }

    /// Asks about the segment at `cursor` and the blocks of its nodes, and moves them where told; answers the next cursor, 0
    /// at the end.
    pub(crate) fn relocate(
        &mut self,
        cursor: u64,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> u64 {
        if cursor == 0 {
            relocate_vec(&mut self.segments, moves);
        }
        let at = usize::try_from(cursor).unwrap_or(usize::MAX);
        let Some(segment) = self.segments.get_mut(at) else { return 0 };
        relocate_vec(&mut segment.nodes, moves);
        for node in &mut segment.nodes {
            node.relocate(moves);
        }
        if at + 1 < self.segments.len() { cursor + 1 } else { 0 }
    }

    /// A copy, with no room to spare.
    pub(crate) fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut copy = Self::new();
        try_reserve(&mut copy.segments, self.segments.len(), usize::MAX)?;
        for segment in &self.segments {
            let mut nodes = Segment::try_new([], segment.nodes.len())?;
            for node in &segment.nodes {
                nodes.insert(nodes.nodes.len(), [node.try_clone()?]);
            }
            copy.segments.push(nodes);
        }
        Ok(copy)
    }

    /// Panics if an invariant does not hold.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        for segment in &self.segments {
            assert!((1..=SEGMENT_NODES).contains(&segment.nodes.len()));
            assert_eq!(segment.elements, segment.nodes.iter().map(Node::count).sum::<usize>());
        }
    }
}
