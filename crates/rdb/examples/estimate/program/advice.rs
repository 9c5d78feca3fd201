//! [`Advisor`]: finds changes to the keys of a dump that would save memory, and measures how much.
//!
//! | advice | for | measured by |
//! |---|---|---|
//! | a higher limit | collections above a limit, up to its double | encoding them with twice the limit |
//! | shorter names | keys one to four bytes above a size class | names without their first bytes |
//! | integers | strings of digits that are not the canonical form of a number | storing the number |
//! | compression | strings of 64 bytes and more | LZF |
//! | strings | hashes of one field | storing the value as a string |
//! | symbols | strings and keys with much in common | coding all of them (`coded`) |
//!
//! The figures for redcore, which are called `here`, are measured in a keyspace. The figures for Redis are
//! calculated. If many keys are candidates for a change, only some are measured ([`Sampler`]). Each of these
//! stands for several keys, and this number is its weight.

use super::coded::Coded;
use super::figures::scale;
use super::probe::{Bytes, Probe, Sampler, encoded};
use keyspace::estimate::{ClassicRedis, Quantum};
use keyspace::values::{Element, Encoding, EncodingLimits, OwnedElement};
use keyspace::{Error, ValueRef};
use std::collections::BTreeMap;

/// The length of the shortest string that is compressed, in bytes.
const COMPRESSED_MIN: usize = 64;

/// The length of the longest text that is parsed as an integer, in bytes.
const INTEGER_TEXT_MAX: usize = 20;

/// The numbers of bytes by which names are made shorter.
const SHORTER: [usize; 2] = [1, 4];

/// A limit of redis.conf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    HashEntries,
    HashValue,
    SetIntsetEntries,
    SetEntries,
    SetValue,
    ZSetEntries,
    ZSetValue,
}

impl Limit {
    /// Returns the place of the limit in `limits`.
    fn of(self, limits: &mut EncodingLimits) -> &mut usize {
        match self {
            Self::HashEntries => &mut limits.hash_max_listpack_entries,
            Self::HashValue => &mut limits.hash_max_listpack_value,
            Self::SetIntsetEntries => &mut limits.set_max_intset_entries,
            Self::SetEntries => &mut limits.set_max_listpack_entries,
            Self::SetValue => &mut limits.set_max_listpack_value,
            Self::ZSetEntries => &mut limits.zset_max_listpack_entries,
            Self::ZSetValue => &mut limits.zset_max_listpack_value,
        }
    }

    /// Returns the name of the limit in redis.conf.
    pub(crate) fn directive(self) -> &'static str {
        match self {
            Self::HashEntries => "hash-max-listpack-entries",
            Self::HashValue => "hash-max-listpack-value",
            Self::SetIntsetEntries => "set-max-intset-entries",
            Self::SetEntries => "set-max-listpack-entries",
            Self::SetValue => "set-max-listpack-value",
            Self::ZSetEntries => "zset-max-listpack-entries",
            Self::ZSetValue => "zset-max-listpack-value",
        }
    }

    /// Returns the default of the limit.
    pub(crate) fn default(self) -> usize {
        *self.of(&mut EncodingLimits::default())
    }

    /// Returns the default limits, but with twice this one.
    fn doubled(self) -> EncodingLimits {
        let mut limits = EncodingLimits::default();
        *self.of(&mut limits) *= 2;
        limits
    }

    /// Returns the limit that the collection exceeds. Returns `None` if it exceeds no limit, more than one,
    /// or one by more than its double.
    fn slightly_exceeded(value: ValueRef<'_>) -> Option<Self> {
        let longest_pair =
            |longest: usize, (a, b): (Element<'_>, Element<'_>)| longest.max(a.len()).max(b.len());
        match value {
            ValueRef::Hash(hash) if hash.encoding() != Encoding::ListPack => {
                let (entries, value) = (Self::HashEntries, Self::HashValue);
                Self::missed_of([entries, value], hash.len(), || hash.iter().fold(0, longest_pair))
            }
            ValueRef::Set(set) if set.encoding() == Encoding::HashTable => {
                if set.len() > Self::SetEntries.default()
                    && set.len() <= 2 * Self::SetIntsetEntries.default()
                    && set.iter().all(|member| member.as_i64().is_some())
                {
                    return Some(Self::SetIntsetEntries);
                }
                let longest = || set.iter().map(Element::len).max().unwrap_or(0);
                Self::missed_of([Self::SetEntries, Self::SetValue], set.len(), longest)
            }
            ValueRef::ZSet(zset) if zset.encoding() != Encoding::ListPack => {
                let longest = || zset.iter().map(|(member, _)| member.len()).max().unwrap_or(0);
                Self::missed_of([Self::ZSetEntries, Self::ZSetValue], zset.len(), longest)
            }
            _ => None,
        }
    }

    /// Returns which of two limits a collection exceeds, by at most its double: the limit of the number of
    /// entries, or that of their length. Returns `None` if it exceeds none or both.
    fn missed_of(limits: [Self; 2], len: usize, longest: impl FnOnce() -> usize) -> Option<Self> {
        let [entries, value] = limits.map(Self::default);
        if len > 2 * entries {
            return None;
        }
        let longest = longest();
        match (len > entries, longest > value) {
            (true, false) => Some(limits[0]),
            (false, true) if longest <= 2 * value => Some(limits[1]),
            _ => None,
        }
    }
}

