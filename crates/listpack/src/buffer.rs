//! [`Buffer`]: the bytes that an [`Editor`](crate::Editor) changes. They are in a list's own block or in a caller's
//! [`Room`].

use crate::format::{BYTE_LEN_MAX, EMPTY_LEN, HEADER_LEN};
use common::{Gap, ReserveError, Room, Writer};

/// The bytes of a list that is edited.
///
/// The block of a [`ListPack`](crate::ListPack) and every [`Room`] implement this trait. No other crate can
/// implement it.
pub trait Buffer {
    /// The bytes of the whole list.
    fn bytes(&self) -> &[u8];

    /// The bytes between the header and the end byte.
    fn entries_mut(&mut self) -> &mut [u8];

    /// The count in the header: the number of entries, or [`COUNT_UNKNOWN`](crate::format::COUNT_UNKNOWN).
    fn count(&self) -> u16;

    /// Writes the count to the header. [`try_splice`](Self::try_splice) does not update it, but sets it to 0
    /// when the list becomes empty.
    fn set_count(&mut self, count: u16);

    /// Replaces the `removed` bytes at `at` by `added` new ones. `fill` writes the new bytes. Bytes that
    /// `fill` does not write are zeros. The header already has the new length when `fill` runs.
    ///
    /// # Errors
    /// If there is no memory for more bytes. The list is then unchanged. Removing bytes (`added <= removed`)
    /// never fails.
    ///
    /// # Panics
    /// If the bytes to remove are not all between the header and the end byte.
    fn try_splice(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError>;
}

/// Returns how many bytes a list of `old_len` bytes has after [`Buffer::try_splice`].
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

/// A list in a caller's block. A wrong implementation of [`Room`] leads to wrong values or a panic, and never
/// to undefined behaviour.
///
/// `try_splice` is always inlined, so that the compiler merges its checks with those of the room. This saves
/// 60 instructions in a push.
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
                self.set_count(0); // this makes a count known that was unknown
            }
        }
        let gap = self.bytes_mut().get_mut(at..at + added).unwrap_or_default();
        fill(&mut Gap::from(gap).writer());
        Ok(())
    }
}
