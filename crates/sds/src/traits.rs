//! Implements std's traits for [`Sds`]. It derefs to its bytes and compares, hashes and orders like them.
//! `io::Write` appends as for a `Vec<u8>`. `fmt::Write` is in `tail`.

use crate::Sds;
use crate::error::FormatError;
use core::borrow::{Borrow, BorrowMut};
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::{Deref, DerefMut};
use std::io;
use zmalloc::ReserveError;

impl Deref for Sds {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl DerefMut for Sds {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.as_mut_bytes()
    }
}

impl Borrow<[u8]> for Sds {
    #[inline]
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl BorrowMut<[u8]> for Sds {
    #[inline]
    fn borrow_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl AsRef<[u8]> for Sds {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for Sds {
    #[inline]
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl Hash for Sds {
    /// Hashes like the bytes, so that a map with `Sds` keys can be searched with a `&[u8]`.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Eq for Sds {}

impl PartialEq for Sds {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Ord for Sds {
    /// Compares byte by byte, unsigned. A prefix comes first. In C: `sdscmp`.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Sds {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Implements equality with other types of bytes, in both directions.
macro_rules! equal_to {
    ($([$($param:tt)*] $other:ty),* $(,)?) => {$(
        impl<$($param)*> PartialEq<$other> for Sds {
            #[inline]
            fn eq(&self, other: &$other) -> bool {
                self.as_bytes() == AsRef::<[u8]>::as_ref(other)
            }
        }

        impl<$($param)*> PartialEq<Sds> for $other {
            #[inline]
            fn eq(&self, other: &Sds) -> bool {
                AsRef::<[u8]>::as_ref(self) == other.as_bytes()
            }
        }
    )*};
}

equal_to!(
    [] [u8],
    [] &[u8],
    [const N: usize] [u8; N],
    [const N: usize] &[u8; N],
    [] str,
    [] &str,
    [] String,
    [] Vec<u8>,
    [] bytes::Bytes,
    [] bytes::BytesMut,
);

/// Creates an error with only a kind. An error that contains another error allocates, and an allocation has
/// just failed.
fn io_error(_: ReserveError) -> io::Error {
    io::ErrorKind::OutOfMemory.into()
}

/// Appends the bytes. If there is no memory, the error has the kind `OutOfMemory` and nothing was written.
impl io::Write for Sds {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.try_push_bytes(bytes).map_err(io_error)
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let total = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        self.try_make_room_for(total).map_err(io_error)?;
        for part in parts {
            self.write_all(part)?;
        }
        Ok(total)
    }

    /// Appends formatted text like [`Sds::try_push_fmt`]: after an error nothing was written.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.try_push_fmt(text).map_err(|error| match error {
            FormatError::Reserve(error) => io_error(error),
            FormatError::Display => io::ErrorKind::Other.into(),
        })
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Sds {
    type Item = &'a u8;
    type IntoIter = core::slice::Iter<'a, u8>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
