//! The table itself: which chunk an entry is in, and when the table grows or shrinks by one.
//!
//! ```text
//!  insert   as many entries as the limit says?  split one chunk in two     at most one split an insert
//!  remove   fewer than the other one?           merge the last chunk back  at most one merge a removal
//! ```
//!
//! No operation rehashes more than one chunk with its overflow, allocates more than one segment and the
//! directory, or clears more than one chunk: that is what "bounded" means here, and [`Work`] counts it (`size.rs`).
//! A split that finds no memory, or is vetoed, is put off: the table serves with longer chains and tries again with the
//! next insert. A split asks for the cache lines of the next one: about ten inserts later they are there.
//!
//! Invariants: chunks `0..chunks` are live; the field `unsplit_mask` is `geometry::unsplit_mask(chunks)`, and `large` is
//! `chunks > LARGE`; every entry is in the chunk that `chunk_of` gives for its hash, as the hasher said when it was last
//! asked (a hasher that changes its mind loses entries from look-up, never from memory).

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

/// Where an entry is.
pub(crate) struct Place<T> {
    pub(crate) chunk: Chunk<T>,
    pub(crate) slot: Slot<T>,
}

/// Where an entry may be put, as long as the table does not change.
pub(crate) struct Vacancy<T> {
    chunk: Chunk<T>,
    /// The index of a free slot of the chunk, less than `SLOTS`; `None` if the chunk is full.
    free: Option<usize>,
    tag: u8,
}

/// A table of more chunks than these is too large for the caches: 170,000 entries.
const LARGE: usize = 1 << 14;

pub(crate) struct RawTable<T> {
    storage: Storage,
    /// Live chunks.
    chunks: usize,
    unsplit_mask: usize,
    /// Whether there are more than [`LARGE`] chunks. Stored because every look-up reads it.
    large: bool,
    items: usize,
    /// When it grows and shrinks by itself; follows from the chunks, the floor, the policy and the pauses.
    limits: Limits,
    /// Removals do not shrink the table below this many chunks: what `reserve` asked for.
    floor: usize,
    policy: ResizePolicy,
    /// How many guards keep it from changing its size by itself.
    pauses: u32,
    /// Asked before a segment is allocated that nobody has asked for by name.
    veto: Option<Veto>,
    /// How many bytes growth may still ask for; `usize::MAX` is no limit.
    growth_limit: usize,
    work: Work,
    _entries: PhantomData<T>,
}

// SAFETY: the table owns its entries and its memory like a `Vec` does.
unsafe impl<T: Send> Send for RawTable<T> {}
// SAFETY: through a shared reference entries are only read.
unsafe impl<T: Sync> Sync for RawTable<T> {}

// A veto is called with nothing in the table half done; what is broken in the closure itself is its author's.
impl<T: UnwindSafe> UnwindSafe for RawTable<T> {}
impl<T: RefUnwindSafe> RefUnwindSafe for RawTable<T> {}

impl<T> RawTable<T> {
    pub(crate) const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    /// Why an entry comes back: there is no memory for an overflow child.
    pub(crate) const NO_CHILD: ReserveError = ReserveError::OutOfMemory { size: Self::LAYOUT.child.size() };

    pub(crate) const fn new() -> Self {
        Self {
            storage: Storage::new(),
            chunks: 0,
            unsplit_mask: 0,
            large: false,
            items: 0,
            limits: Limits::EMPTY,
            floor: 0,
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
            chunks_allocated: self.storage.held(),
            children: self.storage.children(),
            allocation_size: self.allocation_size(),
            work: self.work(),
        }
    }

    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.storage.allocation_size() + self.veto.as_ref().map_or(0, box_size)
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

    /// The chunk of a hash, or the empty one.
    #[inline]
    pub(crate) fn home(&self, hash: u64) -> Chunk<T> {
        // SAFETY: `chunk_of` answers with a live chunk, or 0 for a table without any.
        unsafe { self.chunk(chunk_of(hash, self.chunks, self.unsplit_mask)) }
    }

