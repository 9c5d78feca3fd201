//! [`SymbolsReport`]: what coding saves, and what another table would save.
//!
//! All figures are those of a random sample of keys. Exact sums would have to be updated by each write.
//!
//! A table that is measured with the strings and keys that it was trained with looks better than it is. So
//! the sample has two halves. A table that is trained with one half is measured with the other.

use crate::entry::{CodedString, Entry, EntryString, KeyLayout, Slot, StoredKey};
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::sharded::Sharded;
use crate::training::try_push;
use symbols::SymbolTable;
use values::ReserveError;

/// What coding the strings and keys of a keyspace saves, from a random sample of its keys. See
/// [`Keyspace::symbols_report`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SymbolsReport {
    /// The number of keys in the keyspace, including expired ones.
    pub keys: usize,
    /// The number of keys that were drawn. A key can be drawn several times.
    pub sampled_keys: usize,
    /// How many of them can be coded, or have a string that can be. Such a key has 17 to 255 bytes, and such
    /// a string has 8 bytes to 16 KiB and is not an integer.
    pub sampled_codable: usize,
    /// How many of these are coded or have a coded string, with the current or the old table. The others
    /// would not become smaller, were not visited yet, or have grown by an edit.
    pub sampled_coded: usize,
    /// The bytes of the entries that [`sampled_codable`](SymbolsReport::sampled_codable) counts.
    pub bytes: u64,
    /// The bytes that these entries would take without coding.
    pub plain_bytes: u64,
    /// The bytes that these entries would take with a table that is trained now.
    pub retrained_bytes: u64,
}

impl SymbolsReport {
    /// Returns an estimate of the bytes that coding saves in the whole keyspace.
    pub fn saved_bytes(&self) -> i64 {
        self.of_all_keys(self.plain_bytes, self.bytes)
    }

    /// Returns an estimate of the bytes that the whole keyspace would save with a table that is trained now.
    /// It is negative if the present table is better.
    pub fn retraining_saves(&self) -> i64 {
        self.of_all_keys(self.bytes, self.retrained_bytes)
    }

