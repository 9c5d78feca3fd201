//! [`SnapshotFile`]: a file of point-in-time snapshots, which is written while the keyspaces are in use.
//!
//! ```text
//!  shard 0  ->  KeyspaceSink  ->  up to 64 KiB of whole keys  \
//!  shard 1  ->  KeyspaceSink  ->  up to 64 KiB of whole keys   >  one file beside the path  ->  renamed
//!  shard 2  ->  KeyspaceSink  ->  a large value, part by part /
//! ```
//!
//! Each keyspace has its own sink, which appends to the file when it has 64 KiB. A large value that is saved
//! in slices is appended in parts. Until it is complete, its sink owns the file, and the other sinks keep
//! their bytes in memory.
//!
//! Two kinds of data are not compressed: the old value of a key that is saved because a write is about to
//! change the key, and strings or elements of more than 64 KiB. Compressing them would take some milliseconds
//! for 1 MB, which is most of the time that the write or the slice takes.
//!
//! After the first error of the file, every sink fails at its next call. So the running snapshots fail, and
//! [`finish`](SnapshotFile::finish) returns the error.
//!
//! Lock order: the lock of a shard is taken before the lock of the file. The file is written under both.
//!
//! Limits: while a key is half written, the other sinks keep in memory what they save. With shards, this is
//! little. A large value is saved only after the other values of all shards, so meanwhile the other sinks
//! receive only the keys that are saved because of a write. But if the caller works on the snapshots of
//! several databases in turns, the sinks of the other databases keep everything that they receive.

use crate::atomic_file::AtomicFile;
use crate::error::SaveError;
use crate::input::{Block, append};
use crate::value::ValueProgress;
use crate::write::{WriteOptions, Writer};
use allocator_api2::vec::Vec;
use core::hash::BuildHasher;
use core::mem;
use keyspace::symbols::SymbolTable;
use keyspace::values::ReserveError;
use keyspace::{Keyspace, Portion, Record, Sharded, SinkError, SnapshotError, SnapshotSink};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zmalloc::Zmalloc;

/// A sink appends to the file when it has this many bytes. The buffer of a [`Writer`] has the same size.
const APPEND_LEN: u64 = 64 << 10;

/// Strings of more bytes are not compressed.
const COMPRESSED_MAX: usize = 64 << 10;

/// What the file knows about a sink.
struct SinkState {
    database: u64,
    /// How many keys the database has, and how many of them expire. Only the first sink of a database has
    /// these counts. They become 0 when the resize hint is written.
    keys: u64,
    expires: u64,
    /// The symbol table of the keyspace, if it has one. Only the first sink of a database has it, until it is
    /// written.
    symbols: Option<Arc<SymbolTable>>,
    /// The bytes to append as soon as no other sink owns the file.
    pending: Block,
    is_finished: bool,
}

/// The file that all sinks append to.
struct Shared {
    /// `None` once the file has been ended.
    writer: Option<Writer<File>>,
    /// The sink that may have a half-written key. Other sinks do not append.
    owner: Option<usize>,
    sinks: Vec<SinkState, Zmalloc>,
    /// The database that the last bytes of the file belong to.
    database: Option<u64>,
    /// The first error, until `finish` takes it.
    error: Option<SaveError>,
    has_failed: bool,
}

impl Shared {
    /// Appends bytes of a sink. If another sink owns the file, keeps them in memory.
    fn append_or_buffer(&mut self, sink: usize, bytes: &[u8]) -> Result<(), SaveError> {
        if self.has_failed {
            return Err(SaveError::Incomplete);
        }
        if self.owner.is_some_and(|owner| owner != sink) {
            let pending = &mut self.sinks[sink].pending;
            let size = bytes.len();
            pending.try_reserve(size).map_err(|_| ReserveError::OutOfMemory { size })?;
            append(pending, bytes);
            return Ok(());
        }
        self.append_pending(sink)?;
        self.owner = Some(sink);
        self.append(sink, bytes)
    }

    fn append_pending(&mut self, sink: usize) -> Result<(), SaveError> {
        let pending = mem::replace(&mut self.sinks[sink].pending, Block::new_in(Zmalloc));
        self.append(sink, &pending)
    }

