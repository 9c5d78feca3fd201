//! [`QuickList`]: the handle, both ends, and what a list says of itself.

use crate::item::Item;
use crate::limit::NodeLimit;
use crate::node::{Elements, Node};
use crate::nodes::{Nodes, Place, Side};
use allocator_api2::boxed::Box;
use core::mem;
use core::ptr::NonNull;
use listpack::{ListPack, Offset, Value, encoded_len, integer};
use zmalloc::{ReserveError, Zmalloc, box_size, or_oom, relocate_box};

/// A list of strings and integers, in listpacks. See the [crate's page](crate).
///
/// One pointer wide, and so is `Option<QuickList>`. Methods that take a value store the text of an integer as an integer; it
/// reads back as an integer with that text. Those that may need memory come in two forms: `try_x` answers an error, and the list
/// is then as it was, `x` ends in the OOM handler.
pub struct QuickList(Box<Inner, Zmalloc>);

const _: () = assert!(size_of::<Option<QuickList>>() == size_of::<usize>());

/// In C: `quicklist`, 40 bytes there too.
pub(crate) struct Inner {
    pub(crate) nodes: Nodes,
    /// Elements: the sum over the nodes.
    pub(crate) len: usize,
    list_max_listpack_size: i32,
    list_compress_depth: u16,
}

const _: () = assert!(size_of::<Inner>() == 4 * size_of::<usize>() + 8);

/// How many bytes the text of a value has; a double has none, and counts as its eight bytes.
pub(crate) fn text_len(value: &Value<'_>) -> usize {
    match *value {
        Value::Int(value) => integer::decimal_len(value),
        Value::Str(bytes) => bytes.len(),
        Value::Double(_) => size_of::<f64>(),
    }
}

/// Making, and turning into one listpack and back.
impl QuickList {
    /// An empty list, in one block for the header. The two settings are those of redis.conf: see [`NodeLimit`] for the first; the
    /// second is how many nodes at each end stay uncompressed, 0 for all. In C: `quicklistNew`.
    ///
    /// ```
    /// let mut list = quicklist::QuickList::new(-2, 0);
    /// list.push_back("b");
    /// list.push_front("a");
    /// assert_eq!(list.iter().map(|item| item.to_vec()).collect::<Vec<_>>(), [b"a", b"b"]);
    /// ```
    pub fn new(list_max_listpack_size: i32, list_compress_depth: u16) -> Self {
        or_oom(Self::try_new(list_max_listpack_size, list_compress_depth))
    }

    /// [`new`](Self::new) that answers an error.
    pub fn try_new(list_max_listpack_size: i32, list_compress_depth: u16) -> Result<Self, ReserveError> {
        Self::try_box(Inner { nodes: Nodes::new(), len: 0, list_max_listpack_size, list_compress_depth })
    }

    fn try_box(inner: Inner) -> Result<Self, ReserveError> {
        let size = size_of::<Inner>();
        Box::try_new_in(inner, Zmalloc).map(Self).map_err(|_| ReserveError::OutOfMemory { size })
    }

    /// A list of what is in `pack`, which becomes its first node as it is, larger than the limit or not; afterwards `pack`
    /// is empty. After an error it is as it was. O(elements), which are counted. In C: `quicklistAppendListpack` on a new list.
    pub fn try_from_listpack(
        pack: &mut ListPack,
        list_max_listpack_size: i32,
        list_compress_depth: u16,
    ) -> Result<Self, ReserveError> {
        let mut list = Self::try_new(list_max_listpack_size, list_compress_depth)?;
        // Walked, not asked: nobody may have looked at the count of foreign bytes.
        let count = pack.iter().count();
        if count > 0 {
            // Room for a node first; the listpack moves in when nothing can fail any more.
            list.0.nodes.try_push_back([Node::packed(ListPack::new(), 0)])?;
            let place = list.0.nodes.end(Side::Back).expect("pushed just now");
            let pack = mem::take(pack);
            list.0.nodes.change(place, |node| *node = Node::packed(pack, count));
            list.0.len = count;
        } else {
            pack.clear();
        }
        Ok(list)
    }

