//! Edges that a model rarely meets: closures that panic or replace what is lent to them, hashes that are not the key's, replies
//! that outlive a write.

use keyspace::{
    Event, ExpireOptions, Expiry, Key, Keyspace, Options, SetCondition, SetExpiry, SetOptions, Ttl, ValueRef,
};
use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use values::list::Side;
use values::{
    Collection, Edited, Element, Encoding, EncodingLimits, Hash, List, ObjectType, Room, Set, WrongType, ZSet,
};
use zmalloc::Region;

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// Fields that do not fit a listpack of [`small`].
const MANY: usize = if cfg!(miri) { 12 } else { 200 };

/// A keyspace whose collections change their encoding beyond eight elements.
fn small() -> Keyspace {
    let options = Options::new()
        .hash_max_listpack_entries(8)
        .set_max_intset_entries(8)
        .set_max_listpack_entries(8)
        .zset_max_listpack_entries(8)
        .list_max_listpack_size(8);
    Keyspace::with_options(options)
}

/// One hash in the block of its entry, and one in a table of its own.
fn hashes() -> Keyspace {
    let mut keyspace = small();
    for (key, fields) in [("packed", 3), ("large", MANY)] {
        for n in 0..fields {
            keyspace.hset(key, format!("field {n}").as_bytes(), n as i64, 0).unwrap();
        }
        keyspace.expire(key, Expiry::InSeconds(9), ExpireOptions::default(), 0).unwrap();
    }
    assert_eq!(keyspace.encoding("packed", 0), Some(Encoding::ListPack));
    assert_eq!(keyspace.encoding("large", 0), Some(Encoding::HashTable));
    keyspace
}

/// Runs `f` on a keyspace of [`hashes`] for each of the two keys, and looks for damage and leaks afterwards.
fn on_both_hashes(f: impl Fn(&mut Keyspace, &str)) {
    for key in ["packed", "large"] {
        let region = Region::start();
        let mut keyspace = hashes();
        f(&mut keyspace, key);
        keyspace.check();
        assert_eq!(region.held() as usize, keyspace.allocation_size(), "{key}");
        drop(keyspace);
        assert_eq!(region.held(), 0, "{key}");
    }
}

/// The fields of a hash, removed one by one through the hash itself.
fn remove_all<R: Room>(hash: &mut Hash<R>) {
    while let Some(field) = hash.iter().next().map(|(field, _)| field.text().to_vec()) {
        assert!(hash.remove(&field[..]));
    }
}

#[test]
fn a_keyspace_may_be_sent_and_shared() {
    const fn is_send_and_sync<T: Send + Sync>() {}
    const { is_send_and_sync::<Keyspace>() };
}

