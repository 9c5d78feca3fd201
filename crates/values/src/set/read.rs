//! Reading a set: the methods of a view, and the same methods of a set.

use super::{ReprView, Set, SetView};
use crate::element::Element;
use crate::hashtable::{AheadLookup, BATCH};
use common::Room;
use core::array;
use core::fmt;

/// Methods that read. [`Set`] documents them.
impl SetView<'_> {
    /// Returns the number of members. In C: `setTypeSize`; `SCARD`.
    #[inline]
    pub fn len(self) -> usize {
        match self.0 {
            ReprView::IntSet(set) => set.len(),
            ReprView::ListPack(list) => list.len(),
            ReprView::HashTable(table) => table.len(),
        }
    }

    /// Returns whether there are no members.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// See [`Set::contains`].
    #[inline]
    pub fn contains<'e>(self, member: impl Into<Element<'e>>) -> bool {
        let member = member.into();
        match self.0 {
            ReprView::IntSet(set) => member.as_i64().is_some_and(|value| set.contains(value)),
            ReprView::ListPack(list) => find(list, &member.text()).is_some(),
            ReprView::HashTable(table) => table.get(&member.text()).is_some(),
        }
    }

    /// See [`Set::contains_many`].
    pub fn contains_many(self, members: &[Element<'_>]) -> impl Iterator<Item = bool> {
        members.chunks(BATCH).flat_map(move |batch| self.contains_batch(batch).into_iter().take(batch.len()))
    }

    /// Returns whether each of up to [`BATCH`] members is present. This costs less than as many look-ups.
    /// The unused elements of the result are `false`.
    pub(super) fn contains_batch(self, members: &[Element<'_>]) -> [bool; BATCH] {
        let text = |i: usize| members.get(i).copied().unwrap_or(Element::Bytes(b"")).text();
        match self.0 {
            ReprView::HashTable(table) if members.len() > 1 => {
                let texts: [_; BATCH] = array::from_fn(text);
                table.contains_many(array::from_fn(|i| &*texts[i]))
            }
            ReprView::ListPack(list) => {
                array::from_fn(|i| i < members.len() && find(list, &text(i)).is_some())
            }
            _ => array::from_fn(|i| members.get(i).is_some_and(|&member| self.contains(member))),
        }
    }
}

impl<'a> SetView<'a> {
    /// Returns the look-up of a member that runs later, and prefetches what it reads first. Returns `None` if this would
    /// cost more than it saves, because the set is small or packed. Constant time.
    #[inline]
    pub fn look_ahead(self, member: &[u8]) -> Option<AheadLookup<'a>> {
        match self.0 {
            ReprView::HashTable(table) => table.look_ahead(member),
            ReprView::IntSet(_) | ReprView::ListPack(_) => None,
        }
    }
}

impl<R: Room> Set<R> {
    /// Returns whether `member` is in the set. O(1) on average in a hash table, O(log n) in an intset, O(n)
    /// in a listpack. In C: `setTypeIsMember`; `SISMEMBER`.
    #[inline]
    pub fn contains<'e>(&self, member: impl Into<Element<'e>>) -> bool {
        self.view().contains(member)
    }

    /// Returns for each of `members` whether it is in the set, in the same order. The cache misses of the
    /// look-ups overlap. In C: `SMISMEMBER`.
    ///
    /// ```
    /// use values::{Element, EncodingLimits, Set};
    /// let mut set = Set::new();
    /// set.insert(5, &EncodingLimits::DEFAULT);
    /// let asked = [Element::Int(5), Element::Bytes(b"six")];
    /// assert!(set.contains_many(&asked).eq([true, false]));
    /// ```
    pub fn contains_many(&self, members: &[Element<'_>]) -> impl Iterator<Item = bool> {
        self.view().contains_many(members)
    }
}

/// Returns the position of a member.
#[inline]
pub(super) fn find(list: &listpack::View, member: &[u8]) -> Option<listpack::Offset> {
    list.find(list.first()?, member, 0)
}

/// Two sets are equal if they have the same members, whatever the encodings. O(n) look-ups.
impl PartialEq for SetView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|member| other.contains(member))
    }
}

impl Eq for SetView<'_> {}

impl fmt::Debug for SetView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
