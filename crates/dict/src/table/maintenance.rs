//! What the owner of a table may say about its size, and do for it when there is time.

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

/// Chunks that [`Table::rehash_for`] does between two looks at the clock: some microseconds of work.
const CHUNKS_A_LOOK: usize = 16;

impl<T> Table<T> {
    /// How many chunks [`Table::rehash`] would split or merge now: 0 for a table that is as large as it should be. What
    /// a [`ResizePolicy`], a pause, a veto, a limit of growth, missing memory or a bulk of removals has put off. Constant
    /// time.
    pub fn rehash_debt(&self) -> usize {
        self.raw.debt()
    }

    /// Splits or merges up to `chunks` chunks, towards the size that the table should have, and says what it did. Stops early
    /// when there is no more to do, when memory is missing, or when growth is vetoed or beyond its limit; does nothing under
    /// [`ResizePolicy::Forbid`]. O(entries of those chunks). In C: `dictRehash`.
    ///
    /// Inserts and removals do as much by themselves as they need. This is for the time after a bulk of them, and for idle
    /// time: removals leave a table at a third of its slots, maintenance at more than six tenths.
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
    ///     // (Not as long as there is a debt: a policy, a veto or missing memory may be in the way.)
    ///     if work.chunks_merged == 0 {
    ///         break;
    ///     }
    /// }
    /// assert!(table.allocation_size() < before / 5);
    /// ```
    pub fn rehash(&mut self, chunks: usize, hasher: impl Fn(&T) -> u64) -> Work {
        self.raw.rehash(chunks, hasher)
    }

    /// [`Table::rehash`] for as long as `budget` lasts by the caller's `clock`, which tells the time since any moment: a
    /// table has no clock of its own. Overshoots by sixteen chunks at most, some microseconds. In C:
    /// `dictRehashMicroseconds`.
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
            let work = self.raw.rehash(CHUNKS_A_LOOK, &hasher);
            if work.chunks_split + work.chunks_merged == 0 {
                break;
            }
        }
        self.stats().work.since(before)
    }

    /// Whether the table may change its size by itself.
    pub fn resize_policy(&self) -> ResizePolicy {
        self.raw.policy()
    }

    /// Says whether the table may change its size by itself. What is put off shows in [`Table::rehash_debt`]; when it is
    /// allowed again, each insert or removal does one chunk of it. In C: `dictSetResizeEnabled`.
    pub fn set_resize_policy(&mut self, policy: ResizePolicy) {
        self.raw.set_policy(policy);
    }

    /// Keeps the table from changing its size by itself until the guard is dropped. For a bulk of removals, which then
    /// does not pay for a smaller table; inserts go on with longer chains. In C: `dictPauseAutoResize`.
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

    /// Has `allows` asked before the table takes memory to grow, with the number of bytes it would take: a segment, at
    /// most 256 KiB and its tags, or a new directory. If the answer is no, the growth is put off and asked for
    /// again by the next insert; the table serves on with longer chains. Takes the place of the one before. Not asked: for
    /// the first chunk, without which there is no table, for overflow children, and by [`Table::reserve`]. A clone of the
    /// table asks nobody. In C: `resizeAllowed` of a `dictType`.
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

    /// [`Table::on_grow`] that says when there is no memory for the closure. The one before then stays.
    pub fn try_on_grow<F: Fn(usize) -> bool + Send + Sync + 'static>(
        &mut self,
        allows: F,
    ) -> Result<(), ReserveError> {
        let no_memory = ReserveError::OutOfMemory { size: size_of::<F>() };
        let veto: Veto = unsize_box!(Box::try_new_in(allows, Zmalloc).map_err(|_| no_memory)?);
        self.raw.set_veto(Some(veto));
        Ok(())
    }

    /// Lets the table grow by `bytes` of memory in all from now on. What it takes beyond is put off, as by
    /// [`on_grow`](Self::on_grow), but without a closure: for a caller that knows its room before each insert. Each
    /// growth takes its bytes off the limit. `usize::MAX` is no limit, and the default. Overflow children and
    /// [`Table::reserve`] do not count. Constant time.
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

    /// The bytes that the next insert allocates to grow the table. Usually 0. Overflow children, of up to 64 bytes
    /// each, come on top. Constant time.
    ///
    /// ```
    /// let table = dict::Table::<u64>::new();
    /// assert!(table.next_growth_bytes() > 0); // the first chunk
    /// ```
    pub fn next_growth_bytes(&self) -> usize {
        if self.raw.grows_next() { self.raw.growth_bytes() } else { 0 }
    }

    /// Lets the table grow without asking.
    pub fn clear_on_grow(&mut self) {
        self.raw.set_veto(None);
    }

    /// [`Table::scan`] that may change entries, in ways that do not change their hash, and moves the table's own small blocks:
    /// `moves` is asked for each one, with its size, whether it should lie elsewhere, as `zmalloc::defrag::Survey::hint`
    /// says. For a defragmenter: `each` moves what an entry points to and writes the new pointer into it.
    ///
    /// The blocks are the overflow children, and, when the scan starts, the directory of a table that is not large and the
    /// chunks of one that is no larger than a page. There is no use in moving larger blocks, which lie in pages of their own. A
    /// block that finds no memory stays where it is. Entries of a moved block are at another address afterwards. In C:
    /// `dictScanDefrag`.
    ///
    /// Under [`ResizePolicy::Allow`], and while the table is not paused, a call first merges one chunk if the table is too large: chunks
    /// that are hardly used hold more memory than gaps do. So an entry may come more than once.
    ///
    /// Nothing else is freed in a call than what it moves. So a block that `moves` was asked about, and that it let lie, is live when the
    /// call returns: a caller may note blocks in one call, and move them in another one at the same cursor.
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
            // SAFETY: `step` names live chunks; the table is borrowed for writing, and each occupied slot comes once.
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
