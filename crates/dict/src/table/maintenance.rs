//! The methods that control and maintain the size of a table.

use core::ptr::NonNull;
use core::time::Duration;

use allocator_api2::boxed::Box;
use allocator_api2::unsize_box;
use common::Cursor;
use zmalloc::{ReserveError, Zmalloc, or_oom};

use crate::resize::{Pause, Paused, ResizePolicy, Veto, sealed};
use crate::scan::step;
use crate::stats::Work;
use crate::table::Table;

/// The number of chunks that [`Table::rehash_for`] processes between two reads of the clock: some
/// microseconds of work.
const CHUNKS_PER_CLOCK_READ: usize = 16;

impl<T> Table<T> {
    /// Returns how many chunks must be split or merged until the table has the size that it should have. The
    /// number is not 0 while splits or merges are put off. A [`ResizePolicy`], a pause, a veto, a limit of
    /// growth, missing memory, or a bulk of removals puts them off. Constant time.
    pub fn rehash_debt(&self) -> usize {
        self.raw.rehash_debt()
    }

    /// Splits or merges up to `chunks` chunks, towards the size that the table should have, and returns the
    /// work done. Stops early when nothing is left to do, when there is no memory, or when growth is vetoed
    /// or exceeds its limit. Does nothing under [`ResizePolicy::Forbid`]. O(entries of those chunks). In C:
    /// `dictRehash`.
    ///
    /// Inserts and removals do as much of this as they need. This method is for the time after a bulk of
    /// them, and for idle time. Removals keep at least a third of the slots in use. When this method has
    /// nothing left to merge, more than six tenths are in use.
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table: dict::Table<u64> = (0..10_000).fold(dict::Table::new(), |mut table, n| {
    ///     table.insert_unique(hash(&n), n, hash);
    ///     table
    /// });
    /// table.retain(|n| *n % 10 == 0);
    /// let before = table.allocation_size();
    /// loop {
    ///     let work = table.rehash(100, hash);
    ///     assert!(work.chunks_merged <= 100);
    ///     // A loop until the debt is 0 might not end, because of a policy, a veto or missing memory.
    ///     if work.chunks_merged == 0 {
    ///         break;
    ///     }
    /// }
    /// assert!(table.allocation_size() < before / 5);
    /// ```
    pub fn rehash(&mut self, chunks: usize, hasher: impl Fn(&T) -> u64) -> Work {
        self.raw.rehash(chunks, hasher)
    }

    /// Does what [`Table::rehash`] does until the caller's `clock` has advanced by `budget`. The clock
    /// returns the time since any fixed moment, because a table has no clock of its own. The call may exceed
    /// the budget by the time for sixteen chunks, some microseconds. In C: `dictRehashMicroseconds`.
    ///
    /// ```
    /// # let mut table = dict::Table::<u64>::new();
    /// let start = std::time::Instant::now();
    /// let work = table.rehash_for(std::time::Duration::from_micros(500), || start.elapsed(), |n| *n);
    /// assert_eq!(work.entries_moved, 0, "there was nothing to do");
    /// ```
    pub fn rehash_for(
        &mut self,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
        hasher: impl Fn(&T) -> u64,
    ) -> Work {
        let (before, start) = (self.stats().work, clock());
        while self.rehash_debt() > 0 && clock().saturating_sub(start) < budget {
            let work = self.raw.rehash(CHUNKS_PER_CLOCK_READ, &hasher);
            if work.chunks_split + work.chunks_merged == 0 {
                break;
            }
        }
        self.stats().work.since(before)
    }

    /// Returns whether the table may change its size by itself.
    pub fn resize_policy(&self) -> ResizePolicy {
        self.raw.policy()
    }

    /// Sets whether the table may change its size by itself. [`Table::rehash_debt`] counts the splits and
    /// merges that are put off. When the policy allows them again, each insert or removal does one of them.
    /// In C: `dictSetResizeEnabled`.
    pub fn set_resize_policy(&mut self, policy: ResizePolicy) {
        self.raw.set_policy(policy);
    }

    /// Keeps the table from changing its size by itself until the guard is dropped. This is for a bulk of
    /// removals, which then does not pay for a smaller table. Inserts make chains longer meanwhile. In C:
    /// `dictPauseAutoResize`.
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// # let mut table = dict::Table::new();
    /// # for n in 0..1000_u64 { table.insert_unique(hash(&n), n, hash); }
    /// let chunks = table.stats().chunks;
    /// let mut paused = table.pause_resize();
    /// for n in 0..990 {
    ///     paused.find_entry(hash(&n), |&other| other == n).unwrap().remove();
    /// }
    /// drop(paused);
    /// assert_eq!(table.stats().chunks, chunks);
    /// assert!(table.rehash_debt() > 0);
    /// ```
    pub fn pause_resize(&mut self) -> Paused<'_, Self> {
        Paused::new(self)
    }

    /// Sets a closure that the table calls before it allocates memory to grow. Its argument is the number of
    /// bytes of that memory, which is for new chunks (at most 256 KiB and their tags), for a new directory,
    /// or for both. If the closure returns `false`, the growth is put off and the next insert tries again.
    /// The table works with longer chains until then.
    ///
    /// A new closure replaces the previous one. It is not called for the first chunk, without which there is
    /// no table, for overflow children, or by [`Table::reserve`]. A clone of the table has no closure. In C:
    /// `resizeAllowed` of a `dictType`.
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = dict::Table::new();
    /// let limit = zmalloc::used_memory() + 100_000;
    /// table.on_grow(move |bytes| zmalloc::used_memory() + bytes <= limit);
    /// # for n in 0..30_000_u64 { table.insert_unique(hash(&n), n, hash); }
    /// # assert!(table.rehash_debt() > 0);
    /// ```
    pub fn on_grow(&mut self, allows: impl Fn(usize) -> bool + Send + Sync + 'static) {
        or_oom(self.try_on_grow(allows));
    }

    /// Does what [`Table::on_grow`] does, but returns an error if there is no memory for the closure. The
    /// previous one then stays.
    pub fn try_on_grow<F: Fn(usize) -> bool + Send + Sync + 'static>(
        &mut self,
        allows: F,
    ) -> Result<(), ReserveError> {
        let no_memory = ReserveError::OutOfMemory { size: size_of::<F>() };
        let veto: Veto = unsize_box!(Box::try_new_in(allows, Zmalloc).map_err(|_| no_memory)?);
        self.raw.set_veto(Some(veto));
        Ok(())
    }

