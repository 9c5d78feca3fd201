//! Keys with everything that a dump stores about them. [`Record`] is for writing a dump, and
//! [`Keyspace::restore`] is for reading one.
//!
//! A dump stores an expiry for each key, and either an idle time or a counter of uses. The eviction policy
//! decides which of the two an access clock holds. The keyspace that writes a dump and the one that reads it
//! may have different policies.

use crate::access::{Access, MINUTE, SECOND};
use crate::entry::{Content, Entry, KeyRef};
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::{Found, Keyspace};
use crate::options::ClockKind;
use crate::reading::Reading;
use crate::rename::Coding;
use crate::value::{Value, ValueRef};
use crate::whole::try_content;
use core::hash::BuildHasher;
use values::{
    Collection, Element, Encoding, Hash, LRU_CLOCK_MAX, Lfu, LfuParams, List, ObjectType, Set, ZSet,
    idle_time, lru_clock,
};

/// A key, its value, and everything else that a dump stores about it. See [`Keyspace::records`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The key.
    pub key: KeyRef<'a>,
    /// The value.
    pub value: ValueRef<'a>,
    /// When the key expires, in milliseconds.
    pub expiry: Option<u64>,
    /// For how many seconds the key has not been used, or `None` if the policy is LFU or S3-FIFO.
    pub idle_time: Option<u32>,
    /// The logarithmic counter of uses, or `None` if the policy is not LFU.
    pub freq: Option<u8>,
}

/// What a dump says about a key besides its value, for [`Keyspace::restore`]. In C: the options of `RESTORE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// When the key expires, in milliseconds.
    pub expiry: Option<u64>,
    /// For how many seconds the key has not been used. Ignored if the policy is LFU or S3-FIFO. In C:
    /// `IDLETIME`.
    pub idle_time: Option<u64>,
    /// The logarithmic counter of uses. Ignored unless the policy is LFU. In C: `FREQ`.
    pub freq: Option<u8>,
    /// Whether an existing key is replaced. In C: `REPLACE`.
    pub replace: bool,
    /// Whether a key is stored even if its expiry has passed. Readers do not see such a key, and the next
    /// sweep removes it. With this option, a key that has expired but is not removed yet also counts as
    /// existing. It is then replaced only if `replace` is set.
    pub keeps_expired: bool,
}

impl RestoreOptions {
    /// Returns the time at which an existing key is looked up. If expired keys are kept, it is 0, so that
    /// they are found.
    fn lookup_time(&self, now: u64) -> u64 {
        if self.keeps_expired { 0 } else { now }
    }
}

