//! [`Background`]: a thread that syncs files and one that removes them, so that a slow disk does not stop the loop.
//!
//! A large file is removed slowly. With a thread of its own, this does not delay a sync.

use crate::log::warning;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// A thread that syncs files and one that removes them. In C: `bio.c`.
#[derive(Default)]
pub(crate) struct Background {
    syncing: Worker,
    removing: Worker,
    shared: Arc<Shared>,
}

/// A thread that starts with its first job. When the value is dropped, the thread does what is left to do, and ends.
#[derive(Default)]
struct Worker(Option<(Sender<Job>, JoinHandle<()>)>);

/// What the loop and the threads share.
#[derive(Default)]
struct Shared {
    /// The number of files that are still to be synced.
    syncs: AtomicUsize,
    /// Whether the last sync has failed.
    has_failed: AtomicBool,
}

/// What a thread is to do.
enum Job {
    Sync(Arc<File>),
    /// Like `Sync`, for a file that is not written any more. No write waits for it.
    Close(Arc<File>),
    Remove(PathBuf),
}

impl Background {
    /// Syncs a file later. In C: `bioCreateFsyncJob`.
    pub(crate) fn sync(&mut self, file: Arc<File>) {
        self.shared.syncs.fetch_add(1, Ordering::AcqRel);
        self.syncing.push(Job::Sync(file), &self.shared);
    }

    /// Syncs and closes a file later. In C: `bioCreateCloseAofJob`.
    pub(crate) fn close(&mut self, file: Arc<File>) {
        self.syncing.push(Job::Close(file), &self.shared);
    }

    /// Removes a file later. In C: `bg_unlink`.
    pub(crate) fn remove(&mut self, path: PathBuf) {
        self.removing.push(Job::Remove(path), &self.shared);
    }

    /// Returns the number of files that are still to be synced.
    pub(crate) fn syncs(&self) -> usize {
        self.shared.syncs.load(Ordering::Acquire)
    }

    /// Returns whether the last sync has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.has_failed.load(Ordering::Acquire)
    }

    /// Forgets that the last sync has failed.
    pub(crate) fn forget_failure(&self) {
        self.shared.has_failed.store(false, Ordering::Release);
    }
}

impl Worker {
    fn push(&mut self, job: Job, shared: &Arc<Shared>) {
        if self.0.is_none() {
            self.0 = start(shared.clone()).ok();
        }
        // Without a thread, the loop does the work itself.
        let left = match &self.0 {
            Some((sender, _)) => sender.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        left.into_iter().for_each(|job| run(job, shared));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.0.take() {
            drop(sender);
            let _panicked = thread.join();
        }
    }
}

fn start(shared: Arc<Shared>) -> io::Result<(Sender<Job>, JoinHandle<()>)> {
    let (sender, receiver) = channel();
    let work = move || receiver.iter().for_each(|job| run(job, &shared));
    let thread = std::thread::Builder::new().name("append-only".into()).spawn(work)?;
    Ok((sender, thread))
}

fn run(job: Job, shared: &Shared) {
    let sync = |file: &File| {
        file.sync_data().inspect_err(|error| warning!("Fail to fsync the AOF file: {error}")).is_ok()
    };
    match job {
        Job::Sync(file) => {
            shared.has_failed.store(!sync(&file), Ordering::Release);
            shared.syncs.fetch_sub(1, Ordering::AcqRel);
        }
        Job::Close(file) => {
            // Success says nothing about the file that is written now.
            if !sync(&file) {
                shared.has_failed.store(true, Ordering::Release);
            }
        }
        Job::Remove(path) => {
            let removed = std::fs::remove_file(&path);
            // The history of a list names files that may have been removed before.
            if let Err(error) = removed.or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }) {
                warning!("The file {} cannot be removed: {error}", path.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_done_when_the_value_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut background = Background::default();
        background.sync(Arc::new(File::create(&path).unwrap()));
        background.remove(path.clone());
        let shared = background.shared.clone();
        drop(background);
        assert!(!path.exists());
        assert_eq!(shared.syncs.load(Ordering::Acquire), 0);
        assert!(!shared.has_failed.load(Ordering::Acquire));
    }
}
