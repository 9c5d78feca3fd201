//! [`Loader`]: loads a file into keyspaces, in slices.
//!
//! ```text
//!  Reader -> Walk -> Builder -> Keyspace::restore
//! ```
//!
//! Between two calls the loader keeps the position in the input and the value that is being built. So a value
//! of many elements can be built over several calls. The module `restore` stores each key and counts it.

mod restore;

use crate::build::{Builder, Partial};
use crate::databases::Databases;
use crate::error::{Error, Fault};
use crate::format::{SYMBOLS_AUX, ValueType, Version};
use crate::queue::Queue;
use crate::reader::{Event, KeyAttributes, KeyHeader, Reader};
use crate::sink::Skip;
use crate::text::StringValue;
use core::hash::BuildHasher;
use core::time::Duration;
use keyspace::symbols::{FromBytesError, SymbolTable, TableFault};
use keyspace::{Key, Keyspace, RestoreValue};
use restore::{Restore, Stored, store_queued};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// This many elements of a large value use as much of a step's budget as one key.
const ELEMENTS_PER_KEY: usize = 16;

/// [`Loader::load_for`] reads the clock each time it has loaded about this many keys.
const KEYS_PER_CLOCK_READ: usize = 64;

/// All resize hints together make room for at most this many keys, if the length of the input is not known. A
/// key takes 6 bytes of the table, and half as many bytes more are free.
const RESERVED_MAX: u64 = 32 << 10;

/// The smallest number of bytes of a key in a file: a type, the length of an empty key, and a value.
const KEY_BYTES_MIN: u64 = 3;

/// This many bytes that do not belong to a key use as much of a step's budget as one element.
const BYTES_PER_ELEMENT: u64 = 256;

/// What happens to a key that the keyspace already has, or that is in the file twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateKey {
    /// Loading fails with [`Error::DuplicateKey`].
    #[default]
    Refuse,
    /// The key that is read replaces the earlier one.
    Replace,
}

/// What happens to values that a keyspace cannot hold: streams, and the values of modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsupportedValue {
    /// Loading fails with [`Error::Unsupported`].
    #[default]
    Refuse,
    /// The key is skipped and counted, if the length of the value is known. Otherwise loading fails.
    Skip,
}

/// How a file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Whether the checksum is compared at the end of the file. In C: `rdbchecksum`.
    pub checks_checksum: bool,
    /// Whether keys and fields that have expired are skipped. If not, a keyspace stores the keys with their
    /// expiry, and its sweep removes them later. It stores the fields without their expiry.
    pub drops_expired: bool,
    /// What happens to a key that is already there.
    pub duplicate_key: DuplicateKey,
    /// What happens to values that a keyspace cannot hold.
    pub unsupported: UnsupportedValue,
    /// Whether a keyspace without a [symbol table](Keyspace::set_symbols) gets the one that the file has for
    /// its database.
    pub sets_symbols: bool,
    /// The length of the input in bytes, if it is known. If it is, room is made for as many keys as the file
    /// says it has, before the first key is stored.
    pub input_bytes: Option<u64>,
}

impl LoadOptions {
    /// The defaults: the checksum is compared, expired keys are skipped, a symbol table is set, and
    /// everything else is refused.
    pub const DEFAULT: Self = Self {
        checks_checksum: true,
        drops_expired: true,
        duplicate_key: DuplicateKey::Refuse,
        unsupported: UnsupportedValue::Refuse,
        sets_symbols: true,
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
    /// Bytes that have been read.
    pub bytes: u64,
    /// Keys that have been stored.
    pub keys: u64,
    /// Keys that had expired and were skipped.
    pub expired: u64,
    /// Keys that were skipped because a keyspace cannot hold their value: streams and modules.
    pub unsupported: u64,
    /// Keys that were skipped because their database has no keyspace.
    pub other_databases: u64,
    /// Keys whose collection has no elements. They are not stored. A server with a defect may write such
    /// keys.
    pub empty: u64,
    /// Fields of hashes that had an expiry. They were stored without their expiry.
    pub field_expiries: u64,
    /// Fields of hashes that had expired and were skipped. A hash that has no other fields counts as an
    /// expired key.
    pub expired_fields: u64,
    /// Libraries of functions, which are skipped.
    pub functions: u64,
    /// Other data that were skipped, such as those of modules.
    pub others: u64,
    /// Whether the file has been read to its end.
    pub is_complete: bool,
}

/// Loads a file into keyspaces, step by step.
///
/// Taught in the chapter `docs/src/snapshot.md`.
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
    /// What was in front of the key whose value is being built, and the offset of the key.
    key: Option<(KeyAttributes, u64)>,
    /// Whether the value is being skipped.
    skips: bool,
    /// How many keys resize hints may still make room for.
    reservable: u64,
    has_failed: bool,
}