    /// Appends bytes of a sink. If the last bytes of the file belong to another database, these bytes must
    /// begin with a key.
    fn append(&mut self, sink: usize, bytes: &[u8]) -> Result<(), SaveError> {
        let Some(writer) = self.writer.as_mut().filter(|_| !bytes.is_empty()) else { return Ok(()) };
        let database = self.sinks[sink].database;
        if self.database != Some(database) {
            writer.select_database(database)?;
            self.database = Some(database);
            // The table and the counts are taken from the sink, so that they are written once.
            if let Some(first) = self.sinks.iter_mut().find(|sink| sink.database == database && sink.keys > 0)
            {
                if let Some(table) = first.symbols.take() {
                    writer.symbols(&table)?;
                }
                writer.resize_hint(mem::take(&mut first.keys), mem::take(&mut first.expires))?;
            }
        }
        writer.append(bytes)
    }

    /// Ends the ownership of a sink that has no half-written key. Then appends the bytes that finished sinks
    /// have kept.
    fn release(&mut self, sink: usize) -> Result<(), SaveError> {
        if self.owner.take_if(|owner| *owner == sink).is_some() {
            for other in 0..self.sinks.len() {
                if self.sinks[other].is_finished {
                    self.append_pending(other)?;
                }
            }
        }
        Ok(())
    }

