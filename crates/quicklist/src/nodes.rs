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
//! Invariants: no segment is empty; `size` is the sum of what the segments' blocks and the nodes' blocks add to `used_memory`. The
//! methods of [`Segment`] keep that sum.

use crate::node::Node;
use crate::segment::{SEGMENT_NODES, Segment};
use crate::side::Side;
use crate::storage::{shrink, try_reserve};
use allocator_api2::vec::Vec;
use common::Cursor;
use core::ptr::NonNull;
use listpack::ListPack;
use zmalloc::{ReserveError, Zmalloc, relocate_vec, vec_size};

/// See the drawing above.
pub(crate) struct Nodes {
    segments: Vec<Segment, Zmalloc>,
    /// Of the segments and the nodes, in bytes; the list of segments is not in it.
    size: usize,
}

/// Where a node stands. Good until nodes are added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    segment: usize,
    slot: usize,
}

/// Asking.
impl Nodes {
    pub(crate) const fn new() -> Self {
        Self { segments: Vec::new_in(Zmalloc), size: 0 }
    }

    /// How many nodes. O(segments).
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.nodes().len()).sum()
    }

    /// The only node, if there is one.
    pub(crate) fn single(&self) -> Option<&Node> {
        match &*self.segments {
            [segment] if segment.nodes().len() == 1 => segment.nodes().first(),
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
        let nodes = self.segments.get(segment)?.nodes();
        let slot = if side == Side::Front { 0 } else { nodes.len() - 1 };
        Some(Place { segment, slot })
    }

    #[inline]
    pub(crate) fn get(&self, place: Place) -> &Node {
        &self.segments[place.segment].nodes()[place.slot]
    }

    /// The next place away from `side`.
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

    /// The node of the element at `index`, and the element's index in it. From the nearer end of `len` elements, which `index`
    /// is below. O(segments + nodes of a segment).
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

    /// How many nodes stand in front of the place. O(segments).
    pub(crate) fn ordinal(&self, place: Place) -> usize {
        let before: usize = self.segments[..place.segment].iter().map(|segment| segment.nodes().len()).sum();
        before + place.slot
    }

    /// The place of the node with `ordinal` before it, if there is one. O(segments).
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

    /// The nodes from the one with `ordinal` before it. O(segments) to the first.
    pub(crate) fn iter_from(&self, ordinal: usize) -> impl Iterator<Item = &Node> {
        let place = self.place(ordinal);
        let (segment, slot) = place.map_or((self.segments.len(), 0), |place| (place.segment, place.slot));
        self.segments[segment..].iter().flat_map(Segment::nodes).skip(slot)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.segments.iter().flat_map(Segment::nodes)
    }
}

/// Adds up counts until their sum is above `left`. Returns how many it took, and leaves in `left` what remains of the last one.
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
    pub(crate) fn change<T>(&mut self, place: Place, change: impl FnOnce(&mut Node) -> T) -> T {
        self.segments[place.segment].change(place.slot, &mut self.size, change)
    }

    /// Lets `splice` change a node's listpack by one of its own operations: see [`Segment::try_splice`].
    #[inline(always)] // a few instructions around the splice
    pub(crate) fn try_splice<T>(
        &mut self,
        place: Place,
        added: isize,
        splice: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        self.segments[place.segment].try_splice(place.slot, &mut self.size, added, splice)
    }

    /// Lets `edit` change a node's listpack in any way: see [`Node::try_edit`].
    pub(crate) fn try_edit<T>(
        &mut self,
        place: Place,
        added: isize,
        edit: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        self.change(place, |node| node.try_edit(added, edit))
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
        if segment.has_places(N) {
            return segment.try_insert(slot, nodes, &mut self.size);
        }
        if slot == 0 {
            return self.try_insert_segment(at, nodes);
        }
        // Full: its second half moves to a segment behind it.
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

    /// Puts nodes in front of all. O(nodes of a segment), and now and then O(segments).
    pub(crate) fn try_push_front<const N: usize>(&mut self, nodes: [Node; N]) -> Result<(), ReserveError> {
        match self.segments.first_mut() {
            Some(segment) if segment.has_places(N) => segment.try_insert(0, nodes, &mut self.size),
            _ => self.try_insert_segment(0, nodes),
        }
    }

    /// Puts nodes behind all. O(1) amortised.
    pub(crate) fn try_push_back<const N: usize>(&mut self, nodes: [Node; N]) -> Result<(), ReserveError> {
        match self.segments.last_mut() {
            Some(segment) if segment.has_places(N) => {
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
        // A list that has had one full segment will fill another one.
        let capacity = if self.segments.is_empty() { N } else { SEGMENT_NODES };
        let (segment, size) = Segment::try_new(nodes, capacity)?;
        try_reserve(&mut self.segments, 1, usize::MAX)?;
        self.segments.insert(at, segment);
        self.size += size;
        Ok(())
    }

    /// Takes a node out. O(nodes of a segment), and when a segment goes, O(segments).
    pub(crate) fn remove(&mut self, place: Place) -> Node {
        let node = self.segments[place.segment].remove(place.slot, &mut self.size);
        self.compact_around(place.segment);
        node
    }

    /// Takes the last node out. Gives back no room before the segment is empty, and none of the list of segments. O(1).
    pub(crate) fn pop_back(&mut self) -> Option<Node> {
        let segment = self.segments.last_mut()?;
        let node = segment.pop(&mut self.size)?;
        if segment.nodes().is_empty() {
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
            let end = segment.nodes().len().min(slot.saturating_add(count));
            count -= end - slot;
            segment.remove_range(slot..end, &mut self.size);
            at += 1;
            slot = 0;
        }
        self.segments.retain(|segment| !segment.nodes().is_empty());
        self.compact_around(first);
    }

    /// Takes out the nodes that have no element, as a change of all nodes may leave them. O(nodes).
    pub(crate) fn remove_empty(&mut self) {
        for segment in &mut self.segments {
            segment.remove_empty(&mut self.size);
        }
        self.segments.retain(|segment| !segment.nodes().is_empty());
        // Once for each pair of neighbours that may join.
        for at in (0..self.segments.len()).rev() {
            self.compact_around(at);
        }
        self.compact_around(0);
    }

    /// What is left to do around a segment of which nodes were taken: without nodes it goes, with few it joins a neighbour, and
    /// room that is not needed goes back if there is memory for less.
    fn compact_around(&mut self, at: usize) {
        if self.segments.get(at).is_some_and(|segment| segment.nodes().is_empty()) {
            self.segments.remove(at);
        }
        if at + 1 < self.segments.len() {
            self.join(at);
        }
        if at > 0 && at < self.segments.len() {
            self.join(at - 1);
        }
        if let Some(segment) = self.segments.get_mut(at) {
            segment.shrink(&mut self.size);
        }
        shrink(&mut self.segments);
    }

    /// Moves the nodes of the segment behind `left` into that one, if it would be half full at most, and there is memory if
    /// it has not the room.
    fn join(&mut self, left: usize) {
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
    /// What the segments and the nodes' blocks add to `used_memory`. O(1).
    pub(crate) fn allocation_size(&self) -> usize {
        vec_size(&self.segments) + self.size
    }

    /// Asks about the blocks of the next nodes at `cursor`, and about those of the nodes' segment if they are its first. Moves them
    /// where told. Returns the next cursor, [`Cursor::START`] at the end. A cursor is a number of slots: whole segments, and slots of the
    /// next one.
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

    /// A copy, with no room to spare.
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
