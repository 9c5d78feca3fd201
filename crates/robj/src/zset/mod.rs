//! [`ZSet`]: sorted sets.
//!
//! ```text
//!  listpack   | member | score | member | score | ...      in order; scores in their smallest form (`score`)
//!  skiplist   zindex::ZTable: a tree of member blocks with ranks, and a hash table of them
//! ```
//!
//! Members are ordered by score, then by their bytes. Ranges of all kinds are ranges of ranks: asking for the ranks
//! of a score range is one thing, walking or removing them another. So `ZCOUNT` is a length, `LIMIT` is `skip` and
//! `take`, and `ZREMRANGEBYSCORE` is [`remove_range`](ZSet::remove_range).
//!
//! A sorted set begins as a listpack and becomes a skiplist with the first member that is one too many or too long, or sooner if
//! its writer says how many are to come ([`with_hint`](ZSet::with_hint)); never the other way round, but results of set
//! algebra are stored as small as they are.
//!
//! Learned from: Redis' `t_zset.c`.

mod add;
mod algebra;
mod iter;
mod packed;
mod random;
mod score;

pub use add::{AddError, AddOptions, Added};
pub use algebra::{Aggregate, Source, inter_card, try_diff_store, try_inter_store, try_union_store};
pub use iter::Iter;

use crate::collection::{Collection, from_word, into_word, sealed};
use crate::element::Element;
use crate::limits::EncodingLimits;
use crate::remains::{Remains, Rest};
use crate::types::{Encoding, ObjectType};
use core::ops::{Bound, Range, RangeBounds};
use core::ptr::NonNull;
use dict::Cursor;
use listpack::ListPack;
use zindex::ZTable;
use zmalloc::ReserveError;

/// A sorted set: byte strings with a score each; 16 bytes. Ranks are counted from 0, from the lowest score.
///
/// ```
/// use robj::zset::{AddOptions, Added};
/// use robj::{EncodingLimits, ZSet};
/// let (limits, mut board) = (EncodingLimits::DEFAULT, ZSet::new());
/// board.insert("alice", 31.0, &limits)?;
/// board.insert("bob", 12.5, &limits)?;
/// let more = AddOptions { incr: true, ..AddOptions::default() };
/// assert_eq!(board.try_add("bob", 30.0, more, &limits)?, Added::Updated(42.5));
/// assert_eq!(board.rank("bob"), Some((1, 42.5)));
/// let best: Vec<_> = board.iter().rev().map(|(member, score)| (member.text().to_vec(), score)).collect();
/// assert_eq!(best, [(b"bob".to_vec(), 42.5), (b"alice".to_vec(), 31.0)]);
/// # Ok::<(), robj::zset::AddError>(())
/// ```
#[derive(Debug)]
pub struct ZSet(Repr);

/// Its encodings.
#[derive(Debug)]
enum Repr {
    ListPack(ListPack),
    SkipList(ZTable),
}

impl ZSet {
    /// Nothing in it, and nothing allocated.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }

