//! One chunk and the children that took what did not fit: finding, adding and removing entries.
//!
//! Everything here works on a single chunk. The chunk's fifteen slots may have holes; children have none
//! (see the invariants in `layout.rs`), which is kept by filling a hole with the chain's last entry.

use core::hint::cold_path;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::error::Undecided;
use crate::group::{Candidates, Group, SLOTS, filter_bit};
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT, ChunkLayout, preferred_offset, preferred_slot};
use crate::overflow::Child;
use crate::prefetch::{prefetch, prefetch_range};
use crate::slot::Slot;
use crate::storage::{ChunkPtr, Storage};

/// A chunk of entries `T`, and through it its children.
pub(crate) struct Chunk<T> {
    tags: NonNull<u8>,
    entries: NonNull<u8>,
    _entries: PhantomData<NonNull<T>>,
}

impl<T> Clone for Chunk<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Chunk<T> {}

/// Each `# Safety` section below uses these words, and each method asks for the last three points besides:
///
/// - A chunk is *live* while its storage holds its memory, its tags are initialised, and its filter differs from 0
///   exactly when its child pointer leads to a live child (see [`Child`]). For methods that only read, the empty
///   chunk of a table without memory is live too.
/// - Nothing changes the chunk or its children while a method reads them.
/// - Nothing else uses them while a method changes them.
/// - A `storage` is the one that the chunk belongs to.
/// - A `tag` is not 0.
impl<T> Chunk<T> {
    pub(crate) const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    #[inline]
    pub(crate) fn new(ptr: ChunkPtr) -> Self {
        Self { tags: ptr.tags, entries: ptr.entries, _entries: PhantomData }
    }

    /// Makes uninitialised memory a chunk without entries.
    ///
    /// # Safety
    /// The storage holds memory for the chunk, and nothing in it is in use.
    #[inline]
    pub(crate) unsafe fn init(self) {
        // SAFETY: sixteen bytes of tags.
        unsafe { self.tags.write_bytes(0, SLOTS + 1) };
    }

    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn group(self) -> Group {
        // SAFETY: sixteen initialised tags.
        unsafe { Group::load(self.tags.as_ptr()) }
    }

    /// Its first tag and entry: a slot's are as many further as its index says.
    #[inline]
    pub(crate) fn base(self) -> Slot<T> {
        Slot { tag: self.tags, entry: self.entries.cast() }
    }

    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn filter(self) -> u8 {
        // SAFETY: the sixteenth byte of the tags.
        unsafe { self.tags.add(SLOTS).read() }
    }

    /// # Safety
    /// The chunk is live. If `filter` is not 0, its child pointer leads to a live child.
    pub(crate) unsafe fn set_filter(self, filter: u8) {
        // SAFETY: the sixteenth byte of the tags.
        unsafe { self.tags.add(SLOTS).write(filter) };
    }

    /// # Safety
    /// The chunk is live, and `index` is less than [`SLOTS`].
    #[inline]
    pub(crate) unsafe fn slot(self, index: usize) -> Slot<T> {
        debug_assert!(index < SLOTS);
        // SAFETY: a chunk has fifteen tags and entries.
        unsafe { Slot { tag: self.tags.add(index), entry: self.entries.cast::<T>().add(index) } }
    }

    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn child(self) -> Option<Child<T>> {
        // SAFETY: a live chunk.
        unsafe { if self.filter() == 0 { None } else { Some(self.first_child()) } }
    }

    /// # Safety
    /// The chunk is live, and its filter is not 0.
    #[inline]
    unsafe fn first_child(self) -> Child<T> {
        // SAFETY: by contract the filter is not 0, so the pointer behind the entries leads to a live child.
        unsafe {
            debug_assert!(self.filter() != 0);
            Child::read(self.entries.add(Self::LAYOUT.child_offset))
        }
    }

    /// # Safety
    /// The chunk and `child` are live.
    unsafe fn set_child(self, child: Child<T>) {
        // SAFETY: the pointer's place behind the entries.
        unsafe { child.write(self.entries.add(Self::LAYOUT.child_offset)) };
    }

