//! The program `estimate`: its command line, and its reports of files that are written here.

mod command;
mod numbers;
mod parts;
#[path = "../../examples/estimate/program/mod.rs"]
mod program;
mod surveys;

use keyspace::Keyspace;
use rdb::WriteOptions;
use std::path::PathBuf;

/// When the files are written: 1 January 2026, in milliseconds.
const WRITTEN_AT: u64 = 1_767_225_600_000;

/// A keyspace as the bytes of a file.
fn file_of(keyspace: &Keyspace) -> Vec<u8> {
    rdb::save(keyspace, Vec::new(), &WriteOptions::default(), WRITTEN_AT).unwrap()
}

/// A file in a folder of its own, which is removed at the end.
struct OnDisk {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn on_disk(bytes: &[u8]) -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    std::fs::write(&path, bytes).unwrap();
    OnDisk { _folder: folder, path }
}