impl Loader<File> {
    /// Opens a file and reads its header. Sets [`LoadOptions::input_bytes`] to the length of the file.
    ///
    /// # Errors
    /// [`Error::Io`], and the errors of [`Reader::new`].
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
    /// The same as for [`Reader::new`].
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

    /// Returns the version of the file.
    pub fn version(&self) -> Version {
        self.reader.version()
    }

    /// Returns what has been loaded and left out so far.
    pub fn stats(&self) -> LoadStats {
        LoadStats { bytes: self.reader.offset(), ..self.stats }
    }

    /// Loads the whole file. `now` is in milliseconds since 1970, like the times in the file.
    ///
    /// # Errors
    /// The same as for [`load_some`](Self::load_some).
    pub fn load<D: Databases + ?Sized>(&mut self, databases: &mut D, now: u64) -> Result<LoadStats, Error> {
        loop {
            let stats = self.load_some(databases, usize::MAX, now)?;
            if stats.is_complete {
                return Ok(stats);
            }
        }
    }

    /// Loads until the budget of time is used up or the file has ended, and loads at least one key. `clock`
    /// returns the time since some fixed moment.
    ///
    /// # Errors
    /// The same as for [`load_some`](Self::load_some).
    pub fn load_for<D: Databases + ?Sized>(
        &mut self,
        databases: &mut D,
        now: u64,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
    ) -> Result<LoadStats, Error> {
        let start = clock();
        loop {
            let stats = self.load_some(databases, KEYS_PER_CLOCK_READ, now)?;
            if stats.is_complete || clock().saturating_sub(start) >= budget {
                return Ok(stats);
            }
        }
    }

