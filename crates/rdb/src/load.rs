//! [`Loader`]: a file into keyspaces, in slices.
//!
//! ```text
//!  Reader -> Walk -> Builder -> Keyspace::restore
//! ```
//!
//! Between two calls the loader keeps the position in the input and the value that is being built. A value of many elements is
//! built over several calls.

use crate::build::{Builder, Partial, Store};
use crate::databases::Databases;
use crate::error::Error;
use crate::format::Version;
use crate::reader::{Before, Event, KeyHeader, Reader};
use crate::sink::Taken;
use core::hash::BuildHasher;
use core::time::Duration;
use keyspace::{Keyspace, RestoreOptions, RestoreValue};
use std::io::Read;

/// Of so many elements of a large value, the budget of a step counts as of one key.
const ELEMENTS_A_KEY: usize = 16;

/// [`Loader::load_for`] looks at the clock after so many keys.
const KEYS_A_LOOK: usize = 64;

/// A resize hint makes room for at most so many keys before the first one has been read: 6 bytes each, and half as much free.
const RESERVED_MAX: usize = 64 << 10;

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
    /// Whether keys that have expired are passed over. Otherwise a keyspace takes them as they are, and its sweep removes them.
    pub drops_expired: bool,
    /// What happens to a key that is there.
    pub duplicate_key: DuplicateKey,
    /// What happens to values that no keyspace holds.
    pub unsupported: UnsupportedValue,
}

impl LoadOptions {
    /// The defaults: checksum compared, expired keys passed over, everything else refused.
    pub const DEFAULT: Self = Self {
        checks_checksum: true,
        drops_expired: true,
        duplicate_key: DuplicateKey::Refuse,
        unsupported: UnsupportedValue::Refuse,
    };
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How far loading has come, and what was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loading {
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
    loading: Loading,
    database: u64,
    partial: Partial,
    /// What stood in front of the key whose value is being built, and where it stands.
    key: Option<(Before, u64)>,
}

impl<R: Read> Loader<R> {
    /// Reads the header of the file.
    ///
    /// # Errors
    /// As for [`Reader::new`].
    pub fn new(read: R, options: LoadOptions) -> Result<Self, Error> {
        let reader = Reader::new(read)?.check_checksum(options.checks_checksum);
        let (loading, partial) = (Loading::default(), Partial::default());
        Ok(Self { reader, options, loading, database: 0, partial, key: None })
    }

    /// The version of the file.
    pub fn version(&self) -> Version {
        self.reader.version()
    }

    /// How far loading has come.
    pub fn loading(&self) -> Loading {
        Loading { bytes: self.reader.offset(), ..self.loading }
    }

    /// Loads the whole file. `now` is in milliseconds since 1970, as the times in the file are.
    ///
    /// # Errors
    /// As for [`load_some`](Self::load_some).
    pub fn load<D: Databases + ?Sized>(&mut self, databases: &mut D, now: u64) -> Result<Loading, Error> {
        loop {
            let loading = self.load_some(databases, usize::MAX, now)?;
            if loading.is_complete {
                return Ok(loading);
            }
        }
    }

    /// Loads until the budget of time is used up or the file has ended. `clock` says how much time has passed, since any
    /// moment. At least some keys are loaded.
    ///
    /// # Errors
    /// As for [`load_some`](Self::load_some).
    pub fn load_for<D: Databases + ?Sized>(
        &mut self,
        databases: &mut D,
        now: u64,
        budget: Duration,
        mut clock: impl FnMut() -> Duration,
    ) -> Result<Loading, Error> {
        let start = clock();
        loop {
            let loading = self.load_some(databases, KEYS_A_LOOK, now)?;
            if loading.is_complete || clock().saturating_sub(start) >= budget {
                return Ok(loading);
            }
        }
    }

    /// Loads about `keys` keys: a large value counts as several, by its elements and their bytes. The elements of a packed value, and a
    /// string, are loaded at once.
    ///
    /// # Errors
    /// [`Error`]. What was loaded before stays, and the loader cannot go on.
    pub fn load_some<D: Databases + ?Sized>(
        &mut self,
        databases: &mut D,
        keys: usize,
        now: u64,
    ) -> Result<Loading, Error> {
        let mut budget = keys.saturating_mul(ELEMENTS_A_KEY);
        while budget > 0 && !self.loading.is_complete {
            let keyspace = databases.keyspace(self.database);
            match (self.key, keyspace) {
                (None, keyspace) => self.next(keyspace, now, &mut budget)?,
                (Some(key), Some(keyspace)) => self.build(keyspace, key, now, &mut budget)?,
                // The keyspace was there when the value began.
                (Some(_), None) => {
                    self.reader.skip_value()?;
                    self.loading.other_databases += 1;
                    (self.key, self.partial) = (None, Partial::default());
                }
            }
        }
        Ok(self.loading())
    }

