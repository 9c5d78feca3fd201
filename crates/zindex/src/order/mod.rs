//! [`Order`]: the tree, and all operations that only read it.
//!
//! ```text
//!                 +-------------------+
//!                 | 4 | 5 | 3 |       |              inner nodes count the entries below: ranks are sums
//!                 +-------------------+
//!                   |   |   |
//!        +----------+   |   +----------+
//!      +---------+  +---------+  +---------+
//!      | a b c d |  | e f g h i|  | j k l  |         leaves point at member blocks
//!      +---------+  +---------+  +---------+
//! ```
//!
//! Entries are ordered by score, then by the bytes of the member. A search goes from the root to a leaf, by
//! place or by rank. The search for a place adds up the counts of the children to the left, which gives the
//! rank as well. So a range is two ranks, counting is a subtraction, and an offset is an addition.
//!
//! Nodes point at neither their parents nor their neighbours. When a node splits or moves, only the path
//! from the root to it changes. An iterator that leaves a leaf goes down from the root again, by rank. That
//! takes about ten nanoseconds every forty entries.
//!
//! `insert.rs` and `remove.rs` keep the tree balanced. `compact.rs` and `truncate.rs` change many entries.
//!
//! Learned from: Bayer and McCreight, and Comer's survey, for the tree; Simon Tatham's *Counted B-Trees*,
//! for ranks; Valkey, which replaced its skiplist by such a tree in 9.2; Redis' skiplist, for the questions
//! to answer.

mod compact;
mod insert;
mod iter;
mod remove;
mod truncate;

pub use iter::Iter;

use core::fmt;
use core::ops::{Bound, Range, RangeBounds};
use core::ptr::NonNull;

use common::random::scale;
use zmalloc::ReserveError;

use crate::block::{Block, BlockPtr};
use crate::node::{Child, Leaf, NodeMut, NodeRef};
use crate::score::{LowerBound, SearchBound, UpperBound, member_bound, score_bound, sort_key};

/// Members in order, by score and then by bytes. [`ZIndex`](crate::ZIndex) and [`ZTable`](crate::ZTable)
/// dereference to this type, which has the methods that only read.
///
/// Ranks are counted from 0, from the lowest score. All look-ups are O(log n).
pub struct Order {
    root: Option<Child>,
    len: usize,
    /// The number of bytes that the nodes and the blocks add to `used_memory`.
    allocation_size: usize,
}

impl Order {
    pub(crate) const fn new() -> Self {
        Self { root: None, len: 0, allocation_size: 0 }
    }

