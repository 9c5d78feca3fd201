//! [`Writer`]: writes a file key by key, and large values in slices.
//!
//! ```text
//!  header | aux fields | database, resize hint | expiry, clock, type, key, value | ... | 255 | checksum
//! ```
//!
//! | value | type in versions 11 and 12 | in version 10 |
//! |---|---|---|
//! | string | 0 | |
//! | list | 18, nodes as they are | |
//! | set: intset, listpack, hashtable | 11, 20, 2 | 11, 2, 2 |
//! | hash: listpack, hashtable | 16, 4 | |
//! | sorted set: listpack, skiplist | 17, 5 | |
//!
//! Learned from: Redis' `rdbSaveRio` and `rdbSaveObject`.

use crate::error::SaveError;
use crate::format::{SYMBOLS_AUX, opcode};
use crate::output::Output;
use crate::value::ValueProgress;
use core::hash::BuildHasher;
use core::mem;
use keyspace::symbols::SymbolTable;
use keyspace::{Keyspace, Record, ValueRef};
use std::io::Write;

/// The number of milliseconds in a second.
const SECOND: u64 = 1_000;

/// The version of a file or payload that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteVersion {
    /// 10: read by Redis 7.0 and later, and by every Valkey.
    V10,
    /// 11: read by Redis 7.2 and later, and by every Valkey.
    #[default]
    V11,
    /// 12: read by Redis 7.4 and later.
    V12,
}

impl WriteVersion {
    /// Returns the number of the version.
    pub const fn number(self) -> u16 {
        match self {
            Self::V10 => 10,
            Self::V11 => 11,
            Self::V12 => 12,
        }
    }

    /// Returns the first version of Redis that writes this version, for the aux field `redis-ver`.
    const fn server(self) -> &'static [u8] {
        match self {
            Self::V10 => b"7.0.0",
            Self::V11 => b"7.2.0",
            Self::V12 => b"7.4.0",
        }
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// The version that is written.
    pub version: WriteVersion,
    /// Whether strings of more than 20 bytes are compressed. In C: `rdbcompression`.
    pub compression: bool,
    /// Whether the file ends with a checksum. If not, it ends with 0 instead. In C: `rdbchecksum`.
    pub checksum: bool,
    /// Whether the idle time of a key or its counter of uses is written, depending on which of them the
    /// eviction policy keeps.
    pub access_clock: bool,
}

impl WriteOptions {
    /// The defaults of redis.conf, and version 11.
    pub const DEFAULT: Self =
        Self { version: WriteVersion::V11, compression: true, checksum: true, access_clock: false };
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A key, and what is written in front of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyMeta<'a> {
    /// The key.
    pub key: &'a [u8],
    /// When the key expires, in milliseconds since 1970.
    pub expiry: Option<u64>,
    /// How many seconds the key has not been used for.
    pub idle_time: Option<u64>,
    /// The logarithmic counter of uses, as LFU eviction keeps it.
    pub freq: Option<u8>,
}

/// Writes a file key by key.
///
/// [`new`](Self::new) writes the header, and [`finish`](Self::finish) writes the checksum. The caller chooses
/// what is written in between. [`write_keyspace`](Self::write_keyspace) writes a whole database.
/// [`begin_key`](Self::begin_key) and [`write_value`](Self::write_value) write one key in slices.
///
/// ```
/// use rdb::keyspace::Keyspace;
/// use rdb::{KeyMeta, WriteOptions, Writer};
/// let mut keyspace = Keyspace::new();
/// keyspace.set("key", "value", 0)?;
///
/// let mut writer = Writer::new(Vec::new(), &WriteOptions::default())?;
/// writer.select_database(0)?;
/// let value = keyspace.get("key", 0).unwrap();
/// let mut progress = writer.begin_key(&KeyMeta { key: b"key", ..KeyMeta::default() }, value)?;
/// while !writer.write_value(&mut progress, value, 100)? {
///     // Requests are served in between; the value must not change.
/// }
/// assert!(writer.finish()?.starts_with(b"REDIS0011\xFE\0\0\x03key\x05value\xFF"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer<W: Write> {
    output: Output<W>,
    options: WriteOptions,
}