    /// Loads about `keys` keys, and at least one. A large value counts as several keys, by its elements and
    /// their bytes, and may be loaded in several calls. A string or a packed value is loaded in one call.
    ///
    /// # Errors
    /// [`Error`]. Keys that were loaded before remain in the keyspaces. The loader cannot go on: all later
    /// calls return [`Error::Io`].
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
        let mut budget = keys.max(1).saturating_mul(ELEMENTS_PER_KEY);
        let mut result = Ok(());
        while result.is_ok() && budget > 0 && !self.stats.is_complete {
            result = self.step(databases, now, &mut budget);
        }
        // Keys that were queued before an error are stored too.
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
            // The keyspace existed when the value began, and is gone now.
            (Some(_), None) => {
                self.stats.other_databases += 1;
                (self.key, self.partial, self.skips) = (None, Partial::default(), true);
                Ok(())
            }
        }
    }

    /// Reads an event. If it is a key with a string, the string is queued or stored. [`build`](Self::build)
    /// reads any other value, unless it is skipped.
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
                let attributes = KeyAttributes { expiry, idle_time, freq };
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
                        *budget = budget.saturating_sub(ELEMENTS_PER_KEY);
                        return self.string(keyspace, (attributes, offset), now);
                    }
                    (Some(keyspace), _) => {
                        self.key = Some((attributes, offset));
                        return self.store_queued(keyspace, now);
                    }
                };
                *skipped += 1;
                *budget = budget.saturating_sub(ELEMENTS_PER_KEY);
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
                // The hints are limited to the number of keys that the input can hold.
                let keys = keys.min(self.reservable);
                if let (Some(keyspace), Ok(room)) = (keyspace, usize::try_from(keys))
                    && keyspace.is_empty()
                    && queue.is_empty()
                {
                    self.reservable -= keys;
                    let _ = keyspace.try_reserve(room); // without memory, the table grows later
                }
            }
            Some(Event::Function(_)) => stats.functions += 1,
            Some(Event::Skipped { .. }) => stats.others += 1,
            Some(Event::Aux { name: SYMBOLS_AUX, value }) => {
                if let Some(keyspace) = keyspace.filter(|_| options.sets_symbols) {
                    set_symbols(keyspace, value, start)?;
                }
            }
            Some(Event::Aux { .. } | Event::Slot { .. }) => {}
        }
        let elements = 1 + (self.reader.offset() - start) / BYTES_PER_ELEMENT;
        *budget = budget.saturating_sub(usize::try_from(elements).unwrap_or(usize::MAX));
        Ok(())
    }

    /// Reads the string of a key, and queues or stores it.
    #[inline]
    fn string<S: BuildHasher>(
        &mut self,
        keyspace: &mut Keyspace<S>,
        (attributes, offset): (KeyAttributes, u64),
        now: u64,
    ) -> Result<(), Error> {
        let Self { reader, options, stats, queue, .. } = self;
        let text = reader.walk.string(&mut reader.input)?;
        if let StringValue::Borrowed(text) = &text
            && queue.push(&reader.key, *text, attributes, offset)
        {
            return if queue.is_full() { store_queued(queue, keyspace, options, stats, now) } else { Ok(()) };
        }
        store_queued(queue, keyspace, options, stats, now)?;
        let mut restore = Restore::new(keyspace, Key::new(&reader.key), options, attributes, now);
        let stored = match text {
            StringValue::Borrowed(text) => restore.restore(RestoreValue::String(text)),
            StringValue::Owned(text) => restore.restore(RestoreValue::Built(&mut text.into())),
        };
        stored.map_err(|error| Error::Keyspace { offset, error })?;
        restore.count(stats, offset)
    }

    /// Stores the keys in the queue.
    fn store_queued<S: BuildHasher>(&mut self, keyspace: &mut Keyspace<S>, now: u64) -> Result<(), Error> {
        store_queued(&mut self.queue, keyspace, &self.options, &mut self.stats, now)
    }

    /// Builds the value of the key, or the next part of it if the budget is smaller.
    fn build<S: BuildHasher>(
        &mut self,
        keyspace: &mut Keyspace<S>,
        (attributes, offset): (KeyAttributes, u64),
        now: u64,
        budget: &mut usize,
    ) -> Result<(), Error> {
        let Self { reader, options, stats, partial, .. } = self;
        let limits = *keyspace.options().encoding_limits();
        let mut restore = Restore::new(keyspace, Key::new(&reader.key), options, attributes, now);
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
        *budget = budget.saturating_sub(ELEMENTS_PER_KEY);
        restore.count(stats, offset)
    }
}

/// Sets the symbol table of a keyspace that has none. A table of a later version is ignored, because the
/// texts can be stored without it. `offset` is where the table's field begins.
fn set_symbols<S>(keyspace: &mut Keyspace<S>, table: &[u8], offset: u64) -> Result<(), Error> {
    if keyspace.symbols().is_some() {
        return Ok(());
    }
    let table = match SymbolTable::from_bytes(table) {
        Ok(table) => table,
        Err(FromBytesError::Malformed(error)) if error.fault == TableFault::Version => return Ok(()),
        Err(FromBytesError::Malformed(error)) => {
            return Err(Error::Malformed { offset, fault: Fault::SymbolTable(error.fault) });
        }
        Err(FromBytesError::Reserve(error)) => return Err(Error::Keyspace { offset, error: error.into() }),
        Err(_) => unreachable!("a table is malformed, or there is no memory"),
    };
    match keyspace.set_symbols(Some(Arc::new(table))) {
        // Strings of the keyspace may still be coded with two earlier tables.
        Err(keyspace::Error::SymbolsInUse) => Ok(()),
        set => set.map_err(|error| Error::Keyspace { offset, error }),
    }
}
