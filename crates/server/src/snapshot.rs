//! [`Snapshots`]: saving all databases to a file while clients are served, and loading it at the start.
//!
//! `BGSAVE` fixes the state of the moment, which takes constant time. The loop then writes a slice of the
//! file in each turn. There is no second process. The file is written beside its path and renamed when it is
//! complete, so a crash leaves the last whole file.
//!
//! The end of the file waits for the disk, which may take seconds. A thread of its own does that, and clients are
//! served meanwhile. The snapshot is running until the thread has ended.

use crate::database::Database;
use keyspace::{DefaultHashBuilder, Keyspace};
use rdb::{Databases, LoadOptions, LoadStats, Loader, SaveError, SnapshotFile, WriteOptions};
use std::io;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The pause between two looks at whether the disk has the file.
const SYNC_PAUSE: Duration = Duration::from_millis(1);

/// The snapshot that is being written, and the result of the last one.
#[derive(Default)]
pub(crate) struct Snapshots {
    running: Option<Running>,
    /// When the last snapshot was complete, in seconds since 1970.
    pub(crate) last_save: u64,
    /// Whether the last snapshot could not be written.
    pub(crate) last_failed: bool,
    /// How long the last snapshot took, in seconds.
    pub(crate) last_secs: Option<u64>,
    /// The number of snapshots that are complete.
    pub(crate) saves: u64,
    /// When a snapshot was last begun, in seconds since 1970.
    pub(crate) last_try: u64,
    /// The number of background snapshots that were begun, for either purpose.
    pub(crate) begun: u64,
    /// Whether `BGSAVE SCHEDULE` waits for a rewrite to end.
    pub(crate) is_scheduled: bool,
    /// How many keys the file had that was loaded at the start, and how many of them had expired.
    pub(crate) loaded: (u64, u64),
}

/// What a background snapshot is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is the file of `dbfilename`.
    Save,
    /// It is the base of the append-only file.
    Rewrite,
}

struct Running {
    purpose: Purpose,
    stage: Stage,
    since: Instant,
    /// The changes that were not yet in the file when it was begun.
    dirty: u64,
    /// The places of the keyspaces, in the order in which they are saved. `SWAPDB` changes places.
    order: Vec<usize>,
    /// The number of keyspaces that are complete.
    complete: usize,
}

/// What a snapshot is about to do.
enum Stage {
    /// The loop writes keys to the file.
    Writing(SnapshotFile),
    /// A thread waits until the disk has the file, and gives it its name.
    Syncing(JoinHandle<Result<u64, SaveError>>),
}

impl Running {
    /// Works on the snapshot for about `budget`. Returns whether its stage is complete.
    fn finish_stage(&mut self, dbs: &mut [Database], budget: Duration) -> bool {
        if let Stage::Syncing(thread) = &self.stage {
            return thread.is_finished();
        }
        let start = Instant::now();
        while let Some(db) = self.order.get(self.complete).and_then(|place| dbs.get_mut(*place)) {
            let left = budget.saturating_sub(start.elapsed());
            if left.is_zero() || !db.keys.snapshot_for(left, || start.elapsed()).is_complete {
                return false;
            }
            self.complete += 1;
        }
        true
    }
}

/// How a snapshot has ended.
pub(crate) struct Ended {
    /// What it was written for.
    pub(crate) purpose: Purpose,
    /// Its changes no longer count as unsaved.
    pub(crate) dirty: u64,
    /// How long it took, in seconds.
    pub(crate) secs: u64,
    /// Its length in bytes, or the reason why there is no file.
    pub(crate) result: Result<u64, SaveError>,
}

impl Snapshots {
    /// Returns whether a snapshot is being written.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Returns whether a snapshot is being written for this purpose.
    pub(crate) fn is_running_for(&self, purpose: Purpose) -> bool {
        self.running.as_ref().is_some_and(|running| running.purpose == purpose)
    }

    /// Returns how long the loop may wait before it works on the snapshot.
    pub(crate) fn wait(&self) -> Duration {
        match self.running.as_ref().map(|running| &running.stage) {
            None => Duration::MAX,
            Some(Stage::Writing(_)) => Duration::ZERO,
            Some(Stage::Syncing(_)) => SYNC_PAUSE,
        }
    }

    /// Returns for how many seconds the snapshot has been written for this purpose.
    pub(crate) fn running_secs(&self, purpose: Purpose) -> Option<u64> {
        let running = self.running.as_ref().filter(|running| running.purpose == purpose)?;
        Some(running.since.elapsed().as_secs())
    }

