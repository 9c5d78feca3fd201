//! Tests of coded strings. All commands must give the same replies as for plain strings.

use keyspace::{
    Error, Expiry, Keyspace, MaxmemoryPolicy, Options, RestoreOptions, RestoreValue, SetCondition, SetExpiry,
    SetOptions, Sharded, Ttl,
};
use std::time::Duration;
use values::Encoding;

const NOW: u64 = 1_000;

pub(crate) fn record(number: u64) -> String {
    let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let name = ["Ada", "Grace", "Barbara", "Edsger"][(hash >> 62) as usize];
    format!(
        r#"{{"id": {number}, "name": "{name}", "is_active": {}, "visits": {}}}"#,
        hash & 1 == 0,
        hash >> 52
    )
}

/// Returns a keyspace with `count` plain strings and as many coded ones. The plain strings were set before
/// there was a table, so a pass over the keyspace codes them too.
fn with_records(count: u64) -> Keyspace {
    let mut keyspace = Keyspace::new();
    for number in 0..count {
        keyspace.set(&format!("plain:{number}"), &record(number), NOW).unwrap();
    }
    let table = keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap();
    assert!(table.is_some_and(|table| table.symbols().len() > 20));
    for number in 0..count {
        keyspace.set(&format!("coded:{number}"), &record(number), NOW).unwrap();
    }
    keyspace.check();
    keyspace
}

fn is_coded(keyspace: &Keyspace, key: &str) -> bool {
    keyspace.get_string(key, NOW).unwrap().unwrap().plain().is_none()
}

#[test]
fn coded_strings_take_less_memory_and_read_as_their_text() {
    let keyspace = with_records(500);
    let (mut buffer, mut out) = (Vec::new(), Vec::new());
    for number in 0..500 {
        let (key, plain, text) = (format!("coded:{number}"), format!("plain:{number}"), record(number));
        assert!(is_coded(&keyspace, &key) && !is_coded(&keyspace, &plain));
        let string = keyspace.get_string(&key, NOW).unwrap().unwrap();
        assert_eq!(string, text.as_str());
        assert_eq!(&*string.text(&mut buffer).unwrap(), text.as_bytes());
        assert_eq!(&*string.to_bytes(), text.as_bytes());
        out.clear();
        out.push(b'$');
        string.append_to(&mut out).unwrap();
        assert_eq!(out, format!("${text}").as_bytes());
        assert_eq!((string.len(), keyspace.strlen(&key, NOW)), (text.len(), Ok(text.len())));
        assert_eq!(keyspace.encoding(&key, NOW), Some(Encoding::Raw));
        let [coded, plain] = [&key, &plain].map(|key| keyspace.memory_usage(key, NOW).unwrap());
        assert!(coded < plain, "{coded} {plain}");
        assert_eq!(keyspace.get(&key, NOW), keyspace.get(&format!("plain:{number}"), NOW));
    }
}

#[test]
fn edits_change_the_text_and_code_it_again_unless_it_grows() {
    let mut keyspace = with_records(100);
    let text = record(7);
    assert_eq!(keyspace.append("coded:7", b" and more", NOW), Ok(text.len() + 9));
    assert_eq!(keyspace.get_string("coded:7", NOW).unwrap().unwrap(), format!("{text} and more").as_str());
    assert!(!is_coded(&keyspace, "coded:7"), "it is likely to grow again");
    keyspace.set("long", &text.repeat(30), NOW).unwrap();
    keyspace.set_range("long", 0, b"[", NOW).unwrap();
    assert!(!is_coded(&keyspace, "long"), "an edit would take O(len)");
    keyspace.append("new", text.as_bytes(), NOW).unwrap();
    assert!(!is_coded(&keyspace, "new"));
    keyspace.set_range("coded:8", 2, b"ID", NOW).unwrap();
    assert_eq!(keyspace.get_string("coded:8", NOW).unwrap().unwrap(), record(8).replace("id", "ID").as_str());
    assert!(is_coded(&keyspace, "coded:8"));
    assert!(matches!(keyspace.incr_by("coded:9", 1, NOW), Err(Error::Value(_))));
    assert!(matches!(keyspace.incr_by_float("coded:9", 1.0, NOW), Err(Error::Value(_))));
    assert_eq!(keyspace.get_string("coded:9", NOW).unwrap().unwrap(), record(9).as_str());
    keyspace.check();
}

