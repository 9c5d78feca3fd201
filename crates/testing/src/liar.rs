//! [`Liar`]: a room that does not keep its word, for tests of what an editor does then.

use common::{ReserveError, Room};

/// What a [`Liar`] does when its value should become longer or shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It says that it has done it, and has not.
    Idle,
    /// It adds or keeps a byte less.
    Short,
    /// It adds a byte more.
    Long,
    /// It loses everything.
    Lost,
    /// It refuses, whether the value becomes longer or shorter.
    Refusal,
    /// It does what it should. But the bytes to be written are fewer than those to be read.
    Stingy,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Idle, Self::Short, Self::Long, Self::Lost, Self::Refusal, Self::Stingy];
}

/// The bytes of a packed value in a room that lies.
#[derive(Clone, Debug)]
pub struct Liar {
    bytes: Vec<u8>,
    lie: Lie,
}

impl Liar {
    /// A room with these bytes.
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