impl<W: Write> Writer<W> {
    /// Writes the magic and the version.
    ///
    /// # Errors
    /// [`SaveError::Io`], and [`SaveError::Memory`] if there is no memory for the buffer.
    pub fn new(write: W, options: &WriteOptions) -> Result<Self, SaveError> {
        let mut output = Output::new(write, options.compression, options.checksum);
        output.raw(b"REDIS00")?;
        let number = options.version.number() as u8;
        output.raw(&[b'0' + number / 10, b'0' + number % 10])?;
        Ok(Self { output, options: *options })
    }

    /// Returns a writer that writes only keys. Its bytes are appended to another file.
    pub(crate) fn of_keys(write: W, options: &WriteOptions) -> Self {
        Self { output: Output::new(write, options.compression, false), options: *options }
    }

    /// Appends bytes that a writer from [`of_keys`](Self::of_keys) has written.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.output.raw(bytes)
    }

    /// Sets the length of the longest string that is compressed, in bytes.
    pub(crate) fn set_compressed_max(&mut self, len: usize) {
        self.output.set_compressed_max(len);
    }

    /// Writes all buffered bytes to the underlying writer.
    pub(crate) fn flush(&mut self) -> Result<(), SaveError> {
        self.output.flush()
    }

    /// Returns how many bytes the file has so far.
    pub fn offset(&self) -> u64 {
        self.output.offset()
    }

    /// Writes a field about the file. A reader ignores fields that it does not know.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn aux(&mut self, name: &[u8], value: &[u8]) -> Result<(), SaveError> {
        self.output.byte(opcode::AUX)?;
        self.output.text(name.into())?;
        self.output.text(value.into())
    }

    /// Writes the fields that every server writes: `redis-ver`, `redis-bits`, `ctime` and `used-mem`. `now`
    /// is in milliseconds since 1970, and `used_memory` is in bytes.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn default_aux(&mut self, now: u64, used_memory: u64) -> Result<(), SaveError> {
        let number = |number| listpack::integer::Decimal::new(number);
        self.aux(b"redis-ver", self.options.version.server())?;
        self.aux(b"redis-bits", &number(i64::from(usize::BITS)))?;
        self.aux(b"ctime", &number((now / SECOND) as i64))?;
        self.aux(b"used-mem", &number(used_memory.min(i64::MAX as u64) as i64))
    }

    /// Writes the symbol table that a keyspace codes its strings with, as the aux field `redcore-symbols`.
    /// The strings themselves are written as text. A [`Loader`](crate::Loader) codes them with this table if
    /// the keyspace has none and [`LoadOptions::sets_symbols`](crate::LoadOptions::sets_symbols) is set.
    /// Servers ignore the field. It must follow the number of its database.
    ///
    /// # Errors
    /// [`SaveError::Io`]; [`SaveError::Memory`].
    pub fn symbols(&mut self, table: &SymbolTable) -> Result<(), SaveError> {
        self.aux(SYMBOLS_AUX, &table.to_bytes()?)
    }

    /// Writes that the following keys belong to this database.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn select_database(&mut self, database: u64) -> Result<(), SaveError> {
        self.output.byte(opcode::SELECTDB)?;
        self.output.len(database)
    }

    /// Writes about how many keys the database has, and how many of them expire.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn resize_hint(&mut self, keys: u64, expires: u64) -> Result<(), SaveError> {
        self.output.byte(opcode::RESIZEDB)?;
        self.output.len(keys)?;
        self.output.len(expires)
    }

    /// Writes everything that is in front of the value of a key: the expiry, the idle time or the counter of
    /// uses, the type, and the key itself. The caller must write the value next, by
    /// [`write_value`](Self::write_value).
    ///
    /// # Errors
    /// [`SaveError::Io`].
    #[inline]
    pub fn begin_key(&mut self, meta: &KeyMeta<'_>, value: ValueRef<'_>) -> Result<ValueProgress, SaveError> {
        let output = &mut self.output;
        if let Some(expiry) = meta.expiry {
            // Readers interpret the time as a signed number.
            let expiry = expiry.min(i64::MAX as u64);
            output.byte(opcode::EXPIRETIME_MS)?;
            output.raw(&expiry.to_le_bytes())?;
        }
        if let Some(idle_time) = meta.idle_time {
            output.byte(opcode::IDLE)?;
            output.len(idle_time)?;
        }
        if let Some(freq) = meta.freq {
            output.raw(&[opcode::FREQ, freq])?;
        }
        let progress = ValueProgress::new(value, self.options.version);
        output.byte(progress.code())?;
        output.text(meta.key.into())?;
        Ok(progress)
    }

    /// Writes about `elements` elements of the value, or nodes of a list. Returns `true` if the value is
    /// complete. A string, and a value that is packed into one block, are written in one call.
    ///
    /// The value must be the one that was passed to [`begin_key`](Self::begin_key), and must not have changed
    /// since. So a caller writes the rest of a value before it changes the value.
    ///
    /// # Errors
    /// [`SaveError::Changed`] if the number of elements is not the same as at the beginning;
    /// [`SaveError::Io`]. The file is not valid then.
    #[inline]
    pub fn write_value(
        &mut self,
        progress: &mut ValueProgress,
        value: ValueRef<'_>,
        elements: usize,
    ) -> Result<bool, SaveError> {
        progress.write(&mut self.output, value, elements.max(1))
    }

    /// Writes a key with its whole value.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    #[inline]
    pub fn write_record(&mut self, record: &Record<'_>) -> Result<(), SaveError> {
        let mut progress = self.begin_record(record)?;
        while !self.write_value(&mut progress, record.value, usize::MAX)? {}
        Ok(())
    }

    /// Like [`begin_key`](Self::begin_key), for a record.
    #[inline]
    pub(crate) fn begin_record(&mut self, record: &Record<'_>) -> Result<ValueProgress, SaveError> {
        let clock = self.options.access_clock;
        let meta = KeyMeta {
            key: &record.key.text(),
            expiry: record.expiry,
            idle_time: record.idle_time.filter(|_| clock).map(u64::from),
            freq: record.freq.filter(|_| clock),
        };
        self.begin_key(&meta, record.value)
    }

    /// Writes a whole keyspace as a database, with its symbol table, and returns how many keys were written.
    /// Writes nothing if the keyspace is empty. Keys that have expired at `now`, in milliseconds since 1970,
    /// are left out.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn write_keyspace<S: BuildHasher>(
        &mut self,
        database: u64,
        keyspace: &Keyspace<S>,
        now: u64,
    ) -> Result<u64, SaveError> {
        if keyspace.is_empty() {
            return Ok(0);
        }
        self.select_database(database)?;
        if let Some(table) = keyspace.symbols() {
            self.symbols(table)?;
        }
        self.resize_hint(keyspace.len() as u64, keyspace.expires() as u64)?;
        let mut keys = 0;
        for record in keyspace.records(now) {
            self.write_record(&record)?;
            keys += 1;
        }
        Ok(keys)
    }

    /// Ends the file, flushes the underlying writer, and returns it.
    ///
    /// # Errors
    /// [`SaveError::Io`].
    pub fn finish(mut self) -> Result<W, SaveError> {
        self.output.byte(opcode::EOF)?;
        let checksum = self.output.checksum()?;
        self.output.raw(&checksum.to_le_bytes())?;
        self.output.finish()
    }
}

const _: () = assert!(mem::size_of::<ValueProgress>() <= 32);