#[test]
fn keys_with_coded_strings_can_be_renamed_copied_moved_and_taken() {
    let (mut keyspace, mut other) = (with_records(100), Keyspace::new());
    keyspace.rename("coded:1", "a much longer name for this key", NOW).unwrap();
    assert_eq!(
        keyspace.get_string("a much longer name for this key", NOW).unwrap().unwrap(),
        record(1).as_str()
    );
    assert!(keyspace.copy("coded:2", "copy", false, NOW).unwrap() && is_coded(&keyspace, "copy"));
    assert_eq!(keyspace.get("copy", NOW), keyspace.get("coded:2", NOW));
    assert!(keyspace.copy_to("coded:3", &mut other, "copy", false, NOW).unwrap());
    assert!(keyspace.move_to("coded:4", &mut other, NOW).unwrap());
    assert!(!is_coded(&other, "copy") && !is_coded(&other, "coded:4"));
    assert_eq!(other.get_string("coded:4", NOW).unwrap().unwrap(), record(4).as_str());
    let old = keyspace.get_expire("coded:5", Some(Expiry::InSeconds(5)), NOW).unwrap().unwrap();
    assert_eq!(&*old.as_element().text(), record(5).as_bytes());
    assert!(is_coded(&keyspace, "coded:5"));
    let old = keyspace.get_remove("coded:6", NOW).unwrap().unwrap();
    assert_eq!(&*old.as_element().text(), record(6).as_bytes());
    let text = record(7);
    let swap =
        SetOptions { condition: SetCondition::IfEqual(text.as_bytes()), get: true, ..SetOptions::default() };
    let outcome = keyspace.set_with("coded:7", &record(8), &swap, NOW).unwrap();
    assert!(outcome.is_set && outcome.old.is_some_and(|old| &*old.as_element().text() == text.as_bytes()));
    assert!(is_coded(&keyspace, "coded:7"));
    assert!(!keyspace.set_with("coded:7", "another", &swap, NOW).unwrap().is_set);
    keyspace.expire("coded:7", Expiry::InSeconds(5), Default::default(), NOW).unwrap();
    let keep = SetOptions { expiry: SetExpiry::Keep, ..SetOptions::default() };
    assert!(keyspace.set_with("coded:7", &record(9), &keep, NOW).unwrap().is_set);
    assert!(is_coded(&keyspace, "coded:7") && keyspace.ttl("coded:7", NOW) == Ttl::Millis(5_000));
    keyspace.check();
    other.check();
}

#[test]
fn what_does_not_become_smaller_is_stored_as_it_is() {
    let mut keyspace = with_records(100);
    for (key, value) in
        [("integer", "1234567890"), ("short", "{\"id\": "), ("empty", ""), ("random", "q8#Zk!0vX~")]
    {
        keyspace.set(key, value, NOW).unwrap();
        assert!(!is_coded(&keyspace, key), "{key}");
    }
    let long = record(5).repeat(300);
    keyspace.set("long", &long, NOW).unwrap();
    assert!(!is_coded(&keyspace, "long"), "{} bytes are too many", long.len());
    keyspace.set("shorter", &long[..8_000], NOW).unwrap();
    assert!(is_coded(&keyspace, "shorter"));
    assert!(keyspace.memory_usage("shorter", NOW).unwrap() < 5_000);
    keyspace.check();
}

#[test]
fn coding_pauses_if_it_saves_nothing() {
    let mut keyspace = with_records(100);
    let mut state = 1_u64;
    for number in 0..5_000 {
        let text: Vec<u8> = (0..40)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        keyspace.set(&format!("random:{number}"), &text, NOW).unwrap();
    }
    assert!(keyspace.symbols_paused());
    keyspace.set("paused", &record(1), NOW).unwrap();
    assert!(!is_coded(&keyspace, "paused") && is_coded(&keyspace, "coded:2"));
    let table = with_records(50).symbols().unwrap().clone();
    keyspace.set_symbols(Some(table.clone())).unwrap();
    keyspace.set("goes on", &record(1), NOW).unwrap();
    assert!(is_coded(&keyspace, "goes on") && is_coded(&keyspace, "coded:2"));
    keyspace.check();
}

