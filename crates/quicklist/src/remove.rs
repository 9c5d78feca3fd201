//! Removing one element, a range, the elements that equal a value, and everything except a range.

use crate::elements::{Elements, pack_end};
use crate::list::{Inner, QuickList};
use crate::node::Node;
use crate::nodes::Place;
use crate::side::Side;
use crate::storage::try_reserve;
use allocator_api2::vec::Vec;
use listpack::{ListPack, Offset, Value};
use zmalloc::{ReserveError, Zmalloc, or_oom};

impl QuickList {
    /// Removes the element at `index`. Returns whether there was one. O(nodes / 128).
    pub fn remove(&mut self, index: usize) -> bool {
        self.remove_range(index, 1) == 1
    }

    /// Removes up to `count` elements, beginning with the one at index `start`. Returns how many were
    /// removed. In C: `quicklistDelRange`.
    ///
    /// Takes O(nodes / 128 + nodes removed).
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        or_oom(self.try_remove_range(start, count))
    }

    /// Like [`remove_range`](Self::remove_range), but returns an error if there is no memory, and leaves the
    /// list unchanged. Memory is needed only to decompress nodes from which a part is removed.
    pub fn try_remove_range(&mut self, start: usize, count: usize) -> Result<usize, ReserveError> {
        let count = self.len().saturating_sub(start).min(count);
        if count > 0 {
            self.inner_mut().try_remove_range(start, count)?;
        }
        Ok(count)
    }

    /// Removes all elements except `count`, beginning with the one at index `start`. In C: part of `LTRIM`.
    ///
    /// Takes O(nodes / 128 + nodes removed).
    pub fn trim(&mut self, start: usize, count: usize) {
        or_oom(self.try_trim(start, count));
    }

    /// Like [`trim`](Self::trim), but returns an error if there is no memory, and leaves the list unchanged.
    /// Needs memory in the same cases as [`try_remove_range`](Self::try_remove_range).
    pub fn try_trim(&mut self, start: usize, count: usize) -> Result<(), ReserveError> {
        let count = self.len().saturating_sub(start).min(count);
        if count == 0 {
            return self.try_remove_range(0, self.len()).map(drop);
        }
        self.inner_mut().try_trim(start, count)
    }

    /// Removes the first `count` elements that equal `value`, counted from `side`. Returns how many were
    /// removed. O(elements). In C: part of `LREM`.
    pub fn remove_equal<'a>(&mut self, side: Side, count: usize, value: impl Into<Value<'a>>) -> usize {
        or_oom(self.try_remove_equal(side, count, value))
    }

    /// Like [`remove_equal`](Self::remove_equal), but returns an error if there is no memory, and leaves the
    /// list unchanged. Memory is needed only for compressed nodes.
    pub fn try_remove_equal<'a>(
        &mut self,
        side: Side,
        count: usize,
        value: impl Into<Value<'a>>,
    ) -> Result<usize, ReserveError> {
        self.inner_mut().try_remove_equal(side, count, value.into())
    }

    /// Removes all elements and frees their memory. O(nodes).
    pub fn clear(&mut self) {
        self.remove_range(0, self.len());
    }
}

impl Inner {
    /// Removes the elements on one side of `cut` from a node. `source` is the decompressed node, if
    /// the node is compressed.
    pub(crate) fn remove_side(&mut self, ordinal: usize, source: Option<Node>, side: Side, cut: usize) {
        let Some(place) = self.nodes.place(ordinal) else { return };
        self.nodes.change(place, |node| {
            if let Some(source) = source {
                *node = source;
            }
            let count = node.count();
            let removed = match side {
                Side::Front => cut,
                Side::Back => count - cut,
            };
            let kept = node.try_edit(-(removed as isize), |pack| {
                match side {
                    Side::Front => drop(pack.remove_range(0, cut)),
                    Side::Back => pack.truncate(cut),
                }
                pack.shrink_to_fit(); // the rest may never change again, so unused room would stay
                Ok(())
            });
            debug_assert!(kept.is_ok(), "it is not compressed, and gets shorter");
        });
    }

    fn try_remove_range(&mut self, start: usize, count: usize) -> Result<(), ReserveError> {
        let (first, from) = self.nodes.locate(start, self.len);
        let (last, last_index) = self.nodes.locate(start + count - 1, self.len);
        let (first_ordinal, last_ordinal) = (self.nodes.ordinal(first), self.nodes.ordinal(last));
        let until = last_index + 1;
        let (first_count, last_count) = (self.nodes.get(first).count(), self.nodes.get(last).count());
        if first_ordinal == last_ordinal && (from > 0 || until < first_count) {
            self.nodes.try_edit(first, -(count as isize), |pack| {
                pack.remove_range(from, count);
                Ok(())
            })?;
        } else {
            let (cuts_first, cuts_last) = (from > 0, until < last_count);
            // At most two nodes lose only a part. They are decompressed before anything changes.
            let first_source =
                cuts_first.then(|| self.nodes.get(first).try_decompressed()).transpose()?.flatten();
            let last_source =
                cuts_last.then(|| self.nodes.get(last).try_decompressed()).transpose()?.flatten();
            if cuts_first {
                self.remove_side(first_ordinal, first_source, Side::Back, from);
            }
            if cuts_last {
                self.remove_side(last_ordinal, last_source, Side::Front, until);
            }
            let whole = first_ordinal + usize::from(cuts_first);
            let end = last_ordinal + 1 - usize::from(cuts_last);
            self.nodes.remove_range(whole, end.saturating_sub(whole));
        }
        self.len -= count;
        self.recompress_around(first_ordinal);
        Ok(())
    }

