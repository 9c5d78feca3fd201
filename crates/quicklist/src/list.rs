//! [`QuickList`]: the handle, and what a list says of itself.

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

/// A list of strings and integers, in listpacks. See the [crate's page](crate).
///
/// One pointer wide, and so is `Option<QuickList>`. Methods that take a value store the text of an integer as an integer; it
/// reads back as an integer with that text. Those that may need memory come in two forms: `try_x` answers an error, and the list
/// is then as it was, `x` ends in the OOM handler.
pub struct QuickList(Box<Inner, Zmalloc>);

const _: () = assert!(size_of::<Option<QuickList>>() == size_of::<usize>());

/// In C: `quicklist`, of 40 bytes.
pub(crate) struct Inner {
    pub(crate) nodes: Nodes,
    /// Elements: the sum over the nodes.
    pub(crate) len: usize,
    list_max_listpack_size: i32,
    pub(crate) list_compress_depth: u16,
}

const _: () = assert!(size_of::<Inner>() == 5 * size_of::<usize>() + 8);

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
        try_box(Inner { nodes: Nodes::new(), len: 0, list_max_listpack_size, list_compress_depth }).map(Self)
    }

    /// A list of what is in `pack`, which becomes its first node as it is, larger than the limit or not; afterwards `pack`
    /// is empty. After an error it is as it was. O(elements), which are counted. In C: `quicklistAppendListpack` on a new list.
    pub fn try_from_listpack(
        pack: &mut ListPack,
        list_max_listpack_size: i32,
        list_compress_depth: u16,
    ) -> Result<Self, ReserveError> {
        let mut list = Self::try_new(list_max_listpack_size, list_compress_depth)?;
        list.try_push_listpack(pack)?;
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

impl Inner {
    /// Puts a node in the place of the last one, which has no element.
    pub(crate) fn fill_last(&mut self, node: Node) {
        let place = self.nodes.end(Side::Back).expect("pushed just now");
        self.len += node.count();
        self.nodes.change(place, |empty| *empty = node);
        self.settle();
    }

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
    #[inline]
    pub(crate) fn try_join(
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

    /// A node of one element.
    pub(crate) fn try_node(&self, value: Value<'_>) -> Result<Node, ReserveError> {
        match value {
            Value::Str(bytes) if self.limit().is_large(bytes.len()) => Node::try_plain(bytes),
            value => Node::try_single(value),
        }
    }
}

/// Memory.
impl QuickList {
    /// What the list adds to `used_memory`, in bytes. O(1).
    pub fn allocation_size(&self) -> usize {
        box_size(&self.0) + self.0.nodes.allocation_size()
    }

    /// A copy, or an error. O(bytes). In C: `quicklistDup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let Inner { len, list_max_listpack_size, list_compress_depth, .. } = *self.0;
        let nodes = self.0.nodes.try_clone()?;
        try_box(Inner { nodes, len, list_max_listpack_size, list_compress_depth }).map(Self)
    }

    /// For defragmentation: asks `moves` about blocks, with address and size in bytes, and moves those for which it returns
    /// `true`, if there is memory. A call looks at some of them, up to 16 nodes. The first call takes [`Cursor::START`], each returns
    /// the cursor for the next, and the last one [`Cursor::START`]. The list may change in between: a node may then be asked about
    /// twice, or not at all.
    pub fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        if cursor.is_start() {
            relocate_box(&mut self.0, moves);
        }
        self.0.nodes.relocate(cursor, moves)
    }

    /// Frees `n` nodes from the end, one at least, and gives back what is left, if anything is. The last node
    /// may be compressed. O(n).
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        for _ in 0..n.max(1) {
            self.0.len -= self.0.nodes.pop_back()?.count();
        }
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
