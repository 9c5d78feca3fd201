//! Tests of coded keys. All commands must find such a key by its text, and must show this text.

use crate::coded::{maintain, record};
use keyspace::symbols::SymbolTable;
use keyspace::{
    Cursor, Error, Event, Expiry, Key, KeyRef, Keyspace, MaxmemoryPolicy, Options, RestoreOptions,
    RestoreValue, ScanOptions, SetOptions, Sharded,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use values::list::Side;

const NOW: u64 = 1_000;

/// Returns the name of a key, which has 28 or 29 bytes.
fn name(number: usize) -> String {
    format!("session:user:{number:04}:profile{}", if number.is_multiple_of(2) { "" } else { "s" })
}

/// Returns a table for such names.
fn table() -> Arc<SymbolTable> {
    let symbols = ["session:", "user:", ":profile", "00", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    Arc::new(SymbolTable::from_symbols(symbols).unwrap())
}

/// Adds a value that depends on the number: a string in one of its forms, or a collection.
fn add(keyspace: &mut Keyspace, key: &str, number: usize) {
    match number % 6 {
        0 => keyspace.set(key, number as i64, NOW).unwrap(),
        1 => keyspace.set(key, "a string", NOW).unwrap(),
        2 => assert_eq!(keyspace.push(key, Side::Back, "element", NOW), Ok(())),
        3 => assert!(keyspace.sadd(key, "member", NOW).unwrap()),
        4 => assert!(keyspace.hset(key, "field", "value", NOW).unwrap()),
        _ => keyspace.set(key, &"x".repeat(2_000), NOW).unwrap(),
    }
}

fn with_keys(count: usize, has_table: bool) -> Keyspace {
    let mut keyspace = Keyspace::new();
    if has_table {
        keyspace.set_symbols(Some(table())).unwrap();
        maintain(&mut keyspace);
    }
    (0..count).for_each(|number| add(&mut keyspace, &name(number), number));
    keyspace.check();
    keyspace
}

fn is_coded(keyspace: &Keyspace, key: &str) -> bool {
    keyspace.get_record(key, NOW).unwrap().key.plain().is_none()
}

/// Returns the number of coded keys.
fn coded(keyspace: &Keyspace) -> usize {
    keyspace.iter(NOW).filter(|(key, _value)| key.plain().is_none()).count()
}

#[test]
fn coded_keys_take_less_memory_and_are_found() {
    let [plain, keyspace] = [false, true].map(|has_table| with_keys(600, has_table));
    assert!(coded(&plain) == 0 && coded(&keyspace) > 500, "{}", coded(&keyspace));
    for number in 0..600 {
        let name = name(number);
        let [size, plain_size] = [&keyspace, &plain].map(|it| it.memory_usage(&name, NOW).unwrap());
        assert_eq!(size < plain_size, is_coded(&keyspace, &name), "{name}: {size}, {plain_size}");
        assert_eq!(keyspace.get(&name, NOW), plain.get(&name, NOW));
        for other in
            [&name[1..], &name[..name.len() - 1], &name.replace("user", "User"), &(name.clone() + "0")]
        {
            assert!(keyspace.get(other, NOW).is_none(), "{other}");
        }
    }
    assert!(keyspace.allocation_size() < plain.allocation_size());
}

#[test]
fn everything_that_lists_keys_shows_their_text() {
    let mut keyspace = with_keys(300, true);
    let names: BTreeSet<Vec<u8>> = (0..300).map(|number| name(number).into_bytes()).collect();
    let found: BTreeSet<_> = keyspace.iter(NOW).map(|(key, _value)| key.to_vec()).collect();
    assert_eq!(found, names);
    let found: BTreeSet<_> = keyspace.records(NOW).map(|record| record.key.text().to_vec()).collect();
    assert_eq!(found, names);
    let found: BTreeSet<_> = keyspace.keys(b"session:*:profile", NOW).map(KeyRef::to_vec).collect();
    assert!(found.len() == 150 && found.is_subset(&names));
    let one: Vec<_> = keyspace.keys(name(7).as_bytes(), NOW).collect();
    assert!(one == [name(7)] && one[0] == one[0] && format!("{one:?}").contains(&name(7)));
    assert!(names.contains(&*keyspace.random_key(NOW, keyspace::random_source()).unwrap().text()));
    let (mut cursor, mut found) = (Cursor::START, BTreeSet::new());
    let options = ScanOptions { pattern: Some(b"*7*"), ..ScanOptions::default() };
    loop {
        cursor = keyspace.scan(cursor, &options, NOW, |key, _value| _ = found.insert(key.to_vec()));
        if cursor.is_start() {
            break;
        }
    }
    assert!(found.iter().eq(names.iter().filter(|name| name.contains(&b'7'))));
    let events = Arc::new(Mutex::new(BTreeSet::new()));
    let shown = Arc::clone(&events);
    let noted = keyspace.on_event(move |event| {
        if let Event::Removed(key) | Event::Expired(key) = event {
            shown.lock().unwrap().insert(key.to_vec());
        }
    });
    noted.unwrap();
    for number in (0..300).step_by(3) {
        assert!(keyspace.expire(&name(number), Expiry::InSeconds(1), Default::default(), NOW).unwrap());
    }
    keyspace.expire_some(NOW + 1_000, 1_000);
    assert!(keyspace.remove(&name(1), NOW));
    keyspace.retain(NOW, |key, _value| names.contains(key) && !key.ends_with(b"s"));
    keyspace.check();
    let gone = |number: &usize| number.is_multiple_of(3) || !number.is_multiple_of(2);
    let gone: BTreeSet<_> = (0..300).filter(gone).map(|number| name(number).into_bytes()).collect();
    assert_eq!(*events.lock().unwrap(), gone);
    assert_eq!(keyspace.len(), 300 - gone.len());
}

#[test]
fn short_keys_long_keys_and_keys_that_do_not_become_smaller_are_stored_as_they_are() {
    let mut keyspace = with_keys(0, true);
    let text = name(0).repeat(20);
    for len in 0..text.len() {
        keyspace.set(&text[..len], 7, NOW).unwrap();
        assert!((17..=255).contains(&len) || !is_coded(&keyspace, &text[..len]), "{len}");
    }
    assert!(is_coded(&keyspace, &text[..28]) && is_coded(&keyspace, &text[..255]));
    let other = "Without Symbols In It, And So Plain";
    keyspace.set(other, 7, NOW).unwrap();
    assert!(!is_coded(&keyspace, other));
    keyspace.set_symbols(Some(Arc::new(SymbolTable::from_symbols(["11"]).unwrap()))).unwrap();
    let (most, too_many) = ("1".repeat(254), "1".repeat(255)); // 127 and 129 codes
    keyspace.set(&most, 7, NOW).unwrap();
    keyspace.set(&too_many, 7, NOW).unwrap();
    assert!(is_coded(&keyspace, &most) && !is_coded(&keyspace, &too_many));
    keyspace.check();
}

#[test]
fn a_pass_codes_keys_codes_them_with_another_table_and_decodes_them() {
    let (mut keyspace, table) = (with_keys(400, false), table());
    let before = keyspace.allocation_size();
    keyspace.set_symbols(Some(table.clone())).unwrap();
    let recoded = maintain(&mut keyspace);
    assert!(recoded.keys == coded(&keyspace) && recoded.keys > 300);
    assert_eq!(before - keyspace.allocation_size(), recoded.bytes_saved as usize);
    let smaller = keyspace.allocation_size();
    let other =
        ["session", ":user:", ":profile", "profiles", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let other = Arc::new(SymbolTable::from_symbols(other).unwrap());
    keyspace.set_symbols(Some(other.clone())).unwrap();
    // The names that are written meanwhile are coded with the new table.
    (400..500).for_each(|number| add(&mut keyspace, &name(number), number));
    assert_eq!(keyspace.set_symbols(Some(table.clone())), Err(Error::SymbolsInUse));
    maintain(&mut keyspace);
    assert_eq!(Arc::strong_count(&table), 1, "nothing is coded with it any more");
    assert!((0..500).all(|number| keyspace.contains_key(&name(number), NOW)));
    (400..500).for_each(|number| assert!(keyspace.remove(&name(number), NOW)));
    assert!(coded(&keyspace) > 300 && keyspace.allocation_size() < (before + smaller) / 2);
    keyspace.set_symbols(None).unwrap();
    maintain(&mut keyspace);
    assert_eq!((coded(&keyspace), Arc::strong_count(&other)), (0, 1));
    assert!((0..400).all(|number| keyspace.contains_key(&name(number), NOW)));
}

#[test]
fn keys_that_are_renamed_copied_moved_restored_or_added_by_an_edit_are_coded() {
    let (mut keyspace, mut other) = (with_keys(60, true), Keyspace::new());
    for number in 0..60 {
        let (old, new) = (name(number), name(number + 1_000));
        let value = format!("{:?}", keyspace.get(&old, NOW).unwrap());
        keyspace.rename(&old, &new, NOW).unwrap();
        assert!(is_coded(&keyspace, &new) && !keyspace.contains_key(&old, NOW));
        keyspace.rename(&new, &new, NOW).unwrap();
        assert!(keyspace.copy(&new, &old, false, NOW).unwrap() && is_coded(&keyspace, &old));
        assert!(keyspace.move_to(&new, &mut other, NOW).unwrap() && !is_coded(&other, &new));
        assert!(other.move_to(&new, &mut keyspace, NOW).unwrap() && is_coded(&keyspace, &new));
        assert!(keyspace.copy_to(&new, &mut other, &new, false, NOW).unwrap() && !is_coded(&other, &new));
        assert_eq!(format!("{:?}", keyspace.get(&new, NOW).unwrap()), value);
    }
    let options = RestoreOptions::default();
    for (number, options) in [(1, options), (2, RestoreOptions { replace: true, ..options })] {
        let name = name(2_000 + number);
        assert!(keyspace.restore(&name, RestoreValue::String(7.into()), &options, NOW).unwrap());
        assert!(is_coded(&keyspace, &name));
    }
    let edits: [fn(&mut Keyspace, &str); 5] = [
        |keyspace, name| _ = keyspace.incr_by(name, 1, NOW).unwrap(),
        |keyspace, name| _ = keyspace.incr_by_float(name, 1.0, NOW).unwrap(),
        |keyspace, name| _ = keyspace.append(name, b"1.5", NOW).unwrap(),
        |keyspace, name| _ = keyspace.set_with(name, "1.5", &SetOptions::default(), NOW).unwrap(),
        |keyspace, name| {
            keyspace.set(name, "old", 0).unwrap();
            assert!(keyspace.expire(name, Expiry::AtMillis(1), Default::default(), 0).unwrap());
            keyspace.set(name, "new", NOW).unwrap();
        },
    ];
    for (number, add) in edits.into_iter().enumerate() {
        add(&mut keyspace, &name(4_000 + number));
        assert!(is_coded(&keyspace, &name(4_000 + number)), "{number}");
    }
    let name = name(3_000);
    let mut set = values::Set::new();
    set.insert("member", &Default::default());
    keyspace.insert(&name, set, None, NOW).unwrap();
    assert!(is_coded(&keyspace, &name));
    keyspace.check();
    other.check();
}

#[test]
fn a_rename_to_a_name_with_as_many_codes_needs_no_room() {
    let mut keyspace = Keyspace::new();
    // Without symbols for digits, all names have codes of the same length.
    let table = SymbolTable::from_symbols(["session:", "user:", ":profile"]).unwrap();
    keyspace.set_symbols(Some(Arc::new(table))).unwrap();
    let numbers = || (0..60).step_by(2);
    numbers().for_each(|number| keyspace.set(&name(number), number as i64, NOW).unwrap());
    let limit = keyspace.counted_bytes();
    keyspace.set_options(Options::new().maxmemory(limit));
    for number in numbers() {
        let new = name(number + 1_000);
        keyspace.rename(&name(number), &new, NOW).unwrap();
        assert!(is_coded(&keyspace, &new));
        // This name cannot be coded, so it needs a larger block.
        let renamed = keyspace.rename(&new, "A Name Without Any Symbol In It!", NOW);
        assert!(matches!(renamed, Err(Error::MaxmemoryReached { .. })));
    }
    keyspace.check();
}

#[test]
fn a_key_stays_coded_while_its_value_and_its_expiry_change() {
    let mut keyspace = with_keys(60, true);
    for number in (0..60).step_by(6) {
        let name = name(number);
        assert!(is_coded(&keyspace, &name));
        keyspace.expire(&name, Expiry::InSeconds(9), Default::default(), NOW).unwrap();
        assert_eq!(keyspace.incr_by(&name, 1, NOW), Ok(number as i64 + 1));
        keyspace.append(&name, b"0123456789", NOW).unwrap();
        keyspace.set_range(&name, 1_500, b"behind", NOW).unwrap();
        keyspace.persist(&name, NOW);
        keyspace.set(&name, "short again", NOW).unwrap();
        assert!(is_coded(&keyspace, &name));
        assert_eq!(keyspace.get_string(&name, NOW).unwrap().unwrap(), "short again");
        keyspace.set(&name, &record(number as u64), NOW).unwrap();
        assert_eq!(keyspace.get_string(&name, NOW).unwrap().unwrap(), record(number as u64).as_str());
        keyspace.check();
    }
    for number in (4..60).step_by(6) {
        (0..200).for_each(|n| _ = keyspace.hset(&name(number), &format!("field {n}"), n, NOW).unwrap());
        (0..200).for_each(|n| assert!(keyspace.hdel(&name(number), &format!("field {n}"), NOW).unwrap()));
        assert!(keyspace.hdel(&name(number), "field", NOW).unwrap());
        assert!(!keyspace.contains_key(&name(number), NOW));
    }
    keyspace.check();
}

/// The table moves an entry by the hash of its key, so the hash of a coded key must be that of its text.
#[test]
fn coded_keys_are_found_after_the_table_has_grown_and_shrunk() {
    let mut keyspace = with_keys(0, true);
    let count = 20_000;
    for number in 0..count {
        keyspace.set(&name(number), number as i64, NOW).unwrap();
    }
    assert!(coded(&keyspace) > count * 9 / 10);
    keyspace.check();
    for number in (0..count).filter(|number| number % 50 > 0) {
        assert!(keyspace.remove(&name(number), NOW));
    }
    while keyspace.rehash(100).chunks_merged > 0 {}
    keyspace.shrink_to_fit();
    keyspace.try_reserve(count).unwrap();
    keyspace.check();
    let names: Vec<String> = (0..count).step_by(50).map(name).collect();
    let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
    let mut found = 0;
    keyspace.get_each(&keys, NOW, |index, value| {
        assert_eq!(value.unwrap().as_string().unwrap(), (50 * index).to_string().as_str());
        found += 1;
    });
    assert_eq!(found, names.len());
}

#[test]
fn coded_keys_are_evicted_and_a_limit_holds_more_of_them() {
    use MaxmemoryPolicy::*;
    for policy in [AllkeysLru, AllkeysLfu, AllkeysRandom, AllkeysS3fifo, VolatileTtl, VolatileRandom] {
        let left = [false, true].map(|has_table| {
            let mut keyspace = with_keys(0, has_table);
            keyspace.set_options(Options::new().maxmemory(30 << 10).maxmemory_policy(policy));
            for number in 0..3_000 {
                let name = name(number);
                keyspace.set(&name, number as i64, NOW).unwrap();
                keyspace
                    .expire(&name, Expiry::InSeconds(9 + number as i64), Default::default(), NOW)
                    .unwrap();
                assert!(keyspace.counted_bytes() <= 30 << 10);
            }
            keyspace.check();
            keyspace.len()
        });
        assert!(left[0] > 100 && left[1] > left[0], "{policy}: {left:?}");
    }
}

#[test]
fn coding_of_keys_pauses_for_itself() {
    let mut keyspace = with_keys(10, true);
    for number in 0..5_000_u64 {
        let name = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_ne_bytes().repeat(3);
        keyspace.set(&name, &record(number), NOW).unwrap();
    }
    assert!(keyspace.symbols_paused_for_keys());
    keyspace.set(&name(5_000), 1, NOW).unwrap();
    assert!(!is_coded(&keyspace, &name(5_000)) && is_coded(&keyspace, &name(0)));
    keyspace.set_symbols(keyspace.symbols().cloned()).unwrap();
    assert!(!keyspace.symbols_paused_for_keys());
    keyspace.set(&name(5_001), 1, NOW).unwrap();
    assert!(is_coded(&keyspace, &name(5_001)));
}

#[test]
fn a_table_is_trained_with_keys_too() {
    let sharded = Sharded::new(4);
    for number in 0..2_000 {
        sharded.write(&name(number), |shard, key| shard.set(key, number as i64, NOW)).unwrap();
    }
    let before = sharded.allocation_size();
    let report = sharded.symbols_report(64 << 10, keyspace::random_source(), NOW).unwrap();
    assert_eq!((report.sampled_codable, report.saved_bytes()), (report.sampled_keys, 0));
    sharded.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
    sharded.for_each_mut(|shard| assert!(maintain(shard).keys > 0));
    let saved = (before - sharded.allocation_size()) as i64;
    let is_near = |estimate: i64| (saved * 9 / 10..saved * 11 / 10).contains(&estimate);
    let after = sharded.symbols_report(64 << 10, keyspace::random_source(), NOW).unwrap();
    assert!(
        is_near(report.retraining_saves()) && is_near(after.saved_bytes()),
        "{report:?} {after:?} {saved}"
    );
    assert!(saved > 2_000 * 8, "{saved}");
}
