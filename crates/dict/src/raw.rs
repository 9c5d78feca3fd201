//! The table itself: which chunk an entry is in, and when the table grows or shrinks by one.
//!
//! ```text
//!  insert   more than 3/4 of the slots taken?  split one chunk in two     at most one split an insert
//!  remove   fewer than 1/2 taken?              merge the last chunk back  at most one merge a removal
//! ```
//!
//! No operation rehashes more than one chunk with its overflow, allocates more than one segment and the
//! directory, or clears more than one chunk: that is what "bounded" means here, and [`Work`] counts it.
//! A split that finds no memory is put off: the table serves with longer chains and tries again with the
//! next insert.
//!
//! Invariants: chunks `0..chunks` are live; `mask` is `mask_of(chunks)`; every entry is in the chunk that
//! `chunk_of` gives for its hash, as the hasher said when it was last asked (a hasher that changes its mind
//! loses entries from look-up, never from memory).

use core::marker::PhantomData;

use allocator_api2::alloc::{AllocError, Allocator};
use zmalloc::Zmalloc;

use crate::geometry::{Split, chunk_of, mask_of};
use crate::group::{SLOTS, tag_of};
use crate::iter::RawIter;
use crate::layout::ChunkLayout;
use crate::overflow::{Chunk, Slot};
use crate::stats::{Stats, Work};
use crate::storage::Storage;

/// A table splits a chunk when it would hold more than this many quarters of its slots.
const GROW_QUARTERS: usize = 3;
/// A table merges a chunk when it holds fewer than this many quarters of its slots.
const SHRINK_QUARTERS: usize = 2;

/// The number of entries that `chunks` chunks hold before the table grows.
const fn entries_before_growth(chunks: usize) -> usize {
    // A single chunk is filled to the last slot: most tables in a store are this small.
    if chunks <= 1 { chunks * SLOTS } else { chunks.saturating_mul(SLOTS * GROW_QUARTERS) / 4 }
}

/// The smallest number of chunks that holds `entries` entries without growing.
const fn chunks_for(entries: usize) -> usize {
    if entries <= SLOTS {
        (entries > 0) as usize
    } else {
        // entries <= chunks * 45 / 4, rounded down
        entries.saturating_mul(4).div_ceil(SLOTS * GROW_QUARTERS)
    }
}

pub(crate) struct RawTable<T> {
    storage: Storage,
    /// Live chunks.
    chunks: usize,
    mask: usize,
    items: usize,
    /// Removals do not shrink the table below this many chunks: what `reserve` asked for.
    floor: usize,
    work: Work,
    _entries: PhantomData<T>,
}

// SAFETY: the table owns its entries and its memory like a `Vec` does.
unsafe impl<T: Send> Send for RawTable<T> {}
// SAFETY: through a shared reference entries are only read.
unsafe impl<T: Sync> Sync for RawTable<T> {}

impl<T> RawTable<T> {
    pub(crate) const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    pub(crate) const fn new() -> Self {
        Self {
            storage: Storage::new(),
            chunks: 0,
            mask: 0,
            items: 0,
            floor: 0,
            work: Work::NONE,
            _entries: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.items
    }

    pub(crate) fn chunks(&self) -> usize {
        self.chunks
    }

    pub(crate) fn capacity(&self) -> usize {
        entries_before_growth(self.chunks).max(self.items)
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            entries: self.items,
            chunks: self.chunks,
            chunks_allocated: self.storage.held(),
            children: self.storage.children(),
            allocation_size: self.storage.bytes(),
            work: Work { bytes_allocated: self.storage.bytes_allocated(), ..self.work },
        }
    }

    /// Chunk `index`, or the empty chunk if the table has none.
    ///
    /// # Safety
    /// `index` is below `chunks`, or 0.
    #[inline]
    pub(crate) unsafe fn chunk(&self, index: usize) -> Chunk<T> {
        // SAFETY: the storage holds memory for all live chunks.
        Chunk::new(unsafe { self.storage.directory().chunk(&Self::LAYOUT, index) })
    }

    #[inline]
    fn home(&self, hash: u64) -> Chunk<T> {
        // SAFETY: `chunk_of` answers with a live chunk, or 0 for a table without any.
        unsafe { self.chunk(chunk_of(hash, self.chunks, self.mask)) }
    }

