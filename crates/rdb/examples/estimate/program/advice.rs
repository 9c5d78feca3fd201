//! [`Advisor`]: what could be changed about the keys of a dump, and what it would win.
//!
//! | advice | for | measured by |
//! |---|---|---|
//! | a higher limit | collections above a limit, up to its double | encoding them with twice the limit |
//! | shorter names | keys one to four bytes above a size class | names without their first bytes |
//! | integers | strings of digits that are not the canonical form of a number | storing the number |
//! | compression | strings of 64 bytes and more | LZF |
//! | strings | hashes of one field | storing the value as a string |
//! | symbols | strings with much in common | coding all of them (`coded`) |
//!
//! Here, each figure is measured in a keyspace; in Redis, it is worked out. Of many candidates some are
//! measured ([`Sampler`]), and stand for the rest.

use super::coded::Coded;
use super::figures::scale;
use super::probe::{Bytes, Probe, Sampler, encoded};
use keyspace::estimate::{ClassicRedis, Quantum};
use keyspace::values::{Element, Encoding, EncodingLimits, OwnedElement};
use keyspace::{Error, ValueRef};
use std::collections::BTreeMap;

/// Shorter strings are not compressed.
const COMPRESSED_MIN: usize = 64;

/// A longer text is no integer of 64 bits.
const INTEGER_TEXT_MAX: usize = 20;

/// By how many bytes a name is made shorter.
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

    /// The default.
    pub(crate) fn default(self) -> usize {
        *self.of(&mut EncodingLimits::default())
    }

    /// The defaults with twice this limit.
    fn doubled(self) -> EncodingLimits {
        let mut limits = EncodingLimits::default();
        *self.of(&mut limits) *= 2;
        limits
    }

    /// The limit that a collection misses by less than its double, if it is within all others.
    fn just_missed(value: ValueRef<'_>) -> Option<Self> {
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

    /// Which of the limits of entries and of their lengths is missed alone.
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

/// What could be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// A limit is twice as high.
    Limit(Limit),
    /// Names are so many bytes shorter.
    ShorterNames(usize),
    /// Strings of digits are stored as integers.
    Integers,
    /// Strings are compressed.
    Compression,
    /// Hashes of one field are stored as strings.
    OneField,
    /// Strings are coded with symbols.
    Symbols,
}

/// What a change would win.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Advice {
    pub(crate) change: Change,
    /// How many keys take less.
    pub(crate) keys: u64,
    /// Bytes fewer in Redis.
    pub(crate) redis: u64,
    /// Bytes fewer here.
    pub(crate) here: u64,
    /// Bytes after compression over those before.
    pub(crate) ratio: Option<f64>,
}

/// The sums of a change.
#[derive(Default)]
struct Gain {
    sampler: Sampler,
    keys: u64,
    redis: i64,
    here: i64,
    /// Bytes that the change takes here, whatever the number of keys.
    once: u64,
    raw: u64,
    packed: u64,
}

impl Gain {
    /// Adds what `weight` keys win.
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

/// A key as it is stored.
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

    /// Looks at a key. It fails if there is no memory to measure another form of it.
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
            value => match Limit::just_missed(value) {
                Some(limit) => self.limit(limit, stored),
                None => Ok(()),
            },
        }
    }

    /// Adds strings that take less if they are coded.
    pub(crate) fn add_coded(&mut self, coded: &Coded) {
        let gain = self.gain(Change::Symbols);
        gain.keys += coded.strings;
        gain.here += coded.bytes_saved;
        gain.once += coded.table_bytes;
    }

    /// The weight of the key, if it is one of those that are measured for the change.
    fn weight(&mut self, change: Change) -> Option<u64> {
        self.gains.entry(change).or_default().sampler.choose()
    }

    fn gain(&mut self, change: Change) -> &mut Gain {
        self.gains.entry(change).or_default()
    }

    /// Measures the key with another value.
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

    /// Counts what is won where compression wins, and the ratio of all.
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

    /// What wins something, the most here first. The figures are those of `sampled` of `keys`, scaled.
    pub(crate) fn advice(&self, keys: u64, sampled: u64) -> Vec<Advice> {
        let mut all: Vec<Advice> = (self.gains.iter())
            .map(|(change, gain)| {
                let scaled = |figure: i64| scale(u64::try_from(figure).unwrap_or(0), keys, sampled);
                Advice {
                    change: *change,
                    keys: scale(gain.keys, keys, sampled),
                    redis: scaled(gain.redis),
                    here: scaled(gain.here).saturating_sub(gain.once),
                    ratio: (gain.raw > 0).then(|| gain.packed as f64 / gain.raw as f64),
                }
            })
            .filter(|advice| advice.redis > 0 || advice.here > 0)
            .collect();
        all.sort_by_key(|advice| std::cmp::Reverse((advice.here, advice.redis)));
        all
    }
}

/// The number that a text means without being its canonical form: leading zeros, a plus, a minus before zero.
fn integer(text: &[u8]) -> Option<i64> {
    let element = Element::Bytes(text);
    if text.len() > INTEGER_TEXT_MAX || element.as_i64().is_some() {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
