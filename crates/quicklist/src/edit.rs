//! Changes in the middle: where they split nodes and merge them.
//!
//! Everything that needs memory comes first; what then changes the list cannot fail. To merge nodes and to compress them is
//! a favour, left undone without memory.
//!
//! Nodes are split, and elements given to neighbours, exactly where Redis does so, because what `OBJECT ENCODING` says depends on it: a
//! list becomes one listpack again when one node is left.
//!
//! Learned from: Matt Stancliff's `quicklist.c`.

use crate::list::{Inner, QuickList, text_len};
use crate::node::{Elements, Node};
use crate::nodes::{Place, Side};
use allocator_api2::vec::Vec;
use core::mem;
use listpack::{ListPack, Offset, Value};
use zmalloc::{ReserveError, Zmalloc, or_oom};

/// Header and end, which two listpacks have twice.
const PACK_EMPTY_LEN: usize = 7;

impl QuickList {
    /// Inserts an element in front of the one at `index`; `false` if there is none. O(nodes / 128 + elements of a node). In C:
    /// `quicklistInsertBefore`.
    ///
    /// ```
    /// let mut list = quicklist::QuickList::new(-2, 0);
    /// list.push_back("c");
    /// assert!(list.insert_before(0, "a") && list.insert_after(0, "b"));
    /// assert!(!list.insert_before(3, "d"));
    /// assert_eq!(list.get(1).unwrap().to_vec(), b"b");
    /// ```
    pub fn insert_before<'a>(&mut self, index: usize, value: impl Into<Value<'a>>) -> bool {
        or_oom(self.try_insert(Side::Front, index, value))
    }

    /// Inserts an element behind the one at `index`; `false` if there is none. In C: `quicklistInsertAfter`.
    pub fn insert_after<'a>(&mut self, index: usize, value: impl Into<Value<'a>>) -> bool {
        or_oom(self.try_insert(Side::Back, index, value))
    }

    /// Inserts an element on one side of the one at `index`; after an error the list is as it was.
    pub fn try_insert<'a>(
        &mut self,
        side: Side,
        index: usize,
        value: impl Into<Value<'a>>,
    ) -> Result<bool, ReserveError> {
        let here = index < self.len();
        if here {
            self.inner_mut().try_insert(side, index, value.into())?;
        }
        Ok(here)
    }

    /// Puts another element in the place of the one at `index`; `false` if there is none. In C: `quicklistReplaceAtIndex`.
    pub fn replace<'a>(&mut self, index: usize, value: impl Into<Value<'a>>) -> bool {
        or_oom(self.try_replace(index, value))
    }

    /// [`replace`](Self::replace) that answers an error, the list then as it was.
    pub fn try_replace<'a>(
        &mut self,
        index: usize,
        value: impl Into<Value<'a>>,
    ) -> Result<bool, ReserveError> {
        let here = index < self.len();
        if here {
            self.inner_mut().try_replace(index, value.into())?;
        }
        Ok(here)
    }

    /// Removes the element at `index`; `false` if there is none.
    pub fn remove(&mut self, index: usize) -> bool {
        self.remove_range(index, 1) == 1
    }

    /// Removes `count` elements from `start` on, or as many as there are, and says how many. O(nodes / 128 + nodes removed). In
    /// C: `quicklistDelRange`.
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        or_oom(self.try_remove_range(start, count))
    }

    /// [`remove_range`](Self::remove_range) that answers an error, the list then as it was. Only where it has to decompress
    /// nodes to remove a part of them does it need memory.
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

/// Inserting and replacing.
impl Inner {
    fn try_insert(&mut self, side: Side, index: usize, value: Value<'_>) -> Result<(), ReserveError> {
        let (place, offset) = self.nodes.locate(index, self.len);
        let (len, node) = (text_len(&value), self.nodes.get(place));
        let (at_edge, other_side) = match side {
            Side::Front => (offset == 0, Side::Back),
            Side::Back => (offset == node.count() - 1, Side::Front),
        };
        let ordinal = self.nodes.ordinal(place);
        if self.may_join(place, len, 0, 0) {
            self.try_edit(place, 1, |pack| match (pack.seek(offset as isize), side) {
                (Some(offset), Side::Front) => pack.try_insert_before(offset, value).map(drop),
                (Some(offset), Side::Back) => pack.try_insert_after(offset, value).map(drop),
                (None, _) => pack.try_push_back(value),
            })?;
        } else if at_edge {
            let neighbour = self.nodes.step_from(other_side, place);
            match neighbour.filter(|&neighbour| self.may_join(neighbour, len, 0, 0)) {
                Some(neighbour) => self.try_join(other_side, neighbour, value)?,
                None => {
                    let beside = ordinal + usize::from(side == Side::Back);
                    self.nodes.try_insert(beside, [self.try_node(value)?])?;
                }
            }
        } else {
            self.try_split_insert(side, ordinal, offset, value)?;
        }
        self.len += 1;
        self.settle_around(ordinal);
        Ok(())
    }

