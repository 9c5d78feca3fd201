//! [`Restore`]: stores the value of one key in a keyspace, and counts the key by the result.

use super::{DuplicateKey, LoadOptions, LoadStats};
use crate::build::Store;
use crate::error::Error;
use crate::queue::{Dequeued, Queue};
use crate::reader::KeyAttributes;
use crate::sink::SinkResult;
use core::hash::BuildHasher;
use keyspace::{Key, Keyspace, RestoreOptions, RestoreValue};

/// Stores the keys in the queue, and counts them.
pub(super) fn store_queued<S: BuildHasher>(
    queue: &mut Queue,
    keyspace: &mut Keyspace<S>,
    options: &LoadOptions,
    stats: &mut LoadStats,
    now: u64,
) -> Result<(), Error> {
    if queue.is_empty() {
        return Ok(());
    }
    queue.drain(keyspace, |keyspace, Dequeued { key, value, attributes, offset }| {
        let mut restore = Restore::new(keyspace, key, options, attributes, now);
        let stored = restore.restore(RestoreValue::String(value));
        stored.map_err(|error| Error::Keyspace { offset, error })?;
        restore.count(stats, offset)
    })
}

/// What has happened to a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// The keyspace has not stored it, because it already has the key, or because the key has expired.
    No,
    Yes,
    /// The value is a collection without elements.
    Empty,
    /// The value is a hash whose fields have all expired.
    Expired,
}

/// Stores the value of a key in a keyspace.
pub(super) struct Restore<'r, S> {
    keyspace: &'r mut Keyspace<S>,
    key: Key<'r>,
    options: RestoreOptions,
    now: u64,
    pub(super) stored: Stored,
}

impl<'r, S: BuildHasher> Restore<'r, S> {
    #[inline]
    pub(super) fn new(
        keyspace: &'r mut Keyspace<S>,
        key: Key<'r>,
        options: &LoadOptions,
        KeyAttributes { expiry, idle_time, freq }: KeyAttributes,
        now: u64,
    ) -> Self {
        let replace = options.duplicate_key == DuplicateKey::Replace;
        let keeps_expired = !options.drops_expired;
        let options = RestoreOptions { expiry, idle_time, freq, replace, keeps_expired };
        Self { keyspace, key, options, now, stored: Stored::No }
    }

    #[inline]
    pub(super) fn restore(&mut self, value: RestoreValue<'_>) -> Result<(), keyspace::Error> {
        if self.keyspace.restore(self.key, value, &self.options, self.now)? {
            self.stored = Stored::Yes;
        }
        Ok(())
    }

    /// Counts the key, which begins at `offset`.
    #[inline]
    pub(super) fn count(&self, stats: &mut LoadStats, offset: u64) -> Result<(), Error> {
        match self.stored {
            Stored::Yes => stats.keys += 1,
            Stored::Empty => stats.empty += 1,
            Stored::Expired => stats.expired += 1,
            // The key has expired while its value was built.
            Stored::No
                if !self.options.keeps_expired
                    && self.options.expiry.is_some_and(|expiry| expiry <= self.now) =>
            {
                stats.expired += 1
            }
            Stored::No => return Err(Error::DuplicateKey { offset }),
        }
        Ok(())
    }
}

impl<S: BuildHasher> Store for &mut Restore<'_, S> {
    fn store(&mut self, value: RestoreValue<'_>) -> Result<(), keyspace::Error> {
        self.restore(value)
    }

    fn store_empty(&mut self) -> SinkResult {
        if self.options.replace {
            self.keyspace.remove(self.key, self.now);
        }
        self.stored = Stored::Empty;
        Ok(())
    }
}