#[test]
fn a_pause_lasts_while_a_new_table_is_on_its_way() {
    let mut keyspace = with_records(100);
    keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
    for number in 0..5_000_u64 {
        let text = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_ne_bytes().repeat(2);
        keyspace.set(&format!("random:{number}"), &text, NOW).unwrap();
    }
    assert!(keyspace.symbols_paused());
    assert_eq!(keyspace.set_symbols(with_records(50).symbols().cloned()), Err(Error::SymbolsInUse));
    assert!(keyspace.symbols_paused());
    maintain(&mut keyspace);
    assert!(is_coded(&keyspace, "plain:7") && keyspace.symbols_paused());
    keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
    assert!(!keyspace.symbols_paused());
}

#[test]
fn a_limit_holds_more_coded_strings_than_plain_ones() {
    let (limit, count) = (200 << 10, 10_000);
    let table = with_records(500).symbols().cloned();
    let kept = [None, table].map(|table| {
        let options = Options::new().maxmemory(limit).maxmemory_policy(MaxmemoryPolicy::AllkeysLru);
        let mut keyspace = Keyspace::with_options(options);
        keyspace.set_symbols(table).unwrap();
        for number in 0..count {
            let key = format!("key:{number}");
            keyspace.set(&key, &record(number), NOW).unwrap();
            assert!(keyspace.counted_bytes() <= limit);
            keyspace.set_range(&format!("key:{}", number / 2), 0, b"[", NOW).unwrap();
            keyspace.append(&format!("key:{}", number / 3), b"]", NOW).unwrap();
            assert!(keyspace.counted_bytes() <= limit);
        }
        keyspace.check();
        keyspace.len()
    });
    assert!(10 * kept[1] > 12 * kept[0], "{kept:?}"); // strings that have grown by an edit are plain
}

#[test]
fn a_coded_string_that_grows_stays_within_the_limit_or_is_refused() {
    let mut keyspace = with_records(100);
    for (old_len, added) in
        [900, 3_000].iter().flat_map(|old| [1, 200, 5_000, 70_000].map(|added| (*old, added)))
    {
        let text: Vec<u8> = (0..).flat_map(|n| record(n).into_bytes()).take(old_len).collect();
        for room in (0..200_000).step_by(5_000) {
            keyspace.set_options(Options::new());
            keyspace.set("coded", &text[..], NOW).unwrap();
            assert!(is_coded(&keyspace, "coded"));
            let limit = keyspace.counted_bytes() + room;
            keyspace.set_options(Options::new().maxmemory(limit));
            let grown = keyspace.set_range("coded", old_len, &vec![b'x'; added], NOW);
            match grown {
                Ok(len) => assert_eq!(len, old_len + added),
                Err(error) => assert!(matches!(error, Error::MaxmemoryReached { .. }) && room < 180_000),
            }
            assert!(keyspace.counted_bytes() <= limit, "{added} bytes more than {old_len}, room {room}");
        }
    }
}

#[test]
fn a_move_that_is_refused_leaves_the_string_coded() {
    let (mut keyspace, mut other) = (with_records(100), Keyspace::new());
    other.set("coded:1", "another", NOW).unwrap();
    let before = keyspace.memory_usage("coded:1", NOW);
    assert!(!keyspace.move_to("coded:1", &mut other, NOW).unwrap());
    assert!(!keyspace.copy_to("coded:1", &mut other, "coded:1", false, NOW).unwrap());
    assert!(!keyspace.rename_absent("coded:1", "coded:2", NOW).unwrap());
    assert!(is_coded(&keyspace, "coded:1") && keyspace.memory_usage("coded:1", NOW) == before);
    other.set_options(Options::new().maxmemory(1));
    assert!(matches!(keyspace.move_to("coded:2", &mut other, NOW), Err(Error::MaxmemoryReached { .. })));
    assert!(is_coded(&keyspace, "coded:2"));
}

#[test]
fn a_key_whose_hash_the_caller_gave_is_coded_in_its_place() {
    let mut keyspace = with_records(100);
    let key = keyspace::Key::with_hash(b"a hash of one's own", 7);
    keyspace.set(key, &record(1), NOW).unwrap();
    keyspace.set_symbols(None).unwrap();
    maintain_unchecked(&mut keyspace);
    let string = keyspace.get_string(key, NOW).unwrap().unwrap();
    assert!(string.plain().is_some() && string == record(1).as_str());
    keyspace.set_symbols(with_records(50).symbols().cloned()).unwrap();
    maintain_unchecked(&mut keyspace);
    let string = keyspace.get_string(key, NOW).unwrap().unwrap();
    assert!(string.plain().is_none() && string == record(1).as_str());
    assert!(keyspace.remove(key, NOW));
    keyspace.check();
}

