//! [`SnapshotFile`]: a file of a point-in-time snapshot, which is written while keys are read and written.
//!
//! ```text
//!  shard 0  ->  SnapshotRecords  ->  up to 64 KiB of whole keys  \
//!  shard 1  ->  SnapshotRecords  ->  up to 64 KiB of whole keys   >  one file beside the path  ->  renamed
//!  shard 2  ->  SnapshotRecords  ->  a large value, part by part /
//! ```
//!
//! Each shard has a sink of its own, which appends to the file when it has 64 KiB. A large value that is
//! saved in slices is appended in parts. Meanwhile it owns the file, and the other sinks keep what they have.
//!
//! A value that is saved in one call, although it is long, is not compressed, because that would take most of
//! the time of the call: some milliseconds for 1 MB. So are strings of more than 64 KiB, and large collections
//! that a write edits before they are saved.
//!
//! Limits: one database, of number 0. A key that is half written keeps the file until it is complete, so that
//! sinks of other shards grow by what writes save in that time.

use crate::error::SaveError;
use crate::save::{RemoveUnlessRenamed, create_beside, sync_folder};
use crate::value::ValueProgress;
use crate::write::{WriteOptions, Writer};
use allocator_api2::vec::Vec;
use keyspace::values::{Element, Encoding};
use keyspace::{Record, SnapshotFailed, SnapshotSink, ValueRef};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zmalloc::Zmalloc;

/// What a sink collects before it appends to the file, in bytes. As much as a [`Writer`] buffers.
const PART: u64 = 64 << 10;

type Block = Vec<u8, Zmalloc>;

/// The file that all sinks append to.
struct Shared {
    /// `None` once the file was ended.
    writer: Option<Writer<File>>,
    /// The sink whose key is half written.
    owner: Option<usize>,
    /// What each sink has to append as soon as no other one owns the file.
    pending: Vec<Block, Zmalloc>,
    /// How many sinks have got their last key.
    finished: usize,
    /// The first error.
    error: Option<SaveError>,
}

impl Shared {
    /// Appends bytes of a sink, or keeps them while another sink owns the file.
    fn take(&mut self, sink: usize, bytes: &[u8]) -> Result<(), SaveError> {
        if self.owner.is_some_and(|owner| owner != sink) {
            let pending = &mut self.pending[sink];
            let size = bytes.len();
            let reserved = pending.try_reserve(size);
            reserved.map_err(|_| keyspace::values::ReserveError::OutOfMemory { size })?;
            let start = pending.len();
            pending.resize(start + size, 0);
            pending[start..].copy_from_slice(bytes);
            return Ok(());
        }
        self.owner = Some(sink);
        self.append_pending(sink)?;
        self.writer.as_mut().map_or(Ok(()), |writer| writer.append(bytes))
    }

    fn append_pending(&mut self, sink: usize) -> Result<(), SaveError> {
        let pending = core::mem::replace(&mut self.pending[sink], Block::new_in(Zmalloc));
        self.writer.as_mut().map_or(Ok(()), |writer| writer.append(&pending))
    }

    /// The sink has no key that is half written.
    fn release(&mut self, sink: usize) {
        self.owner.take_if(|owner| *owner == sink);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that the snapshot of a keyspace, or of all shards, is written to. It is written beside its path;
/// [`finish`](Self::finish) syncs it and renames it. Dropped before, it is removed. In C: the child of
/// `BGSAVE`.
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
/// let file = SnapshotFile::create(&path, &WriteOptions::default(), 0, sharded.allocation_size() as u64)?;
/// let mut sinks = (0..sharded.shard_count()).map(|_| file.sink()).collect::<Result<Vec<_>, _>>()?.into_iter();
/// sharded.begin_snapshot(|_shard| sinks.next().expect("one for each shard"), 0)?;
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
    path: PathBuf,
    beside: RemoveUnlessRenamed,
}

impl SnapshotFile {
    /// A new file beside `path`. `now` is in milliseconds since 1970, and `used_memory` in bytes: both go
    /// into the file's aux fields.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn create(
        path: impl AsRef<Path>,
        options: &WriteOptions,
        now: u64,
        used_memory: u64,
    ) -> Result<Self, SaveError> {
        let path = path.as_ref().to_path_buf();
        let no_file = |error| SaveError::Io { offset: 0, error };
        let (temporary, file) = create_beside(&path).map_err(no_file)?;
        let beside = RemoveUnlessRenamed(Some(temporary));
        let mut writer = Writer::new(file, options)?;
        writer.default_aux(now, used_memory)?;
        writer.select_database(0)?;
        let pending = Vec::new_in(Zmalloc);
        let shared = Shared { writer: Some(writer), owner: None, pending, finished: 0, error: None };
        Ok(Self { shared: Arc::new(Mutex::new(shared)), options: *options, path, beside })
    }

