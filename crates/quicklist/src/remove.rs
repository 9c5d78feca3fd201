//! Removing: one element, a range, what equals a value, and all but a range.

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
    /// Removes the element at `index`. Returns whether there was one.
    pub fn remove(&mut self, index: usize) -> bool {
        self.remove_range(index, 1) == 1
    }

    /// Removes `count` elements from `start` on, or as many as there are, and says how many. O(nodes / 128 + nodes removed). In
    /// C: `quicklistDelRange`.
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        or_oom(self.try_remove_range(start, count))
    }

    /// [`remove_range`](Self::remove_range) that answers an error, the list then as it was. It needs memory only to
    /// decompress nodes of which a part goes.
    pub fn try_remove_range(&mut self, start: usize, count: usize) -> Result<usize, ReserveError> {
        let count = self.len().saturating_sub(start).min(count);
        if count > 0 {
            self.inner_mut().try_remove_range(start, count)?;
        }
        Ok(count)
    }

    /// Removes all but `count` elements from `start` on. In C: what `LTRIM` does.
    pub fn trim(&mut self, start: usize, count: usize) {
        or_oom(self.try_trim(start, count));
    }

    /// [`trim`](Self::trim) that answers an error, the list then as it was. Needs memory as
    /// [`try_remove_range`](Self::try_remove_range) does.
    pub fn try_trim(&mut self, start: usize, count: usize) -> Result<(), ReserveError> {
        let count = self.len().saturating_sub(start).min(count);
        if count == 0 {
            return self.try_remove_range(0, self.len()).map(drop);
        }
        self.inner_mut().try_trim(start, count)
    }

    /// Removes the first `count` elements, seen from `side`, that equal `value`, and says how many there were. O(elements). In
    /// C: what `LREM` does.
    pub fn remove_equal<'a>(&mut self, side: Side, count: usize, value: impl Into<Value<'a>>) -> usize {
        or_oom(self.try_remove_equal(side, count, value))
    }

    /// [`remove_equal`](Self::remove_equal) that answers an error, the list then as it was. Only compressed nodes need memory.
    pub fn try_remove_equal<'a>(
        &mut self,
        side: Side,
        count: usize,
        value: impl Into<Value<'a>>,
    ) -> Result<usize, ReserveError> {
        self.inner_mut().try_remove_equal(side, count, value.into())
    }

    /// Removes all elements and gives their memory back.
    pub fn clear(&mut self) {
        self.remove_range(0, self.len());
    }
}

