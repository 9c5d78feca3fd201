//! [`Garbage`]: values that no longer belong to a key, but are not freed yet.
//!
//! ```text
//!  Garbage -> | bytes | dropping |     the collection that is being dropped
//!             |       | entries  |     removed keys with their values
//!             |       | tables   |     the tables of cleared keyspaces, with their entries
//! ```
//!
//! A step drops a part of the collection, of the last entry, or of the last table. The entries of a table are
//! dropped chunk by chunk. An entry with a large value is moved to `entries` instead.
//!
//! Invariant: `bytes` is what the collection, the entries and the tables add to `used_memory`. The two lists
//! themselves are not included.
//!
//! Limits: a string is one block, and is freed at once, however long it is.

use crate::entry::Entry;
use crate::shared_sum::CountedBytes;
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use core::fmt;
use dict::Table;
use dict::prefetch::prefetch;
use values::Remains;
use zmalloc::{Zmalloc, box_size, try_box, vec_size};

/// A value is large if it has more blocks than this, including the block of its entry. The operation that
/// removes a large value does not free it. In C: `LAZYFREE_THRESHOLD`.
pub(crate) const FREE_EFFORT_MAX: usize = 64;

/// Values that have been removed from a keyspace, but are not freed yet. Dropping the garbage frees all of
/// them at once.
///
/// [`Keyspace::take_garbage`](crate::Keyspace::take_garbage) returns it, so that it can be dropped elsewhere:
///
/// ```
/// use keyspace::Keyspace;
/// let mut keyspace = Keyspace::new();
/// for n in 0..10_000 {
///     keyspace.sadd("large", format!("member {n}").as_bytes(), 0)?;
/// }
/// keyspace.remove("large", 0);
/// assert_eq!(keyspace.lazyfree_pending_objects(), 1);
///
/// let garbage = keyspace.take_garbage().unwrap();
/// assert_eq!(keyspace.lazyfree_pending_bytes(), garbage.allocation_size());
/// std::thread::spawn(move || drop(garbage)).join().unwrap();
/// assert_eq!(keyspace.lazyfree_pending_bytes(), 0);
/// # Ok::<(), keyspace::Error>(())
/// ```
#[must_use = "the values are dropped at once"]
pub struct Garbage {
    pieces: Box<Pieces, Zmalloc>,
    /// What the keyspace still counts for these values. It is dropped last.
    counted: CountedBytes,
}

/// Garbage may be dropped on another thread.
const _: () = {
    const fn sendable<T: Send + Sync>() {}
    sendable::<Garbage>();
};

impl Garbage {
    /// Returns garbage of these pieces. `counted` must count all of them.
    pub(crate) fn new(pieces: Box<Pieces, Zmalloc>, counted: CountedBytes) -> Self {
        Self { pieces, counted }
    }

    /// Returns the number of values.
    pub fn objects(&self) -> usize {
        self.pieces.objects()
    }

    /// Returns the bytes that the values still add to `used_memory`. Exact and O(1).
    pub fn allocation_size(&self) -> usize {
        garbage_size(&self.pieces)
    }

    /// Frees about `blocks` blocks, and returns what is left. O(`blocks`). Now and then it also frees 256 KiB
    /// of a table's memory at once.
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// # for n in 0..1_000 { keyspace.sadd("large", format!("member {n}").as_bytes(), 0)?; }
    /// # keyspace.remove("large", 0);
    /// let mut left = keyspace.take_garbage();
    /// while let Some(garbage) = left {
    ///     left = garbage.drop_in_steps(100);
    ///     // Something else may happen here.
    /// }
    /// assert_eq!(keyspace.lazyfree_pending_bytes(), 0);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(mut self, blocks: usize) -> Option<Self> {
        self.pieces.free(blocks);
        if self.pieces.is_empty() {
            return None;
        }
        self.counted.set_to(garbage_size(&self.pieces));
        Some(self)
    }
}

impl fmt::Debug for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Garbage")
            .field("objects", &self.objects())
            .field("allocation_size", &self.allocation_size())
            .finish_non_exhaustive()
    }
}

/// Returns the bytes that garbage adds to `used_memory`, including its box and its lists. O(1).
pub(crate) fn garbage_size(pieces: &Box<Pieces, Zmalloc>) -> usize {
    box_size(pieces) + vec_size(&pieces.entries) + vec_size(&pieces.tables) + pieces.bytes
}

/// The pieces of garbage. The drawing at the top of this file shows them.
pub(crate) struct Pieces {
    bytes: usize,
    dropping: Option<Dropping>,
    entries: Vec<Entry, Zmalloc>,
    tables: Vec<Table<Entry>, Zmalloc>,
}

/// A collection that is being dropped, and approximately how many of its blocks are left.
struct Dropping {
    remains: Remains,
    blocks: usize,
}

