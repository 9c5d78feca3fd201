//! Iteration over the members.

use super::{ReprView, Set, SetView};
use crate::element::Element;
use crate::hashtable::{BATCH, StringBlock};
use common::{Cursor, Room};
use core::array;
use core::fmt;
use core::iter::FusedIterator;

/// An iterator over the members of a [`Set`]. See [`Set::iter`].
#[derive(Clone)]
pub struct Iter<'a> {
    inner: Inner<'a>,
    left: usize,
}

#[derive(Clone)]
enum Inner<'a> {
    IntSet(intset::Iter<'a>),
    ListPack(listpack::Iter<'a>),
    HashTable(dict::iter::Iter<'a, StringBlock<1>>),
}

impl<'a> Iter<'a> {
    /// Returns the next members, up to the size of a batch, and their number, which is 0 at the end.
    pub(super) fn next_batch(&mut self) -> ([Element<'a>; BATCH], usize) {
        let mut taken = 0;
        let batch = array::from_fn(|_| {
            let member = self.next();
            taken += usize::from(member.is_some());
            member.unwrap_or(Element::Bytes(b""))
        });
        (batch, taken)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let member = match &mut self.inner {
            Inner::IntSet(inner) => inner.next().map(Element::Int),
            Inner::ListPack(inner) => inner.next().map(Element::from_packed),
            Inner::HashTable(inner) => inner.next().map(|member| Element::Bytes(member.key())),
        };
        // Foreign bytes may have more elements than their header counts.
        self.left = self.left.saturating_sub(usize::from(member.is_some()));
        member
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a> SetView<'a> {
    /// See [`Set::iter`].
    pub fn iter(self) -> Iter<'a> {
        let inner = match self.0 {
            ReprView::IntSet(set) => Inner::IntSet(set.iter()),
            ReprView::ListPack(list) => Inner::ListPack(list.iter()),
            ReprView::HashTable(table) => Inner::HashTable(table.iter()),
        };
        Iter { inner, left: self.len() }
    }

    /// See [`Set::scan`].
    pub fn scan(self, cursor: Cursor, mut each: impl FnMut(Element<'a>)) -> Cursor {
        match self.0 {
            ReprView::HashTable(table) => table.scan(cursor, |member| each(Element::Bytes(member.key()))),
            _ => {
                self.iter().for_each(each);
                Cursor::START
            }
        }
    }
}

impl<R: Room> Set<R> {
    /// Returns an iterator over the members. An intset is in ascending order, a listpack in the order of
    /// insertion, and a hash table has no order. In C: `setTypeInitIterator`; `SMEMBERS`.
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// Calls `each` with some members, and returns the cursor for the next call. The first call takes
    /// [`Cursor::START`], and the last one returns it. A member that is present from the first call to the
    /// last is visited at least once. A small set is visited in one call. In C: `SSCAN`.
    pub fn scan<'a>(&'a self, cursor: Cursor, each: impl FnMut(Element<'a>)) -> Cursor {
        self.view().scan(cursor, each)
    }
}

impl<'a, R: Room> IntoIterator for &'a Set<R> {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for SetView<'a> {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