    /// A sink for [`Keyspace::begin_snapshot`](keyspace::Keyspace::begin_snapshot): one for each shard.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn sink(&self) -> Result<SnapshotRecords, SaveError> {
        let mut shared = lock(&self.shared);
        let (sink, size) = (shared.pending.len(), size_of::<Block>());
        let reserved = shared.pending.try_reserve(1);
        reserved.map_err(|_| keyspace::values::ReserveError::OutOfMemory { size })?;
        shared.pending.push(Block::new_in(Zmalloc));
        let part = Part { shared: Arc::clone(&self.shared), sink };
        let writer = Writer::of_keys(part, &self.options);
        Ok(SnapshotRecords { writer, shared: Arc::clone(&self.shared), sink, progress: None, released_at: 0 })
    }

    /// Ends the file when the snapshot has ended: syncs it and renames it. Returns its bytes.
    ///
    /// # Errors
    /// The first error of any sink; [`SaveError::Io`] too if there is no sink, or if a sink has not got all its keys, because the snapshot
    /// still runs, has failed or was abandoned. The old file is then as it was. Only if the folder cannot be synced, which is the last
    /// step, the new file may have its name already.
    pub fn finish(self) -> Result<u64, SaveError> {
        let Self { shared, path, beside, .. } = self;
        let mut shared = lock(&shared);
        if let Some(error) = shared.error.take() {
            return Err(error);
        }
        let failed = |offset| move |error| SaveError::Io { offset, error };
        let sinks = shared.pending.len();
        let writer = shared.writer.as_ref().filter(|_| sinks > 0 && shared.finished == sinks);
        if writer.is_none() {
            let error = io::Error::other("the snapshot has not got to its end");
            return Err(SaveError::Io { offset: 0, error });
        }
        for sink in 0..shared.pending.len() {
            shared.append_pending(sink)?;
        }
        let Some(writer) = shared.writer.take() else { return Ok(0) };
        let offset = writer.offset();
        let file = writer.finish()?;
        file.sync_all().map_err(failed(offset))?;
        let len = file.metadata().map_err(failed(offset))?.len();
        drop(file);
        beside.rename(&path).map_err(failed(offset))?;
        sync_folder(&path).map_err(failed(offset))?;
        Ok(len)
    }
}

/// Where the keys of one keyspace go on their way into a [`SnapshotFile`].
pub struct SnapshotRecords {
    writer: Writer<Part>,
    shared: Arc<Mutex<Shared>>,
    sink: usize,
    /// That of the key that is half written.
    progress: Option<ValueProgress>,
    /// How many bytes there were when the file was last free for other sinks.
    released_at: u64,
}

