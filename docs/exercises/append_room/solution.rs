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
        let len = self.len.checked_add(count).filter(|&len| len <= MAX_LEN).ok_or(TooLong)?;
        if len > self.capacity {
            self.move_to_block_for(len);
        }
        self.len = len;
        Ok(())
    }

    /// Cuts the string to `len` bytes.
    pub(crate) fn truncate(&mut self, len: u64) {
        self.len = self.len.min(len);
        // Between this limit and the new capacity, many bytes have to be appended or cut before the next move.
        if self.capacity > 2 * self.len {
            self.move_to_block_for(self.len);
        }
    }

    /// Copies the string to a block for `len` bytes, with a quarter of spare room.
    fn move_to_block_for(&mut self, len: u64) {
        self.copied += self.len;
        self.capacity = (len + len / 4).min(MAX_LEN);
    }
}
