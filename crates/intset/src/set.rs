//! [`IntSet`]: a set with a block of its own.

use crate::block::Block;
use crate::editor::Editor;
use crate::error::{FromBytesError, Malformed};
use crate::view::View;
use common::ReserveError;
use core::ops::Deref;
use core::ptr::NonNull;
use zmalloc::or_oom;

/// A set of integers, sorted and packed into one block of memory, in the byte layout of Redis' intset. One pointer wide,
/// `Option<IntSet>` too. What reads is on [`View`].
///
/// All integers are stored with as many bits as the largest needed when it was added: 16, 32 or 64. An empty set has no
/// block.
///
/// What allocates comes in two forms. `try_...` returns a [`ReserveError`] and leaves the set as it was; the plain form calls
/// zmalloc's OOM handler. Removing never fails.
///
/// ```
/// use intset::{Encoding, IntSet};
/// let mut set = IntSet::from_iter([3, 1, 2]);
/// assert_eq!((set.len(), set.encoding(), set.as_bytes().len()), (3, Encoding::Int16, 8 + 3 * 2));
/// assert!(set.insert(70_000) && !set.insert(1));
/// assert_eq!((set.len(), set.encoding(), set.as_bytes().len()), (4, Encoding::Int32, 8 + 4 * 4));
/// assert!(set.contains(2) && !set.contains(4));
/// assert_eq!(set.iter().rev().collect::<Vec<_>>(), [70_000, 3, 2, 1]);
/// ```
#[repr(transparent)]
pub struct IntSet {
    editor: Editor<Block>,
}

const _: () = assert!(size_of::<Option<IntSet>>() == size_of::<usize>());

impl IntSet {
    /// An empty set. Allocates nothing. In C: `intsetNew`.
    #[inline]
    pub const fn new() -> Self {
        Self::of(Block::EMPTY)
    }

    const fn of(block: Block) -> Self {
        Self { editor: Editor { buffer: block } }
    }

    /// The set that the bytes are, wherever they come from: all is checked. O(n). An encoding wider than the integers need
    /// is kept, as Redis may have written it; an empty set is accepted. In C: `intsetValidateIntegrity`, deep.
    ///
    /// ```
    /// use intset::{Fault, IntSet};
    /// let bytes = [2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 1, 0];
    /// assert_eq!(IntSet::from_bytes(&bytes[..6]).unwrap_err().fault, Fault::Truncated);
    /// let error = IntSet::from_bytes(&bytes).unwrap_err();
    /// assert_eq!((error.offset, error.fault), (10, Fault::Order)); // 1 after 7
    /// ```
    pub fn try_from_bytes(bytes: &[u8]) -> Result<Self, FromBytesError> {
        let set = View::new(bytes)?;
        set.check_order()?;
        Ok(set.try_to_owned()?)
    }

    /// [`try_from_bytes`](Self::try_from_bytes), calling the OOM handler if there is no room for the copy.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        FromBytesError::or_oom(Self::try_from_bytes(bytes))
    }

    /// Adds `value`, and returns whether it was not there before. O(n), because the integers behind it move; O(log n) or less at
    /// the end. If the value needs more bits than the others have, all are rewritten. In C: `intsetAdd`.
    ///
    /// # Errors
    /// If there is no memory, or with 2^32 - 1 integers.
    pub fn try_insert(&mut self, value: i64) -> Result<bool, ReserveError> {
        self.editor.try_insert(value)
    }

    /// [`try_insert`](Self::try_insert), calling the OOM handler if there is no room.
    #[inline]
    pub fn insert(&mut self, value: i64) -> bool {
        or_oom(self.try_insert(value))
    }

    /// Removes `value`, and returns whether it was there. O(n), because the integers behind it move. Never fails: the block gets
    /// smaller if the allocator can make it so. In C: `intsetRemove`.
    pub fn remove(&mut self, value: i64) -> bool {
        self.editor.remove(value)
    }

    /// Removes the integer at `index`, and returns it. O(n), as [`remove`](Self::remove).
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        self.editor.remove_at(index)
    }

    /// Removes `count` integers from index `start` on, or as many as there are, and returns how many those were. O(n).
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        self.editor.remove_range(start, count)
    }

    /// Removes all integers, and gives the block back.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// A copy. O(n).
    ///
    /// # Errors
    /// If there is no memory.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        self.try_to_owned()
    }

    /// What the set has added to `used_memory`, in bytes: its block with all that the allocator rounds up. In C, without that:
    /// `intsetBlobLen`.
    pub fn allocation_size(&self) -> usize {
        self.editor.buffer.allocation_size()
    }

    /// For a defragmenter: asks `moves` about the block, with its size in bytes, whether it should lie elsewhere, as
    /// `zmalloc::defrag::Survey::hint` says; moves it if told so, and returns whether it did. Without memory it stays where it is.
    /// In C: the intset part of `defragKey`.
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        self.editor.buffer.relocate(moves)
    }
}

impl View {
    /// A set of its own with the same integers. O(n).
    ///
    /// ```
    /// let set = intset::View::new(&[2, 0, 0, 0, 1, 0, 0, 0, 7, 0])?.try_to_owned()?;
    /// assert!(set.iter().eq([7]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is no memory.
    pub fn try_to_owned(&self) -> Result<IntSet, ReserveError> {
        Block::try_from_bytes(self.as_bytes()).map(IntSet::of)
    }
}

impl Deref for IntSet {
    type Target = View;

    #[inline]
    fn deref(&self) -> &View {
        &self.editor
    }
}
