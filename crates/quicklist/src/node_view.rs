//! [`NodeView`]: the nodes of a list as bytes, for dump files.
//!
//! A dump of a list is the sequence of its nodes. So writing and reading a dump copies whole nodes and does
//! not look at their elements.

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
    /// A listpack or a large element, compressed by [`lzf`](crate::lzf).
    Compressed {
        /// Whether it is one large element.
        is_plain: bool,
        /// How many bytes it has before compression.
        raw_len: usize,
        /// The compressed bytes.
        stream: &'a [u8],
    },
}

impl QuickList {
    /// Returns an iterator over the nodes, beginning with the one that has `ordinal` nodes in front of it.
    /// Finding the first node takes O(nodes / 128).
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

    /// Adds a listpack after all nodes as a separate node, even if it is larger than the limit. `pack` is
    /// empty afterwards. A listpack without elements adds no node. An error leaves both unchanged. In C:
    /// `quicklistAppendListpack`.
    ///
    /// Takes O(elements), because it counts them.
    pub fn try_push_listpack(&mut self, pack: &mut ListPack) -> Result<(), ReserveError> {
        // The entries are counted, because the header of a foreign listpack may state a wrong count.
        let count = pack.iter().count();
        if count == 0 {
            pack.clear();
            return Ok(());
        }
        // The node is first added with an empty listpack. `pack` replaces it once nothing can fail any more.
        let inner = self.inner_mut();
        inner.nodes.try_push_back([Node::packed(ListPack::new(), 0)])?;
        inner.replace_last(Node::packed(core::mem::take(pack), count));
        Ok(())
    }

    /// Adds an element after all nodes as a separate node, which is not a listpack. An error leaves the list
    /// unchanged. In C: `quicklistAppendPlainNode`.
    pub fn try_push_plain(&mut self, element: &[u8]) -> Result<(), ReserveError> {
        self.try_push_plain_node(Node::try_plain(element)?)
    }

    /// Like [`try_push_plain`](Self::try_push_plain), for an element of `len` bytes that `fill` writes. So a
    /// caller that decompresses the element needs no second copy. An error of the allocator or of `fill`
    /// leaves the list unchanged.
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
        inner.recompress();
        Ok(())
    }
}
