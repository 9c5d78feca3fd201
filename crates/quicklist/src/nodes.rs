//! [`Nodes`]: the nodes of a list in order, stored in segments.
//!
//! ```text
//!  segments  [ nodes *, elements ][ nodes *, elements ][ ... ]        32 bytes each
//!                    |
//!                    +--> [ node ][ node ][ node ] ...                16 bytes each, at most 128
//! ```
//!
//! Invariants: no segment is empty. `size` is the sum of what the segments' blocks and the nodes' blocks add
//! to `used_memory`. The methods of [`Segment`] keep it up to date.
//!
//! A linked list of nodes would have to be walked. The middle of a million elements would be 1,300 cache
//! misses away. Here, an index is found by adding up the counts of segments, and then the counts of the nodes
//! in one segment. These counts are next to each other in memory. Inserting a node moves at most the 2 KiB of
//! its segment, and never all nodes of the list. Segments that grow at the ends of the list are filled
//! completely.

use crate::node::Node;
use crate::segment::{SEGMENT_NODES, Segment};
use crate::side::Side;
use crate::storage::{shrink, try_reserve};
use allocator_api2::vec::Vec;
use common::Cursor;
use core::ptr::NonNull;
use listpack::ListPack;
use zmalloc::{ReserveError, Zmalloc, relocate_vec, vec_size};

/// The nodes of a list. See the drawing above.
pub(crate) struct Nodes {
    segments: Vec<Segment, Zmalloc>,
    /// The sum for the segments and the nodes, in bytes. It does not include the block of `segments`.
    size: usize,
}

/// The position of a node. It is valid until nodes are added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    segment: usize,
    slot: usize,
}

/// Reading.
impl Nodes {
    pub(crate) const fn new() -> Self {
        Self { segments: Vec::new_in(Zmalloc), size: 0 }
    }

    /// Returns the number of nodes. O(segments).
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.nodes().len()).sum()
    }

    /// Returns the node if there is exactly one.
    pub(crate) fn single(&self) -> Option<&Node> {
        match &*self.segments {
            [segment] if segment.nodes().len() == 1 => segment.nodes().first(),
            _ => None,
        }
    }

    /// Returns the place of the node at an end, if there is one.
    #[inline]
    pub(crate) fn end(&self, side: Side) -> Option<Place> {
        let segment = match side {
            Side::Front => 0,
            Side::Back => self.segments.len().checked_sub(1)?,
        };
        let nodes = self.segments.get(segment)?.nodes();
        let slot = if side == Side::Front { 0 } else { nodes.len() - 1 };
        Some(Place { segment, slot })
    }

    #[inline]
    pub(crate) fn get(&self, place: Place) -> &Node {
        &self.segments[place.segment].nodes()[place.slot]
    }

    /// Returns the next place in the direction away from `side`.
    #[inline]
    pub(crate) fn step_from(&self, side: Side, place: Place) -> Option<Place> {
        let Place { segment, slot } = place;
        match side {
            Side::Front if slot + 1 < self.segments[segment].nodes().len() => {
                Some(Place { segment, slot: slot + 1 })
            }
            Side::Front => {
                (segment + 1 < self.segments.len()).then_some(Place { segment: segment + 1, slot: 0 })
            }
            Side::Back if slot > 0 => Some(Place { segment, slot: slot - 1 }),
            Side::Back => {
                let segment = segment.checked_sub(1)?;
                Some(Place { segment, slot: self.segments[segment].nodes().len() - 1 })
            }
        }
    }

    /// Returns the node of the element at `index`, and the index of the element in this node. Searches from
    /// the nearer end. `len` is the number of elements, and `index` is less than `len`. O(segments + nodes of
    /// a segment).
    pub(crate) fn locate(&self, index: usize, len: usize) -> (Place, usize) {
        if index < len / 2 {
            let mut left = index;
            let segment = position(self.segments.iter().map(|segment| segment.elements()), &mut left);
            let slot = position(self.segments[segment].nodes().iter().map(Node::count), &mut left);
            (Place { segment, slot }, left)
        } else {
            let mut left = len - 1 - index;
            let back = position(self.segments.iter().rev().map(|segment| segment.elements()), &mut left);
            let segment = self.segments.len() - 1 - back;
            let nodes = self.segments[segment].nodes();
            let back = position(nodes.iter().rev().map(Node::count), &mut left);
            let slot = nodes.len() - 1 - back;
            (Place { segment, slot }, nodes[slot].count() - 1 - left)
        }
    }

    /// Returns how many nodes are in front of the place. O(segments).
    pub(crate) fn ordinal(&self, place: Place) -> usize {
        let before: usize = self.segments[..place.segment].iter().map(|segment| segment.nodes().len()).sum();
        before + place.slot
    }

    /// Returns the place of the node that has `ordinal` nodes in front of it, if there is one. O(segments).
    pub(crate) fn place(&self, ordinal: usize) -> Option<Place> {
        let mut slot = ordinal;
        for (segment, nodes) in self.segments.iter().map(Segment::nodes).enumerate() {
            if slot < nodes.len() {
                return Some(Place { segment, slot });
            }
            slot -= nodes.len();
        }
        None
    }

    /// Returns an iterator over the nodes, beginning with the one that has `ordinal` nodes in front of it.
    /// Finding the first node takes O(segments).
    pub(crate) fn iter_from(&self, ordinal: usize) -> impl Iterator<Item = &Node> {
        let place = self.place(ordinal);
        let (segment, slot) = place.map_or((self.segments.len(), 0), |place| (place.segment, place.slot));
        self.segments[segment..].iter().flat_map(Segment::nodes).skip(slot)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.segments.iter().flat_map(Segment::nodes)
    }
}

