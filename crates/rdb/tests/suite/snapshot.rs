//! Tests of snapshot files of one keyspace or of shards, while writes change the keys.

use crate::NOW;
use crate::model::{Model, model};
use crate::round_trip::{VERSIONS, keyspace, options, some_model};
use proptest::collection::vec;
use proptest::prelude::*;
use rdb::keyspace::values::list::Side;
use rdb::keyspace::{ExpireOptions, Expiry, Keyspace, Sharded, SnapshotEnd, SnapshotError, ValueRef};
use rdb::{Event, LoadOptions, Loader, Reader, SaveError, SnapshotFile, WriteOptions};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// The number of fields of a hash that is saved in several steps.
const FIELDS: usize = 300;

/// Performs a write of this kind on one of the keys. A key of another type is not changed.
fn write(keyspace: &mut Keyspace, keys: &[Vec<u8>], kind: u8, number: usize) {
    let key = &keys[number % keys.len()];
    let new = format!("new:{number}");
    match kind {
        0 => drop(keyspace.set(key, "another value", NOW)),
        1 => drop(keyspace.remove(key, NOW)),
        2 => drop(keyspace.hset(key, &new, number as i64, NOW)),
        3 => drop(keyspace.sadd(key, &new, NOW)),
        4 => drop(keyspace.push(key, Side::Front, &new, NOW)),
        5 => drop(keyspace.zadd(key, &new, number as f64, Default::default(), NOW)),
        6 => drop(keyspace.append(key, b"more", NOW)),
        7 => {
            let expiry = Expiry::AtMillis((NOW + 1 + number as u64) as i64);
            let _ = keyspace.expire(key, expiry, ExpireOptions::default(), NOW);
        }
        8 => drop(keyspace.set(&new, "born during the snapshot", NOW)),
        9 => drop(keyspace.hset("large", &format!("field:{number}"), "another value", NOW)),
        _ => drop(keyspace.hdel("large", &format!("field:{number}"), NOW)),
    }
}

proptest! {
    #![proptest_config(testing::config(128, 1))]

    #[test]
    fn a_file_has_the_state_of_the_start_whatever_is_written_meanwhile(
        before in some_model(),
        writes in vec((0..11_u8, 0..FIELDS), 0..60),
        writes_a_step in 1..20_usize,
        version in proptest::sample::select(&VERSIONS),
    ) {
        let mut keyspace = keyspace(&before, &options());
        for n in 0..FIELDS {
            keyspace.hset("large", &format!("field:{n}"), n as i64, NOW).unwrap();
        }
        let expected: Model = model(&keyspace);
        let keys: Vec<Vec<u8>> = expected.keys().cloned().collect();

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dump.rdb");
        let mut settings = WriteOptions::default();
        settings.version = version;
        let mut file = SnapshotFile::create(&path, &settings, NOW, 0).unwrap();
        file.begin(0, &mut keyspace, NOW).unwrap();
        let mut batches = writes.chunks(writes_a_step);
        loop {
            for (kind, number) in batches.next().unwrap_or_default() {
                write(&mut keyspace, &keys, *kind, *number);
            }
            if keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {
                break;
            }
        }
        file.finish().unwrap();
        keyspace.check();

        let mut loaded = Keyspace::with_options(options());
        Loader::open(&path, LoadOptions::default()).unwrap().load(&mut loaded, NOW).unwrap();
        prop_assert_eq!(model(&loaded), expected);
    }
}

/// Returns shards with 3,000 small strings and 8 large sets. Each call returns the same keys and values.
fn filled() -> Sharded {
    let sharded = Sharded::new(4);
    for n in 0..3_000 {
        let key = format!("key:{n}");
        sharded.write(&key, |keyspace, key| keyspace.set(key, &vec![b'x'; n % 99][..], 0)).unwrap();
    }
    for n in 0..4_000 {
        let key = format!("set:{}", n % 8);
        let member = format!("member {n} {}", "x".repeat(200));
        sharded.write(&key, |keyspace, key| keyspace.sadd(key, member.as_bytes(), 0)).unwrap();
    }
    sharded
}

fn step(sharded: &Sharded) -> bool {
    sharded.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete
}

fn begun(path: &Path, sharded: &Sharded) -> SnapshotFile {
    let mut file = SnapshotFile::create(path, &WriteOptions::default(), 0, 0).unwrap();
    file.begin_shards(0, sharded, 0).unwrap();
    file
}

