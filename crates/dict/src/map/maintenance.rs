//! The methods that control and maintain the size of a dict. They are those of [`Table`], with the hash of
//! the dict.

use core::hash::{BuildHasher, Hash};
use core::ptr::NonNull;
use core::time::Duration;

use common::Cursor;
use zmalloc::ReserveError;

use super::{Dict, hasher};
use crate::resize::{Pause, Paused, ResizePolicy, sealed};
use crate::stats::Work;
#[cfg(doc)]
use crate::table::Table;

impl<K, V, S> Dict<K, V, S> {
    /// Returns how many chunks must be split or merged until the dict has the size that it should have: see
    /// [`Table::rehash_debt`].
    pub fn rehash_debt(&self) -> usize {
        self.table.rehash_debt()
    }

    /// Returns whether the dict may change its size by itself.
    pub fn resize_policy(&self) -> ResizePolicy {
        self.table.resize_policy()
    }

    /// Sets whether the dict may change its size by itself. In C: `dictSetResizeEnabled`.
    pub fn set_resize_policy(&mut self, policy: ResizePolicy) {
        self.table.set_resize_policy(policy);
    }

    /// Keeps the dict from changing its size by itself until the guard is dropped: see
    /// [`Table::pause_resize`]. In C: `dictPauseAutoResize`.
    ///
    /// ```
    /// let mut dict: dict::Dict<u32, u32> = (0..1000).map(|n| (n, n)).collect();
    /// let mut paused = dict.pause_resize();
    /// for n in 0..900 {
    ///     paused.remove(&n);
    /// }
    /// drop(paused);
    /// let work = dict.rehash(dict.rehash_debt());
    /// assert!(work.chunks_merged > 0);
    /// assert_eq!(dict.rehash_debt(), 0);
    /// ```
    pub fn pause_resize(&mut self) -> Paused<'_, Self> {
        Paused::new(self)
    }

    /// Sets a closure that the dict calls before it allocates memory to grow: see [`Table::on_grow`]. In C:
    /// `resizeAllowed` of a `dictType`.
    pub fn on_grow(&mut self, allows: impl Fn(usize) -> bool + Send + Sync + 'static) {
        self.table.on_grow(allows);
    }

    /// Does what [`Dict::on_grow`] does, but returns an error if there is no memory for the closure: see
    /// [`Table::try_on_grow`].
    pub fn try_on_grow(
        &mut self,
        allows: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> Result<(), ReserveError> {
        self.table.try_on_grow(allows)
    }

    /// Removes the closure of [`Dict::on_grow`].
    pub fn clear_on_grow(&mut self) {
        self.table.clear_on_grow();
    }

    /// Does what [`Dict::scan`] does, and moves the dict's own small blocks for which `moves` is true. `each`
    /// may change keys and values, but not the hash of a key. See [`Table::relocate`]. In C:
    /// `dictScanDefrag`.
    pub fn relocate(
        &mut self,
        cursor: Cursor,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
        mut each: impl FnMut(&mut K, &mut V),
    ) -> Cursor {
        self.table.relocate(cursor, moves, |(key, value)| each(key, value))
    }
}

impl<K, V, S> Dict<K, V, S> {
    /// Drops about `n` entries and returns the dict with the others, or `None` if none are left.
    /// [`Table::drop_in_steps`] describes how work is counted.
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(self, n: usize) -> Option<Self> {
        let Self { hash_builder, table } = self;
        table.drop_in_steps(n).map(|table| Self { hash_builder, table })
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Dict<K, V, S> {
    /// Splits or merges up to `chunks` chunks, towards the size that the dict should have, and returns the
    /// work done: see [`Table::rehash`]. In C: `dictRehash`.
    pub fn rehash(&mut self, chunks: usize) -> Work {
        self.table.rehash(chunks, hasher(&self.hash_builder))
    }

    /// Does what [`Dict::rehash`] does until `clock` has advanced by `budget`: see [`Table::rehash_for`]. In
    /// C: `dictRehashMicroseconds`.
    pub fn rehash_for(&mut self, budget: Duration, clock: impl FnMut() -> Duration) -> Work {
        self.table.rehash_for(budget, clock, hasher(&self.hash_builder))
    }
}

impl<K, V, S> sealed::Sealed for Dict<K, V, S> {
    fn pause(&mut self) {
        sealed::Sealed::pause(&mut self.table);
    }

    fn resume(&mut self) {
        sealed::Sealed::resume(&mut self.table);
    }
}

impl<K, V, S> Pause for Dict<K, V, S> {}
