//! The iterators of a table. They return the slots that [`RawIter`] finds, as references or by value.

use core::iter::FusedIterator;
use core::marker::PhantomData;

use crate::raw::{RawIter, RawTable};

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
        // SAFETY: the slot is an occupied one of a table that is borrowed for `'a`.
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

/// Mutable references to the entries of a [`Table`](crate::Table), in no particular order.
pub struct IterMut<'a, T> {
    raw: RawIter<T>,
    _table: PhantomData<&'a mut T>,
}

impl<T> IterMut<'_, T> {
    pub(crate) fn new(table: &mut RawTable<T>) -> Self {
        Self { raw: table.iter(false), _table: PhantomData }
    }

    /// Returns references to the entries still to come.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter { raw: self.raw.clone(), _table: PhantomData }
    }
}

impl<'a, T> Iterator for IterMut<'a, T> {
    type Item = &'a mut T;

    #[inline]
    fn next(&mut self) -> Option<&'a mut T> {
        // SAFETY: the slot is an occupied one of a table that is borrowed for `'a`, and each slot comes once.
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
    /// Keeps the memory alive. Its entries belong to `raw`.
    table: RawTable<T>,
}

impl<T> IntoIter<T> {
    pub(crate) fn new(table: RawTable<T>) -> Self {
        Self { raw: table.iter(false), table }
    }

    /// Returns references to the entries still to come.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter { raw: self.raw.clone(), _table: PhantomData }
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        // SAFETY: the slot is an occupied one and comes once. The table forgets its entries before it is
        // dropped.
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

// SAFETY: the iterator owns its entries.
unsafe impl<T: Send> Send for IntoIter<T> {}
// SAFETY: a shared reference to the iterator gives out shared references only.
unsafe impl<T: Sync> Sync for IntoIter<T> {}
// SAFETY: the iterator is a set of `&T`.
unsafe impl<T: Sync> Send for Iter<'_, T> {}
// SAFETY: the iterator is a set of `&T`.
unsafe impl<T: Sync> Sync for Iter<'_, T> {}
// SAFETY: the iterator is a set of `&mut T`.
unsafe impl<T: Send> Send for IterMut<'_, T> {}
// SAFETY: the iterator is a set of `&mut T`.
unsafe impl<T: Sync> Sync for IterMut<'_, T> {}

/// The entries of a [`Table`](crate::Table) by value. The table is left empty.
///
/// The table gives its memory to the iterator, which frees it at its end. If the iterator is leaked, the
/// entries and the memory are leaked, and the table is empty.
pub struct Drain<'a, T> {
    entries: IntoIter<T>,
    /// The table stays borrowed, as callers expect of a `Drain`.
    _table: PhantomData<&'a mut ()>,
}

impl<T> Drain<'_, T> {
    /// Returns references to the entries still to come.
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
