//! [`ZTable`]: the order, with a hash table of its members.
//!
//! ```text
//!  ZTable -> | root  len | table  hash |
//!               |             |
//!        leaf | code pointer ... |   chunk | tag ... pointer ... |
//!                      |                            |
//!                      +-> | score | len | member | <+
//! ```
//!
//! The leaves of the order and the chunks of the table point at the same blocks. The order owns them.
//!
//! Invariant: the table holds the pointer of each block of the order once, and no other pointers. So the
//! blocks that it points at are live.

use core::cell::RefCell;
use core::fmt;
use core::hash::BuildHasher;
use core::mem;
use core::ops::{Deref, RangeBounds};
use core::ptr::NonNull;

use common::Cursor;
use dict::{DefaultHashBuilder, Table};
use zmalloc::ReserveError;

use crate::block::{Block, BlockPtr};
use crate::error::{InsertError, NotANumber};
use crate::handle::{Body, Handle};
use crate::index::Member;
use crate::order::Order;
use crate::score::check_score;

/// A sorted set: members with a score each, found by member, by score or by rank. In C: `zset`, a dict
/// beside a skiplist.
///
/// A `ZTable` is one pointer wide. An empty one owns no memory. It dereferences to [`Order`], which has the
/// methods that read by score and by rank.
///
/// ```
/// use zindex::ZTable;
/// let mut board = ZTable::new();
/// board.insert(b"alice", 31.0).unwrap();
/// board.insert(b"bob", 12.5).unwrap();
/// assert_eq!(board.insert(b"bob", 40.0), Ok(Some(12.5)));
/// assert_eq!(board.get(b"bob"), Some(40.0));
/// assert_eq!(board.rank_of(b"bob"), Some(1));
/// assert_eq!(board.range_by_score(..35.0).next(), Some((&b"alice"[..], 31.0)));
/// ```
pub struct ZTable {
    handle: Handle<Sorted>,
}

const _: () = assert!(size_of::<Option<ZTable>>() == size_of::<usize>());

struct Sorted {
    order: Order,
    table: Table<BlockPtr>,
    /// `None` only in [`EMPTY`].
    hash: Option<DefaultHashBuilder>,
}

static EMPTY: Sorted = Sorted { order: Order::new(), table: Table::new(), hash: None };

impl Body for Sorted {
    const EMPTY: &'static Self = &EMPTY;
}

/// The result of [`ZTable::upsert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// The member was absent, and still is.
    Absent,
    /// The member was absent, and was inserted.
    Inserted,
    /// The member was present and keeps its score.
    Unchanged,
    /// The member was present and has another score now.
    Updated,
}

/// The bit of a [`ZTable::relocate`] cursor which is set when the nodes of the order are next.
const NODES_FLAG: u64 = 1 << 63;

impl Sorted {
    fn hash_of(&self, member: &[u8]) -> u64 {
        self.hash.as_ref().map_or(0, |hash| hash.hash_one(member))
    }

    fn find(&self, hash: u64, member: &[u8]) -> Option<BlockPtr> {
        // SAFETY: the table points only at blocks of the order, which are live.
        self.table.find(hash, |block| unsafe { block.member() } == member).copied()
    }

    fn try_add(&mut self, hash: u64, block: Block) -> Result<(), ReserveError> {
        let ptr = block.ptr();
        let Self { order, table, hash: hasher } = self;
        // SAFETY: as in `find`. The new block is live, because either the order or `block` owns it.
        let hasher =
            |block: &BlockPtr| hasher.as_ref().map_or(0, |hash| hash.hash_one(unsafe { block.member() }));
        // `before_change` inserts into the table. The order calls it after the allocation of new nodes and
        // before any change. So if either fails, neither changes.
        let before_change = || {
            table.try_insert_unique(hash, ptr, hasher)?;
            Ok(())
        };
        order.try_insert(block, before_change).map_err(|(error, _)| error)
    }

    fn remove(&mut self, hash: u64, block: BlockPtr) -> Option<Block> {
        if let Ok(entry) = self.table.find_entry(hash, |&other| other == block) {
            entry.remove();
        }
        self.order.remove(block)
    }
}

impl ZTable {
    /// Creates an empty sorted set, which owns no memory.
    pub const fn new() -> Self {
        Self { handle: Handle::new() }
    }

    /// Returns the number of bytes that the set and its members add to `used_memory`. Constant time.
    pub fn allocation_size(&self) -> usize {
        allocation_size(&self.handle)
    }

