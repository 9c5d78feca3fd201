//! [`Largest`]: the keys that take most, with their names cut to a bounded length.

use super::figures::Form;

/// How many keys are listed.
pub(crate) const LARGEST_MAX: usize = 20;

/// So much of a name is kept, in bytes.
const NAME_MAX: usize = 128;

/// A large key.
#[derive(Clone, Debug)]
pub(crate) struct LargeKey {
    pub(crate) name: Box<[u8]>,
    /// The length of the whole name.
    pub(crate) name_len: usize,
    pub(crate) database: u64,
    pub(crate) form: Form,
    /// Elements of a collection, or bytes of a string.
    pub(crate) len: u64,
    pub(crate) redis: u64,
    pub(crate) here: u64,
}

impl LargeKey {
    pub(crate) fn name(key: &[u8]) -> Box<[u8]> {
        key[..key.len().min(NAME_MAX)].into()
    }
}

/// The largest keys by one of the two figures, the largest first.
#[derive(Debug, Default)]
pub(crate) struct Largest(Vec<(u64, LargeKey)>);

impl Largest {
    /// Keeps the key if it is one of the largest. `key` is called only then. Of equal ones the first stays.
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