#[test]
fn a_closure_that_panics_leaves_what_it_has_done() {
    on_both_hashes(|keyspace, key| {
        let before = keyspace.get_as::<Hash>(key, 0).unwrap().unwrap().len();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            keyspace.edit_as::<Hash, (), keyspace::Error>(key, 0, |hash| {
                hash.try_insert("one more", "value", &LIMITS)?;
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
        let hash = keyspace.get_as::<Hash>(key, 0).unwrap().unwrap();
        assert_eq!((hash.len(), hash.get("one more")), (before + 1, Some("value".into())));
        assert_eq!(keyspace.ttl(key, 0), Ttl::Millis(9_000));
    });
}

#[test]
fn a_closure_that_empties_a_value_and_panics_or_fails_removes_the_key() {
    on_both_hashes(|keyspace, key| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            keyspace.edit_as::<Hash, (), keyspace::Error>(key, 0, |hash| {
                remove_all(hash);
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err() && !keyspace.contains_key(key, 0));
        assert_eq!((keyspace.len(), keyspace.expires()), (1, 1));
    });
    on_both_hashes(|keyspace, key| {
        let result = keyspace.modify_as::<Hash, (), _>(key, 0, |hash| {
            remove_all(hash);
            Err(keyspace::Error::NoSuchKey)
        });
        assert_eq!(result, Err(keyspace::Error::NoSuchKey));
        assert!(!keyspace.contains_key(key, 0));
    });
}

#[test]
fn a_closure_that_panics_on_a_new_key_makes_no_key() {
    let mut keyspace = small();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        keyspace.edit_as::<Hash, (), keyspace::Error>("new", 0, |hash| {
            hash.try_insert("field", "value", &LIMITS)?;
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err() && keyspace.is_empty());
    keyspace.check();
}

#[test]
fn a_new_key_keeps_what_a_failing_closure_has_added() {
    let mut keyspace = small();
    let result = keyspace.edit_as::<Hash, (), _>("new", 0, |hash| {
        hash.try_insert("field", "value", &LIMITS)?;
        Err(keyspace::Error::NoSuchKey)
    });
    assert_eq!(result, Err(keyspace::Error::NoSuchKey));
    assert_eq!(keyspace.hget("new", "field", 0), Ok(Some("value".into())));
    keyspace.check();
}

#[test]
fn a_closure_that_panics_on_a_string_leaves_what_it_has_done() {
    let mut keyspace = small();
    keyspace.set("string", "begun", 0).unwrap();
    for key in ["string", "new"] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            keyspace.edit_string::<(), keyspace::Error>(key, 0, |string| {
                values::string::try_append(string, &[b'x'; 2_000], &LIMITS)?;
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
        keyspace.check();
    }
    assert_eq!(keyspace.get_string("string", 0).unwrap().unwrap().text().len(), 2_005);
    assert_eq!(keyspace.len(), 1);
}

#[test]
fn a_closure_may_put_another_collection_in_the_place_of_the_lent_one() {
    on_both_hashes(|keyspace, key| {
        keyspace
            .edit_as::<Hash, (), keyspace::Error>(key, 0, |hash| {
                let mut other = Hash::new();
                other.try_insert("alone", "here", &LIMITS)?;
                drop(mem::replace(hash, other.into_in()));
                Ok(())
            })
            .unwrap();
        let hash = keyspace.get_as::<Hash>(key, 0).unwrap().unwrap();
        assert_eq!((hash.len(), hash.get("alone")), (1, Some("here".into())));
        assert_eq!(keyspace.ttl(key, 0), Ttl::Millis(9_000));
    });
    on_both_hashes(|keyspace, key| {
        keyspace
            .edit_as::<Hash, _, keyspace::Error>(key, 0, |hash| {
                Ok(mem::replace(hash, Hash::new().into_in()).len())
            })
            .unwrap();
        assert!(!keyspace.contains_key(key, 0));
    });
}

#[test]
fn a_closure_may_forget_what_is_lent() {
    let region = Region::start();
    let mut keyspace = hashes();
    keyspace
        .edit_as::<Hash, (), keyspace::Error>("packed", 0, |hash| {
            mem::forget(mem::replace(hash, Hash::new().into_in()));
            Ok(())
        })
        .unwrap();
    assert!(!keyspace.contains_key("packed", 0));
    keyspace.check();
    drop(keyspace);
    assert_eq!(region.held(), 0);
}

/// Takes the room out of a lent collection, lets `damage` write to it, and puts another collection in its place or none.
fn damaged(damage: fn(&mut dyn Room), put_back: Option<Encoding>, instead: &Hash) {
    let region = Region::start();
    let instead = instead.try_clone().unwrap();
    let mut keyspace = hashes();
    keyspace
        .edit_as::<Hash, (), keyspace::Error>("packed", 0, |hash| {
            let Edited::InRoom(mut room) = Hash::from_in(mem::replace(hash, instead.into_in())) else {
                panic!("a small hash lies in its entry")
            };
            damage(&mut room);
            if let Some(encoding) = put_back
                && let Ok(value) = Hash::in_room(encoding, room)
            {
                *hash = value;
            }
            Ok(())
        })
        .unwrap();
    keyspace.check();
    assert_eq!(keyspace.contains_key("packed", 0), keyspace.len() == 2);
    keyspace.set("packed", "as good as new", 0).unwrap();
    keyspace.check();
    assert_eq!(region.held() as usize, keyspace.allocation_size());
    drop(keyspace);
    assert_eq!(region.held(), 0);
}

#[test]
fn a_room_whose_bytes_are_damaged_does_no_harm() {
    let damages: [fn(&mut dyn Room); 6] = [
        |room| room.bytes_mut().fill(0xFF),
        |room| room.bytes_mut().fill(0),
        |room| room.bytes_mut()[0] -= 1,
        |room| room.try_splice(0, room.bytes().len(), 0).unwrap(),
        |room| room.try_splice(0, 0, 100).unwrap(),
        |room| room.try_splice(1, 5, 3_000).unwrap(),
    ];
    let one_at_most = EncodingLimits { hash_max_listpack_entries: 1, ..LIMITS };
    let hashes = [0, 1, MANY as i64].map(|fields| {
        let mut hash = Hash::new();
        for n in 0..fields {
            hash.try_insert(n, n, &one_at_most).unwrap();
        }
        hash
    });
    for damage in damages {
        for put_back in [None, Some(Encoding::ListPack)] {
            for instead in &hashes {
                damaged(damage, put_back, instead);
            }
        }
    }
}

/// A listpack of a set may become an intset in the same room, which the entry does not expect.
#[test]
fn a_room_that_comes_back_with_another_encoding_does_no_harm() {
    let mut keyspace = small();
    keyspace.sadd("set", "no integer", 0).unwrap();
    keyspace
        .edit_as::<Set, (), keyspace::Error>("set", 0, |set| {
            let Edited::InRoom(mut room) = Set::from_in(mem::replace(set, Set::new().into_in())) else {
                panic!("a small set lies in its entry")
            };
            let intset = [2, 0, 0, 0, 1, 0, 0, 0, 7, 0];
            room.try_splice(0, room.bytes().len(), intset.len()).unwrap();
            room.bytes_mut().copy_from_slice(&intset);
            *set = Set::in_room(Encoding::IntSet, room).map_err(|(error, _room)| error)?;
            assert!(set.contains(7));
            Ok(())
        })
        .unwrap();
    keyspace.check();
}

#[test]
fn a_key_with_its_hash_is_the_key() {
    let mut keyspace = Keyspace::new();
    let key = Key::with_hash(b"key", keyspace.hash(b"key"));
    keyspace.set(key, 1, 0).unwrap();
    assert_eq!(keyspace.incr_by("key", 1, 0), Ok(2));
    assert!(keyspace.contains_key(key, 0) && keyspace.rename(key, "other", 0).is_ok());
    assert!(!keyspace.contains_key(key, 0));
    keyspace.check();
}

/// The documentation allows it: an entry that is added with a wrong hash is lost to look-ups. It must not be freed twice.
#[test]
fn a_wrong_hash_loses_keys_and_nothing_worse() {
    let region = Region::start();
    let mut keyspace = small();
    let long = [b'x'; 2_000];
    let names: Vec<String> = (0..if cfg!(miri) { 100 } else { 3_000 }).map(|n| format!("key {n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let wrong =
            Key::with_hash(name.as_bytes(), keyspace.hash(name.as_bytes()).rotate_left(n as u32 % 64));
        let other = format!("renamed {n}");
        keyspace.set(wrong, &long, 0).unwrap();
        // The table may grow for the new name, and then moves the entry to where it belongs.
        match keyspace.rename(wrong, &other, 0) {
            Ok(()) => assert_eq!(keyspace.get_string(&other, 0).unwrap().unwrap().text().len(), long.len()),
            Err(error) => assert_eq!(error, keyspace::Error::NoSuchKey),
        }
        assert_eq!(region.held() as usize, keyspace.allocation_size());
    }
    keyspace.clear();
    keyspace.check();
    drop(keyspace);
    assert_eq!(region.held(), 0);
}

/// A hash that is another one each time it is asked for.
#[derive(Default)]
struct Fickle;

thread_local! {
    static NEXT_HASH: Cell<u64> = const { Cell::new(1) };
}

impl Hasher for Fickle {
    fn finish(&self) -> u64 {
        NEXT_HASH.set(common::random::mix(NEXT_HASH.get()));
        NEXT_HASH.get()
    }

    fn write(&mut self, _bytes: &[u8]) {}
}

impl BuildHasher for Fickle {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self
    }
}

#[test]
fn a_hash_that_is_never_the_same_does_no_harm() {
    let region = Region::start();
    let mut keyspace = Keyspace::with_options_and_hasher(Options::new(), Fickle);
    let long = [b'x'; 2_000];
    for n in 0..if cfg!(miri) { 60 } else { 2_000 } {
        let at = SetExpiry::To(Expiry::AtMillis(n + 1));
        let name = format!("key {}", n % 16);
        keyspace.set_with(&name, &long, &SetOptions { expiry: at, ..SetOptions::default() }, 0).unwrap();
        let _ = keyspace.rename(&name, &format!("other {n}"), 0);
        let _ = keyspace.copy(&name, &format!("copy {n}"), true, 0);
        keyspace.expire_some(n as u64 / 2, 100);
        assert_eq!(region.held() as usize, keyspace.allocation_size());
    }
    drop(keyspace);
    assert_eq!(region.held(), 0);
}

#[test]
fn a_reply_outlives_the_write_that_comes_later() {
    let region = Region::start();
    let mut keyspace = Keyspace::new();
    for len in [0, 1, 44, 1_024, 1_025, 70_000] {
        let text = vec![b'x'; len];
        let fresh = |keyspace: &mut Keyspace| {
            keyspace.set("key", &text[..], 0).unwrap();
            keyspace.get_string("key", 0).unwrap().unwrap().to_bytes()
        };
        let mut replies = vec![fresh(&mut keyspace)];
        assert_eq!(keyspace.refcount("key", 0), Some(if len > 1_024 { 2 } else { 1 }));
        keyspace.set("key", "new", 0).unwrap();
        replies.push(fresh(&mut keyspace));
        keyspace.append("key", b"and more", 0).unwrap();
        replies.push(fresh(&mut keyspace));
        keyspace.set_range("key", 0, b"y", 0).unwrap();
        replies.push(fresh(&mut keyspace));
        keyspace.rename("key", "other", 0).unwrap();
        keyspace.check();
        assert!(keyspace.remove("other", 0));
        replies.push(fresh(&mut keyspace));
        keyspace.clear();
        assert!(replies.iter().all(|reply| *reply == text), "{len}");
    }
    drop(keyspace);
    assert_eq!(region.held(), 0);
}

#[test]
fn events_come_in_the_order_of_the_changes() {
    let (mut keyspace, log) = (small(), Arc::new(Mutex::new(Vec::new())));
    let to = log.clone();
    keyspace.on_event(move |event| to.lock().unwrap().push(format!("{event:?}"))).unwrap();
    let told = || mem::take(&mut *log.lock().unwrap());
    let text = |event: Event<'_>| format!("{event:?}");

    keyspace.set("a", 1, 0).unwrap();
    keyspace.expire("a", Expiry::InMillis(5), ExpireOptions::default(), 0).unwrap();
    assert_eq!(told(), [text(Event::Set(b"a")), text(Event::Changed(b"a"))]);
    assert!(keyspace.get("a", 5).is_none());
    assert!(told().is_empty(), "a read removes nothing");
    keyspace.push("a", Side::Back, "element", 5).unwrap();
    assert_eq!(told(), [text(Event::Expired(b"a")), text(Event::Set(b"a"))]);
    keyspace.pop("a", Side::Back, 5).unwrap();
    assert_eq!(told(), [text(Event::Removed(b"a"))]);
    keyspace.clear_on_event();
    keyspace.set("a", 1, 0).unwrap();
    assert!(told().is_empty());
}

#[test]
fn a_callback_that_panics_leaves_a_valid_keyspace() {
    let mut keyspace = small();
    keyspace.hset("hash", "field", "value", 0).unwrap();
    keyspace.set("short-lived", 1, 0).unwrap();
    keyspace.expire("short-lived", Expiry::InMillis(5), ExpireOptions::default(), 0).unwrap();
    keyspace.on_event(|_| panic!("on purpose")).unwrap();
    let operations: [fn(&mut Keyspace); 8] = [
        |keyspace| keyspace.set("string", "value", 9).unwrap(),
        |keyspace| assert!(keyspace.append("string", &[b'x'; 2_000], 9).is_ok()),
        |keyspace| assert!(keyspace.incr_by("number", 3, 9).is_ok()),
        |keyspace| keyspace.rename("string", "other", 9).unwrap(),
        |keyspace| assert!(keyspace.copy("other", "copy", false, 9).is_ok()),
        |keyspace| assert!(keyspace.hdel("hash", "field", 9).is_ok()),
        |keyspace| assert_eq!(keyspace.expire_some(9, 100).removed, 1),
        |keyspace| drop(keyspace.take("other", 9)),
    ];
    for (number, operation) in operations.into_iter().enumerate() {
        let panicked = catch_unwind(AssertUnwindSafe(|| operation(&mut keyspace)));
        assert!(panicked.is_err(), "operation {number} tells about a change");
        keyspace.check();
    }
    assert!(keyspace.keys(b"*", 9).all(|key| key != b"hash" && key != b"short-lived"));
}

/// In C: `APPEND` makes a key for an empty string too, `SETRANGE` does not.
#[test]
fn appending_nothing_makes_a_key_and_writing_nothing_into_a_range_does_not() {
    let mut keyspace = Keyspace::new();
    assert_eq!(keyspace.append("appended", b"", 0), Ok(0));
    assert_eq!(keyspace.set_range("range", 5, b"", 0), Ok(0));
    assert!(keyspace.contains_key("appended", 0) && !keyspace.contains_key("range", 0));
    assert_eq!(keyspace.get_string("appended", 0).unwrap().unwrap().text().len(), 0);
    keyspace.check();
}

/// The times of Redis' checks: whether a time is one comes first, then the type, then the condition.
#[test]
fn set_refuses_in_the_order_of_redis() {
    let mut keyspace = Keyspace::new();
    keyspace.push("list", Side::Back, "element", 0).unwrap();
    let options =
        |expiry| SetOptions { condition: SetCondition::IfAbsent, expiry: SetExpiry::To(expiry), get: true };
    for expiry in
        [Expiry::InSeconds(0), Expiry::InMillis(-1), Expiry::AtSeconds(i64::MAX), Expiry::AtMillis(0)]
    {
        let refused = keyspace.set_with("list", 1, &options(expiry), 0);
        assert_eq!(refused, Err(keyspace::Error::InvalidExpireTime));
    }
    let refused = keyspace.set_with("list", 1, &options(Expiry::InSeconds(1)), 0);
    assert_eq!(refused, Err(WrongType::check(ObjectType::String, ObjectType::List).unwrap_err().into()));
    let past = options(Expiry::AtMillis(5));
    let outcome = keyspace.set_with("new", 1, &past, 9).unwrap();
    assert!(outcome.is_set && outcome.old.is_none() && !keyspace.contains_key("new", 9));
    assert_eq!(keyspace.len(), 1);
}

/// Each collection is its own copy, and each type is refused by the other four.
#[test]
fn a_value_is_of_one_type() {
    let mut keyspace = Keyspace::new();
    keyspace.set("string", "value", 0).unwrap();
    keyspace.push("list", Side::Back, "element", 0).unwrap();
    keyspace.sadd("set", "member", 0).unwrap();
    keyspace.zadd("zset", "member", 1.0, Default::default(), 0).unwrap();
    keyspace.hset("hash", "field", "value", 0).unwrap();
    fn edit<C: Collection>(keyspace: &mut Keyspace, key: &str) -> bool {
        let edited = keyspace.edit_as::<C, (), keyspace::Error>(key, 0, |_| Ok(())).is_ok();
        assert_eq!(keyspace.get_as::<C>(key, 0).is_ok(), edited);
        assert_eq!(keyspace.modify_as::<C, (), keyspace::Error>(key, 0, |_| Ok(())).is_ok(), edited);
        edited
    }
    for (index, key) in ["string", "list", "set", "zset", "hash"].into_iter().enumerate() {
        let edits = [
            keyspace.edit_string::<(), keyspace::Error>(key, 0, |_| Ok(())).is_ok(),
            edit::<List>(&mut keyspace, key),
            edit::<Set>(&mut keyspace, key),
            edit::<ZSet>(&mut keyspace, key),
            edit::<Hash>(&mut keyspace, key),
        ];
        assert_eq!(edits.iter().position(|is_edited| *is_edited), Some(index), "{key}");
        assert_eq!(edits.iter().filter(|is_edited| **is_edited).count(), 1, "{key}");
        let is_string = matches!(keyspace.get(key, 0), Some(ValueRef::String(_)));
        assert_eq!((is_string, keyspace.get_string(key, 0).is_ok()), (index == 0, index == 0));
        assert_eq!(keyspace.get_remove(key, 0).is_ok(), index == 0);
    }
    keyspace.check();
    assert_eq!(keyspace.len(), 4);
}

/// Integers of each width, and texts that look like one and are none.
#[test]
fn an_integer_is_kept_as_one_and_reads_as_its_text() {
    let mut keyspace = Keyspace::new();
    for width in 1..=8 {
        let most = i64::MAX >> (64 - 8 * width);
        for value in [most, -most - 1, most / 3, 0] {
            keyspace.set("key", value, 0).unwrap();
            assert_eq!(keyspace.encoding("key", 0), Some(Encoding::Int));
            let text = value.to_string();
            assert_eq!(&*keyspace.get_string("key", 0).unwrap().unwrap().text(), text.as_bytes());
            keyspace.set("key", text.as_bytes(), 0).unwrap();
            assert_eq!(keyspace.encoding("key", 0), Some(Encoding::Int));
            assert_eq!(keyspace.append("key", b"x", 0), Ok(text.len() + 1));
            keyspace.check();
        }
    }
    for text in ["", "+1", "-0", "007", " 1", "1 ", "9223372036854775808", "-9223372036854775809"] {
        keyspace.set("key", text, 0).unwrap();
        assert_eq!(keyspace.encoding("key", 0), Some(Encoding::EmbStr), "{text}");
        assert_eq!(keyspace.get_string("key", 0).unwrap().unwrap().element(), Element::from(text));
    }
}
