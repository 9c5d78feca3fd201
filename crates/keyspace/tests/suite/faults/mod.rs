//! Tests that let every allocation of every operation fail once. The operation must return an error, leave
//! keys and values unchanged, and leak nothing. Removals, `persist` and sweeps must not fail at all.

mod coded;

use keyspace::{
    Error, ExpireOptions, Expiry, Key, KeyRef, Options, SetCondition, SetExpiry, SetOptions, Ttl, Value,
    ValueMut, ValueRef,
};
use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use symbols::SymbolTable;
use values::list::Side;
use values::zset::Added;
use values::{Collection, Element, EncodingLimits, Hash, List, OwnedElement, Set, ZSet, string};
use zmalloc::{Region, fault};

const NOW: u64 = 1_000;

/// A keyspace in which each run finds the keys in the same chunks. With a random hash, one insert in a hundred
/// finds its chunk full, and has one more allocation that can fail.
type Keyspace = keyspace::Keyspace<BuildHasherDefault<DefaultHasher>>;

/// The number of elements of a packed collection. This is also the limit for packed collections.
const FEW: usize = 8;

/// The number of elements of a large collection.
const MANY: usize = 40;

/// All that must not change when an operation fails: for each key the value as text, the expiry, and the
/// bytes.
type Contents = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>, usize)>;

fn text_of(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::String(string) => string.to_bytes().to_vec(),
        // The text has the elements in the order of the structure, because a failed operation moves none.
        collection => format!("{collection:?}").into_bytes(),
    }
}

fn contents(keyspace: &Keyspace) -> Contents {
    keyspace.check();
    let all = keyspace.iter(NOW).map(|(key, value)| {
        let key = key.text();
        let (at, bytes) =
            (keyspace.expire_time(&key, NOW).millis(), keyspace.memory_usage(&key, NOW).unwrap());
        (key.to_vec(), (text_of(value), at, bytes))
    });
    all.collect()
}

fn limits() -> EncodingLimits {
    *options().encoding_limits()
}

fn options() -> Options {
    Options::new()
        .hash_max_listpack_entries(FEW)
        .set_max_intset_entries(FEW)
        .set_max_listpack_entries(FEW)
        .zset_max_listpack_entries(FEW)
        .list_max_listpack_size(FEW as i32)
}

/// The symbol table of the coded strings. No keyspace counts its memory.
static TABLE: LazyLock<Arc<SymbolTable>> = LazyLock::new(|| {
    Arc::new(SymbolTable::from_symbols(["coded by", " a table", "member ", "other"]).unwrap())
});

/// Starts a region that does not count the symbol table.
fn region() -> Region {
    LazyLock::force(&TABLE);
    Region::start()
}

/// Returns a keyspace with all [`KEYS`]: integers, strings in the entry's block and in their own block, a
/// coded string, a coded key, and each encoding of each collection. All keys have an expiry, or none has.
/// Strings and keys are coded only if one of `keys` begins with `coded`.
fn filled(expires: bool, keys: &[&str]) -> Keyspace {
    let mut keyspace = Keyspace::with_options_and_hasher(options(), Default::default());
    let long = [b'x'; 2_000];
    if keys.iter().any(|key| key.starts_with("coded")) {
        keyspace.set_symbols(Some(TABLE.clone())).unwrap();
        while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    }
    let coded = "coded by a table".repeat(20);
    let strings =
        [("short", &b"text"[..]), ("full", &long[..1_024]), ("long", &long), ("coded", coded.as_bytes())];
    for key in KEYS {
        let len = if key.starts_with("large") { MANY } else { FEW };
        for n in 0..len {
            let member = format!("member {n}");
            let member = member.as_bytes();
            match key.rsplit(' ').next() {
                Some("list") => keyspace.push(key, Side::Back, member, NOW).unwrap(),
                Some("set") => assert!(keyspace.sadd(key, member, NOW).unwrap()),
                Some("hash") => assert!(keyspace.hset(key, member, n as i64, NOW).unwrap()),
                Some("zset") => {
                    let added = keyspace.zadd(key, member, n as f64, Default::default(), NOW);
                    assert_eq!(added, Ok(Added::Added(n as f64)));
                }
                Some("intset") => assert!(keyspace.sadd(key, n as i64, NOW).unwrap()),
                _ => break,
            }
        }
        if key.ends_with("int") {
            keyspace.set(key, if key == "int" { 7 } else { i64::MAX }, NOW).unwrap();
        } else if let Some((_, text)) = strings.iter().find(|(name, _)| *name == key) {
            keyspace.set(key, *text, NOW).unwrap();
        }
        if expires {
            assert!(keyspace.expire(key, Expiry::InSeconds(9), ExpireOptions::default(), NOW).unwrap());
        }
    }
    keyspace
}