/// Finds the count in which the position `left` lies. Returns how many counts are in front of it, and
/// subtracts them from `left`.
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
    /// Calls `change` with a node, and updates the counts.
    pub(crate) fn change<T>(&mut self, place: Place, change: impl FnOnce(&mut Node) -> T) -> T {
        self.segments[place.segment].change(place.slot, &mut self.size, change)
    }

    /// Calls `splice` with the listpack of a node, for one operation: see [`Segment::try_splice`].
    #[inline(always)] // only a few instructions around `splice`
    pub(crate) fn try_splice<T>(
        &mut self,
        place: Place,
        added: isize,
        splice: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        self.segments[place.segment].try_splice(place.slot, &mut self.size, added, splice)
    }

    /// Calls `edit` with the listpack of a node, for any change: see [`Node::try_edit`].
    pub(crate) fn try_edit<T>(
        &mut self,
        place: Place,
        added: isize,
        edit: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        self.change(place, |node| node.try_edit(added, edit))
    }

    /// Inserts nodes so that `ordinal` nodes are in front of them, or after all nodes if there are fewer. An
    /// error leaves the nodes unchanged. O(segments + nodes of a segment).
    pub(crate) fn try_insert<const N: usize>(
        &mut self,
        ordinal: usize,
        nodes: [Node; N],
    ) -> Result<(), ReserveError> {
        let Some(place) = self.place(ordinal) else { return self.try_push_back(nodes) };
        let Place { segment: at, mut slot } = place;
        let segment = &mut self.segments[at];
        if segment.has_free_slots(N) {
            return segment.try_insert(slot, nodes, &mut self.size);
        }
        if slot == 0 {
            return self.try_insert_segment(at, nodes);
        }
        // The segment is full. Its second half moves to a new segment after it.
        let (mut right, size) = Segment::try_new([], SEGMENT_NODES)?;
        try_reserve(&mut self.segments, 1, usize::MAX)?;
        self.size += size;
        let left = &mut self.segments[at];
        let half = left.nodes().len() / 2;
        left.move_tail(half, &mut right, &mut self.size);
        let target = if slot <= half { left } else { &mut right };
        slot -= if slot <= half { 0 } else { half };
        let inserted = target.try_insert(slot, nodes, &mut self.size);
        debug_assert!(inserted.is_ok(), "both halves have room");
        self.segments.insert(at + 1, right);
        inserted
    }

    /// Inserts nodes in front of all. O(nodes of a segment), and O(segments) if there is a new segment.
    pub(crate) fn try_push_front<const N: usize>(&mut self, nodes: [Node; N]) -> Result<(), ReserveError> {
        match self.segments.first_mut() {
            Some(segment) if segment.has_free_slots(N) => segment.try_insert(0, nodes, &mut self.size),
            _ => self.try_insert_segment(0, nodes),
        }
    }

    /// Adds nodes after all. Amortised O(1).
    pub(crate) fn try_push_back<const N: usize>(&mut self, nodes: [Node; N]) -> Result<(), ReserveError> {
        match self.segments.last_mut() {
            Some(segment) if segment.has_free_slots(N) => {
                segment.try_insert(segment.nodes().len(), nodes, &mut self.size)
            }
            _ => self.try_insert_segment(self.segments.len(), nodes),
        }
    }

    fn try_insert_segment<const N: usize>(
        &mut self,
        at: usize,
        nodes: [Node; N],
    ) -> Result<(), ReserveError> {
        // A list that has filled one segment is likely to fill another one.
        let capacity = if self.segments.is_empty() { N } else { SEGMENT_NODES };
        let (segment, size) = Segment::try_new(nodes, capacity)?;
        try_reserve(&mut self.segments, 1, usize::MAX)?;
        self.segments.insert(at, segment);
        self.size += size;
        Ok(())
    }

    /// Removes a node and returns it. O(nodes of a segment), and O(segments) if the segment becomes empty.
    pub(crate) fn remove(&mut self, place: Place) -> Node {
        let node = self.segments[place.segment].remove(place.slot, &mut self.size);
        self.compact_around(place.segment);
        node
    }

    /// Removes the last node and returns it. O(1). A segment is freed only when it is empty. The capacity of
    /// `segments` does not change.
    pub(crate) fn pop_back(&mut self) -> Option<Node> {
        let segment = self.segments.last_mut()?;
        let node = segment.pop(&mut self.size)?;
        if segment.nodes().is_empty() {
            self.segments.pop();
        }
        Some(node)
    }

    /// Removes up to `count` nodes, beginning with the one that has `ordinal` nodes in front of it.
    /// O(segments + nodes).
    pub(crate) fn remove_range(&mut self, ordinal: usize, mut count: usize) {
        let Some(Place { segment: first, slot }) = self.place(ordinal) else { return };
        let (mut at, mut slot) = (first, slot);
        while let Some(segment) = self.segments.get_mut(at)
            && count > 0
        {
            let end = segment.nodes().len().min(slot.saturating_add(count));
            count -= end - slot;
            segment.remove_range(slot..end, &mut self.size);
            at += 1;
            slot = 0;
        }
        self.segments.retain(|segment| !segment.nodes().is_empty());
        self.compact_around(first);
    }

    /// Removes the nodes without elements, which a change of all nodes may leave behind. O(nodes).
    pub(crate) fn remove_empty(&mut self) {
        for segment in &mut self.segments {
            segment.remove_empty(&mut self.size);
        }
        self.segments.retain(|segment| !segment.nodes().is_empty());
        // One call for each pair of neighbours that may be joined.
        for at in (0..self.segments.len()).rev() {
            self.compact_around(at);
        }
        self.compact_around(0);
    }

    /// Cleans up around a segment from which nodes were removed. Removes the segment if it is empty. Joins it
    /// with a neighbour if both have few nodes. Frees unused room if there is memory for a smaller block.
    fn compact_around(&mut self, at: usize) {
        if self.segments.get(at).is_some_and(|segment| segment.nodes().is_empty()) {
            self.segments.remove(at);
        }
        if at + 1 < self.segments.len() {
            self.merge_segments(at);
        }
        if at > 0 && at < self.segments.len() {
            self.merge_segments(at - 1);
        }
        if let Some(segment) = self.segments.get_mut(at) {
            segment.shrink(&mut self.size);
        }
        shrink(&mut self.segments);
    }

    /// Moves the nodes of the segment after `left` to the segment `left`, if this leaves `left` at most half
    /// full. Allocates if `left` has too little room.
    fn merge_segments(&mut self, left: usize) {
        let [target, emptied] = &mut self.segments[left..left + 2] else { return };
        let added = emptied.nodes().len();
        if target.nodes().len() + added <= SEGMENT_NODES / 2
            && target.try_reserve(added, &mut self.size).is_ok()
        {
            emptied.move_tail(0, target, &mut self.size);
            self.segments.remove(left + 1);
        }
    }
}