    /// The slot of the entry with `hash` for which `eq` is true: one cache miss for the tags, one for the
    /// entry, one more if it has overflowed.
    #[inline]
    pub(crate) fn find(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        // SAFETY: a live chunk, or the empty one, in which nothing is found.
        unsafe { self.home(hash).find(tag_of(hash), eq) }
    }

    /// Makes room for one more entry: the first chunk, or a split if one is due. Only a missing first chunk
    /// is an error; a split without memory is put off.
    #[inline]
    pub(crate) fn grow_for_one(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), AllocError> {
        if self.items >= entries_before_growth(self.chunks) {
            self.grow(hasher)?;
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), AllocError> {
        let grown = self.split_one(hasher);
        if self.chunks == 0 { grown } else { Ok(()) }
    }

    /// Adds an entry, for which [`RawTable::grow_for_one`] has made room. Needs memory only for an overflow
    /// child; if there is none, hands the entry back.
    #[inline]
    pub(crate) fn push(&mut self, hash: u64, entry: T) -> Result<Slot<T>, T> {
        debug_assert!(self.chunks > 0);
        let chunk = self.home(hash);
        // SAFETY: a live chunk of this storage.
        let slot = unsafe { chunk.push(tag_of(hash), entry, &mut self.storage) }?;
        self.items += 1;
        Ok(slot)
    }

    /// Adds a copy of an entry to chunk `index`, under its tag; for clones, which keep every place.
    pub(crate) fn push_to_chunk(&mut self, index: usize, tag: u8, entry: T) -> Result<(), T> {
        assert!(index < self.chunks);
        // SAFETY: a live chunk of this storage.
        unsafe { self.chunk(index).push(tag, entry, &mut self.storage) }?;
        self.items += 1;
        Ok(())
    }

    /// Splits the next chunk in two, or makes the first one. A failure or a panicking hasher changes nothing
    /// but the order of entries inside the chunk.
    pub(crate) fn split_one(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), AllocError> {
        self.hold_next_chunk()?;
        let moved = if self.chunks == 0 {
            0
        } else {
            let split = Split::after(self.chunks);
            // SAFETY: `from` is live; the new chunk has memory, and is initialised before it is used.
            unsafe {
                let new = self.chunk(self.chunks);
                new.init();
                let moves = |entry: &T| hasher(entry) as usize & split.bit != 0;
                self.chunk(split.from).split_into(new, moves, &mut self.storage)
            }
        };
        if self.chunks == 0 {
            // SAFETY: chunk 0 has memory now.
            unsafe { self.chunk(0).init() };
        }
        self.set_chunks(self.chunks + 1);
        self.work.chunks_split += 1;
        self.work.entries_moved += moved as u64;
        Ok(())
    }

    /// Merges the last chunk into the one it was split from. A failure changes nothing.
    pub(crate) fn merge_one(&mut self) -> Result<(), AllocError> {
        let last = self.chunks - 1;
        let split = Split::after(last);
        // SAFETY: two live, different chunks of this storage.
        let moved = unsafe { self.chunk(last).merge_into(self.chunk(split.from), &mut self.storage)? };
        self.set_chunks(last);
        self.work.chunks_merged += 1;
        self.work.entries_moved += moved as u64;
        self.release_chunks();
        Ok(())
    }

    fn hold_next_chunk(&mut self) -> Result<(), AllocError> {
        if self.chunks < self.storage.held() { Ok(()) } else { self.storage.grow(&Self::LAYOUT) }
    }

    /// Gives back memory for chunks that are not in use. (A table does not hover around the edge of a step: the
    /// load at which it grows and the one at which it shrinks are far apart.)
    fn release_chunks(&mut self) {
        while self.storage.held() > self.chunks
            && self.storage.held_after_shrinking(&Self::LAYOUT) >= self.chunks
        {
            // SAFETY: something is held, and the chunks given back are not in use.
            if unsafe { self.storage.shrink(&Self::LAYOUT) }.is_err() {
                return;
            }
        }
    }

    fn set_chunks(&mut self, chunks: usize) {
        self.chunks = chunks;
        self.mask = mask_of(chunks);
    }

    /// Removes the entry of `slot`, an occupied slot of the chunk that `hash` belongs to, and merges one
    /// chunk if too few slots are taken.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, hash: u64, slot: Slot<T>) -> T {
        // SAFETY: passed on unchanged.
        let entry = unsafe { self.remove_from(self.home(hash), slot) };
        self.shrink_for_one();
        entry
    }

