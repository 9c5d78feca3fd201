//! What a table says of itself.

/// Work that a table has done since it was made: the difference of two readings is what the operations in
/// between cost. The crate's tests bound every single operation by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// Chunks split in two; the first chunk counts as one.
    pub chunks_split: u64,
    /// Chunks merged into the one they were split from.
    pub chunks_merged: u64,
    /// Entries that changed their chunk in splits and merges.
    pub entries_moved: u64,
    /// Bytes allocated, freed or not, as `used_memory` counts them.
    pub bytes_allocated: u64,
}

impl Work {
    pub(crate) const NONE: Self =
        Self { chunks_split: 0, chunks_merged: 0, entries_moved: 0, bytes_allocated: 0 };

    /// The work done after `before` was read from the same table; 0 where that is the later reading.
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

/// The shape of a table: what `dictGetStats` prints in C, in constant time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Entries in the table.
    pub entries: usize,
    /// Chunks of fifteen slots in use.
    pub chunks: usize,
    /// Chunks that there is memory for, in use or not yet.
    pub chunks_allocated: usize,
    /// Overflow children allocated, of up to seven entries each.
    pub children: usize,
    /// Bytes that the table's blocks add to `used_memory`.
    pub allocation_size: usize,
    /// Work done so far.
    pub work: Work,
}

impl Stats {
    /// Entries over slots, overflow not counted among the slots: 0.7 while a table of several chunks grows, and above that
    /// only while a growth is put off; up to 1 for a single chunk; down to a third while removals shrink it. 0 for a table
    /// without chunks.
    pub fn load(&self) -> f64 {
        if self.chunks == 0 { 0.0 } else { self.entries as f64 / (self.chunks * crate::group::SLOTS) as f64 }
    }
}
