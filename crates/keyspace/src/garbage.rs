//! [`Garbage`]: values that belong to no key any more, and are not freed yet.
//!
//! ```text
//!  Garbage -> | bytes | dropping |     the collection that is being dropped
//!             |       | entries  |     removed keys with their values
//!             |       | tables   |     the tables of cleared keyspaces, with their entries
//! ```
//!
//! A step drops a part of the collection, or of the last entry, or of the last table. A table gives up its
//! entries chunk by chunk; a large value among them joins the entries.
//!
//! Invariant: `bytes` is what collection, entries and tables add to `used_memory`, without the lists
//! themselves.
//!
//! Limits: a string is one block, which is freed at once, however long it is.

use crate::entry::Entry;
use crate::shared_sum::Share;
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use core::fmt;
use dict::Table;
use dict::prefetch::prefetch;
use values::Remains;
use zmalloc::{Zmalloc, box_size, try_box, vec_size};

/// A value of more blocks, its entry among them, is not freed by the operation that removes it. In C:
/// `LAZYFREE_THRESHOLD`.
pub(crate) const FREE_EFFORT_MAX: usize = 64;

/// Values that have been removed from a keyspace, but are not freed yet. Dropped, it frees them at once.
///
/// [`Keyspace::take_garbage`](crate::Keyspace::take_garbage) gives it out, to be dropped elsewhere:
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
    /// What the keyspace still counts. Dropped last.
    share: Share,
}

/// Garbage may be dropped on another thread.
const _: () = {
    const fn sendable<T: Send + Sync>() {}
    sendable::<Garbage>();
};

impl Garbage {
    /// `share` is that of all the pieces.
    pub(crate) fn new(pieces: Box<Pieces, Zmalloc>, share: Share) -> Self {
        Self { pieces, share }
    }

    /// How many values there are.
    pub fn objects(&self) -> usize {
        self.pieces.objects()
    }

    /// What is left in `used_memory`, in bytes, exactly. Constant time.
    pub fn allocation_size(&self) -> usize {
        pile_size(&self.pieces)
    }

    /// Frees about `blocks` blocks, and returns what is left. O(`blocks`), and now and then a step of table
    /// memory, 256 KiB.
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
        self.share.set_to(pile_size(&self.pieces));
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

/// What garbage adds to `used_memory`, its box and its lists among it. Constant time.
pub(crate) fn pile_size(pieces: &Box<Pieces, Zmalloc>) -> usize {
    box_size(pieces) + vec_size(&pieces.entries) + vec_size(&pieces.tables) + pieces.bytes
}

/// See the drawing above.
pub(crate) struct Pieces {
    bytes: usize,
    dropping: Option<Dropping>,
    entries: Vec<Entry, Zmalloc>,
    tables: Vec<Table<Entry>, Zmalloc>,
}

/// A collection that is being dropped, and about how many of its blocks are left.
struct Dropping {
    remains: Remains,
    blocks: usize,
}

impl Pieces {
    /// Nothing yet, in a box. `None` without memory.
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

    /// How many values there are.
    pub(crate) fn objects(&self) -> usize {
        let in_tables: usize = self.tables.iter().map(Table::len).sum();
        usize::from(self.dropping.is_some()) + self.entries.len() + in_tables
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.dropping.is_none() && self.entries.is_empty() && self.tables.is_empty()
    }

    /// Takes in an entry with its `allocation_size`. Without memory for a longer list, the entry is dropped.
    pub(crate) fn push(&mut self, entry: Entry, size: usize) {
        if self.entries.try_reserve(1).is_ok() {
            self.entries.push(entry);
            self.bytes += size;
        }
    }

    /// Takes in a table with what its entries add to `used_memory`. Without memory, the table is dropped.
    pub(crate) fn push_table(&mut self, table: Table<Entry>, entry_bytes: usize) {
        if self.tables.try_reserve(1).is_ok() {
            self.bytes += table.allocation_size() + entry_bytes;
            self.tables.push(table);
        }
    }

    /// Frees about `blocks` blocks, and at least one step of a value. Returns how many values are gone. A
    /// step may also take some KiB: for the directory of a large table, or for the list of entries.
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

    /// Drops a part of a collection. Returns how many blocks that was, and how many values are gone.
    fn drop_part(&mut self, Dropping { remains, blocks }: Dropping, left: usize) -> (usize, usize) {
        let before = remains.allocation_size();
        let rest = remains.drop_in_steps(left);
        self.bytes -= before;
        self.keep(rest, blocks, left)
    }

    /// Drops the first part of an entry. Returns what [`drop_part`](Self::drop_part) does.
    fn drop_entry(&mut self, entry: Entry, left: usize) -> (usize, usize) {
        let blocks = entry.free_effort();
        self.bytes -= entry.allocation_size();
        self.keep(entry.drop_in_steps(left), blocks, left)
    }

    /// Keeps what is left of a value after a step of `left` blocks.
    fn keep(&mut self, rest: Option<Remains>, blocks: usize, left: usize) -> (usize, usize) {
        let Some(remains) = rest else { return (blocks.max(1), 1) };
        self.bytes += remains.allocation_size();
        self.dropping = Some(Dropping { remains, blocks: blocks.saturating_sub(left) });
        (left, 0)
    }

    /// Drops a part of a table. Returns what [`drop_part`](Self::drop_part) does.
    fn drop_chunks(&mut self, mut table: Table<Entry>, left: usize) -> (usize, usize) {
        let (before, mut freed, mut dropped, mut kept) = (table.allocation_size(), 0, 0, 0);
        let ahead = |entry: &Entry| prefetch(entry.address());
        let is_left = table.pop_chunks(left, ahead, |entry| {
            if entry.is_large() && self.entries.try_reserve(1).is_ok() {
                self.entries.push(entry);
                kept += 1;
            } else {
                freed += entry.into_freed();
                dropped += 1;
            }
        });
        // A large table copies its directory on the way, so that it can take more bytes for a while.
        self.bytes = self.bytes + table.allocation_size() - before - freed;
        if is_left {
            self.tables.push(table); // the list had room for it
            return (left, dropped);
        }
        (dropped + kept, dropped)
    }
}
