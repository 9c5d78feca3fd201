//! Going over the members, and asking for several at once.

use super::{Repr, Set, find};
use crate::collection::Collection;
use crate::element::Element;
use crate::packed::Packed;
use core::array;
use core::fmt;
use core::iter::FusedIterator;

/// Look-ups whose cache misses overlap.
pub(super) const BATCH: usize = 16;

/// The members of a [`Set`]. See [`Set::iter`].
#[derive(Clone)]
pub struct Iter<'a> {
    walk: Walk<'a>,
    left: usize,
}

#[derive(Clone)]
enum Walk<'a> {
    IntSet(intset::Iter<'a>),
    ListPack(listpack::Iter<'a>),
    HashTable(dict::iter::Iter<'a, Packed<1>>),
}

impl<'a> Iter<'a> {
    pub(super) fn new(set: &'a Set) -> Self {
        let walk = match &set.0 {
            Repr::IntSet(set) => Walk::IntSet(set.iter()),
            Repr::ListPack(list) => Walk::ListPack(list.iter()),
            Repr::HashTable(members) => Walk::HashTable(members.iter()),
        };
        Self { walk, left: set.len() }
    }

    /// The next members, as many as a batch has; none at the end.
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
        let member = match &mut self.walk {
            Walk::IntSet(walk) => walk.next().map(Element::Int),
            Walk::ListPack(walk) => walk.next().map(Element::from_packed),
            Walk::HashTable(walk) => walk.next().map(|member| Element::Bytes(member.key())),
        };
        self.left -= usize::from(member.is_some());
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

impl Set {
    /// [`contains`](Set::contains) for up to a batch of members, more at the price of less than as many; `false` for those
    /// that are not there to be asked for.
    pub(super) fn contains_batch(&self, members: &[Element<'_>]) -> [bool; BATCH] {
        let text = |i: usize| members.get(i).copied().unwrap_or(Element::Bytes(b"")).text();
        match &self.0 {
            Repr::HashTable(table) if members.len() > 1 => {
                let texts: [_; BATCH] = array::from_fn(text);
                table.contains_many(array::from_fn(|i| &*texts[i]))
            }
            Repr::ListPack(list) => array::from_fn(|i| i < members.len() && find(list, &text(i)).is_some()),
            _ => array::from_fn(|i| members.get(i).is_some_and(|&member| self.contains(member))),
        }
    }
}
