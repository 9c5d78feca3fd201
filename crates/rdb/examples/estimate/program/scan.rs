//! Reads a file key by key into a [`Survey`].
//!
//! Each key is loaded into the keyspace of its database and stays there. So the final `allocation_size` has
//! all data and the table. `memory_usage` has the exact size of all blocks of one key.
//!
//! With a sample, most keys are skipped, and their values are neither decompressed nor kept. So memory is
//! bounded by the sample and by one value.

use super::advice::Stored;
use super::coded::add_coded;
use super::figures::{Figures, Form};
use super::largest::LargeKey;
use super::probe::Bytes;
use super::survey::{Source, Survey};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keyspace::estimate::{ClassicRedis, Quantum};
use keyspace::{Key, ValueRef};
use rdb::{Error, Event, Reader, ValueType};
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The number of keys after which the progress bar moves.
const KEYS_PER_MOVE: u64 = 256;

/// The minimum size of a key in a file, in bytes: one each for the type, the length of the key and the value.
const KEY_BYTES_MIN: u64 = 3;

/// The time that is passed to the keyspace. No key has expired at this time, so the keys of old dumps are
/// loaded too.
pub(crate) const TIME_ZERO: u64 = 0;

/// The options for reading a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanOptions {
    /// If this is N, one key of N is loaded.
    pub(crate) one_of: u64,
    /// The byte that separates the parts of a key.
    pub(crate) separator: u8,
    /// The size classes of Redis.
    pub(crate) quantum: Quantum,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { one_of: 1, separator: b':', quantum: Quantum::Sixteen }
    }
}

/// Reads a file. If the file is damaged after its header, returns a survey with the error.
///
/// # Errors
/// If the file or its header cannot be read.
pub(crate) fn scan_file(path: &Path, options: &ScanOptions) -> Result<Survey, Error> {
    let no_file = |error| Error::Io { offset: 0, error };
    let file = File::open(path).map_err(no_file)?;
    let len = file.metadata().map_err(no_file)?.len();
    let bar = bar(len);
    let survey = scan(file, len, options, &bar);
    bar.finish_and_clear();
    survey
}

/// Returns a progress bar on stderr. If stderr is not a terminal, indicatif hides the bar.
fn bar(len: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr()).with_style(style)
}

/// Like [`scan_file`], for an input of `len` bytes.
pub(crate) fn scan(
    read: impl Read,
    len: u64,
    options: &ScanOptions,
    bar: &ProgressBar,
) -> Result<Survey, Error> {
    let mut reader = Reader::new(read)?;
    let (version, read) = (reader.version(), reader.offset());
    let source = Source { version, len, read, server: None, written_at: None, used_memory: None };
    let survey = Survey::new(options, source);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut scan = Scan {
        redis: ClassicRedis::new(options.quantum),
        now: since_1970.as_millis() as u64,
        database: 0,
        reservable: len / KEY_BYTES_MIN,
        key: Vec::new(),
        survey,
    };
    let result = scan.read_all(&mut reader, bar);
    scan.survey.source.read = reader.offset();
    scan.survey.error = result.err();
    add_coded(&mut scan.survey, &scan.redis);
    Ok(scan.survey)
}

struct Scan {
    redis: ClassicRedis,
    /// The time from which the remaining time of an expiry is counted: the time of the dump, or the present
    /// time if the dump has none.
    now: u64,
    database: u64,
    /// The number of keys for which the hints in the file may still reserve room. It begins with the maximum
    /// number of keys in a file of this length, so false hints do not allocate much memory.
    reservable: u64,
    key: Vec<u8>,
    survey: Survey,
}

/// The parts of a key in the file that precede its value.
#[derive(Clone, Copy)]
struct Header {
    value_type: ValueType,
    expiry: Option<u64>,
    /// The offset of the key.
    offset: u64,
    /// The offset of the first byte that belongs to the key, such as its expiry.
    start: u64,
}

