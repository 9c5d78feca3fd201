//! The table itself: which chunk an entry is in, and when the table grows or shrinks by one.
//!
//! ```text
//!  insert   as many entries as the limit says?  split one chunk in two     at most one split an insert
//!  remove   fewer than the other one?           merge the last chunk back  at most one merge a removal
//! ```
//!
//! No operation rehashes more than one chunk with its overflow, allocates more than one segment and the
//! directory, or clears more than one chunk: that is what "bounded" means here, and [`Work`] counts it.
//! A split that finds no memory, or is vetoed, is put off: the table serves with longer chains and tries again with the
//! next insert. A split asks for the cache lines of the next one: about ten inserts later they are there.
//!
//! Invariants: chunks `0..chunks` are live; `mask` is `mask_of(chunks)`; every entry is in the chunk that
//! `chunk_of` gives for its hash, as the hasher said when it was last asked (a hasher that changes its mind
//! loses entries from look-up, never from memory).

use core::alloc::Layout;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};
use zmalloc::Zmalloc;

use crate::chunk::{Chunk, Slot};
use crate::geometry::{Split, chunk_of, mask_of};
use crate::group::{MARK, tag_of};
use crate::iter::RawIter;
use crate::layout::{ChunkLayout, preferred_slot};
use crate::prefetch::prefetch;
use crate::resize::{Limits, ResizePolicy, Veto, chunks_for, entries_before_growth, wanted_chunks};
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
    /// A free slot, or none if the chunk is full.
    free: Option<Slot<T>>,
    tag: u8,
}

/// A table of more chunks than these is too large for the caches: 170,000 entries.
const LARGE: usize = 1 << 14;

pub(crate) struct RawTable<T> {
    storage: Storage,
    /// Live chunks.
    chunks: usize,
    mask: usize,
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

