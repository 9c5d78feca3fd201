//! [`ZTable`]: the order, and a table of its members.
//!
//! ```text
//!  ZTable -> | root  len | table  hash |
//!               |             |
//!        leaf | code pointer ... |   chunk | tag ... pointer ... |
//!                      |                            |
//!                      +-> | score | len | member | <+
//! ```
//!
//! Both point at the same blocks, which the order owns. Invariant: the pointers of the table are those of the
//! order's blocks, each once; so what the table points at is live.

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
use crate::score::number;

/// A sorted set: members with a score each, found by member, by score or by rank. One pointer wide; empty, it
/// owns no memory.
///
/// What can be read by score and rank is in [`Order`], to which this dereferences. In C: `zset`, a dict
/// beside a skiplist.
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
    /// `None` in the static only.
    hash: Option<DefaultHashBuilder>,
}

static EMPTY: Sorted = Sorted { order: Order::new(), table: Table::new(), hash: None };

impl Body for Sorted {
    const EMPTY: &'static Self = &EMPTY;
}

/// What [`ZTable::upsert`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// The member was not there, and is not.
    Absent,
    /// The member was not there, and is now.
    Inserted,
    /// The member was there with the same score, or was to keep it.
    Unchanged,
    /// The member has another score.
    Updated,
}

/// Where a cursor of [`ZTable::relocate`] has come to the nodes.
const NODES: u64 = 1 << 63;

impl Sorted {
    fn hash_of(&self, member: &[u8]) -> u64 {
        self.hash.as_ref().map_or(0, |hash| hash.hash_one(member))
    }

    fn find(&self, hash: u64, member: &[u8]) -> Option<BlockPtr> {
        // SAFETY: the table's pointers are those of the order's blocks, which are live.
        self.table.find(hash, |block| unsafe { block.member() } == member).copied()
    }

    fn try_add(&mut self, hash: u64, block: Block) -> Result<(), ReserveError> {
        let ptr = block.ptr();
        let Self { order, table, hash: hasher } = self;
        // SAFETY: as in `find`; the new block lives until it is in the order, or in nothing.
        let hasher =
            |block: &BlockPtr| hasher.as_ref().map_or(0, |hash| hash.hash_one(unsafe { block.member() }));
        // The table comes when the order has its nodes and has not changed, so that a failure of either
        // changes neither.
        let last = || {
            table.try_insert_unique(hash, ptr, hasher)?;
            Ok(())
        };
        order.try_insert(block, last).map_err(|(error, _)| error)
    }

    fn remove(&mut self, hash: u64, block: BlockPtr) -> Option<Block> {
        if let Ok(entry) = self.table.find_entry(hash, |&other| other == block) {
            entry.remove();
        }
        self.order.remove(block)
    }
}

impl ZTable {
    /// An empty sorted set, which owns no memory.
    pub const fn new() -> Self {
        Self { handle: Handle::new() }
    }

    /// Bytes that the set adds to `used_memory`, its members among them. Constant time.
    pub fn allocation_size(&self) -> usize {
        allocation_size(&self.handle)
    }