    /// Inserts an element in the midst of a full node: what is on its side becomes a node of its own. A large element stands
    /// between the two, another joins the new one.
    fn try_split_insert(
        &mut self,
        side: Side,
        ordinal: usize,
        offset: usize,
        value: Value<'_>,
    ) -> Result<(), ReserveError> {
        let large = self.limit().is_large(text_len(&value));
        let cut = offset + usize::from(side == Side::Back);
        let (source, mut part, count) = self.try_part(ordinal, side, cut)?;
        match (side, large) {
            (Side::Front, true) => {
                self.nodes.try_insert(ordinal, [Node::packed(part, count), self.try_node(value)?])?;
            }
            (Side::Back, true) => {
                self.nodes.try_insert(ordinal + 1, [self.try_node(value)?, Node::packed(part, count)])?;
            }
            (Side::Front, false) => {
                part.try_push_back(value)?;
                self.nodes.try_insert(ordinal, [Node::packed(part, count + 1)])?;
            }
            (Side::Back, false) => {
                part.try_push_front(value)?;
                self.nodes.try_insert(ordinal + 1, [Node::packed(part, count + 1)])?;
            }
        }
        let before = if side == Side::Front { 1 + usize::from(large) } else { 0 };
        let rest = ordinal + before;
        self.keep(rest, source, side, cut);
        if !large {
            self.merge_around(rest);
        }
        Ok(())
    }

    /// A copy of the elements on one side of `cut`, of a node with several, and how many; and, if it is compressed, what it was before.
    fn try_part(
        &self,
        ordinal: usize,
        side: Side,
        cut: usize,
    ) -> Result<(Option<Node>, ListPack, usize), ReserveError> {
        let node = self.nodes.place(ordinal).map(|place| self.nodes.get(place));
        let source = node.map(Node::try_unzipped).transpose()?.flatten();
        let Some(Elements::Packed(pack)) = source.as_ref().or(node).and_then(Node::elements) else {
            unreachable!("a plain node has one element, and is not split");
        };
        let mut part = pack.try_clone()?;
        let count = match side {
            Side::Front => {
                part.truncate(cut);
                part.shrink_to_fit();
                cut
            }
            Side::Back => {
                part.remove_range(0, cut);
                part.shrink_to_fit();
                node.map_or(0, Node::count) - cut
            }
        };
        Ok((source, part, count))
    }

