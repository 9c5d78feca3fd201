//! [`Liar`]: a room that breaks the contract of [`Room`]. Tests check that an editor stays safe with such a
//! room.

use common::{ReserveError, Room};

/// What a [`Liar`] does when it is asked to make its value longer or shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It does nothing, and returns `Ok`.
    Idle,
    /// It adds one byte too few.
    Short,
    /// It adds one byte too many.
    Long,
    /// It removes all bytes.
    Lost,
    /// It returns an error, even if the value becomes shorter.
    Refusal,
    /// It resizes the value correctly. But [`Room::bytes_mut`] returns fewer bytes than [`Room::bytes`].
    Stingy,
}

impl Lie {
    /// All variants.
    pub const ALL: [Self; 6] = [Self::Idle, Self::Short, Self::Long, Self::Lost, Self::Refusal, Self::Stingy];
}

/// A room that holds a packed value and breaks its contract.
#[derive(Clone, Debug)]
pub struct Liar {
    bytes: Vec<u8>,
    lie: Lie,
}

impl Liar {
    /// Returns a room with these bytes.
    pub fn new(bytes: &[u8], lie: Lie) -> Self {
        Self { bytes: bytes.to_vec(), lie }
    }
}

impl Room for Liar {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let len = if self.lie == Lie::Stingy { self.bytes.len() / 2 } else { self.bytes.len() };
        &mut self.bytes[..len]
    }

    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
        let added = match self.lie {
            Lie::Idle => return Ok(()),
            Lie::Refusal => return Err(ReserveError::OutOfMemory { size: added }),
            Lie::Lost => {
                self.bytes.clear();
                return Ok(());
            }
            Lie::Short => added.saturating_sub(1),
            Lie::Long => added + 1,
            Lie::Stingy => added,
        };
        let end = (at + removed).min(self.bytes.len());
        self.bytes.splice(at.min(end)..end, std::iter::repeat_n(0xEE, added));
        Ok(())
    }
}