    /// Returns the difference of two sums of the sample, scaled up from the sample to all keys.
    fn of_all_keys(&self, more: u64, less: u64) -> i64 {
        let difference = (i128::from(more) - i128::from(less)).saturating_mul(self.keys as i128);
        let estimate = difference / self.sampled_keys.max(1) as i128;
        estimate.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// A key that was drawn.
struct Drawn {
    /// The key and the string. `None` stands for one that cannot be coded.
    texts: [Option<Vec<u8>>; 2],
    /// The layout of the key without coding.
    key: KeyLayout,
    expires: bool,
    /// The bytes of the block besides the key, if the value is not a string that can be coded.
    other_len: usize,
    /// The bytes of the entry without coding.
    plain_size: usize,
}

impl Drawn {
    fn new(entry: &Entry, texts: [Option<Vec<u8>>; 2]) -> Self {
        let stored = entry.key_layout();
        let key = KeyLayout::plain(texts[0].as_ref().map_or(stored.len(), Vec::len));
        let (expires, size) = (entry.expires(), entry.usable_size());
        // A string that is already plain keeps its blocks, with their spare room.
        let plain_size = match &texts[1] {
            Some(text) if is_coded(entry) => Entry::size_of_len(key, expires, text.len(), false),
            _ => size - entry.block_size_with(stored) + entry.block_size_with(key),
        };
        let other_len = entry.byte_len() - stored.total_len();
        Self { texts, key, expires, other_len, plain_size }
    }

    /// Returns the bytes of the entry if its string and its key are coded with this table. As in a keyspace,
    /// the string comes first, and each of the two is coded only if the block becomes smaller.
    fn size_with(&self, table: &SymbolTable, codes: &mut Vec<u8>) -> Result<usize, ReserveError> {
        let Self { texts: [key_text, text], key, expires, .. } = self;
        let mut coded_len = None;
        if let Some(text) = text {
            let codes = table.encode(text, codes)?;
            let coded = CodedString { slot: Slot::First, len: text.len() as u32, codes };
            let is_smaller = Entry::size_of_coded(*key, *expires, &coded)
                < Entry::size_of_len(*key, *expires, text.len(), false);
            coded_len = is_smaller.then_some(coded.size());
        }
        let size_with = |key: KeyLayout| match (text, coded_len) {
            (Some(_), Some(len)) => Entry::size_of_value(key, *expires, len),
            (Some(text), None) => Entry::size_of_len(key, *expires, text.len(), false),
            (None, _) => zmalloc::good_size(key.total_len() + self.other_len),
        };
        let mut size = size_with(*key);
        if let Some(text) = key_text
            && let Some(coded) = StoredKey::coded(Slot::First, table.encode(text, codes)?, text.len())
        {
            size = size.min(size_with(coded.layout()));
        }
        let gain = size_with(*key).saturating_sub(size);
        Ok(if coded_len.is_some() { size } else { self.plain_size.saturating_sub(gain) })
    }
}

/// Returns whether the string of an entry is coded.
fn is_coded(entry: &Entry) -> bool {
    matches!(entry.string(), Ok(EntryString::Coded(_)))
}

/// The keys that were drawn, and the figures of the report that are known so far.
#[derive(Default)]
struct Sample {
    report: SymbolsReport,
    drawn: Vec<Drawn>,
}

impl Sample {
    fn add<S>(
        &mut self,
        keyspace: &Keyspace<S>,
        bytes: usize,
        random: impl FnMut() -> u64,
        now: u64,
    ) -> Result<(), ReserveError> {
        let Self { report, drawn } = self;
        report.keys += keyspace.len();
        report.sampled_keys += keyspace.draw_texts(bytes, random, now, |entry, texts| {
            let one = Drawn::new(entry, texts);
            report.sampled_codable += 1;
            report.sampled_coded += usize::from(is_coded(entry) || entry.key_layout().slot().is_some());
            report.bytes += entry.usable_size() as u64;
            report.plain_bytes += one.plain_size as u64;
            try_push(drawn, one)
        })?;
        Ok(())
    }

    /// Computes the bytes with new tables, and returns the report.
    fn finish(self) -> Result<SymbolsReport, ReserveError> {
        let Self { mut report, drawn } = self;
        let half = |first: usize| drawn.iter().skip(first).step_by(2);
        let mut codes = Vec::new();
        for first in [0, 1] {
            let mut texts = Vec::new();
            half(first)
                .flat_map(|one| one.texts.iter().flatten())
                .try_for_each(|text| try_push(&mut texts, &**text))?;
            if texts.is_empty() {
                // If a single key was drawn, the other half is empty.
                report.retrained_bytes += half(1 - first).map(|one| one.plain_size as u64).sum::<u64>();
                continue;
            }
            let table = SymbolTable::train(&texts)?;
            for one in half(1 - first) {
                report.retrained_bytes += one.size_with(&table, &mut codes)? as u64;
            }
        }
        Ok(report)
    }
}

impl<S> Keyspace<S> {
    /// Estimates what coding saves, and what another training would save, from random strings and keys of
    /// about `sample_bytes` bytes in total. For a keyspace without a table, the report says what a table
    /// would save. 256 KiB are enough for most keyspaces. If few keys can be coded, the sample is smaller,
    /// and the estimate is rough ([`SymbolsReport::sampled_codable`]). O(sample), plus some milliseconds for
    /// two trainings.
    ///
    /// ```
    /// use keyspace::{Keyspace, random_source};
    /// let mut keyspace = Keyspace::new();
    /// let record = |n| format!(r#"{{"user": {n}, "country": "NL", "is_active": true}}"#);
    /// for n in 0..1_000 {
    ///     keyspace.set(&format!("session:{n}"), &record(n), 0)?;
    /// }
    /// let report = keyspace.symbols_report(64 << 10, random_source(), 0)?;
    /// assert_eq!(report.saved_bytes(), 0);
    /// assert!(report.retraining_saves() > keyspace.allocation_size() as i64 / 5);
    /// // Now it pays to train a table.
    /// keyspace.train_symbols(64 << 10, random_source(), 0)?;
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// No memory.
    pub fn symbols_report(
        &self,
        sample_bytes: usize,
        random: impl FnMut() -> u64,
        now: u64,
    ) -> Result<SymbolsReport, Error> {
        let mut sample = Sample::default();
        sample.add(self, sample_bytes, random, now)?;
        Ok(sample.finish()?)
    }
}

impl<S> Sharded<S> {
    /// Does the same as [`Keyspace::symbols_report`] with a sample of all shards.
    ///
    /// # Errors
    /// No memory.
    pub fn symbols_report(
        &self,
        sample_bytes: usize,
        mut random: impl FnMut() -> u64,
        now: u64,
    ) -> Result<SymbolsReport, Error> {
        let bytes = sample_bytes.div_ceil(self.shard_count());
        let (mut sample, mut result) = (Sample::default(), Ok(()));
        self.for_each(|shard| {
            result = result.and_then(|()| sample.add(shard, bytes, &mut random, now));
        });
        result?;
        Ok(sample.finish()?)
    }
}
