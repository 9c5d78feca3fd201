//! One chunk and its overflow children: finding, adding and removing entries.
//!
//! Everything here works on a single chunk. The fifteen slots of a chunk may have holes; its children have
//! none (see the invariants in `layout.rs`). A removal from a chunk with children therefore moves the last
//! entry of the chain into the hole.

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

/// A chunk of entries `T`. It leads to its children.
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

/// The `# Safety` sections below use the word *live*, which the first point defines. Every method also
/// requires the points after it:
///
/// - A chunk is *live* while its storage holds its memory, its tags are initialised, and its filter differs
///   from 0 exactly when its child pointer leads to a live child (see [`Child`]). For methods that only read,
///   the empty chunk of a table without memory is live too.
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

    /// Initialises the tags of the chunk: it then has no entry and no child.
    ///
    /// # Safety
    /// The storage holds memory for the chunk, and nothing in it is in use.
    #[inline]
    pub(crate) unsafe fn init(self) {
        // SAFETY: the chunk has sixteen bytes of tags.
        unsafe { self.tags.write_bytes(0, SLOTS + 1) };
    }

    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn group(self) -> Group {
        // SAFETY: a live chunk has sixteen initialised tags.
        unsafe { Group::load(self.tags.as_ptr()) }
    }

    /// Returns slot 0. The tag and the entry of slot `n` are `n` places further.
    #[inline]
    pub(crate) fn base(self) -> Slot<T> {
        Slot { tag: self.tags, entry: self.entries.cast() }
    }

    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn filter(self) -> u8 {
        // SAFETY: the filter is the sixteenth byte of the tags.
        unsafe { self.tags.add(SLOTS).read() }
    }

    /// # Safety
    /// The chunk is live. If `filter` is not 0, the child pointer leads to a live child.
    pub(crate) unsafe fn set_filter(self, filter: u8) {
        // SAFETY: the filter is the sixteenth byte of the tags.
        unsafe { self.tags.add(SLOTS).write(filter) };
    }

    /// # Safety
    /// The chunk is live, and `index` is less than [`SLOTS`].
    #[inline]
    pub(crate) unsafe fn slot(self, index: usize) -> Slot<T> {
        debug_assert!(index < SLOTS);
        // SAFETY: a chunk has fifteen tags and entries, and the index is below that.
        unsafe { Slot { tag: self.tags.add(index), entry: self.entries.cast::<T>().add(index) } }
    }

    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn child(self) -> Option<Child<T>> {
        // SAFETY: the chunk is live, and `first_child` is called only if the filter is not 0.
        unsafe { if self.filter() == 0 { None } else { Some(self.first_child()) } }
    }

    /// # Safety
    /// The chunk is live, and its filter is not 0.
    #[inline]
    unsafe fn first_child(self) -> Child<T> {
        // SAFETY: the filter is not 0, so the pointer after the entries leads to a live child.
        unsafe {
            debug_assert!(self.filter() != 0);
            Child::read(self.entries.add(Self::LAYOUT.child_offset))
        }
    }

    /// # Safety
    /// The chunk and `child` are live.
    unsafe fn set_child(self, child: Child<T>) {
        // SAFETY: the place after the entries is that of the child pointer.
        unsafe { child.write(self.entries.add(Self::LAYOUT.child_offset)) };
    }

    /// Returns the number of entries, including those in children.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn len(self) -> usize {
        // SAFETY: the chunk is live.
        unsafe { self.group().occupied().len() + self.len_in_children() }
    }

    /// Returns the number of entries in the children.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn len_in_children(self) -> usize {
        // SAFETY: the children of a live chunk are live.
        unsafe {
            let (mut len, mut child) = (0, self.child());
            while let Some(one) = child {
                len += one.len();
                child = one.next();
            }
            len
        }
    }

    /// Returns the first slot that has the tag of `hash` and an entry that satisfies `eq`. The children are
    /// searched only if the filter says that they may hold the tag.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find(self, hash: u64, mut eq: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        // SAFETY: the chunk is live, and `find_map` passes on occupied slots only.
        unsafe { self.find_map(hash, |slot| eq(slot.entry.as_ref()).then_some(slot)) }
    }

    /// Returns the first `Some` that `f` returns for a slot with the tag of `hash`. `f` is called with
    /// occupied slots only.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find_map<R>(self, hash: u64, f: impl FnMut(Slot<T>) -> Option<R>) -> Option<R> {
        // SAFETY: the chunk is live, and `probe` returns the candidates of its tags.
        unsafe { self.find_map_among(self.group().probe(hash), hash, f) }
    }

    /// Does what [`find_map`](Self::find_map) does after its first step, which gives the `candidates`.
    ///
    /// # Safety
    /// The chunk is live. `candidates` is the result of probing its tags for `hash`.
    #[inline]
    pub(crate) unsafe fn find_map_among<R>(
        self,
        mut candidates: Candidates,
        hash: u64,
        mut f: impl FnMut(Slot<T>) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: a slot with a matching tag holds an entry, since no tag is 0. `overflow` means that the
        // filter has the tag's bit, so the filter is not 0. `f` does not change it, because nothing changes
        // the chunk while a method reads it.
        unsafe {
            while let Some(index) = candidates.first() {
                let found = f(self.slot(index));
                if found.is_some() {
                    return found;
                }
                // This is another entry with the same tag. About one entry in 127 has it.
                cold_path();
                candidates.remove_first();
            }
            if candidates.overflow() { self.find_in_children(hash, f) } else { None }
        }
    }

    /// Does what [`Table::find_first`](crate::Table::find_first) describes.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find_first<R>(
        self,
        hash: u64,
        f: impl FnOnce(Slot<T>) -> Option<R>,
    ) -> Result<Option<R>, Undecided> {
        // SAFETY: the chunk is live, and a slot with a matching tag holds an entry.
        unsafe {
            let candidates = self.group().probe(hash);
            match candidates.first() {
                Some(index) => f(self.slot(index)).map(Some).ok_or(Undecided),
                None if candidates.overflow() => Err(Undecided),
                None => Ok(None),
            }
        }
    }

    /// Returns the slot that [`find`](Self::find) returns. If there is none, the error is the index of a free
    /// slot for the entry, or `None` if the chunk is full.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn find_or_free(
        self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
    ) -> Result<Slot<T>, Option<usize>> {
        // SAFETY: the chunk is live, and `preferred_slot` is less than `SLOTS`.
        unsafe {
            match self.find(hash, eq) {
                Some(slot) => Ok(slot),
                None => Err(self.free_slot(preferred_slot::<T>(hash))),
            }
        }
    }

    /// Returns the index of the first free slot from `preferred` on, where slot 0 follows slot 14. The index
    /// is less than [`SLOTS`]. Returns `None` if the chunk is full.
    ///
    /// # Safety
    /// The chunk is live, and `preferred` is less than [`SLOTS`].
    #[inline]
    pub(crate) unsafe fn free_slot(self, preferred: usize) -> Option<usize> {
        // SAFETY: the chunk is live.
        unsafe { self.group().free().first_from(preferred) }
    }

    /// Prefetches the cache line that most likely holds the entry of `hash`.
    #[inline]
    pub(crate) fn prefetch_preferred(self, hash: u64) {
        prefetch(self.entries.as_ptr().wrapping_add(preferred_offset::<T>(hash)));
    }

    /// Returns the index of `slot` if it is one of the fifteen slots of the chunk, and 0 if it belongs to a
    /// child.
    pub(crate) fn index_of(self, slot: Slot<T>) -> usize {
        let index = slot.tag.addr().get().wrapping_sub(self.tags.addr().get());
        if index < SLOTS { index } else { 0 }
    }

    /// Prefetches the cache line of the tags.
    #[inline]
    pub(crate) fn prefetch_tags(self) {
        prefetch(self.tags.as_ptr());
    }

    /// Prefetches the cache lines of the tags, the entries and the child pointer.
    #[inline]
    pub(crate) fn prefetch_all(self) {
        prefetch(self.tags.as_ptr());
        prefetch_range(self.entries.as_ptr(), Self::LAYOUT.stride);
    }

    /// Returns where an entry of `hash` may be, and prefetches the cache line of the first of these slots.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn prefetch_candidates(self, hash: u64) -> Candidates {
        // SAFETY: the chunk is live, and the candidates are of its tags.
        unsafe {
            let candidates = self.group().probe(hash);
            if let Some(slot) = self.first_of(candidates) {
                prefetch(slot.entry.as_ptr());
            }
            candidates
        }
    }

    /// Returns the first of the chunk's own slots among `candidates`. The slot is occupied.
    ///
    /// # Safety
    /// The chunk is live. The candidates are of its tags.
    #[inline]
    pub(crate) unsafe fn first_of(self, candidates: Candidates) -> Option<Slot<T>> {
        // SAFETY: the chunk is live, and the index is below `SLOTS`.
        unsafe { candidates.first().map(|index| self.slot(index)) }
    }

    /// Prefetches the first child, if there is one. Reads the tags and the child pointer.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    pub(crate) unsafe fn prefetch_child(self) {
        // SAFETY: the chunk is live, and so is its child.
        if let Some(child) = unsafe { self.child() } {
            prefetch(child.ptr.as_ptr());
        }
    }

    /// Does what [`find_map`](Self::find_map) does, in the children only. It is out of line so that a look-up
    /// that ends in the chunk itself saves no registers for it.
    ///
    /// # Safety
    /// The chunk is live, and its filter is not 0.
    #[inline(never)]
    unsafe fn find_in_children<R>(self, hash: u64, mut f: impl FnMut(Slot<T>) -> Option<R>) -> Option<R> {
        // SAFETY: the filter is not 0, so there is a first child. It and all that follow are live, and a slot
        // with a matching tag holds an entry.
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

    /// Adds an entry in the first free slot from `preferred` on, where slot 0 follows slot 14. `tag` may
    /// carry the mark. A failure returns the entry and changes nothing.
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
        // SAFETY: the chunk is live. It has the free slot, or is full, as `push_overflow` requires.
        unsafe {
            match self.free_slot(preferred) {
                Some(index) => Ok(self.fill(index, tag, entry)),
                None => self.push_overflow(tag, entry, storage),
            }
        }
    }

    /// Writes an entry into a free slot.
    ///
    /// # Safety
    /// The chunk is live, and `index` is that of a free slot.
    #[inline]
    pub(crate) unsafe fn fill(self, index: usize, tag: u8, entry: T) -> Slot<T> {
        // SAFETY: the caller guarantees that the slot is a free one of a live chunk.
        unsafe {
            let slot = self.slot(index);
            slot.fill(tag, entry);
            slot
        }
    }

    /// Adds an entry to a chunk without a free slot. It is out of line so that the common case keeps no
    /// register for the filter.
    ///
    /// # Safety
    /// The chunk is live and has no free slot.
    #[inline(never)]
    pub(crate) unsafe fn push_overflow(self, tag: u8, entry: T, storage: &mut Storage) -> Result<Slot<T>, T> {
        // SAFETY: the chunk is full, as `push_to_child` requires, and `last_child` returns the end of its
        // chain.
        unsafe {
            let last = self.last_child().map(|(_, last)| last);
            let pushed = self.push_to_child(last, tag, entry, |layout| storage.new_child(layout).ok());
            pushed.map(|(slot, _)| slot)
        }
    }

    /// Adds an entry to the chain of a full chunk, which ends with `last`. Returns the entry's slot and the
    /// end of the chain.
    ///
    /// # Safety
    /// The chunk is live and has no free slot. `last` is the end of its chain, or `None` if it has no child.
    /// `new_child` returns an unused block that came from `new_child` of the storage.
    #[cold]
    pub(crate) unsafe fn push_to_child(
        self,
        last: Option<Child<T>>,
        tag: u8,
        entry: T,
        new_child: impl FnOnce(&ChunkLayout) -> Option<NonNull<u8>>,
    ) -> Result<(Slot<T>, Child<T>), T> {
        // SAFETY: `last` is the end of the chain and holds one to seven entries. If it holds fewer than
        // seven, slot `len` is free. If it holds seven, its seventh entry moves out before the next pointer
        // takes its place.
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

    /// Returns the child before the last one, and the last one.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn last_child(self) -> Option<(Option<Child<T>>, Child<T>)> {
        // SAFETY: the children of a live chunk are live.
        unsafe {
            let (mut before, mut last) = (None, self.child()?);
            while let Some(next) = last.next() {
                (before, last) = (Some(last), next);
            }
            Some((before, last))
        }
    }

    /// Removes the entry of `slot`, which belongs to this chunk. If the chunk has children, the last entry of
    /// the chain moves into `slot`.
    ///
    /// # Safety
    /// The chunk is live, and `slot` is an occupied slot of it or of one of its children.
    #[inline]
    pub(crate) unsafe fn remove(self, slot: Slot<T>, storage: &mut Storage) -> (u8, T) {
        // SAFETY: the caller guarantees that the slot holds an entry.
        unsafe {
            let removed = slot.take();
            if self.filter() != 0 {
                self.fill_hole(slot, storage);
            }
            removed
        }
    }

    /// Moves the last entry of the chain into `hole`, unless the hole itself is the end of the chain. Frees
    /// the last child if it is then empty.
    ///
    /// # Safety
    /// The chunk is live except for `hole`, a slot of it or of its children that has just been freed. It has
    /// a child.
    #[cold]
    unsafe fn fill_hole(self, hole: Slot<T>, storage: &mut Storage) {
        // SAFETY: the chunk has children. `len` counts the occupied slots of the last child, and the hole's
        // tag is 0. If the hole is in the last child, `len` is therefore the index of its last entry, or of
        // the hole.
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

    /// Removes the last child, which is empty, from the chain.
    ///
    /// # Safety
    /// The chunk is live, and `before` is the child before the last one, or `None` if there is only one
    /// child.
    unsafe fn unlink(self, before: Option<Child<T>>) {
        // SAFETY: the chunk and `before` are live.
        unsafe {
            match before {
                Some(before) => before.set_next(None),
                None => self.set_filter(0),
            }
        }
    }

    /// Computes the filter from the tags in the children.
    ///
    /// # Safety
    /// The chunk is live. Its filter may lack the bits of some tags, or have too many.
    pub(crate) unsafe fn rebuild_filter(self) {
        // SAFETY: the children of the chunk are live.
        unsafe {
            let (mut filter, mut child) = (0, self.child());
            while let Some(one) = child {
                filter |= one.filter();
                child = one.next();
            }
            self.set_filter(filter);
        }
    }

    /// Moves the children for which `moves` is true to other blocks. A child stays where it is if there is no
    /// memory.
    ///
    /// # Safety
    /// The chunk is live, and no pointer to a child or to an entry in one is used afterwards.
    pub(crate) unsafe fn relocate_children(
        self,
        storage: &mut Storage,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) {
        // SAFETY: the children are live. The pointer to a child is updated before the next child is read.
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
        // SAFETY: the children are live, and each is read before it is freed.
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