    /// Sets a limit of growth: from now on, the table may allocate at most `bytes` bytes in total to grow.
    /// Growth beyond the limit is put off, as with [`on_grow`](Self::on_grow), but without a closure. This is
    /// for callers that know the free memory before each insert.
    ///
    /// Each growth reduces the limit by its bytes. `usize::MAX` means no limit, and is the default. Overflow
    /// children and [`Table::reserve`] do not count. Constant time.
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = dict::Table::new();
    /// for n in 0..30_000_u64 {
    ///     let room = 100_000_usize.saturating_sub(table.allocation_size());
    ///     table.set_growth_limit(room);
    ///     table.insert_unique(hash(&n), n, hash);
    /// }
    /// let children = table.stats().children * 64;
    /// assert!(table.rehash_debt() > 0 && table.allocation_size() <= 100_000 + children);
    /// ```
    pub fn set_growth_limit(&mut self, bytes: usize) {
        self.raw.set_growth_limit(bytes);
    }

    /// Returns the bytes that the next insert allocates to grow the table, which is usually 0. Overflow
    /// children, of up to 64 bytes each, are not included. Constant time.
    ///
    /// ```
    /// let table = dict::Table::<u64>::new();
    /// assert!(table.next_growth_bytes() > 0); // the first chunk
    /// ```
    pub fn next_growth_bytes(&self) -> usize {
        if self.raw.grows_next() { self.raw.growth_bytes() } else { 0 }
    }

    /// Removes the closure of [`Table::on_grow`].
    pub fn clear_on_grow(&mut self) {
        self.raw.set_veto(None);
    }

    /// Does what [`Table::scan`] does, and moves the table's own small blocks. `each` may change entries, but
    /// not their hash. This is for defragmentation, where `each` moves what an entry points to and writes the
    /// new pointer into it.
    ///
    /// `moves` is called with the address and the size of each block, and returns whether the block should
    /// move, as `zmalloc::defrag::Survey::hint` does. The blocks are the overflow children and, when the scan
    /// starts, two more. These are the directory, if it is not large, and the chunks, if the table is no
    /// larger than a page. Larger blocks lie in pages of their own, so moving them wins nothing. A block
    /// stays where it is if there is no memory. The entries of a moved block have another address afterwards.
    /// In C: `dictScanDefrag`.
    ///
    /// If the table is too large, a call first merges one chunk, because chunks that are hardly used waste
    /// more memory than gaps do. This happens only under [`ResizePolicy::Allow`] and while the table is not
    /// paused. An entry may therefore be visited more than once.
    ///
    /// After that merge, a call frees only the blocks that it moves. A block for which `moves` returned
    /// `false` is therefore live when the call returns. A caller may note blocks in one call, and move them
    /// in another call at the same cursor.
    pub fn relocate(
        &mut self,
        cursor: Cursor,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
        mut each: impl FnMut(&mut T),
    ) -> Cursor {
        self.raw.merge_if_due(); // first: it frees blocks
        if self.raw.chunks() == 0 {
            return Cursor::START;
        }
        if cursor.is_start() {
            self.raw.relocate_storage(moves);
        }
        let (chunk, other_half, next) = step(cursor, self.raw.chunks());
        for chunk in [Some(chunk), other_half].into_iter().flatten() {
            // SAFETY: `step` returns live chunks. The table is borrowed for writing, and each occupied slot
            // comes once.
            unsafe {
                self.raw.relocate_children(chunk, moves);
                for mut slot in self.raw.iter_chunk(chunk, false) {
                    each(slot.entry.as_mut());
                }
            }
        }
        next
    }
}

impl<T> sealed::Sealed for Table<T> {
    fn pause(&mut self) {
        self.raw.pause();
    }

    fn resume(&mut self) {
        self.raw.resume();
    }
}

impl<T> Pause for Table<T> {}
