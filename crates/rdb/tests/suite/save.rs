//! Tests with files on the disk, and with readers and writers that fail, or that handle few bytes a call.

use crate::NOW;
use crate::damage::one_of_every_encoding;
use crate::model::model;
use rdb::keyspace::{Keyspace, Options};
use rdb::{Error, LoadOptions, Loader, SaveError, WriteOptions, save_to_path};
use std::io::{self, Read, Write};

fn load(read: impl Read) -> Result<Keyspace, Error> {
    let mut keyspace = Keyspace::with_options(crate::round_trip::options());
    Loader::new(read, LoadOptions::default())?.load(&mut keyspace, NOW)?;
    Ok(keyspace)
}

/// Returns the names of the files in a folder.
pub(crate) fn names(folder: &std::path::Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_file_takes_the_place_of_the_old_one_only_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    let keyspace = one_of_every_encoding();
    std::fs::write(&path, "old").unwrap();
    let options = WriteOptions::default();

    let failed: Result<(), SaveError> = save_to_path(&path, &options, |writer| {
        writer.write_keyspace(0, &keyspace, NOW)?;
        assert_eq!(names(folder.path()).len(), 2, "the new file lies beside");
        Err(SaveError::Changed)
    });
    assert!(matches!(failed, Err(SaveError::Changed)));
    assert_eq!((std::fs::read(&path).unwrap(), names(folder.path()).len()), (b"old".to_vec(), 1));

    let keys = save_to_path(&path, &options, |writer| writer.write_keyspace(0, &keyspace, NOW));
    assert_eq!(keys.unwrap(), keyspace.len() as u64);
    assert_eq!(names(folder.path()), ["dump.rdb"]);
    assert_eq!(model(&load(std::fs::File::open(&path).unwrap()).unwrap()), model(&keyspace));
    assert_eq!(Loader::open(&path, LoadOptions::default()).unwrap().version().number(), 11);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none").join("dump.rdb");
    let saved: Result<(), SaveError> = save_to_path(&path, &WriteOptions::default(), |_| Ok(()));
    assert!(matches!(saved, Err(SaveError::Io { offset: 0, .. })));
    assert!(matches!(Loader::open(&path, LoadOptions::default()), Err(Error::Io { offset: 0, .. })));
}

#[test]
fn several_databases_are_one_file() {
    let (first, second) = (one_of_every_encoding(), one_of_every_encoding());
    let mut writer = rdb::Writer::new(Vec::new(), &WriteOptions::default()).unwrap();
    for (number, keyspace) in [(0, &first), (3, &Keyspace::new()), (7, &second)] {
        writer.write_keyspace(number, keyspace, NOW).unwrap();
    }
    let file = writer.finish().unwrap();
    let mut databases: Vec<Keyspace> = (0..8).map(|_| Keyspace::with_options(Options::new())).collect();
    Loader::new(&file[..], LoadOptions::default()).unwrap().load(&mut databases, NOW).unwrap();
    let lens: Vec<_> = databases.iter().map(Keyspace::len).collect();
    assert_eq!(lens, [first.len(), 0, 0, 0, 0, 0, 0, first.len()]);
    assert_eq!(model(&databases[7]), model(&second));
}

/// A reader that returns one byte a call, and is interrupted before each byte.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = into.len().min(1).min(self.0.len());
        self.0.read(&mut into[..count])
    }
}

/// A writer that accepts this many bytes, at most three a call, and then fails.
struct Full(Vec<u8>, usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(3).min(self.1 - self.0.len());
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_may_give_a_byte_at_a_time_and_a_writer_may_take_three() {
    let keyspace = one_of_every_encoding();
    let options = WriteOptions::default();
    let file = rdb::save(&keyspace, Full(Vec::new(), usize::MAX), &options, NOW).unwrap().0;
    assert_eq!(model(&load(Slow(&file, false)).unwrap()), model(&keyspace));
}

#[test]
fn an_error_of_the_reader_or_the_writer_comes_through() {
    let keyspace = one_of_every_encoding();
    let file = rdb::save(&keyspace, Vec::new(), &WriteOptions::default(), NOW).unwrap();
    for room in [0, 5, 9, 100, file.len() - 1] {
        match rdb::save(&keyspace, Full(Vec::new(), room), &WriteOptions::default(), NOW) {
            Err(SaveError::Io { error, .. }) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            _ => panic!("a writer with room for {room} bytes"),
        }
        struct Broken<'a>(&'a [u8]);
        impl Read for Broken<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                if self.0.is_empty() { Err(io::ErrorKind::BrokenPipe.into()) } else { self.0.read(into) }
            }
        }
        match load(Broken(&file[..room])) {
            Err(Error::Io { error, offset }) => {
                assert_eq!((error.kind(), offset), (io::ErrorKind::BrokenPipe, room as u64));
            }
            other => panic!("{:?}", other.map(|keyspace| keyspace.len())),
        }
    }
}

#[test]
fn without_a_checksum_a_file_ends_with_zeros_and_is_read() {
    let keyspace = one_of_every_encoding();
    let mut options = WriteOptions::default();
    options.checksum = false;
    let file = rdb::save(&keyspace, Vec::new(), &options, NOW).unwrap();
    assert!(file.ends_with(&[0xFF, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(model(&load(&file[..]).unwrap()), model(&keyspace));
}
