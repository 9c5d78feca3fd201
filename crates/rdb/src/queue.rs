//! [`Queue`]: collects keys with short strings, and stores them in a keyspace together.
//!
//! An insert waits until the processor has fetched the key's place in the table from memory. If the places of
//! sixteen keys are fetched at once, these waits overlap. So short strings, which are the most frequent
//! values, are copied out of the input's buffer, and stored sixteen at a time in the order of the file.

use crate::input::Block;
use crate::reader::KeyAttributes;
use core::hash::BuildHasher;
use core::ops::Range;
use keyspace::values::Element;
use keyspace::{Key, Keyspace};
use zmalloc::Zmalloc;

/// How many keys are stored together.
pub(crate) const KEYS: usize = 16;

/// Keys and strings of more bytes are stored one by one.
const LEN_MAX: usize = 256;

/// The maximum number of bytes of all keys and strings in the queue.
const BYTES: usize = 2 * KEYS * LEN_MAX;

enum QueuedString {
    Int(i64),
    Bytes(Range<usize>),
}

struct Queued {
    key: Range<usize>,
    value: QueuedString,
    attributes: KeyAttributes,
    offset: u64,
}

/// Keys with short strings that are stored together. See the documentation of the module.
pub(crate) struct Queue {
    /// The bytes of the keys and strings. The block is empty before the first key, and then [`BYTES`] long.
    bytes: Block,
    /// How many bytes of the block are in use.
    filled: usize,
    queued: [Queued; KEYS],
    len: usize,
}

/// A key and its string when they leave the queue.
pub(crate) struct Dequeued<'q> {
    pub(crate) key: Key<'q>,
    pub(crate) value: Element<'q>,
    pub(crate) attributes: KeyAttributes,
    pub(crate) offset: u64,
}

impl Queue {
    pub(crate) fn new() -> Self {
        let empty = |_| Queued {
            key: 0..0,
            value: QueuedString::Int(0),
            attributes: KeyAttributes::default(),
            offset: 0,
        };
        Self { bytes: Block::new_in(Zmalloc), filled: 0, queued: core::array::from_fn(empty), len: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == KEYS
    }

    /// Adds a key and its string. Returns `false` if the queue is full, if one of them is too long, or if
    /// there is no memory.
    #[inline]
    pub(crate) fn push(
        &mut self,
        key: &[u8],
        value: Element<'_>,
        attributes: KeyAttributes,
        offset: u64,
    ) -> bool {
        if self.len == KEYS || key.len() > LEN_MAX {
            return false;
        }
        if self.bytes.is_empty() {
            if self.bytes.try_reserve_exact(BYTES).is_err() {
                return false;
            }
            self.bytes.resize(BYTES, 0);
        }
        let value = match value {
            Element::Int(value) => QueuedString::Int(value),
            Element::Bytes(value) if value.len() <= LEN_MAX => QueuedString::Bytes(self.copy(value)),
            Element::Bytes(_) => return false,
        };
        let key = self.copy(key);
        self.queued[self.len] = Queued { key, value, attributes, offset };
        self.len += 1;
        true
    }

    fn copy(&mut self, bytes: &[u8]) -> Range<usize> {
        let range = self.filled..self.filled + bytes.len();
        self.bytes[range.clone()].copy_from_slice(bytes);
        self.filled = range.end;
        range
    }

    /// Empties the queue. Prefetches the places of all keys, and then calls `store` for each key.
    pub(crate) fn drain<S: BuildHasher, E>(
        &mut self,
        keyspace: &mut Keyspace<S>,
        mut store: impl FnMut(&mut Keyspace<S>, Dequeued<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { bytes, filled, queued, len } = self;
        let queued = &queued[..*len];
        let mut keys = [const { Key::new(&[]) }; KEYS];
        for (key, queued) in keys.iter_mut().zip(queued) {
            *key = Key::new(&bytes[queued.key.clone()]);
        }
        let keys = &mut keys[..*len];
        keyspace.prefetch(keys);
        let result = keys.iter().zip(queued).try_for_each(|(key, queued)| {
            let value = match &queued.value {
                QueuedString::Int(value) => Element::Int(*value),
                QueuedString::Bytes(range) => Element::Bytes(&bytes[range.clone()]),
            };
            store(
                keyspace,
                Dequeued { key: *key, value, attributes: queued.attributes, offset: queued.offset },
            )
        });
        (*filled, *len) = (0, 0);
        result
    }
}
