//! [`ZIndex`]: the order by itself, for whoever knows the score of a member.

use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;

use common::Cursor;
use zmalloc::ReserveError;

use crate::block::{Block, BlockPtr};
use crate::error::{InsertError, NotANumber};
use crate::handle::{Body, Handle};
use crate::order::Order;
use crate::score::number;

/// A set of scores and members, in order, with ranks: what a skiplist is in Redis. One pointer wide; empty, it owns no
/// memory.
///
/// A member may be here under several scores: who looks for one has to know its score. [`ZTable`](crate::ZTable) knows it.
/// What can be read is in [`Order`].
///
/// ```
/// let mut index = zindex::ZIndex::new();
/// for (member, score) in [("carol", 3.0), ("alice", 1.0), ("bob", 3.0)] {
///     assert_eq!(index.insert(member.as_bytes(), score), Ok(true));
/// }
/// assert_eq!(index.rank(b"carol", 3.0), Some(2));
/// assert_eq!(index.by_rank(1), Some((&b"bob"[..], 3.0)));
/// assert!(index.insert(b"dave", f64::NAN).is_err());
/// ```
pub struct ZIndex {
    handle: Handle<Order>,
}

const _: () = assert!(size_of::<Option<ZIndex>>() == size_of::<usize>());

static EMPTY: Order = Order::new();

impl Body for Order {
    const EMPTY: &'static Self = &EMPTY;
}

/// A member that has been taken out, with its score. Frees its memory when dropped.
pub struct Member {
    pub(crate) block: Block,
}

impl Member {
    /// A member of `len` zeros that is in no set yet. The caller writes its bytes, and then gives it to
    /// [`ZTable::try_insert_member`](crate::ZTable::try_insert_member). NaN is refused.
    pub fn try_zeroed(len: usize, score: f64) -> Result<Self, InsertError> {
        Ok(Self { block: Block::try_zeroed(len, number(score)?)? })
    }

    /// Its bytes, to be changed.
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        self.block.member_mut()
    }

    /// Its score.
    pub fn score(&self) -> f64 {
        self.block.score()
    }
}

impl Deref for Member {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.block.member()
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", String::from_utf8_lossy(self), self.score())
    }
}

impl ZIndex {
    /// An empty index, which owns no memory.
    pub const fn new() -> Self {
        Self { handle: Handle::new() }
    }

    /// Bytes that the index adds to `used_memory`, its members among them. Constant time.
    pub fn allocation_size(&self) -> usize {
        self.handle.allocation_size() + self.handle.get().allocation_size()
    }

    /// Adds a member under a score; false if it is there already. O(log n). NaN is refused. In C: `zslInsert`.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Result<bool, NotANumber> {
        InsertError::or_oom(self.try_insert(member, score))
    }

    /// [`ZIndex::insert`] that says when there is no memory; then nothing has changed.
    pub fn try_insert(&mut self, member: &[u8], score: f64) -> Result<bool, InsertError> {
        let score = number(score)?;
        if self.find(member, score).is_some() {
            return Ok(false);
        }
        let block = Block::try_new(member, score)?;
        if self.handle.is_static() {
            self.handle.try_fill(Order::new())?;
        }
        let Some(order) = self.handle.get_mut() else { unreachable!("filled above") };
        let inserted = order.try_insert(block, || Ok(()));
        if order.is_empty() {
            self.handle.clear();
        }
        inserted.map_err(|(error, _)| error)?;
        Ok(true)
    }

    /// Removes a member under a score; false if it is not there. O(log n). In C: `zslDelete`.
    pub fn remove(&mut self, member: &[u8], score: f64) -> bool {
        let found = self.find(member, score);
        found.is_some_and(|block| self.take(block).is_some())
    }

    /// Gives a member another score: cheap where it keeps its rank. False if it is not there under the old one, or is under
    /// the new one. O(log n). In C: `zslUpdateScore`.
    pub fn update_score(&mut self, member: &[u8], old: f64, new: f64) -> Result<bool, NotANumber> {
        InsertError::or_oom(self.try_update_score(member, old, new))
    }

    /// [`ZIndex::update_score`] that says when there is no memory; then nothing has changed.
    pub fn try_update_score(&mut self, member: &[u8], old: f64, new: f64) -> Result<bool, InsertError> {
        let new = number(new)?;
        let Some(block) = self.find(member, old) else { return Ok(false) };
        if old != new && self.find(member, new).is_some() {
            return Ok(false);
        }
        if let Some(order) = self.handle.get_mut() {
            order.try_update_score(block, new)?;
        }
        Ok(true)
    }

    /// Takes the lowest out.
    pub fn pop_first(&mut self) -> Option<Member> {
        self.block_at(0).and_then(|block| self.take(block))
    }

    /// Takes the highest out.
    pub fn pop_last(&mut self) -> Option<Member> {
        self.block_at(self.len().wrapping_sub(1)).and_then(|block| self.take(block))
    }

    fn take(&mut self, block: BlockPtr) -> Option<Member> {
        let order = self.handle.get_mut()?;
        let block = order.remove(block);
        if order.is_empty() {
            self.handle.clear();
        }
        block.map(|block| Member { block })
    }

    /// Removes all members and gives the memory back. O(n).
    pub fn clear(&mut self) {
        self.handle.clear();
    }

    /// A copy. O(n).
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut copy = Self::new();
        if !self.is_empty() {
            copy.handle.try_fill(Order::try_clone(self)?)?;
        }
        Ok(copy)
    }

    /// Drops up to `n` members (at least one), the highest, and gives back what is left: for freeing a large index without a
    /// pause. O(n + log len).
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        let order = self.handle.get_mut()?;
        order.truncate(order.len().saturating_sub(n.max(1)));
        (!order.is_empty()).then_some(self)
    }

    /// Moves blocks where `moves`, which is asked about each with its size in bytes, says so, as `zmalloc::defrag::Survey::hint` does. A
    /// call looks at one leaf, its members and what is above it. The first call takes [`Cursor::START`], each returns the cursor for the
    /// next, and the last one [`Cursor::START`]. A block that finds no memory stays where it is. A leaf that removals have left half
    /// full is filled from those behind it.
    pub fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        if cursor.is_start() {
            self.handle.relocate(moves);
        }
        let Some(order) = self.handle.get_mut() else { return Cursor::START };
        let start = usize::try_from(u64::from(cursor)).unwrap_or(usize::MAX);
        let next = order.relocate_nodes(start, moves);
        for rank in start..next.unwrap_or(order.len()) {
            if let Some(block) = order.block_at(rank) {
                order.relocate_block(block, moves);
            }
        }
        next.map_or(Cursor::START, |rank| Cursor::from(rank as u64))
    }
}

impl Deref for ZIndex {
    type Target = Order;

    fn deref(&self) -> &Order {
        self.handle.get()
    }
}

impl Clone for ZIndex {
    /// [`ZIndex::try_clone`], with the OOM handler in place of an error.
    fn clone(&self) -> Self {
        zmalloc::or_oom(self.try_clone())
    }
}

impl Default for ZIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ZIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for ZIndex {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a ZIndex {
    type Item = (&'a [u8], f64);
    type IntoIter = crate::Iter<'a>;

    fn into_iter(self) -> crate::Iter<'a> {
        self.iter()
    }
}
