//! [`Buffer`]: where an [`Editor`](crate::Editor) writes: a list's own block, or any [`Room`] of a caller's.

use crate::format::{BYTE_LEN_MAX, EMPTY_LEN, HEADER_LEN};
use common::{Gap, ReserveError, Room, Writer};

/// The bytes of a list that is edited. Every [`Room`] is one, and the block of a [`ListPack`](crate::ListPack). No other crate
/// can implement it.
pub trait Buffer {
    /// The whole list.
    fn bytes(&self) -> &[u8];

    /// The bytes between header and end.
    fn entries_mut(&mut self) -> &mut [u8];

    /// The header's number of entries, or [`COUNT_UNKNOWN`](crate::format::COUNT_UNKNOWN).
    fn count(&self) -> u16;

    /// Writes the number of entries, which the caller has to know.
    fn set_count(&mut self, count: u16);

    /// Replaces the `removed` bytes at `at` by `added` new ones, which `fill` writes; those that it does not write are
    /// zeros. The header's length is that of the new list already when `fill` runs.
    ///
    /// # Errors
    /// If there is no room for more bytes, and then nothing has changed. Never if `added <= removed`.
    ///
    /// # Panics
    /// If the bytes to remove are not all between header and end.
    fn try_splice(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError>;
}

/// The bytes of a list of `old_len` bytes after [`Buffer::try_splice`].
#[inline]
pub(crate) fn spliced_len(
    old_len: usize,
    at: usize,
    removed: usize,
    added: usize,
) -> Result<usize, ReserveError> {
    assert!(HEADER_LEN <= at && at < old_len && removed < old_len - at);
    let kept = old_len - removed;
    if added > BYTE_LEN_MAX - kept {
        return Err(ReserveError::TooLong { len: old_len, additional: added });
    }
    Ok(kept + added)
}

/// A list in a caller's block. Nothing is taken for granted: what `R` does wrong leads to wrong values or a panic.
///
/// `try_splice` is always inlined, so that the compiler merges its checks with the room's. A push takes 60 instructions less.
impl<R: Room> Buffer for R {
    #[inline]
    fn bytes(&self) -> &[u8] {
        Room::bytes(self)
    }

    #[inline]
    fn entries_mut(&mut self) -> &mut [u8] {
        let bytes = self.bytes_mut();
        bytes
            .get_mut(HEADER_LEN..)
            .and_then(<[u8]>::split_last_mut)
            .map_or(&mut [], |(_end, entries)| entries)
    }

    #[inline]
    fn count(&self) -> u16 {
        match Room::bytes(self) {
            &[_, _, _, _, c0, c1, ..] => u16::from_le_bytes([c0, c1]),
            _ => 0,
        }
    }

    #[inline]
    fn set_count(&mut self, count: u16) {
        if let [_, _, _, _, c0, c1, ..] = self.bytes_mut() {
            [*c0, *c1] = count.to_le_bytes();
        }
    }

    #[inline(always)]
    fn try_splice(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError> {
        let new_len = spliced_len(Room::bytes(self).len(), at, removed, added)?;
        if added != removed {
            Room::try_splice(self, at, removed, added)?;
            if let Some(byte_len) = self.bytes_mut().first_chunk_mut() {
                *byte_len = (new_len as u32).to_le_bytes();
            }
            if new_len == EMPTY_LEN {
                self.set_count(0); // even if it was lost
            }
        }
        let gap = self.bytes_mut().get_mut(at..at + added).unwrap_or_default();
        fill(&mut Gap::from(gap).writer());
        Ok(())
    }
}