    /// Returns the score of a member. O(1). In C: `zsetScore`.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<f64> {
        // SAFETY: a block that the table points at is live.
        self.find(member).map(|(_, block)| unsafe { block.score() })
    }

    /// Returns whether the member is present. O(1).
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.find(member).is_some()
    }

    /// Returns the hash and the block of a member, or `None` if it is absent.
    #[inline]
    fn find(&self, member: &[u8]) -> Option<(u64, BlockPtr)> {
        let sorted = self.handle.get();
        if sorted.order.is_empty() {
            return None;
        }
        let hash = sorted.hash_of(member);
        sorted.find(hash, member).map(|block| (hash, block))
    }

    /// Returns the rank of a member. Rank 0 has the lowest score. O(log n). In C: `zsetRank`.
    ///
    /// The table finds the member's block. The order then finds the block in its leaf, by the block's
    /// address.
    pub fn rank_of(&self, member: &[u8]) -> Option<usize> {
        self.rank_and_score(member).map(|(rank, _)| rank)
    }

    /// Returns the results of [`ZTable::rank_of`] and [`ZTable::get`] together. In C: `ZRANK ... WITHSCORE`.
    pub fn rank_and_score(&self, member: &[u8]) -> Option<(usize, f64)> {
        let (_, block) = self.find(member)?;
        // SAFETY: a block that the table points at is live.
        Some((self.handle.get().order.rank_of_block(block)?, unsafe { block.score() }))
    }

    /// Sets the score of a member, and adds the member if it is absent. Returns the old score, if there was
    /// one. O(log n).
    ///
    /// # Errors
    /// The score is NaN.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Result<Option<f64>, NotANumber> {
        InsertError::or_oom(self.try_insert(member, score))
    }

    /// Does the same as [`ZTable::insert`], but returns an error if an allocation fails. The set is then
    /// unchanged.
    pub fn try_insert(&mut self, member: &[u8], score: f64) -> Result<Option<f64>, InsertError> {
        let mut before = None;
        self.try_upsert(member, |old| {
            before = old;
            Some(score)
        })?;
        Ok(before)
    }

    /// Calls `score` with the score of a member, or with `None` if the member is absent. Sets the score that
    /// the call returns. If `score` returns `None`, nothing changes. The member is hashed once. In C:
    /// `zsetAdd`.
    ///
    /// # Errors
    /// The new score is NaN.
    pub fn upsert(
        &mut self,
        member: &[u8],
        score: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Result<Upsert, NotANumber> {
        InsertError::or_oom(self.try_upsert(member, score))
    }

    /// Does the same as [`ZTable::upsert`], but returns an error if an allocation fails. The set is then
    /// unchanged.
    pub fn try_upsert(
        &mut self,
        member: &[u8],
        score: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Result<Upsert, InsertError> {
        let Some(sorted) = self.handle.get_mut() else {
            let Some(score) = score(None) else { return Ok(Upsert::Absent) };
            let block = Block::try_new(member, check_score(score)?)?;
            return Ok(self.try_add_first(block).map(|()| Upsert::Inserted)?);
        };
        let hash = sorted.hash_of(member);
        if let Some(block) = sorted.find(hash, member) {
            // SAFETY: a block that the table points at is live.
            let old = unsafe { block.score() };
            let Some(new) = score(Some(old)) else { return Ok(Upsert::Unchanged) };
            if new == old {
                return Ok(Upsert::Unchanged);
            }
            sorted.order.try_update_score(block, check_score(new)?)?;
            return Ok(Upsert::Updated);
        }
        let Some(score) = score(None) else { return Ok(Upsert::Absent) };
        sorted.try_add(hash, Block::try_new(member, check_score(score)?)?)?;
        Ok(Upsert::Inserted)
    }

    /// Inserts a member that was created outside of the set. Returns `false`, and drops it, if an equal
    /// member is present. O(log n). If an allocation fails, the set is unchanged.
    ///
    /// ```
    /// use zindex::{Member, ZTable};
    /// let mut set = ZTable::new();
    /// let mut member = Member::try_zeroed(3, 1.5)?;
    /// member.as_mut_bytes().copy_from_slice(b"bob");
    /// assert!(set.try_insert_member(member)?);
    /// assert_eq!(set.get(b"bob"), Some(1.5));
    /// # Ok::<(), zindex::InsertError>(())
    /// ```
    pub fn try_insert_member(&mut self, member: Member) -> Result<bool, InsertError> {
        let Some(sorted) = self.handle.get_mut() else {
            self.try_add_first(member.block)?;
            return Ok(true);
        };
        let hash = sorted.hash_of(&member);
        if sorted.find(hash, &member).is_some() {
            return Ok(false);
        }
        sorted.try_add(hash, member.block)?;
        Ok(true)
    }

    /// Adds the first member to a set that owns no memory. After a failure, the set owns no memory either.
    fn try_add_first(&mut self, block: Block) -> Result<(), ReserveError> {
        let hash = Some(DefaultHashBuilder::new());
        self.handle.try_fill(Sorted { order: Order::new(), table: Table::new(), hash })?;
        let Some(sorted) = self.handle.get_mut() else { unreachable!("filled above") };
        let added = sorted.try_add(sorted.hash_of(block.member()), block);
        if added.is_err() {
            self.handle.clear();
        }
        added
    }

    /// Removes a member and returns its score. O(log n). In C: `zsetDel`.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let (hash, block) = self.find(member)?;
        self.take(hash, block).map(|block| block.score())
    }

    /// Removes a member with the hash and the block that [`find`](Self::find) returned. If the member was the
    /// last one, frees the memory of the set.
    fn take(&mut self, hash: u64, block: BlockPtr) -> Option<Block> {
        let sorted = self.handle.get_mut()?;
        let removed = sorted.remove(hash, block);
        if sorted.order.is_empty() {
            self.handle.clear();
        }
        removed
    }

    fn remove_at(&mut self, rank: usize) -> Option<Member> {
        let sorted = self.handle.get();
        let block = sorted.order.block_at(rank)?;
        // SAFETY: a block of the order is live.
        let hash = sorted.hash_of(unsafe { block.member() });
        self.take(hash, block).map(|block| Member { block })
    }

    /// Removes and returns the first member, which has the lowest score. In C: `ZPOPMIN`.
    pub fn pop_first(&mut self) -> Option<Member> {
        self.remove_at(0)
    }

    /// Removes and returns the last member, which has the highest score. In C: `ZPOPMAX`.
    pub fn pop_last(&mut self) -> Option<Member> {
        self.remove_at(self.len().wrapping_sub(1))
    }

    /// Removes the members of a range of ranks, and returns how many there were. O(log n) each.
    ///
    /// In C: `zslDeleteRangeByRank`. [`Order::ranks_by_score`] and [`Order::ranks_by_lex`] give the ranks for
    /// `zslDeleteRangeByScore` and `zslDeleteRangeByLex`.
    pub fn remove_range(&mut self, ranks: impl RangeBounds<usize>) -> usize {
        let ranks = self.range((ranks.start_bound().cloned(), ranks.end_bound().cloned())).ranks();
        ranks.clone().for_each(|_| drop(self.remove_at(ranks.start)));
        ranks.len()
    }

    /// Removes all members and frees the memory. O(n).
    pub fn clear(&mut self) {
        self.handle.clear();
    }

    /// Calls `each` with some members and their scores, and returns the cursor for the next call. It gives
    /// the guarantee of [`dict::Table::scan`]. In C: `ZSCAN`.
    pub fn scan<'a>(&'a self, cursor: Cursor, mut each: impl FnMut(&'a [u8], f64)) -> Cursor {
        self.handle.get().table.scan(cursor, |block| {
            // SAFETY: a block that the table points at is live.
            unsafe { each(block.member(), block.score()) }
        })
    }

    /// Returns a copy, with a hash seed of its own, or an error if an allocation fails. O(n log n).
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut copy = Self::new();
        for (member, score) in self {
            match copy.try_insert(member, score) {
                Err(InsertError::Reserve(error)) => return Err(error),
                _inserted => {} // no score here is NaN
            }
        }
        Ok(copy)
    }

    /// Drops a part of the set and returns the rest, or `None` if nothing is left. So a caller can free a
    /// large set without a pause. O(n + log len).
    ///
    /// A call first frees chunks of the table, at most `n`. If fewer than `n` are left, it also frees whole
    /// leaves of the order, which have up to 63 members each. Chunks and members are at most `n` together,
    /// except that the first of these leaves may exceed `n`. An `n` of 0 counts as 1.
    ///
    /// ```
    /// use zindex::ZTable;
    /// let mut set = ZTable::new();
    /// for n in 0..1000 {
    ///     set.insert(format!("member {n}").as_bytes(), f64::from(n)).unwrap();
    /// }
    /// let mut left = set.drop_in_steps(100);
    /// while let Some(remains) = left {
    ///     // Requests are served in between.
    ///     left = remains.drop_in_steps(100);
    /// }
    /// ```
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(self, n: usize) -> Option<Remains> {
        Remains(self.handle).drop_in_steps(n)
    }

    /// Moves blocks for a defragmenter. `moves` is asked about each block, with its size in bytes, and
    /// returns whether it should move. `zmalloc::defrag::Survey::hint` gives such an answer.
    ///
    /// The first calls move members and the table's blocks, some at a time. Later calls move the nodes of
    /// the order, a leaf at a time. The first call takes [`Cursor::START`]. Each call returns the cursor
    /// for the next one, and the last call returns [`Cursor::START`]. A block stays where it is if there is
    /// no memory for a new one. Free slots of a leaf are filled with entries of the next leaves of the same
    /// parent, even if `moves` returns `false`.
    pub fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        if cursor.is_start() {
            self.handle.relocate(moves);
        }
        let Some(Sorted { order, table, .. }) = self.handle.get_mut() else { return Cursor::START };
        let position = u64::from(cursor);
        if position & NODES_FLAG != 0 {
            let rank = usize::try_from(position & !NODES_FLAG).unwrap_or(usize::MAX);
            let next = order.relocate_nodes(rank, moves);
            return next.map_or(Cursor::START, |rank| Cursor::from(NODES_FLAG | rank as u64));
        }
        // The table calls `moves` for its own blocks, and the closure below calls it for the members.
        let moves = RefCell::new(moves);
        let ask = |block, size| moves.borrow_mut()(block, size);
        let next = table.relocate(cursor, &mut { ask }, |block| {
            if let Some(moved) = order.relocate_block(*block, &mut { ask }) {
                *block = moved;
            }
        });
        if next.is_start() { Cursor::from(NODES_FLAG) } else { next }
    }
}