impl Scan {
    fn read_all(&mut self, reader: &mut Reader<impl Read>, bar: &ProgressBar) -> Result<(), Error> {
        let mut keys: u64 = 0;
        loop {
            let start = reader.offset();
            let header = match reader.next_event()? {
                None => return Ok(()),
                Some(Event::Key(key)) => {
                    self.key.clear();
                    self.key.extend_from_slice(key.key);
                    // A keyspace takes no time before 1970.
                    let expiry = key.expiry.map(|expiry| expiry.max(TIME_ZERO + 1));
                    Header { value_type: key.value_type, expiry, offset: key.offset, start }
                }
                Some(event) => {
                    self.event(event);
                    continue;
                }
            };
            self.key(reader, header)?;
            keys += 1;
            if keys.is_multiple_of(KEYS_PER_MOVE) {
                bar.set_position(reader.offset());
            }
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let survey = &mut self.survey;
        match event {
            Event::Aux { name, value } => {
                survey.source.aux(name, value);
                self.now = survey.source.written_at.unwrap_or(self.now);
            }
            Event::Database(number) => self.database = number,
            Event::Resize { keys, .. } if !survey.is_sample() => {
                let keys = keys.min(self.reservable);
                let Ok(room @ 1..) = usize::try_from(keys) else { return };
                let keyspace = &mut survey.databases.entry(self.database).or_default().keyspace;
                if keyspace.is_empty() {
                    self.reservable -= keys;
                    let _ = keyspace.try_reserve(room); // if there is no memory, the table grows later
                }
            }
            _ => {}
        }
    }

    /// Returns `true` if the key belongs to the sample.
    fn is_chosen(&self) -> bool {
        let one_of = self.survey.options.one_of;
        one_of <= 1 || {
            let mut hasher = DefaultHasher::new();
            hasher.write(&self.key);
            hasher.finish().is_multiple_of(one_of)
        }
    }

    /// Reads or skips the value of a key, and counts the key.
    fn key(&mut self, reader: &mut Reader<impl Read>, header: Header) -> Result<(), Error> {
        if header.value_type.object_type().is_none() {
            reader.skip_value()?;
            let file = reader.offset() - header.start;
            self.survey.unsupported += Figures { keys: 1, file, ..Figures::default() };
            return Ok(());
        }
        let is_chosen = self.is_chosen();
        if is_chosen {
            let value = reader.read_value(self.redis.limits())?;
            self.load(value, header, reader.offset() - header.start)?;
        } else {
            reader.skip_value()?;
        }
        let survey = &mut self.survey;
        let database = survey.databases.entry(self.database).or_default();
        database.keys += 1;
        if let Some(expiry) = header.expiry {
            database.expires += 1;
            survey.ttls.add(expiry, self.now);
        }
        survey.expiring_hashes += u64::from(is_expiring(header.value_type));
        Ok(())
    }

    /// Loads a key, and measures it.
    fn load(&mut self, value: keyspace::Value, header: Header, file: u64) -> Result<(), Error> {
        let Header { expiry, offset, .. } = header;
        let failed = |error| Error::Keyspace { offset, error };
        let survey = &mut self.survey;
        let keyspace = &mut survey.databases.entry(self.database).or_default().keyspace;
        let key = Key::with_hash(&self.key, keyspace.hash_key(&self.key));
        let len_before = keyspace.len();
        keyspace.insert(key, value, expiry, TIME_ZERO).map_err(failed)?;
        if keyspace.len() == len_before {
            return Err(Error::DuplicateKey { offset });
        }
        let (Some(value), Some(here), Some(encoding)) = (
            keyspace.get(key, TIME_ZERO),
            keyspace.memory_usage(key, TIME_ZERO),
            keyspace.encoding(key, TIME_ZERO),
        ) else {
            return Ok(());
        };
        let classic = self.redis.value(value);
        let redis = self.redis.key(self.key.len() as u64, expiry.is_some()) + classic.bytes;
        let bytes = Bytes { redis, here: here as u64 };
        let form = Form { object_type: value.object_type(), redis: classic.encoding, here: encoding };
        // The coded bytes are measured when all keys are there.
        let figures = Figures { keys: 1, file, redis, here: bytes.here, coded: 0 };
        survey.types.add(form, figures);
        survey.prefixes.add(&self.key, figures);
        let large = || LargeKey {
            name: LargeKey::name(&self.key),
            name_len: self.key.len(),
            database: self.database,
            form,
            len: len(value),
            redis,
            here: bytes.here,
        };
        survey.largest_here.add(bytes.here, large);
        survey.largest_redis.add(redis, large);
        survey.advisor.add(Stored { key: &self.key, value, expiry, bytes }).map_err(failed)
    }
}

/// Returns the number of bytes of a string, or of elements of a collection.
fn len(value: ValueRef<'_>) -> u64 {
    let len = match value {
        ValueRef::String(string) => string.len(),
        ValueRef::List(list) => list.len(),
        ValueRef::Set(set) => set.len(),
        ValueRef::ZSet(zset) => zset.len(),
        ValueRef::Hash(hash) => hash.len(),
    };
    len as u64
}

/// Returns `true` for a hash whose fields may expire.
fn is_expiring(value_type: ValueType) -> bool {
    matches!(
        value_type,
        ValueType::HashMetadata
            | ValueType::HashListpackEx
            | ValueType::HashMetadataPreGa
            | ValueType::HashListpackExPreGa
            | ValueType::Hash2
    )
}
