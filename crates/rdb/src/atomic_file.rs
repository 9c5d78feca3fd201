//! [`AtomicFile`]: a file that is written under a temporary name, and gets its own name when it is complete.
//!
//! The file is written, synced and renamed, and then its folder is synced. So after a crash at any moment,
//! the path holds either the old file or the new one.
//!
//! Limits: a process that is killed leaves the file under its temporary name.

use crate::error::SaveError;
use crate::write::Writer;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The path of a file, and its temporary path. If this value is dropped before [`finish`](Self::finish) has
/// succeeded, the temporary file is removed.
pub(crate) struct AtomicFile {
    path: PathBuf,
    /// `None` once the file has its own name.
    temporary: Option<PathBuf>,
}

impl AtomicFile {
    /// Creates a temporary file in the folder of `path`. Its name contains the id of the process and a number
    /// that is unique in the process. A file that already has this name is overwritten, because an earlier
    /// process with the same id left it there. This assumes that no other machine and no other container
    /// writes to the folder.
    pub(crate) fn create(path: &Path) -> Result<(Self, File), SaveError> {
        static FILES: AtomicU64 = AtomicU64::new(0);
        let failed = |error| SaveError::Io { offset: 0, error };
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let mut temporary = name.to_os_string();
        temporary.push(format!(".{}-{}.tmp", std::process::id(), FILES.fetch_add(1, Relaxed)));
        let temporary = path.with_file_name(temporary);
        let file = File::create(&temporary).map_err(failed)?;
        Ok((Self { path: path.to_path_buf(), temporary: Some(temporary) }, file))
    }

    /// Writes the rest of the file and gives it its own name. Returns the length of the file in bytes. The
    /// file is then complete on the disk.
    pub(crate) fn finish(mut self, writer: Writer<File>) -> Result<u64, SaveError> {
        let offset = writer.offset();
        let file = writer.finish()?;
        self.sync_and_rename(file).map_err(|error| SaveError::Io { offset, error })
    }

    /// Syncs and renames the file. Returns its length in bytes.
    fn sync_and_rename(&mut self, file: File) -> io::Result<u64> {
        file.sync_all()?;
        let len = file.metadata()?.len();
        drop(file);
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path)?;
            self.temporary = None;
        }
        sync_folder(&self.path)?;
        Ok(len)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary); // a destructor cannot report an error
        }
    }
}

/// Syncs the folder of a file, so that the new name of the file survives a crash.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Does nothing: folders cannot be synced on other platforms.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