/// Runs `operation` on a new keyspace several times. In the n-th run, its n-th allocation fails. The last run
/// is the one with fewer than n allocations. Returns the number of runs with an error. A run can succeed
/// although an allocation fails, if the operation does not need it, such as one for a smaller block.
fn failures_on(
    expires: bool,
    name: &str,
    keys: &[&str],
    operation: impl Fn(&mut Keyspace) -> Result<(), Error>,
) -> usize {
    let mut refused = 0;
    for nth in 1.. {
        let region = region();
        let mut keyspace = filled(expires, keys);
        let before = contents(&keyspace);
        let plan = fault::fail_nth(nth);
        let result = operation(&mut keyspace);
        let failed = plan.failures() > 0;
        drop(plan);
        let after = contents(&keyspace);
        assert_eq!(region.held() as usize, keyspace.allocation_size(), "{name}, allocation {nth}");
        if let Err(error) = result {
            assert!(failed && error.reserve_error().is_some(), "{name}: {error}");
            assert_eq!(after, before, "{name}, allocation {nth}");
            refused += 1;
        }
        drop(keyspace);
        assert_eq!(region.held(), 0, "{name}, allocation {nth} leaked");
        if !failed {
            return refused;
        }
    }
    unreachable!()
}

/// Calls [`failures_on`] without and with an expiry, and returns the larger result. `keys` are the keys that
/// the operation uses.
fn failures(name: &str, keys: &[&str], operation: impl Fn(&mut Keyspace) -> Result<(), Error>) -> usize {
    [false, true]
        .iter()
        .map(|expires| failures_on(*expires, name, keys, &operation))
        .max()
        .unwrap_or_default()
}

const KEYS: [&str; 16] = [
    "int",
    "large int",
    "short",
    "full",
    "long",
    "coded",
    "coded by a table, other int",
    "packed list",
    "packed set",
    "packed hash",
    "packed zset",
    "large list",
    "large set",
    "large hash",
    "large zset",
    "intset",
];
const STRINGS: &[&str] = KEYS.split_at(7).0;

#[test]
fn a_string_is_set_or_stays() {
    for key in KEYS {
        for value in ["other text".into(), "y".repeat(1_000), "y".repeat(3_000)] {
            let value = value.as_bytes();
            let refused = failures("SET", &[key], |keyspace| keyspace.set(key, value, NOW));
            // At most three allocations can fail: the string, its header and the entry's block.
            assert!(refused <= 3 && (refused > 0 || value.len() <= 1_024), "{key}: {refused}");
        }
        let options = SetOptions {
            condition: SetCondition::IfPresent,
            expiry: SetExpiry::To(Expiry::InSeconds(3)),
            get: STRINGS.contains(&key),
        };
        failures("SET with options", &[key], |keyspace| {
            keyspace.set_with(key, "new", &options, NOW).map(drop)
        });
    }
    // There is another key, so the table has memory already.
    assert_eq!(failures("SET of a new key", &["short"], |keyspace| keyspace.set("new", 1, NOW)), 1);
    assert_eq!(
        failures("SET of a long one", &["short"], |keyspace| keyspace.set("new", &[b'y'; 3_000], NOW)),
        3
    );
}

/// A long string becomes an object that keeps the string's block.
#[test]
fn a_string_that_was_built_elsewhere_is_stored_or_the_key_stays() {
    let built = |len: usize| OwnedElement::try_from(Element::Bytes(&vec![b'y'; len]));
    for len in [10, 3_000] {
        for key in STRINGS.iter().chain(&["new"]) {
            let refused =
                failures("RESTORE", &[key], |keyspace| keyspace.insert(*key, built(len)?, None, NOW));
            assert!(refused > 0, "{key}");
        }
        let refused = failures("edit of an absent key", &["short"], |keyspace| {
            keyspace.edit("new", NOW, |value| {
                let ValueMut::Absent(new) = value else { panic!("the key is not there") };
                *new = Some(built(len)?.into());
                Ok::<(), Error>(())
            })
        });
        assert!(refused > 0);
    }
}

