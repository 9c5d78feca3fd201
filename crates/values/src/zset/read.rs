//! Reading a sorted set: the methods of a view, and the same methods of a sorted set.

use super::{Iter, ReprView, ZSet, ZSetView, packed};
use crate::element::Element;
use common::{Cursor, Room};
use core::fmt;
use core::ops::{Bound, Range, RangeBounds};

/// Methods that read. [`ZSet`] documents them.
impl<'a> ZSetView<'a> {
    /// Returns the number of members. In C: `zsetLength`; `ZCARD`.
    #[inline]
    pub fn len(self) -> usize {
        match self.0 {
            ReprView::ListPack(list) => list.len() / 2,
            ReprView::SkipList(table) => table.len(),
        }
    }

    /// Returns whether there are no members.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// See [`ZSet::score`].
    pub fn score<'e>(self, member: impl Into<Element<'e>>) -> Option<f64> {
        let member = member.into();
        match self.0 {
            ReprView::ListPack(list) => packed::find(list, &member.text()).map(|found| found.score),
            ReprView::SkipList(table) => table.get(&member.text()),
        }
    }

    /// See [`ZSet::contains`].
    pub fn contains<'e>(self, member: impl Into<Element<'e>>) -> bool {
        self.score(member).is_some()
    }

    /// See [`ZSet::rank`].
    pub fn rank<'e>(self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        let member = member.into();
        match self.0 {
            ReprView::ListPack(list) => packed::rank(list, &member.text()),
            ReprView::SkipList(table) => table.rank_and_score(&member.text()),
        }
    }

    /// See [`ZSet::rev_rank`].
    pub fn rev_rank<'e>(self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        let (rank, score) = self.rank(member)?;
        // Foreign bytes may have more members than their header counts. Then `rank` may exceed `len`.
        Some((self.len().checked_sub(rank + 1)?, score))
    }

    /// See [`ZSet::by_rank`].
    #[inline]
    pub fn by_rank(self, rank: usize) -> Option<(Element<'a>, f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// See [`ZSet::iter`].
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        self.range(..)
    }

    /// See [`ZSet::range`].
    #[inline]
    pub fn range(self, ranks: impl RangeBounds<usize>) -> Iter<'a> {
        Iter::new(self, self.clip(ranks))
    }

    /// Returns the part of a range of ranks that exists in the set.
    #[inline]
    pub(super) fn clip(self, ranks: impl RangeBounds<usize>) -> Range<usize> {
        let start = match ranks.start_bound() {
            Bound::Unbounded => 0,
            Bound::Included(&rank) => rank,
            Bound::Excluded(&rank) => rank.saturating_add(1),
        };
        let end = match ranks.end_bound() {
            Bound::Unbounded => usize::MAX,
            Bound::Included(&rank) => rank.saturating_add(1),
            Bound::Excluded(&rank) => rank,
        };
        let end = end.min(self.len());
        start.min(end)..end
    }

    /// See [`ZSet::ranks_by_index`].
    pub fn ranks_by_index(self, start: i64, stop: i64) -> Range<usize> {
        let len = i64::try_from(self.len()).unwrap_or(i64::MAX);
        let from_start = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
        let start = from_start(start).clamp(0, len);
        let end = from_start(stop).saturating_add(1).clamp(start, len);
        start as usize..end as usize
    }

    /// See [`ZSet::ranks_by_score`].
    pub fn ranks_by_score(self, scores: impl RangeBounds<f64>) -> Range<usize> {
        match self.0 {
            ReprView::ListPack(list) => packed::by_score(list, scores).ranks,
            ReprView::SkipList(table) => table.ranks_by_score(scores),
        }
    }

    /// See [`ZSet::range_by_score`].
    pub fn range_by_score(self, scores: impl RangeBounds<f64>) -> Iter<'a> {
        match self.0 {
            ReprView::ListPack(list) => Iter::of_listpack(list, packed::by_score(list, scores)),
            ReprView::SkipList(table) => Iter::of_table(table, table.ranks_by_score(scores)),
        }
    }

    /// See [`ZSet::ranks_by_lex`].
    pub fn ranks_by_lex(self, members: impl RangeBounds<[u8]>) -> Range<usize> {
        match self.0 {
            ReprView::ListPack(list) => packed::by_lex(list, members).ranks,
            ReprView::SkipList(table) => table.ranks_by_lex(members),
        }
    }

    /// See [`ZSet::range_by_lex`].
    pub fn range_by_lex(self, members: impl RangeBounds<[u8]>) -> Iter<'a> {
        match self.0 {
            ReprView::ListPack(list) => Iter::of_listpack(list, packed::by_lex(list, members)),
            ReprView::SkipList(table) => Iter::of_table(table, table.ranks_by_lex(members)),
        }
    }

    /// See [`ZSet::scan`].
    pub fn scan(self, cursor: Cursor, mut each: impl FnMut(Element<'a>, f64)) -> Cursor {
        match self.0 {
            ReprView::ListPack(_) => {
                self.iter().for_each(|(member, score)| each(member, score));
                Cursor::START
            }
            ReprView::SkipList(table) => {
                table.scan(cursor, |member, score| each(Element::Bytes(member), score))
            }
        }
    }
}

