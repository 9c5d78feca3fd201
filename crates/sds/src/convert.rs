//! Conversions from and to other owners of bytes.

use crate::Sds;
use bytes::{Bytes, BytesMut};
use core::str::FromStr;
use zmalloc::ReserveError;

/// Implements `From` with a copy by [`Sds::from_bytes`], for types that convert to bytes by `AsRef`.
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

    /// Creates a copy. It fails only if there is no memory.
    fn from_str(text: &str) -> Result<Self, ReserveError> {
        Self::try_from_bytes(text.as_bytes())
    }
}

/// Creates a copy, because the two types lay out their blocks differently.
impl From<Sds> for Vec<u8> {
    fn from(s: Sds) -> Self {
        s.to_vec()
    }
}

/// Copies no bytes. The `Bytes` owns the string and drops it with its last reference. `bytes` allocates its
/// own bookkeeping (one small block) with the global allocator.
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