#[test]
fn a_string_is_changed_or_stays() {
    for key in [STRINGS, &["new"]].concat() {
        let grown =
            failures("APPEND", &[key], |keyspace| keyspace.append(key, &[b'y'; 1_500], NOW).map(drop));
        assert!(grown > 0, "{key}");
        failures("APPEND", &[key], |keyspace| keyspace.append(key, b"y", NOW).map(drop));
        failures("SETRANGE", &[key], |keyspace| keyspace.set_range(key, 100, b"yes", NOW).map(drop));
        failures("SETBIT", &[key], |keyspace| {
            keyspace.edit_string(key, NOW, |text| string::try_set_bit(text, 9_999, true, &limits()).map(drop))
        });
        failures("GETEX", &[key], |keyspace| {
            keyspace.get_expire(key, Some(Expiry::InSeconds(2)), NOW).map(drop)
        });
        failures("GETEX PERSIST", &[key], |keyspace| keyspace.get_expire(key, None, NOW).map(drop));
        failures("GETDEL", &[key], |keyspace| keyspace.get_remove(key, NOW).map(drop));
    }
    for key in ["int", "new"] {
        failures("INCRBY", &[key], |keyspace| keyspace.incr_by(key, 1_000_000, NOW).map(drop));
        failures("INCRBYFLOAT", &[key], |keyspace| keyspace.incr_by_float(key, 0.5, NOW).map(drop));
    }
}

/// A reply shares the string, so a write needs a copy.
#[test]
fn a_string_that_a_reply_holds_is_copied_or_stays() {
    for expires in [false, true] {
        let mut nth = 0;
        loop {
            nth += 1;
            let mut keyspace = filled(expires, &["long"]);
            let reply = keyspace.get_string("long", NOW).unwrap().unwrap().to_bytes();
            let plan = fault::fail_nth(nth);
            let result = keyspace.append("long", b"more", NOW);
            let failed = plan.failures() > 0;
            drop(plan);
            assert_eq!(result.is_err(), failed);
            let len = keyspace.get_string("long", NOW).unwrap().unwrap().len();
            assert_eq!((reply.len(), len), (2_000, if failed { 2_000 } else { 2_004 }));
            keyspace.check();
            if !failed {
                break;
            }
        }
        assert_eq!(nth, 3); // the allocations of the string and of its header have failed
    }
}

#[test]
fn a_collection_is_changed_or_stays() {
    let grow = [&b"another member"[..], &[b'y'; 65], &[b'y'; 2_000]];
    for kind in ["packed", "large", "new"] {
        let [list, set, hash, zset] = ["list", "set", "hash", "zset"].map(|what| format!("{kind} {what}"));
        for member in grow {
            let refused = [
                failures("LPUSH", &[&list], |it| it.push(&list, Side::Front, member, NOW)),
                failures("SADD", &[&set], |it| it.sadd(&set, member, NOW).map(drop)),
                failures("HSET", &[&hash], |it| it.hset(&hash, member, member, NOW).map(drop)),
                failures("ZADD", &[&zset], |it| {
                    it.zadd(&zset, member, 0.5, Default::default(), NOW).map(|_added| ())
                }),
            ];
            assert!(refused.iter().all(|refused| *refused > 0), "{kind}: {refused:?}");
        }
        failures("HSET of a field that is there", &[&hash], |it| {
            it.hset(&hash, "member 0", &[b'y'; 60], NOW).map(drop)
        });
        failures("LPOP", &[&list], |it| it.pop(&list, Side::Front, NOW).map(drop));
    }
    for member in [Element::Int(i64::MAX), Element::Bytes(b"word")] {
        let refused =
            failures("SADD to an intset", &["intset"], |it| it.sadd("intset", member, NOW).map(drop));
        assert!(refused > 0, "{member:?}");
    }
}

#[test]
fn a_key_is_renamed_copied_or_taken_or_stays() {
    let long_name = "k".repeat(300);
    for key in KEYS {
        for &to in &[&long_name[..], "short", "new", "packed hash"] {
            let refused = failures("RENAME", &[key, to], |keyspace| keyspace.rename(key, to, NOW));
            assert_eq!(refused, usize::from(key != to), "{key}");
            let refused =
                failures("COPY", &[key, to], |keyspace| keyspace.copy(key, to, true, NOW).map(drop));
            assert_eq!(refused > 0, key != to, "{key}");
        }
        failures("take", &[key], |keyspace| keyspace.take(key, NOW).map(drop));
        failures("EXPIRE", &[key], |keyspace| {
            keyspace.expire(key, Expiry::InSeconds(5), ExpireOptions::default(), NOW).map(drop)
        });
    }
}

