//! [`NodeView`]: the nodes of a list as bytes, for dump files.
//!
//! A dump of a list is a row of its nodes. So a dump copies nodes in both directions, without a look at their elements.

use crate::list::QuickList;
use crate::node::Node;
use listpack::ListPack;
use zmalloc::ReserveError;

/// A node of a list as it is stored.
#[derive(Clone, Copy, Debug)]
pub enum NodeView<'a> {
    /// A listpack of one or more elements. In C: `QUICKLIST_NODE_CONTAINER_PACKED`.
    Packed(&'a listpack::View),
    /// One large element. In C: `QUICKLIST_NODE_CONTAINER_PLAIN`.
    Plain(&'a [u8]),
    /// Either of them, compressed by [`lzf`](crate::lzf).
    Zipped {
        /// Whether it is one large element.
        is_plain: bool,
        /// How many bytes it has when it is not compressed.
        raw_len: usize,
        /// The compressed bytes.
        stream: &'a [u8],
    },
}

impl QuickList {
    /// The nodes from the one with `ordinal` nodes before it. O(nodes / 128) to the first.
    ///
    /// ```
    /// use quicklist::{NodeView, QuickList};
    /// let mut list = QuickList::new(2, 0); // nodes of two elements
    /// (0..5).for_each(|n: i64| list.push_back(n));
    /// let lens = list.nodes_from(1).map(|node| match node {
    ///     NodeView::Packed(pack) => pack.len(),
    ///     _ => 0,
    /// });
    /// assert!(lens.eq([2, 1]));
    /// ```
    pub fn nodes_from(&self, ordinal: usize) -> impl Iterator<Item = NodeView<'_>> {
        self.inner().nodes.iter_from(ordinal).map(Node::view)
    }

    /// Adds a listpack behind all nodes as a node of its own, larger than the limit or not; afterwards `pack` is empty. A listpack
    /// without elements adds no node. After an error both are as they were. O(elements), which are counted. In C:
    /// `quicklistAppendListpack`.
    pub fn try_push_listpack(&mut self, pack: &mut ListPack) -> Result<(), ReserveError> {
        // The entries are counted, because the count of foreign bytes may be wrong.
        let count = pack.iter().count();
        if count == 0 {
            pack.clear();
            return Ok(());
        }
        // The node is made with an empty listpack first; the listpack moves in when nothing can fail any more.
        let inner = self.inner_mut();
        inner.nodes.try_push_back([Node::packed(ListPack::new(), 0)])?;
        inner.fill_last(Node::packed(core::mem::take(pack), count));
        Ok(())
    }

    /// Adds an element behind all nodes as a node of its own, which is not packed. After an error the list is as it was. In C:
    /// `quicklistAppendPlainNode`.
    pub fn try_push_plain(&mut self, element: &[u8]) -> Result<(), ReserveError> {
        self.try_push_plain_node(Node::try_plain(element)?)
    }

    /// [`try_push_plain`](Self::try_push_plain) of an element of `len` bytes. `fill` writes the element into its
    /// place, so that a caller that decompresses it needs no second copy. After an error, which may be that of
    /// `fill`, the list is as it was.
    pub fn try_push_plain_with<E: From<ReserveError>>(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        Ok(self.try_push_plain_node(Node::try_plain_with(len, fill)?)?)
    }

    fn try_push_plain_node(&mut self, node: Node) -> Result<(), ReserveError> {
        let inner = self.inner_mut();
        inner.nodes.try_push_back([node])?;
        inner.len += 1;
        inner.settle();
        Ok(())
    }
}