/// Memory.
impl Nodes {
    /// Returns how many bytes the segments and the nodes' blocks add to `used_memory`. O(1).
    pub(crate) fn allocation_size(&self) -> usize {
        vec_size(&self.segments) + self.size
    }

    /// Calls `moves` for the blocks of the next nodes at `cursor`, and also for the block of their segment if
    /// they are its first nodes. The first call also asks for the block of `segments`. Moves the blocks for
    /// which `moves` returns `true`. Returns the next cursor, or [`Cursor::START`] at the end.
    ///
    /// A cursor is a number of slots: 128 for each segment in front, plus the slot within the segment.
    pub(crate) fn relocate(
        &mut self,
        cursor: Cursor,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> Cursor {
        const SLOTS: u64 = SEGMENT_NODES as u64;
        if cursor.is_start() {
            relocate_vec(&mut self.segments, moves);
        }
        let place = u64::from(cursor);
        let (at, slot) = (usize::try_from(place / SLOTS).unwrap_or(usize::MAX), (place % SLOTS) as usize);
        let Some(segment) = self.segments.get_mut(at) else { return Cursor::START };
        match segment.relocate(slot, &mut self.size, moves) {
            Some(slot) => Cursor::from(at as u64 * SLOTS + slot as u64),
            None if at + 1 < self.segments.len() => Cursor::from((at as u64 + 1) * SLOTS),
            None => Cursor::START,
        }
    }

    /// Copies the nodes. The copy has no unused room.
    pub(crate) fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut copy = Self::new();
        try_reserve(&mut copy.segments, self.segments.len(), usize::MAX)?;
        for segment in &self.segments {
            let (segment, size) = segment.try_clone()?;
            copy.segments.push(segment);
            copy.size += size;
        }
        Ok(copy)
    }

    /// Panics if an invariant does not hold.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        assert_eq!(self.size, self.segments.iter().map(Segment::recount).sum::<usize>());
    }
}