    /// The score of a member. O(1). In C: `zsetScore`.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<f64> {
        // SAFETY: a block that the table points at is live.
        self.find(member).map(|(_, block)| unsafe { block.score() })
    }

    /// Whether the member is there. O(1).
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.find(member).is_some()
    }

    /// Hash and block of a member that is there.
    #[inline]
    fn find(&self, member: &[u8]) -> Option<(u64, BlockPtr)> {
        let sorted = self.handle.get();
        if sorted.order.is_empty() {
            return None;
        }
        let hash = sorted.hash_of(member);
        sorted.find(hash, member).map(|block| (hash, block))
    }

    /// The rank of a member, from 0 for the lowest score. O(log n). The member is found in the table and
    /// then, by its address, in its leaf. In C: `zsetRank`.
    pub fn rank_of(&self, member: &[u8]) -> Option<usize> {
        self.rank_and_score(member).map(|(rank, _)| rank)
    }

    /// [`ZTable::rank_of`] and [`ZTable::get`] in one. In C: `ZRANK ... WITHSCORE`.
    pub fn rank_and_score(&self, member: &[u8]) -> Option<(usize, f64)> {
        let (_, block) = self.find(member)?;
        // SAFETY: a block that the table points at is live.
        Some((self.handle.get().order.rank_of_block(block)?, unsafe { block.score() }))
    }

    /// Gives a member a score, whether it is there or not, and says which it had. O(log n). NaN is refused.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Result<Option<f64>, NotANumber> {
        InsertError::or_oom(self.try_insert(member, score))
    }

    /// [`ZTable::insert`] that says when there is no memory; then nothing has changed.
    pub fn try_insert(&mut self, member: &[u8], score: f64) -> Result<Option<f64>, InsertError> {
        let mut before = None;
        self.try_upsert(member, |old| {
            before = old;
            Some(score)
        })?;
        Ok(before)
    }

    /// Shows `score` the score of a member, `None` if it is not there, and gives the member what it answers;
    /// `None` leaves all as it is. The member is hashed once. NaN is refused. In C: `zsetAdd`.
    pub fn upsert(
        &mut self,
        member: &[u8],
        score: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Result<Upsert, NotANumber> {
        InsertError::or_oom(self.try_upsert(member, score))
    }

    /// [`ZTable::upsert`] that says when there is no memory; then nothing has changed.
    pub fn try_upsert(
        &mut self,
        member: &[u8],
        score: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Result<Upsert, InsertError> {
        let Some(sorted) = self.handle.get_mut() else {
            let Some(score) = score(None) else { return Ok(Upsert::Absent) };
            let block = Block::try_new(member, number(score)?)?;
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
            sorted.order.try_update_score(block, number(new)?)?;
            return Ok(Upsert::Updated);
        }
        let Some(score) = score(None) else { return Ok(Upsert::Absent) };
        sorted.try_add(hash, Block::try_new(member, number(score)?)?)?;
        Ok(Upsert::Inserted)
    }

    /// Takes in a member that was made aside, unless an equal one is here, and says whether it did. O(log n). When
    /// there is no memory, the set is as it was.
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

    /// Adds the first member. The set has no memory of its own before, and none if this fails.
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

    /// Removes a member and gives its score. O(log n). In C: `zsetDel`.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let (hash, block) = self.find(member)?;
        self.take(hash, block).map(|block| block.score())
    }

    fn take(&mut self, hash: u64, block: BlockPtr) -> Option<Block> {
        let sorted = self.handle.get_mut()?;
        let taken = sorted.remove(hash, block);
        if sorted.order.is_empty() {
            self.handle.clear();
        }
        taken
    }

    fn take_at(&mut self, rank: usize) -> Option<Member> {
        let sorted = self.handle.get();
        let block = sorted.order.block_at(rank)?;
        // SAFETY: a block of the order is live.
        let hash = sorted.hash_of(unsafe { block.member() });
        self.take(hash, block).map(|block| Member { block })
    }

    /// Takes the lowest out. In C: `ZPOPMIN`.
    pub fn pop_first(&mut self) -> Option<Member> {
        self.take_at(0)
    }

    /// Takes the highest out. In C: `ZPOPMAX`.
    pub fn pop_last(&mut self) -> Option<Member> {
        self.take_at(self.len().wrapping_sub(1))
    }

    /// Removes the members of some ranks and says how many there were. O(log n) each. In C:
    /// `zslDeleteRangeByRank` and its kin, which come here by [`Order::ranks_by_score`] and
    /// [`Order::ranks_by_lex`].
    pub fn remove_range(&mut self, ranks: impl RangeBounds<usize>) -> usize {
        let ranks = self.range((ranks.start_bound().cloned(), ranks.end_bound().cloned())).ranks();
        ranks.clone().for_each(|_| drop(self.take_at(ranks.start)));
        ranks.len()
    }

    /// Removes all members and gives the memory back. O(n).
    pub fn clear(&mut self) {
        self.handle.clear();
    }

    /// Hands some members and their scores to `each` and answers where to go on, with the guarantee of
    /// [`dict::Table::scan`]. In C: `ZSCAN`.
    pub fn scan<'a>(&'a self, cursor: Cursor, mut each: impl FnMut(&'a [u8], f64)) -> Cursor {
        self.handle.get().table.scan(cursor, |block| {
            // SAFETY: a block that the table points at is live.
            unsafe { each(block.member(), block.score()) }
        })
    }

    /// A copy, with a hash of its own. O(n).
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

    /// Drops the set little by little: frees up to `n` chunks of the table or members, but at least one chunk
    /// or leaf (63 members), and gives back what is left. For freeing a large set without a pause. O(n + log
    /// len).
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

    /// Moves blocks where `moves`, which is asked about each with its size in bytes, says so, as
    /// `zmalloc::defrag::Survey::hint` does: first members with the table's blocks, some at a time, then the
    /// nodes of the order, a leaf at a time. The first call takes [`Cursor::START`], each returns the cursor
    /// for the next, and the last one [`Cursor::START`]. A block that finds no memory stays where it is. A
    /// leaf that removals have left half full is filled from those behind it.
    pub fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        if cursor.is_start() {
            self.handle.relocate(moves);
        }
        let Some(Sorted { order, table, .. }) = self.handle.get_mut() else { return Cursor::START };
        let place = u64::from(cursor);
        if place & NODES != 0 {
            let rank = usize::try_from(place & !NODES).unwrap_or(usize::MAX);
            let next = order.relocate_nodes(rank, moves);
            return next.map_or(Cursor::START, |rank| Cursor::from(NODES | rank as u64));
        }
        // The table has two questions at once, for its own blocks and for those it points at.
        let moves = RefCell::new(moves);
        let ask = |block, size| moves.borrow_mut()(block, size);
        let next = table.relocate(cursor, &mut { ask }, |block| {
            if let Some(moved) = order.relocate_block(*block, &mut { ask }) {
                *block = moved;
            }
        });
        if next.is_start() { Cursor::from(NODES) } else { next }
    }
}

/// What a body and all that it owns add to `used_memory`, in bytes.
fn allocation_size(handle: &Handle<Sorted>) -> usize {
    let sorted = handle.get();
    handle.allocation_size() + sorted.order.allocation_size() + sorted.table.allocation_size()
}

/// What is left of a [`ZTable`] that is dropped in steps. Dropped itself, it frees the rest at once.
///
/// It is no longer a set. The table of members goes first, because it owns no members. Without it no member
/// has to be looked up when its block is freed, which would take several times as long as freeing it.
pub struct Remains(Handle<Sorted>);

impl Remains {
    /// Drops the next part: [`ZTable::drop_in_steps`].
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        let Sorted { order, table, .. } = self.0.get_mut()?;
        let chunks = table.stats().chunks;
        *table = mem::take(table).drop_in_steps(n).unwrap_or_default();
        // The work that the table has left, if it is gone.
        if let Some(members @ 1..) = n.max(1).checked_sub(chunks) {
            order.drop_leaves(members);
        }
        (!order.is_empty()).then_some(self)
    }

    /// What is left in `used_memory`, in bytes. Constant time.
    pub fn allocation_size(&self) -> usize {
        allocation_size(&self.0)
    }

    /// The members that are left.
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
    /// [`ZTable::try_clone`], with the OOM handler in place of an error.
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