    /// Returns the number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no members.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the number of bytes that the nodes and the blocks add to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        self.allocation_size
    }

    /// Returns the number of entries before a place.
    ///
    /// The simple version counts them:
    ///
    /// ```text
    /// entries.take_while(|entry| entry stands before bound).count()
    /// ```
    ///
    /// The code below differs in three ways:
    ///
    /// 1. It goes down one path from the root. The nodes hold the counts of the children to the left of the
    ///    path, so their entries are added to the rank without being visited.
    /// 2. It prefetches the child before it adds up the counts, so that the two overlap.
    /// 3. [`Leaf::rank`] counts the entries in the last leaf, and reads blocks only to break ties.
    ///
    /// `tests/suite/model.rs` compares the results with those of a `BTreeSet`.
    #[inline]
    fn rank_of_bound(&self, bound: &impl SearchBound) -> usize {
        let Some(mut child) = self.root.as_ref() else { return 0 };
        let mut rank = 0;
        loop {
            match child.get() {
                NodeRef::Leaf(leaf) => return rank + leaf.rank(bound),
                NodeRef::Inner(inner) => {
                    let index = inner.find(bound);
                    child = inner.child(index);
                    child.prefetch();
                    rank += inner.count_before(index);
                }
            }
        }
    }

    /// Returns the leaf that holds the entry of a rank, and the entry's number in the leaf.
    #[inline]
    pub(crate) fn leaf_at(&self, mut rank: usize) -> Option<(&Leaf, usize)> {
        let mut child = self.root.as_ref().filter(|_| rank < self.len)?;
        loop {
            match child.get() {
                NodeRef::Leaf(leaf) => return Some((leaf, rank)),
                NodeRef::Inner(inner) => {
                    let (index, below) = inner.find_rank(rank);
                    (child, rank) = (inner.child(index), below);
                }
            }
        }
    }

    /// Returns the block of a rank.
    pub(crate) fn block_at(&self, rank: usize) -> Option<BlockPtr> {
        self.leaf_at(rank).map(|(leaf, index)| leaf.ptr(index))
    }

    /// Returns the block of a member under a score.
    pub(crate) fn find(&self, member: &[u8], score: f64) -> Option<BlockPtr> {
        if score.is_nan() {
            return None;
        }
        let key = sort_key(score);
        let (leaf, index) = self.leaf_at(self.rank_of_bound(&LowerBound { key, member }))?;
        (leaf.key(index) == key && leaf.member(index) == member).then(|| leaf.ptr(index))
    }

    /// Returns the rank of a block, or `None` if it is absent. Reads members only of equal scores.
    pub(crate) fn rank_of_block(&self, block: BlockPtr) -> Option<usize> {
        let mut child = self.root.as_ref()?;
        // SAFETY: the block is in this order or in another one, so it is live.
        let bound = unsafe { UpperBound { key: block.key(), member: block.member() } };
        let mut rank = 0;
        loop {
            match child.get() {
                NodeRef::Leaf(leaf) => return leaf.position(bound.key, block).map(|index| rank + index),
                NodeRef::Inner(inner) => {
                    let index = inner.find(&bound);
                    child = inner.child(index);
                    child.prefetch();
                    rank += inner.count_before(index);
                }
            }
        }
    }

    /// Returns the rank of a member under a score, or `None` if it is absent. In C: `zslGetRank`.
    pub fn rank(&self, member: &[u8], score: f64) -> Option<usize> {
        if score.is_nan() {
            return None;
        }
        let key = sort_key(score);
        let rank = self.rank_of_bound(&LowerBound { key, member });
        let (leaf, index) = self.leaf_at(rank)?;
        (leaf.key(index) == key && leaf.member(index) == member).then_some(rank)
    }

    /// Returns the member of a rank, and its score. In C: `zslGetElementByRank`.
    pub fn by_rank(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.leaf_at(rank).map(|(leaf, index)| (leaf.member(index), leaf.score(index)))
    }

    /// Returns the first member and its score, the lowest.
    pub fn first(&self) -> Option<(&[u8], f64)> {
        self.by_rank(0)
    }

    /// Returns the last member and its score, the highest.
    pub fn last(&self) -> Option<(&[u8], f64)> {
        self.by_rank(self.len.wrapping_sub(1))
    }

    /// Returns a random member. Each has the same probability, up to the 64 bits of a draw. `rng` is a
    /// source of uniformly distributed 64-bit numbers.
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<(&[u8], f64)> {
        self.by_rank(scale(rng(), self.len))
    }

    /// Returns an iterator over all members in order.
    pub fn iter(&self) -> Iter<'_> {
        self.range(..)
    }

    /// Returns an iterator over the members of a range of ranks, in order. Ranks beyond the end are ignored.
    /// [`Iterator::rev`] goes backwards. To find the start is O(log n), and each member is O(1).
    pub fn range(&self, ranks: impl RangeBounds<usize>) -> Iter<'_> {
        let start = match ranks.start_bound() {
            Bound::Unbounded => 0,
            Bound::Included(&rank) => rank,
            Bound::Excluded(&rank) => rank.saturating_add(1),
        };
        let end = match ranks.end_bound() {
            Bound::Unbounded => self.len,
            Bound::Included(&rank) => rank.saturating_add(1),
            Bound::Excluded(&rank) => rank,
        };
        let end = end.min(self.len);
        Iter::new(self, start.min(end)..end)
    }

    /// Returns the ranks of the members whose scores are in a range. The result is empty if there are none,
    /// if the start is above the end, or if a bound is NaN. Its `len()` is the answer to `ZCOUNT`. In C:
    /// `zslFirstInRange` and `zslLastInRange`.
    ///
    /// ```
    /// use std::ops::Bound::{Excluded, Included};
    /// let mut index = zindex::ZIndex::new();
    /// for (member, score) in [("a", 1.0), ("b", 2.0), ("c", 2.0), ("d", 3.0)] {
    ///     index.insert(member.as_bytes(), score).unwrap();
    /// }
    /// assert_eq!(index.ranks_by_score(2.0..=3.0), 1..4);
    /// assert_eq!(index.ranks_by_score((Excluded(1.0), Excluded(3.0))), 1..3);
    /// assert_eq!(index.ranks_by_score((Included(1.0), Included(f64::INFINITY))).len(), 4);
    /// ```
    pub fn ranks_by_score(&self, scores: impl RangeBounds<f64>) -> Range<usize> {
        let (start, end) = (scores.start_bound(), scores.end_bound());
        let is_nan = |bound: Bound<&f64>| match bound {
            Bound::Included(score) | Bound::Excluded(score) => score.is_nan(),
            Bound::Unbounded => false,
        };
        if is_nan(start) || is_nan(end) {
            return 0..0;
        }
        self.between(score_bound(start, true), score_bound(end, false))
    }

    /// Returns an iterator over the members whose scores are in a range, in order. In C: `ZRANGEBYSCORE`.
    /// For `LIMIT` there are [`Iterator::skip`], which does not walk, and [`Iterator::take`].
    pub fn range_by_score(&self, scores: impl RangeBounds<f64>) -> Iter<'_> {
        Iter::new(self, self.ranks_by_score(scores))
    }

    /// Returns the ranks of the members that are in a range of bytes. All scores must be equal. If they are
    /// not, the result is an unspecified range. In C: `zslFirstInLexRange` and `zslLastInLexRange`.
    ///
    /// ```
    /// use std::ops::Bound::{Excluded, Included, Unbounded};
    /// let mut index = zindex::ZIndex::new();
    /// for member in ["ab", "b", "ba", "c"] {
    ///     index.insert(member.as_bytes(), 0.0).unwrap();
    /// }
    /// assert_eq!(index.ranks_by_lex((Included(&b"b"[..]), Excluded(&b"c"[..]))), 1..3);
    /// assert_eq!(index.ranks_by_lex((Unbounded, Included(&b"b"[..]))), 0..2);
    /// ```
    pub fn ranks_by_lex(&self, members: impl RangeBounds<[u8]>) -> Range<usize> {
        self.between(member_bound(members.start_bound(), true), member_bound(members.end_bound(), false))
    }

    /// Returns an iterator over the members of a range of bytes, if all scores are equal. In C:
    /// `ZRANGEBYLEX`.
    pub fn range_by_lex(&self, members: impl RangeBounds<[u8]>) -> Iter<'_> {
        Iter::new(self, self.ranks_by_lex(members))
    }

    fn between(&self, start: Option<impl SearchBound>, end: Option<impl SearchBound>) -> Range<usize> {
        let start = start.map_or(0, |bound| self.rank_of_bound(&bound));
        let end = end.map_or(self.len, |bound| self.rank_of_bound(&bound));
        if start < end { start..end } else { 0..0 }
    }

    /// Passes the entry of a block to `change`, and then updates the first entries in the nodes above.
    ///
    /// The block must be in this order. `change` must neither move the entry nor free the block.
    fn change(&mut self, block: BlockPtr, change: impl FnOnce(&mut Leaf, usize)) {
        fn change_in(
            child: &mut Child,
            bound: &UpperBound<'_>,
            block: BlockPtr,
            change: impl FnOnce(&mut Leaf, usize),
        ) -> bool {
            match child.get_mut() {
                NodeMut::Leaf(leaf) => {
                    let index =
                        leaf.position(bound.key, block).expect("the block of a member is in its leaf");
                    change(leaf, index);
                    index == 0
                }
                NodeMut::Inner(inner) => {
                    let index = inner.find(bound);
                    let first = change_in(inner.child_mut(index), bound, block, change);
                    if first {
                        let first = inner.child(index).first();
                        inner.set_first(index, first);
                    }
                    first && index == 0
                }
            }
        }
        let Some(root) = self.root.as_mut() else { return };
        // SAFETY: the block is in this order, so it is live, and `change` does not free it.
        let bound = unsafe { UpperBound { key: block.key(), member: block.member() } };
        change_in(root, &bound, block, change);
    }

    /// Gives a block another score, and moves it to its new position. On failure nothing changes.
    pub(crate) fn try_update_score(&mut self, block: BlockPtr, score: f64) -> Result<(), ReserveError> {
        let Some(rank) = self.rank_of_block(block) else { return Ok(()) };
        // SAFETY: the block was just found in this order, so it is live until it is removed.
        let (old, member) = unsafe { (block.key(), block.member()) };
        let key = sort_key(score);
        if self.keeps_rank(rank, old, key, member) {
            self.change(block, |leaf, index| leaf.set_score(index, score, key));
            return Ok(());
        }
        // The nodes for the insert are allocated before the removal. `insert.rs` says why they are enough.
        let spares = self.try_allocate_spares(key, member)?;
        if let Some(mut block) = self.remove(block) {
            block.set_score(score);
            let inserted = self.try_insert_with(block, spares, || Ok(()));
            zmalloc::or_oom(inserted.map_err(|(error, block)| {
                // This cannot happen, because the nodes were allocated above. If it does, the block is
                // leaked, since the table of members still points at it.
                let _leaked = block.into_ptr();
                error
            }));
        }
        Ok(())
    }

    /// Returns whether the entry of a rank would keep that rank with another key.
    fn keeps_rank(&self, rank: usize, old: u64, key: u64, member: &[u8]) -> bool {
        let Some((leaf, index)) = self.leaf_at(rank) else { return false };
        let neighbour = if key < old {
            match (index, rank) {
                (_, 0) => return true,
                (0, _) => self.leaf_at(rank - 1),
                _ => Some((leaf, index - 1)),
            }
        } else if index + 1 < leaf.len() {
            Some((leaf, index + 1))
        } else {
            self.leaf_at(rank + 1)
        };
        neighbour.is_none_or(|(leaf, index)| {
            let other = (leaf.key(index), leaf.member(index));
            if key < old { other < (key, member) } else { (key, member) < other }
        })
    }

    /// Moves a block if `moves` returns `true` and there is memory. Returns the new pointer if it moved.
    pub(crate) fn relocate_block(
        &mut self,
        block: BlockPtr,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> Option<BlockPtr> {
        // SAFETY: the block is in this order, so it is live.
        let size = unsafe { block.allocation_size() };
        if !moves(block.address(), size) {
            return None;
        }
        // SAFETY: as above.
        let new = unsafe { block.try_copy_no_tcache() }?;
        let moved = new.ptr();
        self.allocation_size += new.allocation_size();
        // The old block is freed last, because `change` finds the entry by the old block's score and member.
        let mut old = None;
        self.change(block, |leaf, index| old = Some(leaf.replace(index, new)));
        old.into_iter().for_each(Block::free_no_tcache);
        self.allocation_size -= size;
        Some(moved)
    }

    /// Fills the leaf that holds a rank with entries of the leaves after it. Then moves nodes for which
    /// `moves` returns `true`: the leaf, and the inner nodes whose first leaf it is. Returns the first rank
    /// of the next leaf, or `None` after the last.
    pub(crate) fn relocate_nodes(
        &mut self,
        rank: usize,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> Option<usize> {
        let len = self.len;
        self.fill_leaf(rank);
        let mut child = self.root.as_mut().filter(|_| rank < len)?;
        let mut below = rank;
        loop {
            let is_leaf = matches!(child.get(), NodeRef::Leaf(_));
            let size = child.allocation_size();
            if (below == 0 || is_leaf) && child.relocate(moves) {
                // The new block may have another size, because libc may give more than was asked for.
                self.allocation_size = self.allocation_size - size + child.allocation_size();
            }
            match child.get_mut() {
                NodeMut::Leaf(leaf) => {
                    let next = rank - below + leaf.len();
                    return (next < len).then_some(next);
                }
                NodeMut::Inner(inner) => {
                    let (index, rest) = inner.find_rank(below);
                    (child, below) = (inner.child_mut(index), rest);
                }
            }
        }
    }

    /// Returns a copy. On failure the partial copy is dropped. O(n).
    pub(crate) fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut copy = Self::new();
        for (member, score) in self {
            copy.try_insert(Block::try_new(member, score)?, || Ok(())).map_err(|(error, _)| error)?;
        }
        Ok(copy)
    }
}

