//! [`Stats`] and [`Work`]: what a table reports about its shape and about the work that it has done.

/// The work that a table has done since it was created. The difference of two readings is the cost of the
/// operations in between. The crate's tests check that cost after every single operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// Chunks split in two. The allocation of the first chunk counts as a split.
    pub chunks_split: u64,
    /// Chunks merged into the one from which they were split. A chunk that is removed with its entries counts
    /// as merged, except for the first chunk.
    pub chunks_merged: u64,
    /// Entries that splits and merges moved to another chunk.
    pub entries_moved: u64,
    /// Bytes allocated, as `used_memory` counts them. Frees do not reduce this number.
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

/// The shape of a table. Reading it takes constant time. In C: what `dictGetStats` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Entries in the table.
    pub entries: usize,
    /// Chunks in use. Each has fifteen slots.
    pub chunks: usize,
    /// Chunks for which memory is allocated, in use or not.
    pub chunks_allocated: usize,
    /// Overflow children allocated. Each holds up to seven entries.
    pub children: usize,
    /// Bytes that the table's blocks add to `used_memory`.
    pub allocation_size: usize,
    /// Work done so far.
    pub work: Work,
}

impl Stats {
    /// Returns the number of entries divided by the number of slots in chunks. The entries in overflow
    /// children are counted, but not the places for them.
    ///
    /// A table of several chunks has a load of about 0.7 while it grows. Removals shrink it at a load of one
    /// third. A single chunk is filled to a load of 1 before the table grows. The load is higher only while
    /// growth is put off. A table without chunks has a load of 0.
    pub fn load(&self) -> f64 {
        if self.chunks == 0 { 0.0 } else { self.entries as f64 / (self.chunks * crate::group::SLOTS) as f64 }
    }
}
