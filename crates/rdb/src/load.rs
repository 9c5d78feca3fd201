//! [`Loader`]: a file into keyspaces, in slices.
//!
//! ```text
//!  Reader -> Walk -> Builder -> Keyspace::restore
//! ```
//!
//! Between two calls the loader keeps the position in the input and the value that is being built. A value of
//! many elements is built over several calls. `restore` stores each key and counts it.

mod restore;

use crate::build::{Builder, Partial};
use crate::databases::Databases;
use crate::error::Error;
use crate::format::{ValueType, Version};
use crate::queue::Queue;
use crate::reader::{Before, Event, KeyHeader, Reader};
use crate::sink::Skip;
use crate::text::Text;
use core::hash::BuildHasher;
use core::time::Duration;
use keyspace::{Key, Keyspace, RestoreValue};
use restore::{Restore, Stored, store_queued};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// This many elements of a large value use as much of a step's budget as one key.
const ELEMENTS_A_KEY: usize = 16;

/// [`Loader::load_for`] looks at the clock each time it has loaded this many keys.
const KEYS_A_LOOK: usize = 64;

/// A resize hint makes room for at most this many keys, if the length of the input is not known. A key takes
/// 6 bytes of the table, and half as much is free.
const RESERVED_MAX: u64 = 32 << 10;

/// The fewest bytes of a key in a file: type, length of the key, value.
const KEY_BYTES_MIN: u64 = 3;

/// This many bytes that belong to no key use as much of a step's budget as one element.
const BYTES_AN_ELEMENT: u64 = 256;

/// What happens to a key that the keyspace has already, or that stands twice in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateKey {
    /// Loading fails with [`Error::DuplicateKey`].
    #[default]
    Refuse,
    /// The key of the file replaces the other one.
    Replace,
}

/// What happens to values that no keyspace holds: streams, and the values of modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsupportedValue {
    /// Loading fails with [`Error::Unsupported`].
    #[default]
    Refuse,
    /// The key is passed over and counted, if the length of the value is known.
    Skip,
}

/// How a file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Whether the checksum is compared at the end.
    pub checks_checksum: bool,
    /// Whether keys and fields that have expired are passed over. Otherwise a keyspace takes the keys as they
    /// are, and its sweep removes them; it takes the fields without their expiry.
    pub drops_expired: bool,
    /// What happens to a key that is there.
    pub duplicate_key: DuplicateKey,
    /// What happens to values that no keyspace holds.
    pub unsupported: UnsupportedValue,
    /// The length of the input in bytes, if it is known. Then room is made for as many keys as the file says,
    /// before the first one is stored.
    pub input_bytes: Option<u64>,
}

impl LoadOptions {
    /// The defaults: checksum compared, expired keys passed over, everything else refused.
    pub const DEFAULT: Self = Self {
        checks_checksum: true,
        drops_expired: true,
        duplicate_key: DuplicateKey::Refuse,
        unsupported: UnsupportedValue::Refuse,
        input_bytes: None,
    };
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a [`Loader`] has loaded so far, and what it has left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadStats {
    /// Bytes that were read.
    pub bytes: u64,
    /// Keys that were stored.
    pub keys: u64,
    /// Keys that had expired, and were passed over.
    pub expired: u64,
    /// Keys whose value no keyspace holds: streams and modules.
    pub unsupported: u64,
    /// Keys of databases that have no keyspace.
    pub other_databases: u64,
    /// Keys whose collection has no element. A damaged server may write such keys.
    pub empty: u64,
    /// Fields of hashes that had an expiry. The fields were stored without it.
    pub field_expiries: u64,
    /// Fields of hashes that had expired, and were passed over. A hash of which no field is left counts as an
    /// expired key.
    pub expired_fields: u64,
    /// Libraries of functions.
    pub functions: u64,
    /// Other data that were passed over, such as those of modules.
    pub others: u64,
    /// Whether the file has been read to its end.
    pub is_complete: bool,
}

/// Loads a file into keyspaces, step by step.
///
/// ```
/// use rdb::keyspace::Keyspace;
/// use rdb::{LoadOptions, Loader, WriteOptions};
/// let mut keyspace = Keyspace::new();
/// (0..1_000).try_for_each(|n: i64| keyspace.set(&format!("key:{n}"), n, 0))?;
/// let file = rdb::save(&keyspace, Vec::new(), &WriteOptions::default(), 0)?;
///
/// let mut copy = Keyspace::new();
/// let mut loader = Loader::new(&file[..], LoadOptions::default())?;
/// let mut calls = 1;
/// while !loader.load_some(&mut copy, 100, 0)?.is_complete {
///     calls += 1; // Requests are served in between.
/// }
/// assert_eq!((copy.len(), calls), (1_000, 11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Loader<R> {
    reader: Reader<R>,
    options: LoadOptions,
    stats: LoadStats,
    database: u64,
    partial: Partial,
    queue: Queue,
    /// What stood in front of the key whose value is being built, and the offset of the key.
    key: Option<(Before, u64)>,
    /// Whether the value is being passed over.
    skips: bool,
    /// For how many keys a resize hint may still make room.
    reservable: u64,
    has_failed: bool,
}

