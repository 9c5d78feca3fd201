//! [`Stats`] and [`Work`]: what a table reports about its shape and about the work that it has done.

/// The work that a table has done since it was created. The difference of two readings is the cost of the
/// operations in between. The crate's tests check it after every single operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// Chunks split in two. The first chunk counts as one.
    pub chunks_split: u64,
    /// Chunks merged into the one they were split from.
    pub chunks_merged: u64,
    /// Entries that changed their chunk in splits and merges.
    pub entries_moved: u64,
    /// Bytes allocated, as `used_memory` counts them. Bytes freed since then still count.
    pub bytes_allocated: u64,
}

impl Work {
    pub(crate) const NONE: Self =
        Self { chunks_split: 0, chunks_merged: 0, entries_moved: 0, bytes_allocated: 0 };

    /// Returns the work done after `before`, an earlier reading of the same table. The numbers are 0 if
    /// `before` is the later reading.
    pub fn since(self, before: Self) -> Self {
        Self {
            chunks_split: self.chunks_split.saturating_sub(before.chunks_split),
            chunks_merged: self.chunks_merged.saturating_sub(before.chunks_merged),
            entries_moved: self.entries_moved.saturating_sub(before.entries_moved),
            bytes_allocated: self.bytes_allocated.saturating_sub(before.bytes_allocated),
        }
    }
}

impl core::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.chunks_split += other.chunks_split;
        self.chunks_merged += other.chunks_merged;
        self.entries_moved += other.entries_moved;
        self.bytes_allocated += other.bytes_allocated;
    }
}

/// The shape of a table, in constant time. In C: what `dictGetStats` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Entries in the table.
    pub entries: usize,
    /// Chunks of fifteen slots in use.
    pub chunks: usize,
    /// Chunks that there is memory for, in use or not.
    pub chunks_allocated: usize,
    /// Overflow children allocated, of up to seven entries each.
    pub children: usize,
    /// Bytes that the table's blocks add to `used_memory`.
    pub allocation_size: usize,
    /// Work done so far.
    pub work: Work,
}

impl Stats {
    /// Returns the number of entries divided by the number of slots. Overflow is not counted among the slots.
    ///
    /// A table of several chunks has a load of 0.7 while it grows, and more only while growth is put off.
    /// Removals shrink it at a load of one third. A single chunk has a load of up to 1. A table without
    /// chunks has a load of 0.
    pub fn load(&self) -> f64 {
        if self.chunks == 0 { 0.0 } else { self.entries as f64 / (self.chunks * crate::group::SLOTS) as f64 }
    }
}
