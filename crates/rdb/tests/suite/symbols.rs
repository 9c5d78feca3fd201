//! The symbol table of a keyspace in a file: a keyspace that is loaded codes its strings as the saved one
//! did.

use crate::model::model;
use rdb::keyspace::symbols::{SymbolTable, TableFault};
use rdb::keyspace::{Keyspace, Sharded, random_source};
use rdb::{Error, Fault, LoadOptions, Loader, SnapshotFile, WriteOptions};
use std::sync::Arc;
use std::time::Duration;

fn record(number: u64) -> String {
    format!(r#"{{"id": {number}, "name": "Ada", "is_active": {}}}"#, number.is_multiple_of(3))
}

fn keyspace_with_table() -> Keyspace {
    let mut keyspace = Keyspace::new();
    (0..500).for_each(|n| keyspace.set(&format!("key:{n}"), &record(n), 0).unwrap());
    keyspace.train_symbols(64 << 10, random_source(), 0).unwrap().unwrap();
    while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    keyspace
}

fn loaded(file: &[u8], mut into: Keyspace, options: LoadOptions) -> Result<Keyspace, Error> {
    Loader::new(file, options)?.load(&mut into, 0)?;
    into.check();
    Ok(into)
}

fn coded(keyspace: &Keyspace) -> usize {
    let strings = (0..500).map(|n| keyspace.get_string(&format!("key:{n}"), 0).unwrap().unwrap());
    strings.filter(|string| string.plain().is_none()).count()
}

/// A table that is given, so that it differs from those that are trained.
fn other_table() -> Arc<SymbolTable> {
    Arc::new(SymbolTable::from_symbols(["{\"id\": ", "\"name\":", "\"Ada\", "]).unwrap())
}

#[test]
fn a_loaded_keyspace_has_the_table_of_the_saved_one_and_takes_as_many_bytes() {
    let keyspace = keyspace_with_table();
    let file = rdb::save(&keyspace, Vec::new(), &WriteOptions::default(), 0).unwrap();
    let copy = loaded(&file, Keyspace::new(), LoadOptions::default()).unwrap();
    assert_eq!(model(&copy), model(&keyspace));
    assert_eq!(copy.symbols().unwrap(), keyspace.symbols().unwrap());
    assert!(coded(&keyspace) > 400 && coded(&copy) == coded(&keyspace));
    let bytes = |keyspace: &Keyspace| -> usize {
        (0..500).map(|n| keyspace.memory_usage(&format!("key:{n}"), 0).unwrap()).sum()
    };
    assert_eq!(bytes(&copy), bytes(&keyspace));
}

#[test]
fn a_table_is_not_set_if_there_is_one_or_if_the_options_refuse_it() {
    let keyspace = keyspace_with_table();
    let file = rdb::save(&keyspace, Vec::new(), &WriteOptions::default(), 0).unwrap();
    let mut options = LoadOptions::default();
    options.sets_symbols = false;
    let plain = loaded(&file, Keyspace::new(), options).unwrap();
    assert!(plain.symbols().is_none() && coded(&plain) == 0);

    let (mut into, table) = (Keyspace::new(), other_table());
    into.set_symbols(Some(Arc::clone(&table))).unwrap();
    let with_other = loaded(&file, into, LoadOptions::default()).unwrap();
    assert!(Arc::ptr_eq(with_other.symbols().unwrap(), &table));
    assert_eq!(model(&with_other), model(&plain));
}

#[test]
fn each_database_of_a_snapshot_file_has_its_own_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    let (mut first, sharded, mut plain) = (keyspace_with_table(), Sharded::new(4), Keyspace::new());
    sharded.set_symbols(Some(other_table())).unwrap();
    for n in 0..500 {
        let key = format!("key:{n}");
        sharded.write(&key, |shard, key| shard.set(key, &record(n), 0)).unwrap();
    }
    plain.set("key", "value", 0).unwrap();
    let mut file = SnapshotFile::create(&path, &WriteOptions::default(), 0, 0).unwrap();
    file.begin(0, &mut first, 0).unwrap();
    file.begin_shards(1, &sharded, 0).unwrap();
    file.begin(2, &mut plain, 0).unwrap();
    // The table is removed before the first key is saved. The file still has it.
    let table = first.symbols().cloned();
    first.set_symbols(None).unwrap();
    while !first.snapshot_for(Duration::MAX, || Duration::ZERO).is_complete {}
    while !sharded.snapshot_for(Duration::MAX, || Duration::ZERO).is_complete {}
    while !plain.snapshot_for(Duration::MAX, || Duration::ZERO).is_complete {}
    file.finish().unwrap();

    let mut databases: Vec<_> = (0..3).map(|_| Keyspace::new()).collect();
    Loader::open(&path, LoadOptions::default()).unwrap().load(&mut databases, 0).unwrap();
    let tables: Vec<_> = databases.iter().map(|keyspace| keyspace.symbols().cloned()).collect();
    assert_eq!(tables, [table, Some(other_table()), None]);
    assert_eq!(model(&databases[0]), model(&first));
    assert!(coded(&databases[0]) > 400 && databases[1].len() == 500);
}

#[test]
fn a_damaged_table_is_an_error_and_one_of_a_later_version_is_ignored() {
    let mut keyspace = Keyspace::new();
    keyspace.set_symbols(Some(other_table())).unwrap();
    keyspace.set("key", &record(1), 0).unwrap();
    let mut options = WriteOptions::default();
    options.compression = false;
    let file = rdb::save(&keyspace, Vec::new(), &options, 0).unwrap();
    let table = other_table().to_bytes().unwrap();
    let at = file.windows(table.len()).position(|bytes| bytes == table).unwrap();
    let load = |change: fn(&mut [u8])| {
        let mut file = file.clone();
        change(&mut file[at..at + table.len()]);
        let mut options = LoadOptions::default();
        options.checks_checksum = false;
        loaded(&file, Keyspace::new(), options)
    };
    // The number of symbols is after the version. Their lengths follow.
    let field = (at - "redcore-symbols".len() - 3) as u64;
    for (change, fault) in [
        ((|table| table[1] = 2) as fn(&mut [u8]), TableFault::TrailingBytes),
        (|table| table[1] = 4, TableFault::SymbolLen),
        (|table| table[2] = 9, TableFault::SymbolLen),
    ] {
        match load(change) {
            Err(Error::Malformed { offset, fault: found }) => {
                assert_eq!((offset, found), (field, Fault::SymbolTable(fault)));
            }
            other => panic!("{:?}", other.map(|keyspace| keyspace.len())),
        }
    }
    let later = load(|table| table[0] = 2).unwrap();
    assert!(later.symbols().is_none() && later.len() == 1);
}
