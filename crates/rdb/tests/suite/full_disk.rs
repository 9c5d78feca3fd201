//! Tests with a full disk. The old file remains complete, the error is the one of the system, and no
//! temporary file is left. The keyspace can then write the next file.
//!
//! ```text
//!  parent   sh: ulimit -f  ->  child: the same test, in a process that writes files of at most 224 KiB
//! ```
//!
//! The child is this test program. The system writes the bytes that fit and refuses the next write, as it
//! does when the disk is full. The child then saves fewer keys to the same path, and the parent loads them.

use crate::NOW;
use crate::model::model;
use crate::save::names;
use rdb::keyspace::{Keyspace, Sharded, SnapshotEnd};
use rdb::{LoadOptions, Loader, SaveError, SnapshotFile, WriteOptions, save_to_path};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The length of the longest file that the child may write, in bytes: three and a half buffers of a writer.
const FILE_MAX: usize = 224 << 10;

/// The unit of `ulimit -f` in a POSIX shell, in bytes.
const ULIMIT_BLOCK: usize = 512;

/// The length of a value, and of a member of a set, in bytes.
const VALUE: usize = 500;

/// How many keys are in the file that fits.
const KEYS_LEFT: usize = 10;

/// The environment variable with the path that the child saves to.
const PATH: &str = "REDCORE_RDB_FULL_DISK_PATH";

#[test]
fn save_to_path_leaves_the_old_file_when_the_disk_is_full() {
    run("full_disk::save_to_path_leaves_the_old_file_when_the_disk_is_full", |path| {
        let mut keyspace = filled(2 * FILE_MAX);
        let save = |keyspace: &Keyspace| {
            save_to_path(path, &options(), |writer| writer.write_keyspace(0, keyspace, NOW))
        };
        assert_refused(path, save(&keyspace));
        remove_most(&mut keyspace);
        save(&keyspace).unwrap();
    });
}

#[test]
fn a_snapshot_fails_when_the_disk_is_full_and_the_next_one_is_whole() {
    run("full_disk::a_snapshot_fails_when_the_disk_is_full_and_the_next_one_is_whole", |path| {
        let mut keyspace = filled(2 * FILE_MAX);
        let file = begun(path, &mut keyspace);
        assert_ends(&mut keyspace, SnapshotEnd::Failed);
        assert_refused(path, file.finish());
        assert_saves_again(path, &mut keyspace);
    });
}

#[test]
fn a_large_value_that_does_not_fit_fails_the_snapshot_in_its_middle() {
    run("full_disk::a_large_value_that_does_not_fit_fails_the_snapshot_in_its_middle", |path| {
        let mut keyspace = filled(0);
        for n in 0..2 * FILE_MAX / VALUE {
            keyspace.sadd("set", &text(n), NOW).unwrap();
        }
        let file = begun(path, &mut keyspace);
        assert_ends(&mut keyspace, SnapshotEnd::Failed);
        assert_refused(path, file.finish());
        assert_saves_again(path, &mut keyspace);
    });
}

#[test]
fn writes_go_on_when_the_disk_is_too_full_for_their_old_values() {
    run("full_disk::writes_go_on_when_the_disk_is_too_full_for_their_old_values", |path| {
        let keys = 2 * FILE_MAX / VALUE;
        let (mut keyspace, mut expected) = (filled(keys * VALUE), Keyspace::new());
        let file = begun(path, &mut keyspace);
        // Each of these writes saves the old value first.
        for n in 0..keys {
            keyspace.set(&key(n), "new", NOW).unwrap();
            expected.set(&key(n), "new", NOW).unwrap();
        }
        assert_eq!(model(&keyspace), model(&expected));
        assert_ends(&mut keyspace, SnapshotEnd::Failed);
        assert_refused(path, file.finish());
        assert_saves_again(path, &mut keyspace);
    });
}

/// A [`SnapshotFile`] buffers the last 64 KiB until `finish`. The file is 15 KiB too long.
#[test]
fn finish_is_refused_when_the_disk_is_full_after_the_last_key() {
    run("full_disk::finish_is_refused_when_the_disk_is_full_after_the_last_key", |path| {
        let mut keyspace = filled(FILE_MAX + (8 << 10));
        let file = begun(path, &mut keyspace);
        assert_ends(&mut keyspace, SnapshotEnd::Saved);
        assert_refused(path, file.finish());
        assert_saves_again(path, &mut keyspace);
    });
}