    /// The score of a member. O(1), or O(n) in a listpack. In C: `zsetScore`; `ZSCORE`, `ZMSCORE`.
    pub fn score<'e>(&self, member: impl Into<Element<'e>>) -> Option<f64> {
        let member = member.into();
        match &self.0 {
            Repr::ListPack(list) => packed::find(list, &member.text()).map(|found| found.score),
            Repr::SkipList(table) => table.get(&member.text()),
        }
    }

    /// Whether the member is there.
    pub fn contains<'e>(&self, member: impl Into<Element<'e>>) -> bool {
        self.score(member).is_some()
    }

    /// The rank of a member and its score. O(log n), or O(n) in a listpack. In C: `zsetRank`; `ZRANK ... WITHSCORE`.
    pub fn rank<'e>(&self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        let member = member.into();
        match &self.0 {
            Repr::ListPack(list) => packed::rank(list, &member.text()),
            Repr::SkipList(table) => table.rank_and_score(&member.text()),
        }
    }

    /// The same, counted from the highest score. In C: `ZREVRANK ... WITHSCORE`.
    pub fn rev_rank<'e>(&self, member: impl Into<Element<'e>>) -> Option<(usize, f64)> {
        self.rank(member).map(|(rank, score)| (self.len() - 1 - rank, score))
    }

    /// The member of a rank, and its score. O(log n), or O(n) in a listpack.
    pub fn by_rank(&self, rank: usize) -> Option<(Element<'_>, f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// All members in order.
    pub fn iter(&self) -> Iter<'_> {
        self.range(..)
    }

    /// The members of some ranks, in order; what lies beyond the end is left out. Backwards with [`Iterator::rev`]; `skip` and
    /// `take` are `LIMIT`. O(log n) for the first, or O(n) in a listpack. In C: `ZRANGE`, `ZREVRANGE`.
    pub fn range(&self, ranks: impl RangeBounds<usize>) -> Iter<'_> {
        Iter::new(self, self.clip(ranks))
    }

    /// The ranks that are in a range and here.
    fn clip(&self, ranks: impl RangeBounds<usize>) -> Range<usize> {
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

    /// The ranks between two indices as the commands have them: both inclusive, and negative ones counted from the end. For
    /// `REV`, give the end first and walk backwards: `ZREVRANGE k a b` is `range(ranks_by_index(-1 - b, -1 - a)).rev()`.
    ///
    /// ```
    /// # let (limits, mut set) = (robj::EncodingLimits::DEFAULT, robj::ZSet::new());
    /// # for n in 0..5 { set.insert(n, n as f64, &limits)?; }
    /// assert_eq!(set.ranks_by_index(0, -1), 0..5);
    /// assert_eq!(set.ranks_by_index(-2, 100), 3..5);
    /// assert!(set.ranks_by_index(3, 2).is_empty());
    /// # Ok::<(), robj::zset::AddError>(())
    /// ```
    pub fn ranks_by_index(&self, start: i64, stop: i64) -> Range<usize> {
        let len = i64::try_from(self.len()).unwrap_or(i64::MAX);
        let from_start = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
        let start = from_start(start).clamp(0, len);
        let end = from_start(stop).saturating_add(1).clamp(start, len);
        start as usize..end as usize
    }

    /// The ranks of the members whose scores are in a range; empty if there are none, the range is upside down, or a bound is
    /// NaN. Their number is what `ZCOUNT` answers. O(log n), or O(n) in a listpack. In C: `zslFirstInRange` and its kin.
    pub fn ranks_by_score(&self, scores: impl RangeBounds<f64>) -> Range<usize> {
        match &self.0 {
            Repr::ListPack(list) => packed::by_score(list, scores).ranks,
            Repr::SkipList(table) => table.ranks_by_score(scores),
        }
    }

    /// The members whose scores are in a range, in order. In C: `ZRANGEBYSCORE`.
    pub fn range_by_score(&self, scores: impl RangeBounds<f64>) -> Iter<'_> {
        match &self.0 {
            Repr::ListPack(list) => Iter::of_listpack(list, packed::by_score(list, scores)),
            Repr::SkipList(table) => Iter::of_table(table, table.ranks_by_score(scores)),
        }
    }

    /// The ranks of the members in a range of bytes, given that all scores are the same; if they are not, some range. Their
    /// number is what `ZLEXCOUNT` answers. O(log n), or O(n) in a listpack. In C: `zslFirstInLexRange` and its kin.
    pub fn ranks_by_lex(&self, members: impl RangeBounds<[u8]>) -> Range<usize> {
        match &self.0 {
            Repr::ListPack(list) => packed::by_lex(list, members).ranks,
            Repr::SkipList(table) => table.ranks_by_lex(members),
        }
    }

    /// The members of a range of bytes, in order, given that all scores are the same. In C: `ZRANGEBYLEX`.
    pub fn range_by_lex(&self, members: impl RangeBounds<[u8]>) -> Iter<'_> {
        match &self.0 {
            Repr::ListPack(list) => Iter::of_listpack(list, packed::by_lex(list, members)),
            Repr::SkipList(table) => Iter::of_table(table, table.ranks_by_lex(members)),
        }
    }

    /// Removes a member and answers its score. O(log n), or O(n) in a listpack. In C: `zsetDel`; `ZREM`.
    pub fn remove<'e>(&mut self, member: impl Into<Element<'e>>) -> Option<f64> {
        let member = member.into();
        match &mut self.0 {
            Repr::ListPack(list) => packed::remove(list, &member.text()),
            Repr::SkipList(table) => table.remove(&member.text()),
        }
    }

    /// Removes the members of some ranks and answers how many they were. O(k log n), or O(n) in a listpack. In C:
    /// `ZREMRANGEBYRANK`, and with the ranks of a range `ZREMRANGEBYSCORE` and `ZREMRANGEBYLEX`.
    pub fn remove_range(&mut self, ranks: impl RangeBounds<usize>) -> usize {
        let ranks = self.clip(ranks);
        match &mut self.0 {
            Repr::ListPack(list) => list.remove_range(2 * ranks.start, 2 * ranks.len()) / 2,
            Repr::SkipList(table) => table.remove_range(ranks),
        }
    }

    /// Shows the lowest member and its score to `each`, and removes it. In C: `ZPOPMIN`.
    pub fn pop_first<T>(&mut self, each: impl FnOnce(Element<'_>, f64) -> T) -> Option<T> {
        self.pop_at(0, each)
    }

    /// Shows the highest member and its score to `each`, and removes it. In C: `ZPOPMAX`.
    pub fn pop_last<T>(&mut self, each: impl FnOnce(Element<'_>, f64) -> T) -> Option<T> {
        self.pop_at(self.len().checked_sub(1)?, each)
    }

    fn pop_at<T>(&mut self, rank: usize, each: impl FnOnce(Element<'_>, f64) -> T) -> Option<T> {
        let shown = self.by_rank(rank).map(|(member, score)| each(member, score))?;
        self.remove_range(rank..=rank);
        Some(shown)
    }

    /// Hands some members and their scores to `each` and answers where to go on; 0 starts, 0 ends. Members that are there from
    /// start to end are handed out at least once. A listpack is handed out whole. In C: `ZSCAN`.
    pub fn scan(&self, cursor: u64, mut each: impl FnMut(Element<'_>, f64)) -> u64 {
        match &self.0 {
            Repr::ListPack(_) => {
                self.iter().for_each(|(member, score)| each(member, score));
                0
            }
            Repr::SkipList(table) => {
                let show = |member: &[u8], score| each(Element::Bytes(member), score);
                table.scan(Cursor::from(cursor), show).into()
            }
        }
    }

    /// An empty one in the encoding that Redis gives to a sorted set of which this is known: its first member, and how many are about
    /// to come, repeated ones included. In C: `zsetTypeCreate`.
    pub fn with_hint<'e>(first: impl Into<Element<'e>>, size_hint: usize, limits: &EncodingLimits) -> Self {
        let small = size_hint <= limits.zset_max_listpack_entries
            && first.into().len() <= limits.zset_max_listpack_value;
        Self(if small { Repr::ListPack(ListPack::new()) } else { Repr::SkipList(ZTable::new()) })
    }

    /// Gets ready for so many members more, repeated ones included: becomes a skiplist if a listpack could not hold them alone. In C:
    /// `zsetTypeMaybeConvert`.
    pub fn try_expect(&mut self, size_hint: usize, limits: &EncodingLimits) -> Result<(), ReserveError> {
        if let Repr::ListPack(list) = &self.0
            && size_hint > limits.zset_max_listpack_entries
        {
            self.0 = Repr::SkipList(packed::try_unpack(list)?);
        }
        Ok(())
    }
}

impl Default for ZSet {
    fn default() -> Self {
        Self::new()
    }
}

/// The same members with the same scores.
impl PartialEq for ZSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for ZSet {}

impl<'a> IntoIterator for &'a ZSet {
    type Item = (Element<'a>, f64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl sealed::Sealed for ZSet {}

impl Collection for ZSet {
    const TYPE: ObjectType = ObjectType::ZSet;
    const EMPTY: Self = Self::new();

    fn encoding(&self) -> Encoding {
        match self.0 {
            Repr::ListPack(_) => Encoding::ListPack,
            Repr::SkipList(_) => Encoding::SkipList,
        }
    }

    fn len(&self) -> usize {
        match &self.0 {
            Repr::ListPack(list) => list.len() / 2,
            Repr::SkipList(table) => table.len(),
        }
    }

    fn memory_usage(&self) -> usize {
        match &self.0 {
            Repr::ListPack(list) => list.allocation_size(),
            Repr::SkipList(table) => table.allocation_size(),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::ListPack(_) => 1,
            Repr::SkipList(table) => table.len(),
        }
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        match self.0 {
            Repr::ListPack(_) => None, // one block
            Repr::SkipList(table) => table.drop_in_steps(n).map(|remains| Remains(Rest::ZSet(remains))),
        }
    }

    fn relocate(&mut self, cursor: u64, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> u64 {
        match &mut self.0 {
            Repr::ListPack(list) => {
                list.relocate(moves);
                0
            }
            Repr::SkipList(table) => table.relocate(cursor.into(), moves).into(),
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(Self(match &self.0 {
            Repr::ListPack(list) => Repr::ListPack(list.try_clone()?),
            Repr::SkipList(table) => Repr::SkipList(table.try_clone()?),
        }))
    }

    fn into_raw(self) -> (Encoding, NonNull<u8>) {
        let encoding = self.encoding();
        let word = match self.0 {
            Repr::ListPack(list) => into_word(list),
            Repr::SkipList(table) => into_word(table),
        };
        (encoding, word)
    }

    unsafe fn from_raw(encoding: Encoding, pointer: NonNull<u8>) -> Self {
        // SAFETY: by contract, the encoding says whose word the pointer is.
        unsafe {
            Self(match encoding {
                Encoding::ListPack => Repr::ListPack(from_word(pointer)),
                _ => Repr::SkipList(from_word(pointer)),
            })
        }
    }
}