#[test]
fn the_file_of_all_shards_has_the_state_of_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sharded) = (folder.path().join("dump.rdb"), filled());
    let file = begun(&path, &sharded);
    for n in 0.. {
        // This also edits large values of one shard while a large value of another one is half written.
        let (key, set) = (format!("key:{}", n * 7 % 3_000), format!("set:{}", n % 8));
        sharded.write(&key, |keyspace, key| keyspace.remove(key, 0));
        if n % 50 == 49 {
            sharded.write(&set, |keyspace, key| keyspace.sadd(key, "new", 0)).unwrap();
        }
        if step(&sharded) {
            break;
        }
    }
    let len = file.finish().unwrap();
    assert_eq!(len, std::fs::metadata(&path).unwrap().len());
    let mut loaded = Keyspace::new();
    let mut loader = Loader::open(&path, LoadOptions::default()).unwrap();
    assert_eq!(loader.load(&mut loaded, 0).unwrap().keys, 3_008);
    let same = filled();
    for (key, value) in loaded.iter(0) {
        let is_same =
            same.read(&key.text(), |keyspace, key| format!("{:?}", sorted(keyspace.get(key, 0).unwrap())));
        assert_eq!(format!("{:?}", sorted(value)), is_same);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

fn sorted(value: ValueRef<'_>) -> Vec<Vec<u8>> {
    let mut all = match value {
        ValueRef::String(text) => vec![text.to_bytes().to_vec()],
        ValueRef::Set(set) => set.iter().map(|member| member.text().to_vec()).collect(),
        _ => panic!("strings and sets only"),
    };
    all.sort();
    all
}

#[test]
fn finish_without_a_snapshot_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    std::fs::write(&path, "old").unwrap();
    let file = SnapshotFile::create(&path, &WriteOptions::default(), 0, 0).unwrap();
    assert!(matches!(file.finish(), Err(SaveError::Incomplete)));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
}

#[test]
fn a_running_an_abandoned_and_a_dropped_snapshot_leave_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sharded) = (folder.path().join("dump.rdb"), filled());
    std::fs::write(&path, "old").unwrap();
    let file = begun(&path, &sharded);
    step(&sharded);
    sharded.abandon_snapshot();
    while !step(&sharded) {}
    assert!(matches!(file.finish(), Err(SaveError::Incomplete)));
    let running = begun(&path, &sharded);
    step(&sharded);
    assert!(matches!(running.finish(), Err(SaveError::Incomplete)));
    while !step(&sharded) {}
    drop(begun(&path, &sharded));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_holds_several_databases_and_says_how_many_keys_each_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    let (sharded, mut other, mut empty) = (filled(), Keyspace::new(), Keyspace::new());
    for n in 0..9_000 {
        other.set(&format!("other:{n}"), n, 0).unwrap();
    }
    let mut file = SnapshotFile::create(&path, &WriteOptions::default(), 0, 0).unwrap();
    file.begin_shards(0, &sharded, 0).unwrap();
    file.begin(3, &mut other, 0).unwrap();
    file.begin(7, &mut empty, 0).unwrap();
    // The databases take turns, so the file switches between them.
    let idle = || Duration::ZERO;
    loop {
        let is_complete = [
            step(&sharded),
            other.snapshot_for(Duration::ZERO, idle).is_complete,
            empty.snapshot_for(Duration::ZERO, idle).is_complete,
        ];
        if is_complete == [true; 3] {
            break;
        }
    }
    file.finish().unwrap();

    let (mut hints, mut selected) = (Vec::new(), Vec::new());
    let mut reader = Reader::new(File::open(&path).unwrap()).unwrap();
    while let Some(event) = reader.next_event().unwrap() {
        match event {
            Event::Database(number) => selected.push(number),
            Event::Resize { keys, .. } => hints.push((*selected.last().unwrap(), keys)),
            _ => {}
        }
    }
    hints.sort();
    assert_eq!(hints, [(0, 3_008), (3, 9_000)]);
    assert!(selected.len() > 3, "the databases alternate: {selected:?}");
    let mut loaded: [Keyspace; 8] = core::array::from_fn(|_| Keyspace::new());
    Loader::open(&path, LoadOptions::default()).unwrap().load(&mut loaded[..], 0).unwrap();
    assert_eq!(loaded.each_ref().map(Keyspace::len), [3_008, 0, 0, 9_000, 0, 0, 0, 0]);
}

#[test]
fn a_snapshot_that_cannot_begin_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sharded, mut other) = (folder.path().join("dump.rdb"), filled(), Keyspace::new());
    other.set("key", "value", 0).unwrap();
    let mut file = begun(&path, &sharded);
    let again = file.begin_shards(1, &sharded, 0);
    assert!(matches!(again, Err(SaveError::Snapshot(SnapshotError::InProgress))));
    file.begin(1, &mut other, 0).unwrap();
    while !step(&sharded) {}
    while !other.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
    file.finish().unwrap();
    let mut loaded = [Keyspace::new(), Keyspace::new()];
    Loader::open(&path, LoadOptions::default()).unwrap().load(&mut loaded[..], 0).unwrap();
    assert_eq!(loaded.each_ref().map(Keyspace::len), [3_008, 1]);
}

