//! [`RawTable`]: finds the chunk that an entry belongs to, and grows or shrinks the table by one chunk at a
//! time.
//!
//! ```text
//!  insert   len >= limits.grow_at?     split one chunk in two           at most one split per insert
//!  remove   len < limits.shrink_at?    merge the last chunk back        at most one merge per removal
//! ```
//!
//! No operation rehashes more than one chunk with its overflow, allocates more than one segment and the
//! directory, or clears more than one chunk. That is what "bounded" means here, and [`Work`] counts it
//! (`size.rs`). A split is put off if there is no memory for it, or if the owner forbids it. The table then
//! works with longer chains and tries again with the next insert. A split prefetches for the splits that
//! follow, which are about ten inserts apart.
//!
//! Invariants:
//! - The chunks `0..chunks` are live.
//! - The field `unsplit_mask` is `geometry::unsplit_mask(chunks)`, and `large` is `chunks > LARGE`.
//! - Every entry is in the chunk that `chunk_of` returns for its hash, as the hasher returned it when it was
//!   last called. If the hasher later returns another hash, look-ups do not find the entry. Nothing
//!   else breaks.

mod iter;
mod size;

pub(crate) use iter::RawIter;
pub(crate) use size::PoppedChunk;

use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use zmalloc::{ReserveError, box_size};

use crate::chunk::Chunk;
use crate::error::Undecided;
use crate::geometry::chunk_of;
use crate::group::{MARK, tag_of};
use crate::layout::{ChunkLayout, preferred_slot};
use crate::prefetch::prefetch;
use crate::resize::{Limits, ResizePolicy, Veto, entries_before_growth};
use crate::slot::Slot;
use crate::stats::{Stats, Work};
use crate::storage::Storage;

/// The place of an entry.
pub(crate) struct Place<T> {
    pub(crate) chunk: Chunk<T>,
    pub(crate) slot: Slot<T>,
}

/// A place where an entry may be put, as long as the table does not change.
pub(crate) struct Vacancy<T> {
    chunk: Chunk<T>,
    /// The index of a free slot of the chunk, less than `SLOTS`; `None` if the chunk is full.
    free: Option<usize>,
    tag: u8,
}

/// A table of more chunks is too large for the caches. This many chunks hold about 170,000 entries.
const LARGE: usize = 1 << 14;

pub(crate) struct RawTable<T> {
    storage: Storage,
    /// The number of live chunks.
    chunks: usize,
    unsplit_mask: usize,
    /// Whether there are more than [`LARGE`] chunks. Stored because every look-up reads it.
    large: bool,
    items: usize,
    /// The numbers of entries at which the table grows and shrinks by itself. They follow from `chunks`,
    /// `chunks_min`, `policy` and `pauses`.
    limits: Limits,
    /// The number of chunks that [`RawTable::reserve`] asked for. Removals do not shrink the table below it.
    chunks_min: usize,
    policy: ResizePolicy,
    /// The number of guards that keep the table from changing its size by itself.
    pauses: u32,
    /// Called before growth that no caller has requested by name allocates memory.
    veto: Option<Veto>,
    /// The bytes that growth may still allocate; `usize::MAX` is no limit.
    growth_limit: usize,
    work: Work,
    _entries: PhantomData<T>,
}

// SAFETY: the table owns its entries and its memory, as a `Vec` does.
unsafe impl<T: Send> Send for RawTable<T> {}
// SAFETY: a shared reference to the table gives out shared references to entries only.
unsafe impl<T: Sync> Sync for RawTable<T> {}

// The veto is called when no change of the table is half done. If the closure's own state is broken by a
// panic, that is the concern of the code that passed it.
impl<T: UnwindSafe> UnwindSafe for RawTable<T> {}
impl<T: RefUnwindSafe> RefUnwindSafe for RawTable<T> {}

impl<T> RawTable<T> {
    pub(crate) const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    /// The error when there is no memory for an overflow child. The entry is then returned.
    pub(crate) const CHILD_ALLOC_ERROR: ReserveError =
        ReserveError::OutOfMemory { size: Self::LAYOUT.child.size() };