    /// The same, for a look-up: in a table too large for the caches, the entry is asked for while the tags are on their
    /// way, at the place where it most likely is.
    #[inline]
    fn home_ahead(&self, hash: u64) -> Chunk<T> {
        let home = self.home(hash);
        if self.large {
            home.prefetch_preferred(hash);
        }
        home
    }

    /// The slot of the entry with `hash` for which `eq` is true: one cache miss for the tags, one for the
    /// entry, one more if it has overflowed.
    #[inline]
    pub(crate) fn find(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        // SAFETY: a live chunk, or the empty one, in which nothing is found.
        unsafe { self.home_ahead(hash).find(hash, eq) }
    }

    /// Returns the first `Some` that `f` returns for a slot with the tag of `hash`.
    #[inline]
    pub(crate) fn find_map<R>(&self, hash: u64, f: impl FnMut(Slot<T>) -> Option<R>) -> Option<R> {
        // SAFETY: as in `find`.
        unsafe { self.home_ahead(hash).find_map(hash, f) }
    }

    /// See [`Table::find_first`](crate::Table::find_first).
    #[inline]
    pub(crate) fn find_first<R>(
        &self,
        hash: u64,
        f: impl FnOnce(Slot<T>) -> Option<R>,
    ) -> Result<Option<R>, Undecided> {
        // SAFETY: as in `find`.
        unsafe { self.home_ahead(hash).find_first(hash, f) }
    }

    /// `find` with the chunk.
    #[inline]
    pub(crate) fn find_place(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<Place<T>> {
        let chunk = self.home_ahead(hash);
        // SAFETY: as in `find`.
        unsafe { chunk.find(hash, eq).map(|slot| Place { chunk, slot }) }
    }

    /// The place of that entry, or the place for it, for which [`RawTable::grow_for_one`] has made room.
    #[inline]
    pub(crate) fn find_or_vacant(
        &self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
    ) -> Result<Place<T>, Vacancy<T>> {
        debug_assert!(self.chunks > 0);
        let chunk = self.home_ahead(hash);
        // SAFETY: a live chunk.
        match unsafe { chunk.find_or_free(hash, eq) } {
            Ok(slot) => Ok(Place { chunk, slot }),
            Err(free) => Err(Vacancy { chunk, free, tag: tag_of(hash) }),
        }
    }

    /// The place for an entry that is not in the table, likewise.
    #[inline]
    pub(crate) fn vacancy(&self, hash: u64) -> Vacancy<T> {
        debug_assert!(self.chunks > 0);
        let chunk = self.home(hash);
        // SAFETY: a live chunk, and `preferred_slot` is less than `SLOTS`.
        let free = unsafe { chunk.free_slot(preferred_slot::<T>(hash)) };
        Vacancy { chunk, free, tag: tag_of(hash) }
    }

    /// Asks for the cache line that a look-up of `hash` reads first, and returns the chunk.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) -> Chunk<T> {
        let home = self.home(hash);
        home.prefetch_tags();
        home
    }

    /// Asks for the cache line that an insert of `hash` writes to, once the tags are there.
    #[inline]
    pub(crate) fn prefetch_vacancy(&self, hash: u64) {
        if self.chunks > 0
            && let Vacancy { chunk, free: Some(index), .. } = self.vacancy(hash)
        {
            // SAFETY: `free_slot` gives an index below `SLOTS`, of a live chunk.
            prefetch(unsafe { chunk.slot(index) }.entry.as_ptr());
        }
    }

    /// Adds an entry to the place found for it. Needs memory only for an overflow child; if there is none, hands
    /// the entry back: see [`NO_CHILD`](Self::NO_CHILD).
    ///
    /// # Safety
    /// The vacancy was found in this table when it had a chunk, and nothing has changed since.
    #[inline]
    pub(crate) unsafe fn fill(&mut self, vacancy: Vacancy<T>, entry: T) -> Result<Place<T>, T> {
        let Vacancy { chunk, free, tag } = vacancy;
        // SAFETY: a live chunk of this storage, and the index of a free slot of it, or `None` if it is full, by contract.
        let slot = unsafe {
            match free {
                Some(index) => chunk.fill(index, tag, entry),
                None => chunk.push_behind(tag, entry, &mut self.storage)?,
            }
        };
        self.items += 1;
        Ok(Place { chunk, slot })
    }

