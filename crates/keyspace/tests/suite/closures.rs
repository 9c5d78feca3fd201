//! Closures that panic or fail, or that empty, replace or damage the value that is lent to them. The keyspace
//! stays valid.

use super::small;
use keyspace::{ExpireOptions, Expiry, Keyspace, Ttl};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use values::{Collection, Edited, Encoding, EncodingLimits, Hash, Room, Set};
use zmalloc::Region;

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// More fields than a listpack of [`small`] may have.
const MANY: usize = if cfg!(miri) { 9 } else { 200 };

/// Returns a keyspace with one hash in the block of its entry, and one hash with its own table.
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

/// Runs `f` on a keyspace of [`hashes`] for each of the two keys, and then checks for damage and leaks.
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

/// Removes the fields of a hash one by one, by the methods of the hash itself.
fn remove_all<R: Room>(hash: &mut Hash<R>) {
    while let Some(field) = hash.iter().next().map(|(field, _)| field.text().to_vec()) {
        assert!(hash.remove(&field[..]));
    }
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
    assert_eq!(keyspace.get_string("string", 0).unwrap().unwrap().len(), 2_005);
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

/// Takes the room out of a lent collection, and lets `damage` write to it. Then puts back another collection,
/// or none.
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
    let damages: [fn(&mut dyn Room); 7] = [
        |room| room.bytes_mut().fill(0xFF),
        |room| room.bytes_mut().fill(0),
        |room| room.bytes_mut()[0] -= 1,
        |room| room.try_splice(0, room.bytes().len(), 0).unwrap(),
        |room| room.try_splice(0, 0, 100).unwrap(),
        |room| room.try_splice(1, 5, 3_000).unwrap(),
        // The length of the block must not wrap around.
        |room| assert!(room.try_splice(0, 0, usize::MAX - room.bytes().len()).is_err()),
    ];
    let one_at_most = EncodingLimits { hash_max_listpack_entries: 1, ..LIMITS };
    let hashes = [0, 1, MANY as i64].map(|fields| {
        let mut hash = Hash::new();
        for n in 0..fields {
            hash.try_insert(n, n, &one_at_most).unwrap();
        }
        hash
    });
    for (n, damage) in damages.into_iter().enumerate() {
        damaged(damage, Some(Encoding::ListPack), &hashes[0]);
        // Under Miri, each hash replaces only one damaged room.
        let instead = if cfg!(miri) { hashes.get(n..=n).unwrap_or_default() } else { &hashes[..] };
        for instead in instead {
            damaged(damage, None, instead);
        }
    }
}

/// A closure may turn the listpack of a set into an intset in the same room, which the entry does not expect.
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
