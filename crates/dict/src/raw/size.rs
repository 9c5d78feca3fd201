//! How a table changes its size: one chunk at a time by itself or for its owner, or all at once.

use core::mem::needs_drop;

use allocator_api2::alloc::Allocator;
use zmalloc::{ReserveError, Zmalloc};

use super::{LARGE, RawIter, RawTable};
use crate::chunk::Chunk;
use crate::geometry::{Split, unsplit_mask};
use crate::resize::{Limits, ResizePolicy, Veto, chunks_for, wanted_chunks};
use crate::stats::Work;

impl<T> RawTable<T> {
    /// Makes room for one more entry: allocates the first chunk, or splits a chunk if the limit is reached.
    /// Only a missing first chunk is an error. A split without memory is put off.
    #[inline]
    pub(crate) fn grow_for_one(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), ReserveError> {
        if self.grows_next() { self.grow(hasher) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), ReserveError> {
        let grown = self.split_if_allowed(hasher);
        if self.chunks == 0 { grown } else { Ok(()) }
    }

    /// Splits the next chunk in two, or makes the first chunk. A failure or a panicking hasher changes
    /// nothing except the order of entries inside the chunk.
    pub(crate) fn split_one(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), ReserveError> {
        if self.chunks == self.storage.chunks_allocated() {
            self.storage.grow(&Self::LAYOUT)?;
        }
        if self.storage.copies_directory(&Self::LAYOUT, self.chunks) {
            self.storage.copy_directory_step(&Self::LAYOUT);
        }
        let mut moved = 0;
        // SAFETY: `from` is live. The storage holds memory for the new chunk, which is initialised before
        // use.
        unsafe {
            let new = self.chunk(self.chunks);
            new.init();
            if self.chunks > 0 {
                let split = Split::after(self.chunks);
                let moves = |entry: &T| hasher(entry) as usize & split.bit != 0;
                moved = self.chunk(split.from).split_into(new, moves, &mut self.storage)?;
            }
        }
        self.set_chunks(self.chunks + 1);
        self.work.chunks_split += 1;
        self.work.entries_moved += moved as u64;
        self.prefetch_split();
        Ok(())
    }

    /// Does what [`RawTable::split_one`] does, for growth that no caller has requested by name. The owner may
    /// forbid it to allocate memory, except for the first chunk, without which there is no table.
    fn split_if_allowed(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), ReserveError> {
        if self.chunks > 0 && (self.veto.is_some() || self.growth_limit < usize::MAX) {
            let bytes = self.growth_bytes();
            let allows = |bytes| self.veto.as_ref().is_none_or(|allows| allows(bytes));
            if bytes > 0 && (bytes > self.growth_limit || !allows(bytes)) {
                return Err(ReserveError::OutOfMemory { size: bytes });
            }
            self.split_one(hasher)?;
            if self.growth_limit < usize::MAX {
                self.growth_limit -= bytes;
            }
            return Ok(());
        }
        self.split_one(hasher)
    }

    /// Prefetches for the splits that follow: the child of the chunk to be split next, the memory of the new
    /// chunk, and all of the chunk to be split after that. The split before has prefetched the rest of the
    /// next chunk.
    fn prefetch_split(&self) {
        let split = Split::after(self.chunks);
        // SAFETY: the chunks to be split are live, and the storage holds memory for the new one.
        unsafe {
            let next = self.chunk(split.from);
            next.prefetch_child();
            if split.from + 1 < split.bit {
                self.chunk(split.from + 1).prefetch_all();
            }
            if self.chunks < self.storage.chunks_allocated() {
                self.chunk(self.chunks).prefetch_all();
            }
        }
    }

    /// Prefetches for the merges that follow: the child of the chunk that the next merge fills, and both
    /// chunks of the merge after that.
    fn prefetch_merge(&self) {
        if self.chunks < 3 {
            return;
        }
        let (next, after) = (Split::after(self.chunks - 1), Split::after(self.chunks - 2));
        // SAFETY: these chunks are live, since there are at least three.
        unsafe {
            self.chunk(next.from).prefetch_child();
            self.chunk(after.from).prefetch_all();
            self.chunk(self.chunks - 2).prefetch_all();
        }
    }

    /// Merges the last chunk into the chunk from which it was split. A failure changes nothing.
    pub(crate) fn merge_one(&mut self) -> Result<(), ReserveError> {
        assert!(self.chunks > 1, "the first chunk stays");
        let last = self.chunks - 1;
        let split = Split::after(last);
        // SAFETY: the two chunks are live, different, and of this storage.
        let moved = unsafe { self.chunk(last).merge_into(self.chunk(split.from), &mut self.storage)? };
        self.set_chunks(last);
        self.work.chunks_merged += 1;
        self.work.entries_moved += moved as u64;
        self.release_chunks();
        self.prefetch_merge();
        Ok(())
    }

    /// Removes the last chunk from the table and returns its entries. With the first chunk, all memory is
    /// freed. No entry changes its chunk, and no memory is needed.
    pub(crate) fn pop_chunk(&mut self) -> Option<PoppedChunk<'_, T>> {
        let last = self.chunks.checked_sub(1)?;
        // SAFETY: the chunk is live and stays in memory until `PoppedChunk` is dropped. The iterator over one
        // chunk reads neither the directory nor the number of chunks, which change meanwhile.
        let (chunk, slots) = unsafe { (self.chunk(last), self.iter_chunk(last, false)) };
        self.items -= slots.size_hint().0;
        self.set_chunks_min(self.chunks_min.min(last));
        self.set_chunks(last);
        self.work.chunks_merged += u64::from(last > 0);
        Some(PoppedChunk { table: self, chunk, slots })
    }