    /// The only listpack, if there is one node and it is one.
    pub fn as_listpack(&self) -> Option<&ListPack> {
        match self.0.nodes.single()?.elements()? {
            Elements::Packed(pack) => Some(pack),
            Elements::Plain(_) => None,
        }
    }

    /// Takes the only listpack out, or gives the list back if [`as_listpack`](Self::as_listpack) has none. O(1).
    pub fn into_listpack(mut self) -> Result<ListPack, Self> {
        let place = match self.as_listpack() {
            Some(_) => self.0.nodes.end(Side::Front),
            None => None,
        };
        match place.map(|place| self.0.nodes.remove(place)) {
            Some(Node::Packed { pack, .. }) => Ok(pack),
            _ => Err(self),
        }
    }
}

/// Asking.
impl QuickList {
    #[inline]
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    #[inline]
    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0
    }

    /// How many elements. O(1). In C: `quicklistCount`.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// How many nodes. O(nodes / 128). In C: the `len` of a `quicklist`.
    pub fn node_count(&self) -> usize {
        self.0.nodes.len()
    }

    /// What limits the nodes.
    #[inline]
    pub fn limit(&self) -> NodeLimit {
        self.0.limit()
    }

    /// How many nodes at each end stay uncompressed; 0 if nothing is compressed. In C: `compress` of a `quicklist`.
    pub fn list_compress_depth(&self) -> u16 {
        self.0.list_compress_depth
    }

    /// The element at `index`. Found from the nearer end, by counts of 128 nodes and then of one: O(nodes / 128 + elements of a
    /// node). If its node is compressed, that is decompressed for it. In C: `quicklistGetIteratorEntryAtIdx`.
    pub fn get(&self, index: usize) -> Option<Item<'_>> {
        or_oom(self.try_get(index))
    }

    /// [`get`](Self::get) that answers an error.
    pub fn try_get(&self, index: usize) -> Result<Option<Item<'_>>, ReserveError> {
        if index >= self.len() {
            return Ok(None);
        }
        let (place, offset) = self.0.nodes.locate(index, self.len());
        let node = self.0.nodes.get(place);
        match node.elements() {
            Some(elements) => Ok(elements.get(offset).map(Item::stored)),
            None => match node.try_unzipped()?.as_ref().and_then(Node::elements) {
                Some(elements) => elements.get(offset).map(Item::try_copied).transpose(),
                None => Ok(None),
            },
        }
    }
}

impl<'a> Elements<'a> {
    /// The element at `index`.
    #[inline]
    pub(crate) fn get(self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Packed(pack) => pack.get(pack.seek(index as isize)?),
            Self::Plain(bytes) => (index == 0).then_some(Value::raw(bytes)),
        }
    }

    /// The element at an end.
    #[inline]
    pub(crate) fn end(self, side: Side) -> Option<Value<'a>> {
        match self {
            Self::Packed(pack) => pack.get(pack_end(pack, side)?),
            Self::Plain(bytes) => Some(Value::raw(bytes)),
        }
    }
}

#[inline]
pub(crate) fn pack_end(pack: &ListPack, side: Side) -> Option<Offset> {
    match side {
        Side::Front => pack.first(),
        Side::Back => pack.last(),
    }
}