impl<R: Room> ZSet<R> {
    /// Returns the score of a member. O(1), or O(n) in a listpack. In C: `zsetScore`; `ZSCORE`, `ZMSCORE`.
    pub fn score<'e>(&self, member: impl Into<Element<'e>>) -> Option<f64> {
        self.view().score(member)
    }

    /// Returns whether the member is present. O(1), or O(n) in a listpack.
    pub fn contains<'e>(&self, member: impl Into<Element<'e>>) -> bool {
        self.view().contains(member)
    }

    /// Returns the rank of a member and its score. O(log n), or O(n) in a listpack. In C: `zsetRank`;
    /// `ZRANK ... WITHSCORE`.
    pub fn rank<'e>(&self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        self.view().rank(member)
    }

    /// Returns the rank of a member, counted from the highest score, and its score. O(log n), or O(n) in a
    /// listpack. In C: `ZREVRANK ... WITHSCORE`.
    pub fn rev_rank<'e>(&self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        self.view().rev_rank(member)
    }

    /// Returns the member at a rank, and its score. O(log n), or O(n) in a listpack.
    #[inline]
    pub fn by_rank(&self, rank: usize) -> Option<(Element<'_>, f64)> {
        self.view().by_rank(rank)
    }

    /// Returns an iterator over all members in order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// Returns an iterator over the members in a range of ranks, in order. Ranks beyond the end are ignored.
    /// [`Iterator::rev`] reverses the order for `REV`, and `skip` and `take` implement `LIMIT`. The first
    /// member takes O(log n), or O(n) in a listpack. In C: `ZRANGE`, `ZREVRANGE`.
    #[inline]
    pub fn range(&self, ranks: impl RangeBounds<usize>) -> Iter<'_> {
        self.view().range(ranks)
    }

    /// Converts the two indexes of a command such as `ZRANGE` into a range of ranks. Both indexes are
    /// included, and negative ones count from the end. Returns only ranks that exist. O(1).
    ///
    /// For `REV`, count the indexes from the other end and walk backwards: `ZREVRANGE k a b` is
    /// `range(ranks_by_index(-1 - b, -1 - a)).rev()`.
    ///
    /// ```
    /// # let (limits, mut set) = (values::EncodingLimits::DEFAULT, values::ZSet::new());
    /// # for n in 0..5 { set.insert(n, n as f64, &limits)?; }
    /// assert_eq!(set.ranks_by_index(0, -1), 0..5);
    /// assert_eq!(set.ranks_by_index(-2, 100), 3..5);
    /// assert!(set.ranks_by_index(3, 2).is_empty());
    /// # Ok::<(), values::zset::AddError>(())
    /// ```
    pub fn ranks_by_index(&self, start: i64, stop: i64) -> Range<usize> {
        self.view().ranks_by_index(start, stop)
    }

    /// Returns the ranks of the members whose scores are in a range. The result is empty if there are no such
    /// members, if the start is above the end, or if a bound is NaN. Its length is the reply of `ZCOUNT`.
    /// O(log n), or O(n) in a listpack. In C: `zslFirstInRange` and similar functions.
    pub fn ranks_by_score(&self, scores: impl RangeBounds<f64>) -> Range<usize> {
        self.view().ranks_by_score(scores)
    }

    /// Returns an iterator over the members whose scores are in a range, in order. In C: `ZRANGEBYSCORE`.
    pub fn range_by_score(&self, scores: impl RangeBounds<f64>) -> Iter<'_> {
        self.view().range_by_score(scores)
    }

    /// Returns the ranks of the members that are in a range of bytes. All scores must be equal; if they are
    /// not, the result is an unspecified range. Its length is the reply of `ZLEXCOUNT`. O(log n), or O(n)
    /// in a listpack. In C: `zslFirstInLexRange` and similar functions.
    pub fn ranks_by_lex(&self, members: impl RangeBounds<[u8]>) -> Range<usize> {
        self.view().ranks_by_lex(members)
    }

    /// Returns an iterator over the members of a range of bytes, in order. All scores must be equal. In C:
    /// `ZRANGEBYLEX`.
    pub fn range_by_lex(&self, members: impl RangeBounds<[u8]>) -> Iter<'_> {
        self.view().range_by_lex(members)
    }

    /// Calls `each` with some members and their scores, and returns the cursor for the next call. The first
    /// call takes [`Cursor::START`], and the last one returns it. A member that is present from the first
    /// call to the last is visited at least once. A listpack is visited in one call. In C: `ZSCAN`.
    pub fn scan<'a>(&'a self, cursor: Cursor, each: impl FnMut(Element<'a>, f64)) -> Cursor {
        self.view().scan(cursor, each)
    }
}

/// Two sorted sets are equal if they have the same members with the same scores.
impl PartialEq for ZSetView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for ZSetView<'_> {}

impl fmt::Debug for ZSetView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a, R: Room> IntoIterator for &'a ZSet<R> {
    type Item = (Element<'a>, f64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for ZSetView<'a> {
    type Item = (Element<'a>, f64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
