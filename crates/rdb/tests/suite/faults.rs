//! Tests with allocations that fail: each one in turn, and all from some allocation on. Reading or writing
//! then returns the error of the allocator, and no memory is lost.

use crate::NOW;
use crate::damage::{one_of_every_encoding, own_files};
use crate::fixtures::files_of_all_types;
use crate::model::{content, model};
use crate::round_trip::options;
use rdb::keyspace::Keyspace;
use rdb::{DumpOptions, Error, LoadOptions, Loader, SaveError, WriteOptions, dump, restore};
use zmalloc::fault::{Guard, fail_from, fail_nth};

/// Runs `operation` again and again. In each run, another one of its allocations fails, or all from that one
/// on fail. Stops when `operation` returns that no allocation failed. Checks that it has freed everything
/// that it allocated.
fn with_each_failure(mut operation: impl FnMut(Guard) -> bool) {
    let plans: [fn(u64) -> Guard; 2] = [fail_nth, fail_from];
    for plan in plans {
        for n in 1.. {
            let region = zmalloc::Region::start();
            let has_failed = operation(plan(n));
            assert_eq!(region.held(), 0, "bytes lost at allocation {n}");
            if !has_failed {
                assert!(n > 1, "no allocation can fail");
                break;
            }
        }
    }
}

/// Ends the plan, and returns whether an allocation failed.
fn end(plan: Guard) -> bool {
    let has_failed = plan.failures() > 0;
    drop(plan);
    has_failed
}

fn load_options() -> LoadOptions {
    let mut options = LoadOptions::default();
    options.drops_expired = false;
    options
}

fn load(file: &[u8]) -> Keyspace {
    let mut keyspace = Keyspace::with_options(options());
    Loader::new(file, load_options()).unwrap().load(&mut keyspace, NOW).unwrap();
    keyspace
}

/// Loads a file while allocations fail, and compares the keys that were loaded with those of the file.
fn load_with_failure(file: &[u8], expected: &Keyspace, plan: Guard) -> bool {
    let mut keyspace = Keyspace::with_options(options());
    let loader = Loader::new(file, load_options());
    let Ok(mut loader) = loader else {
        assert!(loader.is_err_and(|error| error.reserve_error().is_some()));
        return end(plan);
    };
    let loaded = loader.load(&mut keyspace, NOW);
    let has_failed = end(plan);
    match loaded {
        Ok(_) => assert_eq!(keyspace.len(), expected.len()),
        Err(error) => {
            assert!(has_failed && error.reserve_error().is_some(), "{error}");
            assert!(error.offset() <= file.len() as u64);
            assert!(matches!(loader.load(&mut keyspace, NOW), Err(Error::Io { .. })));
        }
    }
    keyspace.check();
    for record in keyspace.records(0) {
        let expected = expected.get_record(&record.key.text(), 0).expect("a key of the file");
        assert_eq!(content(record.value), content(expected.value));
        assert_eq!(record.expiry, expected.expiry);
    }
    has_failed
}

#[test]
fn a_failed_allocation_while_loading_is_an_error_and_loses_no_memory() {
    for file in own_files() {
        let expected = load(&file);
        with_each_failure(|plan| load_with_failure(&file, &expected, plan));
    }
}

#[test]
fn a_failed_allocation_is_an_error_while_any_type_is_loaded() {
    for file in files_of_all_types() {
        let expected = load(&file);
        with_each_failure(|plan| load_with_failure(&file, &expected, plan));
    }
}

/// If there is no memory for its compression, a string is written uncompressed.
#[test]
fn a_failed_allocation_while_saving_is_an_error_or_another_file_of_the_same_keys() {
    let keyspace = one_of_every_encoding();
    let expected = model(&keyspace);
    with_each_failure(|plan| {
        let saved = rdb::save(&keyspace, Vec::new(), &WriteOptions::default(), NOW);
        let has_failed = end(plan);
        match saved {
            Ok(file) => assert_eq!(model(&load(&file)), expected),
            Err(error) => assert!(has_failed && matches!(error, SaveError::Memory(_)), "{error}"),
        }
        has_failed
    });
}

#[test]
fn a_failed_allocation_in_dump_and_restore_is_an_error() {
    let keyspace = one_of_every_encoding();
    let limits = *keyspace.options().encoding_limits();
    for (_, value) in keyspace.iter(NOW) {
        let payload = dump(value, DumpOptions::default()).unwrap();
        with_each_failure(|plan| {
            let dumped = dump(value, DumpOptions::default());
            let has_failed = end(plan);
            let payload = match dumped {
                Ok(payload) => payload,
                Err(error) => {
                    assert!(has_failed && matches!(error, SaveError::Memory(_)), "{error}");
                    return has_failed;
                }
            };
            restore(&payload, &limits).unwrap();
            has_failed
        });
        with_each_failure(|plan| {
            let restored = restore(&payload, &limits);
            let has_failed = end(plan);
            match restored {
                Ok(restored) => {
                    let mut keyspace = Keyspace::new();
                    keyspace.insert("key", restored.value, None, 0).unwrap();
                    assert_eq!(content(keyspace.get("key", 0).unwrap()), content(value));
                }
                Err(error) => assert!(has_failed && error.reserve_error().is_some(), "{error}"),
            }
            has_failed
        });
    }
}