/// A change that may save memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// A limit is doubled.
    Limit(Limit),
    /// Names are made shorter by this number of bytes.
    ShorterNames(usize),
    /// Strings of digits are stored as integers.
    Integers,
    /// Strings are compressed.
    Compression,
    /// Hashes of one field are stored as strings.
    OneField,
    /// Strings and keys are coded with symbols.
    Symbols,
}

/// A change, and the memory that it would save.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Advice {
    pub(crate) change: Change,
    /// The number of keys that take less memory.
    pub(crate) keys: u64,
    /// The bytes that are saved in Redis.
    pub(crate) redis: u64,
    /// The bytes that are saved in a keyspace.
    pub(crate) here: u64,
    /// The length of compressed strings, divided by their length before.
    pub(crate) ratio: Option<f64>,
}

/// The sums of a change.
#[derive(Default)]
struct Gain {
    sampler: Sampler,
    keys: u64,
    redis: i64,
    here: i64,
    /// The bytes that the change costs in a keyspace, independent of the number of keys.
    fixed_cost: u64,
    /// The length of all strings before compression, and after it.
    raw: u64,
    packed: u64,
}

impl Gain {
    /// Adds the difference between `before` and `after` for `weight` keys.
    fn add(&mut self, weight: u64, before: Bytes, after: Bytes) {
        let difference =
            |before: u64, after: u64| (before as i64 - after as i64).saturating_mul(weight as i64);
        let (redis, here) = (difference(before.redis, after.redis), difference(before.here, after.here));
        if redis > 0 || here > 0 {
            self.keys += weight;
        }
        self.redis += redis;
        self.here += here;
    }
}

pub(crate) struct Advisor {
    probe: Probe,
    quantum: Quantum,
    redis: ClassicRedis,
    gains: BTreeMap<Change, Gain>,
}

/// A key as it is stored, and its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: ValueRef<'a>,
    pub(crate) expiry: Option<u64>,
    pub(crate) bytes: Bytes,
}

impl Advisor {
    pub(crate) fn new(quantum: Quantum) -> Self {
        let redis = ClassicRedis::new(quantum);
        Self { probe: Probe::default(), quantum, redis, gains: BTreeMap::new() }
    }

    /// Measures the changes that apply to a key.
    ///
    /// # Errors
    /// If there is no memory to measure another form of the key.
    pub(crate) fn add(&mut self, stored: Stored<'_>) -> Result<(), Error> {
        for by in SHORTER {
            self.shorter_name(by, stored)?;
        }
        match stored.value {
            ValueRef::String(string) => {
                let Some(Element::Bytes(text)) = string.plain() else { return Ok(()) };
                if let Some(number) = integer(text) {
                    self.change(Change::Integers, stored, |_| Ok(Some(OwnedElement::Int(number).into())))?;
                }
                if text.len() >= COMPRESSED_MIN { self.compression(text, stored) } else { Ok(()) }
            }
            ValueRef::Hash(hash) if hash.len() == 1 => self.change(Change::OneField, stored, |_| {
                let value = hash.values().next().map(OwnedElement::try_from).transpose()?;
                Ok(value.map(Into::into))
            }),
            value => match Limit::slightly_exceeded(value) {
                Some(limit) => self.limit(limit, stored),
                None => Ok(()),
            },
        }
    }

    /// Adds the keys of a database that take less memory if they or their strings are coded.
    pub(crate) fn add_coded(&mut self, coded: &Coded) {
        let gain = self.gain(Change::Symbols);
        gain.keys += coded.keys;
        gain.here += coded.bytes_saved;
        gain.fixed_cost += coded.table_bytes;
    }