    pub(crate) const fn new() -> Self {
        Self {
            storage: Storage::new(),
            chunks: 0,
            mask: 0,
            items: 0,
            limits: Limits::EMPTY,
            floor: 0,
            policy: ResizePolicy::Allow,
            pauses: 0,
            veto: None,
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
            allocation_size: self.storage.bytes() + self.veto.as_ref().map_or(0, veto_size),
            work: self.work(),
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

    /// The same, for a look-up: in a table too large for the caches, the entry is asked for while the tags are on their
    /// way, at the place where it most likely is.
    #[inline]
    fn home_ahead(&self, hash: u64) -> Chunk<T> {
        let home = self.home(hash);
        if self.chunks > LARGE {
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

    /// The same with the chunk.
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
        // SAFETY: a live chunk.
        let free = unsafe { chunk.free_slot(preferred_slot::<T>(hash)) };
        Vacancy { chunk, free, tag: tag_of(hash) }
    }

    /// Asks for the cache line that a look-up of `hash` reads first.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        self.home(hash).prefetch_tags();
    }

    /// The entry that a look-up of `hash` compares first, if it is one of the chunk's own.
    #[inline]
    pub(crate) fn candidate(&self, hash: u64) -> Option<NonNull<T>> {
        // SAFETY: a live chunk, or the empty one.
        unsafe { self.home(hash).candidate(hash) }
    }

    /// Asks for the cache line that an insert of `hash` writes to, once the tags are there.
    #[inline]
    pub(crate) fn prefetch_vacancy(&self, hash: u64) {
        if self.chunks > 0
            && let Some(slot) = self.vacancy(hash).free
        {
            prefetch(slot.entry.as_ptr());
        }
    }

    /// Makes room for one more entry: the first chunk, or a split if one is due. Only a missing first chunk
    /// is an error; a split without memory is put off.
    #[inline]
    pub(crate) fn grow_for_one(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), AllocError> {
        if self.items >= self.limits.grow_at { self.grow(hasher) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), AllocError> {
        let grown = self.split_if_allowed(hasher);
        if self.chunks == 0 { grown } else { Ok(()) }
    }

    /// Adds an entry to the place found for it. Needs memory only for an overflow child; if there is none, hands
    /// the entry back.
    ///
    /// # Safety
    /// The vacancy was found in this table when it had a chunk, and nothing has changed since.
    #[inline]
    pub(crate) unsafe fn fill(&mut self, vacancy: Vacancy<T>, entry: T) -> Result<Place<T>, T> {
        let Vacancy { chunk, free, tag } = vacancy;
        // SAFETY: a live chunk of this storage and its free slot, or none if it is full, by contract.
        let slot = unsafe {
            match free {
                Some(slot) => {
                    slot.fill(tag, entry);
                    slot
                }
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
        // SAFETY: live chunks of both tables, and an occupied slot of one.
        unsafe {
            let (preferred, tag) = (other.chunk(index).index_of(slot), slot.tag.read());
            self.chunk(index).push(preferred, tag, entry, &mut self.storage)?;
        }
        self.items += 1;
        Ok(())
    }

    /// Splits the next chunk in two, or makes the first one. A failure or a panicking hasher changes nothing
    /// but the order of entries inside the chunk.
    pub(crate) fn split_one(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), AllocError> {
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
    fn split_if_allowed(&mut self, hasher: impl Fn(&T) -> u64) -> Result<(), AllocError> {
        if self.chunks > 0
            && let Some(allows) = &self.veto
        {
            let bytes = self.storage.split_bytes(&Self::LAYOUT, self.chunks);
            if bytes > 0 && !allows(bytes) {
                return Err(AllocError);
            }
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
    pub(crate) fn merge_one(&mut self) -> Result<(), AllocError> {
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

    fn set_chunks(&mut self, chunks: usize) {
        self.chunks = chunks;
        self.mask = mask_of(chunks);
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

    fn work(&self) -> Work {
        Work { bytes_allocated: self.storage.bytes_allocated(), ..self.work }
    }

    /// Removes the entry of a place, and merges one chunk if too few slots are taken.
    ///
    /// # Safety
    /// An occupied slot of a live chunk of this table.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, place: Place<T>) -> T {
        // SAFETY: passed on unchanged.
        let entry = unsafe { self.remove_from(place.chunk, place.slot) };
        if self.items < self.limits.shrink_at {
            self.shrink();
        }
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

    /// The same, and where another entry with the same tag may be put.
    ///
    /// # Safety
    /// An occupied slot of a live chunk of this table.
    pub(crate) unsafe fn take_from(&mut self, place: Place<T>) -> (T, Vacancy<T>) {
        let Place { chunk, slot } = place;
        // SAFETY: by contract.
        unsafe {
            let tag = slot.tag.read() & !MARK;
            let entry = self.remove_from(chunk, slot);
            (entry, Vacancy { chunk, free: chunk.free_slot(chunk.index_of(slot)), tag })
        }
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
    /// that split) and as many allocations as steps of growth. A failure leaves the table as large as it was, or, where
    /// merging back needs children that cannot be had, a little larger.
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
        if chunks > before {
            self.set_floor(self.floor.max(chunks));
        }
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
        self.set_floor(self.floor.min(chunks));
        self.merge_down_to(chunks);
        self.release_chunks();
        self.storage.shrink_directory(&Self::LAYOUT);
    }

    /// The table's chunks, entries and memory, leaving it empty; the policy, the pauses, the veto and the work done
    /// so far stay with it, what was reserved does not.
    pub(crate) fn take(&mut self) -> Self {
        let mut full = core::mem::replace(self, Self::new());
        self.work = full.work;
        self.storage.carry_allocated(&full.storage);
        (self.policy, self.pauses, self.veto) = (full.policy, full.pauses, full.veto.take());
        full
    }

    /// What removals do not shrink the table below.
    pub(crate) fn floor(&self) -> usize {
        self.floor
    }

    pub(crate) fn set_floor(&mut self, chunks: usize) {
        self.floor = chunks;
        self.set_limits();
    }

    /// Moves the blocks of a table smaller than a page for which `moves` says so.
    pub(crate) fn relocate_storage(&mut self, moves: impl FnMut(NonNull<u8>, usize) -> bool) {
        self.storage.relocate(&Self::LAYOUT, moves);
    }

    /// Moves those of the children of chunk `index` for which `moves` says so.
    ///
    /// # Safety
    /// `index` is below `chunks`.
    pub(crate) unsafe fn relocate_children(
        &mut self,
        index: usize,
        moves: impl FnMut(NonNull<u8>, usize) -> bool,
    ) {
        // SAFETY: a live chunk of this storage.
        unsafe { self.chunk(index).relocate_children(&mut self.storage, moves) };
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

/// What a veto adds to `used_memory`.
fn veto_size(veto: &Veto) -> usize {
    let closure = &**veto;
    let layout = Layout::for_value(closure);
    if layout.size() == 0 {
        return 0;
    }
    // SAFETY: the box allocated the closure in `Zmalloc`, with this layout.
    unsafe { Zmalloc.block_size(NonNull::from_ref(closure).cast(), layout) }
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
