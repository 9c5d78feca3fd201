//! [`Key`]: a key as a caller passes it, with or without its hash.

use crate::entry::{KEY_LEN_MAX, KeyLayout, KeyText, StoredKey};
use crate::error::Error;

/// A borrowed key, and its hash if the caller has computed it.
///
/// All methods of a [`Keyspace`](crate::Keyspace) that take a key accept anything that converts into one:
/// bytes, text, or a `Key` whose hash is known. A caller that distributes keys over several keyspaces
/// computes the hash once, with [`Keyspace::hash_key`](crate::Keyspace::hash_key).
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
    /// Returns a key whose hash is computed when it is needed.
    #[inline]
    pub const fn new(bytes: &'k [u8]) -> Self {
        Self { bytes, hash: None }
    }

    /// Returns a key with its hash, which must come from [`Keyspace::hash_key`](crate::Keyspace::hash_key) of
    /// the same keyspace. With a wrong hash, look-ups do not find the key. This is not unsafe.
    #[inline]
    pub const fn with_hash(bytes: &'k [u8], hash: u64) -> Self {
        Self { bytes, hash: Some(hash) }
    }

    /// Returns the bytes of the key.
    #[inline]
    pub const fn bytes(&self) -> &'k [u8] {
        self.bytes
    }

    /// Returns the key in its plain form.
    #[inline]
    pub(crate) fn plain(&self) -> StoredKey<'k> {
        StoredKey::plain(self.bytes)
    }

    /// Returns the layout of the key in an entry that stores it plain.
    #[inline]
    pub(crate) fn plain_layout(&self) -> KeyLayout {
        KeyLayout::plain(self.bytes.len())
    }

    /// Returns an error if the key is too long.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        let len = self.bytes.len();
        if len <= KEY_LEN_MAX { Ok(()) } else { Err(Error::KeyTooLong { len }) }
    }

    /// Returns the hash if it is known, and otherwise calls `hash` to compute it.
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

impl<'k> From<&'k KeyText<'_>> for Key<'k> {
    #[inline]
    fn from(key: &'k KeyText<'_>) -> Self {
        Self::new(key)
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
