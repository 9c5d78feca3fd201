//! Iteration over the order, from either end.
//!
//! An iterator is a range of ranks, and for each end the leaf in which it is. Member blocks lie anywhere in
//! memory, so an iteration mostly waits for them. A leaf knows the addresses of the next blocks, so they
//! are prefetched some entries ahead.

use core::iter::FusedIterator;
use core::ops::Range;

use super::Order;
use crate::node::Leaf;

/// How many entries ahead a block is prefetched.
const AHEAD: usize = 8;

/// An iterator over members and their scores, in order. [`Order::range`] and related methods return it.
///
/// It iterates from both ends. `nth` and `nth_back` do not walk, so they are O(log n).
#[derive(Clone)]
pub struct Iter<'a> {
    order: &'a Order,
    ranks: Range<usize>,
    /// The leaf of the next entry, and the entry's number in the leaf.
    front: Option<(&'a Leaf, usize)>,
    /// The leaf of the last entry, and the number after that entry's in the leaf.
    back: Option<(&'a Leaf, usize)>,
}

impl<'a> Iter<'a> {
    /// Creates an iterator over `ranks`, which must exist in the order.
    pub(crate) fn new(order: &'a Order, ranks: Range<usize>) -> Self {
        Self { order, ranks, front: None, back: None }
    }

    /// Returns the ranks of the members that the iterator has not returned yet.
    pub fn ranks(&self) -> Range<usize> {
        self.ranks.clone()
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        let (leaf, index) = match self.front {
            Some((leaf, index)) if index < leaf.len() => {
                leaf.prefetch(index + AHEAD..index + AHEAD + 1);
                (leaf, index)
            }
            _ => {
                let (leaf, index) = self.order.leaf_at(self.ranks.start)?;
                leaf.prefetch(index..(index + AHEAD + 1).min(index + self.ranks.len()));
                (leaf, index)
            }
        };
        self.ranks.start += 1;
        self.front = Some((leaf, index + 1));
        Some((leaf.member(index), leaf.score(index)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ranks.len(), Some(self.ranks.len()))
    }

    fn count(self) -> usize {
        self.ranks.len()
    }

    fn last(mut self) -> Option<Self::Item> {
        self.next_back()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        if n > 0 {
            self.ranks.start += n.min(self.ranks.len());
            self.front = None;
        }
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        let (leaf, end) = match self.back {
            Some((leaf, end)) if end > 0 => {
                if let Some(ahead) = end.checked_sub(AHEAD + 1) {
                    leaf.prefetch(ahead..ahead + 1);
                }
                (leaf, end)
            }
            _ => {
                let (leaf, index) = self.order.leaf_at(self.ranks.end - 1)?;
                leaf.prefetch((index + 1).saturating_sub((AHEAD + 1).min(self.ranks.len()))..index + 1);
                (leaf, index + 1)
            }
        };
        self.ranks.end -= 1;
        self.back = Some((leaf, end - 1));
        Some((leaf.member(end - 1), leaf.score(end - 1)))
    }

    fn nth_back(&mut self, n: usize) -> Option<Self::Item> {
        if n > 0 {
            self.ranks.end -= n.min(self.ranks.len());
            self.back = None;
        }
        self.next_back()
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}
