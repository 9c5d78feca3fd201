//! Reading a list: `LINDEX`, `LRANGE`, `LPOS`.

use super::edit::{absolute_index, span};
use super::{List, ListView, ReprView};
use crate::element::Element;
use common::Room;
use core::fmt;
use core::iter::FusedIterator;
use core::num::NonZeroI64;
use listpack::Value;
use quicklist::Side;
use zmalloc::{ReserveError, or_oom};

/// An element of a list. It is borrowed from the list, or is a copy if it was compressed there.
pub struct Item<'a>(quicklist::Item<'a>);

impl Item<'_> {
    /// Returns the element.
    #[inline]
    pub fn element(&self) -> Element<'_> {
        Element::from_packed(self.0.value())
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.element().fmt(f)
    }
}

/// Methods that read. [`List`] documents them.
impl<'a> ListView<'a> {
    /// Returns the number of elements. In C: `listTypeLength`; `LLEN`.
    #[inline]
    pub fn len(self) -> usize {
        match self.0 {
            ReprView::ListPack(pack) => pack.len(),
            ReprView::QuickList(list) => list.len(),
        }
    }

    /// Returns whether there are no elements.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// See [`List::get`].
    #[inline]
    pub fn get(self, index: i64) -> Option<Item<'a>> {
        let absolute_index = absolute_index(index, self.len())?;
        match self.0 {
            ReprView::ListPack(pack) => get_packed(pack, absolute_index),
            ReprView::QuickList(list) => or_oom(list.try_get(absolute_index)).map(Item),
        }
    }

    /// See [`List::try_get`].
    pub fn try_get(self, index: i64) -> Result<Option<Item<'a>>, ReserveError> {
        let Some(absolute_index) = absolute_index(index, self.len()) else { return Ok(None) };
        Ok(match self.0 {
            ReprView::ListPack(pack) => get_packed(pack, absolute_index),
            ReprView::QuickList(list) => list.try_get(absolute_index)?.map(Item),
        })
    }

    /// See [`List::iter`].
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        self.slice(0, self.len())
    }

    /// See [`List::range`].
    pub fn range(self, start: i64, end: i64) -> Iter<'a> {
        let (start, count) = span(start, end, self.len());
        self.slice(start, count)
    }

    fn slice(self, start: usize, count: usize) -> Iter<'a> {
        Iter(match self.0 {
            ReprView::ListPack(pack) => {
                let mut iter = pack.iter();
                let len = pack.len();
                if start > 0 {
                    iter = pack.seek(start as isize).map_or(iter, |offset| pack.iter_from(offset));
                }
                // Entries after the range are skipped when the first element from the back is asked for.
                Inner::ListPack { iter, remaining: count, skip_back: len - start - count }
            }
            ReprView::QuickList(list) => Inner::QuickList(list.range(start, count)),
        })
    }

    /// See [`List::positions`].
    pub fn positions(
        self,
        element: impl Into<Element<'a>>,
        rank: NonZeroI64,
        max_len: usize,
    ) -> Positions<'a> {
        Positions {
            iter: self.iter(),
            value: element.into().packed(),
            side: if rank.is_negative() { Side::Back } else { Side::Front },
            to_skip: rank.unsigned_abs().get() - 1,
            compared: 0,
            len: self.len(),
            max_len,
        }
    }
}

impl<R: Room> List<R> {
    /// Returns the element at `index`. Takes O(elements) in a listpack. Takes O(nodes / 128 + elements of a
    /// node) in a quicklist, because the search skips up to 128 nodes at a time from the nearer end. In C:
    /// `LINDEX`.
    #[inline]
    pub fn get(&self, index: i64) -> Option<Item<'_>> {
        self.view().get(index)
    }

    /// Does the same as [`get`](Self::get), but returns an error if an allocation fails. Reading a
    /// compressed node needs memory.
    pub fn try_get(&self, index: i64) -> Result<Option<Item<'_>>, ReserveError> {
        self.view().try_get(index)
    }

    /// Returns an iterator over all elements, from either end.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// Returns an iterator over the elements from `start` to `end`, both included. O(1) an element. In C:
    /// `LRANGE`.
    ///
    /// ```
    /// use values::{EncodingLimits, List};
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut list = List::new();
    /// (0..10).for_each(|n: i32| list.push_back(n.to_string().as_bytes(), &limits));
    /// let last: Vec<_> = list.range(-3, -1).map(|item| item.element().as_i64().unwrap()).collect();
    /// assert_eq!(last, [7, 8, 9]);
    /// ```
    pub fn range(&self, start: i64, end: i64) -> Iter<'_> {
        self.view().range(start, end)
    }

    /// Returns an iterator over the indexes of the elements that equal `element`. It begins with match
    /// number `rank`, counted from the front, or from the back if `rank` is negative. At most `max_len`
    /// elements are compared, in O(1) each.
    ///
    /// In C: `LPOS` with `RANK` and `MAXLEN`. A `MAXLEN` of 0 means no limit, but a `max_len` of 0 compares
    /// nothing. `take` does what `COUNT` does.
    ///
    /// ```
    /// use core::num::NonZeroI64;
    /// use values::{EncodingLimits, List};
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut list = List::new();
    /// [b"a", b"b", b"a", b"a"].map(|bytes| list.push_back(bytes, &limits));
    /// let second = NonZeroI64::new(2).unwrap();
    /// assert!(list.positions(b"a", second, usize::MAX).eq([2, 3]));
    /// assert!(list.positions(b"a", -second, usize::MAX).eq([2, 0]));
    /// ```
    pub fn positions<'a>(
        &'a self,
        element: impl Into<Element<'a>>,
        rank: NonZeroI64,
        max_len: usize,
    ) -> Positions<'a> {
        self.view().positions(element, rank, max_len)
    }
}

