//! Going over fields and values.

use super::{Hash, Repr};
use crate::collection::Collection;
use crate::element::Element;
use crate::packed::Packed;
use core::fmt;
use core::iter::FusedIterator;

/// Fields and values of a [`Hash`](struct@Hash). See [`Hash::iter`].
#[derive(Clone)]
pub struct Iter<'a> {
    walk: Walk<'a>,
    left: usize,
}

#[derive(Clone)]
enum Walk<'a> {
    ListPack(listpack::Iter<'a>),
    HashTable(dict::iter::Iter<'a, Packed<2>>),
}

/// Field and value of a block.
#[inline]
pub(super) fn elements(pair: &Packed<2>) -> (Element<'_>, Element<'_>) {
    let [field, value] = pair.parts();
    (Element::Bytes(field), Element::Bytes(value))
}

impl Hash {
    /// Fields with their values: in the order of their insertion in a listpack, in no order in a hash table. In C:
    /// `hashTypeInitIterator`; `HGETALL`.
    pub fn iter(&self) -> Iter<'_> {
        let walk = match &self.0 {
            Repr::ListPack(list) => Walk::ListPack(list.iter()),
            Repr::HashTable(members) => Walk::HashTable(members.iter()),
        };
        Iter { walk, left: self.len() }
    }

    /// The fields, in the order of [`iter`](Self::iter). In C: `HKEYS`.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = Element<'_>> {
        self.iter().map(|(field, _)| field)
    }

    /// The values, in the order of [`iter`](Self::iter). In C: `HVALS`.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Element<'_>> {
        self.iter().map(|(_, value)| value)
    }

    /// Visits some fields with their values and answers where to go on; 0 starts and ends. A field that is there from the start to
    /// the end comes at least once. A small hash comes whole. In C: `HSCAN`.
    pub fn scan<'a>(&'a self, cursor: u64, mut each: impl FnMut(Element<'a>, Element<'a>)) -> u64 {
        match &self.0 {
            Repr::HashTable(members) => members.scan(cursor, |pair| {
                let (field, value) = elements(pair);
                each(field, value);
            }),
            Repr::ListPack(_) => {
                self.iter().for_each(|(field, value)| each(field, value));
                0
            }
        }
    }
}

impl<'a> IntoIterator for &'a Hash {
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
        let pair = match &mut self.walk {
            Walk::ListPack(walk) => {
                walk.next().zip(walk.next()).map(|(f, v)| (Element::from_packed(f), Element::from_packed(v)))
            }
            Walk::HashTable(walk) => walk.next().map(elements),
        };
        self.left -= usize::from(pair.is_some());
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