#[test]
fn shards_share_a_table() {
    let sharded = Sharded::new(4);
    for number in 0..1_000 {
        let key = format!("key:{number}");
        sharded.write(&key, |shard, key| shard.set(key, &record(number), NOW)).unwrap();
    }
    let table = sharded.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
    let mut coded = 0;
    sharded.for_each_mut(|shard| {
        assert!(std::sync::Arc::ptr_eq(shard.symbols().unwrap(), &table));
        coded += maintain(shard).keys;
    });
    assert_eq!(coded, 1_000);
    sharded.set_symbols(None).unwrap();
    sharded.for_each_mut(|shard| assert!(maintain(shard).keys > 0));
    assert_eq!(std::sync::Arc::strong_count(&table), 1);
}

/// Calls [`Keyspace::maintain`] until it has nothing to do.
pub(crate) fn maintain(keyspace: &mut Keyspace) -> keyspace::Recoded {
    let recoded = maintain_unchecked(keyspace);
    keyspace.check();
    recoded
}

/// Like [`maintain`], but without [`Keyspace::check`].
fn maintain_unchecked(keyspace: &mut Keyspace) -> keyspace::Recoded {
    let mut recoded = keyspace::Recoded::default();
    for round in 0.. {
        let done = keyspace.maintain(NOW, Duration::from_millis(1), || Duration::ZERO);
        recoded.keys += done.recoded.keys;
        recoded.bytes_saved += done.recoded.bytes_saved;
        if !done.next.is_zero() {
            assert!(done.recoded.is_complete && round < 1_000);
            break;
        }
    }
    recoded
}

#[test]
fn maintain_codes_the_strings_that_are_there() {
    let mut keyspace = with_records(500);
    let before = keyspace.allocation_size();
    let recoded = maintain(&mut keyspace);
    assert_eq!(recoded.keys, 500);
    assert_eq!(before - keyspace.allocation_size(), recoded.bytes_saved as usize);
    assert!((0..500).all(|number| is_coded(&keyspace, &format!("plain:{number}"))));
    assert_eq!(keyspace.get_string("plain:7", NOW).unwrap().unwrap(), record(7).as_str());
    assert_eq!(maintain(&mut keyspace).keys, 0);
}