    /// Frees memory for chunks that are not in use. A table does not oscillate around a step of growth, since
    /// the load at which it grows is far from the load at which it shrinks.
    fn release_chunks(&mut self) {
        let copies_directory = self.storage.copies_directory(&Self::LAYOUT, self.chunks);
        while self.storage.chunks_allocated() > self.chunks
            && self.storage.chunks_after_shrinking(&Self::LAYOUT) >= self.chunks
        {
            // SAFETY: the storage holds chunks, and the freed ones are not in use.
            if unsafe { self.storage.shrink(&Self::LAYOUT) }.is_err() {
                return;
            }
        }
        if copies_directory {
            self.storage.copy_directory_step(&Self::LAYOUT);
        }
    }

    pub(super) fn set_chunks(&mut self, chunks: usize) {
        self.chunks = chunks;
        self.unsplit_mask = unsplit_mask(chunks);
        self.large = chunks > LARGE;
        self.set_limits();
    }

    fn set_limits(&mut self) {
        let policy = if self.pauses > 0 { ResizePolicy::Forbid } else { self.policy };
        self.limits = Limits::of(self.chunks, self.chunks_min, policy);
    }

    pub(crate) fn policy(&self) -> ResizePolicy {
        self.policy
    }

    pub(crate) fn set_policy(&mut self, policy: ResizePolicy) {
        self.policy = policy;
        self.set_limits();
    }

    pub(crate) fn pause(&mut self) {
        self.pauses = self.pauses.saturating_add(1);
        self.set_limits();
    }

    pub(crate) fn resume(&mut self) {
        // A table that was put in the place of the guarded one may not have been paused.
        self.pauses = self.pauses.saturating_sub(1);
        self.set_limits();
    }

    /// Returns the bytes that the next split would allocate.
    pub(crate) fn growth_bytes(&self) -> usize {
        self.storage.split_bytes(&Self::LAYOUT, self.chunks)
    }

    /// Returns whether the next insert would split a chunk.
    #[inline]
    pub(crate) fn grows_next(&self) -> bool {
        self.items >= self.limits.grow_at
    }

    pub(crate) fn set_growth_limit(&mut self, bytes: usize) {
        self.growth_limit = bytes;
    }

    pub(crate) fn set_veto(&mut self, veto: Option<Veto>) {
        self.veto = veto;
    }

    /// Returns the number of chunks to split or merge until the table has the size that it should have.
    pub(crate) fn rehash_debt(&self) -> usize {
        self.wanted().abs_diff(self.chunks)
    }

    fn wanted(&self) -> usize {
        if self.chunks == 0 { 0 } else { wanted_chunks(self.chunks, self.items, self.chunks_min) }
    }

    /// Splits or merges up to `chunks` chunks, towards the size that the table should have. Stops early when
    /// the table has that size, or when there is no memory.
    pub(crate) fn rehash(&mut self, chunks: usize, hasher: impl Fn(&T) -> u64) -> Work {
        let before = self.work();
        if self.policy != ResizePolicy::Forbid {
            for _ in 0..chunks.min(self.rehash_debt()) {
                let grows = self.wanted() > self.chunks;
                if if grows { self.split_if_allowed(&hasher) } else { self.merge_one() }.is_err() {
                    break;
                }
            }
        }
        self.work().since(before)
    }