/// Two lists are equal if they have equal elements in the same order, whatever the encodings. Reading
/// compressed nodes needs memory. If there is none, the OOM handler is called.
impl PartialEq for ListView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(one, other)| one.element() == other.element())
    }
}

impl Eq for ListView<'_> {}

impl fmt::Debug for ListView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[inline]
fn get_packed(pack: &listpack::View, absolute_index: usize) -> Option<Item<'_>> {
    Some(Item(pack.get(pack.seek(absolute_index as isize)?)?.into()))
}

/// An iterator over elements of a list, from either end.
///
/// The items outlive the next step, so elements of compressed nodes are copied.
/// [`next_element`](Self::next_element) lends them instead.
pub struct Iter<'a>(Inner<'a>);

enum Inner<'a> {
    ListPack {
        iter: listpack::Iter<'a>,
        remaining: usize,
        /// The number of entries after the last one of the range.
        skip_back: usize,
    },
    QuickList(quicklist::Iter<'a>),
}

impl<'a> Iter<'a> {
    /// Returns the next element from one end, which is lent until the next step. Returns an error if there
    /// is no memory to decompress a node. The iterator then stays where it was.
    #[inline]
    pub fn next_element(&mut self, side: Side) -> Result<Option<Element<'_>>, ReserveError> {
        Ok(self.next_value(side)?.map(Element::from_packed))
    }

    #[inline]
    fn next_value(&mut self, side: Side) -> Result<Option<Value<'_>>, ReserveError> {
        match &mut self.0 {
            Inner::ListPack { iter, remaining, skip_back } => {
                Ok(next_packed(iter, remaining, skip_back, side))
            }
            Inner::QuickList(iter) => iter.next_value_from(side),
        }
    }

    /// Returns the next element from one end. Returns an error if there is no memory to decompress a node
    /// or to copy one of its elements.
    #[inline]
    pub fn try_next_from(&mut self, side: Side) -> Result<Option<Item<'a>>, ReserveError> {
        Ok(match &mut self.0 {
            Inner::ListPack { iter, remaining, skip_back } => {
                next_packed(iter, remaining, skip_back, side).map(|value| Item(value.into()))
            }
            Inner::QuickList(iter) => iter.try_next_from(side)?.map(Item),
        })
    }
}

#[inline]
fn next_packed<'a>(
    iter: &mut listpack::Iter<'a>,
    remaining: &mut usize,
    skip_back: &mut usize,
    side: Side,
) -> Option<Value<'a>> {
    *remaining = remaining.checked_sub(1)?;
    match side {
        Side::Front => iter.next(),
        Side::Back => iter.nth_back(core::mem::take(skip_back)),
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        or_oom(self.try_next_from(Side::Front))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let remaining = match &self.0 {
            Inner::ListPack { remaining, .. } => *remaining,
            Inner::QuickList(iter) => iter.len(),
        };
        (remaining, Some(remaining))
    }

    #[inline]
    fn fold<B, F: FnMut(B, Item<'a>) -> B>(self, first: B, mut each: F) -> B {
        match self.0 {
            Inner::ListPack { mut iter, remaining, .. } => {
                let mut result = first;
                for _ in 0..remaining {
                    let Some(value) = iter.next() else { break };
                    result = each(result, Item(value.into()));
                }
                result
            }
            Inner::QuickList(iter) => iter.fold(first, |result, item| each(result, Item(item))),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        or_oom(self.try_next_from(Side::Back))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("remaining", &self.len()).finish()
    }
}

impl<'a, R: Room> IntoIterator for &'a List<R> {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for ListView<'a> {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// An iterator over the indexes of equal elements. See [`List::positions`].
#[derive(Debug)]
pub struct Positions<'a> {
    iter: Iter<'a>,
    value: Value<'a>,
    side: Side,
    /// The number of matches that are still to be skipped.
    to_skip: u64,
    compared: usize,
    len: usize,
    max_len: usize,
}

impl Positions<'_> {
    /// Returns the next index. Returns an error if there is no memory to decompress a node. A later call
    /// then continues.
    pub fn try_next(&mut self) -> Result<Option<usize>, ReserveError> {
        while self.compared < self.max_len {
            let Some(value) = self.iter.next_value(self.side)? else { return Ok(None) };
            let equal = value == self.value;
            self.compared += 1;
            if equal && self.to_skip > 0 {
                self.to_skip -= 1;
            } else if equal {
                return Ok(Some(match self.side {
                    Side::Front => self.compared - 1,
                    Side::Back => self.len - self.compared,
                }));
            }
        }
        Ok(None)
    }
}

impl Iterator for Positions<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        or_oom(self.try_next())
    }
}

impl FusedIterator for Positions<'_> {}
