//! [`Probe`]: measures the bytes of a key that is stored in another way. [`Sampler`]: chooses the keys that
//! are measured.

use keyspace::estimate::ClassicRedis;
use keyspace::values::list::lzf;
use keyspace::values::zset::AddOptions;
use keyspace::values::{Element, EncodingLimits, Hash, OwnedElement, ReserveError, Set, ZSet};
use keyspace::{Error, Keyspace, Value, ValueRef};

/// The number of keys that are measured before the distance between two of them doubles.
const PROBES: u64 = 1_000;

/// The maximum size of a value that is copied to measure its key, in bytes.
const COPIED_MAX: usize = 2_048;

/// The bytes of a key and its value, in Redis and in a keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) redis: u64,
    pub(crate) here: u64,
}

/// A keyspace that holds one key at a time.
#[derive(Default)]
pub(crate) struct Probe {
    keyspace: Keyspace,
    /// The buffer for a compressed string.
    stream: Vec<u8>,
}

impl Probe {
    /// Returns the bytes of the key with this value, or `None` if the value is empty.
    pub(crate) fn measure(
        &mut self,
        key: &[u8],
        value: Value,
        expiry: Option<u64>,
        redis: &ClassicRedis,
    ) -> Result<Option<Bytes>, Error> {
        self.keyspace.insert(key, value, expiry, 0)?;
        let here = self.keyspace.memory_usage(key, 0);
        let value = self.keyspace.get(key, 0).map(|value| redis.value(value).bytes);
        self.keyspace.remove(key, 0);
        let redis = redis.key(key.len() as u64, expiry.is_some());
        Ok(here.zip(value).map(|(here, value)| Bytes { redis: redis + value, here: here as u64 }))
    }

    /// Returns the bytes of the key without the first `by` bytes of its name. Returns `None` if the value is
    /// large, because such a value is not stored in the block of the key.
    pub(crate) fn measure_shorter(
        &mut self,
        key: &[u8],
        by: usize,
        value: ValueRef<'_>,
        expiry: Option<u64>,
        redis: &ClassicRedis,
    ) -> Result<Option<Bytes>, Error> {
        let is_small = |packed: Option<&[u8]>| packed.is_some_and(|bytes| bytes.len() <= COPIED_MAX);
        let value = match value {
            ValueRef::String(string) if string.len() <= COPIED_MAX => string.try_to_owned()?.into(),
            ValueRef::List(list) if is_small(list.as_packed()) => list.try_to_owned()?.into(),
            ValueRef::Set(set) if is_small(set.as_packed()) => set.try_to_owned()?.into(),
            ValueRef::Hash(hash) if is_small(hash.as_packed()) => hash.try_to_owned()?.into(),
            ValueRef::ZSet(zset) if is_small(zset.as_packed()) => zset.try_to_owned()?.into(),
            _ => return Ok(None),
        };
        self.measure(&key[by.min(key.len())..], value, expiry, redis)
    }

    /// Returns the string compressed by LZF, or `None` if that does not make it shorter.
    pub(crate) fn compressed(&mut self, string: &[u8]) -> Result<Option<OwnedElement>, ReserveError> {
        let room = string.len().saturating_sub(1);
        if self.stream.len() < room {
            self.stream.resize(room, 0);
        }
        match lzf::compress(string, &mut self.stream[..room]) {
            Some(len) => OwnedElement::try_from(Element::Bytes(&self.stream[..len])).map(Some),
            None => Ok(None),
        }
    }
}

/// Returns a copy of the hash, set or sorted set that is encoded under `limits`, or `None` for other types.
pub(crate) fn encoded(value: ValueRef<'_>, limits: &EncodingLimits) -> Result<Option<Value>, Error> {
    Ok(Some(match value {
        ValueRef::Hash(view) => {
            let mut hash = Hash::new();
            for (field, value) in view {
                hash.try_insert(field, value, limits)?;
            }
            hash.into()
        }
        ValueRef::Set(view) => {
            let mut set = Set::new();
            for member in view.iter() {
                set.try_insert(member, limits)?;
            }
            set.into()
        }
        ValueRef::ZSet(view) => {
            let mut zset = ZSet::new();
            for (member, score) in view {
                zset.try_add(member, score, AddOptions::default(), limits)?;
            }
            zset.into()
        }
        ValueRef::String(_) | ValueRef::List(_) => return Ok(None),
    }))
}

/// Chooses some keys of many: the first 1,000, then every second one until 1,000 more are chosen, then every
/// fourth one, and so on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler {
    seen: u64,
    chosen: u64,
    stride: u64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self { seen: 0, chosen: 0, stride: 1 }
    }
}

impl Sampler {
    /// Decides whether the next key is chosen. Returns the number of keys that it stands for, or `None`.
    pub(crate) fn choose(&mut self) -> Option<u64> {
        self.seen += 1;
        let stride = self.stride;
        if !self.seen.is_multiple_of(stride) {
            return None;
        }
        self.chosen += 1;
        if self.chosen.is_multiple_of(PROBES) {
            (self.stride, self.seen) = (stride * 2, 0);
        }
        Some(stride)
    }
}