    /// Merges one chunk, if the table is too large and neither the policy nor a pause forbids it.
    pub(crate) fn merge_if_due(&mut self) {
        if self.policy == ResizePolicy::Allow && self.pauses == 0 && self.wanted() < self.chunks {
            self.shrink();
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn shrink(&mut self) {
        // Without memory for a child the merge is put off. The table is valid as it is.
        let _ = self.merge_one();
    }

    /// Gives an empty table `chunks` chunks.
    pub(crate) fn reserve_chunks(&mut self, chunks: usize) -> Result<(), ReserveError> {
        debug_assert_eq!(self.items, 0);
        while self.chunks < chunks {
            self.split_one(|_| 0)?;
        }
        Ok(())
    }

    /// Grows until `additional` more entries fit, and keeps removals from undoing it. O(entries in the chunks
    /// that split), with one allocation of blocks per step of growth. A failure leaves the table as large as
    /// it was. If merging back needs children and there is no memory for them, the table stays a little
    /// larger.
    pub(crate) fn reserve(
        &mut self,
        additional: usize,
        hasher: impl Fn(&T) -> u64,
    ) -> Result<(), ReserveError> {
        let chunks = chunks_for(self.items.checked_add(additional).ok_or(ReserveError::TooLong {
            len: self.items.saturating_mul(size_of::<T>()),
            additional: additional.saturating_mul(size_of::<T>()),
        })?);
        let before = self.chunks;
        if chunks > before {
            self.check_memory_for(chunks - before)?;
        }
        while self.chunks < chunks {
            if let Err(error) = self.split_one(&hasher) {
                self.merge_down_to(before);
                self.release_chunks();
                self.storage.shrink_directory(&Self::LAYOUT);
                return Err(error);
            }
        }
        if chunks > before {
            self.set_chunks_min(self.chunks_min.max(chunks));
        }
        Ok(())
    }

    /// Allocates the size of `chunks` chunks in one block, does not touch it, and frees it. A reservation
    /// that can never succeed thus fails before memory is allocated step by step.
    fn check_memory_for(&mut self, chunks: usize) -> Result<(), ReserveError> {
        let layout = Self::LAYOUT.entries(chunks)?;
        let out_of_memory = ReserveError::OutOfMemory { size: layout.size() };
        let block = Zmalloc.allocate(layout).map_err(|_| out_of_memory)?;
        // SAFETY: the block was allocated just above with this layout.
        unsafe { Zmalloc.deallocate(block.cast(), layout) };
        Ok(())
    }

    /// Merges chunks until there are `chunks`, or until there is no memory for a merge. The first chunk stays
    /// unless `chunks` is 0 and it has no entry.
    fn merge_down_to(&mut self, chunks: usize) {
        while self.chunks > chunks.max(1) && self.merge_one().is_ok() {}
        if chunks == 0 && self.items == 0 && self.chunks == 1 {
            self.set_chunks(0);
        }
    }

    /// Merges until the table is as small as `max(len, min_capacity)` entries allow, frees the spare chunks,
    /// and reduces the reservation to what is left.
    pub(crate) fn shrink_to(&mut self, min_capacity: usize) {
        let chunks = chunks_for(self.items.max(min_capacity)).min(self.chunks);
        self.set_chunks_min(self.chunks_min.min(chunks));
        self.merge_down_to(chunks);
        self.release_chunks();
        self.storage.shrink_directory(&Self::LAYOUT);
    }

    /// Returns the number of chunks below which removals do not shrink the table.
    pub(crate) fn chunks_min(&self) -> usize {
        self.chunks_min
    }

    pub(crate) fn set_chunks_min(&mut self, chunks: usize) {
        self.chunks_min = chunks;
        self.set_limits();
    }
}

/// The entries of a chunk that its table no longer counts. Its drop frees what the chunk owns and drops the
/// entries that are left.
pub(crate) struct PoppedChunk<'a, T> {
    table: &'a mut RawTable<T>,
    chunk: Chunk<T>,
    slots: RawIter<T>,
}

impl<T> PoppedChunk<'_, T> {
    /// Calls `each` for the entries that have not been taken yet.
    pub(crate) fn peek_all(&self, mut each: impl FnMut(&T)) {
        for slot in self.slots.clone() {
            // SAFETY: the slot is occupied until the iterator yields it, which borrows `self` for writing.
            each(unsafe { slot.entry.as_ref() });
        }
    }
}

impl<T> Iterator for PoppedChunk<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        // SAFETY: the slot is occupied, and the iterator yields it once. Nothing else reads this chunk.
        self.slots.next().map(|slot| unsafe { slot.entry.read() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl<T> ExactSizeIterator for PoppedChunk<'_, T> {}

impl<T> Drop for PoppedChunk<'_, T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            self.for_each(drop);
        }
        // SAFETY: these are the children of this chunk, whose entries were taken out or need no drop.
        unsafe { self.chunk.free_children(&mut self.table.storage) };
        if self.table.chunks == 0 {
            self.table.free_memory();
        } else {
            self.table.release_chunks();
        }
    }
}
