//! [`Walk`]: a pass over all blocks of a keyspace, in steps of some microseconds.
//!
//! ```text
//!  chunks of the table   ->  children of the chunk     one call asks about these, and they move together
//!                        ->  entries' blocks
//!                              ->  small values        moved at once
//!                              ->  large values        put on a list
//!  list of large values  ->  a part of the last value  at its own cursor, until the list is empty
//!  next chunks ...
//! ```
//!
//! A step visits one place of the table with the small values there, or one part of a large value. A slice
//! reads the clock between two steps, and can take one step longer than its budget. A step has two chunks and
//! up to 64 blocks of small values, or some tens of blocks of a large value.
//!
//! Keys may be written and removed between two slices. The cursors of the table and of the values stay valid.
//! A value on the list is found by the hash of its key and the address of its entry. If there is no such
//! entry, the key was removed or its entry has moved. A moved entry's value waits for the next pass. If
//! another entry is found at the address, the walk of its value begins at the cursor of the old value, and
//! skips a part of the new one.
//!
//! Limits: a pass skips large values if there is no memory for the list. It skips large values whose keys
//! were written with another hash than the hasher gives. It also skips a half-saved value, because the
//! snapshot relies on its blocks.

use super::Defragged;
use super::hints::{HintBatch, Hints};
use crate::entry::Entry;
use crate::keyspace::Keyspace;
use allocator_api2::vec::Vec;
use common::Cursor;
use core::cell::RefCell;
use core::hash::BuildHasher;
use core::ptr::NonNull;
use dict::prefetch::prefetch;
use zmalloc::{Zmalloc, vec_size};

/// The most effort for the values of one place of the table, as [`Entry::free_effort`] counts it. It is about
/// the number of their blocks.
const EFFORT_AT_ONCE: usize = 64;

/// A value that is moved in parts.
struct Large {
    hash: u64,
    address: usize,
    cursor: Cursor,
}

/// The position of a pass.
pub(super) struct Walk {
    /// The next place of the table.
    cursor: Cursor,
    /// Whether all places of the table have been visited.
    is_table_done: bool,
    /// The large values of the places that were visited.
    large: Vec<Large, Zmalloc>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { cursor: Cursor::START, is_table_done: false, large: Vec::new_in(Zmalloc) }
    }
}

impl Walk {
    /// Returns the bytes that the walk adds to `used_memory`.
    pub(super) fn allocation_size(&self) -> usize {
        vec_size(&self.large)
    }

    /// Returns whether the pass has visited all blocks.
    pub(super) fn is_complete(&self) -> bool {
        self.is_table_done && self.large.is_empty()
    }

    /// Returns whether the pass has visited a part of a large value, but not all of it.
    #[cfg(test)]
    pub(super) fn is_within_large(&self) -> bool {
        self.large.last().is_some_and(|large| !large.cursor.is_start())
    }

    /// Puts an entry on the list of large values.
    fn add_large(&mut self, hash: u64, entry: &Entry) {
        if self.large.try_reserve(1).is_ok() {
            self.large.push(Large { hash, address: entry.address().addr(), cursor: Cursor::START });
        }
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Does the next step of the walk, and adds its result to `done`.
    pub(super) fn defrag_step(&mut self, hints: &mut impl Hints, done: &mut Defragged) {
        if self.defrag.walk.large.is_empty() {
            self.defrag_place(hints, done);
        } else {
            self.defrag_large(hints, done);
        }
    }

    /// Visits one place of the table.
    fn defrag_place(&mut self, hints: &mut impl Hints, done: &mut Defragged) {
        let Self { table, hasher, totals, defrag, reading, .. } = self;
        let pinned = totals.snapshot.pinned();
        let (walk, total_bytes) = (&mut defrag.walk, &mut totals.entry_bytes);
        let batch = RefCell::new(HintBatch::new());
        let note = |block| batch.borrow_mut().note(block);
        let mut stays = |block, _size| {
            note(block);
            false
        };
        table.relocate(walk.cursor, &mut stays, |entry| {
            note(entry.base());
            prefetch(entry.address());
        });
        // SAFETY: the blocks are live blocks of the table and of its entries, because nothing was freed since
        // they were noted.
        unsafe { batch.borrow_mut().fetch_hints(hints) };
        let mut effort_left = EFFORT_AT_ONCE;
        let done = RefCell::new(done);
        let moves = |block, size| batch.borrow_mut().should_move(block, size, &mut done.borrow_mut());
        let next = table.relocate(walk.cursor, &mut { moves }, |entry| {
            if entry.address().addr() == pinned {
                return;
            }
            entry.relocate_block(&mut { moves }, total_bytes);
            if !entry.kind().is_word() {
                return;
            }
            let effort = entry.free_effort();
            if effort > effort_left {
                return walk.add_large(entry.key_hash(hasher, &reading.tables), entry);
            }
            effort_left -= effort;
            let mut cursor = Cursor::START;
            loop {
                cursor = relocate_part(entry, cursor, hints, total_bytes, &mut done.borrow_mut());
                if cursor.is_start() {
                    break;
                }
            }
        });
        walk.cursor = next;
        walk.is_table_done = next.is_start();
    }

    /// Visits a part of the last value on the list.
    fn defrag_large(&mut self, hints: &mut impl Hints, done: &mut Defragged) {
        let Self { table, totals, defrag, .. } = self;
        let Some(large) = defrag.walk.large.last_mut() else { return };
        let pinned = totals.snapshot.pinned();
        let is_it = |entry: &Entry| entry.address().addr() == large.address && large.address != pinned;
        let entry = table.find_mut(large.hash, is_it);
        large.cursor = entry.map_or(Cursor::START, |entry| {
            relocate_part(entry, large.cursor, hints, &mut totals.entry_bytes, done)
        });
        if large.cursor.is_start() {
            defrag.walk.large.pop();
        }
    }
}

/// Moves the blocks of a part of a value. Returns the cursor of the next part. For `total_bytes`, see
/// [`Entry::try_set`].
fn relocate_part(
    entry: &mut Entry,
    cursor: Cursor,
    hints: &mut impl Hints,
    total_bytes: &mut usize,
    done: &mut Defragged,
) -> Cursor {
    let mut batch = HintBatch::new();
    let mut stays = |block: NonNull<u8>, _size| {
        batch.note(block);
        false
    };
    entry.relocate_value(cursor, &mut stays, total_bytes);
    // SAFETY: the blocks are live blocks of the value, because nothing was freed since they were noted.
    unsafe { batch.fetch_hints(hints) };
    entry.relocate_value(cursor, &mut |block, size| batch.should_move(block, size, done), total_bytes)
}
