//! Methods that move the blocks of an entry and of its value, for a defragmenter.
//!
//! An entry's block and the blocks of its value are moved by separate calls, because a value may have
//! millions of blocks and the entry has one. Both call `moves` for each block, with its address and its size
//! in bytes, and move the block if `moves` returns `true`. If there is no memory for a new block, the old one
//! is kept.
//!
//! Invariant: a word that has been taken out of its block is written back, even if `moves` panics. So the
//! block never has a pointer to a block that has moved.

use super::Entry;
use common::Cursor;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use dict::CompactPtr;
use robj::Robj;
use values::{Collection, Encoding, by_type};

impl Entry {
    /// Moves the entry's own block if `moves` returns `true` for it. Returns whether the block was moved. The
    /// new block has the size class of the bytes in use, even if the old one was loose. The block is not
    /// moved if there is no memory at an address that fits into an entry. O(bytes). For `total_bytes`, see
    /// [`try_set`](Self::try_set).
    pub(crate) fn relocate_block(
        &mut self,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
        total_bytes: &mut usize,
    ) -> bool {
        let len = self.byte_len();
        let (base, old_size, size) = (self.base(), self.block_allocation_size(len), zmalloc::good_size(len));
        if !moves(base, old_size) {
            return false;
        }
        // SAFETY: the block is live (E1) and has at least this size (E3). It is not used again if there is a
        // new one.
        let moved = unsafe {
            zmalloc::ztryrelocate_if(base, size, |new| CompactPtr::new(new.cast::<u32>()).is_some())
        };
        let Some(block) = moved.and_then(|new| CompactPtr::new(new.cast())) else { return false };
        self.block = block;
        self.set_loose(false);
        *total_bytes = *total_bytes - old_size + self.block_allocation_size(len);
        true
    }

    /// Moves the blocks of a value that is stored outside of the entry's block, as [`Collection::relocate`]
    /// and [`Robj::relocate`] do. The first call gets [`Cursor::START`], and each call does a bounded part.
    /// Returns the next cursor, which is `START` at the end. Always returns `START` for a value in the
    /// entry's block. For `total_bytes`, see [`try_set`](Self::try_set).
    pub(crate) fn relocate_value(
        &mut self,
        cursor: Cursor,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
        total_bytes: &mut usize,
    ) -> Cursor {
        let layout = self.layout();
        if !layout.kind.is_word() {
            return Cursor::START;
        }
        let guard = UpdateTotalGuard::new(self, total_bytes);
        let place = guard.entry.value(layout);
        by_type!(layout.kind.object_type(), string => {
            // SAFETY: the word of a string is an object (E2), and the entry is borrowed for writing.
            let object = unsafe { place.cast::<Robj>().as_mut() };
            object.relocate(cursor, moves)
        }, C => {
            // SAFETY: the word has this type and encoding (E2), and the entry is borrowed for writing.
            let mut collection_guard = unsafe { WriteBackGuard::<C>::new(layout.kind.encoding(), place.cast()) };
            collection_guard.collection.relocate(cursor, moves)
        })
    }
}

/// A guard for an entry whose value may change its size. `total_bytes` is updated when the guard is dropped,
/// even after a panic.
struct UpdateTotalGuard<'e> {
    entry: &'e mut Entry,
    total_bytes: &'e mut usize,
}

impl<'e> UpdateTotalGuard<'e> {
    fn new(entry: &'e mut Entry, total_bytes: &'e mut usize) -> Self {
        *total_bytes -= entry.value_allocation_size();
        Self { entry, total_bytes }
    }
}

impl Drop for UpdateTotalGuard<'_> {
    fn drop(&mut self) {
        *self.total_bytes += self.entry.value_allocation_size();
    }
}

/// A guard for a collection that has been taken out of its word, and whose blocks may move. Its encoding does
/// not change. The word is written back when the guard is dropped, even after a panic.
struct WriteBackGuard<'e, C: Collection> {
    word: &'e mut NonNull<u8>,
    collection: ManuallyDrop<C>,
}

impl<C: Collection> WriteBackGuard<'_, C> {
    /// # Safety
    /// `place` must hold a live word of this type and encoding. Nothing else may read or write the word while
    /// the guard lives.
    unsafe fn new(encoding: Encoding, mut place: NonNull<NonNull<u8>>) -> Self {
        // SAFETY: by contract the word is live. It is not used again before `drop` writes a new one.
        unsafe {
            let word = place.as_mut();
            Self { collection: ManuallyDrop::new(C::from_raw(encoding, *word)), word }
        }
    }
}

impl<C: Collection> Drop for WriteBackGuard<'_, C> {
    fn drop(&mut self) {
        // SAFETY: the collection is taken only here, once.
        let (_encoding, word) = unsafe { ManuallyDrop::take(&mut self.collection) }.into_raw();
        *self.word = word;
    }
}
