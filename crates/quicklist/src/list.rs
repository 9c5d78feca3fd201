//! [`QuickList`]: the handle, its constructors, and the methods that read it.

use crate::elements::Elements;
use crate::item::Item;
use crate::limit::NodeLimit;
use crate::node::Node;
use crate::nodes::{Nodes, Place};
use crate::side::Side;
use allocator_api2::boxed::Box;
use common::Cursor;
use core::ptr::NonNull;
use listpack::{ListPack, Value};
use zmalloc::{ReserveError, Zmalloc, box_size, or_oom, relocate_box, try_box};

/// A list of strings and integers, stored in listpacks. See the [crate's page](crate).
///
/// Taught in the chapter `docs/src/objects.md`.
///
/// A `QuickList` is one pointer wide, and so is an `Option<QuickList>`. Methods that take a value convert the
/// decimal form of an integer to an integer. Methods that read then return the integer.
///
/// Methods that may allocate come in two forms. The `try_` form returns an error and leaves the list
/// unchanged. The plain form calls the OOM handler.
pub struct QuickList(Box<Inner, Zmalloc>);

const _: () = assert!(size_of::<Option<QuickList>>() == size_of::<usize>());

/// The header of a list, in its own block. In C: `quicklist`, of 40 bytes.
pub(crate) struct Inner {
    pub(crate) nodes: Nodes,
    /// How many elements there are. This is the sum over the nodes.
    pub(crate) len: usize,
    list_max_listpack_size: i32,
    pub(crate) list_compress_depth: u16,
}

const _: () = assert!(size_of::<Inner>() == 5 * size_of::<usize>() + 8);

/// Creating lists, and converting them from a listpack and to one.
impl QuickList {
    /// Creates an empty list. Allocates one block for the header. In C: `quicklistNew`.
    ///
    /// The arguments are the settings in redis.conf. [`NodeLimit`] explains the first one. The second one is
    /// how many nodes at each end stay uncompressed. If it is 0, no node is compressed.
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

    /// Like [`new`](Self::new), but returns an error if there is no memory.
    pub fn try_new(list_max_listpack_size: i32, list_compress_depth: u16) -> Result<Self, ReserveError> {
        try_box(Inner { nodes: Nodes::new(), len: 0, list_max_listpack_size, list_compress_depth }).map(Self)
    }

    /// Creates a list from a listpack, which becomes the first node even if it is larger than the limit.
    /// `pack` is empty afterwards. An error leaves it unchanged. In C: `quicklistAppendListpack` on a new
    /// list.
    ///
    /// Takes O(elements), because it counts them.
    pub fn try_from_listpack(
        pack: &mut ListPack,
        list_max_listpack_size: i32,
        list_compress_depth: u16,
    ) -> Result<Self, ReserveError> {
        let mut list = Self::try_new(list_max_listpack_size, list_compress_depth)?;
        list.try_push_listpack(pack)?;
        Ok(list)
    }

    /// Returns the listpack if the list has exactly one node, and this node is a listpack.
    pub fn as_listpack(&self) -> Option<&ListPack> {
        match self.0.nodes.single()?.elements()? {
            Elements::Packed(pack) => Some(pack),
            Elements::Plain(_) => None,
        }
    }

    /// Converts the list to its listpack. Returns the list as the error if [`as_listpack`](Self::as_listpack)
    /// returns `None`. O(1).
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

/// Reading.
impl QuickList {
    #[inline]
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    #[inline]
    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0
    }

    /// Returns the number of elements. O(1). In C: `quicklistCount`.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Returns whether the list has no elements. O(1).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Returns the number of nodes. O(nodes / 128). In C: the `len` of a `quicklist`.
    pub fn node_count(&self) -> usize {
        self.0.nodes.len()
    }

    /// Returns the limit of a node.
    #[inline]
    pub fn limit(&self) -> NodeLimit {
        self.0.limit()
    }

    /// Returns how many nodes at each end stay uncompressed. If it is 0, no node is compressed. In C: the
    /// `compress` of a `quicklist`.
    pub fn list_compress_depth(&self) -> u16 {
        self.0.list_compress_depth
    }

