//! Lazy free: large values are freed in steps, not by the operation that removes them.
//!
//! An operation that removes or replaces a value of more than 64 blocks adds it to the keyspace's
//! [`Garbage`], in constant time. Garbage counts in all sums until it is free. It is freed
//!
//! - by [`Keyspace::maintain`], [`free_some`](Keyspace::free_some) or [`free_for`](Keyspace::free_for);
//! - by writes: a write that changes a key frees 16 blocks;
//! - by removals: one that adds garbage frees up to 512 older blocks;
//! - by a write that needs room: garbage goes before keys are evicted;
//! - by the caller, for example on a thread: [`take_garbage`](Keyspace::take_garbage).
//!
//! So a keyspace that is only written to frees its garbage too. If writes add more than they free, garbage
//! grows until it has 64 MiB more than the live entries. From then on an operation frees as many older blocks
//! as it adds.
//!
//! A removal adds at most 256 bytes, and none under a limit: what the list of garbage takes is freed from it
//! at once. Without memory for the list, the value is dropped at once.
//!
//! Learned from: Redis' `lazyfree.c` (what is large, the five options), which frees on another thread.

use crate::entry::Entry;
use crate::garbage::{FREE_EFFORT_MAX, Garbage, Pieces, pile_size};
use crate::keyspace::Keyspace;
use crate::options::Lazy;
use crate::shared_sum::SharedSum;
use allocator_api2::boxed::Box;
use core::time::Duration;
use dict::Table;
use zmalloc::Zmalloc;

/// Blocks that a write frees in passing: one or two microseconds.
const BLOCKS_A_WRITE: usize = 16;

/// Blocks of older garbage that an operation frees at most when it adds a large value. So garbage of up to
/// this many blocks a value does not pile up, even if nothing else frees it.
const BLOCKS_A_PUSH: usize = 512;

/// Bytes that a removal may add for the list of garbage, if there is no limit.
pub(crate) const LIST_BYTES: usize = 256;

/// Garbage of more bytes than the keyspace's live entries, and this much more, does not grow any further.
const PILE_BYTES_MIN: usize = 64 << 20;

/// Blocks that [`Keyspace::free_for`] frees between two looks at the clock: some microseconds.
const BLOCKS_A_LOOK: usize = 64;

/// What [`Keyspace::free_some`] has freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freed {
    /// Values whose last block was freed.
    pub objects: usize,
    /// Bytes that are no longer in use.
    pub bytes: usize,
    /// Whether no garbage is left.
    pub is_complete: bool,
}

impl Freed {
    /// Adds what a later call has freed.
    pub(crate) fn add(&mut self, later: Self) {
        self.objects += later.objects;
        self.bytes += later.bytes;
        self.is_complete = later.is_complete;
    }
}

/// How much older garbage goes when a value joins it.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// What the keyspace's entries have, in bytes.
    pub(crate) live_bytes: usize,
    /// Bytes that the list of garbage may add.
    pub(crate) list_bytes: usize,
    /// Whether it is a write, and not upkeep, which has a budget of its own for garbage.
    pub(crate) is_write: bool,
}

/// The garbage of a keyspace.
#[derive(Default)]
pub(crate) struct Lazyfree {
    /// There is a box if and only if there is garbage.
    pile: Option<Box<Pieces, Zmalloc>>,
    /// Which operations leave garbage.
    pub(crate) lazy: Lazy,
    /// How many values of the pile were freed.
    freed_objects: u64,
    /// The bytes of the garbage that was taken.
    taken: SharedSum,
}

