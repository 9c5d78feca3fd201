//! [`SymbolsReport`]: what coding saves, and what another table would save.
//!
//! All figures are those of a random sample of keys. Exact sums would have to be updated by each write.
//!
//! A table that is measured with the strings that it was trained with looks better than it is. So the sample
//! has two halves. A table that is trained with one half is measured with the other.

use crate::coded::try_push;
use crate::entry::{CodedString, Entry, EntryString, Slot};
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::sharded::Sharded;
use symbols::SymbolTable;
use values::ReserveError;

/// What coding the strings of a keyspace saves, from a random sample of its keys. See
/// [`Keyspace::symbols_report`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SymbolsReport {
    /// The number of keys in the keyspace, including expired ones.
    pub keys: usize,
    /// The number of keys that were drawn. A key can be drawn several times.
    pub sampled_keys: usize,
    /// How many of them have a string that can be coded: one of 8 bytes to 16 KiB that is not an integer.
    pub sampled_strings: usize,
    /// How many of these strings are coded, with the current or the old table. The others would not become
    /// smaller, were not visited yet, or have grown by an edit.
    pub sampled_coded: usize,
    /// The bytes that the entries of the sampled strings take.
    pub bytes: u64,
    /// The bytes that they would take without coding.
    pub plain_bytes: u64,
    /// The bytes that they would take with a table that is trained now.
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

    /// Returns the difference of two sums of the sample, multiplied so that it is one of all keys.
    fn of_all_keys(&self, more: u64, less: u64) -> i64 {
        let difference = (i128::from(more) - i128::from(less)).saturating_mul(self.keys as i128);
        let estimate = difference / self.sampled_keys.max(1) as i128;
        estimate.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// A string that was drawn.
struct Drawn {
    key_len: usize,
    expires: bool,
    text: Vec<u8>,
    /// The bytes of the entry without coding.
    plain_size: usize,
}

/// The strings that were drawn, and the figures of the report that are known so far.
#[derive(Default)]
struct Sample {
    report: SymbolsReport,
    strings: Vec<Drawn>,
}

impl Sample {
    fn add<S>(
        &mut self,
        keyspace: &Keyspace<S>,
        bytes: usize,
        random: impl FnMut() -> u64,
        now: u64,
    ) -> Result<(), ReserveError> {
        let Self { report, strings } = self;
        report.keys += keyspace.len();
        report.sampled_keys += keyspace.draw_strings(bytes, random, now, |entry, text| {
            let is_coded = matches!(entry.string(), Ok(EntryString::Coded(_)));
            let (key_len, expires, size) = (entry.key().len(), entry.expires(), entry.usable_size());
            // A plain string that coding does not make smaller keeps its blocks, with their spare room.
            let plain_size =
                if is_coded { Entry::size_of_len(key_len, expires, text.len(), false) } else { size };
            report.sampled_strings += 1;
            report.sampled_coded += usize::from(is_coded);
            report.bytes += size as u64;
            report.plain_bytes += plain_size as u64;
            try_push(strings, Drawn { key_len, expires, text, plain_size })
        })?;
        Ok(())
    }

    /// Computes the bytes with new tables, and returns the report.
    fn finish(self) -> Result<SymbolsReport, ReserveError> {
        let Self { mut report, strings } = self;
        let half = |first: usize| strings.iter().skip(first).step_by(2);
        let mut codes = Vec::new();
        for first in [0, 1] {
            let mut texts = Vec::new();
            half(first).try_for_each(|drawn| try_push(&mut texts, &*drawn.text))?;
            if texts.is_empty() {
                // A single string has no other half.
                report.retrained_bytes += half(1 - first).map(|drawn| drawn.plain_size as u64).sum::<u64>();
                continue;
            }
            let table = SymbolTable::train(&texts)?;
            for Drawn { key_len, expires, text, plain_size } in half(1 - first) {
                let codes = table.encode(text, &mut codes)?;
                let coded = CodedString { slot: Slot::First, len: text.len() as u32, codes };
                let coded_size = Entry::size_of_coded(*key_len, *expires, &coded);
                // This is how the keyspace decides whether it codes a string.
                let is_smaller = coded_size < Entry::size_of_len(*key_len, *expires, text.len(), false);
                report.retrained_bytes += if is_smaller { coded_size } else { *plain_size } as u64;
            }
        }
        Ok(report)
    }
}

impl<S> Keyspace<S> {
    /// Estimates what coding saves, and what another training would save, from random strings of about
    /// `sample_bytes` bytes in total. A keyspace without a table reports what one would save. 256 KiB are
    /// enough for most keyspaces. If few keys have such strings, the sample is smaller, and the estimate is
    /// rough ([`SymbolsReport::sampled_strings`]). O(sample), plus some milliseconds for two trainings.
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