    fn try_trim(&mut self, start: usize, count: usize) -> Result<(), ReserveError> {
        let (first, from) = self.nodes.locate(start, self.len);
        let (last, last_index) = self.nodes.locate(start + count - 1, self.len);
        let (first_ordinal, last_ordinal) = (self.nodes.ordinal(first), self.nodes.ordinal(last));
        let (until, last_count) = (last_index + 1, self.nodes.get(last).count());
        if first_ordinal == last_ordinal {
            if from > 0 || until < last_count {
                self.nodes.try_edit(first, count as isize - last_count as isize, |pack| {
                    pack.truncate(until);
                    pack.remove_range(0, from);
                    Ok(())
                })?;
            }
        } else {
            let first_source = self.try_decompressed_if(first, from > 0)?;
            let last_source = self.try_decompressed_if(last, until < last_count)?;
            if from > 0 {
                self.remove_side(first_ordinal, first_source, Side::Front, from);
            }
            if until < last_count {
                self.remove_side(last_ordinal, last_source, Side::Back, until);
            }
        }
        self.nodes.remove_range(last_ordinal + 1, usize::MAX);
        self.nodes.remove_range(0, first_ordinal);
        self.len = count;
        self.recompress();
        Ok(())
    }

    /// Returns the decompressed node if the node is compressed and `cut` is set.
    fn try_decompressed_if(&self, place: Place, cut: bool) -> Result<Option<Node>, ReserveError> {
        if cut { self.nodes.get(place).try_decompressed() } else { Ok(None) }
    }

    fn try_remove_equal(
        &mut self,
        side: Side,
        count: usize,
        value: Value<'_>,
    ) -> Result<usize, ReserveError> {
        // First, all compressed nodes are changed in copies, because this may fail.
        let mut copies: Vec<(usize, Node), Zmalloc> = Vec::new_in(Zmalloc);
        let nodes = self.nodes.len();
        let ordinal_of = |distance: usize| match side {
            Side::Front => distance,
            Side::Back => nodes - 1 - distance,
        };
        if self.nodes.iter().any(Node::is_compressed) {
            let (mut left, mut place) = (count, self.nodes.end(side));
            for distance in 0..nodes {
                let Some(current) = place.filter(|_| left > 0) else { break };
                let node = self.nodes.get(current);
                left -= match node.try_decompressed()? {
                    None => count_equal(node, left, value),
                    Some(mut copy) => {
                        let removed = remove_equal(&mut copy, side, left, value);
                        if removed > 0 {
                            if copy.count() > 0 {
                                copy.compress();
                            }
                            try_reserve(&mut copies, 1, usize::MAX)?;
                            copies.push((ordinal_of(distance), copy));
                        }
                        removed
                    }
                };
                place = self.nodes.step_from(side, current);
            }
        }
        // From here on nothing fails. Nodes that become empty stay until `remove_empty`, so places stay
        // valid.
        let mut removed = 0;
        let mut copies = copies.into_iter().peekable();
        let mut next = self.nodes.end(side);
        let mut distance = 0;
        while let Some(place) = next.filter(|_| removed < count) {
            let before = self.nodes.get(place).count();
            if let Some((_, copy)) = copies.next_if(|&(ordinal, _)| ordinal == ordinal_of(distance)) {
                self.nodes.change(place, |node| *node = copy);
                removed += before - self.nodes.get(place).count();
            } else if !self.nodes.get(place).is_compressed() {
                let left = count - removed;
                removed += self.nodes.change(place, |node| remove_equal(node, side, left, value));
            }
            distance += 1;
            next = self.nodes.step_from(side, place);
        }
        if removed > 0 {
            self.len -= removed;
            self.nodes.remove_empty();
            self.recompress_all();
        }
        Ok(removed)
    }
}

/// Returns how many elements of a node equal `value`, but at most `limit`. The node is not compressed.
fn count_equal(node: &Node, limit: usize, value: Value<'_>) -> usize {
    match node.elements() {
        Some(Elements::Packed(pack)) => pack.iter().filter(|other| *other == value).take(limit).count(),
        Some(Elements::Plain(bytes)) => usize::from(limit > 0 && value == *bytes),
        None => 0,
    }
}

/// Removes the first `limit` elements that equal `value`, counted from `side`. Returns how many were removed.
/// The node is not compressed. It may be empty afterwards.
fn remove_equal(node: &mut Node, side: Side, limit: usize, value: Value<'_>) -> usize {
    let mut removed = 0;
    match node {
        Node::Packed { pack, count, incompressible, .. } => {
            let mut next = pack_end(pack, side);
            while let Some(offset) = next.filter(|_| removed < limit) {
                let equal = pack.get(offset).is_some_and(|other| other == value);
                next = if side == Side::Back { pack.prev(offset) } else { None };
                if equal {
                    let behind: Option<Offset> = pack.remove(offset);
                    removed += 1;
                    if side == Side::Front {
                        next = behind;
                    }
                } else if side == Side::Front {
                    next = pack.next(offset);
                }
            }
            // `count` may be too low here if the header of a foreign listpack states a wrong count.
            removed = removed.min(*count as usize);
            *count -= removed as u32;
            *incompressible &= removed == 0;
        }
        Node::Plain { bytes, .. } if limit > 0 && value == *bytes.as_bytes() => {
            *node = Node::packed(ListPack::new(), 0);
            removed = 1;
        }
        _ => (),
    }
    removed
}
