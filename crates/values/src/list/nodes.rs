//! Whole nodes, as dump files store them.

use super::{List, ListView, Repr, ReprView};
use crate::element::Element;
use crate::limits::EncodingLimits;
use core::mem;
use listpack::{Depth, ListPack};
use quicklist::{NodeLimit, NodeView, QuickList, Side};
use zmalloc::ReserveError;

impl List {
    /// Appends the elements of a listpack. O(bytes). In C: `quicklistAppendListpack`.
    ///
    /// If the listpack is within `list-max-listpack-size`, it becomes a node as it is, or the whole list if
    /// the list is empty. Otherwise its elements are pushed one after the other.
    ///
    /// ```
    /// use values::{Collection, Encoding, EncodingLimits, List};
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut node = List::new();
    /// node.push_back("element", &limits);
    /// let bytes = node.as_packed().unwrap();
    ///
    /// let mut list = List::new();
    /// list.try_push_listpack(bytes, &limits)?;
    /// assert_eq!((list.encoding(), list.len()), (Encoding::ListPack, 1));
    /// list.try_push_listpack(bytes, &limits)?;
    /// assert_eq!((list.encoding(), list.len()), (Encoding::QuickList, 2));
    /// # Ok::<(), values::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error::Malformed): the list is unchanged.
    /// [`Error::Reserve`](crate::Error::Reserve): the list may have some of the elements.
    pub fn try_push_listpack(&mut self, bytes: &[u8], limits: &EncodingLimits) -> Result<(), crate::Error> {
        listpack::validate(bytes, Depth::Strict)?;
        let view = listpack::View::new(bytes)?;
        let count = view.len();
        if count == 0 {
            return Ok(());
        }
        if !NodeLimit::new(limits.list_max_listpack_size).allows(bytes.len(), count) {
            for value in view {
                self.try_push(Side::Back, Element::from_packed(value), limits)?;
            }
            return Ok(());
        }
        let mut pack = view.try_to_owned()?;
        match &mut self.0 {
            Repr::ListPack(list) if list.is_empty() => self.0 = Repr::ListPack(pack),
            _ => self.try_as_quicklist(limits)?.try_push_listpack(&mut pack)?,
        }
        Ok(())
    }

    /// Appends an element. If it is large in the sense of `list-max-listpack-size`, it gets a node of its
    /// own that is not packed. In C: `quicklistAppendPlainNode`.
    ///
    /// # Errors
    /// The allocation failed. The list has the same elements as before.
    pub fn try_push_plain(&mut self, element: &[u8], limits: &EncodingLimits) -> Result<(), ReserveError> {
        if !NodeLimit::new(limits.list_max_listpack_size).is_large(element.len()) {
            return self.try_push(Side::Back, element, limits);
        }
        self.try_as_quicklist(limits)?.try_push_plain(element)
    }

    /// Appends an element of `len` bytes in a node of its own, whatever the limit is. `fill` writes the
    /// element into its place. So a caller that decompresses it needs no second copy.
    ///
    /// ```
    /// use values::{Collection, EncodingLimits, List, ReserveError};
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut list = List::new();
    /// list.try_push_plain_with(10_000, &limits, |place| Ok::<(), ReserveError>(place.fill(b'x')))?;
    /// assert_eq!(list.pop_back(&limits).unwrap().as_element().len(), 10_000);
    /// # Ok::<(), ReserveError>(())
    /// ```
    ///
    /// # Errors
    /// The error of `fill`, or that of an allocation. The list has the same elements as before.
    pub fn try_push_plain_with<E: From<ReserveError>>(
        &mut self,
        len: usize,
        limits: &EncodingLimits,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.try_as_quicklist(limits)?.try_push_plain_with(len, fill)
    }

    /// Returns the quicklist. A listpack becomes one.
    fn try_as_quicklist(&mut self, limits: &EncodingLimits) -> Result<&mut QuickList, ReserveError> {
        if let Repr::ListPack(pack) = &mut self.0 {
            let mut pack = mem::replace(pack, ListPack::new());
            let list = QuickList::try_from_listpack(
                &mut pack,
                limits.list_max_listpack_size,
                limits.list_compress_depth,
            );
            self.0 = match list {
                Ok(list) => Repr::QuickList(list),
                Err(error) => {
                    self.0 = Repr::ListPack(pack);
                    return Err(error);
                }
            };
        }
        match &mut self.0 {
            Repr::QuickList(list) => Ok(list),
            Repr::ListPack(_) => unreachable!("made a quicklist just now"),
        }
    }
}

impl<'a> ListView<'a> {
    /// Returns the number of nodes, which is 1 for a listpack. O(nodes / 128).
    pub fn node_count(self) -> usize {
        match self.0 {
            ReprView::ListPack(_) => 1,
            ReprView::QuickList(list) => list.node_count(),
        }
    }

    /// Returns an iterator over the nodes as they are stored, from number `ordinal` on. The first takes
    /// O(nodes / 128). A listpack counts as one node.
    pub fn nodes_from(self, ordinal: usize) -> impl Iterator<Item = NodeView<'a>> {
        let (pack, list) = match self.0 {
            ReprView::ListPack(pack) => (Some(NodeView::Packed(pack)).filter(|_| ordinal == 0), None),
            ReprView::QuickList(list) => (None, Some(list.nodes_from(ordinal))),
        };
        pack.into_iter().chain(list.into_iter().flatten())
    }
}
