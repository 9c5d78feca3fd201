//! Iteration over fields and values.

use super::{Hash, HashView, ReprView};
use crate::element::Element;
use crate::hashtable::StringBlock;
use common::{Cursor, Room};
use core::fmt;
use core::iter::FusedIterator;

/// An iterator over fields and values of a [`Hash`](struct@Hash). See [`Hash::iter`].
#[derive(Clone)]
pub struct Iter<'a> {
    inner: Inner<'a>,
    left: usize,
}

#[derive(Clone)]
enum Inner<'a> {
    ListPack(listpack::Iter<'a>),
    HashTable(dict::iter::Iter<'a, StringBlock<2>>),
}

/// Returns the field and the value of a block.
#[inline]
pub(super) fn elements(pair: &StringBlock<2>) -> (Element<'_>, Element<'_>) {
    let [field, value] = pair.parts();
    (Element::Bytes(field), Element::Bytes(value))
}

impl<'a> HashView<'a> {
    /// See [`Hash::iter`].
    pub fn iter(self) -> Iter<'a> {
        let inner = match self.0 {
            ReprView::ListPack(list) => Inner::ListPack(list.iter()),
            ReprView::HashTable(table) => Inner::HashTable(table.iter()),
        };
        Iter { inner, left: self.len() }
    }

    /// See [`Hash::scan`].
    pub fn scan(self, cursor: Cursor, mut each: impl FnMut(Element<'a>, Element<'a>)) -> Cursor {
        match self.0 {
            ReprView::HashTable(table) => table.scan(cursor, |pair| {
                let (field, value) = elements(pair);
                each(field, value);
            }),
            ReprView::ListPack(_) => {
                self.iter().for_each(|(field, value)| each(field, value));
                Cursor::START
            }
        }
    }
}

impl<R: Room> Hash<R> {
    /// Calls `each` with some fields and their values, and returns the cursor for the next call. The first
    /// call takes [`Cursor::START`], and the last one returns it. A field that exists from the first call
    /// to the last is visited at least once. A small hash is visited in one call. In C: `HSCAN`.
    pub fn scan<'a>(&'a self, cursor: Cursor, each: impl FnMut(Element<'a>, Element<'a>)) -> Cursor {
        self.view().scan(cursor, each)
    }
}

impl<'a> IntoIterator for HashView<'a> {
    type Item = (Element<'a>, Element<'a>);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a, R: Room> IntoIterator for &'a Hash<R> {
    type Item = (Element<'a>, Element<'a>);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let pair = match &mut self.inner {
            Inner::ListPack(inner) => inner
                .next()
                .zip(inner.next())
                .map(|(f, v)| (Element::from_packed(f), Element::from_packed(v))),
            Inner::HashTable(inner) => inner.next().map(elements),
        };
        // Foreign bytes may have more elements than their header counts.
        self.left = self.left.saturating_sub(usize::from(pair.is_some()));
        pair
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
        f.debug_map().entries(self.clone()).finish()
    }
}
