//! Tests of the program `estimate`: its command line, and its reports on files that these tests write.

mod command;
mod numbers;
mod parts;
#[path = "../../examples/estimate/program/mod.rs"]
mod program;
mod surveys;

use keyspace::Keyspace;
use rdb::WriteOptions;
use std::path::PathBuf;

/// The time in the files: 1 January 2026, in milliseconds since 1970.
const WRITTEN_AT: u64 = 1_767_225_600_000;

/// Returns the bytes of a file that holds the keyspace.
fn file_of(keyspace: &Keyspace) -> Vec<u8> {
    rdb::save(keyspace, Vec::new(), &WriteOptions::default(), WRITTEN_AT).unwrap()
}

/// A file in a temporary folder, which is removed at the end.
struct TempFile {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn temp_file(bytes: &[u8]) -> TempFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    std::fs::write(&path, bytes).unwrap();
    TempFile { _folder: folder, path }
}
