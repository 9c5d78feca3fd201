//! Appends in many small pieces. The end of the string and the free space are kept in a [`Tail`], and the
//! header and the NUL are written once.
//!
//! A header is a few bytes in front of the string, and its width depends on its type. Reading and writing it
//! for each piece of a formatted text costs more than the pieces. A [`Tail`] borrows the string, so no other
//! code sees the outdated header. When the tail is dropped it updates the header, also if the code that
//! produces the pieces panics.

use crate::Sds;
use crate::copy::copy;
use crate::error::FormatError;
use crate::layout::{self, HeaderType};
use core::fmt::{self, Write};
use core::ptr::NonNull;
use zmalloc::{ReserveError, or_oom};

/// The end of a string that is being appended to.
struct Tail<'a> {
    s: &'a mut Sds,
    /// The address of the next byte. Invariant: it lies in the block of `s`, and all bytes of the string
    /// before it are initialised.
    end: NonNull<u8>,
    /// The number of bytes that fit there: the free space of `s` less the bytes that were appended since.
    room: usize,
}

impl<'a> Tail<'a> {
    #[inline]
    fn new(s: &'a mut Sds) -> Self {
        let (len, room) = (s.len(), s.avail());
        // SAFETY: the length is within the block.
        let end = unsafe { s.ptr.add(len) };
        Self { s, end, room }
    }

    #[inline]
    fn try_push_bytes(&mut self, bytes: &[u8]) -> Result<(), ReserveError> {
        if bytes.len() > self.room {
            self.grow(bytes.len())?;
        }
        // SAFETY: there is room for the bytes. They are not part of the string, because `s` is borrowed
        // exclusively.
        unsafe {
            copy(bytes, self.end);
            self.end = self.end.add(bytes.len());
        }
        self.room -= bytes.len();
        Ok(())
    }

    /// Makes room for `additional` bytes. On failure nothing changes.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, additional: usize) -> Result<(), ReserveError> {
        self.write_header();
        self.s.grow(additional, true)?;
        self.room = self.s.avail();
        // SAFETY: as in `new`.
        self.end = unsafe { self.s.ptr.add(self.s.len()) };
        Ok(())
    }

    /// Removes the bytes that were appended since the string was `len` bytes long. Leaves `room` as it is,
    /// which is then too small, so use this only before the tail is dropped.
    fn cut(&mut self, len: usize) {
        // SAFETY: the string had this length, so its first `len` bytes are in the block.
        self.end = unsafe { self.s.ptr.add(len) };
    }

    #[inline]
    fn write_header(&mut self) {
        // `Sds5` has no free space, so nothing was appended while the string has that type.
        if self.s.header_type() != HeaderType::Sds5 {
            // SAFETY: the bytes up to `end` are initialised and within the capacity.
            unsafe {
                layout::set_len(self.s.ptr, self.end.offset_from_unsigned(self.s.ptr));
                self.end.write(0);
            }
        }
    }
}

impl Drop for Tail<'_> {
    #[inline]
    fn drop(&mut self) {
        self.write_header();
    }
}

/// Takes the text of formatters, and keeps the reason of a failure, which `fmt::Error` cannot hold.
struct TryWriter<'a> {
    tail: Tail<'a>,
    failure: Option<ReserveError>,
}

impl Write for TryWriter<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.tail.try_push_bytes(text.as_bytes()).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}

/// Takes the text of formatters, and calls the OOM handler on a failure.
struct Writer<'a>(Tail<'a>);

impl Write for Writer<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        or_oom(self.0.try_push_bytes(text.as_bytes()));
        Ok(())
    }
}

/// Calls the OOM handler if there is no memory, as `String` does. [`Sds::try_push_fmt`] returns an error
/// instead. If the formatting of a value fails, the text before it stays, as with `String`.
impl Write for Sds {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_bytes(text.as_bytes());
        Ok(())
    }

    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        fmt::write(&mut Writer(Tail::new(self)), text)
    }
}

impl Sds {
    /// Appends formatted text. After an error the string holds the same bytes as before. `write!` does the
    /// same but calls the OOM handler. O(n) in the length of the text. In C: `sdscatprintf`, `sdscatvprintf`,
    /// `sdscatfmt`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("--");
    /// s.try_push_fmt(format_args!("{}, {:>4}", "Hi!", 42))?;
    /// assert_eq!(s, "--Hi!,   42");
    /// # Ok::<(), sds::FormatError>(())
    /// ```
    pub fn try_push_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), FormatError> {
        let old_len = self.len();
        let mut writer = TryWriter { tail: Tail::new(self), failure: None };
        let Err(fmt::Error) = fmt::write(&mut writer, text) else { return Ok(()) };
        writer.tail.cut(old_len);
        Err(writer.failure.map_or(FormatError::Display, FormatError::Reserve))
    }
}

/// Appends the bytes of an iterator. First makes room for the lower bound of its size hint. The fallible form
/// is [`Sds::try_push_bytes`].
impl Extend<u8> for Sds {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        let mut bytes = bytes.into_iter();
        let (at_least, _) = bytes.size_hint();
        if at_least > 1 {
            self.make_room_for(at_least);
        }
        loop {
            // This loop calls only the iterator, so the tail stays in registers.
            let mut tail = Tail::new(self);
            while tail.room > 0 {
                let Some(byte) = bytes.next() else { return };
                // SAFETY: there is room for one byte.
                unsafe {
                    tail.end.write(byte);
                    tail.end = tail.end.add(1);
                }
                tail.room -= 1;
            }
            drop(tail);
            let Some(byte) = bytes.next() else { return };
            self.push(byte); // grows
        }
    }
}

impl<'a> Extend<&'a u8> for Sds {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.extend(bytes.into_iter().copied());
    }
}

impl FromIterator<u8> for Sds {
    /// The fallible form is [`Sds::try_push_bytes`].
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let bytes = bytes.into_iter();
        let mut new = Self::with_capacity(bytes.size_hint().0);
        new.extend(bytes);
        new
    }
}

impl<'a> FromIterator<&'a u8> for Sds {
    fn from_iter<I: IntoIterator<Item = &'a u8>>(bytes: I) -> Self {
        bytes.into_iter().copied().collect()
    }
}
