//! Moving the blocks of an entry and of its value, for a defragmenter.
//!
//! An entry's block and the blocks of its value are moved by separate calls, because a value may have
//! millions of blocks and the entry has one. Both ask `moves` about each block, with its address and its size
//! in bytes. A block for which there is no memory stays where it is.
//!
//! Invariant: a word that has been taken out of its block is put back even if `moves` panics. So it never
//! points to a block that has moved.

use super::Entry;
use common::Cursor;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use dict::CompactPtr;
use robj::Robj;
use values::{Collection, Encoding, by_type};

impl Entry {
    /// Moves the entry's own block if `moves` says so, and returns whether it moved. The new block has the
    /// size class of what is in use, also if the old one was loose. A block stays where it is if there is no
    /// memory, or none whose address an entry can keep. O(bytes). For `held`, see [`try_set`](Self::try_set).
    pub(crate) fn relocate_block(
        &mut self,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
        held: &mut usize,
    ) -> bool {
        let len = self.byte_len();
        let (base, old_size, size) = (self.base(), self.block_allocation_size(len), zmalloc::good_size(len));
        if !moves(base, old_size) {
            return false;
        }
        // SAFETY: a live block (E1) of at least that size (E3), which is not used again if there is a new
        // one.
        let moved = unsafe {
            zmalloc::ztryrelocate_if(base, size, |new| CompactPtr::new(new.cast::<u32>()).is_some())
        };
        let Some(block) = moved.and_then(|new| CompactPtr::new(new.cast())) else { return false };
        self.block = block;
        self.set_loose(false);
        *held = *held - old_size + self.block_allocation_size(len);
        true
    }

    /// Moves the blocks of a value that lies elsewhere, as [`Collection::relocate`] and [`Robj::relocate`]
    /// do: from [`Cursor::START`] on, and a bounded part a call. Returns where to go on, `START` at the end,
    /// and always for a value that lies in the block. For `held`, see [`try_set`](Self::try_set).
    pub(crate) fn relocate_value(
        &mut self,
        cursor: Cursor,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
        held: &mut usize,
    ) -> Cursor {
        let layout = self.layout();
        if !layout.kind.is_word() {
            return Cursor::START;
        }
        let counted = Counted::new(self, held);
        let place = counted.entry.value(layout);
        by_type!(layout.kind.object_type(), string => {
            // SAFETY: the word is an object (E2), and the entry is borrowed for writing.
            let object = unsafe { place.cast::<Robj>().as_mut() };
            object.relocate(cursor, moves)
        }, C => {
            // SAFETY: a word of that type and encoding (E2), in an entry that is borrowed for writing.
            let mut lifted = unsafe { Lifted::<C>::new(layout.kind.encoding(), place.cast()) };
            lifted.collection.relocate(cursor, moves)
        })
    }
}

/// An entry whose value may change its size. `held` is right again when this is dropped, even after a panic.
struct Counted<'e> {
    entry: &'e mut Entry,
    held: &'e mut usize,
}

impl<'e> Counted<'e> {
    fn new(entry: &'e mut Entry, held: &'e mut usize) -> Self {
        *held -= entry.value_allocation_size();
        Self { entry, held }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        *self.held += self.entry.value_allocation_size();
    }
}

/// A collection that has been taken out of its word, and whose blocks may move. Its encoding stays. The word
/// is written again when this is dropped, even after a panic.
struct Lifted<'e, C: Collection> {
    word: &'e mut NonNull<u8>,
    collection: ManuallyDrop<C>,
}

impl<C: Collection> Lifted<'_, C> {
    /// # Safety
    /// The place holds a live word of that type and encoding. Nothing else reads or writes it while this
    /// lives.
    unsafe fn new(encoding: Encoding, mut place: NonNull<NonNull<u8>>) -> Self {
        // SAFETY: by contract. The word is not used again before `drop` writes another one.
        unsafe {
            let word = place.as_mut();
            Self { collection: ManuallyDrop::new(C::from_raw(encoding, *word)), word }
        }
    }
}

impl<C: Collection> Drop for Lifted<'_, C> {
    fn drop(&mut self) {
        // SAFETY: the collection is taken once, here.
        let (_encoding, word) = unsafe { ManuallyDrop::take(&mut self.collection) }.into_raw();
        *self.word = word;
    }
}