impl Pieces {
    /// Returns an empty value in a box, or `None` if there is no memory.
    pub(crate) fn try_new() -> Option<Box<Self, Zmalloc>> {
        let (entries, tables) = (Vec::new_in(Zmalloc), Vec::new_in(Zmalloc));
        try_box(Self { bytes: 0, dropping: None, entries, tables }).ok()
    }

    /// Panics unless the sum of the bytes is right. O(n).
    pub(crate) fn check(&self) {
        let dropping = self.dropping.as_ref().map_or(0, |dropping| dropping.remains.allocation_size());
        let sum = |entry: &Entry| entry.allocation_size();
        let entries: usize = self.entries.iter().map(sum).sum();
        let of_table = |table: &Table<Entry>| table.allocation_size() + table.iter().map(sum).sum::<usize>();
        let tables: usize = self.tables.iter().map(of_table).sum();
        assert_eq!(dropping + entries + tables, self.bytes, "the bytes of all garbage are the sum");
    }

    /// Returns the number of values.
    pub(crate) fn objects(&self) -> usize {
        let in_tables: usize = self.tables.iter().map(Table::len).sum();
        usize::from(self.dropping.is_some()) + self.entries.len() + in_tables
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.dropping.is_none() && self.entries.is_empty() && self.tables.is_empty()
    }

    /// Adds an entry. `size` is its `allocation_size`. Drops the entry if there is no memory for a longer
    /// list.
    pub(crate) fn push(&mut self, entry: Entry, size: usize) {
        if self.entries.try_reserve(1).is_ok() {
            self.entries.push(entry);
            self.bytes += size;
        }
    }

    /// Adds a table. `entry_bytes` is what its entries add to `used_memory`. Drops the table if there is no
    /// memory for a longer list.
    pub(crate) fn push_table(&mut self, table: Table<Entry>, entry_bytes: usize) {
        // There is hardly ever more than one table, and `Vec` would make room for four.
        if self.tables.try_reserve_exact(1).is_ok() {
            self.bytes += table.allocation_size() + entry_bytes;
            self.tables.push(table);
        }
    }

    /// Frees about `blocks` blocks, and at least one step of a value. Returns how many values are completely
    /// freed. A step may also allocate some KiB for the directory of a large table, or for the list of
    /// entries.
    pub(crate) fn free(&mut self, blocks: usize) -> usize {
        let (mut left, mut objects) = (blocks.max(1), 0);
        while left > 0 {
            let (worked, gone) = if let Some(dropping) = self.dropping.take() {
                self.drop_part(dropping, left)
            } else if let Some(entry) = self.entries.pop() {
                self.drop_entry(entry, left)
            } else if let Some(table) = self.tables.pop() {
                self.drop_chunks(table, left)
            } else {
                break;
            };
            objects += gone;
            left = left.saturating_sub(worked);
        }
        objects
    }

    /// Drops a part of a collection. Returns how many blocks were freed, and how many values are completely
    /// freed.
    fn drop_part(&mut self, Dropping { remains, blocks }: Dropping, left: usize) -> (usize, usize) {
        let before = remains.allocation_size();
        let rest = remains.drop_in_steps(left);
        self.bytes -= before;
        self.store_rest(rest, blocks, left)
    }

    /// Drops the first part of an entry. Returns the same numbers as [`drop_part`](Self::drop_part).
    fn drop_entry(&mut self, entry: Entry, left: usize) -> (usize, usize) {
        let blocks = entry.free_effort();
        self.bytes -= entry.allocation_size();
        self.store_rest(entry.drop_in_steps(left), blocks, left)
    }

    /// Stores what is left of a value after a step of `left` blocks.
    fn store_rest(&mut self, rest: Option<Remains>, blocks: usize, left: usize) -> (usize, usize) {
        let Some(remains) = rest else { return (blocks.max(1), 1) };
        self.bytes += remains.allocation_size();
        self.dropping = Some(Dropping { remains, blocks: blocks.saturating_sub(left) });
        (left, 0)
    }

    /// Drops a part of a table. Returns the same numbers as [`drop_part`](Self::drop_part).
    fn drop_chunks(&mut self, mut table: Table<Entry>, left: usize) -> (usize, usize) {
        let (before, mut freed, mut dropped, mut kept) = (table.allocation_size(), 0, 0, 0);
        let ahead = |entry: &Entry| prefetch(entry.address());
        let is_left = table.pop_chunks(left, ahead, |entry| {
            if entry.is_large() && self.entries.try_reserve(1).is_ok() {
                self.entries.push(entry);
                kept += 1;
            } else {
                freed += entry.into_freed_size();
                dropped += 1;
            }
        });
        // A large table copies its directory in a step, so it can have more bytes than before for a while.
        self.bytes = self.bytes + table.allocation_size() - before - freed;
        if is_left {
            self.tables.push(table); // the list had room for it
            return (left, dropped);
        }
        (dropped + kept, dropped)
    }
}
