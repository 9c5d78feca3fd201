//! [`ZIndex`]: the order by itself, for callers that know the score of a member.

use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;

use common::Cursor;
use zmalloc::ReserveError;

use crate::block::{Block, BlockPtr};
use crate::error::{InsertError, NotANumber};
use crate::handle::{Body, Handle};
use crate::order::Order;
use crate::score::check_score;

/// An ordered set of scores and members, with ranks. In C: `zskiplist`.
///
/// Taught in the chapter `docs/src/order.md`.
///
/// A `ZIndex` is one pointer wide. An empty one owns no memory.
///
/// A member may be present under several scores, so a caller has to know the score to find it.
/// [`ZTable`](crate::ZTable) keeps the score of each member. The methods that only read are in [`Order`].
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

/// A member that was taken out of a set, with its score. Its memory is freed when it is dropped.
pub struct Member {
    pub(crate) block: Block,
}

impl Member {
    /// Creates a member of `len` zeros that is not in a set yet. The caller writes the bytes, and then
    /// passes the member to [`ZTable::try_insert_member`](crate::ZTable::try_insert_member).
    ///
    /// # Errors
    /// The score is NaN, the length is above `u32::MAX`, or the allocation fails.
    pub fn try_zeroed(len: usize, score: f64) -> Result<Self, InsertError> {
        Ok(Self { block: Block::try_zeroed(len, check_score(score)?)? })
    }

    /// Returns the member's bytes for writing.
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        self.block.member_mut()
    }

    /// Returns the member's score.
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
    /// Creates an empty index, which owns no memory.
    pub const fn new() -> Self {
        Self { handle: Handle::new() }
    }

    /// Returns the number of bytes that the index and its members add to `used_memory`. Constant time.
    pub fn allocation_size(&self) -> usize {
        self.handle.allocation_size() + self.handle.get().allocation_size()
    }

    /// Adds a member under a score. Returns `false` if it is already present. O(log n). In C: `zslInsert`.
    ///
    /// # Errors
    /// The score is NaN.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Result<bool, NotANumber> {
        InsertError::or_oom(self.try_insert(member, score))
    }

    /// Does the same as [`ZIndex::insert`], but returns an error if an allocation fails. The index is then
    /// unchanged.
    pub fn try_insert(&mut self, member: &[u8], score: f64) -> Result<bool, InsertError> {
        let score = check_score(score)?;
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

    /// Removes a member under a score. Returns `false` if it is absent. O(log n). In C: `zslDelete`.
    pub fn remove(&mut self, member: &[u8], score: f64) -> bool {
        let found = self.find(member, score);
        found.is_some_and(|block| self.take(block).is_some())
    }

    /// Gives a member another score. The update is cheap if the member keeps its rank. O(log n). In C:
    /// `zslUpdateScore`.
    ///
    /// Returns `false` if the member is absent under the old score, or already present under the new one.
    ///
    /// # Errors
    /// The new score is NaN.
    pub fn update_score(&mut self, member: &[u8], old: f64, new: f64) -> Result<bool, NotANumber> {
        InsertError::or_oom(self.try_update_score(member, old, new))
    }

    /// Does the same as [`ZIndex::update_score`], but returns an error if an allocation fails. The index is
    /// then unchanged.
    pub fn try_update_score(&mut self, member: &[u8], old: f64, new: f64) -> Result<bool, InsertError> {
        let new = check_score(new)?;
        let Some(block) = self.find(member, old) else { return Ok(false) };
        if old != new && self.find(member, new).is_some() {
            return Ok(false);
        }
        if let Some(order) = self.handle.get_mut() {
            order.try_update_score(block, new)?;
        }
        Ok(true)
    }

    /// Removes and returns the first member. O(log n).
    pub fn pop_first(&mut self) -> Option<Member> {
        self.block_at(0).and_then(|block| self.take(block))
    }

    /// Removes and returns the last member. O(log n).
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

    /// Removes all members and frees the memory. O(n).
    pub fn clear(&mut self) {
        self.handle.clear();
    }

    /// Returns a copy, or an error if an allocation fails. O(n).
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut copy = Self::new();
        if !self.is_empty() {
            copy.handle.try_fill(Order::try_clone(self)?)?;
        }
        Ok(copy)
    }

    /// Drops the last `n` members, at least one, and returns the index with the others, or `None` if no
    /// member is left. So a caller can free a large index without a pause. O(n + log len).
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        let order = self.handle.get_mut()?;
        order.truncate(order.len().saturating_sub(n.max(1)));
        (!order.is_empty()).then_some(self)
    }

    /// Moves blocks for a defragmenter. `moves` is asked about each block, with its size in bytes, and
    /// returns whether it should move. `zmalloc::defrag::Survey::hint` gives such an answer.
    ///
    /// A call looks at one leaf, its members and the nodes above it. The first call takes
    /// [`Cursor::START`]. Each call returns the cursor for the next one, and the last call returns
    /// [`Cursor::START`]. A block stays where it is if there is no memory for a new one. A leaf that removals
    /// have left half full is filled with entries of the leaves after it.
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
    /// Does the same as [`ZIndex::try_clone`], but calls the OOM handler if an allocation fails.
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
