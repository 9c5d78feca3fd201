//! Tests of large values that are written and read in many calls.

use crate::NOW;
use crate::model::{content, model};
use rdb::keyspace::values::list::Side;
use rdb::keyspace::values::{Hash, List, Set, ZSet};
use rdb::keyspace::{Keyspace, Value};
use rdb::{KeyMeta, LoadOptions, Loader, SaveError, WriteOptions, Writer};

const ELEMENTS: usize = 20_000;

fn large() -> Keyspace {
    let mut keyspace = Keyspace::new();
    let limits = *keyspace.options().encoding_limits();
    let (mut list, mut set, mut hash, mut zset) = (List::new(), Set::new(), Hash::new(), ZSet::new());
    for n in 0..ELEMENTS {
        let text = format!("element:{n}");
        list.push_back(&text, &limits);
        set.insert(&text, &limits);
        hash.insert(&text, n as i64, &limits);
        zset.insert(&text, (n * 7_919 % 10_007) as f64, &limits).unwrap();
    }
    let values: [(&str, Value); 4] =
        [("list", list.into()), ("set", set.into()), ("hash", hash.into()), ("zset", zset.into())];
    for (key, value) in values {
        keyspace.insert(key, value, None, NOW).unwrap();
    }
    keyspace
}

/// Writes all keys in slices of this many elements. Returns the file, the largest number of bytes that a
/// slice wrote, and the number of calls.
fn write(keyspace: &Keyspace, elements: usize) -> (Vec<u8>, u64, usize) {
    let mut options = WriteOptions::default();
    options.compression = false;
    let mut writer = Writer::new(Vec::new(), &options).unwrap();
    let (mut most, mut calls) = (0, 0);
    for key in ["list", "set", "hash", "zset"] {
        let value = || keyspace.get(key, NOW).unwrap();
        let meta = KeyMeta { key: key.as_bytes(), ..KeyMeta::default() };
        let mut progress = writer.begin_key(&meta, value()).unwrap();
        loop {
            let before = writer.offset();
            let complete = writer.write_value(&mut progress, value(), elements).unwrap();
            most = most.max(writer.offset() - before);
            calls += 1;
            assert_eq!(complete, progress.is_complete());
            if complete {
                break;
            }
        }
    }
    (writer.finish().unwrap(), most, calls)
}

#[test]
fn a_large_value_is_written_in_slices_and_is_the_same_file() {
    let keyspace = large();
    let (whole, _, calls) = write(&keyspace, usize::MAX);
    assert_eq!(calls, 4);
    for elements in [1, 10, 1_000, ELEMENTS - 1, ELEMENTS] {
        let (file, most, calls) = write(&keyspace, elements);
        assert!(file == whole, "{elements}");
        if elements <= 1_000 {
            // An element has at most 23 bytes, and a node of a list has 8 KiB. A place of a table has some
            // tens of elements. 64 bytes of a node count as one element.
            assert!(most < 12_000 + 64 * elements as u64, "{most} bytes at once for {elements}");
            assert!(calls > 4, "{calls}");
        }
    }
    let mut copy = Keyspace::new();
    Loader::new(&whole[..], LoadOptions::default()).unwrap().load(&mut copy, NOW).unwrap();
    assert_eq!(model(&copy), model(&keyspace));
}

#[test]
fn a_large_value_is_read_in_slices() {
    let keyspace = large();
    let (file, ..) = write(&keyspace, usize::MAX);
    let mut copy = Keyspace::new();
    let mut loader = Loader::new(&file[..], LoadOptions::default()).unwrap();
    let (mut steps, mut before) = (0, 0);
    loop {
        let stats = loader.load_some(&mut copy, 10, NOW).unwrap();
        steps += 1;
        assert!(stats.bytes - before < 64 << 10, "{} bytes in a step", stats.bytes - before);
        before = stats.bytes;
        if stats.is_complete {
            break;
        }
    }
    assert!(steps > 4 * ELEMENTS / 400, "{steps}");
    assert_eq!(model(&copy), model(&keyspace));
}

