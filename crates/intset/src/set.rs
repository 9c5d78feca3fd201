//! [`IntSet`]: a set with a block of its own, or in a room of a caller's.

use crate::block::Block;
use crate::editor::Editor;
use crate::error::{FromBytesError, Malformed};
use crate::place::Place;
use crate::view::View;
use common::{NoRoom, ReserveError, Room};
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
/// `R` is the type of the [`Room`] in which a set may lie. Without it, as in `IntSet`, a set always has a block of its own. An
/// `IntSet<R>` is either: a set that a room of the caller's holds ([`in_room`](Self::in_room)), or a set with its own block
/// ([`into_any`](IntSet::into_any)). All operations are the same for both. Only a set that is known to have its own block can be
/// created, copied to another one and moved.
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
pub struct IntSet<R = NoRoom> {
    editor: Editor<Place<R>>,
}

const _: () = assert!(size_of::<Option<IntSet>>() == size_of::<usize>());

impl IntSet {
    /// An empty set. Allocates nothing. In C: `intsetNew`.
    #[inline]
    pub const fn new() -> Self {
        Self::of(Block::EMPTY)
    }

    const fn of(block: Block) -> Self {
        Self { editor: Editor { buffer: Place::Own(block) } }
    }

    /// The same set, which keeps its own block, as one of a type whose sets may lie in a room. O(1).
    #[inline]
    pub fn into_any<R: Room>(self) -> IntSet<R> {
        let Place::Own(block) = self.editor.buffer;
        IntSet { editor: Editor { buffer: Place::Own(block) } }
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
        self.editor.buffer.own().allocation_size()
    }

    /// For a defragmenter: asks `moves` about the block, with its size in bytes, whether it should lie elsewhere, as
    /// `zmalloc::defrag::Survey::hint` says; moves it if told so, and returns whether it did. Without memory it stays where it is.
    /// In C: the intset part of `defragKey`.
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        self.editor.buffer.own_mut().relocate(moves)
    }
}

impl<R: Room> IntSet<R> {
    /// The set that the room holds, changed there. The header is checked, and not the order of the integers, as by [`View::new`].
    /// O(1).
    ///
    /// ```
    /// use intset::IntSet;
    /// let mut entry = testing::Entry::new(b"8 bytes:", IntSet::from_iter([5, 1]).as_bytes(), b"key", 40);
    /// let mut set = IntSet::in_room(&mut entry).map_err(|(fault, _room)| fault)?;
    /// assert!(set.try_insert(3)?);
    /// let room = set.into_own().unwrap_err(); // it has no block of its own
    /// assert_eq!(room.block().len(), 8 + (8 + 3 * 2) + 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the room's bytes are not valid. The error has the room.
    pub fn in_room(room: R) -> Result<Self, (Malformed, R)> {
        match View::new(room.bytes()) {
            Ok(_) => Ok(Self { editor: Editor { buffer: Place::Room(room) } }),
            Err(fault) => Err((fault, room)),
        }
    }

    /// The set, if it has a block of its own, else its room. O(1).
    #[inline]
    pub fn into_own(self) -> Result<IntSet, R> {
        match self.editor.buffer {
            Place::Own(block) => Ok(IntSet::of(block)),
            Place::Room(room) => Err(room),
        }
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

    /// Removes all integers. A set with a block of its own gives the block back. O(1), but for what a room does with the bytes.
    pub fn clear(&mut self) {
        self.editor.clear();
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

impl<R: Room> Deref for IntSet<R> {
    type Target = View;

    #[inline]
    fn deref(&self) -> &View {
        &self.editor
    }
}