#[test]
fn a_new_table_takes_the_place_of_the_old_one_and_none_decodes_all() {
    let mut keyspace = with_records(200);
    maintain(&mut keyspace);
    for _training in 0..3 {
        let old = keyspace.symbols().unwrap().clone();
        let new = keyspace.train_symbols(32 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
        assert_eq!(keyspace.set_symbols(Some(old.clone())), Err(Error::SymbolsInUse));
        assert_eq!(maintain(&mut keyspace).keys, 400);
        assert_eq!(std::sync::Arc::strong_count(&old), 1, "nothing is coded with it any more");
        assert!(std::sync::Arc::ptr_eq(&new, keyspace.symbols().unwrap()));
    }
    keyspace.set_symbols(None).unwrap();
    assert!(is_coded(&keyspace, "coded:1") && keyspace.symbols().is_none());
    let recoded = maintain(&mut keyspace);
    assert!(recoded.keys == 400 && recoded.bytes_saved < 0, "{recoded:?}");
    assert!(!is_coded(&keyspace, "coded:1"));
    assert_eq!(keyspace.get_string("coded:1", NOW).unwrap().unwrap(), record(1).as_str());
}

#[test]
fn keys_that_move_during_a_pass_are_not_missed() {
    let (mut keyspace, mut other) = (with_records(2_000), Keyspace::new());
    maintain(&mut keyspace);
    let old = keyspace.symbols().unwrap().clone();
    other.set_symbols(Some(old.clone())).unwrap();
    maintain(&mut other);
    keyspace.train_symbols(32 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
    let mut steps = 0;
    while !keyspace.recode_for(Duration::ZERO, || Duration::ZERO).is_complete {
        for number in [steps, 1_999 - steps] {
            keyspace.rename(&format!("plain:{number}"), &format!("renamed:{number}"), NOW).unwrap();
        }
        keyspace.move_to(&format!("coded:{steps}"), &mut other, NOW).unwrap();
        steps = (steps + 1).min(999);
        if steps == 999 {
            break;
        }
    }
    maintain(&mut keyspace);
    maintain(&mut other);
    let held = other.symbols().map_or(0, |table| usize::from(std::sync::Arc::ptr_eq(table, &old)));
    assert!(steps > 100 && std::sync::Arc::strong_count(&old) == 1 + 2 * held);
    assert_eq!(other.get_string("coded:7", NOW).unwrap().unwrap(), record(7).as_str());
    assert_eq!(keyspace.get_string("renamed:7", NOW).unwrap().unwrap(), record(7).as_str());
}

#[test]
fn without_strings_there_is_nothing_to_train_with() {
    let mut keyspace = Keyspace::new();
    assert!(keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().is_none());
    keyspace.set("integer", 1, NOW).unwrap();
    keyspace.sadd("set", "member", NOW).unwrap();
    assert!(keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().is_none());
    assert!(keyspace.symbols().is_none());
}

#[test]
fn a_pass_looks_at_every_string_of_a_place_with_many_bytes() {
    let mut keyspace = Keyspace::new();
    for number in 0..100 {
        keyspace.set(&format!("long:{number}"), &record(number).repeat(50), NOW).unwrap();
    }
    keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
    assert_eq!(maintain(&mut keyspace).keys, 100);
    keyspace.set_symbols(None).unwrap();
    assert_eq!(maintain(&mut keyspace).keys, 100);
}

/// After an edit, a string can have the digits of an integer as bytes.
#[test]
fn the_present_table_may_be_set_again_to_code_what_has_stayed_plain() {
    let mut keyspace = with_records(100);
    maintain(&mut keyspace);
    keyspace.append("coded:7", b" and more", NOW).unwrap();
    assert!(!is_coded(&keyspace, "coded:7") && maintain(&mut keyspace).keys == 0);
    keyspace.set_symbols(keyspace.symbols().cloned()).unwrap();
    assert_eq!(maintain(&mut keyspace).keys, 1);
    assert!(is_coded(&keyspace, "coded:7"));
}

#[test]
fn digits_of_an_integer_are_not_coded() {
    let mut keyspace = Keyspace::new();
    keyspace.append("digits", b"1234512345", NOW).unwrap();
    keyspace.append("digits", b"12345", NOW).unwrap();
    let table = keyspace::symbols::SymbolTable::from_symbols(["12345"]).unwrap();
    keyspace.set_symbols(Some(table.into())).unwrap();
    assert_eq!(maintain(&mut keyspace).keys, 0);
    assert!(!is_coded(&keyspace, "digits"));
}

#[test]
fn edits_of_one_key_do_not_pause_coding() {
    let mut keyspace = with_records(100);
    keyspace.set("plain", &(0..=255).collect::<Vec<u8>>(), NOW).unwrap();
    for number in 0..5_000_usize {
        keyspace.set_range("plain", number % 256, &[number as u8], NOW).unwrap();
    }
    assert!(!keyspace.symbols_paused());
}

#[test]
fn an_edit_that_fails_leaves_a_long_string_coded() {
    let mut keyspace = with_records(100);
    keyspace.set("long", &record(7).repeat(50), NOW).unwrap();
    let before = keyspace.memory_usage("long", NOW);
    assert!(is_coded(&keyspace, "long"));
    let too_far = keyspace.options().encoding_limits().proto_max_bulk_len;
    assert!(keyspace.set_range("long", too_far, b"x", NOW).is_err());
    assert!(is_coded(&keyspace, "long") && keyspace.memory_usage("long", NOW) == before);
}

#[test]
fn a_string_that_a_dump_has_is_tried_once() {
    for options in [Options::new(), Options::new().maxmemory(1 << 30)] {
        let mut keyspace = with_records(100);
        keyspace.set_options(options);
        for number in 0..3_000_u64 {
            let text = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_ne_bytes().repeat(2);
            let value = RestoreValue::String(text[..].into());
            assert!(keyspace.restore(&number.to_ne_bytes(), value, &RestoreOptions::default(), NOW).unwrap());
        }
        assert!(!keyspace.symbols_paused(), "3,000 are fewer than 4,096");
        let (text, options) = (record(7), RestoreOptions::default());
        let value = RestoreValue::String(text.as_str().into());
        assert!(keyspace.restore("restored", value, &options, NOW).unwrap());
        assert!(is_coded(&keyspace, "restored"));
    }
}

#[test]
fn a_pass_that_gains_too_little_leaves_plain_strings_as_they_are() {
    let table = with_records(500).symbols().cloned();
    for (min_gain, is_all) in [(0, true), (10, true), (90, false)] {
        let mut keyspace = Keyspace::new();
        (0..9_000).for_each(|n| keyspace.set(&format!("plain:{n}"), &record(n), NOW).unwrap());
        keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW).unwrap().unwrap();
        (0..500).for_each(|n| keyspace.set(&format!("old:{n}"), &record(n), NOW).unwrap());
        keyspace.set_symbols_min_gain(min_gain);
        keyspace.set_symbols(table.clone()).unwrap();
        maintain(&mut keyspace);
        let coded = (0..9_000).filter(|n| is_coded(&keyspace, &format!("plain:{n}"))).count();
        assert!(if is_all { coded > 8_900 } else { (3_900..=4_096).contains(&coded) }, "{coded}");
        assert!((0..500).all(|n| is_coded(&keyspace, &format!("old:{n}"))));
        // The old table was dropped, so there is room for another one, which tries the plain strings again.
        keyspace.set_symbols_min_gain(0);
        keyspace.set_symbols(with_records(400).symbols().cloned()).unwrap();
        maintain(&mut keyspace);
        assert!((0..9_000).filter(|n| is_coded(&keyspace, &format!("plain:{n}"))).count() > 8_900);
    }
}

#[test]
fn the_report_tells_what_coding_saves_and_what_another_table_would() {
    let random = || {
        let mut state = 0_u64;
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            (state ^ state >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9)
        }
    };
    let mut keyspace = Keyspace::new();
    assert_eq!(keyspace.symbols_report(1 << 20, random(), NOW).unwrap(), keyspace::SymbolsReport::default());
    for number in 0..4_000 {
        keyspace.set(&format!("record:{number}"), &record(number), NOW).unwrap();
        keyspace.set(&format!("number:{number}"), number as i64, NOW).unwrap();
    }
    let plain_size = keyspace.allocation_size() as i64;
    let before = keyspace.symbols_report(256 << 10, random(), NOW).unwrap();
    assert_eq!((before.keys, before.sampled_coded, before.saved_bytes()), (8_000, 0, 0));
    // Every second key has a string that can be coded.
    assert!((18..22).contains(&(before.sampled_keys * 10 / before.sampled_codable)), "{before:?}");
    keyspace.train_symbols(64 << 10, random(), NOW).unwrap().unwrap();
    maintain(&mut keyspace);
    let saved = plain_size - keyspace.allocation_size() as i64;
    let after = keyspace.symbols_report(256 << 10, random(), NOW).unwrap();
    assert_eq!(after.sampled_coded, after.sampled_codable);
    let is_near = |estimate: i64| (saved * 9 / 10..saved * 11 / 10).contains(&estimate);
    assert!(
        is_near(before.retraining_saves()) && is_near(after.saved_bytes()),
        "{before:?} {after:?} {saved}"
    );
    assert!(after.retraining_saves().abs() < saved / 10, "{after:?}");

    // A table of other texts saves nothing, and another training is worth as much as the first one.
    let other = keyspace::symbols::SymbolTable::from_symbols(["other"]).unwrap();
    keyspace.set_symbols(Some(other.into())).unwrap();
    maintain(&mut keyspace);
    let with_other = keyspace.symbols_report(256 << 10, random(), NOW).unwrap();
    assert!(is_near(with_other.retraining_saves()) && with_other.saved_bytes() == 0, "{with_other:?}");

    let sharded = Sharded::new(4);
    for number in 0..4_000 {
        let key = format!("record:{number}");
        sharded.write(&key, |shard, key| shard.set(key, &record(number), NOW)).unwrap();
    }
    let report = sharded.symbols_report(256 << 10, random(), NOW).unwrap();
    assert_eq!((report.keys, report.sampled_keys), (4_000, report.sampled_codable));
    assert!(is_near(report.retraining_saves()), "{report:?} {saved}");
}

#[test]
fn the_spare_room_of_a_plain_string_counts_as_neither_gain_nor_loss() {
    let mut keyspace = Keyspace::new();
    let mut random = keyspace::random_source();
    for number in 0..200 {
        let text: Vec<u8> = (0..250).flat_map(|_| random().to_le_bytes()).collect();
        keyspace.set(&format!("grown:{number}"), &text[..], NOW).unwrap();
        keyspace.append(&format!("grown:{number}"), &text[..100], NOW).unwrap();
    }
    let report = keyspace.symbols_report(256 << 10, random, NOW).unwrap();
    assert!(report.bytes > 4_000 * report.sampled_codable as u64, "a string has as much spare room as text");
    assert_eq!(report.saved_bytes(), 0);
}
