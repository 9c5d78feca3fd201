//! [`Key`]: a key as a caller gives it, perhaps with its hash.

use crate::entry::KEY_LEN_MAX;
use crate::error::Error;

/// A key, borrowed, and its hash if the caller has it.
///
/// All methods of a [`Keyspace`](crate::Keyspace) that take a key take anything that converts into one:
/// bytes, text, or a `Key` whose hash is known. A caller that spreads keys over several keyspaces computes
/// the hash once, with [`Keyspace::hash_key`](crate::Keyspace::hash_key).
///
/// ```
/// use keyspace::{Key, Keyspace};
/// let mut keyspace = Keyspace::new();
/// let key = Key::with_hash(b"user:1", keyspace.hash_key(b"user:1"));
/// keyspace.set(key, "Ada", 0)?;
/// assert!(keyspace.contains_key("user:1", 0));
/// # Ok::<(), keyspace::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Key<'k> {
    bytes: &'k [u8],
    hash: Option<u64>,
}

impl<'k> Key<'k> {
    /// A key whose hash is computed when it is needed.
    #[inline]
    pub const fn new(bytes: &'k [u8]) -> Self {
        Self { bytes, hash: None }
    }

    /// A key with its hash, which must come from [`Keyspace::hash_key`](crate::Keyspace::hash_key) of the
    /// same keyspace. A wrong hash makes look-ups miss the key. It is never unsafe.
    #[inline]
    pub const fn with_hash(bytes: &'k [u8], hash: u64) -> Self {
        Self { bytes, hash: Some(hash) }
    }

    /// The bytes of the key.
    #[inline]
    pub const fn bytes(&self) -> &'k [u8] {
        self.bytes
    }

    /// Fails if the key is too long.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        let len = self.bytes.len();
        if len <= KEY_LEN_MAX { Ok(()) } else { Err(Error::KeyTooLong { len }) }
    }

    /// The hash, if it is known.
    #[inline]
    pub(crate) fn hash_or(&self, hash: impl FnOnce(&[u8]) -> u64) -> u64 {
        self.hash.unwrap_or_else(|| hash(self.bytes))
    }
}

impl<'k> From<&'k [u8]> for Key<'k> {
    #[inline]
    fn from(bytes: &'k [u8]) -> Self {
        Self::new(bytes)
    }
}

impl<'k, const N: usize> From<&'k [u8; N]> for Key<'k> {
    #[inline]
    fn from(bytes: &'k [u8; N]) -> Self {
        Self::new(bytes)
    }
}

impl<'k> From<&'k str> for Key<'k> {
    #[inline]
    fn from(text: &'k str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl<'k> From<&'k Vec<u8>> for Key<'k> {
    #[inline]
    fn from(bytes: &'k Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl<'k> From<&'k String> for Key<'k> {
    #[inline]
    fn from(text: &'k String) -> Self {
        Self::new(text.as_bytes())
    }
}
