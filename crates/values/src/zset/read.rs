//! Reading a sorted set: the view's methods, and the same of an owned one.

use super::{Iter, ReprView, ZSet, ZSetView, packed};
use crate::element::Element;
use common::{Cursor, Room};
use core::fmt;
use core::ops::{Bound, Range, RangeBounds};

/// See the same methods of [`ZSet`].
impl<'a> ZSetView<'a> {
    /// How many members there are. In C: `zsetLength`; `ZCARD`.
    #[inline]
    pub fn len(self) -> usize {
        match self.0 {
            ReprView::ListPack(list) => list.len() / 2,
            ReprView::SkipList(table) => table.len(),
        }
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// [`ZSet::score`].
    pub fn score<'e>(self, member: impl Into<Element<'e>>) -> Option<f64> {
        let member = member.into();
        match self.0 {
            ReprView::ListPack(list) => packed::find(list, &member.text()).map(|found| found.score),
            ReprView::SkipList(table) => table.get(&member.text()),
        }
    }

    /// [`ZSet::contains`].
    pub fn contains<'e>(self, member: impl Into<Element<'e>>) -> bool {
        self.score(member).is_some()
    }

    /// [`ZSet::rank`].
    pub fn rank<'e>(self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        let member = member.into();
        match self.0 {
            ReprView::ListPack(list) => packed::rank(list, &member.text()),
            ReprView::SkipList(table) => table.rank_and_score(&member.text()),
        }
    }

    /// [`ZSet::rev_rank`].
    pub fn rev_rank<'e>(self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        let (rank, score) = self.rank(member)?;
        // The count of foreign bytes may be wrong.
        Some((self.len().checked_sub(rank + 1)?, score))
    }

    /// [`ZSet::by_rank`].
    #[inline]
    pub fn by_rank(self, rank: usize) -> Option<(Element<'a>, f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// [`ZSet::iter`].
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        self.range(..)
    }

    /// [`ZSet::range`].
    #[inline]
    pub fn range(self, ranks: impl RangeBounds<usize>) -> Iter<'a> {
        Iter::new(self, self.clip(ranks))
    }

    /// The ranks that are in a range and here.
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

    /// [`ZSet::ranks_by_index`].
    pub fn ranks_by_index(self, start: i64, stop: i64) -> Range<usize> {
        let len = i64::try_from(self.len()).unwrap_or(i64::MAX);
        let from_start = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
        let start = from_start(start).clamp(0, len);
        let end = from_start(stop).saturating_add(1).clamp(start, len);
        start as usize..end as usize
    }

    /// [`ZSet::ranks_by_score`].
    pub fn ranks_by_score(self, scores: impl RangeBounds<f64>) -> Range<usize> {
        match self.0 {
            ReprView::ListPack(list) => packed::by_score(list, scores).ranks,
            ReprView::SkipList(table) => table.ranks_by_score(scores),
        }
    }

    /// [`ZSet::range_by_score`].
    pub fn range_by_score(self, scores: impl RangeBounds<f64>) -> Iter<'a> {
        match self.0 {
            ReprView::ListPack(list) => Iter::of_listpack(list, packed::by_score(list, scores)),
            ReprView::SkipList(table) => Iter::of_table(table, table.ranks_by_score(scores)),
        }
    }

    /// [`ZSet::ranks_by_lex`].
    pub fn ranks_by_lex(self, members: impl RangeBounds<[u8]>) -> Range<usize> {
        match self.0 {
            ReprView::ListPack(list) => packed::by_lex(list, members).ranks,
            ReprView::SkipList(table) => table.ranks_by_lex(members),
        }
    }

    /// [`ZSet::range_by_lex`].
    pub fn range_by_lex(self, members: impl RangeBounds<[u8]>) -> Iter<'a> {
        match self.0 {
            ReprView::ListPack(list) => Iter::of_listpack(list, packed::by_lex(list, members)),
            ReprView::SkipList(table) => Iter::of_table(table, table.ranks_by_lex(members)),
        }
    }

    /// [`ZSet::scan`].
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
    /// The score of a member. O(1), or O(n) in a listpack. In C: `zsetScore`; `ZSCORE`, `ZMSCORE`.
    pub fn score<'e>(&self, member: impl Into<Element<'e>>) -> Option<f64> {
        self.view().score(member)
    }

    /// Whether the member is there.
    pub fn contains<'e>(&self, member: impl Into<Element<'e>>) -> bool {
        self.view().contains(member)
    }

    /// The rank of a member and its score. O(log n), or O(n) in a listpack. In C: `zsetRank`; `ZRANK ... WITHSCORE`.
    pub fn rank<'e>(&self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        self.view().rank(member)
    }

    /// The same, counted from the highest score. In C: `ZREVRANK ... WITHSCORE`.
    pub fn rev_rank<'e>(&self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        self.view().rev_rank(member)
    }

    /// The member of a rank, and its score. O(log n), or O(n) in a listpack.
    #[inline]
    pub fn by_rank(&self, rank: usize) -> Option<(Element<'_>, f64)> {
        self.view().by_rank(rank)
    }

    /// All members in order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// The members of some ranks, in order; what lies beyond the end is left out. Backwards with [`Iterator::rev`]; `skip` and
    /// `take` are `LIMIT`. O(log n) for the first, or O(n) in a listpack. In C: `ZRANGE`, `ZREVRANGE`.
    #[inline]
    pub fn range(&self, ranks: impl RangeBounds<usize>) -> Iter<'_> {
        self.view().range(ranks)
    }

    /// The ranks between two indices as the commands have them: both inclusive, and negative ones counted from the end. For
    /// `REV`, give the end first and walk backwards: `ZREVRANGE k a b` is `range(ranks_by_index(-1 - b, -1 - a)).rev()`.
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

    /// The ranks of the members whose scores are in a range; empty if there are none, the range is upside down, or a bound is
    /// NaN. Their number is what `ZCOUNT` answers. O(log n), or O(n) in a listpack. In C: `zslFirstInRange` and its kin.
    pub fn ranks_by_score(&self, scores: impl RangeBounds<f64>) -> Range<usize> {
        self.view().ranks_by_score(scores)
    }

    /// The members whose scores are in a range, in order. In C: `ZRANGEBYSCORE`.
    pub fn range_by_score(&self, scores: impl RangeBounds<f64>) -> Iter<'_> {
        self.view().range_by_score(scores)
    }

    /// The ranks of the members in a range of bytes, given that all scores are the same; if they are not, some range. Their
    /// number is what `ZLEXCOUNT` answers. O(log n), or O(n) in a listpack. In C: `zslFirstInLexRange` and its kin.
    pub fn ranks_by_lex(&self, members: impl RangeBounds<[u8]>) -> Range<usize> {
        self.view().ranks_by_lex(members)
    }

    /// The members of a range of bytes, in order, given that all scores are the same. In C: `ZRANGEBYLEX`.
    pub fn range_by_lex(&self, members: impl RangeBounds<[u8]>) -> Iter<'_> {
        self.view().range_by_lex(members)
    }

    /// Hands some members and their scores to `each` and returns where to go on; [`Cursor::START`] starts and ends. Members that
    /// are there from start to end are handed out at least once. A listpack is handed out whole. In C: `ZSCAN`.
    pub fn scan<'a>(&'a self, cursor: Cursor, each: impl FnMut(Element<'a>, f64)) -> Cursor {
        self.view().scan(cursor, each)
    }
}

/// The same members with the same scores.
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
