//! The loads at which a table grows and shrinks, and how its owner controls them.
//!
//! ```text
//!  entries a chunk, of fifteen slots
//!
//!   5           10    10.5                            42
//!   |            |     |                               |
//!   +- a removal |     +- an insert splits one chunk   +- under Avoid only here
//!      below     |
//!      merges    +- `rehash` merges up to here
//! ```
//!
//! The distance between the marks keeps a table that stays near one size from splitting and merging the same
//! chunk repeatedly. It also makes a bulk of removals cheap, since the table does not shrink at once.
//! Removals merge late. Maintenance (`rehash`) merges the rest, at a time that the owner chooses.
//!
//! The loads were chosen by measurement. The results are in the book, in the chapter on `dict`.
//!
//! Learned from: Redis' `dict_can_resize` and its force ratio, `dictPauseAutoResize` and `resizeAllowed`.

use core::fmt;
use core::ops::{Deref, DerefMut};

use allocator_api2::boxed::Box;
use zmalloc::Zmalloc;

use crate::group::SLOTS;

/// A table splits a chunk when it would hold more than this many quarters of an entry per chunk.
const GROW_QUARTERS: usize = 42;
/// Maintenance merges chunks of a table that holds fewer quarters of an entry per chunk.
const MAINTENANCE_QUARTERS: usize = 40;
/// A removal merges a chunk of a table that holds fewer quarters of an entry per chunk.
const SHRINK_QUARTERS: usize = 20;
/// Under [`ResizePolicy::Avoid`], a table grows only at this many times the usual number of entries. In C:
/// `dict_force_resize_ratio`.
const FORCE_RATIO: usize = 4;

/// Returns the number of entries that `chunks` chunks hold before the table grows.
pub(crate) const fn entries_before_growth(chunks: usize) -> usize {
    // A single chunk is filled to the last slot, because most tables in a store are this small.
    if chunks <= 1 { chunks * SLOTS } else { chunks.saturating_mul(GROW_QUARTERS) / 4 }
}

/// Returns the smallest number of chunks that holds `entries` entries without growing.
pub(crate) const fn chunks_for(entries: usize) -> usize {
    chunks_at(entries, GROW_QUARTERS)
}

/// Returns the number of chunks to which maintenance brings a table of `entries` entries.
const fn chunks_after_maintenance(entries: usize) -> usize {
    chunks_at(entries, MAINTENANCE_QUARTERS)
}

const fn chunks_at(entries: usize, quarters: usize) -> usize {
    if entries <= SLOTS { (entries > 0) as usize } else { entries.saturating_mul(4).div_ceil(quarters) }
}

/// Whether a table may change its size by itself. In C: `dictResizeEnable`.
///
/// The policies other than `Allow` are for the time after a `fork`. Then the kernel copies every page that
/// the parent writes to, and splits and merges write to pages that inserts and removals leave alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResizePolicy {
    /// Inserts split and removals merge. In C: `DICT_RESIZE_ENABLE`.
    #[default]
    Allow,
    /// Inserts split only at four times the number of entries at which they split under `Allow`. Removals
    /// merge only at a quarter of the number at which they merge under `Allow`. `rehash` works. In C:
    /// `DICT_RESIZE_AVOID`.
    Avoid,
    /// Only calls that request it split or merge: `reserve` and `shrink_to`. In C: `DICT_RESIZE_FORBID`.
    Forbid,
}

/// The numbers of entries at which a table changes its size by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// An insert splits a chunk if the table holds this many entries or more.
    pub(crate) grow_at: usize,
    /// A removal merges a chunk if it leaves fewer entries.
    pub(crate) shrink_at: usize,
}

impl Limits {
    /// The limits of a table without chunks: the first insert has to allocate one, whatever the policy is.
    pub(crate) const EMPTY: Self = Self { grow_at: 0, shrink_at: 0 };

