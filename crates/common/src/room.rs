//! [`Room`]: a packed value that shares a block with other bytes. [`Gap`]: bytes of a block that are written
//! from left to right.
//!
//! A listpack or an intset need not have a block of its own. It can be between other bytes, for example
//! between the header of an entry and its key:
//!
//! ```text
//!   | header | packed value | key |          before
//!   | header | packed va+++lue | key |       after try_splice(9, 0, 3): the tail and the key have moved
//! ```
//!
//! The owner of the block implements [`Room`]. The editors of the crates `listpack` and `intset` do the
//! rest. A type such as `values::Hash<R>` has a parameter for the type of its room. For a hash that always
//! has its own block, the parameter is [`NoRoom`].

use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use zmalloc::ReserveError;

/// The bytes of a packed value in a block that the caller owns, and a way to change their number.
///
/// An editor calls [`try_splice`](Self::try_splice) at most once for each change, so a change resizes the
/// block at most once. The editor does not call it if a change adds as many bytes as it removes. The value's
/// own header is part of [`bytes`](Self::bytes), and the editor keeps it up to date.
///
/// The trait is safe. A wrong implementation makes an editor write wrong values or panic, but never causes
/// undefined behaviour.
///
/// ```
/// use common::{ReserveError, Room};
///
/// /// Eight bytes, a packed value and its key, in at most `capacity` bytes.
/// struct Entry {
///     bytes: Vec<u8>,
///     key_len: usize,
///     capacity: usize,
/// }
///
/// impl Room for Entry {
///     fn bytes(&self) -> &[u8] {
///         &self.bytes[8..self.bytes.len() - self.key_len]
///     }
///
///     fn bytes_mut(&mut self) -> &mut [u8] {
///         let end = self.bytes.len() - self.key_len;
///         &mut self.bytes[8..end]
///     }
///
///     fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
///         let size = self.bytes.len() - removed + added;
///         if size > self.capacity {
///             return Err(ReserveError::OutOfMemory { size });
///         }
///         let at = 8 + at;
///         self.bytes.splice(at..at + removed, std::iter::repeat_n(0, added));
///         Ok(())
///     }
/// }
///
/// let mut entry = Entry { bytes: b"8 bytes:valuekey".to_vec(), key_len: 3, capacity: 20 };
/// entry.try_splice(2, 0, 3)?;
/// assert_eq!((entry.bytes(), &entry.bytes[16..]), (&b"va\0\0\0lue"[..], &b"key"[..]));
/// assert!(entry.try_splice(2, 0, 3).is_err());
/// # Ok::<(), ReserveError>(())
/// ```
pub trait Room {
    /// Returns all bytes of the packed value, and no others.
    fn bytes(&self) -> &[u8];

    /// Returns the same bytes for writing.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Replaces `removed` bytes of the value, from byte `at` on, by `added` bytes of any content. The bytes
    /// after them move, in the value and in the rest of the block. [`bytes`](Self::bytes) is `added -
    /// removed` bytes longer afterwards.
    ///
    /// # Errors
    /// There is no memory for a longer value. Nothing has changed then. If `added <= removed` the call must
    /// succeed.
    ///
    /// # Panics
    /// It may panic if `at + removed` is beyond the end of the value. Editors never ask for that.
    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError>;
}

impl<R: Room + ?Sized> Room for &mut R {
    #[inline]
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        (**self).bytes_mut()
    }

    #[inline]
    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
        (**self).try_splice(at, removed, added)
    }
}

/// The room of a value that has its own block. The type has no values, so a match on it compiles to nothing.
///
/// ```
/// use common::{NoRoom, Room};
/// fn is_room<R: Room>() {}
/// is_room::<NoRoom>();
/// assert_eq!(size_of::<Result<u8, NoRoom>>(), size_of::<u8>());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {}

impl Room for NoRoom {
    fn bytes(&self) -> &[u8] {
        match *self {}
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match *self {}
    }

    fn try_splice(&mut self, _at: usize, _removed: usize, _added: usize) -> Result<(), ReserveError> {
        match *self {}
    }
}

/// Bytes of a block that are written from left to right, and need not be initialised before. Bytes that are
/// not written become zeros when the gap is dropped.
#[derive(Debug)]
pub struct Gap<'a> {
    next: NonNull<u8>,
    /// The number of bytes from `next` on that belong to the gap.
    left: usize,
    _block: PhantomData<&'a mut u8>,
}

impl<'a> Gap<'a> {
    /// Creates the gap of `len` bytes from `start` on.
    ///
    /// # Safety
    /// For `'a`, `len` bytes from `start` on must be valid for writes, and nothing else may read or write
    /// them.
    #[inline]
    pub const unsafe fn new(start: NonNull<u8>, len: usize) -> Self {
        Self { next: start, left: len, _block: PhantomData }
    }

    /// Returns a writer for the gap. Safe code that gets only the writer can neither replace the gap by
    /// another one nor forget it, so the rest of the gap always becomes zeros.
    #[inline]
    pub const fn writer(&mut self) -> Writer<'_, 'a> {
        Writer(self)
    }
}

/// A writer into a [`Gap`], from left to right.
#[derive(Debug)]
pub struct Writer<'g, 'a>(&'g mut Gap<'a>);

impl Writer<'_, '_> {
    /// Writes the next bytes.
    ///
    /// # Panics
    /// Panics if the gap has too few bytes left.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        let Gap { next, left, .. } = &mut *self.0;
        assert!(bytes.len() <= *left, "the gap has too few bytes");
        // SAFETY: `left` bytes from `next` on may be written, and only through the gap (contract of
        // `Gap::new`). So `bytes` does not overlap them.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), next.as_ptr(), bytes.len());
            *next = next.add(bytes.len());
        }
        *left -= bytes.len();
    }

    /// Writes the next byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.write(&[byte]);
    }
}

/// Makes a gap of all bytes of a slice.
impl<'a> From<&'a mut [u8]> for Gap<'a> {
    #[inline]
    fn from(bytes: &'a mut [u8]) -> Self {
        let len = bytes.len();
        // SAFETY: the bytes are borrowed mutably for `'a`.
        unsafe { Self::new(NonNull::from_mut(bytes).cast(), len) }
    }
}

impl Drop for Gap<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.left > 0 {
            // SAFETY: `left` bytes from `next` on belong to the gap.
            unsafe { self.next.write_bytes(0, self.left) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_written_from_the_left_and_its_rest_becomes_zeros() {
        let mut bytes = [7; 6];
        let mut gap = Gap::from(&mut bytes[1..5]);
        gap.writer().push(1);
        gap.writer().write(&[2, 3]);
        drop(gap);
        assert_eq!(bytes, [7, 1, 2, 3, 0, 7]);
        drop(Gap::from(&mut [][..]));
    }

    #[test]
    #[should_panic = "the gap has too few bytes"]
    fn a_gap_takes_no_more_bytes_than_it_has() {
        Gap::from(&mut [0, 0][..]).writer().write(&[1, 2, 3]);
    }
}