    /// Returns the element at `index`. In C: `quicklistGetIteratorEntryAtIdx`.
    ///
    /// Takes O(nodes / 128 + elements of a node): the search adds up the counts of segments and then of
    /// nodes, from the nearer end. If the node is compressed, a copy of it is decompressed.
    pub fn get(&self, index: usize) -> Option<Item<'_>> {
        or_oom(self.try_get(index))
    }

    /// Like [`get`](Self::get), but returns an error if there is no memory.
    pub fn try_get(&self, index: usize) -> Result<Option<Item<'_>>, ReserveError> {
        if index >= self.len() {
            return Ok(None);
        }
        let (place, offset) = self.0.nodes.locate(index, self.len());
        let node = self.0.nodes.get(place);
        match node.elements() {
            Some(elements) => Ok(elements.get(offset).map(Item::stored)),
            None => match node.try_decompressed()?.as_ref().and_then(Node::elements) {
                Some(elements) => elements.get(offset).map(Item::try_copied).transpose(),
                None => Ok(None),
            },
        }
    }
}

impl Inner {
    /// Replaces the last node, which must have no elements.
    pub(crate) fn replace_last(&mut self, node: Node) {
        let place = self.nodes.end(Side::Back).expect("pushed just now");
        self.len += node.count();
        self.nodes.change(place, |empty| *empty = node);
        self.recompress();
    }

    #[inline]
    pub(crate) fn limit(&self) -> NodeLimit {
        NodeLimit::new(self.list_max_listpack_size)
    }

    /// Returns whether an element of `len` bytes may join the node. `removed_bytes` bytes and
    /// `removed_count` elements of the node will be removed, so they do not count.
    #[inline]
    pub(crate) fn node_allows_insert(
        &self,
        place: Place,
        len: usize,
        removed_bytes: usize,
        removed_count: usize,
    ) -> bool {
        let node = self.nodes.get(place);
        let bytes = node.raw_len().saturating_sub(removed_bytes);
        !node.is_plain() && self.limit().allows_insert(bytes, node.count() - removed_count, len)
    }

    /// Adds an element at an end of a node. The caller has checked
    /// [`node_allows_insert`](Self::node_allows_insert).
    #[inline]
    pub(crate) fn try_push_to_node(
        &mut self,
        side: Side,
        place: Place,
        value: Value<'_>,
    ) -> Result<(), ReserveError> {
        self.nodes.try_splice(place, 1, |pack| match side {
            Side::Front => pack.try_push_front(value),
            Side::Back => pack.try_push_back(value),
        })
    }

    /// Creates a node of one element.
    pub(crate) fn try_node(&self, value: Value<'_>) -> Result<Node, ReserveError> {
        match value {
            Value::Str(bytes) if self.limit().is_large(bytes.len()) => Node::try_plain(bytes),
            value => Node::try_single(value),
        }
    }
}

/// Memory.
impl QuickList {
    /// Returns how many bytes the list adds to `used_memory`. O(1).
    pub fn allocation_size(&self) -> usize {
        box_size(&self.0) + self.0.nodes.allocation_size()
    }

    /// Copies the list. Returns an error if there is no memory. O(bytes). In C: `quicklistDup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let Inner { len, list_max_listpack_size, list_compress_depth, .. } = *self.0;
        let nodes = self.0.nodes.try_clone()?;
        try_box(Inner { nodes, len, list_max_listpack_size, list_compress_depth }).map(Self)
    }

    /// Moves the blocks for which `moves` returns `true`, if there is memory. `moves` gets the address and
    /// the size in bytes of a block. A defragmenter calls this.
    ///
    /// Each call handles up to 16 nodes. The first call takes [`Cursor::START`]. Each call returns the cursor
    /// for the next one, and the last call returns [`Cursor::START`]. The list may change between calls. A
    /// node may then be handled twice, or not at all.
    pub fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        if cursor.is_start() {
            relocate_box(&mut self.0, moves);
        }
        self.0.nodes.relocate(cursor, moves)
    }

    /// Frees the last `n` nodes, and at least one. Returns the rest of the list, or `None` if nothing is
    /// left. O(n).
    ///
    /// The last node of the rest may be compressed.
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        for _ in 0..n.max(1) {
            self.0.len -= self.0.nodes.pop_back()?.count();
        }
        (!self.is_empty()).then_some(self)
    }
}

impl Clone for QuickList {
    /// Like [`QuickList::try_clone`], but calls the OOM handler if there is no memory.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
    }
}

/// Two lists are equal if they have equal elements in the same order. Their nodes may differ.
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