    /// Marks the file as failed, and keeps the error if it is the first one.
    fn fail(&mut self, error: SaveError) {
        if !self.has_failed {
            (self.has_failed, self.error) = (true, Some(error));
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file of point-in-time snapshots of keyspaces, one for each database. It is written beside its path, and
/// [`finish`](Self::finish) syncs and renames it. If it is dropped before that, the file is removed, and the
/// running snapshots fail. In C: the child of `BGSAVE`.
///
/// Taught in the chapter `docs/src/snapshot.md`.
///
/// If the file cannot be written, for example because the disk is full, the running snapshots fail, and
/// [`finish`](Self::finish) returns the reason. The keyspaces keep all their keys, and accept writes as
/// before. A new snapshot can begin when [`Keyspace::snapshot_for`] reports that no work is left.
///
/// Each database is saved in the state that it has when its snapshot begins. To save all databases in the
/// state of one moment, write nothing between the calls that begin the snapshots. Finish one database before
/// you work on the next one: while a large value of one database is half written, the file keeps in memory
/// what the others save.
///
/// The file is written in the calls that work on the snapshot, and in writes to keys that have not been saved
/// yet. With shards, both hold the lock of a shard.
///
/// ```
/// use rdb::keyspace::Sharded;
/// use rdb::{SnapshotFile, WriteOptions};
/// use std::time::{Duration, Instant};
/// let sharded = Sharded::new(4);
/// sharded.write("key", |keyspace, key| keyspace.set(key, "value", 0))?;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("dump.rdb");
/// let used_memory = sharded.allocation_size() as u64;
/// let mut file = SnapshotFile::create(&path, &WriteOptions::default(), 0, used_memory)?;
/// file.begin_shards(0, &sharded, 0)?;
/// let start = Instant::now();
/// while !sharded.snapshot_for(Duration::from_micros(500), || start.elapsed()).is_complete {
///     // Requests are served in between.
/// }
/// file.finish()?;
/// assert!(std::fs::read(&path)?.starts_with(b"REDIS0011"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SnapshotFile {
    shared: Arc<Mutex<Shared>>,
    options: WriteOptions,
    atomic_file: Option<AtomicFile>,
}

impl SnapshotFile {
    /// Creates a new file beside `path`. `now` is in milliseconds since 1970, and `used_memory` is in bytes.
    /// Both are written to the file's aux fields.
    ///
    /// # Errors
    /// [`SaveError::Io`] if the file cannot be created or written; [`SaveError::Memory`].
    pub fn create(
        path: impl AsRef<Path>,
        options: &WriteOptions,
        now: u64,
        used_memory: u64,
    ) -> Result<Self, SaveError> {
        let (atomic_file, file) = AtomicFile::create(path.as_ref())?;
        let mut writer = Writer::new(file, options)?;
        writer.default_aux(now, used_memory)?;
        let shared = Shared {
            writer: Some(writer),
            owner: None,
            sinks: Vec::new_in(Zmalloc),
            database: None,
            error: None,
            has_failed: false,
        };
        Ok(Self { shared: Arc::new(Mutex::new(shared)), options: *options, atomic_file: Some(atomic_file) })
    }

    /// Begins a snapshot of a keyspace, as a database of the file. `now` is in milliseconds since 1970. See
    /// [`Keyspace::begin_snapshot`]. O(1).
    ///
    /// # Errors
    /// [`SaveError::Snapshot`], [`SaveError::Memory`], [`SaveError::DuplicateDatabase`];
    /// [`SaveError::Incomplete`] if a snapshot of the file has failed. The file is unchanged.
    pub fn begin<S: BuildHasher>(
        &mut self,
        database: u64,
        keyspace: &mut Keyspace<S>,
        now: u64,
    ) -> Result<(), SaveError> {
        let counts = (keyspace.len(), keyspace.expires());
        let symbols = keyspace.symbols().cloned();
        self.begin_with(database, counts, symbols, 1, |next_sink| keyspace.begin_snapshot(next_sink(), now))
    }

    /// Begins a snapshot of all shards at the same moment, as a database of the file. See
    /// [`Sharded::begin_snapshot`]. O(shards).
    ///
    /// # Errors
    /// [`SaveError::Snapshot`], [`SaveError::Memory`], [`SaveError::DuplicateDatabase`];
    /// [`SaveError::Incomplete`] if a snapshot of the file has failed. The file is unchanged.
    pub fn begin_shards<S: BuildHasher>(
        &mut self,
        database: u64,
        sharded: &Sharded<S>,
        now: u64,
    ) -> Result<(), SaveError> {
        let counts = (sharded.len(), sharded.expires());
        let symbols = sharded.symbols();
        self.begin_with(database, counts, symbols, sharded.shard_count(), |next_sink| {
            sharded.begin_snapshot(|_shard| next_sink(), now)
        })
    }

    fn begin_with(
        &mut self,
        database: u64,
        (keys, expires): (usize, usize),
        symbols: Option<Arc<SymbolTable>>,
        sinks: usize,
        begin: impl FnOnce(&mut dyn FnMut() -> KeyspaceSink) -> Result<(), SnapshotError>,
    ) -> Result<(), SaveError> {
        let first = {
            let mut shared = lock(&self.shared);
            if shared.has_failed {
                return Err(SaveError::Incomplete);
            }
            let all = &mut shared.sinks;
            if all.iter().any(|sink| sink.database == database) {
                return Err(SaveError::DuplicateDatabase { database });
            }
            let size = sinks.saturating_mul(size_of::<SinkState>());
            all.try_reserve(sinks).map_err(|_| ReserveError::OutOfMemory { size })?;
            let first = all.len();
            all.extend((0..sinks).map(|sink| SinkState {
                database,
                // The first sink has the table and the counts of the whole database.
                symbols: symbols.clone().filter(|_| sink == 0),
                keys: if sink == 0 { keys as u64 } else { 0 },
                expires: if sink == 0 { expires as u64 } else { 0 },
                pending: Block::new_in(Zmalloc),
                is_finished: false,
            }));
            first
        };
        let mut next = first..first + sinks;
        let mut next_sink = || KeyspaceSink::new(&self.shared, next.next().unwrap_or(first), &self.options);
        begin(&mut next_sink).map_err(|error| {
            lock(&self.shared).sinks.truncate(first);
            error.into()
        })
    }

    /// Ends the file when all snapshots are complete: syncs it and renames it. Returns the length of the file
    /// in bytes.
    ///
    /// # Errors
    /// The first error of any sink; [`SaveError::Incomplete`] if a snapshot is still running, has failed, or
    /// was abandoned, or if none was begun; [`SaveError::Io`]. The old file is then unchanged, and the new
    /// one is removed. There is one exception: if the folder cannot be synced, the new file may already have
    /// replaced the old one.
    pub fn finish(mut self) -> Result<u64, SaveError> {
        let mut shared = lock(&self.shared);
        if let Some(error) = shared.error.take() {
            return Err(error);
        }
        let is_complete = !shared.sinks.is_empty() && shared.sinks.iter().all(|sink| sink.is_finished);
        let (true, Some(atomic_file)) = (is_complete, self.atomic_file.take()) else {
            return Err(SaveError::Incomplete);
        };
        (0..shared.sinks.len()).try_for_each(|sink| shared.append_pending(sink))?;
        match shared.writer.take() {
            Some(writer) => atomic_file.finish(writer),
            None => Err(SaveError::Incomplete), // never reached, because only this function takes the writer
        }
    }
}

impl Drop for SnapshotFile {
    /// Marks the file as failed. Sinks that still exist fail when they next append.
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.writer = None;
        shared.fail(SaveError::Incomplete);
    }
}

/// The sink of one keyspace.
struct KeyspaceSink {
    writer: Writer<SinkWriter>,
    shared: Arc<Mutex<Shared>>,
    sink: usize,
    /// The progress of the half-written key, if there is one.
    progress: Option<ValueProgress>,
    /// The offset of the writer when the sink last released the file.
    released_at: u64,
}

impl Drop for KeyspaceSink {
    /// Marks the file as failed if the sink owns it, because its key may be half written.
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        if shared.owner == Some(self.sink) {
            shared.fail(SaveError::Incomplete);
        }
    }
}

