//! [`RawIter`]: walks over all slots of a table, chunk by chunk, with the children of each chunk after it.

use crate::chunk::Chunk;
use crate::group::Slots;
use crate::layout::ChunkLayout;
use crate::overflow::Child;
use crate::slot::Slot;
use crate::storage::Directory;

/// The occupied slots that are left, in the order of the chunks. It borrows nothing. Its owner keeps the
/// table alive and its shape unchanged, but may move out or drop entries that the iterator has already
/// returned.
pub(crate) struct RawIter<T> {
    directory: Directory,
    /// Slot 0 of the chunk or child that `slots` refers to.
    base: Slot<T>,
    /// The slots of that chunk or child that are still to come.
    slots: Slots,
    /// The child that follows it.
    child: Option<Child<T>>,
    next_chunk: usize,
    chunks: usize,
    /// The number of entries still to come, or with `only_marked` an upper bound.
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
    /// The chunks `0..chunks` of `directory` are live and stay live, and hold `entries` entries in all.
    pub(crate) unsafe fn new(directory: Directory, chunks: usize, entries: usize, only_marked: bool) -> Self {
        // SAFETY: there is always a chunk 0, which may be the empty one. Nothing of it is read here.
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
    /// The chunk is live and stays live.
    pub(crate) unsafe fn of_chunk(chunk: Chunk<T>, only_marked: bool) -> Self {
        // SAFETY: the chunk is live.
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
        // SAFETY: the chunk is live and stays live.
        unsafe { one.enter(chunk) };
        one
    }

    /// # Safety
    /// The chunk is live and stays live.
    #[inline]
    unsafe fn enter(&mut self, chunk: Chunk<T>) {
        // SAFETY: the chunk is live.
        unsafe {
            self.base = chunk.base();
            let group = chunk.group();
            self.slots = if self.only_marked { group.marked() } else { group.occupied() };
            self.child = chunk.child();
        }
    }

    /// Enters the next chunk, if there is one. Chunks lie one after the other, so the hardware prefetches
    /// them. Children do not, so this prefetches them explicitly, four chunks ahead.
    ///
    /// # Safety
    /// The requirements of [`RawIter::new`] still hold.
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
    /// The requirements of [`RawIter::new`] still hold, and `index` is below `chunks`.
    #[inline]
    unsafe fn chunk(&self, index: usize) -> Chunk<T> {
        // SAFETY: the index is that of a live chunk.
        Chunk::new(unsafe { self.directory.chunk(&Self::LAYOUT, index) })
    }

    /// # Safety
    /// The child is live and stays live.
    #[inline]
    unsafe fn enter_child(&mut self, child: Child<T>) {
        // SAFETY: the child is live.
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
        // SAFETY: both pointers stay inside the chunk or child that the index belongs to.
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
                // SAFETY: the index is one of the slots of the current chunk or child.
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
                // SAFETY: the index is one of the slots of the current chunk or child.
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
