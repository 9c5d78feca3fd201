//! Pushing, popping and rotating at both ends of a list.

use crate::elements::{Elements, pack_end, text_len};
use crate::item::Item;
use crate::list::{Inner, QuickList};
use crate::nodes::Place;
use crate::side::Side;
use core::mem;
use listpack::{Offset, Value, encoded_len};
use zmalloc::{ReserveError, or_oom};

impl QuickList {
    /// Adds an element at the front. Amortised O(elements of a node). In C: `quicklistPushHead`.
    #[inline]
    pub fn push_front<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push(Side::Front, value));
    }

    /// Adds an element at the end. Amortised O(1). In C: `quicklistPushTail`.
    #[inline]
    pub fn push_back<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push(Side::Back, value));
    }

    /// Adds an element at an end. An error leaves the list unchanged. In C: `quicklistPush`.
    #[inline]
    pub fn try_push<'a>(&mut self, side: Side, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        if self.inner_mut().try_push(side, value.into(), 0, 0)? {
            self.inner_mut().recompress();
        }
        Ok(())
    }

    /// Adds elements at an end, one after the other. After an error the list has none of them, but may keep
    /// the memory that was allocated for them.
    pub fn try_push_all<'a>(
        &mut self,
        side: Side,
        values: impl IntoIterator<Item: Into<Value<'a>>>,
    ) -> Result<(), ReserveError> {
        // Nothing is compressed before all elements are added. So the elements can be removed again without
        // an allocation.
        let result = self.inner_mut().try_with_end(side, |inner| {
            for (pushed, value) in values.into_iter().enumerate() {
                if let Err(error) = inner.try_push(side, value.into(), 0, 0) {
                    for _ in 0..pushed {
                        let Some(place) = inner.nodes.end(side) else { break };
                        inner.remove_end_without_recompress(side, place);
                    }
                    return Err(error);
                }
            }
            Ok(())
        });
        if result.is_ok() {
            self.inner_mut().recompress_all();
        }
        result
    }

    /// Returns the element at an end. O(1).
    pub fn end(&self, side: Side) -> Option<Item<'_>> {
        or_oom(self.try_get(if side == Side::Front { 0 } else { self.len().wrapping_sub(1) }))
    }

    /// Calls `f` with the first element, removes it, and returns the result of `f`. Returns `None` if the
    /// list is empty. O(elements of a node). In C: `quicklistPopCustom`, with `f` as its saver.
    ///
    /// ```
    /// let mut list = quicklist::QuickList::new(-2, 0);
    /// list.push_back("first");
    /// assert_eq!(list.pop_front_with(|value| value == b"first"[..]), Some(true));
    /// assert_eq!(list.pop_front_with(|_| ()), None);
    /// ```
    pub fn pop_front_with<T>(&mut self, f: impl FnOnce(Value<'_>) -> T) -> Option<T> {
        or_oom(self.try_pop_with(Side::Front, |value| Ok(f(value))))
    }

    /// Like [`pop_front_with`](Self::pop_front_with), for the last element.
    pub fn pop_back_with<T>(&mut self, f: impl FnOnce(Value<'_>) -> T) -> Option<T> {
        or_oom(self.try_pop_with(Side::Back, |value| Ok(f(value))))
    }

    /// Calls `f` with the element at an end, and removes the element if `f` succeeds. Returns `None` if the
    /// list is empty. An error of `f` leaves the list unchanged.
    ///
    /// This method fails for lack of memory only if the node at this end is compressed. Such a node is rare:
    /// there was no memory to decompress it when it became the end.
    #[inline]
    pub fn try_pop_with<T, E: From<ReserveError>>(
        &mut self,
        side: Side,
        f: impl FnOnce(Value<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        self.inner_mut().try_with_end(side, |inner| {
            let Some(place) = inner.nodes.end(side) else { return Ok(None) };
            let (offset, value) = match inner.nodes.get(place).elements() {
                Some(Elements::Packed(pack)) => {
                    let offset = pack_end(pack, side);
                    (offset, offset.and_then(|offset| pack.get(offset)))
                }
                Some(Elements::Plain(bytes)) => (None, Some(Value::raw(bytes))),
                None => (None, None),
            };
            let result = value.map(f).transpose()?;
            if inner.remove_at(place, offset) {
                inner.recompress();
            }
            Ok(result)
        })
    }

    /// Removes the element at `from` and pushes it at `to`, which may be the same end. O(elements of a node).
    /// An error leaves the list unchanged. In C: `LMOVE` with one list.
    pub fn try_rotate(&mut self, from: Side, to: Side) -> Result<(), ReserveError> {
        if self.len() < 2 {
            return Ok(());
        }
        self.inner_mut().try_with_end(from, |inner| {
            let Some(place) = inner.nodes.end(from) else { return Ok(()) };
            let Some(value) = inner.nodes.get(place).elements().and_then(|elements| elements.end(from))
            else {
                return Ok(());
            };
            // The push may move the bytes of the element, so the push gets a copy of the element.
            let item = Item::try_copied(value)?;
            let value = item.value();
            if from == to {
                inner.try_rotate_in_place(from, place, value)
            } else {
                inner.try_rotate_across(from, to, value)
            }
        })
    }
}

impl Inner {
    /// Decompresses the node at an end of the list if necessary, and then runs an operation. If the operation
    /// fails, the compressed node is restored.
    ///
    /// A node at an end is compressed only if there was no memory to decompress it when it became the end.
    #[inline]
    fn try_with_end<T, E: From<ReserveError>>(
        &mut self,
        side: Side,
        operation: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let compressed = match self.nodes.end(side) {
            Some(place) if self.nodes.get(place).is_compressed() => {
                let decompressed = self.nodes.get(place).try_decompressed()?;
                decompressed.map(|node| self.nodes.change(place, |old| mem::replace(old, node)))
            }
            _ => None,
        };
        let result = operation(self);
        if result.is_err()
            && let (Some(node), Some(place)) = (compressed, self.nodes.end(side))
        {
            self.nodes.change(place, |old| *old = node);
        }
        result
    }

    /// Pushes an element at `to`, and then removes it at `from`, the other end.
    fn try_rotate_across(&mut self, from: Side, to: Side, value: Value<'_>) -> Result<(), ReserveError> {
        // If the list has one node, the element leaves the node that it joins. So its old bytes do not count.
        let (removed_bytes, removed_count) =
            if self.nodes.single().is_some() { (encoded_len(value), 1) } else { (0, 0) };
        self.try_push(to, value, removed_bytes, removed_count)?;
        if let Some(place) = self.nodes.end(from) {
            self.remove_end(from, place);
        }
        self.recompress();
        Ok(())
    }

    /// Removes an element at an end and pushes it at the same end, as Redis does. The order of the elements
    /// stays the same, but the element changes its node in two cases:
    ///
    /// - The node that it has left has no room for it within the limit. The element then gets its own node.
    /// - It was the only element of its node, and the neighbour has room for it within the limit.
    fn try_rotate_in_place(
        &mut self,
        side: Side,
        place: Place,
        value: Value<'_>,
    ) -> Result<(), ReserveError> {
        let len = text_len(&value);
        if self.nodes.get(place).count() > 1 {
            if !self.node_allows_insert(place, len, encoded_len(value), 1) {
                let node = self.try_node(value)?;
                match side {
                    Side::Front => self.nodes.try_push_front([node])?,
                    Side::Back => self.nodes.try_push_back([node])?,
                }
                let old = self.nodes.end(side).and_then(|new| self.nodes.step_from(side, new));
                self.len += 1;
                old.into_iter().for_each(|old| self.remove_end(side, old));
                self.recompress();
            }
            return Ok(());
        }
        let neighbour = self.nodes.step_from(side, place);
        if let Some(neighbour) = neighbour.filter(|&neighbour| self.node_allows_insert(neighbour, len, 0, 0))
        {
            self.try_push_to_node(side, neighbour, value)?;
            drop(self.nodes.remove(place));
            self.recompress();
        }
        Ok(())
    }
}

impl Inner {
    /// Adds an element at an end. Returns whether a new node was created for it. Other nodes may then have to
    /// be compressed.
    ///
    /// `removed_bytes` bytes and `removed_count` elements of the node at this end will be removed afterwards,
    /// so they do not count for the limit.
    fn try_push(
        &mut self,
        side: Side,
        value: Value<'_>,
        removed_bytes: usize,
        removed_count: usize,
    ) -> Result<bool, ReserveError> {
        let len = text_len(&value);
        if let Some(place) = self.nodes.end(side)
            && self.node_allows_insert(place, len, removed_bytes, removed_count)
        {
            self.try_push_to_node(side, place, value)?;
            self.len += 1;
            return Ok(false);
        }
        let node = self.try_node(value)?;
        match side {
            Side::Front => self.nodes.try_push_front([node])?,
            Side::Back => self.nodes.try_push_back([node])?,
        }
        self.len += 1;
        Ok(true)
    }

    /// Removes the element at an end. `place` is its node, which is not compressed.
    #[inline]
    fn remove_end(&mut self, side: Side, place: Place) {
        if self.remove_end_without_recompress(side, place) {
            self.recompress();
        }
    }

    /// Like [`remove_end`](Self::remove_end), but does not call [`recompress`](Self::recompress). Returns
    /// whether the node was removed.
    #[inline]
    fn remove_end_without_recompress(&mut self, side: Side, place: Place) -> bool {
        let offset = match self.nodes.get(place).elements() {
            Some(Elements::Packed(pack)) => pack_end(pack, side),
            _ => None,
        };
        self.remove_at(place, offset)
    }

    /// Removes the element at an offset of a node that is not compressed. Removes the node if this is its
    /// only element. Returns whether the node was removed.
    #[inline]
    fn remove_at(&mut self, place: Place, offset: Option<Offset>) -> bool {
        self.len -= 1;
        if self.nodes.get(place).count() == 1 {
            drop(self.nodes.remove(place));
            return true;
        }
        let removed = self.nodes.try_splice(place, -1, |pack| {
            offset.map(|offset| pack.remove(offset));
            Ok(())
        });
        debug_assert!(removed.is_ok(), "to remove needs no memory");
        false
    }
}