impl Lazyfree {
    /// What garbage adds to `used_memory`, here and taken.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.pile.as_ref().map_or(0, pile_size) + self.taken.bytes()
    }

    #[inline]
    pub(crate) fn has_garbage(&self) -> bool {
        self.pile.is_some()
    }

    fn pile_size(&self) -> usize {
        self.pile.as_ref().map_or(0, pile_size)
    }

    /// Takes in an entry, of that `allocation_size`, which has left the sums. An entry that is not large is
    /// dropped.
    #[inline(never)]
    pub(crate) fn push(&mut self, entry: Entry, size: usize, pace: Pace) {
        let blocks = entry.free_effort();
        if blocks <= FREE_EFFORT_MAX {
            return;
        }
        let older = self.pile_size();
        if older > pace.live_bytes.saturating_add(PILE_BYTES_MIN) {
            self.free(blocks);
        } else if pace.is_write {
            self.free(blocks.min(BLOCKS_A_PUSH));
        }
        let before = self.pile_size();
        let Some(pile) = self.pile_mut() else { return };
        pile.push(entry, size);
        self.free_down_to(before + size + pace.list_bytes);
    }

    /// Takes in a table whose entries have that many bytes, and which have left the sums.
    pub(crate) fn push_table(&mut self, table: Table<Entry>, entry_bytes: usize, list_bytes: usize) {
        let (before, size) = (self.pile_size(), table.allocation_size() + entry_bytes);
        let Some(pile) = self.pile_mut() else { return };
        pile.push_table(table, entry_bytes);
        self.free_down_to(before + size + list_bytes);
    }

    fn pile_mut(&mut self) -> Option<&mut Pieces> {
        if self.pile.is_none() {
            self.pile = Pieces::try_new();
        }
        self.pile.as_deref_mut()
    }

    /// Panics unless the sum of the bytes is right. O(n).
    pub(crate) fn check(&self) {
        if let Some(pile) = &self.pile {
            assert!(!pile.is_empty(), "there is a pile only if there is garbage");
            pile.check();
        }
    }

    fn drop_empty(&mut self) {
        self.pile.take_if(|pile| pile.is_empty());
    }

    /// Frees until the pile has at most that many bytes. A pile without garbage goes.
    fn free_down_to(&mut self, bytes: usize) {
        self.drop_empty();
        while self.pile_size() > bytes {
            self.free(BLOCKS_A_WRITE);
        }
    }

    /// Frees about so many blocks, and returns how many values are gone.
    pub(crate) fn free(&mut self, blocks: usize) -> usize {
        let Some(pile) = &mut self.pile else { return 0 };
        let objects = pile.free(blocks);
        self.freed_objects += objects as u64;
        self.drop_empty();
        objects
    }

    /// What a write frees in passing.
    #[cold]
    pub(crate) fn free_in_passing(&mut self) {
        self.free(BLOCKS_A_WRITE);
    }
}

impl<S> Keyspace<S> {
    /// Frees about `blocks` blocks of garbage: of values that were removed, but were too large to be freed
    /// then. O(`blocks`), and now and then a step of table memory, 256 KiB.
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
        let before = self.totals.lazyfree.pile_size();
        let objects = self.totals.lazyfree.free(blocks);
        // A step may take some KiB for the directory of a large table.
        let bytes = before.saturating_sub(self.totals.lazyfree.pile_size());
        Freed { objects, bytes, is_complete: !self.totals.lazyfree.has_garbage() }
    }

    /// [`free_some`](Self::free_some) for as long as `budget` lasts by the caller's `clock`, which tells the
    /// time since any moment. Overshoots by 64 blocks, some microseconds.
    pub fn free_for(&mut self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Freed {
        let (start, mut all) = (clock(), Freed::default());
        loop {
            let step = self.free_some(BLOCKS_A_LOOK);
            all.add(step);
            if all.is_complete || clock().saturating_sub(start) >= budget {
                return all;
            }
        }
    }

    /// Gives out the garbage, to be freed elsewhere. Returns `None` if there is no garbage. Constant time. In
    /// C: what `UNLINK` gives to its thread.
    ///
    /// Its bytes count here until it is dropped, but nothing here can free them. So at the limit a write may
    /// evict keys, or be refused, while another thread is still at work.
    ///
    /// The first call makes a counter through the global allocator, which does not return an error.
    #[must_use = "the values are dropped at once"]
    pub fn take_garbage(&mut self) -> Option<Garbage> {
        let pieces = self.totals.lazyfree.pile.take()?;
        let share = self.totals.lazyfree.taken.add(pile_size(&pieces));
        Some(Garbage::new(pieces, share))
    }

    /// How many values are garbage, those that were taken left out. In C: `lazyfree_pending_objects` of INFO.
    pub fn lazyfree_pending_objects(&self) -> usize {
        self.totals.lazyfree.pile.as_ref().map_or(0, |pile| pile.objects())
    }

    /// What garbage still adds to `used_memory`, in bytes: here, and what was taken and is not dropped.
    /// [`allocation_size`](Self::allocation_size) includes it. Constant time.
    pub fn lazyfree_pending_bytes(&self) -> usize {
        self.totals.lazyfree.allocation_size()
    }

    /// How many values were garbage and have been freed here. Those that were taken are not counted. In C:
    /// `lazyfreed_objects` of INFO.
    pub fn lazyfreed_objects(&self) -> u64 {
        self.totals.lazyfree.freed_objects
    }
}
