//! [`IntSet`]: a set in its own block, or in a caller's [`Room`].

use crate::backing::Backing;
use crate::block::Block;
use crate::editor::Editor;
use crate::error::{FromBytesError, Malformed};
use crate::view::View;
use common::{NoRoom, ReserveError, Room};
use core::ops::Deref;
use core::ptr::NonNull;
use zmalloc::or_oom;

/// A set of integers, sorted and packed into one block of memory, in the byte layout of Redis' intset.
///
/// Taught in the chapter `docs/src/packed.md`.
///
/// An `IntSet` is one pointer wide, and so is an `Option<IntSet>`. The methods that read are on [`View`], to
/// which it derefs.
///
/// All integers have the same number of bits: 16, 32 or 64. This is the number that the widest value needed
/// when it was added. An empty set has no block.
///
/// Methods that allocate come in two forms. The `try_` form returns a [`ReserveError`] and leaves the set
/// unchanged. The plain form calls zmalloc's OOM handler. Removing never fails.
///
/// `R` is the type of the [`Room`] that may hold the set. The default, [`NoRoom`], means that the set always
/// has its own block. An `IntSet<R>` either lies in a caller's room ([`in_room`](Self::in_room)) or has its
/// own block ([`into_room_type`](IntSet::into_room_type)). All operations are the same for both. Creating,
/// cloning and relocating a set need an `IntSet` without a room.
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
    editor: Editor<Backing<R>>,
}

const _: () = assert!(size_of::<Option<IntSet>>() == size_of::<usize>());

impl IntSet {
    /// Creates an empty set. Does not allocate. In C: `intsetNew`.
    #[inline]
    pub const fn new() -> Self {
        Self::of(Block::EMPTY)
    }

    const fn of(block: Block) -> Self {
        Self { editor: Editor { buffer: Backing::Own(block) } }
    }

    /// Converts the set to a type whose sets may lie in a room. The set keeps its own block. O(1).
    #[inline]
    pub fn into_room_type<R: Room>(self) -> IntSet<R> {
        let Backing::Own(block) = self.editor.buffer;
        IntSet { editor: Editor { buffer: Backing::Own(block) } }
    }

    /// Copies a set from bytes of any origin. Checks the header and the order of the integers. O(n). In C:
    /// `intsetValidateIntegrity`, with `deep`.
    ///
    /// An encoding that is wider than the integers need is kept, because Redis may have written it. An empty
    /// set is valid.
    ///
    /// ```
    /// use intset::{Fault, IntSet};
    /// let bytes = [2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 1, 0];
    /// assert_eq!(IntSet::from_bytes(&bytes[..6]).unwrap_err().fault, Fault::Truncated);
    /// let error = IntSet::from_bytes(&bytes).unwrap_err();
    /// assert_eq!((error.offset, error.fault), (10, Fault::Order)); // 1 after 7
    /// ```
    ///
    /// # Errors
    /// If the bytes are not a valid set, or if there is no memory.
    pub fn try_from_bytes(bytes: &[u8]) -> Result<Self, FromBytesError> {
        let set = View::new(bytes)?;
        set.check_order()?;
        Ok(set.try_to_owned()?)
    }

    /// Like [`try_from_bytes`](Self::try_from_bytes), but calls the OOM handler if there is no memory for the
    /// copy.
    ///
    /// # Errors
    /// If the bytes are not a valid set.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        FromBytesError::or_oom(Self::try_from_bytes(bytes))
    }

    /// Copies the set. O(n).
    ///
    /// # Errors
    /// If there is no memory.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        self.try_to_owned()
    }

    /// Returns how many bytes the set adds to `used_memory`. This is the size of its block, with the bytes
    /// that the allocator adds by rounding up. In C: `intsetBlobLen`, which does not count those.
    pub fn allocation_size(&self) -> usize {
        self.editor.buffer.own().allocation_size()
    }

    /// Moves the block to another address if `moves` returns `true` for it. Returns whether the block has
    /// moved. In C: the intset part of `defragKey`.
    ///
    /// A defragmenter calls this. `moves` gets the block and its size in bytes, and decides as
    /// `zmalloc::defrag::Survey::hint` does. The block does not move if there is no memory.
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        self.editor.buffer.own_mut().relocate(moves)
    }
}

impl<R: Room> IntSet<R> {
    /// Returns the set that the room holds. Changes are made there. Checks the header but not the order of
    /// the integers, as [`View::new`] does. O(1).
    ///
    /// ```
    /// use intset::IntSet;
    /// let mut entry = testing::Entry::new(b"8 bytes:", IntSet::from_iter([5, 1]).as_bytes(), b"key", 40);
    /// let mut set = IntSet::in_room(&mut entry).map_err(|(fault, _room)| fault)?;
    /// assert!(set.try_insert(3)?);
    /// let room = set.into_own().unwrap_err(); // the set does not have its own block
    /// assert_eq!(room.block().len(), 8 + (8 + 3 * 2) + 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the room's bytes are not valid. The error contains the room.
    pub fn in_room(room: R) -> Result<Self, (Malformed, R)> {
        match View::new(room.bytes()) {
            Ok(_) => Ok(Self { editor: Editor { buffer: Backing::Room(room) } }),
            Err(fault) => Err((fault, room)),
        }
    }

    /// Returns the set if it has its own block, and otherwise its room as the error. O(1).
    #[inline]
    pub fn into_own(self) -> Result<IntSet, R> {
        match self.editor.buffer {
            Backing::Own(block) => Ok(IntSet::of(block)),
            Backing::Room(room) => Err(room),
        }
    }

    /// Adds `value`, and returns whether it was not in the set before. In C: `intsetAdd`.
    ///
    /// Takes O(n), because the integers after it move. A value that is greater than all others needs no
    /// search and moves no integer. If the value needs more bits than the encoding has, all integers are
    /// rewritten.
    ///
    /// # Errors
    /// If there is no memory, or if the set has 2^32 - 1 integers.
    pub fn try_insert(&mut self, value: i64) -> Result<bool, ReserveError> {
        self.editor.try_insert(value)
    }

    /// Like [`try_insert`](Self::try_insert), but calls the OOM handler if there is no memory.
    #[inline]
    pub fn insert(&mut self, value: i64) -> bool {
        or_oom(self.try_insert(value))
    }

    /// Removes `value`, and returns whether it was in the set. O(n), because the integers after it move. In
    /// C: `intsetRemove`.
    ///
    /// Never fails. If a smaller block cannot be allocated, the set keeps its block.
    pub fn remove(&mut self, value: i64) -> bool {
        self.editor.remove(value)
    }

    /// Removes the integer at `index`, and returns it. Returns `None` if there is none. O(n), as for
    /// [`remove`](Self::remove).
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        self.editor.remove_at(index)
    }

    /// Removes up to `count` integers, beginning with the one at index `start`. Returns how many were
    /// removed. O(n).
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        self.editor.remove_range(start, count)
    }

    /// Removes all integers. A set with its own block frees it. O(1), plus the time that a room takes to
    /// remove the bytes.
    pub fn clear(&mut self) {
        self.editor.clear();
    }
}

impl View {
    /// Copies the set to an [`IntSet`] with its own block. O(n).
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