impl Loader<File> {
    /// Opens a file, whose length is then known, and reads its header.
    ///
    /// # Errors
    /// [`Error::Io`]; as for [`Reader::new`].
    pub fn open(path: impl AsRef<Path>, options: LoadOptions) -> Result<Self, Error> {
        let no_file = |error| Error::Io { offset: 0, error };
        let file = File::open(path).map_err(no_file)?;
        let len = file.metadata().map_err(no_file)?.len();
        Self::new(file, LoadOptions { input_bytes: Some(len), ..options })
    }
}

impl<R: Read> Loader<R> {
    /// Reads the header of the file.
    ///
    /// # Errors
    /// As for [`Reader::new`].
    pub fn new(read: R, options: LoadOptions) -> Result<Self, Error> {
        let reader = Reader::new(read)?.check_checksum(options.checks_checksum);
        Ok(Self {
            reader,
            options,
            stats: LoadStats::default(),
            database: 0,
            partial: Partial::default(),
            queue: Queue::new(),
            key: None,
            skips: false,
            reservable: options.input_bytes.map_or(RESERVED_MAX, |bytes| bytes / KEY_BYTES_MIN),
            has_failed: false,
        })
    }

    /// The version of the file.
    pub fn version(&self) -> Version {
        self.reader.version()
    }

    /// What has been loaded and left out so far.
    pub fn stats(&self) -> LoadStats {
        LoadStats { bytes: self.reader.offset(), ..self.stats }
    }

    /// Loads the whole file. `now` is in milliseconds since 1970, as the times in the file are.
    ///
    /// # Errors
    /// As for [`load_some`](Self::load_some).
    pub fn load<D: Databases + ?Sized>(&mut self, databases: &mut D, now: u64) -> Result<LoadStats, Error> {
        loop {
            let stats = self.load_some(databases, usize::MAX, now)?;
            if stats.is_complete {
                return Ok(stats);
            }
        }
    }

    /// Loads until the budget of time is used up or the file has ended. `clock` returns the time since any
    /// moment that does not change. At least one key is loaded.
    ///
    /// # Errors
    /// As for [`load_some`](Self::load_some).
    pub fn load_for<D: Databases + ?Sized>(
        &mut self,
        databases: &mut D,
        now: u64,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
    ) -> Result<LoadStats, Error> {
        let start = clock();
        loop {
            let stats = self.load_some(databases, KEYS_A_LOOK, now)?;
            if stats.is_complete || clock().saturating_sub(start) >= budget {
                return Ok(stats);
            }
        }
    }

    /// Loads about `keys` keys, and at least one. A large value counts as several keys, by its elements and
    /// their bytes, and may be loaded in several calls. A string or a packed value is loaded in one call.
    ///
    /// # Errors
    /// [`Error`]. What was loaded before stays. The loader cannot go on: all later calls are [`Error::Io`].
    pub fn load_some<D: Databases + ?Sized>(
        &mut self,
        databases: &mut D,
        keys: usize,
        now: u64,
    ) -> Result<LoadStats, Error> {
        if self.has_failed {
            let error = io::Error::other("the loader has failed before");
            return Err(Error::Io { offset: self.reader.offset(), error });
        }
        let mut budget = keys.max(1).saturating_mul(ELEMENTS_A_KEY);
        let mut result = Ok(());
        while result.is_ok() && budget > 0 && !self.stats.is_complete {
            result = self.step(databases, now, &mut budget);
        }
        // Keys that were read before an error are stored too.
        let stored = match databases.keyspace(self.database) {
            Some(keyspace) => self.store_queued(keyspace, now),
            None => {
                debug_assert!(self.queue.is_empty(), "keys are queued for a keyspace only");
                Ok(())
            }
        };
        let result = result.and(stored);
        self.has_failed = result.is_err();
        result.map(|()| self.stats())
    }

    fn step<D: Databases + ?Sized>(
        &mut self,
        databases: &mut D,
        now: u64,
        budget: &mut usize,
    ) -> Result<(), Error> {
        if self.skips {
            let Reader { walk, input, .. } = &mut self.reader;
            self.skips = !walk.step(input, &mut Skip, budget)?;
            return Ok(());
        }
        match (self.key, databases.keyspace(self.database)) {
            (None, keyspace) => self.next(keyspace, now, budget),
            (Some(key), Some(keyspace)) => self.build(keyspace, key, now, budget),
            // The keyspace was there when the value began.
            (Some(_), None) => {
                self.stats.other_databases += 1;
                (self.key, self.partial, self.skips) = (None, Partial::default(), true);
                Ok(())
            }
        }
    }

