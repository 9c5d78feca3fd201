//! [`ZSet`]: sorted sets.
//!
//! ```text
//!  listpack   | member | score | member | score | ...      in order; scores in their smallest form (`score`)
//!  skiplist   zindex::ZTable: a tree of member blocks with ranks, and a hash table of them
//! ```
//!
//! Members are ordered by score, then by their bytes. Ranges of all kinds are ranges of ranks. One method
//! returns the ranks of a range of scores, and others walk over ranks or remove them. So `ZCOUNT` is a
//! length, `LIMIT` is `skip` and `take`, and `ZREMRANGEBYSCORE` is [`remove_range`](ZSet::remove_range).
//!
//! A sorted set begins as a listpack. It becomes a skiplist with the first member that is too long or one
//! too many, or sooner if the caller says how many members are to come ([`with_hint`](ZSet::with_hint)). It
//! never changes back. But a result of set algebra gets the smallest encoding that its size allows.
//!
//! Learned from: Redis' `t_zset.c`.

mod add;
mod algebra;
mod iter;
mod packed;
mod random;
mod read;
mod score;

pub use crate::error::AddError;
pub use add::{AddOptions, Added};
pub use algebra::{Aggregate, Source, inter_card, try_diff_store, try_inter_store, try_union_store};
pub use iter::Iter;

use crate::element::Element;
use crate::encodings::encodings;
use crate::error::Error;
use crate::limits::EncodingLimits;
use crate::packed::{PackedShape, check_scored_listpack, view_of_listpack};
use crate::types::Encoding;
use common::{NoRoom, Room};
use core::ops::RangeBounds;
use listpack::ListPack;
use score::try_score_of;
use zindex::ZTable;
use zmalloc::ReserveError;

/// A sorted set: byte strings with a score each. It takes 16 bytes. Ranks are counted from 0, from the
/// lowest score.
///
/// Taught in the chapter `docs/src/objects.md`.
///
/// `R` is the type of the [`Room`] in which a packed set may be. Without it, as in `ZSet`, the set is an
/// owned one. See [`Collection::In`](crate::Collection::In).
///
/// ```
/// use values::zset::{AddOptions, Added};
/// use values::{EncodingLimits, ZSet};
/// let (limits, mut board) = (EncodingLimits::DEFAULT, ZSet::new());
/// board.insert("alice", 31.0, &limits)?;
/// board.insert("bob", 12.5, &limits)?;
/// let more = AddOptions { incr: true, ..AddOptions::default() };
/// assert_eq!(board.try_add("bob", 30.0, more, &limits)?, Added::Updated(42.5));
/// assert_eq!(board.rank("bob"), Some((1, 42.5)));
/// let best: Vec<_> = board.iter().rev().map(|(member, score)| (member.text().to_vec(), score)).collect();
/// assert_eq!(best, [(b"bob".to_vec(), 42.5), (b"alice".to_vec(), 31.0)]);
/// # Ok::<(), values::zset::AddError>(())
/// ```
pub struct ZSet<R = NoRoom>(Repr<R>);

/// A view of a [`ZSet`], which may be in any place. What it lends lives for `'a`.
#[derive(Clone, Copy)]
pub struct ZSetView<'a>(ReprView<'a>);

impl ZSet {
    /// Creates an empty sorted set, without an allocation.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }

    /// Creates an empty sorted set, in the encoding that Redis chooses for this first member and this
    /// number of members. Repeated members count. In C: `zsetTypeCreate`.
    pub fn with_hint<'e>(first: impl Into<Element<'e>>, size_hint: usize, limits: &EncodingLimits) -> Self {
        let small = size_hint <= limits.zset_max_listpack_entries
            && first.into().len() <= limits.zset_max_listpack_value;
        Self(if small { Repr::ListPack(ListPack::new()) } else { Repr::SkipList(ZTable::new()) })
    }
}

impl<R: Room> ZSet<R> {
    /// Removes a member and returns its score. O(log n), or O(n) in a listpack. In C: `zsetDel`; `ZREM`.
    pub fn remove<'e>(&mut self, member: impl Into<Element<'e>>) -> Option<f64> {
        let member = member.into();
        match &mut self.0 {
            Repr::ListPack(list) => packed::remove(list, &member.text()),
            Repr::SkipList(table) => table.remove(&member.text()),
        }
    }

    /// Removes the members of a range of ranks, and returns how many there were. O(k log n), or O(n) in a
    /// listpack. In C: `ZREMRANGEBYRANK`. With the ranks of a range it is `ZREMRANGEBYSCORE` or
    /// `ZREMRANGEBYLEX`.
    pub fn remove_range(&mut self, ranks: impl RangeBounds<usize>) -> usize {
        let ranks = self.view().clip(ranks);
        match &mut self.0 {
            Repr::ListPack(list) => list.remove_range(2 * ranks.start, 2 * ranks.len()) / 2,
            Repr::SkipList(table) => table.remove_range(ranks),
        }
    }

    /// Calls `each` with the first member and its score, then removes the member. Returns the result of
    /// `each`. In C: `ZPOPMIN`.
    pub fn pop_first<T>(&mut self, each: impl FnOnce(Element<'_>, f64) -> T) -> Option<T> {
        self.pop_at(0, each)
    }

    /// Calls `each` with the last member and its score, then removes the member. Returns the result of
    /// `each`. In C: `ZPOPMAX`.
    pub fn pop_last<T>(&mut self, each: impl FnOnce(Element<'_>, f64) -> T) -> Option<T> {
        self.pop_at(self.len().checked_sub(1)?, each)
    }

    fn pop_at<T>(&mut self, rank: usize, each: impl FnOnce(Element<'_>, f64) -> T) -> Option<T> {
        let result = self.by_rank(rank).map(|(member, score)| each(member, score))?;
        self.remove_range(rank..=rank);
        Some(result)
    }

    /// Prepares for `size_hint` members that are about to be added. Repeated members count. If they are
    /// more than a listpack may have, the set becomes a skiplist. In C: `zsetTypeMaybeConvert`.
    pub fn try_convert_for(&mut self, size_hint: usize, limits: &EncodingLimits) -> Result<(), ReserveError> {
        if let Repr::ListPack(list) = &self.0
            && size_hint > limits.zset_max_listpack_entries
        {
            self.0 = Repr::SkipList(packed::try_to_table(list)?);
        }
        Ok(())
    }
}

/// Returns whether a member stands after another one, by score and then by bytes.
fn is_after((member, score): (Element<'_>, f64), (other, other_score): (Element<'_>, f64)) -> bool {
    score > other_score || (score == other_score && member > other)
}

encodings! {
    ZSet, ZSetView;
    ListPack; SkipList(ZTable);
    others {
        fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<ZSetView<'_>, Error> {
            Ok(ZSetView(ReprView::ListPack(view_of_listpack(encoding, bytes)?)))
        }

        fn check_packed(encoding: Encoding, bytes: &[u8]) -> Result<PackedShape, Error> {
            check_scored_listpack(encoding, bytes, try_score_of, is_after)
        }

        fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error> {
            check_scored_listpack(encoding, bytes, try_score_of, is_after)?;
            Ok(Self(Repr::ListPack(listpack::View::new(bytes)?.try_to_owned()?)))
        }
    }
}
