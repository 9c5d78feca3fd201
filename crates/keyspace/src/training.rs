//! Training a symbol table with a random sample of the strings and keys of a keyspace.

use crate::coded::{CODED_LENS, is_codable};
use crate::entry::{CODED_KEY_LENS, Entry, EntryString};
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::sharded::Sharded;
use std::sync::Arc;
use symbols::SymbolTable;
use values::ReserveError;

/// The largest number of keys that are drawn for a sample.
const DRAWS_MAX: usize = 1 << 20;

impl<S> Keyspace<S> {
    /// Trains a symbol table with a random sample of the strings and keys, and [sets](Self::set_symbols) the table.
    /// The sample has about `sample_bytes` bytes. Returns the table, or `None` if there is nothing to sample. Takes
    /// O(sample), plus some milliseconds for the training.
    ///
    /// Training uses at most 16 KiB of the sample, in pieces from all parts of it. 64 KiB are usually enough for a
    /// sample with strings and keys of all kinds.
    ///
    /// ```
    /// use keyspace::Keyspace;
    /// let mut keyspace = Keyspace::new();
    /// let record = |n| format!(r#"{{"user": {n}, "country": "NL", "is_active": true}}"#);
    /// for n in 0..1_000 {
    ///     keyspace.set(&format!("session:{n}"), &record(n), 0)?;
    /// }
    /// let before = keyspace.allocation_size();
    /// keyspace.train_symbols(64 << 10, keyspace::random_source(), 0)?;
    /// while !keyspace.recode_for(std::time::Duration::MAX, || std::time::Duration::ZERO).is_complete {}
    /// assert!(keyspace.allocation_size() < before * 8 / 10);
    /// assert_eq!(keyspace.get_string("session:7", 0)?.unwrap(), record(7).as_str());
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no memory for the sample or the table. Also the errors of [`set_symbols`](Self::set_symbols).
    pub fn train_symbols(
        &mut self,
        sample_bytes: usize,
        random: impl FnMut() -> u64,
        now: u64,
    ) -> Result<Option<Arc<SymbolTable>>, Error> {
        self.free_slot().ok_or(Error::SymbolsInUse)?;
        let mut sample = Vec::new();
        self.sample_texts(sample_bytes, random, now, &mut sample)?;
        let table = trained(&sample)?;
        if let Some(table) = &table {
            self.set_symbols(Some(table.clone()))?;
        }
        Ok(table)
    }

    /// Adds random strings and keys, of about `bytes` bytes in total, to a sample.
    fn sample_texts(
        &self,
        bytes: usize,
        random: impl FnMut() -> u64,
        now: u64,
        sample: &mut Vec<Vec<u8>>,
    ) -> Result<(), ReserveError> {
        self.draw_texts(bytes, random, now, |_entry, texts| {
            texts.into_iter().flatten().try_for_each(|text| try_push(sample, text))
        })?;
        Ok(())
    }

    /// Draws random keys until the keys and strings that can be coded have about `bytes` bytes in total.
    /// Calls `each` with an entry and its two texts, the key and the string, if at least one of them can be
    /// coded. A text that cannot be coded is `None`. Returns how many keys were drawn.
    pub(crate) fn draw_texts(
        &self,
        bytes: usize,
        mut random: impl FnMut() -> u64,
        now: u64,
        mut each: impl FnMut(&Entry, [Option<Vec<u8>>; 2]) -> Result<(), ReserveError>,
    ) -> Result<usize, ReserveError> {
        let mut bytes_left = bytes;
        // A draw that finds nothing to code adds nothing, so the number of draws has a limit.
        let draws = bytes.div_ceil(*CODED_LENS.start()).min(DRAWS_MAX).min(self.len().saturating_mul(8));
        for draw in 0..draws {
            if bytes_left == 0 {
                return Ok(draw);
            }
            let Some(entry) = self.table.fair_random(&mut random) else { return Ok(draw) };
            if entry.is_expired(now) {
                continue;
            }
            let texts = [self.codable_key(entry)?, self.codable_string(entry)?];
            let len: usize = texts.iter().flatten().map(Vec::len).sum();
            if len > 0 {
                bytes_left = bytes_left.saturating_sub(len);
                each(entry, texts)?;
            }
        }
        Ok(draws)
    }

    /// Returns the key of an entry if it can be coded.
    fn codable_key(&self, entry: &Entry) -> Result<Option<Vec<u8>>, ReserveError> {
        let (layout, mut text) = (entry.key_layout(), Vec::new());
        if layout.slot().is_none() && !CODED_KEY_LENS.contains(&layout.len()) {
            return Ok(None);
        }
        let tables = &self.reading.tables;
        tables.append(EntryString::Bytes(&entry.key(tables).text()), &mut text)?;
        Ok(Some(text))
    }

    /// Returns the text of an entry's string if it can be coded.
    fn codable_string(&self, entry: &Entry) -> Result<Option<Vec<u8>>, ReserveError> {
        let Ok(string) = entry.string() else { return Ok(None) };
        if matches!(string, EntryString::Int(_)) || !CODED_LENS.contains(&string.len()) {
            return Ok(None);
        }
        let mut text = Vec::new();
        self.reading.tables.append(string, &mut text)?;
        Ok(Some(text).filter(|text| is_codable(text)))
    }
}

/// Pushes a value, or returns an error if there is no memory.
pub(crate) fn try_push<T>(all: &mut Vec<T>, value: T) -> Result<(), ReserveError> {
    all.try_reserve(1).map_err(|_| ReserveError::OutOfMemory { size: size_of::<T>() })?;
    all.push(value);
    Ok(())
}

impl<S> Sharded<S> {
    /// Does the same as [`Keyspace::train_symbols`] with a sample of all shards, which share the table.
    ///
    /// # Errors
    /// The errors of [`Keyspace::train_symbols`].
    pub fn train_symbols(
        &self,
        sample_bytes: usize,
        mut random: impl FnMut() -> u64,
        now: u64,
    ) -> Result<Option<Arc<SymbolTable>>, Error> {
        let (mut sample, mut result) = (Vec::new(), Ok(()));
        self.for_each(|shard| result = result.and(shard.free_slot().map(drop).ok_or(Error::SymbolsInUse)));
        result?;
        let mut result = Ok(());
        let bytes = sample_bytes.div_ceil(self.shard_count());
        self.for_each(|shard| {
            result = result.and_then(|()| shard.sample_texts(bytes, &mut random, now, &mut sample));
        });
        result?;
        let table = trained(&sample)?;
        if let Some(table) = &table {
            self.set_symbols(Some(table.clone()))?;
        }
        Ok(table)
    }
}

/// Returns a table that is trained with a sample, or `None` if the sample has no texts.
fn trained(sample: &[Vec<u8>]) -> Result<Option<Arc<SymbolTable>>, ReserveError> {
    if sample.is_empty() { Ok(None) } else { SymbolTable::train(sample).map(Arc::new).map(Some) }
}