    /// Begins a snapshot of all databases. O(databases). In C: `rdbSaveBackground`,
    /// `rewriteAppendOnlyFileBackground`.
    pub(crate) fn begin(
        &mut self,
        purpose: Purpose,
        dbs: &mut [Database],
        path: &Path,
        options: &WriteOptions,
        now: u64,
        dirty: u64,
    ) -> Result<(), SaveError> {
        if purpose == Purpose::Save {
            self.last_try = now / 1_000;
        }
        let used_memory = zmalloc::used_memory() as u64;
        let begun = SnapshotFile::create(path, options, now, used_memory).and_then(|mut file| {
            for (number, db) in dbs.iter_mut().enumerate() {
                file.begin(number as u64, &mut db.keys, now)?;
            }
            Ok(file)
        });
        match begun {
            Ok(file) => {
                let order = (0..dbs.len()).collect();
                let stage = Stage::Writing(file);
                self.running =
                    Some(Running { purpose, stage, since: Instant::now(), dirty, order, complete: 0 });
                self.begun += 1;
                Ok(())
            }
            Err(error) => {
                self.abandon(dbs);
                self.last_failed |= purpose == Purpose::Save;
                Err(error)
            }
        }
    }

    /// Works on the snapshot for about `budget`, if one is running. Returns how it has ended, if it has.
    pub(crate) fn work(&mut self, dbs: &mut [Database], now: u64, budget: Duration) -> Option<Ended> {
        if !self.running.as_mut()?.finish_stage(dbs, budget) {
            return None;
        }
        let mut running = self.running.take()?;
        let result = match running.stage {
            Stage::Writing(file) => match sync(file) {
                Ok(thread) => {
                    running.stage = Stage::Syncing(thread);
                    self.running = Some(running);
                    return None;
                }
                Err(error) => Err(SaveError::Io { offset: 0, error }),
            },
            Stage::Syncing(thread) => thread.join().unwrap_or(Err(SaveError::Incomplete)),
        };
        let secs = running.since.elapsed().as_secs();
        if running.purpose == Purpose::Save {
            self.last_failed = result.is_err();
            if result.is_ok() {
                self.last_save = now / 1_000;
                self.saves += 1;
            }
            self.last_secs = Some(secs);
        }
        Some(Ended { purpose: running.purpose, dirty: running.dirty, secs, result })
    }

    /// Notes that the keys of two databases were swapped. The file keeps the numbers that they had when it was begun.
    pub(crate) fn swap(&mut self, one: usize, other: usize) {
        for place in self.running.iter_mut().flat_map(|running| &mut running.order) {
            *place = match *place {
                place if place == one => other,
                place if place == other => one,
                place => place,
            };
        }
    }

    /// Ends the snapshot without a file. If all keys are in the file already, waits until the disk has it, so that
    /// the file cannot replace a later one.
    pub(crate) fn abandon(&mut self, dbs: &mut [Database]) {
        if let Some(Running { stage: Stage::Syncing(thread), .. }) = self.running.take() {
            let _late = thread.join();
        }
        for db in dbs {
            db.keys.abandon_snapshot();
        }
    }

    /// Saves all databases, and returns when the file is complete. In C: `rdbSave`.
    pub(crate) fn save(
        &mut self,
        dbs: &[Database],
        path: &Path,
        options: &WriteOptions,
        now: u64,
    ) -> Result<(), SaveError> {
        let start = Instant::now();
        self.last_try = now / 1_000;
        let result = write(dbs, path, options, now);
        self.last_failed = result.is_err();
        self.last_secs = Some(start.elapsed().as_secs());
        if result.is_ok() {
            self.last_save = now / 1_000;
            self.saves += 1;
        }
        result
    }
}

/// Writes all databases, and returns when the file is complete.
pub(crate) fn write(
    dbs: &[Database],
    path: &Path,
    options: &WriteOptions,
    now: u64,
) -> Result<(), SaveError> {
    rdb::save_to_path(path, options, |writer| {
        writer.default_aux(now, zmalloc::used_memory() as u64)?;
        for (number, db) in dbs.iter().enumerate().filter(|(_, db)| !db.keys.is_empty()) {
            writer.write_keyspace(number as u64, &db.keys, now)?;
        }
        Ok(())
    })
}

/// Starts a thread that waits until the disk has the file, and gives the file its name.
fn sync(file: SnapshotFile) -> io::Result<JoinHandle<Result<u64, SaveError>>> {
    thread::Builder::new().name("snapshot".into()).spawn(move || file.finish())
}

/// The databases of the server, as the loader needs them.
struct Targets<'a>(&'a mut [Database]);

impl Databases for Targets<'_> {
    type Hasher = DefaultHashBuilder;

    fn keyspace(&mut self, database: u64) -> Option<&mut Keyspace> {
        Some(&mut self.0.get_mut(usize::try_from(database).ok()?)?.keys)
    }
}

/// Loads a file into the databases.
pub(crate) fn load(
    dbs: &mut [Database],
    path: &Path,
    options: LoadOptions,
    now: u64,
) -> Result<LoadStats, rdb::Error> {
    Loader::open(path, options)?.load(&mut Targets(dbs), now)
}