    pub(crate) const fn new() -> Self {
        Self {
            storage: Storage::new(),
            chunks: 0,
            unsplit_mask: 0,
            large: false,
            items: 0,
            limits: Limits::EMPTY,
            chunks_min: 0,
            policy: ResizePolicy::Allow,
            pauses: 0,
            veto: None,
            growth_limit: usize::MAX,
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
            chunks_allocated: self.storage.chunks_allocated(),
            children: self.storage.children(),
            allocation_size: self.allocation_size(),
            work: self.work(),
        }
    }

    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.storage.allocation_size() + self.veto.as_ref().map_or(0, box_size)
    }

    /// Returns chunk `index`, or the empty chunk if the table has none.
    ///
    /// # Safety
    /// `index` is below `chunks`, or 0.
    #[inline]
    pub(crate) unsafe fn chunk(&self, index: usize) -> Chunk<T> {
        // SAFETY: the storage holds memory for all live chunks.
        Chunk::new(unsafe { self.storage.directory().chunk(&Self::LAYOUT, index) })
    }

    /// Returns the chunk that entries of `hash` belong to, or the empty chunk.
    #[inline]
    pub(crate) fn chunk_for(&self, hash: u64) -> Chunk<T> {
        // SAFETY: `chunk_of` returns the index of a live chunk, or 0 if the table has none.
        unsafe { self.chunk(chunk_of(hash, self.chunks, self.unsplit_mask)) }
    }

    /// Does the same for a look-up. In a table that is too large for the caches, it prefetches the place
    /// where the entry most likely is, so that this cache miss overlaps with that of the tags.
    #[inline]
    fn chunk_for_lookup(&self, hash: u64) -> Chunk<T> {
        let chunk = self.chunk_for(hash);
        if self.large {
            chunk.prefetch_preferred(hash);
        }
        chunk
    }

    /// Returns the slot of the entry with `hash` for which `eq` is true. A large table costs one cache miss
    /// for the tags, one for the entry, and one more for each child that is searched.
    ///
    /// The simple version:
    ///
    /// ```text
    /// for each entry of the hash's chunk and of its children:
    ///     if eq(entry):
    ///         return its slot
    /// ```
    ///
    /// This version differs as follows:
    ///
    /// 1. One vector comparison finds the slots whose tag is that of the hash. `eq` is called for their
    ///    entries only. An entry with another hash has the same tag in one of 127 cases.
    /// 2. The same comparison reads the filter, the sixteenth byte. The children are searched only if the
    ///    filter has the bit of the tag.
    /// 3. The search of the children is out of line ([`Chunk::find_map_among`]), so a look-up that needs none
    ///    saves no registers for it.
    /// 4. In a large table the cache line of the preferred slot is prefetched before the tags are read
    ///    ([`preferred_slot`]).
    /// 5. A table without memory leads to an empty chunk, so there is no test for an empty table.
    ///
    /// The oracle of the vector comparison is the function `naive` in the tests of `group/mod.rs`.
    #[inline]
    pub(crate) fn find(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        // SAFETY: the chunk is live, or it is the empty one, in which nothing is found.
        unsafe { self.chunk_for_lookup(hash).find(hash, eq) }
    }

    /// Returns the first `Some` that `f` returns for a slot with the tag of `hash`.
    #[inline]
    pub(crate) fn find_map<R>(&self, hash: u64, f: impl FnMut(Slot<T>) -> Option<R>) -> Option<R> {
        // SAFETY: as in `find`.
        unsafe { self.chunk_for_lookup(hash).find_map(hash, f) }
    }

    /// Does what [`Table::find_first`](crate::Table::find_first) describes.
    #[inline]
    pub(crate) fn find_first<R>(
        &self,
        hash: u64,
        f: impl FnOnce(Slot<T>) -> Option<R>,
    ) -> Result<Option<R>, Undecided> {
        // SAFETY: as in `find`.
        unsafe { self.chunk_for_lookup(hash).find_first(hash, f) }
    }

    /// Does what [`find`](Self::find) does, and returns the chunk too.
    #[inline]
    pub(crate) fn find_place(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<Place<T>> {
        let chunk = self.chunk_for_lookup(hash);
        // SAFETY: as in `find`.
        unsafe { chunk.find(hash, eq).map(|slot| Place { chunk, slot }) }
    }

    /// Returns the place of that entry, or a place for it. [`RawTable::grow_for_one`] has made room before.
    #[inline]
    pub(crate) fn find_or_vacant(
        &self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
    ) -> Result<Place<T>, Vacancy<T>> {
        debug_assert!(self.chunks > 0);
        let chunk = self.chunk_for_lookup(hash);
        // SAFETY: the chunk is live, since the table has chunks.
        match unsafe { chunk.find_or_free(hash, eq) } {
            Ok(slot) => Ok(Place { chunk, slot }),
            Err(free) => Err(Vacancy { chunk, free, tag: tag_of(hash) }),
        }
    }

    /// Returns a place for an entry that is not in the table. [`RawTable::grow_for_one`] has made room
    /// before.
    #[inline]
    pub(crate) fn vacancy(&self, hash: u64) -> Vacancy<T> {
        debug_assert!(self.chunks > 0);
        let chunk = self.chunk_for(hash);
        // SAFETY: the chunk is live, and `preferred_slot` is less than `SLOTS`.
        let free = unsafe { chunk.free_slot(preferred_slot::<T>(hash)) };
        Vacancy { chunk, free, tag: tag_of(hash) }
    }

    /// Prefetches the cache line that a look-up of `hash` reads first, and returns the chunk.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) -> Chunk<T> {
        let chunk = self.chunk_for(hash);
        chunk.prefetch_tags();
        chunk
    }

    /// Prefetches the cache line that an insert of `hash` writes to. Reads the tags for it.
    #[inline]
    pub(crate) fn prefetch_vacancy(&self, hash: u64) {
        if self.chunks > 0
            && let Vacancy { chunk, free: Some(index), .. } = self.vacancy(hash)
        {
            // SAFETY: the chunk is live, and `free_slot` returns an index below `SLOTS`.
            prefetch(unsafe { chunk.slot(index) }.entry.as_ptr());
        }
    }

    /// Adds an entry at the place found for it. Needs memory only for an overflow child. If there is none,
    /// returns the entry: see [`CHILD_ALLOC_ERROR`](Self::CHILD_ALLOC_ERROR).
    ///
    /// # Safety
    /// The vacancy was found in this table when the table had a chunk, and nothing has changed since.
    #[inline]
    pub(crate) unsafe fn fill(&mut self, vacancy: Vacancy<T>, entry: T) -> Result<Place<T>, T> {
        let Vacancy { chunk, free, tag } = vacancy;
        // SAFETY: the chunk is a live one of this storage. `free` is the index of a free slot, or `None` if
        // the chunk is full.
        let slot = unsafe {
            match free {
                Some(index) => chunk.fill(index, tag, entry),
                None => chunk.push_overflow(tag, entry, &mut self.storage)?,
            }
        };
        self.items += 1;
        Ok(Place { chunk, slot })
    }

    /// Adds `entry`, a copy of the one in `slot` of chunk `index` of `other`, to the chunk of the same index.
    /// The copy keeps its tag, and its slot if that slot is free. This is for clones, which keep every place.
    pub(crate) fn push_copy(&mut self, other: &Self, index: usize, slot: Slot<T>, entry: T) -> Result<(), T> {
        assert!(index < self.chunks && index < other.chunks);
        // SAFETY: both chunks are live, and `slot` is an occupied slot of the other one. `index_of` is less
        // than `SLOTS`.
        unsafe {
            let (preferred, tag) = (other.chunk(index).index_of(slot), slot.tag.read());
            self.chunk(index).push(preferred, tag, entry, &mut self.storage)?;
        }
        self.items += 1;
        Ok(())
    }

    fn work(&self) -> Work {
        Work { bytes_allocated: self.storage.bytes_allocated(), ..self.work }
    }

    /// Removes the entry at `place`, and merges one chunk if the table has too few entries.
    ///
    /// # Safety
    /// `place` is an occupied slot of a live chunk of this table, or of a child of that chunk.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, place: Place<T>) -> T {
        // SAFETY: the caller guarantees what `remove_from` requires.
        let entry = unsafe { self.remove_from(place.chunk, place.slot) };
        if self.items < self.limits.shrink_at {
            self.shrink();
        }
        entry
    }

    /// Removes the entry of `slot` and never shrinks the table.
    ///
    /// # Safety
    /// `chunk` is a live chunk of this table, and `slot` is an occupied slot of it or of its children.
    #[inline]
    pub(crate) unsafe fn remove_from(&mut self, chunk: Chunk<T>, slot: Slot<T>) -> T {
        // SAFETY: the caller guarantees a live chunk of this storage and its occupied slot.
        let (_, entry) = unsafe { chunk.remove(slot, &mut self.storage) };
        self.items -= 1;
        entry
    }

    /// Does the same, and returns the place where another entry with the same tag may be put.
    ///
    /// # Safety
    /// `place` is an occupied slot of a live chunk of this table, or of a child of that chunk.
    pub(crate) unsafe fn take_from(&mut self, place: Place<T>) -> (T, Vacancy<T>) {
        let Place { chunk, slot } = place;
        // SAFETY: the caller guarantees an occupied slot of a live chunk. `index_of` is less than `SLOTS`.
        unsafe {
            let tag = slot.tag.read() & !MARK;
            let entry = self.remove_from(chunk, slot);
            (entry, Vacancy { chunk, free: chunk.free_slot(chunk.index_of(slot)), tag })
        }
    }

    /// Moves the chunks, the entries and the memory to a new table, and leaves this one empty. The policy,
    /// the pauses, the veto, the growth limit and the work done so far stay with this table. The reservation
    /// does not.
    pub(crate) fn take(&mut self) -> Self {
        let mut full = core::mem::replace(self, Self::new());
        self.work = full.work;
        self.storage.add_allocated(&full.storage);
        (self.policy, self.pauses, self.veto) = (full.policy, full.pauses, full.veto.take());
        self.growth_limit = full.growth_limit;
        full
    }

    /// Moves the directory and the chunks of a small table if `moves` is true: see [`Storage::relocate`].
    pub(crate) fn relocate_storage(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) {
        self.storage.relocate(&Self::LAYOUT, moves);
    }

    /// Moves the children of chunk `index` for which `moves` is true.
    ///
    /// # Safety
    /// `index` is below `chunks`.
    pub(crate) unsafe fn relocate_children(
        &mut self,
        index: usize,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) {
        // SAFETY: the caller guarantees that the chunk is a live one of this storage.
        unsafe { self.chunk(index).relocate_children(&mut self.storage, moves) };
    }

    /// Returns all occupied slots, or only those with a marked entry.
    pub(crate) fn iter(&self, only_marked: bool) -> RawIter<T> {
        // SAFETY: all chunks are live. The caller follows the contract of the iterator.
        unsafe { RawIter::new(self.storage.directory(), self.chunks, self.items, only_marked) }
    }

    /// Returns the occupied slots of one chunk and its children, or the marked ones among them.
    ///
    /// # Safety
    /// `index` is below `chunks`, or 0.
    pub(crate) unsafe fn iter_chunk(&self, index: usize, only_marked: bool) -> RawIter<T> {
        // SAFETY: the chunk is live, or it is the empty one.
        unsafe { RawIter::of_chunk(self.chunk(index), only_marked) }
    }

    /// Removes the entries for which `keep` is false. Calls `keep` once for each entry, and never shrinks the
    /// table.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        for index in 0..self.chunks {
            // The children come first. A removal from a slot fills the hole with an entry of a child, and
            // `keep` has already been true for that entry.
            // SAFETY: the chunks and children are live, and the slots are occupied.
            unsafe {
                let chunk = self.chunk(index);
                let items = &mut self.items;
                chunk.retain_in_children(&mut keep, &mut self.storage, |dropped| *items -= dropped);
                for index in chunk.group().occupied() {
                    let mut slot = chunk.slot(index);
                    if !keep(slot.entry.as_mut()) {
                        drop(self.remove_from(chunk, slot));
                    }
                }
            }
        }
    }

    /// Drops all entries and frees all memory. If a drop panics, the remaining entries are leaked, and the
    /// table is still empty afterwards.
    pub(crate) fn clear(&mut self) {
        self.take().drop_entries();
    }

    /// Leaves the entries to the owner of a [`RawIter`] over them. From then on the table owns only memory.
    pub(crate) fn forget_entries(&mut self) {
        self.items = 0;
    }

    fn drop_entries(&mut self) {
        if core::mem::needs_drop::<T>() && self.items > 0 {
            let entries = self.iter(false);
            self.forget_entries();
            for slot in entries {
                // SAFETY: each occupied slot comes once, and none is read again: `Drop` frees the memory
                // without reading the tags of slots.
                unsafe { slot.entry.drop_in_place() };
            }
        }
    }

    /// Frees all memory without dropping an entry. The table is then empty.
    pub(crate) fn free_memory(&mut self) {
        if self.storage.children() > 0 {
            for index in 0..self.chunks {
                // SAFETY: the chunk is a live one of this storage.
                unsafe { self.chunk(index).free_children(&mut self.storage) };
            }
        }
        (self.items, self.chunks_min) = (0, 0);
        self.set_chunks(0);
        // SAFETY: the children are freed, and no chunk is live.
        unsafe { self.storage.free_all(&Self::LAYOUT) };
    }
}

impl<T> Drop for RawTable<T> {
    fn drop(&mut self) {
        /// Frees the memory even if the drop of an entry panics.
        struct Free<'a, T>(&'a mut RawTable<T>);
        impl<T> Drop for Free<'_, T> {
            fn drop(&mut self) {
                self.0.free_memory();
            }
        }
        Free(self).0.drop_entries();
    }
}