/// Appends the bytes of one sink to the file.
struct SinkWriter {
    shared: Arc<Mutex<Shared>>,
    sink: usize,
}

impl Write for SinkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shared = lock(&self.shared);
        match shared.append_or_buffer(self.sink, bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                shared.fail(error);
                Err(io::ErrorKind::Other.into()) // `Shared` keeps the reason
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl KeyspaceSink {
    fn new(shared: &Arc<Mutex<Shared>>, sink: usize, options: &WriteOptions) -> Self {
        let writer = Writer::of_keys(SinkWriter { shared: Arc::clone(shared), sink }, options);
        Self { writer, shared: Arc::clone(shared), sink, progress: None, released_at: 0 }
    }

    /// Writes about this many elements of the record. Returns `true` if the record is complete.
    fn try_save(&mut self, record: &Record<'_>, elements: usize) -> Result<bool, SaveError> {
        let mut progress = match self.progress.take() {
            Some(progress) => progress,
            None => self.writer.begin_record(record)?,
        };
        if !self.writer.write_value(&mut progress, record.value, elements)? {
            self.progress = Some(progress);
            return Ok(false);
        }
        // The writer's buffer holds `APPEND_LEN` bytes. If fewer bytes were written since the last release,
        // they are all still in the buffer, and the sink does not own the file.
        if self.writer.offset() - self.released_at >= APPEND_LEN {
            self.release()?;
        }
        Ok(true)
    }

    /// Appends all bytes to the file, and lets other sinks append. The last key must be complete.
    fn release(&mut self) -> Result<(), SaveError> {
        self.writer.flush()?;
        self.released_at = self.writer.offset();
        lock(&self.shared).release(self.sink)
    }

    /// Stores an error in [`Shared`]. The keyspace only learns that its sink has failed.
    fn record_error<T>(&self, result: Result<T, SaveError>) -> Result<T, SinkError> {
        result.map_err(|error| {
            lock(&self.shared).fail(error);
            SinkError
        })
    }
}

impl SnapshotSink for KeyspaceSink {
    fn save(&mut self, record: &Record<'_>, portion: Portion) -> Result<bool, SinkError> {
        let elements = portion.elements();
        let is_write = portion == Portion::RestBeforeWrite;
        self.writer.set_compressed_max(if is_write { 0 } else { COMPRESSED_MAX });
        let mut saved = self.try_save(record, elements);
        // `write_value` promises only about as many elements as it is asked for.
        while elements == usize::MAX && matches!(saved, Ok(false)) {
            saved = self.try_save(record, elements);
        }
        self.record_error(saved)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let released = self.release();
        self.record_error(released)?;
        let mut shared = lock(&self.shared);
        if shared.has_failed {
            return Err(SinkError);
        }
        shared.sinks[self.sink].is_finished = true;
        Ok(())
    }
}