#[test]
fn a_key_is_moved_or_stays_on_both_sides() {
    for nth in 1.. {
        let region = region();
        let (mut from, mut to) =
            (filled(true, &KEYS), Keyspace::with_options_and_hasher(options(), Default::default()));
        to.set_symbols(Some(TABLE.clone())).unwrap();
        let before = contents(&from);
        let mut failed = false;
        for key in KEYS {
            let plan = fault::fail_nth(nth);
            let moved = from.move_to(key, &mut to, NOW);
            failed |= plan.failures() > 0;
            drop(plan);
            match moved {
                Ok(is_moved) => assert!(is_moved),
                Err(error) => assert!(error.reserve_error().is_some()),
            }
            let mut both = contents(&from);
            both.extend(contents(&to));
            assert_eq!((both.len(), from.len() + to.len()), (before.len(), before.len()));
            assert_eq!(both, before);
            assert_eq!(region.held() as usize, from.allocation_size() + to.allocation_size());
            let plan = fault::fail_nth(nth);
            let copied = from.copy_to("int", &mut to, "copy", true, NOW);
            failed |= plan.failures() > 0;
            drop(plan);
            assert_eq!(copied.is_ok_and(|is_copied| is_copied), to.remove("copy", NOW));
        }
        if !failed {
            break;
        }
    }
}

#[test]
fn set_many_sets_those_in_front_of_the_failure() {
    let pairs: Vec<String> = (0..20).map(|n| format!("pair {n}")).collect();
    let lent: Vec<_> = pairs.iter().map(|text| (Key::from(text), Element::from(&text[..]))).collect();
    for nth in 1..=22 {
        let mut keyspace = Keyspace::default();
        let plan = fault::fail_nth(nth);
        let result = keyspace.set_many(&lent, NOW);
        let failed = plan.failures() > 0;
        drop(plan);
        // A table that cannot grow can still take some more keys.
        assert_eq!(result.is_err(), keyspace.len() < pairs.len());
        assert!(failed || result.is_ok());
        assert!(pairs[..keyspace.len()].iter().all(|key| keyspace.contains_key(key, NOW)));
        keyspace.check();
    }
}