/// The bytes of a sink that are appended to the file.
struct Part {
    shared: Arc<Mutex<Shared>>,
    sink: usize,
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shared = lock(&self.shared);
        match shared.take(self.sink, bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                shared.error.get_or_insert(error);
                Err(io::ErrorKind::Other.into()) // the file keeps the reason
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SnapshotRecords {
    fn try_save(&mut self, record: &Record<'_>, elements: usize) -> Result<bool, SaveError> {
        let mut progress = match self.progress.take() {
            Some(progress) => progress,
            None => self.writer.begin_record(record)?,
        };
        if !self.writer.write_value(&mut progress, record.value, elements)? {
            self.progress = Some(progress);
            return Ok(false);
        }
        // Less than that is all in the writer's own buffer.
        if self.writer.offset() - self.released_at >= PART {
            self.release()?;
        }
        Ok(true)
    }

    /// Appends all keys to the file, the last of which is complete.
    fn release(&mut self) -> Result<(), SaveError> {
        self.writer.flush()?;
        self.released_at = self.writer.offset();
        lock(&self.shared).release(self.sink);
        Ok(())
    }

    fn kept<T>(&self, result: Result<T, SaveError>) -> Result<T, SnapshotFailed> {
        result.map_err(|error| {
            lock(&self.shared).error.get_or_insert(error);
            SnapshotFailed
        })
    }
}

/// Whether one call would compress for long: a string, which is always saved in one call, or all of a collection
/// that the walk of a snapshot saves in slices.
fn takes_long(value: ValueRef<'_>, elements: usize) -> bool {
    /// The longest string that is compressed, in bytes.
    const COMPRESSED_MAX: usize = 64 << 10;
    /// Of so many blocks, a value is not sliced: as in `keyspace`.
    const BLOCKS_MAX: usize = 64;
    match value {
        ValueRef::String(string) => match string.element() {
            Element::Int(_) => false,
            Element::Bytes(bytes) => bytes.len() > COMPRESSED_MAX,
        },
        _ if elements < usize::MAX => false,
        ValueRef::List(list) => list.node_count() > BLOCKS_MAX,
        ValueRef::Set(set) => set.encoding() == Encoding::HashTable && set.len() > BLOCKS_MAX,
        ValueRef::Hash(hash) => hash.encoding() == Encoding::HashTable && hash.len() > BLOCKS_MAX,
        ValueRef::ZSet(zset) => zset.encoding() == Encoding::SkipList && zset.len() > BLOCKS_MAX,
    }
}

impl SnapshotSink for SnapshotRecords {
    fn save(&mut self, record: &Record<'_>, elements: usize) -> Result<bool, SnapshotFailed> {
        self.writer.set_compresses(!takes_long(record.value, elements));
        let mut saved = self.try_save(record, elements);
        while elements == usize::MAX && matches!(saved, Ok(false)) {
            saved = self.try_save(record, elements);
        }
        self.kept(saved)
    }

    fn finish(&mut self) -> Result<(), SnapshotFailed> {
        let released = self.release();
        self.kept(released)?;
        lock(&self.shared).finished += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{LoadOptions, Loader};
    use keyspace::{Keyspace, Sharded};
    use std::time::Duration;

    /// Small keys and large values, the same each time.
    fn filled() -> Sharded {
        let sharded = Sharded::new(4);
        for n in 0..3_000 {
            let key = format!("key:{n}");
            sharded.write(&key, |keyspace, key| keyspace.set(key, &vec![b'x'; n % 99][..], 0)).unwrap();
        }
        for n in 0..4_000 {
            let key = format!("set:{}", n % 8);
            let member = format!("member {n} {}", "x".repeat(200));
            sharded.write(&key, |keyspace, key| keyspace.sadd(key, member.as_bytes(), 0)).unwrap();
        }
        sharded
    }

    fn step(sharded: &Sharded) -> bool {
        sharded.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete
    }

    fn begun(path: &Path, sharded: &Sharded) -> SnapshotFile {
        let file = SnapshotFile::create(path, &WriteOptions::default(), 0, 0).unwrap();
        sharded.begin_snapshot(|_| file.sink().unwrap(), 0).unwrap();
        file
    }

    #[test]
    fn the_file_of_all_shards_has_the_state_of_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let (path, sharded) = (folder.path().join("dump.rdb"), filled());
        let file = begun(&path, &sharded);
        for n in 0.. {
            // Edits of large values in one shard, while one of another shard is half written.
            let (key, set) = (format!("key:{}", n * 7 % 3_000), format!("set:{}", n % 8));
            sharded.write(&key, |keyspace, key| keyspace.remove(key, 0));
            if n % 50 == 49 {
                sharded.write(&set, |keyspace, key| keyspace.sadd(key, "new", 0)).unwrap();
            }
            if step(&sharded) {
                break;
            }
        }
        let len = file.finish().unwrap();
        assert_eq!(len, std::fs::metadata(&path).unwrap().len());
        let mut loaded = Keyspace::new();
        let mut loader = Loader::open(&path, LoadOptions::default()).unwrap();
        assert_eq!(loader.load(&mut loaded, 0).unwrap().keys, 3_008);
        let same = filled();
        for (key, value) in loaded.iter(0) {
            let is_same =
                same.read(key, |keyspace, key| format!("{:?}", sorted(keyspace.get(key, 0).unwrap())));
            assert_eq!(format!("{:?}", sorted(value)), is_same);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn sorted(value: keyspace::ValueRef<'_>) -> std::vec::Vec<std::vec::Vec<u8>> {
        let mut all = match value {
            keyspace::ValueRef::String(text) => vec![text.text().to_vec()],
            keyspace::ValueRef::Set(set) => set.iter().map(|member| member.text().to_vec()).collect(),
            _ => panic!("strings and sets only"),
        };
        all.sort();
        all
    }

    /// The bytes of the file of a snapshot with one string of letters that LZF makes short.
    fn file_len(string: usize) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut keyspace) = (folder.path().join("dump.rdb"), Keyspace::new());
        keyspace.set("key", &vec![b'x'; string], 0).unwrap();
        let file = SnapshotFile::create(&path, &WriteOptions::default(), 0, 0).unwrap();
        keyspace.begin_snapshot(file.sink().unwrap(), 0).unwrap();
        while !keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
        file.finish().unwrap()
    }

    #[test]
    fn strings_are_compressed_unless_they_are_long() {
        assert!(file_len(64 << 10) < 10_000);
        assert!(file_len((64 << 10) + 1) > 64 << 10);
    }

    /// The bytes of the file of a snapshot of a hash, all of which is saved by a write if that is asked for.
    fn file_len_of_hash(is_written: bool) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut keyspace) = (folder.path().join("dump.rdb"), Keyspace::new());
        for n in 0..1_000_i64 {
            keyspace.hset("hash", n, &[b'x'; 200], 0).unwrap();
        }
        let file = SnapshotFile::create(&path, &WriteOptions::default(), 0, 0).unwrap();
        keyspace.begin_snapshot(file.sink().unwrap(), 0).unwrap();
        if is_written {
            keyspace.hset("hash", "new", "value", 0).unwrap();
        }
        while !keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
        let len = file.finish().unwrap();
        let mut loaded = Keyspace::new();
        Loader::open(&path, LoadOptions::default()).unwrap().load(&mut loaded, 0).unwrap();
        assert_eq!(loaded.get_as::<keyspace::values::Hash>("hash", 0).unwrap().unwrap().len(), 1_000);
        len
    }

    #[test]
    fn a_large_collection_is_compressed_unless_a_write_has_saved_it() {
        assert!(file_len_of_hash(false) < 50_000);
        assert!(file_len_of_hash(true) > 200_000);
    }

    #[test]
    fn a_file_without_sinks_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dump.rdb");
        std::fs::write(&path, "old").unwrap();
        let file = SnapshotFile::create(&path, &WriteOptions::default(), 0, 0).unwrap();
        assert!(matches!(file.finish(), Err(SaveError::Io { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_snapshot_that_has_not_ended_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, sharded) = (folder.path().join("dump.rdb"), filled());
        std::fs::write(&path, "old").unwrap();
        let file = begun(&path, &sharded);
        step(&sharded);
        sharded.abandon_snapshot();
        while !step(&sharded) {}
        assert!(matches!(file.finish(), Err(SaveError::Io { .. })));
        drop(begun(&path, &sharded));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
