//! [`RawIter`]: walking over all slots of a table, chunk by chunk, each chunk's children behind it.

use crate::chunk::Chunk;
use crate::group::Slots;
use crate::layout::ChunkLayout;
use crate::overflow::Child;
use crate::slot::Slot;
use crate::storage::Directory;

/// The occupied slots that are left, in the order of the chunks. Borrows nothing: whoever holds it keeps the
/// table alive and its shape unchanged, except that entries already given out may be moved out or dropped.
pub(crate) struct RawIter<T> {
    directory: Directory,
    /// Slot 0 of the chunk or child that `slots` speaks of.
    base: Slot<T>,
    /// Its slots that are still to come.
    slots: Slots,
    /// The child behind it.
    child: Option<Child<T>>,
    next_chunk: usize,
    chunks: usize,
    /// Entries still to come; with `only_marked`, at most so many.
    left: usize,
    only_marked: bool,
}

impl<T> Clone for RawIter<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T> RawIter<T> {
    const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    /// # Safety
    /// Chunks `0..chunks` of `directory` are live and stay so, and hold `entries` entries in all.
    pub(crate) unsafe fn new(directory: Directory, chunks: usize, entries: usize, only_marked: bool) -> Self {
        // SAFETY: there is always a chunk 0, the empty one if no other; nothing of it is read here.
        let base = Chunk::new(unsafe { directory.chunk(&Self::LAYOUT, 0) }).base();
        Self {
            directory,
            base,
            slots: Slots(0),
            child: None,
            next_chunk: 0,
            chunks,
            left: entries,
            only_marked,
        }
    }

    /// # Safety
    /// The chunk is live and stays so.
    pub(crate) unsafe fn of_chunk(chunk: Chunk<T>, only_marked: bool) -> Self {
        // SAFETY: a live chunk.
        let left = unsafe { chunk.len() };
        let mut one = Self {
            directory: Directory::EMPTY,
            base: chunk.base(),
            slots: Slots(0),
            child: None,
            next_chunk: 0,
            chunks: 0,
            left,
            only_marked,
        };
        // SAFETY: a live chunk.
        unsafe { one.enter(chunk) };
        one
    }

    /// # Safety
    /// The chunk is live and stays so.
    #[inline]
    unsafe fn enter(&mut self, chunk: Chunk<T>) {
        // SAFETY: a live chunk, by contract.
        unsafe {
            self.base = chunk.base();
            let group = chunk.group();
            self.slots = if self.only_marked { group.marked() } else { group.occupied() };
            self.child = chunk.child();
        }
    }

    /// Goes to the next chunk, if there is one. Chunks lie one after the other, as the processor soon finds out; children
    /// do not, so they are asked for ahead.
    ///
    /// # Safety
    /// What [`RawIter::new`] asks for still holds.
    #[inline]
    unsafe fn enter_next(&mut self) -> bool {
        const AHEAD: usize = 4;
        if self.next_chunk == self.chunks {
            return false;
        }
        // SAFETY: the table keeps its shape, so its chunks are live.
        unsafe {
            if self.next_chunk + AHEAD < self.chunks {
                self.chunk(self.next_chunk + AHEAD).prefetch_child();
            }
            self.enter(self.chunk(self.next_chunk));
        }
        self.next_chunk += 1;
        true
    }

    /// # Safety
    /// What [`RawIter::new`] asks for still holds, and `index` is below `chunks`.
    #[inline]
    unsafe fn chunk(&self, index: usize) -> Chunk<T> {
        // SAFETY: a live chunk, by contract.
        Chunk::new(unsafe { self.directory.chunk(&Self::LAYOUT, index) })
    }

    /// # Safety
    /// The child is live and stays so.
    #[inline]
    unsafe fn enter_child(&mut self, child: Child<T>) {
        // SAFETY: a live child, by contract.
        unsafe {
            self.base = child.slot(0);
            self.slots = if self.only_marked { child.marked() } else { child.occupied() };
            self.child = child.next();
        }
    }

    /// # Safety
    /// `index` is a slot of the chunk or child that `base` belongs to.
    #[inline]
    unsafe fn slot(&self, index: usize) -> Slot<T> {
        // SAFETY: both stay inside the chunk or child that the index belongs to.
        unsafe { Slot { tag: self.base.tag.add(index), entry: self.base.entry.add(index) } }
    }
}

impl<T> Iterator for RawIter<T> {
    type Item = Slot<T>;

    #[inline]
    fn next(&mut self) -> Option<Slot<T>> {
        if self.left == 0 {
            return None;
        }
        loop {
            if let Some(index) = self.slots.next() {
                self.left -= 1;
                // SAFETY: one of the slots where the iterator is.
                return Some(unsafe { self.slot(index) });
            }
            // SAFETY: the table keeps its shape, so its chunks and children are live.
            unsafe {
                if let Some(child) = self.child {
                    self.enter_child(child);
                } else if !self.enter_next() {
                    self.left = 0;
                    return None;
                }
            }
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, Slot<T>) -> B>(mut self, init: B, mut f: F) -> B {
        let mut folded = init;
        loop {
            for index in self.slots {
                // SAFETY: one of the slots where the iterator is.
                folded = f(folded, unsafe { self.slot(index) });
            }
            // SAFETY: as in `next`.
            unsafe {
                if let Some(child) = self.child {
                    self.enter_child(child);
                } else if !self.enter_next() {
                    return folded;
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (if self.only_marked { 0 } else { self.left }, Some(self.left))
    }
}
