//! Whole files: [`save`] to any writer, and [`save_to_path`] so that a crash leaves the old file or the new
//! one.

use crate::error::SaveError;
use crate::write::{WriteOptions, Writer};
use core::hash::BuildHasher;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;
use keyspace::Keyspace;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a keyspace as a file with one database. `now` is in milliseconds since 1970; keys that have expired
/// then are left out. The keyspace is borrowed for as long as it takes. Returns the writer. In C: `SAVE`.
///
/// # Errors
/// [`SaveError`].
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

/// Writes a file beside `path`, syncs it, and renames it to `path`. `fill` writes everything between header
/// and checksum. When it returns, the file is complete on the disk. If anything fails, the old file is as it was. Only if the folder cannot be synced, which
/// is the last step, the new file may have its name already. In C: `rdbSave`.
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
/// [`SaveError`]; what `fill` returns.
pub fn save_to_path<T, E: From<SaveError>>(
    path: impl AsRef<Path>,
    options: &WriteOptions,
    fill: impl FnOnce(&mut Writer<File>) -> Result<T, E>,
) -> Result<T, E> {
    let path = path.as_ref();
    let no_file = |error| SaveError::Io { offset: 0, error };
    let (temporary, file) = create_beside(path).map_err(no_file)?;
    let remove = RemoveUnlessRenamed(Some(temporary));
    let mut writer = Writer::new(file, options)?;
    let filled = fill(&mut writer)?;
    let len = writer.offset();
    let file = writer.finish()?;
    let failed = |error| SaveError::Io { offset: len, error };
    file.sync_all().map_err(failed)?;
    drop(file);
    remove.rename(path).map_err(failed)?;
    sync_folder(path).map_err(failed)?;
    Ok(filled)
}

/// A file that is removed when something fails.
pub(crate) struct RemoveUnlessRenamed(pub(crate) Option<PathBuf>);

impl RemoveUnlessRenamed {
    pub(crate) fn rename(mut self, path: &Path) -> io::Result<()> {
        let Some(temporary) = &self.0 else { return Ok(()) };
        fs::rename(temporary, path)?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for RemoveUnlessRenamed {
    fn drop(&mut self) {
        if let Some(temporary) = &self.0 {
            let _ = fs::remove_file(temporary); // there is nobody to tell
        }
    }
}

/// A new file in the same folder, with the number of the process in its name, and another number that no file
/// of this process has. So a file of that name was left by an earlier process, and is written over.
pub(crate) fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let number = FILES.fetch_add(1, Relaxed);
    let mut beside = name.to_os_string();
    beside.push(format!(".{}-{number}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    let file = File::create(&beside)?;
    Ok((beside, file))
}

/// Has the disk keep the new name in the folder.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Folders cannot be synced on other platforms.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
