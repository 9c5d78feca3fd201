//! How a table changes its size: by one chunk at a time, by itself, for its owner, or all at once.

use core::mem::needs_drop;

use allocator_api2::alloc::Allocator;
use zmalloc::{ReserveError, Zmalloc};

use super::{LARGE, RawIter, RawTable};
use crate::chunk::Chunk;
use crate::geometry::{Split, unsplit_mask};
use crate::resize::{Limits, ResizePolicy, Veto, chunks_for, wanted_chunks};
use crate::stats::Work;

impl<T> RawTable<T> {
    /// Makes room for one more entry: the first chunk, or a split if one is due. Only a missing first chunk
    /// is an error; a split without memory is put off.
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

    /// Splits the next chunk in two, or makes the first one. A failure or a panicking hasher changes nothing
    /// but the order of entries inside the chunk.
    pub(crate) fn split_one(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), ReserveError> {
        if self.chunks == self.storage.held() {
            self.storage.grow(&Self::LAYOUT)?;
        }
        if self.storage.tends_directory(&Self::LAYOUT, self.chunks) {
            self.storage.tend_directory(&Self::LAYOUT);
        }
        let mut moved = 0;
        // SAFETY: `from` is live; the new chunk has memory, and is initialised before it is used.
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

    /// [`RawTable::split_one`] of a table that grows by itself: the owner may be against taking more memory, except
    /// for the first chunk, without which there is no table.
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

    /// Asks for the cache lines of the next split, and for the child of the one after, whose own were asked for
    /// before.
    fn prefetch_split(&self) {
        let split = Split::after(self.chunks);
        // SAFETY: the chunks to be split are live, the new one has memory.
        unsafe {
            let next = self.chunk(split.from);
            next.prefetch_child();
            if split.from + 1 < split.bit {
                self.chunk(split.from + 1).prefetch_all();
            }
            if self.chunks < self.storage.held() {
                self.chunk(self.chunks).prefetch_all();
            }
        }
    }

    /// Asks for the cache lines of the next merge, and for the child of the one after.
    fn prefetch_merge(&self) {
        if self.chunks < 3 {
            return;
        }
        let (next, after) = (Split::after(self.chunks - 1), Split::after(self.chunks - 2));
        // SAFETY: live chunks.
        unsafe {
            self.chunk(next.from).prefetch_child();
            self.chunk(after.from).prefetch_all();
            self.chunk(self.chunks - 2).prefetch_all();
        }
    }

    /// Merges the last chunk into the one it was split from. A failure changes nothing.
    pub(crate) fn merge_one(&mut self) -> Result<(), ReserveError> {
        assert!(self.chunks > 1, "the first chunk stays");
        let last = self.chunks - 1;
        let split = Split::after(last);
        // SAFETY: two live, different chunks of this storage.
        let moved = unsafe { self.chunk(last).merge_into(self.chunk(split.from), &mut self.storage)? };
        self.set_chunks(last);
        self.work.chunks_merged += 1;
        self.work.entries_moved += moved as u64;
        self.release_chunks();
        self.prefetch_merge();
        Ok(())
    }

    /// Takes the last chunk off the table and hands out its entries. With the first chunk, all memory goes. No entry changes its
    /// chunk, and no memory is needed.
    pub(crate) fn pop_chunk(&mut self) -> Option<PoppedChunk<'_, T>> {
        let last = self.chunks.checked_sub(1)?;
        // SAFETY: a live chunk. It stays in memory until `PoppedChunk` is dropped, and a walk over one chunk looks neither at the directory
        // nor at how many chunks there are, which change meanwhile.
        let (chunk, slots) = unsafe { (self.chunk(last), self.iter_chunk(last, false)) };
        self.items -= slots.size_hint().0;
        self.set_floor(self.floor.min(last));
        self.set_chunks(last);
        self.work.chunks_merged += u64::from(last > 0);
        Some(PoppedChunk { table: self, chunk, slots })
    }

