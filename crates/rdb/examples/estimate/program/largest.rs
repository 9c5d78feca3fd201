//! [`Largest`]: the keys that take the most bytes, in bounded memory.

use super::figures::Form;

/// The maximum number of keys in the list.
pub(crate) const LARGEST_MAX: usize = 20;

/// The maximum number of bytes that are kept of a key's name.
const NAME_MAX: usize = 128;

/// A large key. Its name is cut to a bounded length.
#[derive(Clone, Debug)]
pub(crate) struct LargeKey {
    pub(crate) name: Box<[u8]>,
    /// The length of the whole name.
    pub(crate) name_len: usize,
    pub(crate) database: u64,
    pub(crate) form: Form,
    /// Elements of a collection, or bytes of a string.
    pub(crate) len: u64,
    /// Bytes of memory in Redis.
    pub(crate) redis: u64,
    /// Bytes of memory in a keyspace.
    pub(crate) here: u64,
}

impl LargeKey {
    /// Returns the part of a key's name that is kept.
    pub(crate) fn name(key: &[u8]) -> Box<[u8]> {
        key[..key.len().min(NAME_MAX)].into()
    }
}

/// The largest keys, sorted by their bytes in Redis or in a keyspace, the largest first.
#[derive(Debug, Default)]
pub(crate) struct Largest(Vec<(u64, LargeKey)>);

impl Largest {
    /// Adds a key if it is one of the largest, and calls `key` only then. Among keys of the same size, the
    /// first ones stay.
    pub(crate) fn add(&mut self, bytes: u64, key: impl FnOnce() -> LargeKey) {
        let is_full = self.0.len() == LARGEST_MAX;
        if is_full && self.0.last().is_some_and(|(smallest, _)| *smallest >= bytes) {
            return;
        }
        if is_full {
            self.0.pop();
        }
        let at = self.0.partition_point(|(other, _)| *other >= bytes);
        self.0.insert(at, (bytes, key()));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &LargeKey> {
        self.0.iter().map(|(_, key)| key)
    }
}
