//! Tests of a loader's options, steps and errors.

use crate::NOW;
use crate::fixtures::file;
use crate::model::model;
use core::time::Duration;
use rdb::keyspace::{self, Keyspace, Options};
use rdb::{DuplicateKey, Error, LoadOptions, Loader, WriteOptions};

fn load(file: &[u8], keyspace: &mut Keyspace, options: LoadOptions) -> Result<u64, Error> {
    Ok(Loader::new(file, options)?.load(keyspace, NOW)?.keys)
}

#[test]
fn a_key_that_is_there_is_an_error_or_is_replaced() {
    let value = b"\0\x03key\x03new\x02\x03set\x01\x01m";
    let twice = file(11, &[&value[..], value].concat());
    let once = file(11, value);
    let mut keyspace = Keyspace::new();
    let error = load(&twice, &mut keyspace, LoadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::DuplicateKey { offset: 27 }), "{error}");

    let mut keyspace = Keyspace::new();
    keyspace.set("key", "old", NOW).unwrap();
    let error = load(&once, &mut keyspace, LoadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::DuplicateKey { offset: 10 }), "{error}");
    assert_eq!(keyspace.get_string("key", NOW).unwrap().unwrap(), b"old");

    let mut options = LoadOptions::default();
    options.duplicate_key = DuplicateKey::Replace;
    assert_eq!(load(&twice, &mut keyspace, options).unwrap(), 4);
    assert_eq!(keyspace.get_string("key", NOW).unwrap().unwrap(), b"new");
    assert_eq!(keyspace.len(), 2);
    keyspace.check();
}

#[test]
fn expired_keys_are_passed_over_or_stored_for_the_sweep() {
    let at = |time: u64| [&b"\xFC"[..], &time.to_le_bytes()].concat();
    let body = [
        at(0),
        b"\0\x01a\x01v".to_vec(),
        at(NOW),
        b"\x02\x01b\x01\x01m".to_vec(),
        at(NOW + 1),
        b"\0\x01c\x01v".to_vec(),
    ];
    let file = file(11, &body.concat());
    let mut keyspace = Keyspace::new();
    let mut loader = Loader::new(&file[..], LoadOptions::default()).unwrap();
    let stats = loader.load(&mut keyspace, NOW).unwrap();
    assert_eq!((stats.keys, stats.expired, keyspace.len()), (1, 2, 1));

    let mut options = LoadOptions::default();
    options.drops_expired = false;
    let mut keyspace = Keyspace::new();
    assert_eq!(load(&file, &mut keyspace, options).unwrap(), 3);
    assert_eq!((keyspace.len(), keyspace.expires(), keyspace.iter(NOW).count()), (3, 3, 1));
    keyspace.check();
}

#[test]
fn a_key_that_expires_while_its_value_is_built_is_counted_as_expired() {
    let members: Vec<u8> = (0..100_u8).flat_map(|n| [2, b'm', n]).collect();
    let body = [&b"\xFC"[..], &(NOW + 10).to_le_bytes(), b"\x02\x03set\x40\x64", &members].concat();
    let file = file(11, &body);
    let mut keyspace = Keyspace::new();
    let mut loader = Loader::new(&file[..], LoadOptions::default()).unwrap();
    loader.load_some(&mut keyspace, 1, NOW).unwrap();
    while !loader.load_some(&mut keyspace, 1, NOW + 10).unwrap().is_complete {}
    assert_eq!((loader.stats().expired, loader.stats().keys, keyspace.len()), (1, 0, 0));
}

#[test]
fn a_collection_without_elements_is_counted_and_makes_no_key() {
    let file = file(11, b"\x02\x01s\0\x01\x01l\0\x04\x01h\0\x05\x01z\0\x12\x01q\0\0\x01k\x01v");
    let mut keyspace = Keyspace::new();
    let stats = Loader::new(&file[..], LoadOptions::default()).unwrap().load(&mut keyspace, NOW).unwrap();
    assert_eq!((stats.empty, stats.keys, keyspace.len()), (5, 1, 1));
}

#[test]
fn loading_stops_at_maxmemory() {
    let mut source = Keyspace::new();
    for n in 0..1_000 {
        source.set(&format!("key:{n}"), &[b'x'; 300], NOW).unwrap();
    }
    let file = rdb::save(&source, Vec::new(), &WriteOptions::default(), NOW).unwrap();
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory(200_000));
    let error = load(&file, &mut keyspace, LoadOptions::default()).unwrap_err();
    let refused = keyspace::Error::MaxmemoryReached { additional: 0, maxmemory: 200_000 };
    let Error::Keyspace { error, .. } = error else { panic!("{error}") };
    assert_eq!(error.reply(), refused.reply());
    assert!(keyspace.len() > 100 && keyspace.allocation_size() <= 200_000);
}

#[test]
fn a_budget_of_time_ends_a_step_and_all_steps_load_everything() {
    let mut source = Keyspace::new();
    for n in 0..5_000 {
        source.set(&format!("key:{n}"), n, NOW).unwrap();
    }
    let file = rdb::save(&source, Vec::new(), &WriteOptions::default(), NOW).unwrap();
    let (mut keyspace, mut time, mut steps) = (Keyspace::new(), Duration::ZERO, 0);
    let mut loader = Loader::new(&file[..], LoadOptions::default()).unwrap();
    loop {
        // Each reading of the clock advances it by a millisecond.
        let stats = loader
            .load_for(&mut keyspace, NOW, Duration::from_millis(3), || {
                time += Duration::from_millis(1);
                time
            })
            .unwrap();
        steps += 1;
        if stats.is_complete {
            break;
        }
        assert!(stats.keys < 5_000 && stats.bytes < file.len() as u64);
    }
    assert_eq!(model(&keyspace), model(&source));
    assert!((20..40).contains(&steps), "{steps}");
}