    /// Adds `entry`, a copy of the one in `slot` of chunk `index` of `other`, to the same chunk here, under the same tag and in
    /// the same slot if that is free; for clones, which keep every place.
    pub(crate) fn push_copy(&mut self, other: &Self, index: usize, slot: Slot<T>, entry: T) -> Result<(), T> {
        assert!(index < self.chunks && index < other.chunks);
        // SAFETY: live chunks of both tables, and an occupied slot of one; `index_of` is less than `SLOTS`.
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

    /// Removes the entry of a place, and merges one chunk if too few slots are taken.
    ///
    /// # Safety
    /// `place` is an occupied slot of a live chunk of this table, or of a child of that chunk.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, place: Place<T>) -> T {
        // SAFETY: passed on unchanged.
        let entry = unsafe { self.remove_from(place.chunk, place.slot) };
        if self.items < self.limits.shrink_at {
            self.shrink();
        }
        entry
    }

    /// Removes the entry of `slot`, and never shrinks.
    ///
    /// # Safety
    /// `chunk` is a live chunk of this table, and `slot` is an occupied slot of it or of its children.
    #[inline]
    pub(crate) unsafe fn remove_from(&mut self, chunk: Chunk<T>, slot: Slot<T>) -> T {
        // SAFETY: a live chunk of this storage and its occupied slot, by contract.
        let (_, entry) = unsafe { chunk.remove(slot, &mut self.storage) };
        self.items -= 1;
        entry
    }

    /// The same, and where another entry with the same tag may be put.
    ///
    /// # Safety
    /// `place` is an occupied slot of a live chunk of this table, or of a child of that chunk.
    pub(crate) unsafe fn take_from(&mut self, place: Place<T>) -> (T, Vacancy<T>) {
        let Place { chunk, slot } = place;
        // SAFETY: by contract.
        unsafe {
            let tag = slot.tag.read() & !MARK;
            let entry = self.remove_from(chunk, slot);
            (entry, Vacancy { chunk, free: chunk.free_slot(chunk.index_of(slot)), tag })
        }
    }

    /// The table's chunks, entries and memory, leaving it empty; the policy, the pauses, the veto and the work done
    /// so far stay with it, what was reserved does not.
    pub(crate) fn take(&mut self) -> Self {
        let mut full = core::mem::replace(self, Self::new());
        self.work = full.work;
        self.storage.carry_allocated(&full.storage);
        (self.policy, self.pauses, self.veto) = (full.policy, full.pauses, full.veto.take());
        self.growth_limit = full.growth_limit;
        full
    }

    /// Moves the blocks of a table smaller than a page for which `moves` says so.
    pub(crate) fn relocate_storage(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) {
        self.storage.relocate(&Self::LAYOUT, moves);
    }

    /// Moves those of the children of chunk `index` for which `moves` says so.
    ///
    /// # Safety
    /// `index` is below `chunks`.
    pub(crate) unsafe fn relocate_children(
        &mut self,
        index: usize,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) {
        // SAFETY: a live chunk of this storage.
        unsafe { self.chunk(index).relocate_children(&mut self.storage, moves) };
    }

    /// All occupied slots, or those with a marked entry.
    pub(crate) fn iter(&self, only_marked: bool) -> RawIter<T> {
        // SAFETY: all chunks are live; whoever walks them keeps to the iterator's contract.
        unsafe { RawIter::new(self.storage.directory(), self.chunks, self.items, only_marked) }
    }

    /// The occupied slots of one chunk and its children, or the marked ones among them.
    ///
    /// # Safety
    /// `index` is below `chunks`, or 0.
    pub(crate) unsafe fn iter_chunk(&self, index: usize, only_marked: bool) -> RawIter<T> {
        // SAFETY: a live chunk, or the empty one.
        unsafe { RawIter::of_chunk(self.chunk(index), only_marked) }
    }

    /// Removes the entries for which `keep` is false, looking at each once. Never shrinks the table.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        for index in 0..self.chunks {
            // Children first: what then comes from them into the hole of a removal has been looked at, and stays.
            // SAFETY: live chunks and children; occupied slots.
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