    /// Removes the entry of `slot`, an occupied slot of `chunk`, and never shrinks.
    #[inline]
    pub(crate) unsafe fn remove_from(&mut self, chunk: Chunk<T>, slot: Slot<T>) -> T {
        // SAFETY: a live chunk of this storage and its occupied slot, by contract.
        let (_, entry) = unsafe { chunk.remove(slot, &mut self.storage) };
        self.items -= 1;
        entry
    }

    #[inline]
    fn shrink_for_one(&mut self) {
        if self.is_sparse() && self.chunks > self.floor.max(1) {
            self.shrink();
        }
    }

    #[inline]
    fn is_sparse(&self) -> bool {
        self.items < self.chunks.saturating_mul(SLOTS * SHRINK_QUARTERS) / 4
    }

    #[cold]
    #[inline(never)]
    fn shrink(&mut self) {
        // Without memory for a child the merge is put off; the table is right as it is.
        let _ = self.merge_one();
    }

    /// Gives an empty table `chunks` chunks.
    pub(crate) fn reserve_chunks(&mut self, chunks: usize) -> Result<(), AllocError> {
        debug_assert_eq!(self.items, 0);
        while self.chunks < chunks {
            self.split_one(|_| 0)?;
        }
        Ok(())
    }

    /// Grows until `additional` more entries fit, and keeps removals from undoing it. O(entries in the chunks
    /// that split) and as many allocations as steps of growth. A failure leaves the table as large as it was.
    pub(crate) fn reserve(
        &mut self,
        additional: usize,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<(), AllocError> {
        let chunks = chunks_for(self.items.checked_add(additional).ok_or(AllocError)?);
        let before = self.chunks;
        if chunks > before {
            self.probe(chunks - before)?;
        }
        while self.chunks < chunks {
            if let Err(error) = self.split_one(&hasher) {
                self.merge_down_to(before);
                self.release_chunks();
                self.storage.shrink_directory(&Self::LAYOUT);
                return Err(error);
            }
        }
        self.floor = self.floor.max(chunks);
        Ok(())
    }

    /// Asks the allocator for as much as `chunks` chunks take, in one piece that nobody touches, and gives it
    /// back: what could never be had fails here, before memory is taken piece by piece.
    fn probe(&mut self, chunks: usize) -> Result<(), AllocError> {
        let block = Zmalloc.allocate(Self::LAYOUT.entries(chunks)?)?;
        // SAFETY: allocated just above with this layout.
        unsafe { Zmalloc.deallocate(block.cast(), Self::LAYOUT.entries(chunks)?) };
        Ok(())
    }

    /// Merges chunks until there are `chunks`, or memory for a merge is missing; the first chunk stays.
    fn merge_down_to(&mut self, chunks: usize) {
        while self.chunks > chunks.max(1) && self.merge_one().is_ok() {}
        if chunks == 0 && self.items == 0 && self.chunks == 1 {
            self.set_chunks(0);
        }
    }

    /// Merges until the table is as small as `max(len, min_capacity)` entries allow, gives back spare
    /// chunks, and forgets what was reserved beyond.
    pub(crate) fn shrink_to(&mut self, min_capacity: usize) {
        let chunks = chunks_for(self.items.max(min_capacity)).min(self.chunks);
        self.floor = self.floor.min(chunks);
        self.merge_down_to(chunks);
        self.release_chunks();
        self.storage.shrink_directory(&Self::LAYOUT);
    }

    /// The table's chunks, entries and memory, leaving it empty; the work done so far stays with it.
    pub(crate) fn take(&mut self) -> Self {
        let full = core::mem::replace(self, Self::new());
        self.work = full.work;
        self.storage.carry_allocated(&full.storage);
        full
    }

    /// What removals do not shrink the table below.
    pub(crate) fn floor(&self) -> usize {
        self.floor
    }

    pub(crate) fn set_floor(&mut self, chunks: usize) {
        self.floor = chunks;
    }

    /// All occupied slots, or those with a marked entry.
    pub(crate) fn iter(&self, only_marked: bool) -> RawIter<T> {
        // SAFETY: all chunks are live; whoever walks them keeps to the iterator's contract.
        unsafe { RawIter::new(self.storage.directory(), self.chunks, self.items, only_marked) }
    }

    /// The occupied slots of one chunk and its children.
    ///
    /// # Safety
    /// `index` is below `chunks`, or 0.
    pub(crate) unsafe fn iter_chunk(&self, index: usize) -> RawIter<T> {
        // SAFETY: a live chunk, or the empty one.
        unsafe { RawIter::of_chunk(self.chunk(index)) }
    }

    /// Removes the entries for which `keep` is false, looking at each once. Never shrinks the table.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        for index in 0..self.chunks {
            // A removal moves the chunk's last entry into the hole, which is looked at before going on.
            // SAFETY: live chunks and children; a slot is looked at only while its tag says it is taken.
            unsafe {
                let chunk = self.chunk(index);
                for index in chunk.group().occupied() {
                    let slot = chunk.slot(index);
                    while slot.tag.read() != 0 && !keep(&mut *slot.entry.as_ptr()) {
                        drop(self.remove_from(chunk, slot));
                    }
                }
                let (mut child, mut index) = (chunk.child(), 0);
                while let Some(one) = child {
                    if index == one.len() {
                        (child, index) = (one.next(), 0);
                        continue;
                    }
                    let slot = one.slot(index);
                    if keep(&mut *slot.entry.as_ptr()) {
                        index += 1;
                        continue;
                    }
                    let last_of_chain = one.len() == 1 && one.next().is_none();
                    drop(self.remove_from(chunk, slot));
                    if last_of_chain {
                        break; // its block is gone
                    }
                }
            }
        }
    }

    /// Drops all entries and gives all memory back. If a drop panics, the remaining entries are leaked and the
    /// table is empty all the same.
    pub(crate) fn clear(&mut self) {
        self.take().drop_entries();
    }

    /// Leaves the entries to somebody who has a [`RawIter`] over them: from here on the table only owns
    /// memory.
    pub(crate) fn forget_entries(&mut self) {
        self.items = 0;
    }

    fn drop_entries(&mut self) {
        if core::mem::needs_drop::<T>() && self.items > 0 {
            let entries = self.iter(false);
            self.forget_entries();
            for slot in entries {
                // SAFETY: each occupied slot comes once, and none is read again: `Drop` frees the memory
                // without looking at the tags of slots.
                unsafe { slot.entry.drop_in_place() };
            }
        }
    }

    /// Frees all memory without dropping an entry; the table is then empty.
    pub(crate) fn free_memory(&mut self) {
        if self.storage.children() > 0 {
            for index in 0..self.chunks {
                // SAFETY: a live chunk of this storage.
                unsafe { self.chunk(index).free_children(&mut self.storage) };
            }
        }
        (self.items, self.floor) = (0, 0);
        self.set_chunks(0);
        // SAFETY: the children are freed and no chunk is live.
        unsafe { self.storage.free_all(&Self::LAYOUT) };
    }
}

impl<T> Drop for RawTable<T> {
    fn drop(&mut self) {
        /// Frees the memory also when dropping an entry panics.
        struct Free<'a, T>(&'a mut RawTable<T>);
        impl<T> Drop for Free<'_, T> {
            fn drop(&mut self) {
                self.0.free_memory();
            }
        }
        Free(self).0.drop_entries();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_for_a_number_of_entries_hold_them_and_one_fewer_would_not() {
        for entries in 0..if cfg!(miri) { 500 } else { 100_000 } {
            let chunks = chunks_for(entries);
            assert!(entries_before_growth(chunks) >= entries, "{entries} entries");
            assert!(chunks == 0 || entries_before_growth(chunks - 1) < entries, "{entries} entries");
        }
    }

    #[test]
    fn a_table_that_has_just_grown_does_not_shrink() {
        for chunks in 1..if cfg!(miri) { 500 } else { 100_000_usize } {
            let entries = entries_before_growth(chunks);
            assert!(entries >= (chunks + 1) * SLOTS * SHRINK_QUARTERS / 4, "{chunks} chunks");
        }
    }
}
