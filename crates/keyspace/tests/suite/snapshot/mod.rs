//! Snapshots: a sink receives the state of the start, whatever happens to the keys meanwhile.

mod coded;
mod lifecycle;
mod model;
mod shards;
mod writes;

use keyspace::{
    Error, ExpireOptions, Expiry, KeyRef, Keyspace, MaxmemoryPolicy, Options, Portion, Record, Sharded,
    SinkError, SnapshotEnd, SnapshotError, SnapshotSink, Snapshotted, Ttl, ValueRef,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use symbols::SymbolTable;
use values::list::Side;
use values::{Cursor, Element};
use zmalloc::{Region, fault};

const NOW: u64 = 1_000;

/// The number of elements of a large value. It has as many blocks, which is more than 64.
const MANY: usize = 80;

/// The elements of a value, in a fixed order, and the expiry.
type Saved = (Vec<Vec<u8>>, Option<u64>);
type State = BTreeMap<Vec<u8>, Saved>;

/// The keys that a sink has received.
#[derive(Default)]
struct Got {
    state: State,
    /// The half-saved key, its elements so far, and the position of the next element.
    half: Option<(Vec<u8>, Vec<Vec<u8>>, At)>,
    calls: usize,
    is_finished: bool,
    is_dropped: bool,
}

#[derive(Clone, Copy)]
enum At {
    Index(usize),
    Place(Cursor),
    End,
}

/// Collects records, at most `slice` elements in each call. Fails in one call if the test asks for that.
struct Collector {
    got: Arc<Mutex<Got>>,
    slice: usize,
    fails_at: usize,
}

impl Collector {
    fn new(slice: usize) -> (Self, Arc<Mutex<Got>>) {
        let got = Arc::default();
        (Self { got: Arc::clone(&got), slice, fails_at: usize::MAX }, got)
    }

    fn failing(fails_at: usize) -> (Self, Arc<Mutex<Got>>) {
        let (mut sink, got) = Self::new(3);
        sink.fails_at = fails_at;
        (sink, got)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.got.lock().unwrap().is_dropped = true;
    }
}

impl SnapshotSink for Collector {
    fn save(&mut self, record: &Record<'_>, portion: Portion) -> Result<bool, SinkError> {
        let elements = portion.elements();
        let got = &mut *self.got.lock().unwrap();
        got.calls += 1;
        assert!(!got.is_finished);
        if got.calls > self.fails_at {
            return Err(SinkError);
        }
        let (key, mut all, mut at) = got.half.take().unwrap_or((record.key.to_vec(), vec![], At::Index(0)));
        assert_eq!(record.key, key, "calls for one key follow each other");
        // Take `slice` elements at most, or all of them if the portion is the rest of the value.
        let most = if elements == usize::MAX { usize::MAX } else { elements.min(self.slice) };
        at = part(record.value, at, most, &mut all);
        if !matches!(at, At::End) {
            assert!(elements < usize::MAX);
            got.half = Some((key, all, at));
            return Ok(false);
        }
        if !matches!(record.value, ValueRef::List(_)) {
            all.sort();
        }
        let before = got.state.insert(key, (all, record.expiry));
        assert_eq!(before, None, "each key is saved once");
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let got = &mut *self.got.lock().unwrap();
        assert!(got.half.is_none());
        got.is_finished = true;
        Ok(())
    }
}

/// Adds some elements of a value to `all`, and returns the position of the next element.
fn part(value: ValueRef<'_>, at: At, most: usize, all: &mut Vec<Vec<u8>>) -> At {
    let before = all.len();
    let mut add = |element: Element<'_>| all.push(element.text().to_vec());
    let (index, mut cursor) = match at {
        At::Index(index) => (index, Cursor::START),
        At::Place(cursor) => (0, cursor),
        At::End => unreachable!(),
    };
    let len = match value {
        ValueRef::String(string) => {
            add(string.element(&mut Vec::new()).unwrap());
            return At::End;
        }
        ValueRef::List(list) => {
            list.iter().skip(index).take(most).for_each(|item| add(item.element()));
            list.len()
        }
        ValueRef::ZSet(zset) => {
            for (member, score) in zset.iter().skip(index).take(most) {
                all.push(format!("{:?} {score}", member.text()).into_bytes());
            }
            zset.len()
        }
        // Sets are read by the cursor of the table, as a writer of a file does. The table must not change.
        ValueRef::Set(set) => {
            let mut seen = 0;
            while seen < most {
                cursor = set.scan(cursor, |member| {
                    seen += 1;
                    add(member);
                });
                if cursor.is_start() {
                    return At::End;
                }
            }
            return At::Place(cursor);
        }
        ValueRef::Hash(hash) => {
            let mut seen = 0;
            while seen < most {
                cursor = hash.scan(cursor, |field, value| {
                    seen += 1;
                    all.push([&*field.text(), b"=", &*value.text()].concat());
                });
                if cursor.is_start() {
                    return At::End;
                }
            }
            return At::Place(cursor);
        }
    };
    let index = index + all.len() - before;
    if index == len { At::End } else { At::Index(index) }
}

/// Returns the state of a keyspace at `now`.
fn state_of(keyspace: &Keyspace, now: u64) -> State {
    let one = |(key, value): (KeyRef<'_>, ValueRef<'_>)| {
        let key = &*key.text();
        let mut all = Vec::new();
        assert!(matches!(part(value, At::Index(0), usize::MAX, &mut all), At::End));
        if !matches!(value, ValueRef::List(_)) {
            all.sort();
        }
        let expiry = match keyspace.expire_time(key, now) {
            Ttl::Millis(at) => Some(at),
            _ => None,
        };
        (key.to_vec(), (all, expiry))
    };
    keyspace.iter(now).map(one).collect()
}

/// With these options, collections change their encoding beyond eight elements, and each node of a list has
/// one element.
fn options() -> Options {
    Options::new()
        .hash_max_listpack_entries(8)
        .set_max_intset_entries(8)
        .set_max_listpack_entries(8)
        .zset_max_listpack_entries(8)
        .list_max_listpack_size(1)
}

/// Symbol tables for the texts of the operations.
static TABLES: LazyLock<[Arc<SymbolTable>; 2]> = LazyLock::new(|| {
    [["xxxxxxxx", "yyy"], ["xxx", "yyyyyyyy"]]
        .map(|symbols| Arc::new(SymbolTable::from_symbols(symbols).unwrap()))
});

fn empty() -> Keyspace {
    Keyspace::with_options(options())
}

const TYPES: [&str; 4] = ["list", "set", "zset", "hash"];

/// Adds an element to the collection of a key. The key's name begins with the type of the collection.
fn add(keyspace: &mut Keyspace, key: &str, n: usize) -> Result<(), Error> {
    let element = format!("element {n}");
    let element = element.as_bytes();
    match &key[..3] {
        "lis" => keyspace.push(key, Side::Back, element, NOW).map(drop),
        "set" => keyspace.sadd(key, element, NOW).map(drop),
        "zse" => keyspace.zadd(key, element, n as f64, Default::default(), NOW).map(drop),
        _ => keyspace.hset(key, element, n as i64, NOW).map(drop),
    }
}

fn add_many(keyspace: &mut Keyspace, key: &str, count: usize) {
    (0..count).for_each(|n| add(keyspace, key, n).unwrap());
}

const KEYS: usize = if cfg!(miri) { 4 } else { 300 };

/// Returns a keyspace with strings, small collections, and a large value of each type. Some keys have an
/// expiry.
fn filled() -> Keyspace {
    let mut keyspace = empty();
    for n in 0..KEYS {
        keyspace.set(format!("text {n}").as_bytes(), &vec![b'x'; n % 40][..], NOW).unwrap();
        add_many(&mut keyspace, &format!("{} {n}", TYPES[n % 4]), 1 + n % 12);
        if n % 3 == 0 {
            let expiry = Expiry::AtMillis(NOW as i64 + 10 * n as i64 + 10);
            let key = format!("text {n}");
            assert!(keyspace.expire(key.as_bytes(), expiry, ExpireOptions::default(), NOW).unwrap());
        }
    }
    TYPES.iter().for_each(|name| add_many(&mut keyspace, &format!("{name} large"), MANY));
    keyspace.set("long", &[b'y'; 5_000], NOW).unwrap();
    keyspace
}

/// Does one step of the snapshot.
fn step(keyspace: &mut Keyspace) -> Snapshotted {
    keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO)
}

fn to_the_end(keyspace: &mut Keyspace) -> usize {
    let mut keys = 0;
    loop {
        let done = step(keyspace);
        keyspace.check();
        keys += done.keys;
        if done.is_complete {
            return keys;
        }
    }
}

/// Does steps until a part of a large value is saved. Returns its key.
fn step_into_large(keyspace: &mut Keyspace, got: &Mutex<Got>) -> String {
    loop {
        if let Some((key, ..)) = &got.lock().unwrap().half {
            return String::from_utf8(key.clone()).unwrap();
        }
        assert!(!step(keyspace).is_complete, "a large value comes");
    }
}