    /// The number of its entries, children included.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn len(self) -> usize {
        // SAFETY: a live chunk.
        unsafe { self.group().occupied().len() + self.len_in_children() }
    }

    /// The number of entries in its children.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn len_in_children(self) -> usize {
        // SAFETY: live children.
        unsafe {
            let (mut len, mut child) = (0, self.child());
            while let Some(one) = child {
                len += one.len();
                child = one.next();
            }
            len
        }
    }

    /// The slot whose entry has `hash` and satisfies `eq`. The children are looked into only if the filter says
    /// that they may hold this tag.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find(self, hash: u64, mut eq: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        // SAFETY: a live chunk, by contract, whose occupied slots `find_map` lends.
        unsafe { self.find_map(hash, |slot| eq(slot.entry.as_ref()).then_some(slot)) }
    }

    /// Returns the first `Some` that `f` returns for a slot with the tag of `hash`. `f` gets occupied slots
    /// only.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find_map<R>(self, hash: u64, f: impl FnMut(Slot<T>) -> Option<R>) -> Option<R> {
        // SAFETY: by contract.
        unsafe { self.find_map_among(self.group().probe(hash), hash, f) }
    }

    /// [`find_map`](Self::find_map) with the result of the first step.
    ///
    /// # Safety
    /// The chunk is live. The candidates are those of its tags and `hash`.
    #[inline]
    pub(crate) unsafe fn find_map_among<R>(
        self,
        mut candidates: Candidates,
        hash: u64,
        mut f: impl FnMut(Slot<T>) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: a slot with a matching tag holds an entry, since no tag is 0. `overflow` means that the filter had the
        // tag's bit, so it is not 0, and `f` does not change it: nothing changes the chunk while a method
        // reads it.
        unsafe {
            while let Some(index) = candidates.first() {
                let found = f(self.slot(index));
                if found.is_some() {
                    return found;
                }
                // Another entry with the same tag: one slot in 127.
                cold_path();
                candidates.remove_first();
            }
            if candidates.overflow() { self.find_in_children(hash, f) } else { None }
        }
    }

    /// See [`Table::find_first`](crate::Table::find_first).
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find_first<R>(
        self,
        hash: u64,
        f: impl FnOnce(Slot<T>) -> Option<R>,
    ) -> Result<Option<R>, Undecided> {
        // SAFETY: the chunk is live, by contract, and a slot with a matching tag holds an entry.
        unsafe {
            let candidates = self.group().probe(hash);
            match candidates.first() {
                Some(index) => f(self.slot(index)).map(Some).ok_or(Undecided),
                None if candidates.overflow() => Err(Undecided),
                None => Ok(None),
            }
        }
    }

    /// The slot of such an entry. Otherwise the error is the index of a free slot for it, or `None` if the chunk is full.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find_or_free(
        self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
    ) -> Result<Slot<T>, Option<usize>> {
        // SAFETY: a live chunk, and `preferred_slot` is less than `SLOTS`.
        unsafe {
            match self.find(hash, eq) {
                Some(slot) => Ok(slot),
                None => Err(self.free_slot(preferred_slot::<T>(hash))),
            }
        }
    }

    /// The index of the first free slot from `preferred` on, going round; `None` if the chunk is full. It is less than
    /// [`SLOTS`].
    ///
    /// # Safety
    /// The chunk is live, and `preferred` is less than [`SLOTS`].
    #[inline]
    pub(crate) unsafe fn free_slot(self, preferred: usize) -> Option<usize> {
        // SAFETY: a live chunk.
        unsafe { self.group().free().first_from(preferred) }
    }

    /// Asks for the cache line where the entry of `hash` most likely is.
    #[inline]
    pub(crate) fn prefetch_preferred(self, hash: u64) {
        prefetch(self.entries.as_ptr().wrapping_add(preferred_offset::<T>(hash)));
    }

    /// Which of the fifteen slots this one of the chunk is; 0 for one of a child.
    pub(crate) fn index_of(self, slot: Slot<T>) -> usize {
        let index = slot.tag.addr().get().wrapping_sub(self.tags.addr().get());
        if index < SLOTS { index } else { 0 }
    }

    /// Asks for the cache line of the tags.
    #[inline]
    pub(crate) fn prefetch_tags(self) {
        prefetch(self.tags.as_ptr());
    }

    /// Asks for the cache lines of tags, entries and the child pointer.
    #[inline]
    pub(crate) fn prefetch_all(self) {
        prefetch(self.tags.as_ptr());
        prefetch_range(self.entries.as_ptr(), Self::LAYOUT.stride);
    }

    /// Where an entry of `hash` may be. Asks for the cache line of the first of these places.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn prefetch_candidates(self, hash: u64) -> Candidates {
        // SAFETY: a live chunk.
        unsafe {
            let candidates = self.group().probe(hash);
            if let Some(slot) = self.first_of(candidates) {
                prefetch(slot.entry.as_ptr());
            }
            candidates
        }
    }

    /// The first of the chunk's own slots among `candidates`: an occupied one.
    ///
    /// # Safety
    /// The chunk is live. The candidates are of its tags.
    #[inline]
    pub(crate) unsafe fn first_of(self, candidates: Candidates) -> Option<Slot<T>> {
        // SAFETY: a live chunk; the index is below `SLOTS`.
        unsafe { candidates.first().map(|index| self.slot(index)) }
    }

    /// Asks for the first child, if there is one; reads tags and child pointer.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn prefetch_child(self) {
        // SAFETY: a live chunk.
        if let Some(child) = unsafe { self.child() } {
            prefetch(child.ptr.as_ptr());
        }
    }

    /// Kept out of line, so that a look-up that ends in the chunk itself saves no registers for it.
    ///
    /// # Safety
    /// The chunk is live, and its filter is not 0.
    #[inline(never)]
    unsafe fn find_in_children<R>(self, hash: u64, mut f: impl FnMut(Slot<T>) -> Option<R>) -> Option<R> {
        // SAFETY: by contract there is a first child, and it is live as all children; a slot with a matching tag holds an entry.
        unsafe {
            let mut child = Some(self.first_child());
            while let Some(one) = child {
                let mut candidates = one.probe(hash);
                while let Some(index) = candidates.first() {
                    let found = f(one.slot(index));
                    if found.is_some() {
                        return found;
                    }
                    candidates.remove_first();
                }
                child = one.next();
            }
            None
        }
    }

    /// Adds an entry under a tag that may carry the mark, in the first free slot from `preferred` on, going round. A failure
    /// hands the entry back; nothing changed.
    ///
    /// # Safety
    /// The chunk is live, and `preferred` is less than [`SLOTS`].
    pub(crate) unsafe fn push(
        self,
        preferred: usize,
        tag: u8,
        entry: T,
        storage: &mut Storage,
    ) -> Result<Slot<T>, T> {
        // SAFETY: a free slot of a live chunk; else the chunk is full, as `push_to_child` asks.
        unsafe {
            match self.free_slot(preferred) {
                Some(index) => Ok(self.fill(index, tag, entry)),
                None => self.push_behind(tag, entry, storage),
            }
        }
    }

    /// Puts an entry into a free slot.
    ///
    /// # Safety
    /// The chunk is live. `index` is that of a free slot of it.
    #[inline]
    pub(crate) unsafe fn fill(self, index: usize, tag: u8, entry: T) -> Slot<T> {
        // SAFETY: a free slot of a live chunk, by contract.
        unsafe {
            let slot = self.slot(index);
            slot.fill(tag, entry);
            slot
        }
    }

    /// Adds an entry to a chunk without a free slot. Out of line, so that the common case keeps no register for the filter.
    ///
    /// # Safety
    /// The chunk is live and has no free slot.
    #[inline(never)]
    pub(crate) unsafe fn push_behind(self, tag: u8, entry: T, storage: &mut Storage) -> Result<Slot<T>, T> {
        // SAFETY: the chunk is full, as `push_to_child` asks, and this is the end of its chain.
        unsafe {
            let last = self.last_child().map(|(_, last)| last);
            let pushed = self.push_to_child(last, tag, entry, |layout| storage.new_child(layout).ok());
            pushed.map(|(slot, _)| slot)
        }
    }

    /// Adds an entry behind the fifteen of a full chunk, whose chain ends with `last`; answers its slot and the end of the
    /// chain.
    ///
    /// # Safety
    /// The chunk is live and has no free slot; `last` is the end of its chain, or `None` if it has no child.
    /// `new_child` answers an unused block from `new_child` of the storage.
    #[cold]
    pub(crate) unsafe fn push_to_child(
        self,
        last: Option<Child<T>>,
        tag: u8,
        entry: T,
        new_child: impl FnOnce(&ChunkLayout) -> Option<NonNull<u8>>,
    ) -> Result<(Slot<T>, Child<T>), T> {
        // SAFETY: `last` is the end of the chain and holds one to seven entries, so index `len` below
        // seven is free. Only when it is full does its seventh entry make room for the next pointer.
        unsafe {
            let (slot, end) = match last {
                None => {
                    let Some(block) = new_child(&Self::LAYOUT) else { return Err(entry) };
                    let child = Child::init(block);
                    self.set_child(child);
                    (child.slot(0), child)
                }
                Some(last) if last.len() < CHILD_SLOTS => (last.slot(last.len()), last),
                Some(last) => {
                    let Some(block) = new_child(&Self::LAYOUT) else { return Err(entry) };
                    let next = Child::init(block);
                    let (seventh_tag, seventh) = last.slot(CHILD_SLOTS_WITH_NEXT).take();
                    next.slot(0).fill(seventh_tag, seventh);
                    last.set_next(Some(next));
                    (next.slot(1), next)
                }
            };
            slot.fill(tag, entry);
            self.set_filter(self.filter() | filter_bit(tag));
            Ok((slot, end))
        }
    }

    /// The end of the chain of children, and the child before it.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn last_child(self) -> Option<(Option<Child<T>>, Child<T>)> {
        // SAFETY: live children.
        unsafe {
            let (mut before, mut last) = (None, self.child()?);
            while let Some(next) = last.next() {
                (before, last) = (Some(last), next);
            }
            Some((before, last))
        }
    }

    /// Removes the entry of `slot`, which belongs to this chunk. The chain's last entry takes its place,
    /// if there is a chain: it is then the entry that `slot` holds.
    ///
    /// # Safety
    /// The chunk is live, and `slot` is an occupied slot of it or of one of its children.
    #[inline]
    pub(crate) unsafe fn remove(self, slot: Slot<T>, storage: &mut Storage) -> (u8, T) {
        // SAFETY: the slot holds an entry, by contract.
        unsafe {
            let removed = slot.take();
            if self.filter() != 0 {
                self.fill_hole(slot, storage);
            }
            removed
        }
    }

    /// Moves the chain's last entry into `hole`, or shortens the chain if the hole is its end.
    ///
    /// # Safety
    /// The chunk is live but for `hole`, a slot of it or of its children that has just been freed. It has a child.
    #[cold]
    unsafe fn fill_hole(self, hole: Slot<T>, storage: &mut Storage) {
        // SAFETY: the chunk has children. `len` counts the tags before the end, and the hole's tag is 0:
        // only if the hole is in the last child does the count leave out one that is not at the end.
        unsafe {
            let (before, last) = self.last_child().expect("a filter means a child");
            let (first, end) = (last.ptr, last.ptr.add(CHILD_SLOTS));
            let hole_in_last = hole.tag >= first && hole.tag < end;
            let index = last.len() - usize::from(!hole_in_last);
            let source = last.slot(index);
            if source.tag != hole.tag {
                let (tag, entry) = source.take();
                hole.fill(tag, entry);
            }
            if index == 0 {
                self.unlink(before);
                storage.free_child(&Self::LAYOUT, last.ptr);
            }
            self.rebuild_filter();
        }
    }

    /// Takes the last, emptied child off the chain.
    ///
    /// # Safety
    /// The chunk is live, and `before` is the child before the last one, or `None` if there is one child.
    unsafe fn unlink(self, before: Option<Child<T>>) {
        // SAFETY: live memory of this chunk.
        unsafe {
            match before {
                Some(before) => before.set_next(None),
                None => self.set_filter(0),
            }
        }
    }

    /// # Safety
    /// The chunk is live. Its filter may lack the bits of some tags, or have too many.
    pub(crate) unsafe fn rebuild_filter(self) {
        // SAFETY: live children.
        unsafe {
            let (mut filter, mut child) = (0, self.child());
            while let Some(one) = child {
                filter |= one.filter();
                child = one.next();
            }
            self.set_filter(filter);
        }
    }

    /// Moves those children to other blocks for which `moves` says so; one that finds no memory stays.
    ///
    /// # Safety
    /// The chunk is live, and no pointer to a child or to an entry in one is used afterwards.
    pub(crate) unsafe fn relocate_children(
        self,
        storage: &mut Storage,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) {
        // SAFETY: live children; whoever leads to a child is told its new place before the next is looked at.
        unsafe {
            let (mut before, mut child) = (None, self.child());
            while let Some(mut one) = child {
                if moves(one.ptr, Self::LAYOUT.child.size())
                    && let Some(new) = storage.relocate_child(&Self::LAYOUT, one.ptr)
                {
                    one = Child::at(new);
                    match before {
                        None => self.set_child(one),
                        Some(before) => Child::set_next(before, Some(one)),
                    }
                }
                (before, child) = (Some(one), one.next());
            }
        }
    }

    /// Frees all children, whose entries the caller has dropped or moved out.
    ///
    /// # Safety
    /// The chunk is live, and neither its children nor their entries are used afterwards.
    pub(crate) unsafe fn free_children(self, storage: &mut Storage) {
        // SAFETY: live children, each read before it is freed.
        unsafe {
            let mut child = self.child();
            self.set_filter(0);
            while let Some(one) = child {
                child = one.next();
                storage.free_child(&Self::LAYOUT, one.ptr);
            }
        }
    }
}