    /// The limits of a table of `chunks` chunks that removals do not shrink below `chunks_min` chunks.
    pub(crate) fn of(chunks: usize, chunks_min: usize, policy: ResizePolicy) -> Self {
        if chunks == 0 {
            return Self::EMPTY;
        }
        let (grow_at, shrink_at) =
            (entries_before_growth(chunks), chunks.saturating_mul(SHRINK_QUARTERS) / 4);
        let limits = match policy {
            ResizePolicy::Allow => Self { grow_at, shrink_at },
            ResizePolicy::Avoid => {
                Self { grow_at: grow_at.saturating_mul(FORCE_RATIO), shrink_at: shrink_at / FORCE_RATIO }
            }
            ResizePolicy::Forbid => Self { grow_at: usize::MAX, shrink_at: 0 },
        };
        if chunks > chunks_min.max(1) { limits } else { Self { shrink_at: 0, ..limits } }
    }
}

/// Returns how many chunks a table should have that has `chunks` chunks, holds `entries` entries, and must
/// not go below `chunks_min` chunks.
pub(crate) fn wanted_chunks(chunks: usize, entries: usize, chunks_min: usize) -> usize {
    let (enough, after_maintenance) =
        (chunks_for(entries), chunks_after_maintenance(entries).max(chunks_min).max(1));
    if enough > chunks {
        enough
    } else if after_maintenance < chunks {
        after_maintenance
    } else {
        chunks
    }
}

/// The closure that a table calls before it allocates memory to grow. It returns whether the table may.
pub(crate) type Veto = Box<dyn Fn(usize) -> bool + Send + Sync, Zmalloc>;

/// A guard that keeps a table from changing its size by itself, returned by `pause_resize`. It dereferences
/// to the table.
///
/// If the guard is leaked, the table stays paused. The pause belongs to the table: if the table is moved out
/// of the guard (`mem::take`), its new place holds a paused table. A clone of a paused table is not paused.
pub struct Paused<'a, T: Pause> {
    table: &'a mut T,
}

/// The types that can be paused: [`Table`](crate::Table) and [`Dict`](crate::Dict).
pub trait Pause: sealed::Sealed {}

pub(crate) mod sealed {
    /// Keeps other crates from implementing [`Pause`](super::Pause) and from calling its methods.
    pub trait Sealed {
        fn pause(&mut self);
        fn resume(&mut self);
    }
}

impl<'a, T: Pause> Paused<'a, T> {
    pub(crate) fn new(table: &'a mut T) -> Self {
        table.pause();
        Self { table }
    }
}

impl<T: Pause> Drop for Paused<'_, T> {
    fn drop(&mut self) {
        self.table.resume();
    }
}

impl<T: Pause> Deref for Paused<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.table
    }
}

impl<T: Pause> DerefMut for Paused<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.table
    }
}

impl<T: Pause + fmt::Debug> fmt::Debug for Paused<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    #[test]
    fn the_chunks_for_a_number_of_entries_hold_them_and_one_fewer_would_not() {
        for entries in 0..100_000 {
            let chunks = chunks_for(entries);
            assert!(entries_before_growth(chunks) >= entries, "{entries} entries");
            assert!(chunks == 0 || entries_before_growth(chunks - 1) < entries, "{entries} entries");
        }
    }

    #[test]
    fn a_table_that_has_just_grown_does_not_shrink_nor_the_other_way_round() {
        for chunks in 1..100_000_usize {
            let entries = entries_before_growth(chunks);
            for policy in [ResizePolicy::Allow, ResizePolicy::Avoid, ResizePolicy::Forbid] {
                let (before, after) = (Limits::of(chunks, 0, policy), Limits::of(chunks + 1, 0, policy));
                assert!(after.shrink_at < before.grow_at, "{chunks} chunks");
                assert!(after.shrink_at <= entries + 1, "{chunks} chunks");
                assert!(before.grow_at >= after.shrink_at + 4, "{chunks} chunks");
            }
        }
    }

    #[test]
    fn maintenance_never_does_what_an_insert_would_undo() {
        for chunks in 1..200 {
            for entries in 0..3_000 {
                let wanted = wanted_chunks(chunks, entries, 0);
                assert!(wanted >= 1 && entries_before_growth(wanted) >= entries);
                if wanted < chunks {
                    assert!(wanted == 1 || entries_before_growth(wanted) > entries, "{chunks} {entries}");
                }
                assert_eq!(wanted_chunks(wanted, entries, 0), wanted, "once is enough");
            }
        }
    }
}
