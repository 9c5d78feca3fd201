//! [`AppendOnly`]: the file of all commands that have changed keys, in the format of Redis 7.
//!
//! A command is first appended to a [`CommandBuffer`]. The buffer is written to the last file of the [`Manifest`]
//! before the replies of the turn are sent, so a client that has a reply finds its change after a crash of the
//! process, with one exception below. `appendfsync` decides when the change also survives a crash of the machine. By
//! `everysec`, a thread syncs the file. While it does, a write to the file could wait for it, so the write is
//! postponed for up to two seconds, and the replies are sent. This is the exception, and Redis has it too.
//!
//! A *rewrite* makes the file short again:
//!
//! ```text
//!  begin    a new incremental file is opened, and a snapshot of all keys is begun
//!  work     commands go to the new file, while turns of the loop write the snapshot
//!  end      the manifest has the snapshot as its base, and the files before it are removed
//! ```
//!
//! The module `rewrite` decides when this happens, and `commands::replay` loads the files.

mod background;
mod buffer;
mod manifest;

pub(crate) use buffer::CommandBuffer;
pub(crate) use manifest::{FileInfo, Manifest};

use crate::config::{Appendfsync, Config};
use crate::log::warning;
use crate::replace_file::sync_folder;
use background::Background;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the file is synced by `everysec`, and how often a write is tried again after an error.
const SECOND: Duration = Duration::from_secs(1);

/// How long a write waits for a sync by `everysec` that has not ended.
const POSTPONE_MAX: Duration = Duration::from_secs(2);

/// The append-only file.
#[derive(Default)]
pub(crate) struct AppendOnly {
    /// The commands that are not yet written.
    pub(crate) buffer: CommandBuffer,
    /// The file that is written, or `None` while commands are not appended.
    file: Option<Arc<File>>,
    /// Where the files are, and the first part of their names. They are set with the manifest.
    folder: PathBuf,
    prefix: String,
    /// The files, or `None` before they are first needed.
    manifest: Option<Manifest>,
    /// The highest number of an incremental file so far. The process does not use a number again, because its file
    /// may be waiting to be removed.
    incr_seq: u64,
    /// The file that is written, while the manifest does not have it because the first rewrite has not ended.
    unlisted: Option<FileInfo>,
    /// How many incremental files the rewrite that runs replaces.
    replaced: usize,
    /// Whether appending begins with the next rewrite. In C: `AOF_WAIT_REWRITE`.
    pub(crate) is_waiting: bool,
    /// Whether a rewrite begins as soon as possible.
    pub(crate) is_scheduled: bool,
    /// Whether files are loaded.
    pub(crate) is_loading: bool,
    /// How many rewrites have failed since the last one that was completed.
    pub(crate) failures: u32,
    /// When the last rewrite has failed.
    pub(crate) failed_at: Option<Instant>,
    /// How long the last rewrite took, in seconds.
    pub(crate) last_secs: Option<u64>,
    /// The number of rewrites that were begun.
    pub(crate) rewrites: u64,
    /// The bytes of all files, and what they were after the last rewrite.
    pub(crate) current_size: u64,
    /// See `current_size`.
    pub(crate) base_size: u64,
    /// Why the last write has failed, and when.
    write_error: Option<(String, Instant)>,
    /// Why a sync has failed under [`Appendfsync::Always`]. The system reports this once, so a later sync that
    /// succeeds says nothing about these bytes.
    sync_error: Option<String>,
    /// Whether the file could not be written or synced when this was last tried.
    pub(crate) is_failing: bool,
    /// Whether bytes were written and not synced, and when a sync last began.
    is_unsynced: bool,
    /// See `is_unsynced`.
    synced_at: Option<Instant>,
    /// Since when a write waits for a sync.
    postponed_since: Option<Instant>,
    /// How often a write has not waited for a sync any longer.
    pub(crate) delayed_fsync: u64,
    background: Background,
}