/// Both ends.
impl QuickList {
    /// Adds an element in front. Amortised O(elements of a node). In C: `quicklistPushHead`.
    #[inline]
    pub fn push_front<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push(Side::Front, value));
    }

    /// Adds an element at the end. Amortised O(1). In C: `quicklistPushTail`.
    #[inline]
    pub fn push_back<'a>(&mut self, value: impl Into<Value<'a>>) {
        or_oom(self.try_push(Side::Back, value));
    }

    /// Adds an element at an end; after an error the list is as it was. In C: `quicklistPush`.
    #[inline]
    pub fn try_push<'a>(&mut self, side: Side, value: impl Into<Value<'a>>) -> Result<(), ReserveError> {
        if self.0.try_push(side, value.into(), 0, 0)? {
            self.0.settle();
        }
        Ok(())
    }

    /// Adds elements at an end, one after the other; after an error the list has none of them, though room that was made for some
    /// may stay.
    pub fn try_push_all<'a>(
        &mut self,
        side: Side,
        values: impl IntoIterator<Item: Into<Value<'a>>>,
    ) -> Result<(), ReserveError> {
        // Nothing is compressed until all are in, so that they can be taken out again without memory.
        let result = self.0.try_with_end(side, |inner| {
            for (pushed, value) in values.into_iter().enumerate() {
                if let Err(error) = inner.try_push(side, value.into(), 0, 0) {
                    for _ in 0..pushed {
                        let Some(place) = inner.nodes.end(side) else { break };
                        inner.remove_end_unsettled(side, place);
                    }
                    return Err(error);
                }
            }
            Ok(())
        });
        if result.is_ok() {
            self.0.settle_all();
        }
        result
    }

    /// The element at an end. O(1).
    pub fn end(&self, side: Side) -> Option<Item<'_>> {
        or_oom(self.try_get(if side == Side::Front { 0 } else { self.len().wrapping_sub(1) }))
    }

    /// Removes the first element and answers what `f` makes of it; `None` if there is none. O(elements of a node). In C:
    /// `quicklistPopCustom`, with `f` as its saver.
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

    /// [`pop_front_with`](Self::pop_front_with) at the other end.
    pub fn pop_back_with<T>(&mut self, f: impl FnOnce(Value<'_>) -> T) -> Option<T> {
        or_oom(self.try_pop_with(Side::Back, |value| Ok(f(value))))
    }

    /// Removes the element at an end, unless `f` fails on it. The node at an end is hardly ever compressed (only if there was no
    /// memory when it came there), so hardly anything else fails.
    #[inline]
    pub fn try_pop_with<T, E: From<ReserveError>>(
        &mut self,
        side: Side,
        f: impl FnOnce(Value<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        self.0.try_with_end(side, |inner| {
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
                inner.settle();
            }
            Ok(result)
        })
    }

    /// Takes the element at `from` out and pushes it at `to`, which may be the same end. O(elements of a node), or an error, the
    /// list then as it was. In C: what `LMOVE` does with one list.
    pub fn try_rotate(&mut self, from: Side, to: Side) -> Result<(), ReserveError> {
        if self.len() < 2 {
            return Ok(());
        }
        self.0.try_with_end(from, |inner| {
            let Some(place) = inner.nodes.end(from) else { return Ok(()) };
            let Some(value) = inner.nodes.get(place).elements().and_then(|elements| elements.end(from))
            else {
                return Ok(());
            };
            // The bytes may move while they are pushed.
            let item = Item::try_copied(value)?;
            let value = item.value();
            if from == to { inner.try_turn(from, place, value) } else { inner.try_carry(from, to, value) }
        })
    }
}

impl Inner {
    /// Does something to an end of the list, whose node is not compressed meanwhile (as it may be, if there was no memory when it
    /// came there), and is again if that fails.
    #[inline]
    fn try_with_end<T, E: From<ReserveError>>(
        &mut self,
        side: Side,
        operation: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let zipped = match self.nodes.end(side) {
            Some(place) if self.nodes.get(place).is_zipped() => {
                let unzipped = self.nodes.get(place).try_unzipped()?;
                unzipped.map(|node| self.nodes.change(place, |old| mem::replace(old, node)))
            }
            _ => None,
        };
        let result = operation(self);
        if result.is_err()
            && let (Some(node), Some(place)) = (zipped, self.nodes.end(side))
        {
            self.nodes.change(place, |old| *old = node);
        }
        result
    }
    /// Pushes an element at `to` that is then removed at `from`, the other end.
    fn try_carry(&mut self, from: Side, to: Side, value: Value<'_>) -> Result<(), ReserveError> {
        // A place that the element leaves is free for it to come to.
        let (leaving, gone) = if self.nodes.single().is_some() { (encoded_len(value), 1) } else { (0, 0) };
        self.try_push(to, value, leaving, gone)?;
        if let Some(place) = self.nodes.end(from) {
            self.remove_end(from, place);
        }
        self.settle();
        Ok(())
    }