#[test]
fn what_was_read_before_an_error_is_stored_and_the_loader_cannot_go_on() {
    let mut source = Keyspace::new();
    (0..10).for_each(|n| source.set(&format!("key:{n}"), "value", NOW).unwrap());
    let file = rdb::save(&source, Vec::new(), &WriteOptions::default(), NOW).unwrap();
    let mut keyspace = Keyspace::new();
    let mut loader = Loader::new(&file[..file.len() - 12], LoadOptions::default()).unwrap();
    assert!(loader.load(&mut keyspace, NOW).is_err());
    assert_eq!((keyspace.len(), loader.stats().keys), (9, 9));
    assert!(matches!(loader.load(&mut keyspace, NOW), Err(Error::Io { .. })));
}

#[test]
fn a_step_ends_among_fields_about_the_file_and_in_values_that_are_passed_over() {
    let aux = [&b"\xFA\x04name\x40\x64"[..], &[b'x'; 100]].concat();
    let fields = file(11, &aux.repeat(1_000));
    let members: Vec<u8> = (0..200_u8).flat_map(|n| [2, b'm', n]).collect();
    let expired = file(11, &[&b"\xFC\0\0\0\0\0\0\0\0\x02\x03set\x40\xC8"[..], &members].concat());
    let other = file(11, &[&b"\xFE\x01\x02\x03set\x40\xC8"[..], &members].concat());
    for (file, steps_min) in [(fields, 50), (expired, 10), (other, 10)] {
        let (mut keyspace, mut steps) = (Keyspace::new(), 1);
        let mut loader = Loader::new(&file[..], LoadOptions::default()).unwrap();
        while !loader.load_some(&mut keyspace, 0, NOW).unwrap().is_complete {
            steps += 1;
        }
        assert!(steps >= steps_min && keyspace.is_empty(), "{steps}");
    }
}

#[test]
fn resize_hints_of_many_databases_together_make_room_for_no_more_keys_than_the_input_can_hold() {
    let hints = (0..60_u8).flat_map(|database| [0xFE, database, 0xFB, 0x80, 0x7F, 0xFF, 0xFF, 0xFF, 0]);
    let file = file(11, &hints.collect::<Vec<u8>>());
    for input_bytes in [None, Some(file.len() as u64)] {
        let mut options = LoadOptions::default();
        options.input_bytes = input_bytes;
        let mut databases: Vec<Keyspace> = (0..60).map(|_| Keyspace::new()).collect();
        Loader::new(&file[..], options).unwrap().load(&mut databases, NOW).unwrap();
        let bytes: usize = databases.iter().map(Keyspace::allocation_size).sum();
        assert!(bytes < 1 << 20, "{bytes}");
    }
}

#[test]
fn fields_that_have_expired_are_left_out_with_their_hash_if_none_is_left() {
    // A hash of type 24 begins with its smallest expiry and the number of its fields. Each field begins with
    // its expiry minus the smallest one, plus 1. A field without an expiry begins with 0.
    let hash = |key: u8, times: [u8; 2]| {
        let mut bytes = vec![24, 1, key];
        bytes.extend((NOW - 10).to_le_bytes());
        bytes.extend([2, times[0], 1, b'f', 1, b'v', times[1], 1, b'g', 1, b'w']);
        bytes
    };
    let file = file(12, &[hash(b'a', [5, 30]), hash(b'b', [5, 11]), hash(b'c', [0, 40])].concat());
    let mut keyspace = Keyspace::new();
    let mut loader = Loader::new(&file[..], LoadOptions::default()).unwrap();
    let stats = loader.load(&mut keyspace, NOW).unwrap();
    assert_eq!((stats.keys, stats.expired, stats.empty), (2, 1, 0));
    assert_eq!((stats.expired_fields, stats.field_expiries), (3, 2));
    let fields = |key| keyspace.hget(key, "f", NOW).unwrap().is_some();
    assert_eq!((fields("a"), fields("c")), (false, true));

    let mut options = LoadOptions::default();
    options.drops_expired = false;
    assert_eq!(load(&file, &mut Keyspace::new(), options).unwrap(), 3);
}

#[test]
fn an_expiry_holds_for_the_next_key_whatever_comes_between_and_a_negative_one_has_passed() {
    let at = |time: u64| [&b"\xFC"[..], &time.to_le_bytes()].concat();
    let body = [
        at(NOW + 1),
        b"\xFA\x01a\x01b\xFE\x00".to_vec(),
        b"\0\x01k\x01v".to_vec(),
        b"\0\x01l\x01v".to_vec(),
        b"\xFD\xFF\xFF\xFF\xFF\0\x01m\x01v".to_vec(),
    ];
    let file = file(11, &body.concat());
    let mut keyspace = Keyspace::new();
    let stats = Loader::new(&file[..], LoadOptions::default()).unwrap().load(&mut keyspace, NOW).unwrap();
    assert_eq!((stats.keys, stats.expired, keyspace.expires()), (2, 1, 1));
    assert!(keyspace.get("k", NOW + 1).is_none() && keyspace.get("l", NOW + 1).is_some());
}

#[test]
fn an_empty_collection_that_replaces_a_key_removes_it() {
    let mut keyspace = Keyspace::new();
    keyspace.set("s", "old", NOW).unwrap();
    let mut options = LoadOptions::default();
    options.duplicate_key = DuplicateKey::Replace;
    assert_eq!(load(&file(11, b"\x02\x01s\0"), &mut keyspace, options).unwrap(), 0);
    assert!(keyspace.is_empty());
}
