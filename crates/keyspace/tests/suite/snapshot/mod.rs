//! Snapshots: what a sink gets is the state of the start, whatever happens meanwhile.

mod model;
mod shards;

use keyspace::{
    Error, ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, Options, Record, Sharded, SnapshotEnd,
    SnapshotError, SnapshotFailed, SnapshotSink, Snapshotted, Ttl, ValueRef,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use values::list::Side;
use values::{Cursor, Element};
use zmalloc::{Region, fault};

const NOW: u64 = 1_000;

/// Elements of a large value: as many blocks, and more than 64.
const MANY: usize = 80;

/// The elements of a value, in an order that is always the same, and the expiry.
type Saved = (Vec<Vec<u8>>, Option<u64>);
type State = BTreeMap<Vec<u8>, Saved>;

/// What a sink has got.
#[derive(Default)]
struct Got {
    state: State,
    /// The key that is half saved, its elements so far, and where to go on.
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

/// Collects records, `slice` elements a call at most. Fails at one call if asked to.
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
    fn save(&mut self, record: &Record<'_>, elements: usize) -> Result<bool, SnapshotFailed> {
        let got = &mut *self.got.lock().unwrap();
        got.calls += 1;
        assert!(!got.is_finished);
        if got.calls > self.fails_at {
            return Err(SnapshotFailed);
        }
        let (key, mut all, mut at) = got.half.take().unwrap_or((record.key.to_vec(), vec![], At::Index(0)));
        assert_eq!(key, record.key, "calls for one key follow each other");
        // Some elements at a time, and all of them if they are wanted at once.
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

    fn finish(&mut self) -> Result<(), SnapshotFailed> {
        let got = &mut *self.got.lock().unwrap();
        assert!(got.half.is_none());
        got.is_finished = true;
        Ok(())
    }
}

/// Adds some elements of a value to `all`, and returns where to go on.
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
            add(string.element());
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
        // As a file is written: by the cursor of the table, which may not change meanwhile.
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

/// The state of a keyspace at `now`.
fn state_of(keyspace: &Keyspace, now: u64) -> State {
    let one = |(key, value): (&[u8], ValueRef<'_>)| {
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

/// Collections change their encoding beyond eight elements, and a list has one element a node.
fn options() -> Options {
    Options::new()
        .hash_max_listpack_entries(8)
        .set_max_intset_entries(8)
        .set_max_listpack_entries(8)
        .zset_max_listpack_entries(8)
        .list_max_listpack_size(1)
}

fn empty() -> Keyspace {
    Keyspace::with_options(options())
}

const TYPES: [&str; 4] = ["list", "set", "zset", "hash"];

/// Adds an element to the collection of a key, whose name begins with the type.
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

/// Strings, small collections, and a large value of each type. Some have an expiry.
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

/// One step.
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

/// Steps until a part of a large value is saved, and returns its key.
fn step_into_large(keyspace: &mut Keyspace, got: &Mutex<Got>) -> String {
    loop {
        if let Some((key, ..)) = &got.lock().unwrap().half {
            return String::from_utf8(key.clone()).unwrap();
        }
        assert!(!step(keyspace).is_complete, "a large value comes");
    }
}

#[test]
fn without_writes_a_snapshot_has_every_key_once_and_a_step_is_short() {
    let region = Region::start();
    let mut keyspace = filled();
    let expected = state_of(&keyspace, NOW);
    let before = keyspace.allocation_size();
    for slice in [1, 7, usize::MAX] {
        let (sink, got) = Collector::new(slice);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        assert!(keyspace.is_snapshot_running() && keyspace.snapshot_bytes() > 0);
        assert_eq!(keyspace.snapshot_keys_total(), expected.len());
        assert_eq!(keyspace.allocation_size() as isize, region.held());
        assert_eq!(keyspace.counted_bytes(), before);
        let mut keys = 0;
        loop {
            let calls = got.lock().unwrap().calls;
            let done = step(&mut keyspace);
            assert!(got.lock().unwrap().calls - calls < 200, "a step is short");
            keys += done.keys;
            if done.is_complete {
                assert_eq!(done.end, Some(SnapshotEnd::Saved));
                break;
            }
            assert_eq!(keyspace.snapshot_keys_processed(), keys);
        }
        let got = got.lock().unwrap();
        assert_eq!((keys, &got.state), (expected.len(), &expected));
        assert!(got.is_finished && got.is_dropped && !keyspace.is_snapshot_running());
        assert_eq!(keyspace.allocation_size(), before);
        keyspace.check();
    }
}

#[test]
fn a_snapshot_of_nothing_is_complete_at_once() {
    let mut keyspace = empty();
    assert!(step(&mut keyspace).is_complete, "there is none");
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    keyspace.set("new", 1, NOW).unwrap();
    assert_eq!(to_the_end(&mut keyspace), 0);
    assert!(got.lock().unwrap().is_finished && got.lock().unwrap().state.is_empty());
}

#[test]
fn one_snapshot_runs_at_a_time_and_the_next_waits_until_an_abandoned_one_is_cleared_up() {
    let mut keyspace = filled();
    let expected = state_of(&keyspace, NOW);
    let (sink, got) = Collector::new(2);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    assert_eq!(keyspace.begin_snapshot(Collector::new(1).0, NOW), Err(SnapshotError::InProgress));
    step(&mut keyspace);
    assert!(keyspace.abandon_snapshot() && !keyspace.abandon_snapshot());
    assert!(got.lock().unwrap().is_dropped && !got.lock().unwrap().is_finished);
    assert!(!keyspace.is_snapshot_running());
    assert_eq!(keyspace.begin_snapshot(Collector::new(1).0, NOW), Err(SnapshotError::ClearingUp));
    keyspace.remove("text 1", NOW);
    keyspace.set("text 1", &[b'x'; 1], NOW).unwrap();
    let mut calls = 0;
    while keyspace.begin_snapshot(Collector::new(1).0, NOW).is_err() {
        // The clock stands still, so that a call ends when there is nothing to do.
        keyspace.maintain(NOW, Duration::from_secs(1), || Duration::ZERO);
        calls += 1;
        assert!(calls < 3);
    }
    assert!(keyspace.abandon_snapshot());
    to_the_end(&mut keyspace);
    let (sink, got) = Collector::new(2);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    to_the_end(&mut keyspace);
    assert_eq!(got.lock().unwrap().state, expected);
}

#[test]
fn a_sink_that_fails_ends_the_snapshot_and_the_next_one_is_whole() {
    for fails_at in [0, 1, KEYS / 2, 2 * KEYS + 3, 2 * KEYS + 20] {
        let region = Region::start();
        let mut keyspace = filled();
        let (sink, got) = Collector::failing(fails_at);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        keyspace.remove("set large", NOW);
        loop {
            let done = step(&mut keyspace);
            keyspace.check();
            assert_eq!(keyspace.allocation_size() as isize, region.held());
            if done.is_complete {
                assert_eq!((done.end, keyspace.last_snapshot()), (Some(SnapshotEnd::Failed), done.end));
                break;
            }
        }
        assert!(got.lock().unwrap().is_dropped && !got.lock().unwrap().is_finished);
        let expected = state_of(&keyspace, NOW);
        let (sink, got) = Collector::new(5);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        assert_eq!(keyspace.last_snapshot(), None);
        to_the_end(&mut keyspace);
        assert_eq!(got.lock().unwrap().state, expected);
    }
}

#[test]
fn a_sink_that_never_completes_a_value_fails() {
    struct Never;
    impl SnapshotSink for Never {
        fn save(&mut self, _record: &Record<'_>, _elements: usize) -> Result<bool, SnapshotFailed> {
            Ok(false)
        }
    }
    let mut keyspace = filled();
    keyspace.begin_snapshot(Never, NOW).unwrap();
    while !step(&mut keyspace).is_complete {}
    assert_eq!(keyspace.last_snapshot(), Some(SnapshotEnd::Failed));
    keyspace.check();
}

#[test]
fn keys_that_have_expired_at_the_start_are_left_out_and_those_that_expire_later_are_in() {
    let mut keyspace = empty();
    for (key, at) in [("past", NOW as i64 + 5), ("future", NOW as i64 + 50)] {
        keyspace.set(key, "value", NOW).unwrap();
        assert!(keyspace.expire(key, Expiry::AtMillis(at), ExpireOptions::default(), NOW).unwrap());
    }
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW + 5).unwrap();
    assert_eq!(keyspace.expire_some(NOW + 100, 100).removed, 2);
    to_the_end(&mut keyspace);
    let expected = (vec![b"value".to_vec()], Some(NOW + 50));
    assert_eq!(got.lock().unwrap().state, State::from([(b"future".to_vec(), expected)]));
}

type Change = fn(&mut Keyspace, &str);

/// When a large value is saved whose key is changed.
#[derive(Clone, Copy, PartialEq)]
enum When {
    Later,
    AtOnce,
    /// At once if it is half saved.
    AtOnceIfHalf,
}

const CHANGES: [(When, Change); 16] = [
    (When::Later, |keyspace, key| assert!(keyspace.remove(key, NOW))),
    (When::Later, |keyspace, key| assert!(keyspace.unlink(key, NOW))),
    (When::Later, |keyspace, key| keyspace.set(key, "text", NOW).unwrap()),
    (When::Later, |keyspace, key| {
        keyspace.set("other", "text", NOW).unwrap();
        keyspace.rename("other", key, NOW).unwrap();
    }),
    (When::Later, |keyspace, key| {
        keyspace.set("other", "text", NOW).unwrap();
        assert!(keyspace.copy("other", key, true, NOW).unwrap());
    }),
    (When::Later, |keyspace, key| keyspace.insert(key, values::Set::new(), None, NOW).unwrap()),
    (When::Later, |keyspace, _key| assert_eq!(keyspace.expire_some(NOW + 10, 100).removed, 1)),
    (When::Later, |keyspace, key| keyspace.set(key, "text", NOW + 10).unwrap()),
    (When::Later, |keyspace, _key| {
        keyspace.set_options(options().maxmemory_policy(MaxmemoryPolicy::VolatileTtl));
        assert_eq!(keyspace.evict_down_to(1, NOW), 1);
    }),
    (When::Later, |keyspace, key| {
        keyspace.set_options(options().lazyfree_lazy_user_del(false).lazyfree_lazy_server_del(false));
        assert!(keyspace.remove(key, NOW));
    }),
    (When::Later, |keyspace, key| {
        keyspace.set_options(options().lazyfree_lazy_server_del(false));
        keyspace.set(key, "text", NOW).unwrap();
    }),
    (When::AtOnce, |keyspace, key| add(keyspace, key, MANY).unwrap()),
    (When::AtOnce, |keyspace, key| keyspace.rename(key, "new name", NOW).unwrap()),
    (When::AtOnce, |keyspace, key| assert!(keyspace.persist(key, NOW))),
    (When::AtOnce, |keyspace, key| assert!(keyspace.take(key, NOW).unwrap().is_some())),
    (When::AtOnceIfHalf, |keyspace, key| keyspace.retain(NOW, |other, _value| other != key.as_bytes())),
];

#[test]
#[cfg_attr(miri, ignore = "slow; the model reaches the same code")]
fn a_large_value_that_is_removed_is_saved_later_and_one_that_is_edited_at_once() {
    let cases = CHANGES.iter().flat_map(|change| TYPES.map(|name| (change, name)));
    for ((number, ((when, change), name)), is_half) in
        cases.enumerate().flat_map(|case| [(case, false), (case, true)])
    {
        let region = Region::start();
        let mut keyspace = empty();
        let key = format!("{name} large");
        add_many(&mut keyspace, &key, MANY);
        let expiry = Expiry::AtMillis(NOW as i64 + 10);
        assert!(keyspace.expire(&key, expiry, ExpireOptions::default(), NOW).unwrap());
        keyspace.set("small", 1, NOW).unwrap();
        let expected = state_of(&keyspace, NOW);
        let (sink, got) = Collector::new(1);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        if is_half {
            assert_eq!(step_into_large(&mut keyspace, &got), key);
            step(&mut keyspace);
        }
        change(&mut keyspace, &key);
        keyspace.check();
        let is_saved = got.lock().unwrap().state.contains_key(key.as_bytes());
        let is_saved_at_once = *when == When::AtOnce || *when == When::AtOnceIfHalf && is_half;
        assert_eq!(is_saved, is_saved_at_once, "change {number} of a {name}, half saved: {is_half}");
        if !is_saved {
            assert!(keyspace.snapshot_bytes() > 16 * MANY, "the snapshot holds the value");
            let counted = keyspace.allocation_size() - keyspace.snapshot_bytes();
            assert_eq!(keyspace.counted_bytes(), counted);
        }
        loop {
            let done = step(&mut keyspace);
            keyspace.check();
            assert_eq!(keyspace.allocation_size() as isize, region.held());
            if done.is_complete {
                break;
            }
        }
        assert_eq!(got.lock().unwrap().state, expected, "change {number} of a {name}");
        while !keyspace.free_some(10).is_complete {}
        drop(keyspace);
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn without_memory_for_the_list_a_removed_value_is_saved_at_once() {
    for is_half in [false, true] {
        let mut keyspace = filled();
        let expected = state_of(&keyspace, NOW);
        let (sink, got) = Collector::new(1);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        if is_half {
            step_into_large(&mut keyspace, &got);
        }
        let plan = fault::fail_from(1);
        for name in TYPES {
            assert!(keyspace.remove(&format!("{name} large"), NOW));
            assert!(got.lock().unwrap().state.contains_key(format!("{name} large").as_bytes()));
        }
        assert!(plan.failures() > 0);
        drop(plan);
        keyspace.check();
        to_the_end(&mut keyspace);
        assert_eq!(got.lock().unwrap().state, expected);
    }
}

#[test]
fn without_memory_a_snapshot_does_not_begin() {
    let region = Region::start();
    let mut keyspace = filled();
    let before = region.held();
    for nth in 1.. {
        let plan = fault::fail_nth(nth);
        let begun = keyspace.begin_snapshot(Collector::new(1).0, NOW);
        if plan.failures() == 0 {
            assert!(begun.is_ok() && nth > 1);
            break;
        }
        drop(plan);
        assert!(matches!(begun, Err(SnapshotError::Memory(_))));
        assert_eq!(region.held(), before);
        keyspace.check();
    }
}

#[test]
fn all_keys_are_saved_that_are_cleared_meanwhile() {
    for steps in [0, 1, 5, usize::MAX] {
        for is_lazy in [true, false] {
            let region = Region::start();
            let mut keyspace = filled();
            keyspace.set_options(options().lazyfree_lazy_user_flush(is_lazy));
            let expected = state_of(&keyspace, NOW);
            let (sink, got) = Collector::new(1);
            keyspace.begin_snapshot(sink, NOW).unwrap();
            if steps == usize::MAX {
                step_into_large(&mut keyspace, &got);
            } else {
                for _ in 0..steps {
                    step(&mut keyspace);
                }
            }
            let bytes = keyspace.allocation_size();
            keyspace.clear();
            assert!(keyspace.is_empty() && keyspace.allocation_size() == bytes);
            keyspace.check();
            for n in 0..10 {
                keyspace.set(format!("text {n}").as_bytes(), "new", NOW).unwrap();
            }
            step(&mut keyspace);
            keyspace.clear();
            add_many(&mut keyspace, "set new", MANY);
            keyspace.remove("set new", NOW);
            to_the_end(&mut keyspace);
            assert_eq!(got.lock().unwrap().state, expected);
            assert!(keyspace.lazyfree_pending_bytes() > 0, "the table is garbage now");
            while !keyspace.free_some(100).is_complete {}
            assert_eq!(keyspace.allocation_size() as isize, region.held());
        }
    }
}

#[test]
fn all_keys_that_are_cleared_while_a_snapshot_is_cleared_up_become_garbage_at_once() {
    let mut keyspace = filled();
    let (sink, _got) = Collector::new(3);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    let bytes = keyspace.snapshot_bytes();
    step(&mut keyspace);
    keyspace.abandon_snapshot();
    keyspace.clear();
    assert!(keyspace.snapshot_bytes() <= bytes && keyspace.lazyfree_pending_bytes() > 0);
    to_the_end(&mut keyspace);
    keyspace.check();
}

/// The callback must not panic. If it does, nothing is missing from the snapshot.
#[test]
fn a_large_value_whose_removal_panics_in_the_callback_is_saved() {
    let mut keyspace = filled();
    let expected = state_of(&keyspace, NOW);
    let (sink, got) = Collector::new(3);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    let half_saved = step_into_large(&mut keyspace, &got);
    keyspace.on_event(|_| panic!("by the callback")).unwrap();
    let removal = std::panic::AssertUnwindSafe(|| keyspace.remove(half_saved.as_str(), NOW));
    assert!(std::panic::catch_unwind(removal).is_err());
    keyspace.clear_on_event();
    to_the_end(&mut keyspace);
    assert_eq!(got.lock().unwrap().state, expected);
    keyspace.check();
}

#[test]
fn a_keyspace_that_is_dropped_in_the_middle_leaks_nothing() {
    for change in [
        |_: &mut Keyspace, _: &Mutex<Got>| {},
        |keyspace: &mut Keyspace, got: &Mutex<Got>| {
            let key = step_into_large(keyspace, got);
            assert!(keyspace.remove(&key, NOW));
        },
        |keyspace: &mut Keyspace, _: &Mutex<Got>| keyspace.clear(),
        |keyspace: &mut Keyspace, _: &Mutex<Got>| {
            assert!(keyspace.remove("set large", NOW) && keyspace.abandon_snapshot());
        },
    ] {
        let region = Region::start();
        let mut keyspace = filled();
        let (sink, got) = Collector::new(1);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        change(&mut keyspace, &got);
        drop(keyspace);
        assert!(got.lock().unwrap().is_dropped && !got.lock().unwrap().is_finished);
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn a_write_to_a_small_key_saves_nothing_while_a_large_value_is_half_saved() {
    let mut keyspace = filled();
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    step_into_large(&mut keyspace, &got);
    let calls = got.lock().unwrap().calls;
    for n in 0..KEYS {
        keyspace.remove(format!("text {n}").as_bytes(), NOW);
        add(&mut keyspace, &format!("{} {n}", TYPES[n % 4]), 100).unwrap();
    }
    assert_eq!(got.lock().unwrap().calls, calls);
}

#[test]
fn a_large_value_whose_key_has_another_hash_than_the_hasher_gives_is_found() {
    let mut keyspace = empty();
    for n in 0..MANY as i64 {
        let key = keyspace::Key::with_hash(b"set", 7);
        keyspace
            .edit_as::<values::Set, _, _>(key, NOW, |set| set.try_insert(n, options().encoding_limits()))
            .unwrap();
    }
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    while !step(&mut keyspace).is_complete {}
    assert_eq!(got.lock().unwrap().state[&b"set"[..]].0.len(), MANY);
}

#[test]
fn clocks_that_are_ahead_of_the_start_say_that_a_key_was_used() {
    type IdleAndFreq = (Option<u32>, Option<u8>);
    #[derive(Default)]
    struct Clocks(Arc<Mutex<Vec<IdleAndFreq>>>);
    impl SnapshotSink for Clocks {
        fn save(&mut self, record: &Record<'_>, _elements: usize) -> Result<bool, SnapshotFailed> {
            self.0.lock().unwrap().push((record.idle_time, record.freq));
            Ok(true)
        }
    }
    let start = 100_000_000;
    let clocks = |policy, changed: Option<MaxmemoryPolicy>| {
        let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy));
        keyspace.set("a", 1, start - 60_000).unwrap();
        let all = Arc::default();
        keyspace.begin_snapshot(Clocks(Arc::clone(&all)), start).unwrap();
        if let Some(policy) = changed {
            keyspace.set_options(Options::new().maxmemory_policy(policy));
        } else {
            assert!(keyspace.touch("a", start + 600_000));
        }
        while !step(&mut keyspace).is_complete {}
        Arc::try_unwrap(all).unwrap().into_inner().unwrap()
    };
    use MaxmemoryPolicy::{AllkeysLfu, AllkeysLru, AllkeysS3fifo};
    assert_eq!(clocks(AllkeysLru, None), [(Some(0), None)]);
    assert_eq!(clocks(AllkeysLru, Some(AllkeysLru)), [(Some(60), None)]);
    assert_eq!(clocks(AllkeysLfu, Some(AllkeysLfu)), [(None, Some(4))]);
    assert!(matches!(clocks(AllkeysLfu, None)[..], [(None, Some(0..=5))]));
    assert_eq!(clocks(AllkeysLru, Some(AllkeysLfu)), [(None, None)]);
    assert_eq!(clocks(AllkeysS3fifo, None), [(None, None)]);
}
