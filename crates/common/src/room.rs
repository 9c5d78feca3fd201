//! [`Room`]: a packed value inside a block that its caller owns.
//!
//! A listpack or an intset need not have a block of its own. It can stand between other bytes, for example between the header
//! of an entry and its key:
//!
//! ```text
//!   | header | packed value | key |          before
//!   | header | packed va+++lue | key |       after try_splice(9, 0, 3): the tail of the value and the key have moved once
//! ```
//!
//! The owner of the block implements [`Room`]. The editors of the crates `listpack` and `intset` do the rest. A
//! type such as `values::Hash<R>`, whose value may lie in a room of the type `R`, names [`NoRoom`] where its value never does.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use zmalloc::ReserveError;

/// The bytes of a packed value in a block of the caller's, and a way to get more or fewer of them.
///
/// An editor calls [`try_splice`](Self::try_splice) once for each change, so that a change resizes the block once, and does not call
/// it where as many bytes are added as removed. The value's own header lies within [`bytes`](Self::bytes), and the editor keeps it up to date.
///
/// The trait is safe. An implementation that does not do what is said here makes an editor write wrong values or panic, and
/// never causes undefined behaviour.
///
/// ```
/// use common::{ReserveError, Room};
///
/// /// Eight bytes, a packed value, and a key behind it, in at most `capacity` bytes.
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
    /// All bytes of the packed value, and nothing else.
    fn bytes(&self) -> &[u8];

    /// The same bytes, to be written.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Replaces `removed` bytes of the value, from the byte `at` on, by `added` bytes of any content. What lies behind them
    /// moves, in the value and in the rest of the block. [`bytes`](Self::bytes) is `added - removed` bytes longer afterwards.
    ///
    /// # Errors
    /// If there is no memory for a longer value, and then nothing has changed. It must succeed if `added <= removed`.
    ///
    /// # Panics
    /// It may panic if `at + removed` is beyond the value. Editors never ask for that.
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

/// The type of room for a value that has its own block and needs no room. No value has this type, so that a match on it compiles to
/// nothing.
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

/// Bytes of a block that are to be written from the left, and need not be initialised before. Those that are not written
/// become zeros when the gap is dropped.
#[derive(Debug)]
pub struct Gap<'a> {
    next: NonNull<u8>,
    /// As many bytes from `next` on belong to the gap.
    left: usize,
    _block: PhantomData<&'a mut u8>,
}

impl<'a> Gap<'a> {
    /// The gap of `len` bytes from `start` on.
    ///
    /// # Safety
    /// For `'a`, `len` bytes from `start` on may be written, and nothing else reads or writes them.
    #[inline]
    pub const unsafe fn new(start: NonNull<u8>, len: usize) -> Self {
        Self { next: start, left: len, _block: PhantomData }
    }

    /// What writes into the gap. A writer can neither exchange the gap for another one nor forget it.
    #[inline]
    pub const fn writer(&mut self) -> Writer<'_, 'a> {
        Writer(self)
    }
}

/// Writes into a [`Gap`], from the left.
#[derive(Debug)]
pub struct Writer<'g, 'a>(&'g mut Gap<'a>);

impl Writer<'_, '_> {
    /// Writes the next bytes.
    ///
    /// # Panics
    /// If more is written than there is room for.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        let Gap { next, left, .. } = &mut *self.0;
        assert!(bytes.len() <= *left, "the gap has too few bytes");
        // SAFETY: `left` bytes from `next` on may be written, and only through the gap, so `bytes` are not among them: the
        // contract of `Gap::new`.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), next.as_ptr(), bytes.len());
            *next = next.add(bytes.len());
        }
        *left -= bytes.len();
    }

    /// [`write`](Self::write) of one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.write(&[byte]);
    }
}

/// The gap of all bytes of a slice.
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
            // SAFETY: as many bytes from `next` on belong to the gap.
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
