//! Walking over all slots of a table, chunk by chunk, each chunk's children behind it.

use core::iter::FusedIterator;
use core::marker::PhantomData;

use crate::chunk::{Chunk, Slot};
use crate::group::Slots;
use crate::layout::ChunkLayout;
use crate::overflow::Child;
use crate::raw::RawTable;
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
    pub(crate) unsafe fn of_chunk(chunk: Chunk<T>) -> Self {
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
            only_marked: false,
        };
        // SAFETY: a live chunk.
        unsafe { one.enter(chunk) };
        one
    }

    #[inline]
    unsafe fn enter(&mut self, chunk: Chunk<T>) {
        // SAFETY: a live chunk, by the callers.
        unsafe {
            self.base = chunk.base();
            let group = chunk.group();
            self.slots = if self.only_marked { group.marked() } else { group.occupied() };
            self.child = chunk.child();
        }
    }

    /// Goes to the next chunk, if there is one. Chunks lie one after the other, as the processor soon finds out; children
    /// do not, so they are asked for ahead.
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

    #[inline]
    unsafe fn chunk(&self, index: usize) -> Chunk<T> {
        // SAFETY: a live chunk, by the callers.
        Chunk::new(unsafe { self.directory.chunk(&Self::LAYOUT, index) })
    }

    #[inline]
    unsafe fn enter_child(&mut self, child: Child<T>) {
        // SAFETY: a live child, by the callers.
        unsafe {
            self.base = child.slot(0);
            self.slots = if self.only_marked { child.marked() } else { child.occupied() };
            self.child = child.next();
        }
    }

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
            // SAFETY: as in `next`.
            unsafe {
                for index in self.slots {
                    folded = f(folded, self.slot(index));
                }
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

/// References to the entries of a [`Table`](crate::Table), in no particular order.
pub struct Iter<'a, T> {
    raw: RawIter<T>,
    _table: PhantomData<&'a T>,
}

impl<T> Iter<'_, T> {
    pub(crate) fn new(table: &RawTable<T>) -> Self {
        Self { raw: table.iter(false), _table: PhantomData }
    }
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), _table: PhantomData }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        // SAFETY: an occupied slot of a table that is borrowed for `'a`.
        self.raw.next().map(|slot| unsafe { slot.entry.as_ref() })
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'a T) -> B>(self, init: B, mut f: F) -> B {
        // SAFETY: as in `next`.
        self.raw.fold(init, |folded, slot| f(folded, unsafe { slot.entry.as_ref() }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.raw.size_hint()
    }
}

/// References to the marked entries of a [`Table`](crate::Table), in no particular order.
pub struct IterMarked<'a, T>(Iter<'a, T>);

impl<T> Clone for IterMarked<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> IterMarked<'_, T> {
    pub(crate) fn new(table: &RawTable<T>) -> Self {
        Self(Iter { raw: table.iter(true), _table: PhantomData })
    }
}

impl<'a, T> Iterator for IterMarked<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> FusedIterator for IterMarked<'_, T> {}

/// References to the entries of a [`Table`](crate::Table) through which they can be changed, in no
/// particular order.
pub struct IterMut<'a, T> {
    raw: RawIter<T>,
    _table: PhantomData<&'a mut T>,
}

impl<T> IterMut<'_, T> {
    pub(crate) fn new(table: &mut RawTable<T>) -> Self {
        Self { raw: table.iter(false), _table: PhantomData }
    }

    /// References to the entries still to come.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter { raw: self.raw.clone(), _table: PhantomData }
    }
}

impl<'a, T> Iterator for IterMut<'a, T> {
    type Item = &'a mut T;

    #[inline]
    fn next(&mut self) -> Option<&'a mut T> {
        // SAFETY: an occupied slot of a table that is borrowed for `'a`; each slot comes once.
        self.raw.next().map(|mut slot| unsafe { slot.entry.as_mut() })
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'a mut T) -> B>(self, init: B, mut f: F) -> B {
        // SAFETY: as in `next`.
        self.raw.fold(init, |folded, mut slot| f(folded, unsafe { slot.entry.as_mut() }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.raw.size_hint()
    }
}

/// The entries of a [`Table`](crate::Table) by value.
pub struct IntoIter<T> {
    raw: RawIter<T>,
    /// Its entries belong to `raw`; it keeps the memory alive.
    table: RawTable<T>,
}

impl<T> IntoIter<T> {
    pub(crate) fn new(table: RawTable<T>) -> Self {
        Self { raw: table.iter(false), table }
    }

    /// References to the entries still to come.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter { raw: self.raw.clone(), _table: PhantomData }
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        // SAFETY: an occupied slot, which comes once; the table forgets its entries when it is dropped.
        self.raw.next().map(|slot| unsafe { slot.entry.read() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.raw.size_hint()
    }
}

impl<T> Drop for IntoIter<T> {
    fn drop(&mut self) {
        self.table.forget_entries();
        for slot in &mut self.raw {
            // SAFETY: as in `next`.
            unsafe { slot.entry.drop_in_place() };
        }
    }
}

// SAFETY: an iterator by value owns its entries.
unsafe impl<T: Send> Send for IntoIter<T> {}
// SAFETY: shared, it gives out shared references at most.
unsafe impl<T: Sync> Sync for IntoIter<T> {}
// SAFETY: as `&T` for all entries.
unsafe impl<T: Sync> Send for Iter<'_, T> {}
// SAFETY: as `&T` for all entries.
unsafe impl<T: Sync> Sync for Iter<'_, T> {}
// SAFETY: as `&mut T` for all entries.
unsafe impl<T: Send> Send for IterMut<'_, T> {}
// SAFETY: as `&mut T` for all entries.
unsafe impl<T: Sync> Sync for IterMut<'_, T> {}

/// The entries of a [`Table`](crate::Table) by value, leaving it empty.
///
/// The table has given its memory to the iterator, which frees it when it ends: leaking the iterator leaks
/// entries and memory, and leaves an empty table.
pub struct Drain<'a, T> {
    entries: IntoIter<T>,
    /// The table stays borrowed, as callers expect of a `Drain`.
    _table: PhantomData<&'a mut ()>,
}

impl<T> Drain<'_, T> {
    /// References to the entries still to come.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        self.entries.iter()
    }

    pub(crate) fn new(table: RawTable<T>) -> Self {
        Self { entries: IntoIter::new(table), _table: PhantomData }
    }
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.entries.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}
impl<T> ExactSizeIterator for IterMut<'_, T> {}
impl<T> ExactSizeIterator for IntoIter<T> {}
impl<T> ExactSizeIterator for Drain<'_, T> {}
impl<T> FusedIterator for Iter<'_, T> {}
impl<T> FusedIterator for IterMut<'_, T> {}
impl<T> FusedIterator for IntoIter<T> {}
impl<T> FusedIterator for Drain<'_, T> {}

impl<T: core::fmt::Debug> core::fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for IterMarked<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for IterMut<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.iter().fmt(f)
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.entries.fmt(f)
    }
}