impl Inner {
    /// Removes the elements of a node that were moved to another one: those on the side `gone` of `cut`. `source` is the node as it
    /// was before, if it is compressed.
    pub(crate) fn keep(&mut self, ordinal: usize, source: Option<Node>, gone: Side, cut: usize) {
        let Some(place) = self.nodes.place(ordinal) else { return };
        self.nodes.change(place, |node| {
            if let Some(source) = source {
                *node = source;
            }
            let count = node.count();
            let removed = match gone {
                Side::Front => cut,
                Side::Back => count - cut,
            };
            let kept = node.try_edit(-(removed as isize), |pack| {
                match gone {
                    Side::Front => drop(pack.remove_range(0, cut)),
                    Side::Back => pack.truncate(cut),
                }
                pack.shrink_to_fit(); // this part may never be changed again
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
            // A part of two nodes at most; they are decompressed before anything changes.
            let first_source =
                cuts_first.then(|| self.nodes.get(first).try_unzipped()).transpose()?.flatten();
            let last_source = cuts_last.then(|| self.nodes.get(last).try_unzipped()).transpose()?.flatten();
            if cuts_first {
                self.keep(first_ordinal, first_source, Side::Back, from);
            }
            if cuts_last {
                self.keep(last_ordinal, last_source, Side::Front, until);
            }
            let whole = first_ordinal + usize::from(cuts_first);
            let end = last_ordinal + 1 - usize::from(cuts_last);
            self.nodes.remove_range(whole, end.saturating_sub(whole));
        }
        self.len -= count;
        self.settle_around(first_ordinal);
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
            let first_source = self.try_source(first, from > 0)?;
            let last_source = self.try_source(last, until < last_count)?;
            if from > 0 {
                self.keep(first_ordinal, first_source, Side::Front, from);
            }
            if until < last_count {
                self.keep(last_ordinal, last_source, Side::Back, until);
            }
        }
        self.nodes.remove_range(last_ordinal + 1, usize::MAX);
        self.nodes.remove_range(0, first_ordinal);
        self.len = count;
        self.settle();
        Ok(())
    }

    /// What a node was before compression, if it is compressed and is to be `cut`.
    fn try_source(&self, place: Place, cut: bool) -> Result<Option<Node>, ReserveError> {
        if cut { self.nodes.get(place).try_unzipped() } else { Ok(None) }
    }

    fn try_remove_equal(
        &mut self,
        side: Side,
        count: usize,
        value: Value<'_>,
    ) -> Result<usize, ReserveError> {
        // Compressed nodes first, into copies, because that may fail.
        let mut copies: Vec<(usize, Node), Zmalloc> = Vec::new_in(Zmalloc);
        let nodes = self.nodes.len();
        let ordinal_of = |distance: usize| match side {
            Side::Front => distance,
            Side::Back => nodes - 1 - distance,
        };
        if self.nodes.iter().any(Node::is_zipped) {
            let (mut left, mut place) = (count, self.nodes.end(side));
            for distance in 0..nodes {
                let Some(here) = place.filter(|_| left > 0) else { break };
                let node = self.nodes.get(here);
                left -= match node.try_unzipped()? {
                    None => count_equal(node, left, value),
                    Some(mut copy) => {
                        let removed = remove_equal(&mut copy, side, left, value);
                        if removed > 0 {
                            if copy.count() > 0 {
                                copy.zip();
                            }
                            try_reserve(&mut copies, 1, usize::MAX)?;
                            copies.push((ordinal_of(distance), copy));
                        }
                        removed
                    }
                };
                place = self.nodes.step_from(side, here);
            }
        }
        // From here on nothing fails. Nodes that are emptied go as they come, so places are found anew.
        let mut removed = 0;
        let mut copies = copies.into_iter().peekable();
        let mut next = self.nodes.end(side);
        let mut distance = 0;
        while let Some(place) = next.filter(|_| removed < count) {
            let before = self.nodes.get(place).count();
            if let Some((_, copy)) = copies.next_if(|&(ordinal, _)| ordinal == ordinal_of(distance)) {
                self.nodes.change(place, |node| *node = copy);
                removed += before - self.nodes.get(place).count();
            } else if !self.nodes.get(place).is_zipped() {
                let left = count - removed;
                removed += self.nodes.change(place, |node| remove_equal(node, side, left, value));
            }
            distance += 1;
            next = self.nodes.step_from(side, place);
        }
        if removed > 0 {
            self.len -= removed;
            self.nodes.remove_empty();
            self.settle_all();
        }
        Ok(removed)
    }
}

/// How many of the first `limit` elements that equal `value` are in a node that is not compressed.
fn count_equal(node: &Node, limit: usize, value: Value<'_>) -> usize {
    match node.elements() {
        Some(Elements::Packed(pack)) => pack.iter().filter(|other| *other == value).take(limit).count(),
        Some(Elements::Plain(bytes)) => usize::from(limit > 0 && value == *bytes),
        None => 0,
    }
}

/// Removes the first `limit` elements that equal `value`, seen from `side`, from a node that is not compressed, and says how
/// many. A node may have no element afterwards.
fn remove_equal(node: &mut Node, side: Side, limit: usize, value: Value<'_>) -> usize {
    let mut removed = 0;
    match node {
        Node::Packed { pack, count, dense, .. } => {
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
            // Foreign bytes may have had a count that was not theirs.
            removed = removed.min(*count as usize);
            *count -= removed as u32;
            *dense &= removed == 0;
        }
        Node::Plain { bytes, .. } if limit > 0 && value == *bytes.as_bytes() => {
            *node = Node::packed(ListPack::new(), 0);
            removed = 1;
        }
        _ => (),
    }
    removed
}