    /// Reads an event. A key is kept for [`build`](Self::build), or passed over.
    fn next<S: BuildHasher>(
        &mut self,
        keyspace: Option<&mut Keyspace<S>>,
        now: u64,
        budget: &mut usize,
    ) -> Result<(), Error> {
        let Self { reader, options, loading, .. } = self;
        match reader.next_event()? {
            None => loading.is_complete = true,
            Some(Event::Database(number)) => self.database = number,
            Some(Event::Resize { keys, .. }) => {
                // Only some of the keys that the file claims are believed. Without memory the table grows later.
                let keys = usize::try_from(keys).unwrap_or(usize::MAX).min(RESERVED_MAX);
                let _ = keyspace.map(|keyspace| keyspace.try_reserve(keys));
            }
            Some(Event::Function(_)) => loading.functions += 1,
            Some(Event::Skipped { .. }) => loading.others += 1,
            Some(Event::Aux { .. } | Event::Slot { .. }) => {}
            Some(Event::Key(KeyHeader { value_type, expiry, idle_time, freq, offset, .. })) => {
                let is_expired = options.drops_expired && expiry.is_some_and(|expiry| expiry <= now);
                let skipped = if keyspace.is_none() {
                    &mut loading.other_databases
                } else if value_type.object_type().is_none() {
                    if options.unsupported == UnsupportedValue::Refuse {
                        return Err(reader.walk.unsupported());
                    }
                    &mut loading.unsupported
                } else if is_expired {
                    &mut loading.expired
                } else {
                    self.key = Some((Before { expiry, idle_time, freq }, offset));
                    return Ok(());
                };
                *skipped += 1;
                reader.skip_value()?;
                *budget = budget.saturating_sub(ELEMENTS_A_KEY);
            }
        }
        Ok(())
    }

    /// Builds the value of the key, or as much of it as the budget allows.
    fn build<S: BuildHasher>(
        &mut self,
        keyspace: &mut Keyspace<S>,
        (before, offset): (Before, u64),
        now: u64,
        budget: &mut usize,
    ) -> Result<(), Error> {
        let Self { reader, options, loading, partial, .. } = self;
        let limits = *keyspace.options().encoding_limits();
        // A key that has expired, and is not to be passed over, is stored as if it were the millisecond before.
        let expiry = if options.drops_expired { before.expiry } else { before.expiry.map(|expiry| expiry.max(1)) };
        let last = expiry.filter(|_| !options.drops_expired).map_or(u64::MAX, |expiry| expiry - 1);
        let options = RestoreOptions {
            expiry,
            idle_time: before.idle_time,
            freq: before.freq,
            replace: options.duplicate_key == DuplicateKey::Replace,
        };
        let mut stored = Stored::No;
        let (key, now) = (&reader.key[..], now.min(last));
        let store = Restore { keyspace, key, options: &options, now, stored: &mut stored };
        let mut builder = Builder { partial, limits: &limits, store };
        if !reader.walk.step(&mut reader.input, &mut builder, budget)? {
            return Ok(());
        }
        loading.field_expiries += partial.expiries;
        *partial = Partial::default();
        self.key = None;
        *budget = budget.saturating_sub(ELEMENTS_A_KEY);
        match stored {
            Stored::Yes => loading.keys += 1,
            Stored::Empty => loading.empty += 1,
            // While its value was built.
            Stored::No if expiry.is_some_and(|expiry| expiry <= now) => loading.expired += 1,
            Stored::No => return Err(Error::DuplicateKey { offset }),
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    No,
    Yes,
    Empty,
}

/// Stores the value of a key in a keyspace.
struct Restore<'r, S> {
    keyspace: &'r mut Keyspace<S>,
    key: &'r [u8],
    options: &'r RestoreOptions,
    now: u64,
    stored: &'r mut Stored,
}

impl<S: BuildHasher> Store for Restore<'_, S> {
    fn store(&mut self, value: RestoreValue<'_>) -> Result<(), keyspace::Error> {
        if self.keyspace.restore(self.key, value, self.options, self.now)? {
            *self.stored = Stored::Yes;
        }
        Ok(())
    }

    fn store_empty(&mut self) -> Taken {
        *self.stored = Stored::Empty;
        Ok(())
    }
}
