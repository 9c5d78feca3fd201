//! Iteration over a sorted set, from either end.

use super::packed::RankRange;
use super::score::score_of;
use super::{ReprView, ZSetView};
use crate::element::Element;
use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;
use zindex::ZTable;

/// An iterator over members and their scores, in order. [`ZSet::range`](super::ZSet::range) and similar
/// methods return it. It goes from both ends. `skip` takes O(log n), or O(k) in a listpack.
#[derive(Clone)]
pub struct Iter<'a> {
    inner: Inner<'a>,
}

#[derive(Clone)]
enum Inner<'a> {
    ListPack {
        /// The entries from the next pair on. After the last pair of the range there are `skip_back` more
        /// pairs.
        rest: listpack::Iter<'a>,
        skip_back: usize,
        left: usize,
    },
    SkipList(zindex::Iter<'a>),
}

impl<'a> Iter<'a> {
    /// Creates an iterator over `ranks`, which must exist in the set.
    #[inline]
    pub(super) fn new(set: ZSetView<'a>, ranks: Range<usize>) -> Self {
        match set.0 {
            ReprView::ListPack(list) => {
                let first = isize::try_from(2 * ranks.start).ok().and_then(|index| list.seek(index));
                Self::of_listpack(list, RankRange { ranks, first })
            }
            ReprView::SkipList(table) => Self::of_table(table, ranks),
        }
    }

    #[inline]
    pub(super) fn of_listpack(list: &'a listpack::View, rank_range: RankRange) -> Self {
        let RankRange { ranks, first } = rank_range;
        let rest = first.map_or_else(|| list.iter(), |first| list.iter_from(first));
        let skip_back = (list.len() / 2).saturating_sub(ranks.end);
        Self { inner: Inner::ListPack { rest, skip_back, left: ranks.len() } }
    }

    #[inline]
    pub(super) fn of_table(table: &'a ZTable, ranks: Range<usize>) -> Self {
        Self { inner: Inner::SkipList(table.range(ranks)) }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.inner {
            Inner::ListPack { rest, left, .. } => {
                *left = left.checked_sub(1)?;
                let member = rest.next()?;
                Some((Element::from_packed(member), score_of(rest.next()?)))
            }
            Inner::SkipList(inner) => inner.next().map(|(member, score)| (Element::Bytes(member), score)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.inner {
            Inner::ListPack { left, .. } => (*left, Some(*left)),
            Inner::SkipList(inner) => inner.size_hint(),
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, first: B, mut each: F) -> B {
        let mut result = first;
        match self.inner {
            Inner::ListPack { mut rest, left, .. } => {
                for _ in 0..left {
                    let (Some(member), Some(score)) = (rest.next(), rest.next()) else { break };
                    result = each(result, (Element::from_packed(member), score_of(score)));
                }
                result
            }
            Inner::SkipList(inner) => {
                inner.fold(result, |result, (member, score)| each(result, (Element::Bytes(member), score)))
            }
        }
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        match &mut self.inner {
            Inner::ListPack { .. } => {
                (0..n).try_for_each(|_| self.next().map(drop))?;
                self.next()
            }
            Inner::SkipList(inner) => inner.nth(n).map(|(member, score)| (Element::Bytes(member), score)),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.inner {
            Inner::ListPack { rest, skip_back, left } => {
                *left = left.checked_sub(1)?;
                for _ in 0..2 * core::mem::take(skip_back) {
                    rest.next_back();
                }
                let score = rest.next_back()?;
                Some((Element::from_packed(rest.next_back()?), score_of(score)))
            }
            Inner::SkipList(inner) => {
                inner.next_back().map(|(member, score)| (Element::Bytes(member), score))
            }
        }
    }

    fn nth_back(&mut self, n: usize) -> Option<Self::Item> {
        match &mut self.inner {
            Inner::ListPack { .. } => {
                (0..n).try_for_each(|_| self.next_back().map(drop))?;
                self.next_back()
            }
            Inner::SkipList(inner) => {
                inner.nth_back(n).map(|(member, score)| (Element::Bytes(member), score))
            }
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
