//! [`Buffer`]: where an [`Editor`](crate::Editor) writes: a set's own block, or any [`Room`] of a caller's.

use crate::header::{HEADER_LEN, Header};
use common::{Gap, ReserveError, Room};

/// The bytes of a set that is edited. Every [`Room`] is one, and the block of an [`IntSet`](crate::IntSet). No other crate can
/// implement it.
pub trait Buffer {
    /// The whole set.
    fn bytes(&self) -> &[u8];

    /// The bytes of the integers.
    fn items_mut(&mut self) -> &mut [u8];

    /// Makes room at the byte `at` for as many bytes as `header` says that there are more, and writes the header. `fill` writes
    /// the new bytes; those that it does not write are zeros. `fill` must not put another gap in the place of the one that it is
    /// given.
    ///
    /// # Errors
    /// If there is no room, and then nothing has changed.
    ///
    /// # Panics
    /// If `at` is not behind the header or beyond the end, or the new header says that there are fewer bytes.
    fn try_open(
        &mut self,
        header: Header,
        at: usize,
        fill: impl FnOnce(&mut Gap<'_>),
    ) -> Result<(), ReserveError>;

    /// Removes the `removed` bytes from `at` on, and writes the header.
    ///
    /// # Panics
    /// If these bytes are not all behind the header, or if not as many stay as the new header says.
    fn close(&mut self, header: Header, at: usize, removed: usize);
}

/// For [`Buffer::try_open`] of a set of `old_len` bytes: how many bytes are added.
#[inline]
pub(crate) fn opened(old_len: usize, header: Header, at: usize) -> Result<usize, ReserveError> {
    assert!(HEADER_LEN <= at && at <= old_len);
    let too_long = ReserveError::TooLong { len: old_len, additional: header.encoding.size() };
    let new_len = header.byte_len().ok_or(too_long)?;
    Ok(new_len.checked_sub(old_len).expect("the set would have fewer bytes"))
}

/// For [`Buffer::close`] of a set of `old_len` bytes: how many bytes stay.
#[inline]
pub(crate) fn closed(old_len: usize, header: Header, at: usize, removed: usize) -> usize {
    assert!(HEADER_LEN <= at && at <= old_len && removed <= old_len - at);
    let new_len = old_len - removed;
    assert!(header.byte_len() == Some(new_len));
    new_len
}

/// A set in a caller's block. Nothing is taken for granted: what `R` does wrong leads to wrong values or a panic.
impl<R: Room> Buffer for R {
    #[inline]
    fn bytes(&self) -> &[u8] {
        Room::bytes(self)
    }

    #[inline]
    fn items_mut(&mut self) -> &mut [u8] {
        self.bytes_mut().get_mut(HEADER_LEN..).unwrap_or_default()
    }

    #[inline]
    fn try_open(
        &mut self,
        header: Header,
        at: usize,
        fill: impl FnOnce(&mut Gap<'_>),
    ) -> Result<(), ReserveError> {
        let added = opened(Room::bytes(self).len(), header, at)?;
        self.try_splice(at, 0, added)?;
        write_header(self, header);
        fill(&mut Gap::from(self.bytes_mut().get_mut(at..at + added).unwrap_or_default()));
        Ok(())
    }

    #[inline]
    fn close(&mut self, header: Header, at: usize, removed: usize) {
        closed(Room::bytes(self).len(), header, at, removed);
        // A room can always become smaller.
        if removed > 0 && self.try_splice(at, removed, 0).is_ok() {
            write_header(self, header);
        }
    }
}

#[inline]
fn write_header(room: &mut impl Room, header: Header) {
    if let Some(place) = room.bytes_mut().first_chunk_mut() {
        *place = header.to_bytes();
    }
}