impl AppendOnly {
    /// Returns whether commands are appended.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.file.is_some()
    }

    /// Returns the bytes of memory that the buffer takes.
    pub(crate) fn buffer_size(&self) -> usize {
        self.buffer.capacity()
    }

    /// Returns the bytes that are not yet written.
    pub(crate) fn buffer_len(&self) -> usize {
        self.buffer.bytes().len()
    }

    /// Returns the number of syncs that have not ended.
    pub(crate) fn pending_fsync(&self) -> usize {
        self.background.syncs()
    }

    /// Returns why writes are refused, if [`is_failing`](Self::is_failing). In C: `aof_last_write_status`,
    /// `aof_bio_fsync_status`.
    pub(crate) fn write_error(&self) -> Option<&str> {
        match &self.write_error {
            Some((error, _)) => Some(error),
            None => self.is_failing.then_some("the file could not be synced"),
        }
    }

    /// Reads the manifest, unless this has been done, and returns it. Creates the folder. Removes the files that
    /// Redis has replaced and left.
    pub(crate) fn open(&mut self, config: &Config) -> io::Result<&Manifest> {
        let folder = config.dir.join(&config.appenddirname);
        // While files are written, `dir` cannot change.
        let has_moved = self.folder != folder && !self.is_on();
        if self.manifest.is_none() || has_moved {
            self.folder = folder;
            self.prefix.clone_from(&config.appendfilename);
            if !self.folder.is_dir() {
                std::fs::create_dir_all(&self.folder)?;
                sync_folder(&config.dir)?;
            }
            let mut manifest = Manifest::read(&self.folder, &self.prefix)?;
            if !manifest.history.is_empty() {
                let history = std::mem::take(&mut manifest.history);
                manifest.write(&self.folder, &self.prefix)?;
                history.iter().for_each(|info| self.background.remove(self.folder.join(&info.name)));
            }
            self.incr_seq = manifest.incrs.last().map_or(0, |last| last.seq);
            self.manifest = Some(manifest);
        }
        Ok(self.manifest.get_or_insert_default())
    }

    /// Returns the path of a file of the manifest.
    pub(crate) fn path_of(&self, info: &FileInfo) -> PathBuf {
        self.folder.join(&info.name)
    }

    /// Takes the single file of a Redis before 7.0 as the base. In C: `aofUpgradePrepare`.
    pub(crate) fn adopt(&mut self, old: &Path) -> io::Result<()> {
        let info = FileInfo { name: self.prefix.clone(), seq: 1 };
        let manifest = Manifest { base: Some(info.clone()), ..Manifest::default() };
        // Until the file is renamed, the manifest names a file that is missing, so a start after a crash renames it.
        manifest.write(&self.folder, &self.prefix)?;
        std::fs::rename(old, self.path_of(&info))?;
        self.manifest = Some(manifest);
        Ok(())
    }

    /// Stops appending while files are loaded. Returns what [`resume`](Self::resume) needs.
    pub(crate) fn pause(&mut self) -> Option<Arc<File>> {
        self.is_loading = true;
        self.file.take()
    }

    /// Appends again.
    pub(crate) fn resume(&mut self, file: Option<Arc<File>>) {
        self.is_loading = false;
        self.file = file;
        self.buffer.begin_file();
        self.buffer.take_instead();
    }

    /// Returns the file that the next base will be.
    pub(crate) fn next_base(&self) -> FileInfo {
        let base = self.manifest.as_ref().and_then(|manifest| manifest.base.as_ref());
        let seq = base.map_or(0, |base| base.seq) + 1;
        FileInfo { name: format!("{}.{seq}.base.rdb", self.prefix), seq }
    }

    fn next_incr(&mut self) -> FileInfo {
        self.incr_seq += 1;
        FileInfo { name: format!("{}.{}.incr.aof", self.prefix, self.incr_seq), seq: self.incr_seq }
    }

    /// Begins to append to the last file of the manifest, after the files were loaded. `base` is a new base, if
    /// there was none. In C: `aofOpenIfNeededOnServerStart`.
    pub(crate) fn start(&mut self, base: Option<FileInfo>) -> io::Result<()> {
        let mut manifest = self.manifest.clone().unwrap_or_default();
        let is_new = base.is_some() || manifest.incrs.is_empty();
        manifest.base = base.or(manifest.base);
        let file = match manifest.incrs.last() {
            Some(last) => open_to_append(&self.path_of(last))?,
            None => {
                let incr = self.next_incr();
                let file = create_incr(&self.path_of(&incr))?;
                manifest.incrs.push(incr);
                file
            }
        };
        if is_new {
            manifest.write(&self.folder, &self.prefix)?;
        }
        self.current_size = self.size_of(&manifest);
        // What was appended before the start counts as growth, so that it is rewritten one day.
        let base = manifest.base.as_ref().map(|base| self.path_of(base));
        self.base_size = base.and_then(|base| base.metadata().ok()).map_or(0, |metadata| metadata.len());
        self.manifest = Some(manifest);
        self.use_file(file);
        Ok(())
    }

    fn use_file(&mut self, file: File) {
        let old = self.file.replace(Arc::new(file));
        self.buffer.begin_file();
        (self.is_unsynced, self.postponed_since) = (false, None);
        if let Some(old) = old {
            self.background.close(old);
        }
    }

    /// Opens the file that commands go to while a rewrite runs, if they are appended or will be. In C:
    /// `openNewIncrAofForAppend`.
    pub(crate) fn begin_rewrite(&mut self) -> io::Result<()> {
        let manifest = self.manifest.get_or_insert_default();
        self.replaced = manifest.incrs.len();
        if let Some(info) = self.unlisted.take() {
            self.background.remove(self.folder.join(&info.name));
        }
        if !self.is_on() && !self.is_waiting {
            return Ok(());
        }
        // A rewrite that fails again and again does not leave a file each time.
        let last = self.manifest.as_ref().and_then(|manifest| manifest.incrs.last());
        let last = last.map(|last| self.path_of(last));
        let is_empty = |path: PathBuf| path.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if self.failures > 0 && !self.is_waiting && last.is_some_and(is_empty) {
            self.replaced -= 1;
            return Ok(());
        }
        let incr = self.next_incr();
        let file = create_incr(&self.path_of(&incr))?;
        if self.is_waiting {
            // The files of the manifest do not have what was written while nothing was appended. This file
            // joins them when they are replaced.
            self.unlisted = Some(incr);
        } else if let Some(manifest) = &mut self.manifest {
            let mut longer = manifest.clone();
            longer.incrs.push(incr);
            longer.write(&self.folder, &self.prefix)?;
            *manifest = longer;
        }
        self.use_file(file);
        Ok(())
    }

    /// Replaces the files that a rewrite has made superfluous. In C: `backgroundRewriteDoneHandler`.
    pub(crate) fn end_rewrite(&mut self, base: FileInfo) -> io::Result<()> {
        let old = self.manifest.clone().unwrap_or_default();
        let incrs = old.incrs.iter().skip(self.replaced).chain(&self.unlisted).cloned().collect();
        let mut new = Manifest { base: Some(base), incrs, history: Vec::new() };
        new.history =
            old.files().filter(|info| !new.files().any(|kept| kept.name == info.name)).cloned().collect();
        // The list keeps their names until it is written again. After a crash, the next start removes them.
        new.write(&self.folder, &self.prefix)?;
        for info in std::mem::take(&mut new.history) {
            self.background.remove(self.folder.join(&info.name));
        }
        self.current_size = self.size_of(&new);
        self.base_size = self.current_size;
        self.manifest = Some(new);
        (self.unlisted, self.is_waiting) = (None, false);
        Ok(())
    }

    /// Returns the bytes of all files of the manifest.
    fn size_of(&self, manifest: &Manifest) -> u64 {
        manifest.files().map(|info| self.path_of(info).metadata().map_or(0, |metadata| metadata.len())).sum()
    }

    /// Stops appending after the first rewrite has failed, and removes its file.
    pub(crate) fn drop_unlisted(&mut self) {
        if let Some(info) = self.unlisted.take() {
            self.background.remove(self.folder.join(&info.name));
            self.close();
        }
    }

    /// Writes and syncs everything, and stops appending. In C: `stopAppendOnly`.
    pub(crate) fn stop(&mut self, policy: Appendfsync) {
        if let Err(error) = self.finish(policy) {
            warning!("Error writing to the AOF file: {error}");
        }
        self.drop_unlisted();
        self.close();
        (self.is_waiting, self.is_scheduled) = (false, false);
    }

    fn close(&mut self) {
        self.file = None;
        self.buffer = CommandBuffer::default();
        (self.write_error, self.sync_error, self.is_failing) = (None, None, false);
        self.background.forget_failure();
    }

    /// Writes and syncs everything.
    pub(crate) fn finish(&mut self, policy: Appendfsync) -> io::Result<()> {
        self.flush(policy, true)?;
        if let Some((error, _)) = &self.write_error {
            return Err(io::Error::other(error.clone()));
        }
        if let Some(file) = &self.file {
            file.sync_data()?;
        }
        self.is_unsynced = false;
        Ok(())
    }

    /// Writes the buffer, and syncs the file if it is time. `is_forced` is whether a write does not wait for a
    /// sync. In C: `flushAppendOnlyFile`.
    ///
    /// # Errors
    /// Only under [`Appendfsync::Always`]: the replies must not be sent. Other errors are kept for
    /// [`write_error`](Self::write_error), and the write is tried again.
    pub(crate) fn flush(&mut self, policy: Appendfsync, is_forced: bool) -> io::Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        if let (Appendfsync::Always, Some(error)) = (policy, &self.sync_error) {
            return Err(io::Error::other(error.clone()));
        }
        let len = self.buffer.bytes().len();
        if len > 0 && (is_forced || !self.waits(policy)) {
            self.postponed_since = None;
            let mut written = 0;
            let result = write_all(&file, self.buffer.bytes(), &mut written);
            // A part of a command must not stay in the file. If it has to, the rest follows it later.
            if result.is_err() && written > 0 && cut_off(&file, written).is_ok() {
                written = 0;
            }
            self.current_size += written as u64;
            self.is_unsynced |= written > 0;
            self.buffer.remove_front(written);
            match result {
                Ok(()) => {
                    if self.write_error.take().is_some() {
                        warning!("AOF write error looks solved. The server can write again.");
                    }
                }
                Err(error) if policy == Appendfsync::Always => return Err(error),
                Err(error) => {
                    if self.write_error.is_none() {
                        warning!("Error writing to the AOF file: {error}");
                    }
                    self.write_error = Some((error.to_string(), Instant::now()));
                }
            }
        }
        // A sync that has failed is tried again.
        self.is_unsynced |= self.background.has_failed();
        self.is_failing = self.write_error.is_some() || self.background.has_failed();
        self.sync(policy, &file)
    }

    /// Returns whether a write has to wait: for a sync, which may hold it up, or because the last one has just
    /// failed.
    fn waits(&mut self, policy: Appendfsync) -> bool {
        if policy == Appendfsync::Always {
            return false;
        }
        if let Some((_, at)) = &self.write_error {
            return at.elapsed() < SECOND;
        }
        if policy != Appendfsync::Everysec || self.background.syncs() == 0 {
            return false;
        }
        if self.postponed_since.get_or_insert_with(Instant::now).elapsed() < POSTPONE_MAX {
            return true;
        }
        self.delayed_fsync += 1;
        false
    }

    fn sync(&mut self, policy: Appendfsync, file: &Arc<File>) -> io::Result<()> {
        match policy {
            Appendfsync::Always if self.is_unsynced => {
                file.sync_data().inspect_err(|error| self.sync_error = Some(error.to_string()))?;
                self.is_unsynced = false;
            }
            Appendfsync::Everysec if self.is_unsynced => {
                let is_due = self.synced_at.is_none_or(|at| at.elapsed() >= SECOND);
                if is_due && self.background.syncs() == 0 {
                    self.background.sync(file.clone());
                    (self.is_unsynced, self.synced_at) = (false, Some(Instant::now()));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Removes the last bytes of a file.
fn cut_off(file: &File, bytes: usize) -> io::Result<()> {
    let len = file.metadata()?.len();
    file.set_len(len.saturating_sub(bytes as u64))
}

fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Opens a new incremental file. A crash may have left a file of this name, so it is emptied.
fn create_incr(path: &Path) -> io::Result<File> {
    let file = open_to_append(path)?;
    if file.metadata()?.len() > 0 {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Writes all bytes, and counts those that were written.
fn write_all(mut file: &File, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < bytes.len() {
        match file.write(&bytes[*written..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => *written += len,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