    /// An element that leaves an end and comes back to it finds another node there if it had one for itself, or may not
    /// join the one that it has left.
    fn try_turn(&mut self, side: Side, place: Place, value: Value<'_>) -> Result<(), ReserveError> {
        let len = text_len(&value);
        if self.nodes.get(place).count() > 1 {
            if !self.may_join(place, len, encoded_len(value), 1) {
                let node = self.try_node(value)?;
                match side {
                    Side::Front => self.nodes.try_push_front([node])?,
                    Side::Back => self.nodes.try_push_back([node])?,
                }
                let old = self.nodes.end(side).and_then(|new| self.nodes.step_from(side, new));
                self.len += 1;
                old.into_iter().for_each(|old| self.remove_end(side, old));
                self.settle();
            }
            return Ok(());
        }
        let neighbour = self.nodes.step_from(side, place);
        if let Some(neighbour) = neighbour.filter(|&neighbour| self.may_join(neighbour, len, 0, 0)) {
            self.try_join(side, neighbour, value)?;
            drop(self.nodes.remove(place));
            self.settle();
        }
        Ok(())
    }
}

impl Inner {
    #[inline]
    pub(crate) fn limit(&self) -> NodeLimit {
        NodeLimit::new(self.list_max_listpack_size)
    }

    /// Whether an element of `len` bytes may join the node, from which `leaving` bytes and `gone` elements are about to go.
    #[inline]
    pub(crate) fn may_join(&self, place: Place, len: usize, leaving: usize, gone: usize) -> bool {
        let node = self.nodes.get(place);
        let bytes = node.raw_len().saturating_sub(leaving);
        !node.is_plain() && self.limit().allows_insert(bytes, node.count() - gone, len)
    }

    /// Puts an element at an end of a node, which it may join.
    pub(crate) fn try_join(
        &mut self,
        side: Side,
        place: Place,
        value: Value<'_>,
    ) -> Result<(), ReserveError> {
        self.nodes.change(place, |node| {
            node.try_edit(1, |pack| match side {
                Side::Front => pack.try_push_front(value),
                Side::Back => pack.try_push_back(value),
            })
        })
    }