#[test]
fn a_snapshot_fails_when_its_file_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sharded) = (folder.path().join("dump.rdb"), filled());
    drop(begun(&path, &sharded));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let report = loop {
        let report = sharded.snapshot_for(Duration::ZERO, || Duration::ZERO);
        if report.is_complete {
            break report;
        }
    };
    assert_eq!(report.end, Some(SnapshotEnd::Failed));
}

/// Returns the length of a snapshot file with a string and a large hash, in bytes. LZF can compress all
/// texts. `write` is called after the snapshot has begun.
fn file_len(string: usize, write: fn(&mut Keyspace)) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keyspace) = (folder.path().join("dump.rdb"), Keyspace::new());
    keyspace.set("string", &"x".repeat(string), NOW).unwrap();
    for n in 0..1_000_i64 {
        keyspace.hset("hash", n, &"x".repeat(200), NOW).unwrap();
    }
    let expected = model(&keyspace);
    let mut file = SnapshotFile::create(&path, &WriteOptions::default(), NOW, 0).unwrap();
    file.begin(0, &mut keyspace, NOW).unwrap();
    write(&mut keyspace);
    while !keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
    let len = file.finish().unwrap();
    let mut loaded = Keyspace::new();
    Loader::open(&path, LoadOptions::default()).unwrap().load(&mut loaded, NOW).unwrap();
    assert_eq!(model(&loaded), expected);
    len
}

#[test]
fn strings_are_compressed_unless_they_are_long_or_a_write_waits() {
    const LEN: usize = 64 << 10;
    let others = file_len(0, |_| ());
    assert!(others < 50_000, "{others}");
    let len = |string, write| (file_len(string, write) - others) as usize;
    assert!(len(LEN, |_| ()) < 2_000);
    assert!(len(LEN + 1, |_| ()) > LEN);
    assert!(len(LEN, |keyspace| keyspace.set("string", "new", NOW).unwrap()) >= LEN);
}

#[test]
fn a_large_collection_is_compressed_unless_a_write_waits() {
    assert!(file_len(0, |_| ()) < 50_000);
    assert!(file_len(0, |keyspace| assert!(keyspace.hset("hash", "new", "value", NOW).unwrap())) > 200_000);
}

#[test]
fn a_long_field_is_not_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keyspace) = (folder.path().join("dump.rdb"), Keyspace::new());
    keyspace.hset("hash", "short", &"x".repeat(60_000), NOW).unwrap();
    keyspace.hset("hash", "long", &"x".repeat(70_000), NOW).unwrap();
    let mut file = SnapshotFile::create(&path, &WriteOptions::default(), NOW, 0).unwrap();
    file.begin(0, &mut keyspace, NOW).unwrap();
    while !keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
    let len = file.finish().unwrap();
    assert!((70_000..75_000).contains(&len), "{len}");
}

#[test]
fn a_database_is_in_a_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    let (mut one, mut other) = (Keyspace::new(), Keyspace::new());
    let mut file = SnapshotFile::create(&path, &WriteOptions::default(), NOW, 0).unwrap();
    file.begin(7, &mut one, NOW).unwrap();
    let again = file.begin(7, &mut other, NOW);
    assert!(matches!(again, Err(SaveError::DuplicateDatabase { database: 7 })));
    assert!(!other.is_snapshot_running());
}

/// The half-written key is in the file already, and cannot be removed from it.
#[test]
fn a_file_whose_half_written_key_is_given_up_fails_at_once_for_all_databases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    let (mut large, mut other) = (Keyspace::new(), Keyspace::new());
    for n in 0..2_000 {
        large.sadd("set", &format!("{n:0200}"), NOW).unwrap();
        other.set(&format!("key:{n}"), &"value".repeat(40), NOW).unwrap();
    }
    let mut options = WriteOptions::default();
    options.compression = false;
    let mut file = SnapshotFile::create(&path, &options, NOW, 0).unwrap();
    file.begin(0, &mut large, NOW).unwrap();
    file.begin(1, &mut other, NOW).unwrap();
    // After these steps, the file has more than 64 KiB of the set.
    (0..40).for_each(|_| assert!(!large.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete));
    large.abandon_snapshot();
    while !other.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
    assert_eq!(other.last_snapshot_end(), Some(SnapshotEnd::Failed));
    assert!(matches!(file.begin(2, &mut Keyspace::new(), NOW), Err(SaveError::Incomplete)));
    assert!(matches!(file.finish(), Err(SaveError::Incomplete)));
}

#[test]
fn a_snapshot_of_nothing_fails_too_when_its_file_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut keyspace = Keyspace::new();
    let path = folder.path().join("dump.rdb");
    let mut file = SnapshotFile::create(&path, &WriteOptions::default(), NOW, 0).unwrap();
    file.begin(0, &mut keyspace, NOW).unwrap();
    drop(file);
    while !keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {}
    assert_eq!(keyspace.last_snapshot_end(), Some(SnapshotEnd::Failed));
}
