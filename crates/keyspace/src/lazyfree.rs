//! Lazy free: a large value is freed in steps, and not by the operation that removes it.
//!
//! An operation that removes or replaces a value of more than 64 blocks moves it to the keyspace's
//! [`Garbage`], in constant time. Garbage counts as used memory until it is freed. It is freed
//!
//! - by [`Keyspace::maintain`], [`free_some`](Keyspace::free_some) or [`free_for`](Keyspace::free_for);
//! - by writes: a write that changes a key frees 16 blocks;
//! - by removals: a removal that adds garbage frees up to 512 older blocks;
//! - by a write that needs room: garbage is freed before keys are evicted;
//! - by the caller, for example on a thread: [`take_garbage`](Keyspace::take_garbage).
//!
//! So the garbage is also freed if the caller does nothing but write. If writes add more garbage than they
//! free, it grows until it has 64 MiB more than the live entries. From then on an operation frees as many
//! older blocks as it adds.
//!
//! A removal increases the used memory by at most 256 bytes, and by none if there is a limit. If the list of
//! garbage grows by more, as much garbage is freed at once. If there is no memory for the list, the value is
//! dropped at once.
//!
//! Learned from: Redis' `lazyfree.c` (which values are large, and the five options). It frees on another
//! thread.

use crate::entry::Entry;
use crate::garbage::{FREE_EFFORT_MAX, Garbage, Pieces, garbage_size};
use crate::keyspace::Keyspace;
use crate::options::Lazy;
use crate::shared_sum::SharedSum;
use allocator_api2::boxed::Box;
use core::time::Duration;
use dict::Table;
use zmalloc::Zmalloc;

/// How many blocks of garbage each write frees. This takes one or two microseconds.
const BLOCKS_PER_WRITE: usize = 16;

/// How many blocks of older garbage an operation frees at most when it adds a large value. So values of up to
/// this many blocks do not accumulate, even if nothing else frees them.
const BLOCKS_PER_PUSH: usize = 512;

/// How many bytes a removal may add for the list of garbage, if there is no limit.
pub(crate) const LIST_BYTES: usize = 256;

/// Garbage grows until it has this many bytes more than the keyspace's live entries.
const GARBAGE_BYTES_MIN: usize = 64 << 20;

/// How many blocks [`Keyspace::free_for`] frees between two looks at the clock. This takes some microseconds.
const BLOCKS_PER_CLOCK_READ: usize = 64;

/// The result of [`Keyspace::free_some`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freed {
    /// How many values were completely freed.
    pub objects: usize,
    /// How many bytes were freed.
    pub bytes: usize,
    /// Whether no garbage is left.
    pub is_complete: bool,
}

impl Freed {
    /// Adds the result of a later call.
    pub(crate) fn add(&mut self, later: Self) {
        self.objects += later.objects;
        self.bytes += later.bytes;
        self.is_complete = later.is_complete;
    }
}

/// Determines how much older garbage is freed when a value is added.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// The bytes of the keyspace's live entries.
    pub(crate) live_bytes: usize,
    /// How many bytes the list of garbage may grow by.
    pub(crate) list_bytes: usize,
    /// Whether a write adds the value. Maintenance has its own budget for garbage.
    pub(crate) is_write: bool,
}

/// The garbage of a keyspace.
#[derive(Default)]
pub(crate) struct Lazyfree {
    /// The garbage. `None` if there is none.
    pieces: Option<Box<Pieces, Zmalloc>>,
    /// Which operations leave garbage.
    pub(crate) lazy: Lazy,
    /// How many values of the garbage have been freed so far.
    freed_objects: u64,
    /// The bytes of the garbage that was taken.
    taken: SharedSum,
}