impl<'a> IntoIterator for &'a Order {
    type Item = (&'a [u8], f64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |(member, score): (&[u8], f64)| (String::from_utf8_lossy(member).into_owned(), score);
        f.debug_list().entries(self.iter().map(text)).finish()
    }
}

impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

/// Walks the whole tree, and panics if an invariant does not hold.
#[cfg(test)]
impl Order {
    pub(crate) fn check(&self) {
        use crate::node::{FAN, LEAF};
        struct Below {
            depth: usize,
            count: usize,
            size: usize,
        }
        fn walk(child: &Child) -> Below {
            match child.get() {
                NodeRef::Leaf(leaf) => {
                    assert!((1..=LEAF).contains(&leaf.len()));
                    leaf.check();
                    // SAFETY: the blocks of a leaf are live.
                    let blocks: usize =
                        (0..leaf.len()).map(|index| unsafe { leaf.ptr(index).allocation_size() }).sum();
                    Below { depth: 0, count: leaf.len(), size: child.allocation_size() + blocks }
                }
                NodeRef::Inner(inner) => {
                    assert!((1..=FAN).contains(&inner.len()));
                    let below: Vec<Below> = (0..inner.len()).map(|index| walk(inner.child(index))).collect();
                    for (index, below) in below.iter().enumerate() {
                        let (known, first) = (inner.first(index), inner.child(index).first());
                        assert!(known.key == first.key && known.block == first.block);
                        assert_eq!(inner.count_before(index + 1) - inner.count_before(index), below.count);
                    }
                    assert!(
                        below.iter().all(|other| other.depth == below[0].depth),
                        "leaves are equally deep"
                    );
                    let size: usize = below.iter().map(|below| below.size).sum();
                    Below {
                        depth: below[0].depth + 1,
                        count: inner.count(),
                        size: size + child.allocation_size(),
                    }
                }
            }
        }
        let below = self.root.as_ref().map(walk);
        assert_eq!(below.as_ref().map_or((0, 0), |it| (it.count, it.size)), (self.len, self.allocation_size));
        let entries: Vec<_> = self.iter().map(|(member, score)| (sort_key(score), member)).collect();
        assert!(entries.is_sorted() && entries.windows(2).all(|pair| pair[0] != pair[1]));
        if let Some(NodeRef::Inner(root)) = self.root.as_ref().map(Child::get) {
            assert!(root.len() > 1, "a root has a choice");
        }
    }

    /// Returns the number of inner levels.
    pub(crate) fn depth(&self) -> usize {
        let (mut child, mut depth) = (self.root.as_ref(), 0);
        while let Some(NodeRef::Inner(inner)) = child.map(Child::get) {
            (child, depth) = (Some(inner.child(0)), depth + 1);
        }
        depth
    }
}
