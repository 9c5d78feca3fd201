//! Inserting and replacing in the middle, and how this splits and merges nodes.
//!
//! Each operation first makes all allocations that it needs. The changes of the list come after them and
//! cannot fail. Merging and compressing come last, and happen only if there is memory.
//!
//! A node is split, or an element joins a neighbouring node, in exactly the cases in which Redis does this. A
//! client can see the difference: a list with one node becomes a listpack again, and `OBJECT ENCODING` shows
//! that.
//!
//! Learned from: Matt Stancliff's `quicklist.c`.

use crate::elements::{Elements, text_len};
use crate::list::{Inner, QuickList};
use crate::node::Node;
use crate::nodes::Place;
use crate::side::Side;
use core::mem;
use listpack::{ListPack, Value};
use zmalloc::{ReserveError, or_oom};

/// The number of bytes of a listpack's header and end byte. A merge of two listpacks saves as many bytes.
const PACK_EMPTY_LEN: usize = 7;

impl QuickList {
    /// Inserts an element in front of the one at `index`. Returns `false` if there is no element at `index`.
    /// In C: `quicklistInsertBefore`.
    ///
    /// Takes O(nodes / 128 + elements of a node).
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

    /// Inserts an element after the one at `index`. Returns `false` if there is no element at `index`. In C:
    /// `quicklistInsertAfter`. Takes as long as [`insert_before`](Self::insert_before).
    pub fn insert_after<'a>(&mut self, index: usize, value: impl Into<Value<'a>>) -> bool {
        or_oom(self.try_insert(Side::Back, index, value))
    }

    /// Inserts an element next to the one at `index`: in front of it for [`Side::Front`], after it for
    /// [`Side::Back`]. Returns `false` if there is no element at `index`. An error leaves the list unchanged.
    pub fn try_insert<'a>(
        &mut self,
        side: Side,
        index: usize,
        value: impl Into<Value<'a>>,
    ) -> Result<bool, ReserveError> {
        let exists = index < self.len();
        if exists {
            self.inner_mut().try_insert(side, index, value.into())?;
        }
        Ok(exists)
    }

    /// Replaces the element at `index`. Returns `false` if `index` is too large. Takes O(nodes / 128 +
    /// elements of a node). In C: `quicklistReplaceAtIndex`.
    pub fn replace<'a>(&mut self, index: usize, value: impl Into<Value<'a>>) -> bool {
        or_oom(self.try_replace(index, value))
    }

    /// Like [`replace`](Self::replace), but returns an error if there is no memory, and leaves the list
    /// unchanged.
    pub fn try_replace<'a>(
        &mut self,
        index: usize,
        value: impl Into<Value<'a>>,
    ) -> Result<bool, ReserveError> {
        let exists = index < self.len();
        if exists {
            self.inner_mut().try_replace(index, value.into())?;
        }
        Ok(exists)
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
        if self.node_allows_insert(place, len, 0, 0) {
            self.nodes.try_splice(place, 1, |pack| match (pack.seek(offset as isize), side) {
                (Some(offset), Side::Front) => pack.try_insert_before(offset, value).map(drop),
                (Some(offset), Side::Back) => pack.try_insert_after(offset, value).map(drop),
                (None, _) => pack.try_push_back(value),
            })?;
        } else if at_edge {
            // The element may not join this node. It may join the neighbour on the side `side`, at the end
            // `other_side` of that neighbour.
            let neighbour = self.nodes.step_from(other_side, place);
            match neighbour.filter(|&neighbour| self.node_allows_insert(neighbour, len, 0, 0)) {
                Some(neighbour) => self.try_push_to_node(other_side, neighbour, value)?,
                None => {
                    let beside = ordinal + usize::from(side == Side::Back);
                    self.nodes.try_insert(beside, [self.try_node(value)?])?;
                }
            }
        } else {
            self.try_split_insert(side, ordinal, offset, value)?;
        }
        self.len += 1;
        self.recompress_around(ordinal);
        Ok(())
    }

    /// Inserts an element in the middle of a node that it may not join, on the side `side` of the element at
    /// `offset`. The elements on that side move to a new node. A large element gets its own node between the
    /// two. Any other element joins the new node.
    fn try_split_insert(
        &mut self,
        side: Side,
        ordinal: usize,
        offset: usize,
        value: Value<'_>,
    ) -> Result<(), ReserveError> {
        let large = self.limit().is_large(text_len(&value));
        let cut = offset + usize::from(side == Side::Back);
        let (source, mut part, count) = self.try_copy_side(ordinal, side, cut)?;
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
        self.remove_side(rest, source, side, cut);
        if !large {
            self.merge_around(rest);
        }
        Ok(())
    }

    /// Copies the elements on the side `side` of `cut` from a node that is not plain. Returns the copy and
    /// its number of elements. If the node is compressed, also returns the decompressed node.
    fn try_copy_side(
        &self,
        ordinal: usize,
        side: Side,
        cut: usize,
    ) -> Result<(Option<Node>, ListPack, usize), ReserveError> {
        let node = self.nodes.place(ordinal).map(|place| self.nodes.get(place));
        let source = node.map(Node::try_decompressed).transpose()?.flatten();
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

    fn try_replace(&mut self, index: usize, value: Value<'_>) -> Result<(), ReserveError> {
        let (place, offset) = self.nodes.locate(index, self.len);
        let ordinal = self.nodes.ordinal(place);
        let node = self.nodes.get(place);
        let (count, plain) = (node.count(), node.is_plain());
        let large = self.limit().is_large(text_len(&value));
        if !plain && !large {
            self.nodes.try_splice(place, 0, |pack| match pack.seek(offset as isize) {
                Some(offset) => pack.try_replace(offset, value).map(drop),
                None => Ok(()),
            })?;
        } else if count == 1 && (large || !self.next_node_allows_insert(place, &value)) {
            let node = self.try_node(value)?;
            self.nodes.change(place, |old| *old = node);
        } else if plain {
            // The new element is not large. It joins the next node, which has room for it.
            if let Some(next) = self.nodes.step_from(Side::Front, place) {
                self.try_push_to_node(Side::Front, next, value)?;
            }
            self.nodes.remove(place);
        } else {
            self.try_replace_by_large(ordinal, offset, value)?;
        }
        self.recompress_around(ordinal);
        Ok(())
    }

    /// Returns whether the element may join the node after `place`.
    fn next_node_allows_insert(&self, place: Place, value: &Value<'_>) -> bool {
        let next = self.nodes.step_from(Side::Front, place);
        next.is_some_and(|next| self.node_allows_insert(next, text_len(value), 0, 0))
    }

    /// Replaces one of several elements of a listpack by a large element, which gets its own node. The
    /// elements in front of it and those after it become separate nodes.
    fn try_replace_by_large(
        &mut self,
        ordinal: usize,
        offset: usize,
        value: Value<'_>,
    ) -> Result<(), ReserveError> {
        let Some(place) = self.nodes.place(ordinal) else { return Ok(()) };
        let count = self.nodes.get(place).count();
        let large = self.try_node(value)?;
        let source = self.nodes.get(place).try_decompressed()?;
        if offset == 0 {
            self.nodes.try_insert(ordinal, [large])?;
            self.remove_side(ordinal + 1, source, Side::Front, 1);
            return Ok(());
        }
        if offset == count - 1 {
            self.nodes.try_insert(ordinal + 1, [large])?;
        } else {
            let (_, part, count) = self.try_copy_side(ordinal, Side::Back, offset + 1)?;
            self.nodes.try_insert(ordinal + 1, [large, Node::packed(part, count)])?;
        }
        self.remove_side(ordinal, source, Side::Back, offset);
        self.merge_around(ordinal + 1);
        Ok(())
    }
}

/// Merging.
impl Inner {
    /// Merges nodes around `center`, the ordinal of a node that has changed, as far as the limit allows.
    /// Tries these pairs in this order: the two nodes before it, the two after it, the one before it and
    /// itself, itself and the one after it. In C: `_quicklistMergeNodes`.
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

    /// Merges a node with the next one, if both are listpacks that are within the limit together, and if
    /// there is memory. Returns whether it did.
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
        let Ok(decompressed) = b.try_decompressed() else { return false };
        let mut right_pack = match decompressed {
            Some(Node::Packed { pack, .. }) => pack,
            _ => self.nodes.change(right, |node| match node {
                Node::Packed { pack, .. } => mem::take(pack),
                _ => ListPack::new(),
            }),
        };
        let merged = self.nodes.try_edit(left, count as isize, |pack| pack.try_merge(&mut right_pack));
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
