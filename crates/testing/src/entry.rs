//! [`Entry`]: a block that holds a packed value between other bytes, for the tests of the editors.

use common::{ReserveError, Room};

/// The number of bytes in front of the value.
const HEADER_LEN: usize = 8;

/// An entry like those of a table. It has a header of eight bytes, a packed value, and a key.
#[derive(Clone, Debug)]
pub struct Entry {
    block: Vec<u8>,
    key_len: usize,
    /// The maximum length of the block, in bytes.
    capacity: usize,
    splices: usize,
}

impl Entry {
    /// Returns an entry that can grow to at most `capacity` bytes.
    pub fn new(header: &[u8; HEADER_LEN], value: &[u8], key: &[u8], capacity: usize) -> Self {
        Self { block: [header, value, key].concat(), key_len: key.len(), capacity, splices: 0 }
    }

    /// Returns all bytes of the entry.
    pub fn block(&self) -> &[u8] {
        &self.block
    }

    /// Sets the maximum length of the entry, in bytes.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// Returns the number of splices of the value since the last call.
    pub fn take_splices(&mut self) -> usize {
        core::mem::take(&mut self.splices)
    }

    fn value_end(&self) -> usize {
        self.block.len() - self.key_len
    }
}

impl Room for Entry {
    fn bytes(&self) -> &[u8] {
        &self.block[HEADER_LEN..self.value_end()]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let end = self.value_end();
        &mut self.block[HEADER_LEN..end]
    }

    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
        assert_ne!(added, removed, "an editor splices only to change the length");
        let size = self.block.len() - removed + added;
        if added > removed && size > self.capacity {
            return Err(ReserveError::OutOfMemory { size });
        }
        let at = HEADER_LEN + at;
        assert!(at + removed <= self.value_end());
        self.block.splice(at..at + removed, std::iter::repeat_n(0xEE, added)); // any content
        self.splices += 1;
        Ok(())
    }
}
