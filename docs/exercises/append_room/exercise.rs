//! The room of a string that grows and shrinks.

/// The greatest length of a string.
pub(crate) const MAX_LEN: u64 = 512 * 1_024 * 1_024;

/// The numbers of a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) len: u64,
    pub(crate) capacity: u64,
    /// The bytes that were copied to new blocks.
    pub(crate) copied: u64,
}

/// The error of an append after which a string would be longer than [`MAX_LEN`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Room {
    /// Appends `count` bytes.
    pub(crate) fn append(&mut self, count: u64) -> Result<(), TooLong> {
        todo!("append {count} bytes to {self:?}")
    }

    /// Cuts the string to `len` bytes.
    pub(crate) fn truncate(&mut self, len: u64) {
        todo!("cut {self:?} to {len} bytes")
    }
}