/// A value for [`Keyspace::restore`].
#[derive(Debug)]
#[non_exhaustive]
pub enum RestoreValue<'a> {
    /// A string or an integer.
    String(Element<'a>),
    /// A collection as the bytes of a listpack or an intset, which are copied into the entry's block.
    Packed(ObjectType, Encoding, &'a [u8]),
    /// A value that was built in memory. If the keyspace takes over a part of the value, that part is left
    /// empty.
    Built(&'a mut Value),
}

impl<'a> RestoreValue<'a> {
    /// Returns the content to write into a block, or `None` if the value is an empty collection.
    fn try_content(self) -> Result<Option<Content<'a>>, Error> {
        Ok(match self {
            Self::String(string) => Some(Content::try_string(string)?),
            Self::Built(value) if value.is_empty() => None,
            Self::Built(value) => Some(try_content(value)?),
            Self::Packed(object_type, encoding, bytes) => {
                // The frame of a packed value is checked here, because readers of an entry rely on it.
                let is_empty = match object_type {
                    ObjectType::String => return Err(values::Error::NotPacked { encoding }.into()),
                    ObjectType::List => List::view_of_packed(encoding, bytes)?.is_empty(),
                    ObjectType::Set => Set::view_of_packed(encoding, bytes)?.is_empty(),
                    ObjectType::ZSet => ZSet::view_of_packed(encoding, bytes)?.is_empty(),
                    ObjectType::Hash => Hash::view_of_packed(encoding, bytes)?.is_empty(),
                };
                if is_empty { None } else { Some(Content::packed(object_type, encoding, bytes)?) }
            }
        })
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Stores a key as it is in a dump, and returns whether it was stored. An existing key is not changed,
    /// unless [`RestoreOptions::replace`] is set. In C: `RESTORE`.
    ///
    /// Empty collections are not stored. Keys whose expiry has passed are not stored either, unless
    /// [`RestoreOptions::keeps_expired`] is set. In these two cases, `replace` removes the existing key.
    ///
    /// O(1) for a large collection, O(bytes) for a value that lies in the entry's block.
    ///
    /// Only the frame of a [`RestoreValue::Packed`] is checked. The caller must have checked the entries with
    /// [`Collection::check_packed`].
    ///
    /// ```
    /// use keyspace::{Keyspace, RestoreOptions, RestoreValue};
    /// let mut keyspace = Keyspace::new();
    /// let options = RestoreOptions { idle_time: Some(60), ..RestoreOptions::default() };
    /// assert!(keyspace.restore("key", RestoreValue::String("value".into()), &options, 100_000)?);
    /// assert_eq!(keyspace.idle_time("key", 100_000), Some(60));
    /// assert!(!keyspace.restore("key", RestoreValue::String("other".into()), &options, 100_000)?);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::KeyTooLong`]; [`Error::MaxmemoryReached`]; no memory; packed bytes that are not valid for the
    /// encoding.
    #[inline]
    pub fn restore<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: RestoreValue<'_>,
        options: &RestoreOptions,
        now: u64,
    ) -> Result<bool, Error> {
        let key = key.into();
        if let RestoreValue::String(string) = value
            && self.coder.is_on()
        {
            return self.with_codes(
                (&key, self.hash_of(&key)),
                options.expiry.is_some(),
                string,
                |keyspace, codes| {
                    let content = codes.map_or_else(|| Content::try_string(string), Ok)?;
                    keyspace.restore_content(&key, Some(content), options, now)
                },
            );
        }
        self.restore_content(&key, value.try_content()?, options, now)
    }

    /// Does the same as [`restore`](Self::restore), with a content that is ready to be written. `None` stands
    /// for an empty collection.
    fn restore_content(
        &mut self,
        key: &Key<'_>,
        content: Option<Content<'_>>,
        options: &RestoreOptions,
        now: u64,
    ) -> Result<bool, Error> {
        let is_left_out = !options.keeps_expired && options.expiry.is_some_and(|expiry| expiry <= now);
        let Some(content) = content.filter(|_| !is_left_out) else {
            if options.replace {
                self.remove(*key, now);
            }
            return Ok(false);
        };
        let clock = self.restored_clock(options, now);
        if self.limits_writes() || options.replace {
            return self.restore_with_room(key, content, clock, options, now);
        }
        let hash = self.hash_of(key);
        let (found, totals, _) = self.find_or_vacant(hash, key, options.lookup_time(now))?;
        let Found::Absent(place) = found else { return Ok(false) };
        totals.add_new(place, (key.bytes(), hash), options.expiry, clock, content)?;
        self.code_new_key(key, hash);
        Ok(true)
    }

    /// Does the same as [`restore`](Self::restore), but makes room, or replaces an existing key.
    #[inline(never)]
    fn restore_with_room(
        &mut self,
        key: &Key<'_>,
        content: Content<'_>,
        clock: u32,
        options: &RestoreOptions,
        now: u64,
    ) -> Result<bool, Error> {
        if !options.replace && self.peek(key, options.lookup_time(now)).is_some() {
            return Ok(false);
        }
        key.check()?;
        let entry = Entry::try_new(key.bytes(), options.expiry, clock, content)?;
        self.put(key, entry, now, Coding::AlreadyTried)?; // `restore` has tried it
        Ok(true)
    }

    /// Returns the access clock of a key for which a dump has these options.
    fn restored_clock(&self, options: &RestoreOptions, now: u64) -> u32 {
        let kind = self.options.get_maxmemory_policy().ranking().clock();
        match (kind, options) {
            (ClockKind::Seconds, RestoreOptions { idle_time: Some(idle), .. }) => {
                // A clock cannot hold a longer idle time.
                let idle = (*idle).min(LRU_CLOCK_MAX.into());
                lru_clock((now / SECOND).wrapping_sub(idle))
            }
            (ClockKind::Lfu, RestoreOptions { freq: Some(freq), .. }) => {
                Lfu::with_counter(*freq, now / MINUTE).to_bits()
            }
            _ => Access::at(&self.options, now).initial(),
        }
    }

    /// Returns an iterator over all keys that exist at `now`, with everything that a dump stores about them,
    /// in no order. Does not count as an access. O(n).
    ///
    /// ```
    /// let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("key", 1, 0)?;
    /// let keys: Vec<_> = keyspace.records(5_000).map(|record| (record.key, record.idle_time)).collect();
    /// assert!(keys[0].0 == "key" && keys[0].1 == Some(5));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn records(&self, now: u64) -> impl Iterator<Item = Record<'_>> {
        self.live(now).map(move |entry| self.record(entry, now))
    }

    /// Returns the record of a key, if the key exists. Does not count as an access. O(1).
    pub fn get_record<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<Record<'_>> {
        self.peek(&key.into(), now).map(|entry| self.record(entry, now))
    }

    fn record<'a>(&'a self, entry: &'a Entry, now: u64) -> Record<'a> {
        let kind = self.options.get_maxmemory_policy().ranking().clock();
        Record::of(entry, &self.reading, kind, self.options.lfu_params(), now)
    }
}

impl<'a> Record<'a> {
    /// Returns the record of an entry at `now`, in milliseconds.
    pub(crate) fn of(
        entry: &'a Entry,
        reading: &'a Reading,
        kind: ClockKind,
        params: &LfuParams,
        now: u64,
    ) -> Self {
        let view = entry.view();
        Self {
            key: entry.key(&reading.tables),
            value: ValueRef::of(view, reading),
            expiry: entry.expiry(),
            idle_time: (kind == ClockKind::Seconds).then(|| idle_time(view.clock(), now / SECOND)),
            freq: (kind == ClockKind::Lfu).then(|| Lfu::from_bits(view.clock()).freq(now / MINUTE, params)),
        }
    }
}