/// A caller must not change a value between two slices. The writer notices a change of the number of
/// elements.
#[test]
fn a_value_that_was_changed_between_two_slices_is_noticed() {
    for key in ["list", "set", "hash", "zset"] {
        for grows in [false, true] {
            let mut keyspace = large();
            let limits = *keyspace.options().encoding_limits();
            let mut writer = Writer::new(Vec::new(), &WriteOptions::default()).unwrap();
            let meta = KeyMeta { key: b"k", ..KeyMeta::default() };
            let mut progress = writer.begin_key(&meta, keyspace.get(key, NOW).unwrap()).unwrap();
            assert!(!writer.write_value(&mut progress, keyspace.get(key, NOW).unwrap(), 10).unwrap());
            let other = if grows { ELEMENTS } else { 0 };
            for n in 0..3_000 {
                let text = format!("element:{}", other + n);
                match key {
                    "list" => {
                        let changed = keyspace.edit_as::<List, _, rdb::keyspace::Error>(key, NOW, |list| {
                            if grows {
                                list.try_push(Side::Back, &[b'x'; 100], &limits)?;
                            } else {
                                list.try_pop(Side::Back, &limits)?;
                            }
                            Ok(())
                        });
                        changed.unwrap();
                    }
                    "set" if grows => drop(keyspace.sadd(key, &text, NOW)),
                    "set" => drop(keyspace.srem(key, &text, NOW)),
                    "hash" if grows => drop(keyspace.hset(key, &text, "v", NOW)),
                    "hash" => drop(keyspace.hdel(key, &text, NOW)),
                    _ if grows => drop(keyspace.zadd(key, &text, 0.0, Default::default(), NOW)),
                    _ => drop(keyspace.zrem(key, &text, NOW)),
                }
            }
            let value = keyspace.get(key, NOW).unwrap();
            let error = loop {
                match writer.write_value(&mut progress, value, 1_000) {
                    Ok(true) => panic!("{key} was written"),
                    Ok(false) => {}
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, SaveError::Changed), "{key}: {error}");
        }
    }
    let mut keyspace = Keyspace::new();
    keyspace.set("a", "text", NOW).unwrap();
    keyspace.sadd("b", "member", NOW).unwrap();
    let mut writer = Writer::new(Vec::new(), &WriteOptions::default()).unwrap();
    let mut progress = writer.begin_key(&KeyMeta::default(), keyspace.get("a", NOW).unwrap()).unwrap();
    let other = writer.write_value(&mut progress, keyspace.get("b", NOW).unwrap(), 1);
    assert!(matches!(other, Err(SaveError::Changed)));
}

/// The string does not fit in the buffers. It is tried with and without compression.
#[test]
fn a_string_of_megabytes_comes_back() {
    let mut keyspace = Keyspace::new();
    let mut noise = 1_u64;
    let mut next = || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    };
    let random: Vec<u8> = (0..3_000_000).map(|_| next()).collect();
    let limits = *keyspace.options().encoding_limits();
    let mut hash = Hash::new();
    hash.insert(&random[..200_000], &random[200_000..900_000], &limits);
    keyspace.set(&random[..100_000], "a long key", NOW).unwrap();
    keyspace.set("noise", &random, NOW).unwrap();
    keyspace.set("letters", &vec![b'x'; 2_000_000], NOW).unwrap();
    keyspace.insert("hash", hash, None, NOW).unwrap();
    for compression in [false, true] {
        let mut options = WriteOptions::default();
        options.compression = compression;
        let file = rdb::save(&keyspace, Vec::new(), &options, NOW).unwrap();
        let mut copy = Keyspace::new();
        Loader::new(&file[..], LoadOptions::default()).unwrap().load(&mut copy, NOW).unwrap();
        assert!(model(&copy) == model(&keyspace), "compression: {compression}");
        assert_eq!(content(copy.get("noise", NOW).unwrap()), content(keyspace.get("noise", NOW).unwrap()));
        assert_eq!(copy.allocation_size(), keyspace.allocation_size());
    }
}

/// Without the check, the new members, which come first, would be written twice.
#[test]
fn members_that_are_added_between_two_slices_are_noticed_even_if_their_number_fits() {
    let mut keyspace = large();
    let mut writer = Writer::new(Vec::new(), &WriteOptions::default()).unwrap();
    let len = ELEMENTS;
    let meta = KeyMeta { key: b"k", ..KeyMeta::default() };
    let mut progress = writer.begin_key(&meta, keyspace.get("zset", NOW).unwrap()).unwrap();
    assert!(!writer.write_value(&mut progress, keyspace.get("zset", NOW).unwrap(), len - 5).unwrap());
    for n in 0..5 {
        keyspace.zadd("zset", &format!("new {n}"), f64::INFINITY, Default::default(), NOW).unwrap();
    }
    let error = writer.write_value(&mut progress, keyspace.get("zset", NOW).unwrap(), 5).unwrap_err();
    assert!(matches!(error, SaveError::Changed), "{error}");
}