    /// Returns the weight of the next key, or `None` if the key is not measured for the change.
    fn weight(&mut self, change: Change) -> Option<u64> {
        self.gains.entry(change).or_default().sampler.choose()
    }

    fn gain(&mut self, change: Change) -> &mut Gain {
        self.gains.entry(change).or_default()
    }

    /// Measures the key with the value that `value` returns.
    fn change(
        &mut self,
        change: Change,
        stored: Stored<'_>,
        value: impl FnOnce(&mut Probe) -> Result<Option<keyspace::Value>, Error>,
    ) -> Result<(), Error> {
        let Some(weight) = self.weight(change) else { return Ok(()) };
        let Some(value) = value(&mut self.probe)? else { return Ok(()) };
        if let Some(after) = self.probe.measure(stored.key, value, stored.expiry, &self.redis)? {
            self.gain(change).add(weight, stored.bytes, after);
        }
        Ok(())
    }

    /// Measures a collection with twice the limit.
    fn limit(&mut self, limit: Limit, stored: Stored<'_>) -> Result<(), Error> {
        let change = Change::Limit(limit);
        let Some(weight) = self.weight(change) else { return Ok(()) };
        let limits = limit.doubled();
        let Some(value) = encoded(stored.value, &limits)? else { return Ok(()) };
        let redis = ClassicRedis::with_limits(self.quantum, limits);
        if let Some(after) = self.probe.measure(stored.key, value, stored.expiry, &redis)? {
            self.gain(change).add(weight, stored.bytes, after);
        }
        Ok(())
    }

    /// Measures the key without its first `by` bytes. A large value has its own block. The probe does not
    /// copy it, and only the bytes in Redis change.
    fn shorter_name(&mut self, by: usize, stored: Stored<'_>) -> Result<(), Error> {
        let Stored { key, value, expiry, bytes: before } = stored;
        let change = Change::ShorterNames(by);
        if key.len() <= by {
            return Ok(());
        }
        let Some(weight) = self.weight(change) else { return Ok(()) };
        let after = self.probe.measure_shorter(key, by, value, expiry, &self.redis)?;
        let after = after.unwrap_or_else(|| {
            let name = |len: usize| self.redis.key(len as u64, expiry.is_some());
            Bytes { redis: before.redis - (name(key.len()) - name(key.len() - by)), ..before }
        });
        self.gain(change).add(weight, before, after);
        Ok(())
    }

    /// Measures the key with a compressed string. The gain has only strings that take less memory here. The
    /// ratio has all strings.
    fn compression(&mut self, text: &[u8], stored: Stored<'_>) -> Result<(), Error> {
        let change = Change::Compression;
        let Some(weight) = self.weight(change) else { return Ok(()) };
        let compressed = self.probe.compressed(text)?;
        let packed_len = compressed.as_ref().map_or(text.len(), |packed| packed.as_element().len());
        let after = match compressed {
            Some(packed) => self.probe.measure(stored.key, packed.into(), stored.expiry, &self.redis)?,
            None => None,
        };
        let gain = self.gain(change);
        gain.raw += text.len() as u64 * weight;
        gain.packed += packed_len as u64 * weight;
        if let Some(after) = after.filter(|after| after.here < stored.bytes.here) {
            gain.add(weight, stored.bytes, after);
        }
        Ok(())
    }

    /// Returns the changes that save memory, sorted by the bytes that they save here, the greatest first. The
    /// figures of the `sampled` keys are scaled to all `keys`.
    pub(crate) fn advice(&self, keys: u64, sampled: u64) -> Vec<Advice> {
        let mut all: Vec<Advice> = (self.gains.iter())
            .map(|(change, gain)| {
                let scaled = |figure: i64| scale(u64::try_from(figure).unwrap_or(0), keys, sampled);
                Advice {
                    change: *change,
                    keys: scale(gain.keys, keys, sampled),
                    redis: scaled(gain.redis),
                    here: scaled(gain.here).saturating_sub(gain.fixed_cost),
                    ratio: (gain.raw > 0).then(|| gain.packed as f64 / gain.raw as f64),
                }
            })
            .filter(|advice| advice.redis > 0 || advice.here > 0)
            .collect();
        all.sort_by_key(|advice| std::cmp::Reverse((advice.here, advice.redis)));
        all
    }
}

/// Parses a text that is an integer, but not in its canonical form. Such a text has leading zeros, a plus
/// sign, or a minus sign before a zero.
fn integer(text: &[u8]) -> Option<i64> {
    let element = Element::Bytes(text);
    if text.len() > INTEGER_TEXT_MAX || element.as_i64().is_some() {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
