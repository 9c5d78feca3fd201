//! Conversions from and to other owners of bytes.

use crate::Sds;
use bytes::{Bytes, BytesMut};
use core::str::FromStr;
use zmalloc::ReserveError;

/// Implements `From` for types that implement `AsRef<[u8]>`. [`Sds::from_bytes`] copies the bytes.
macro_rules! copied_from {
    ($([$($param:tt)*] $from:ty),* $(,)?) => {$(
        impl<$($param)*> From<$from> for Sds {
            fn from(bytes: $from) -> Self {
                Self::from_bytes(AsRef::<[u8]>::as_ref(&bytes))
            }
        }
    )*};
}

copied_from!(
    [] &[u8],
    [const N: usize] &[u8; N],
    [const N: usize] [u8; N],
    [] &str,
    [] String,
    [] Vec<u8>,
    [] Box<[u8]>,
    [] Bytes,
    [] BytesMut,
);

impl FromStr for Sds {
    type Err = ReserveError;

    /// Copies the text into a string.
    ///
    /// # Errors
    /// Returns an error if there is no memory.
    fn from_str(text: &str) -> Result<Self, ReserveError> {
        Self::try_from_bytes(text.as_bytes())
    }
}

/// Copies the bytes, because a `Vec` cannot own the block of an [`Sds`].
impl From<Sds> for Vec<u8> {
    fn from(s: Sds) -> Self {
        s.to_vec()
    }
}

/// Moves the string into a `Bytes` without copying it. The last clone of the `Bytes` drops the string. The
/// crate `bytes` allocates one small block from the global allocator for its bookkeeping.
///
/// ```
/// let s = sds::Sds::from("reply");
/// let address = s.as_ptr();
/// let reply = bytes::Bytes::from(s);
/// assert_eq!(reply.as_ptr(), address);
/// assert_eq!(reply, "reply");
/// ```
impl From<Sds> for Bytes {
    fn from(s: Sds) -> Self {
        if s.is_empty() { Self::new() } else { Self::from_owner(s) }
    }
}
