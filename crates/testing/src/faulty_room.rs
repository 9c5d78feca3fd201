//! [`FaultyRoom`]: a room that breaks the contract of [`Room`]. With it, tests check that an editor stays
//! memory-safe.

use common::{ReserveError, Room};

/// How a [`FaultyRoom`] breaks the contract of [`Room::try_splice`] or [`Room::bytes_mut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomFault {
    /// It does nothing, and returns `Ok`.
    Unchanged,
    /// It adds one byte too few.
    Short,
    /// It adds one byte too many.
    Long,
    /// It removes all bytes.
    Cleared,
    /// It returns an error, even if the value becomes shorter.
    Refusal,
    /// It resizes the value correctly, but [`Room::bytes_mut`] returns only half of the bytes.
    HalfBytes,
}

impl RoomFault {
    /// All variants.
    pub const ALL: [Self; 6] =
        [Self::Unchanged, Self::Short, Self::Long, Self::Cleared, Self::Refusal, Self::HalfBytes];
}

/// A room that holds a packed value and breaks its contract.
#[derive(Clone, Debug)]
pub struct FaultyRoom {
    bytes: Vec<u8>,
    fault: RoomFault,
}

impl FaultyRoom {
    /// Returns a room with these bytes.
    pub fn new(bytes: &[u8], fault: RoomFault) -> Self {
        Self { bytes: bytes.to_vec(), fault }
    }
}

impl Room for FaultyRoom {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let len = if self.fault == RoomFault::HalfBytes { self.bytes.len() / 2 } else { self.bytes.len() };
        &mut self.bytes[..len]
    }

    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
        let added = match self.fault {
            RoomFault::Unchanged => return Ok(()),
            RoomFault::Refusal => return Err(ReserveError::OutOfMemory { size: added }),
            RoomFault::Cleared => {
                self.bytes.clear();
                return Ok(());
            }
            RoomFault::Short => added.saturating_sub(1),
            RoomFault::Long => added + 1,
            RoomFault::HalfBytes => added,
        };
        let end = (at + removed).min(self.bytes.len());
        self.bytes.splice(at.min(end)..end, std::iter::repeat_n(0xEE, added));
        Ok(())
    }
}