/// All allocations fail.
#[test]
fn removals_and_sweeps_never_fail() {
    let operations: [fn(&mut Keyspace, &str); 6] = [
        |keyspace, key| assert!(keyspace.remove(key, NOW)),
        |keyspace, key| assert!(keyspace.unlink(key, NOW)),
        |keyspace, key| {
            assert!(keyspace.persist(key, NOW) && keyspace.expire_time(key, NOW) == Ttl::Persistent)
        },
        |keyspace, key| {
            let past = keyspace.expire(key, Expiry::InMillis(-1), ExpireOptions::default(), NOW);
            assert_eq!((past, keyspace.contains_key(key, NOW)), (Ok(true), false));
        },
        |keyspace, key| {
            // The new expiry is written over the old one, so no memory is needed.
            let later = keyspace.expire(key, Expiry::InSeconds(99), ExpireOptions::default(), NOW);
            assert_eq!(later, Ok(true));
        },
        |keyspace, _| {
            let end = NOW + 9_000;
            while !keyspace.is_empty() {
                assert!(keyspace.expire_some(end, 3).looked_at > 0);
            }
        },
    ];
    for operation in operations {
        let region = region();
        let mut keyspace = filled(true, &KEYS);
        for key in KEYS {
            let plan = fault::fail_from(1);
            operation(&mut keyspace, key);
            drop(plan);
            keyspace.check();
        }
        assert_eq!(region.held() as usize, keyspace.allocation_size());
        // Without memory, some values stay in blocks that are too large. They can be written again.
        for key in KEYS {
            keyspace.set(key, "new", NOW).unwrap();
        }
        keyspace.check();
        drop(keyspace);
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn elements_are_removed_without_memory_down_to_the_last_one() {
    let region = region();
    for expires in [false, true] {
        let mut keyspace = filled(expires, &KEYS[STRINGS.len()..]);
        for kind in ["packed", "large"] {
            for n in 0..if kind == "packed" { FEW } else { MANY } {
                let (member, name) = (format!("member {n}"), |what: &str| format!("{kind} {what}"));
                let member = member.as_bytes();
                let plan = fault::fail_from(1);
                assert_eq!(keyspace.srem(&name("set"), member, NOW), Ok(true));
                assert_eq!(keyspace.zrem(&name("zset"), member, NOW), Ok(true));
                assert_eq!(keyspace.hdel(&name("hash"), member, NOW), Ok(true));
                let popped = keyspace.modify_as::<List, _, Error>(&name("list"), NOW, |list| {
                    let nothing = |_: Element<'_>| Ok::<_, Error>(());
                    list.try_pop_with(Side::Front, &limits(), nothing)
                });
                assert_eq!(popped, Ok(Some(Some(()))));
                drop(plan);
                keyspace.check();
            }
        }
        let plan = fault::fail_from(1);
        (0..FEW as i64).for_each(|n| assert_eq!(keyspace.srem("intset", n, NOW), Ok(true)));
        drop(plan);
        let is_string = |key: KeyRef<'_>| STRINGS.iter().any(|string| key == *string);
        assert!(keyspace.keys(b"*", NOW).all(is_string));
    }
    assert_eq!(region.held(), 0);
}

/// The closure replaces the value of an entry. If there is no memory to pack the new value into the block,
/// the entry stores a pointer to it.
#[test]
fn a_closure_may_leave_any_collection_without_memory() {
    fn replaced<C: Collection>(key: &str, make: impl Fn() -> C) {
        for expires in [false, true] {
            let region = region();
            let mut keyspace = filled(expires, &[key]);
            let other = make();
            let len = other.len();
            let plan = fault::fail_from(1);
            keyspace
                .edit_as::<C, (), Error>(key, NOW, |value| {
                    drop(std::mem::replace(value, other.into_in()));
                    Ok(())
                })
                .unwrap();
            drop(plan);
            keyspace.check();
            assert_eq!(region.held() as usize, keyspace.allocation_size());
            let Ok(Some(taken)) = keyspace.take(key, NOW) else { panic!("{key} is there") };
            assert_eq!(
                match &taken {
                    Value::List(list) => list.len(),
                    Value::Set(set) => set.len(),
                    Value::ZSet(zset) => zset.len(),
                    Value::Hash(hash) => hash.len(),
                    Value::String(_) => panic!("no string"),
                },
                len
            );
            drop((taken, keyspace));
            assert_eq!(region.held(), 0);
        }
    }
    for fields in [1, MANY as i64] {
        for kind in ["packed", "large"] {
            replaced(&format!("{kind} hash"), || {
                let mut hash = Hash::new();
                (0..fields).for_each(|n| assert!(hash.try_insert(n, &[b'y'; 50], &limits()).unwrap()));
                hash
            });
            replaced(&format!("{kind} set"), || {
                let mut set = Set::new();
                (0..fields).for_each(|n| assert!(set.try_insert(n, &limits()).unwrap()));
                set
            });
            replaced(&format!("{kind} zset"), || {
                let mut zset = ZSet::new();
                (0..fields).for_each(|n| assert!(zset.insert(n, 0.5, &limits()).unwrap()));
                zset
            });
            replaced(&format!("{kind} list"), || {
                let mut list = List::new();
                (0..fields).for_each(|n| list.try_push(Side::Back, n, &limits()).unwrap());
                list
            });
        }
    }
}

/// A hasher that sends all keys to one chunk. A table then needs memory only for the children of that chunk.
#[derive(Default)]
struct OneChunk;

impl Hasher for OneChunk {
    fn write(&mut self, _bytes: &[u8]) {}

    fn finish(&self) -> u64 {
        7
    }
}

#[test]
fn a_key_that_finds_no_memory_on_the_other_side_stays_where_it_is() {
    let full = |keys: usize, name: &str| {
        let mut keyspace = keyspace::Keyspace::<BuildHasherDefault<OneChunk>>::default();
        (0..keys).for_each(|n| keyspace.set(format!("{name}{n}").as_bytes(), n as i64, 0).unwrap());
        keyspace
    };
    let (mut from, mut to) = (full(16, "from"), full(15, "to"));
    {
        let _no_memory = fault::fail_from(1);
        assert!(from.move_to("from3", &mut to, 0).is_err());
    }
    assert_eq!((from.len(), to.len()), (16, 15));
    assert!(from.contains_key("from3", 0));
    from.check();
    to.check();
    assert_eq!(from.move_to("from3", &mut to, 0), Ok(true));
    from.check();
    to.check();
}