    /// Adds an element at an end, from whose node `leaving` bytes and `gone` elements are about to go; says whether it has a new
    /// node, so that others may have to be compressed.
    fn try_push(
        &mut self,
        side: Side,
        value: Value<'_>,
        leaving: usize,
        gone: usize,
    ) -> Result<bool, ReserveError> {
        let len = text_len(&value);
        if let Some(place) = self.nodes.end(side)
            && self.may_join(place, len, leaving, gone)
        {
            self.try_join(side, place, value)?;
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

    /// A node of one element.
    pub(crate) fn try_node(&self, value: Value<'_>) -> Result<Node, ReserveError> {
        match value {
            Value::Str(bytes) if self.limit().is_large(bytes.len()) => Node::try_plain(bytes),
            value => Node::try_single(value),
        }
    }

    /// Removes the element at an end, whose node is not compressed.
    #[inline]
    fn remove_end(&mut self, side: Side, place: Place) {
        if self.remove_end_unsettled(side, place) {
            self.settle();
        }
    }

    /// The same, but nothing is decompressed where it may have to be; says whether the node has gone.
    #[inline]
    fn remove_end_unsettled(&mut self, side: Side, place: Place) -> bool {
        let offset = match self.nodes.get(place).elements() {
            Some(Elements::Packed(pack)) => pack_end(pack, side),
            _ => None,
        };
        self.remove_at(place, offset)
    }

    /// Removes the element at an offset of a node that is not compressed, or the node if it is the only one; says whether the
    /// node has gone.
    #[inline]
    fn remove_at(&mut self, place: Place, offset: Option<Offset>) -> bool {
        self.len -= 1;
        if self.nodes.get(place).count() == 1 {
            drop(self.nodes.remove(place));
            return true;
        }
        let removed = self.nodes.change(place, |node| {
            node.try_edit(-1, |pack| {
                offset.map(|offset| pack.remove(offset));
                Ok(())
            })
        });
        debug_assert!(removed.is_ok(), "to remove needs no memory");
        false
    }

    /// Compresses and decompresses what stands on the wrong side of the depth, as far as nodes can have come there by
    /// one change; without memory it is left for the next one. O(depth). In C: `__quicklistCompress`.
    pub(crate) fn settle(&mut self) {
        /// One change adds at most two nodes.
        const SHIFT_MAX: usize = 3;
        let depth = usize::from(self.list_compress_depth);
        if depth == 0 {
            return;
        }
        let nodes = self.nodes.len();
        for side in [Side::Front, Side::Back] {
            let mut next = self.nodes.end(side);
            for distance in 0..depth + SHIFT_MAX {
                let Some(place) = next else { break };
                let nearest = distance.min(nodes - 1 - distance);
                self.settle_node(place, nearest);
                next = self.nodes.step_from(side, place);
            }
        }
    }

    /// The same for all nodes. O(nodes).
    pub(crate) fn settle_all(&mut self) {
        if self.list_compress_depth == 0 {
            return;
        }
        let nodes = self.nodes.len();
        let mut next = self.nodes.end(Side::Front);
        for ordinal in 0..nodes {
            let Some(place) = next else { break };
            self.settle_node(place, ordinal.min(nodes - 1 - ordinal));
            next = self.nodes.step_from(Side::Front, place);
        }
    }

    /// The same for the nodes around the one with `ordinal`, which may have changed.
    pub(crate) fn settle_around(&mut self, ordinal: usize) {
        if self.list_compress_depth == 0 {
            return;
        }
        let nodes = self.nodes.len();
        for ordinal in ordinal.saturating_sub(2)..=ordinal + 3 {
            if let Some(place) = self.nodes.place(ordinal) {
                self.settle_node(place, ordinal.min(nodes - 1 - ordinal));
            }
        }
        self.settle();
    }

    /// `nearest` is how many nodes stand between the node and the nearer end.
    fn settle_node(&mut self, place: Place, nearest: usize) {
        let node = self.nodes.get(place);
        let outer = nearest < usize::from(self.list_compress_depth);
        if outer && node.is_zipped() {
            let _ = self.nodes.change(place, Node::try_unzip); // without memory: next time
        } else if !outer && node.may_zip() {
            self.nodes.change(place, Node::zip);
        }
    }
}

/// Memory.
impl QuickList {
    /// What the list adds to `used_memory`, in bytes. O(nodes).
    pub fn allocation_size(&self) -> usize {
        box_size(&self.0) + self.0.nodes.allocation_size()
    }

    /// A copy, or an error. O(bytes). In C: `quicklistDup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let Inner { len, list_max_listpack_size, list_compress_depth, .. } = *self.0;
        let nodes = self.0.nodes.try_clone()?;
        Self::try_box(Inner { nodes, len, list_max_listpack_size, list_compress_depth })
    }

    /// For defragmentation: asks `moves` about blocks, with address and size in bytes, and moves those for which it answers
    /// `true`, if there is memory. A call looks at some of them, up to 128 nodes; the first one takes 0, each gives the
    /// cursor for the next, and 0 at the end. The list may change in between, at the cost of nodes asked about twice or not.
    pub fn relocate(&mut self, cursor: u64, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> u64 {
        if cursor == 0 {
            relocate_box(&mut self.0, moves);
        }
        self.0.nodes.relocate(cursor, moves)
    }

    /// Frees nodes from the end until about `n` elements are gone, one node at least, and gives back what is left, if
    /// anything is. Room for nodes is kept, and the last node may be compressed. O(n).
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        let mut freed = 0;
        while freed < n.max(1) {
            freed += self.0.nodes.pop_back()?.count();
        }
        self.0.len -= freed;
        (!self.is_empty()).then_some(self)
    }
}

impl Clone for QuickList {
    /// [`QuickList::try_clone`], with the OOM handler in place of an error.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
    }
}

/// Equal elements in the same order, however they are spread over nodes.
impl PartialEq for QuickList {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(one, other)| one.value() == other.value())
    }
}

impl core::fmt::Debug for QuickList {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
