//! Files of snapshots that are written while random writes go on.

use crate::NOW;
use crate::model::{Model, model};
use crate::round_trip::{VERSIONS, keyspace, options, some_model};
use proptest::collection::vec;
use proptest::prelude::*;
use rdb::keyspace::values::list::Side;
use rdb::keyspace::{ExpireOptions, Expiry, Keyspace};
use rdb::{LoadOptions, Loader, SnapshotFile, WriteOptions};
use std::time::Duration;

/// Fields of a hash that is saved in slices.
const FIELDS: usize = 300;

/// A write of one kind to one key. A wrong type is an answer as any other.
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