    /// Gives back memory for chunks that are not in use. (A table does not hover around the edge of a step: the
    /// load at which it grows and the one at which it shrinks are far apart.)
    fn release_chunks(&mut self) {
        let tends = self.storage.tends_directory(&Self::LAYOUT, self.chunks);
        while self.storage.held() > self.chunks
            && self.storage.held_after_shrinking(&Self::LAYOUT) >= self.chunks
        {
            // SAFETY: something is held, and the chunks given back are not in use.
            if unsafe { self.storage.shrink(&Self::LAYOUT) }.is_err() {
                return;
            }
        }
        if tends {
            self.storage.tend_directory(&Self::LAYOUT);
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
        self.limits = Limits::of(self.chunks, self.floor, policy);
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
        // A table that came to lie under the guard later was not paused.
        self.pauses = self.pauses.saturating_sub(1);
        self.set_limits();
    }

    /// What the next split would ask for.
    pub(crate) fn growth_bytes(&self) -> usize {
        self.storage.split_bytes(&Self::LAYOUT, self.chunks)
    }

    /// Whether the next insert would split a chunk.
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

    /// How many chunks are to be split or merged until the table is as large as it should be.
    pub(crate) fn debt(&self) -> usize {
        self.wanted().abs_diff(self.chunks)
    }

    fn wanted(&self) -> usize {
        if self.chunks == 0 { 0 } else { wanted_chunks(self.chunks, self.items, self.floor) }
    }

    /// Splits or merges up to `chunks` chunks, towards what the table should be; stops early if it is, or memory is
    /// missing.
    pub(crate) fn rehash(&mut self, chunks: usize, hasher: impl Fn(&T) -> u64) -> Work {
        let before = self.work();
        if self.policy != ResizePolicy::Forbid {
            for _ in 0..chunks.min(self.debt()) {
                let grows = self.wanted() > self.chunks;
                if if grows { self.split_if_allowed(&hasher) } else { self.merge_one() }.is_err() {
                    break;
                }
            }
        }
        self.work().since(before)
    }

    /// Merges a chunk if the table should be smaller and may be.
    pub(crate) fn merge_if_due(&mut self) {
        if self.policy == ResizePolicy::Allow && self.pauses == 0 && self.wanted() < self.chunks {
            self.shrink();
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn shrink(&mut self) {
        // Without memory for a child the merge is put off; the table is right as it is.
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
    /// that split) and as many allocations as steps of growth. A failure leaves the table as large as it was, or, where
    /// merging back needs children that cannot be had, a little larger.
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
        if chunks > before {
            self.set_floor(self.floor.max(chunks));
        }
        Ok(())
    }

    /// Asks the allocator for as much as `chunks` chunks take, in one piece that nobody touches, and gives it
    /// back: what could never be had fails here, before memory is taken piece by piece.
    fn probe(&mut self, chunks: usize) -> Result<(), ReserveError> {
        let layout = Self::LAYOUT.entries(chunks)?;
        let refused = ReserveError::OutOfMemory { size: layout.size() };
        let block = Zmalloc.allocate(layout).map_err(|_| refused)?;
        // SAFETY: allocated just above with this layout.
        unsafe { Zmalloc.deallocate(block.cast(), layout) };
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
        self.set_floor(self.floor.min(chunks));
        self.merge_down_to(chunks);
        self.release_chunks();
        self.storage.shrink_directory(&Self::LAYOUT);
    }

    /// What removals do not shrink the table below.
    pub(crate) fn floor(&self) -> usize {
        self.floor
    }

    pub(crate) fn set_floor(&mut self, chunks: usize) {
        self.floor = chunks;
        self.set_limits();
    }
}

/// The entries of a chunk that its table no longer counts. Dropped, it frees what the chunk owns and drops the entries that are left.
pub(crate) struct PoppedChunk<'a, T> {
    table: &'a mut RawTable<T>,
    chunk: Chunk<T>,
    slots: RawIter<T>,
}

impl<T> PoppedChunk<'_, T> {
    /// Shows the entries that have not been taken yet.
    pub(crate) fn look_ahead(&self, mut each: impl FnMut(&T)) {
        for slot in self.slots.clone() {
            // SAFETY: the slot is occupied until the walk yields it, which borrows `self` for writing.
            each(unsafe { slot.entry.as_ref() });
        }
    }
}

impl<T> Iterator for PoppedChunk<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        // SAFETY: the slot is occupied, and the walk yields it once. Nobody else reads this chunk.
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
        // SAFETY: the children of this chunk, whose entries are gone or need no drop.
        unsafe { self.chunk.free_children(&mut self.table.storage) };
        if self.table.chunks == 0 {
            self.table.free_memory();
        } else {
            self.table.release_chunks();
        }
    }
}
