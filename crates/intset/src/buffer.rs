//! [`Buffer`]: the place where an [`Editor`](crate::Editor) writes. It is a set's own block or a caller's
//! [`Room`].

use crate::header::{HEADER_LEN, Header};
use common::{Gap, ReserveError, Room, Writer};

/// The bytes of a set that is edited.
///
/// The block of an [`IntSet`](crate::IntSet) and every [`Room`] implement this trait. No other crate can
/// implement it.
pub trait Buffer {
    /// Returns the bytes of the whole set.
    fn bytes(&self) -> &[u8];

    /// Returns the bytes of the integers.
    fn items_mut(&mut self) -> &mut [u8];

    /// Grows the set to the length that `header` gives, by a gap at the byte `at`, and writes the header.
    /// `fill` writes the bytes of the gap. Bytes that `fill` does not write become zeros.
    ///
    /// If the set already has that length, this does nothing: it neither writes the header nor calls `fill`.
    ///
    /// # Errors
    /// If there is no memory, or if `header` gives no valid length. The set is then unchanged.
    ///
    /// # Panics
    /// If `at` is within the header or beyond the end, or if `header` gives a smaller length.
    fn try_make_gap(
        &mut self,
        header: Header,
        at: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError>;

    /// Removes the integers with the indices `start..end`. If no integer is left, the header is
    /// [`Header::EMPTY`].
    ///
    /// # Panics
    /// If `start > end`, or if there are fewer than `end` integers.
    fn remove_items(&mut self, start: usize, end: usize);
}

/// Returns how many bytes [`Buffer::try_make_gap`] adds to a set of `old_len` bytes.
#[inline]
pub(crate) fn bytes_added(old_len: usize, header: Header, at: usize) -> Result<usize, ReserveError> {
    assert!(HEADER_LEN <= at && at <= old_len);
    let too_long = ReserveError::TooLong { len: old_len, additional: header.encoding.size() };
    let new_len = header.byte_len().ok_or(too_long)?;
    Ok(new_len.checked_sub(old_len).expect("the set would have fewer bytes"))
}

/// A set in a caller's block. A wrong implementation of [`Room`] leads to wrong values or a panic, and never
/// to undefined behaviour.
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
    fn try_make_gap(
        &mut self,
        header: Header,
        at: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError> {
        let added = bytes_added(Room::bytes(self).len(), header, at)?;
        if added == 0 {
            return Ok(());
        }
        self.try_splice(at, 0, added)?;
        write_header(self, header);
        let gap = self.bytes_mut().get_mut(at..at + added).unwrap_or_default();
        fill(&mut Gap::from(gap).writer());
        Ok(())
    }

    fn remove_items(&mut self, start: usize, end: usize) {
        let header = Header::of(Room::bytes(self));
        assert!(start <= end && end <= header.len);
        let [at, removed] = [start, end - start].map(|items| items * header.encoding.size());
        // The contract of `Room` says that removing bytes succeeds. A room that refuses is left unchanged.
        if removed > 0 && self.try_splice(HEADER_LEN + at, removed, 0).is_ok() {
            let rest = header.len - (end - start);
            write_header(self, if rest == 0 { Header::EMPTY } else { Header { len: rest, ..header } });
        }
    }
}

#[inline]
fn write_header(room: &mut impl Room, header: Header) {
    if let Some(place) = room.bytes_mut().first_chunk_mut() {
        *place = header.to_bytes();
    }
}
