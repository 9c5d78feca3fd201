//! Functions that write whole files: [`save`] writes to any writer. [`save_to_path`] replaces a file, so that
//! a crash leaves either the old one or the new one.

use crate::atomic_file::AtomicFile;
use crate::error::SaveError;
use crate::write::{WriteOptions, Writer};
use core::hash::BuildHasher;
use keyspace::Keyspace;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes a keyspace as a file with one database, and returns the writer. Keys that have expired at `now`, in
/// milliseconds since 1970, are left out. The keyspace is borrowed until the file is written. In C: `SAVE`.
///
/// # Errors
/// [`SaveError::Io`], and [`SaveError::Memory`].
pub fn save<S: BuildHasher, W: Write>(
    keyspace: &Keyspace<S>,
    write: W,
    options: &WriteOptions,
    now: u64,
) -> Result<W, SaveError> {
    let mut writer = Writer::new(write, options)?;
    writer.default_aux(now, keyspace.allocation_size() as u64)?;
    writer.write_keyspace(0, keyspace, now)?;
    writer.finish()
}

/// Writes a file beside `path`, syncs it, and renames it to `path`. `fill` writes everything between the
/// header and the checksum. When this function returns, the file is complete on the disk. In C: `rdbSave`.
///
/// ```
/// use rdb::keyspace::Keyspace;
/// use rdb::{WriteOptions, save_to_path};
/// let mut keyspace = Keyspace::new();
/// keyspace.set("key", "value", 0)?;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("dump.rdb");
/// save_to_path(&path, &WriteOptions::default(), |writer| writer.write_keyspace(0, &keyspace, 0))?;
/// assert!(std::fs::read(&path)?.starts_with(b"REDIS0011"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SaveError`], and the errors that `fill` returns. The old file is then unchanged, and the new one is
/// removed. There is one exception: if the folder cannot be synced, the new file may already have replaced
/// the old one.
pub fn save_to_path<T, E: From<SaveError>>(
    path: impl AsRef<Path>,
    options: &WriteOptions,
    fill: impl FnOnce(&mut Writer<File>) -> Result<T, E>,
) -> Result<T, E> {
    let (atomic_file, file) = AtomicFile::create(path.as_ref())?;
    let mut writer = Writer::new(file, options)?;
    let filled = fill(&mut writer)?;
    atomic_file.finish(writer)?;
    Ok(filled)
}
