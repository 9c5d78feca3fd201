//! [`Iter`]: the integers of a set in ascending order.

use crate::item::{Item, Items, gallop, with_items};
use core::fmt;
use core::iter::FusedIterator;

/// An iterator over the integers of a set, or of a part of it, in ascending order.
/// [`iter`](crate::View::iter) and [`range`](crate::View::range) return it.
#[derive(Clone)]
pub struct Iter<'a> {
    rest: Items<'a>,
}

impl<'a> Iter<'a> {
    #[inline]
    pub(crate) fn new(rest: Items<'a>) -> Self {
        Self { rest }
    }

    /// The integers that have not been returned yet.
    #[inline]
    pub(crate) fn items(&self) -> Items<'a> {
        self.rest
    }

    /// Returns the next integer without advancing the iterator. O(1).
    #[inline]
    pub fn peek(&self) -> Option<i64> {
        with_items!(self.rest, items => items.first().map(|item| item.get()))
    }

    /// Skips the integers that are less than `least`, and returns the next one without advancing past it.
    ///
    /// Takes O(log d), where `d` is the number of integers that are skipped. So the time of an intersection
    /// is proportional to the size of the smaller set, times a logarithm.
    ///
    /// ```
    /// let set = intset::IntSet::from_iter([1, 5, 9]);
    /// let mut iter = set.iter();
    /// assert_eq!(iter.seek(4), Some(5));
    /// assert_eq!(iter.seek(5), Some(5));
    /// assert_eq!(iter.len(), 2);
    /// ```
    #[inline]
    pub fn seek(&mut self, least: i64) -> Option<i64> {
        with_items!(&mut self.rest, items => {
            *items = &items[gallop(items, least)..];
            items.first().map(|item| item.get())
        })
    }
}

impl Iterator for Iter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        with_items!(&mut self.rest, items => items.split_off_first().map(|item| item.get()))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = with_items!(self.rest, items => items.len());
        (len, Some(len))
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<i64> {
        with_items!(&mut self.rest, items => *items = items.get(n..).unwrap_or_default());
        self.next()
    }

    #[inline]
    fn count(self) -> usize {
        self.len()
    }

    #[inline]
    fn last(mut self) -> Option<i64> {
        self.next_back()
    }

    #[inline]
    fn fold<B, F: FnMut(B, i64) -> B>(self, first: B, f: F) -> B {
        // The encoding is tested once and not for each integer.
        with_items!(self.rest, items => items.iter().map(|item| item.get()).fold(first, f))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<i64> {
        with_items!(&mut self.rest, items => items.split_off_last().map(|item| item.get()))
    }

    #[inline]
    fn nth_back(&mut self, n: usize) -> Option<i64> {
        with_items!(&mut self.rest, items => {
            *items = &items[..items.len().saturating_sub(n)];
        });
        self.next_back()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::IntSet;

    #[test]
    fn skipping_is_what_stepping_would_be_from_both_ends() {
        let set: IntSet = (0..9).collect();
        for n in 0..11 {
            let (mut skipping, mut stepping) = (set.iter(), set.iter());
            for _ in 0..n {
                stepping.next_back();
            }
            assert_eq!(skipping.nth_back(n), stepping.next_back());
            assert!(skipping.eq(stepping));
            let (mut skipping, mut stepping) = (set.iter(), set.iter());
            for _ in 0..n {
                stepping.next();
            }
            assert_eq!(skipping.nth(n), stepping.next());
            assert!(skipping.eq(stepping));
        }
    }

    /// The set has 65,536 integers. If a range walked to its end, this test would take about ten seconds.
    #[test]
    #[cfg_attr(miri, ignore = "many ranges")]
    fn a_range_does_not_walk() {
        let set: IntSet = (0..65_536).collect();
        let sum: i64 = (0..200_000).map(|n| set.range(..=n % 9).next_back().unwrap()).sum();
        assert_eq!(sum, 799_993);
    }
}