impl Lazyfree {
    /// Returns what garbage adds to `used_memory`: the pieces, and the garbage that was taken.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.pieces.as_ref().map_or(0, garbage_size) + self.taken.bytes()
    }

    #[inline]
    pub(crate) fn has_garbage(&self) -> bool {
        self.pieces.is_some()
    }

    fn garbage_size(&self) -> usize {
        self.pieces.as_ref().map_or(0, garbage_size)
    }

    /// Adds an entry, or drops it if it is not large. `size` is its `allocation_size`, which the sums must no
    /// longer contain.
    #[inline(never)]
    pub(crate) fn push(&mut self, entry: Entry, size: usize, pace: Pace) {
        let blocks = entry.free_effort();
        if blocks <= FREE_EFFORT_MAX {
            return;
        }
        let older = self.garbage_size();
        if older > pace.live_bytes.saturating_add(GARBAGE_BYTES_MIN) {
            self.free(blocks);
        } else if pace.is_write {
            self.free(blocks.min(BLOCKS_PER_PUSH));
        }
        let before = self.garbage_size();
        let Some(pieces) = self.pieces_mut() else { return };
        pieces.push(entry, size);
        self.free_down_to(before + size + pace.list_bytes);
    }

    /// Adds a table. Its entries have `entry_bytes` bytes, which the sums must no longer contain.
    pub(crate) fn push_table(&mut self, table: Table<Entry>, entry_bytes: usize, list_bytes: usize) {
        let (before, size) = (self.garbage_size(), table.allocation_size() + entry_bytes);
        let Some(pieces) = self.pieces_mut() else { return };
        pieces.push_table(table, entry_bytes);
        self.free_down_to(before + size + list_bytes);
    }

    fn pieces_mut(&mut self) -> Option<&mut Pieces> {
        if self.pieces.is_none() {
            self.pieces = Pieces::try_new();
        }
        self.pieces.as_deref_mut()
    }

    /// Panics unless the sum of the bytes is right. O(n).
    pub(crate) fn check(&self) {
        if let Some(pieces) = &self.pieces {
            assert!(!pieces.is_empty(), "there is an allocation only if there is garbage");
            pieces.check();
        }
    }

    fn drop_empty(&mut self) {
        self.pieces.take_if(|pieces| pieces.is_empty());
    }

    /// Frees garbage until it has at most `bytes` bytes, in the smallest steps, so that no more is freed. Drops the pieces if they are empty.
    fn free_down_to(&mut self, bytes: usize) {
        self.drop_empty();
        while self.garbage_size() > bytes {
            self.free(1);
        }
    }

    /// Frees about `blocks` blocks, and returns how many values are completely freed.
    pub(crate) fn free(&mut self, blocks: usize) -> usize {
        let Some(pieces) = &mut self.pieces else { return 0 };
        let objects = pieces.free(blocks);
        self.freed_objects += objects as u64;
        self.drop_empty();
        objects
    }

    /// Frees the part that each write frees.
    #[cold]
    pub(crate) fn free_for_write(&mut self) {
        self.free(BLOCKS_PER_WRITE);
    }
}

impl<S> Keyspace<S> {
    /// Frees about `blocks` blocks of garbage: of values that were removed earlier, but were too large to be
    /// freed then. O(`blocks`). Now and then it also frees a step of table memory, which is 256 KiB.
    ///
    /// ```
    /// let mut keyspace = keyspace::Keyspace::new();
    /// for n in 0..10_000 {
    ///     keyspace.sadd("large", format!("member {n}").as_bytes(), 0)?;
    /// }
    /// keyspace.remove("large", 0);
    /// let mut steps = 0;
    /// while !keyspace.free_some(100).is_complete {
    ///     steps += 1;
    /// }
    /// assert!(steps > 50 && keyspace.lazyfree_pending_bytes() == 0);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn free_some(&mut self, blocks: usize) -> Freed {
        let before = self.totals.lazyfree.garbage_size();
        let objects = self.totals.lazyfree.free(blocks);
        // A step may allocate some KiB for the directory of a large table, so the subtraction saturates.
        let bytes = before.saturating_sub(self.totals.lazyfree.garbage_size());
        Freed { objects, bytes, is_complete: !self.totals.lazyfree.has_garbage() }
    }

    /// Like [`free_some`](Self::free_some), but works until `budget` has passed by the caller's `clock`,
    /// which returns the time since any fixed moment. May exceed the budget by the time of 64 blocks, which
    /// is some microseconds.
    pub fn free_for(&mut self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Freed {
        let (start, mut all) = (clock(), Freed::default());
        loop {
            let step = self.free_some(BLOCKS_PER_CLOCK_READ);
            all.add(step);
            if all.is_complete || clock().saturating_sub(start) >= budget {
                return all;
            }
        }
    }

    /// Returns the garbage, so that the caller can free it elsewhere. Returns `None` if there is no garbage.
    /// O(1). In C: the objects that `UNLINK` hands to a thread.
    ///
    /// The keyspace counts these bytes until the garbage is dropped, but can no longer free them. So at the
    /// limit a write may evict keys, or fail, while another thread still frees the garbage.
    ///
    /// The first call allocates a counter from the global allocator. If there is no memory for it, the
    /// process aborts.
    #[must_use = "the values are dropped at once"]
    pub fn take_garbage(&mut self) -> Option<Garbage> {
        let pieces = self.totals.lazyfree.pieces.take()?;
        let counted = self.totals.lazyfree.taken.add(garbage_size(&pieces));
        Some(Garbage::new(pieces, counted))
    }

    /// Returns the number of values in the garbage, without those that were taken. In C:
    /// `lazyfree_pending_objects` of INFO.
    pub fn lazyfree_pending_objects(&self) -> usize {
        self.totals.lazyfree.pieces.as_ref().map_or(0, |pieces| pieces.objects())
    }

    /// Returns the bytes that garbage adds to `used_memory`, including garbage that was taken and is not
    /// dropped yet. [`allocation_size`](Self::allocation_size) includes them. O(1).
    pub fn lazyfree_pending_bytes(&self) -> usize {
        self.totals.lazyfree.allocation_size()
    }

    /// Returns how many values of the garbage this keyspace has freed. Values that were taken are not
    /// counted. In C: `lazyfreed_objects` of INFO.
    pub fn lazyfreed_objects(&self) -> u64 {
        self.totals.lazyfree.freed_objects
    }
}