/// Returns the number of bytes that a body and everything it owns add to `used_memory`.
fn allocation_size(handle: &Handle<Sorted>) -> usize {
    let sorted = handle.get();
    handle.allocation_size() + sorted.order.allocation_size() + sorted.table.allocation_size()
}

/// The rest of a [`ZTable`] that is dropped in steps. Dropping this value frees the whole rest at once.
///
/// The rest is no longer a set: its table is dropped first, because the table does not own the members. After
/// that, a member need not be looked up in the table when its block is freed. The look-up would take several
/// times as long as the free.
pub struct Remains(Handle<Sorted>);

impl Remains {
    /// Drops the next part, as [`ZTable::drop_in_steps`] does.
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        let Sorted { order, table, .. } = self.0.get_mut()?;
        let chunks = table.stats().chunks;
        *table = mem::take(table).drop_in_steps(n).unwrap_or_default();
        // `members` is the part of `n` that the table did not need.
        if let Some(members @ 1..) = n.max(1).checked_sub(chunks) {
            order.drop_leaves(members);
        }
        (!order.is_empty()).then_some(self)
    }

    /// Returns the number of bytes of the rest in `used_memory`. Constant time.
    pub fn allocation_size(&self) -> usize {
        allocation_size(&self.0)
    }

    /// Returns the order of the members that are left.
    #[cfg(test)]
    pub(crate) fn order(&self) -> &Order {
        &self.0.get().order
    }
}

impl fmt::Debug for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remains").finish_non_exhaustive()
    }
}

impl Deref for ZTable {
    type Target = Order;

    fn deref(&self) -> &Order {
        &self.handle.get().order
    }
}

impl Clone for ZTable {
    /// Does the same as [`ZTable::try_clone`], but calls the OOM handler if an allocation fails.
    fn clone(&self) -> Self {
        zmalloc::or_oom(self.try_clone())
    }
}

impl Default for ZTable {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ZTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for ZTable {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a ZTable {
    type Item = (&'a [u8], f64);
    type IntoIter = crate::Iter<'a>;

    fn into_iter(self) -> crate::Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
impl ZTable {
    pub(crate) fn check(&self) {
        let Sorted { order, table, .. } = self.handle.get();
        order.check();
        assert_eq!(order.len(), table.len());
        for (member, _) in order {
            let (_, block) = self.find(member).expect("a member of the order is in the table");
            assert!(order.rank_of_block(block).is_some());
        }
    }
}