    /// Leaves a node that was split the elements up to `cut` or from there on: what is not on the side where the others went. If it
    /// is compressed, `source` is what it was before.
    fn keep(&mut self, ordinal: usize, source: Option<Node>, gone: Side, cut: usize) {
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
                pack.shrink_to_fit(); // perhaps nobody comes here again
                Ok(())
            });
            debug_assert!(kept.is_ok(), "it is not compressed, and gets shorter");
        });
    }

    /// Changes a listpack, which has `added` elements more then.
    fn try_edit(
        &mut self,
        place: Place,
        added: isize,
        edit: impl FnOnce(&mut ListPack) -> Result<(), ReserveError>,
    ) -> Result<(), ReserveError> {
        self.nodes.change(place, |node| node.try_edit(added, edit))
    }

    fn try_replace(&mut self, index: usize, value: Value<'_>) -> Result<(), ReserveError> {
        let (place, offset) = self.nodes.locate(index, self.len);
        let ordinal = self.nodes.ordinal(place);
        let node = self.nodes.get(place);
        let (count, plain) = (node.count(), node.is_plain());
        let large = self.limit().is_large(text_len(&value));
        if !plain && !large {
            self.try_edit(place, 0, |pack| match pack.seek(offset as isize) {
                Some(offset) => pack.try_replace(offset, value).map(drop),
                None => Ok(()),
            })?;
        } else if count == 1 && (large || !self.next_may_join(place, &value)) {
            let node = self.try_node(value)?;
            self.nodes.change(place, |old| *old = node);
        } else if plain {
            // What is small enough now joins the next node, if it may.
            if let Some(next) = self.nodes.step_from(Side::Front, place) {
                self.try_join(Side::Front, next, value)?;
            }
            self.nodes.remove(place);
        } else {
            self.try_replace_by_large(ordinal, offset, value)?;
        }
        self.settle_around(ordinal);
        Ok(())
    }

    fn next_may_join(&self, place: Place, value: &Value<'_>) -> bool {
        let next = self.nodes.step_from(Side::Front, place);
        next.is_some_and(|next| self.may_join(next, text_len(value), 0, 0))
    }

    /// A large element takes the place of one of several in a listpack: those before it and those behind it become
    /// nodes.
    fn try_replace_by_large(
        &mut self,
        ordinal: usize,
        offset: usize,
        value: Value<'_>,
    ) -> Result<(), ReserveError> {
        let Some(place) = self.nodes.place(ordinal) else { return Ok(()) };
        let count = self.nodes.get(place).count();
        let large = self.try_node(value)?;
        let source = self.nodes.get(place).try_unzipped()?;
        if offset == 0 {
            self.nodes.try_insert(ordinal, [large])?;
            self.keep(ordinal + 1, source, Side::Front, 1);
            return Ok(());
        }
        if offset == count - 1 {
            self.nodes.try_insert(ordinal + 1, [large])?;
        } else {
            let (_, part, count) = self.try_part(ordinal, Side::Back, offset + 1)?;
            self.nodes.try_insert(ordinal + 1, [large, Node::packed(part, count)])?;
        }
        self.keep(ordinal, source, Side::Back, offset);
        self.merge_around(ordinal + 1);
        Ok(())
    }
}

/// Merging.
impl Inner {
    /// Merges nodes near one that changed, as far as they may: the two before it, the two behind it, then itself with what
    /// stands before and behind. In C: `_quicklistMergeNodes`.
    fn merge_around(&mut self, mut center: usize) {
        if center >= 2 && self.merge(center - 2) {
            center -= 1;
        }
        self.merge(center + 1);
        if center >= 1 && self.merge(center - 1) {
            center -= 1;
        }
        self.merge(center);
    }

    /// Merges a node with the next one, if both have listpacks that are within the limit together, and there is memory.
    fn merge(&mut self, ordinal: usize) -> bool {
        let (Some(left), Some(right)) = (self.nodes.place(ordinal), self.nodes.place(ordinal + 1)) else {
            return false;
        };
        let (a, b) = (self.nodes.get(left), self.nodes.get(right));
        let bytes = a.raw_len() + b.raw_len() - PACK_EMPTY_LEN;
        if a.is_plain() || b.is_plain() || !self.limit().allows(bytes, a.count() + b.count()) {
            return false;
        }
        let count = b.count();
        let Ok(unzipped) = b.try_unzipped() else { return false };
        let mut right_pack = match unzipped {
            Some(Node::Packed { pack, .. }) => pack,
            _ => self.nodes.change(right, |node| match node {
                Node::Packed { pack, .. } => mem::take(pack),
                _ => ListPack::new(),
            }),
        };
        let merged = self.try_edit(left, count as isize, |pack| pack.try_merge(&mut right_pack));
        if merged.is_err() {
            self.nodes.change(right, |node| {
                if let Node::Packed { pack, .. } = node {
                    *pack = right_pack;
                }
            });
            return false;
        }
        self.nodes.remove(right);
        true
    }
}

/// Removing.
impl Inner {
    fn try_remove_range(&mut self, start: usize, count: usize) -> Result<(), ReserveError> {
        let (first, from) = self.nodes.locate(start, self.len);
        let (last, last_index) = self.nodes.locate(start + count - 1, self.len);
        let (first_ordinal, last_ordinal) = (self.nodes.ordinal(first), self.nodes.ordinal(last));
        let until = last_index + 1;
        let (first_count, last_count) = (self.nodes.get(first).count(), self.nodes.get(last).count());
        if first_ordinal == last_ordinal && (from > 0 || until < first_count) {
            self.try_edit(first, -(count as isize), |pack| {
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
                self.try_edit(first, count as isize - last_count as isize, |pack| {
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
                            crate::storage::try_reserve(&mut copies, 1, usize::MAX)?;
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
        Node::Packed { pack, count, dense } => {
            let mut next = crate::list::pack_end(pack, side);
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