    /// Reads an event. A string is queued or stored. Any other value is left to [`build`](Self::build), or is
    /// skipped.
    #[inline]
    fn next<S: BuildHasher>(
        &mut self,
        keyspace: Option<&mut Keyspace<S>>,
        now: u64,
        budget: &mut usize,
    ) -> Result<(), Error> {
        let Self { reader, options, stats, queue, .. } = self;
        let start = reader.offset();
        match reader.next_event()? {
            Some(Event::Key(KeyHeader { value_type, expiry, idle_time, freq, offset, .. })) => {
                let is_expired = options.drops_expired && expiry.is_some_and(|expiry| expiry <= now);
                let before = Before { expiry, idle_time, freq };
                let skipped = match (keyspace, value_type) {
                    (None, _) => &mut stats.other_databases,
                    _ if is_expired => &mut stats.expired,
                    (Some(_), value_type) if value_type.object_type().is_none() => {
                        if options.unsupported == UnsupportedValue::Refuse {
                            return Err(reader.walk.unsupported());
                        }
                        &mut stats.unsupported
                    }
                    (Some(keyspace), ValueType::String) => {
                        *budget = budget.saturating_sub(ELEMENTS_A_KEY);
                        return self.string(keyspace, (before, offset), now);
                    }
                    (Some(keyspace), _) => {
                        self.key = Some((before, offset));
                        return self.store_queued(keyspace, now);
                    }
                };
                *skipped += 1;
                *budget = budget.saturating_sub(ELEMENTS_A_KEY);
                if value_type.object_type().is_none() {
                    return reader.skip_value();
                }
                self.skips = true;
                return Ok(());
            }
            None => stats.is_complete = true,
            Some(Event::Database(number)) => {
                let result = keyspace.map_or(Ok(()), |keyspace| self.store_queued(keyspace, now));
                self.database = number;
                return result;
            }
            Some(Event::Resize { keys, .. }) => {
                // All hints together are believed only as far as the input can hold so many keys.
                let keys = keys.min(self.reservable);
                if let (Some(keyspace), Ok(room)) = (keyspace, usize::try_from(keys))
                    && keyspace.is_empty()
                    && queue.is_empty()
                {
                    self.reservable -= keys;
                    let _ = keyspace.try_reserve(room); // without memory the table grows later
                }
            }
            Some(Event::Function(_)) => stats.functions += 1,
            Some(Event::Skipped { .. }) => stats.others += 1,
            Some(Event::Aux { .. } | Event::Slot { .. }) => {}
        }
        let elements = 1 + (self.reader.offset() - start) / BYTES_AN_ELEMENT;
        *budget = budget.saturating_sub(usize::try_from(elements).unwrap_or(usize::MAX));
        Ok(())
    }

    /// Reads the string of a key, and queues or stores it.
    #[inline]
    fn string<S: BuildHasher>(
        &mut self,
        keyspace: &mut Keyspace<S>,
        (before, offset): (Before, u64),
        now: u64,
    ) -> Result<(), Error> {
        let Self { reader, options, stats, queue, .. } = self;
        let text = reader.walk.string(&mut reader.input)?;
        if let Text::Borrowed(text) = &text
            && queue.push(&reader.key, *text, before, offset)
        {
            return if queue.is_full() { store_queued(queue, keyspace, options, stats, now) } else { Ok(()) };
        }
        store_queued(queue, keyspace, options, stats, now)?;
        let mut restore = Restore::new(keyspace, Key::new(&reader.key), options, before, now);
        let stored = match text {
            Text::Borrowed(text) => restore.restore(RestoreValue::String(text)),
            Text::Owned(text) => restore.restore(RestoreValue::Built(&mut text.into())),
        };
        stored.map_err(|error| Error::Keyspace { offset, error })?;
        restore.count(stats, offset)
    }

    /// Stores the keys in the queue.
    fn store_queued<S: BuildHasher>(&mut self, keyspace: &mut Keyspace<S>, now: u64) -> Result<(), Error> {
        store_queued(&mut self.queue, keyspace, &self.options, &mut self.stats, now)
    }

    /// Builds the value of the key, or as much of it as the budget allows.
    fn build<S: BuildHasher>(
        &mut self,
        keyspace: &mut Keyspace<S>,
        (before, offset): (Before, u64),
        now: u64,
        budget: &mut usize,
    ) -> Result<(), Error> {
        let Self { reader, options, stats, partial, .. } = self;
        let limits = *keyspace.options().encoding_limits();
        let mut restore = Restore::new(keyspace, Key::new(&reader.key), options, before, now);
        let drops_expired_at = options.drops_expired.then_some(now);
        let mut builder = Builder { partial, limits: &limits, store: &mut restore, drops_expired_at };
        if !reader.walk.step(&mut reader.input, &mut builder, budget)? {
            return Ok(());
        }
        stats.field_expiries += partial.expiries;
        stats.expired_fields += partial.expired;
        if restore.stored == Stored::Empty && partial.expired > 0 {
            restore.stored = Stored::Expired;
        }
        *partial = Partial::default();
        self.key = None;
        *budget = budget.saturating_sub(ELEMENTS_A_KEY);
        restore.count(stats, offset)
    }
}