#[test]
fn all_shards_fail_when_the_disk_is_full_and_the_next_snapshot_is_whole() {
    run("full_disk::all_shards_fail_when_the_disk_is_full_and_the_next_snapshot_is_whole", |path| {
        let sharded = Sharded::new(4);
        let keys = 2 * FILE_MAX / VALUE;
        for n in 0..keys {
            sharded.write(&key(n), |keyspace, key| keyspace.set(key, &text(n), NOW)).unwrap();
        }
        let snapshot = || {
            let mut file = SnapshotFile::create(path, &options(), NOW, 0).unwrap();
            file.begin_shards(0, &sharded, NOW).unwrap();
            loop {
                let done = sharded.snapshot_for(Duration::ZERO, || Duration::ZERO);
                if done.is_complete {
                    return (done.end, file.finish());
                }
            }
        };
        let (end, finished) = snapshot();
        assert_eq!(end, Some(SnapshotEnd::Failed));
        assert_refused(path, finished);
        for n in KEYS_LEFT..keys {
            assert!(sharded.write(&key(n), |keyspace, key| keyspace.remove(key, NOW)));
        }
        let (end, finished) = snapshot();
        assert_eq!(end, Some(SnapshotEnd::Saved));
        finished.unwrap();
    });
}

/// Runs `save` in a child with the limit. `save` must first fail to save a file that is too long, and then
/// save [`KEYS_LEFT`] keys.
fn run(test: &str, save: fn(&Path)) {
    if let Some(path) = std::env::var_os(PATH) {
        return save(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    std::fs::write(&path, "old").unwrap();
    // Without the trap, the system kills a process that writes beyond the limit.
    let script = format!("trap '' XFSZ && ulimit -f {} && exec \"$@\"", FILE_MAX / ULIMIT_BLOCK);
    let mut child = Command::new("sh");
    child.args(["-c", &script, "sh"]).arg(std::env::current_exe().unwrap()).args(["--exact", test]);
    let output = child.env(PATH, &path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(names(folder.path()), ["dump.rdb"]);
    let mut loaded = Keyspace::new();
    Loader::open(&path, LoadOptions::default()).unwrap().load(&mut loaded, NOW).unwrap();
    assert_eq!(loaded.len(), KEYS_LEFT);
}

/// Returns options without compression, which would make the files short.
fn options() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.compression = false;
    options
}

fn key(n: usize) -> String {
    format!("key:{n}")
}

fn text(n: usize) -> String {
    format!("{n:0VALUE$}")
}

/// Returns a keyspace with at least [`KEYS_LEFT`] keys, whose values have about `bytes` bytes in all.
fn filled(bytes: usize) -> Keyspace {
    let mut keyspace = Keyspace::new();
    for n in 0..KEYS_LEFT.max(bytes / VALUE) {
        keyspace.set(&key(n), &text(n), NOW).unwrap();
    }
    keyspace
}

fn remove_most(keyspace: &mut Keyspace) {
    let left: Vec<String> = (0..KEYS_LEFT).map(key).collect();
    keyspace.retain(NOW, |key, _value| left.iter().any(|left| left.as_bytes() == key));
}

/// Checks that a file was refused because of its length, and that the old file is still there.
fn assert_refused<T>(path: &Path, saved: Result<T, SaveError>) {
    match saved {
        Err(SaveError::Io { offset, error }) => {
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
            assert!(offset <= FILE_MAX as u64, "{offset}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the file is too long"),
    }
    assert_eq!(std::fs::read(path).unwrap(), b"old");
    assert_eq!(names(path.parent().unwrap()), ["dump.rdb"]);
}

fn begun(path: &Path, keyspace: &mut Keyspace) -> SnapshotFile {
    let mut file = SnapshotFile::create(path, &options(), NOW, 0).unwrap();
    file.begin(0, keyspace, NOW).unwrap();
    file
}

/// Works on a snapshot until it has ended, and checks that it ends as expected.
fn assert_ends(keyspace: &mut Keyspace, expected: SnapshotEnd) {
    while !keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
    assert_eq!(keyspace.last_snapshot_end(), Some(expected));
}

/// Removes most keys, and checks that the next file holds the others.
fn assert_saves_again(path: &Path, keyspace: &mut Keyspace) {
    remove_most(keyspace);
    let file = begun(path, keyspace);
    assert_ends(keyspace, SnapshotEnd::Saved);
    file.finish().unwrap();
    let mut loaded = Keyspace::new();
    Loader::open(path, LoadOptions::default()).unwrap().load(&mut loaded, NOW).unwrap();
    assert_eq!(model(&loaded), model(keyspace));
}
