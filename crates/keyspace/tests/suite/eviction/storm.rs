//! Random operations of all types at a small limit.
//!
//! After each operation the bytes are within the limit. Every key is there unless its removal was reported.
//! Every string is the one that was written.

use super::{evicting, name};
use keyspace::{Error, Event, ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, Options};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use values::list::Side;
use values::zset::AddOptions;
use zmalloc::{Region, fault};

/// The limit is large enough for the queue and the ghosts of S3-FIFO.
const LIMIT: usize = 100_000;

/// Mixes the bits of a number, so that each bit of the result depends on all of them.
fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    number ^ number >> 32
}

/// The string of each key, or `None` for another value.
type Model = HashMap<Vec<u8>, Option<Vec<u8>>>;

struct Storm {
    keyspace: Keyspace,
    /// The keys that are there according to the reported events.
    reported: Arc<Mutex<HashMap<Vec<u8>, ()>>>,
    strings: Model,
    /// The bytes after the last step. `edits` says whether the present step edits a collection.
    bytes: usize,
    edits: bool,
    random: u64,
    now: u64,
}

impl Storm {
    fn new(policy: MaxmemoryPolicy, seed: u64) -> Self {
        let options = Options::new()
            .maxmemory_policy(policy)
            .maxmemory(LIMIT)
            .hash_max_listpack_entries(8)
            .set_max_listpack_entries(8)
            .zset_max_listpack_entries(8)
            .list_max_listpack_size(8);
        let mut keyspace = Keyspace::with_options(options);
        let reported = Arc::new(Mutex::new(HashMap::new()));
        let to = reported.clone();
        let report = move |event: Event<'_>| {
            let mut keys = to.lock().unwrap();
            match event {
                Event::Set(key) => drop(keys.insert(key.to_vec(), ())),
                Event::Evicted(key) | Event::Removed(key) | Event::Expired(key) => {
                    assert!(keys.remove(key).is_some(), "{key:?} was not there");
                }
                Event::Renamed { from, to } => {
                    keys.remove(from);
                    keys.insert(to.to_vec(), ());
                }
                Event::Cleared => keys.clear(),
                _ => {}
            }
        };
        keyspace.on_event(report).unwrap();
        Self { keyspace, reported, strings: Model::new(), bytes: 0, edits: false, random: seed, now: 0 }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random = mix(self.random.wrapping_add(0x9E37_79B9_7F4A_7C15));
        self.random % below
    }

    /// Does one random operation. Returns an error if there is no room or no memory.
    fn step(&mut self) -> Result<(), Error> {
        self.now += self.draw(300);
        let (key, other) = (name(self.draw(600)), name(self.draw(600)));
        let len = match self.draw(20) {
            0 => self.draw(8_000),
            1..5 => self.draw(1_500),
            _ => self.draw(60),
        };
        let text = vec![b'a' + self.draw(26) as u8; len as usize];
        let (db, now) = (&mut self.keyspace, self.now);
        let is_string = self.strings.get(&key).is_some_and(Option::is_some) || !db.contains_key(&key, now);
        let kind = mix(self.random) % 16;
        self.edits = (6..10).contains(&kind);
        match kind {
            0..5 => {
                db.set(&key, &text, now)?;
                self.strings.insert(key, Some(text));
            }
            5 if is_string => {
                let old = db.get_string(&key, now).unwrap().map_or(vec![], |old| old.to_bytes().to_vec());
                db.append(&key, &text, now)?;
                let new = db.get_string(&key, now).unwrap().map_or(vec![], |new| new.to_bytes().to_vec());
                assert_eq!(new.len(), old.len() + text.len());
                assert_eq!(new, [&old[..], &text[..]].concat());
                self.strings.insert(key, Some(new));
            }
            kind @ 6..10 if !is_string => {
                let result = match kind {
                    6 => db.hset(&key, &text[..], "value", now).map(drop),
                    7 => db.sadd(&key, &text[..], now).map(drop),
                    8 => db.zadd(&key, &text[..], 1.0, AddOptions::default(), now).map(drop),
                    _ => db.push(&key, Side::Back, &text[..], now),
                };
                if !matches!(result, Err(Error::Value(values::Error::WrongType(_)))) {
                    result?;
                }
            }
            6..10 => {
                db.remove(&key, now);
                self.strings.insert(key.clone(), None);
                db.push(&key, Side::Back, &text[..], now)?;
            }
            10 => drop(db.expire(&key, Expiry::InMillis(5_000), ExpireOptions::default(), now)?),
            11 => match db.rename(&key, &other, now) {
                Err(Error::NoSuchKey) => {}
                result => {
                    result?;
                    if key != other {
                        let value = self.strings.remove(&key).expect("a key that was written");
                        self.strings.insert(other, value);
                    }
                }
            },
            12 => {
                if db.copy(&key, &other, true, now)? {
                    let value = self.strings.get(&key).expect("a key that was written").clone();
                    self.strings.insert(other, value);
                }
            }
            13 => drop(db.remove(&key, now)),
            14 => drop(db.expire_some(now, 10)),
            _ => drop(db.touch(&key, now)),
        }
        Ok(())
    }

    fn check(&mut self) {
        let bytes = self.keyspace.counted_bytes();
        let policy = self.keyspace.options().get_maxmemory_policy();
        // If no key may be evicted, an edit may exceed the limit by what it adds to its collection.
        let may_overshoot = policy.is_volatile() || policy == MaxmemoryPolicy::Noeviction;
        let most =
            if may_overshoot && self.edits { self.bytes.max(LIMIT) + 10_000 } else { self.bytes.max(LIMIT) };
        assert!(bytes <= most, "{bytes} bytes under {policy}, after {}", self.bytes);
        self.bytes = bytes;
        assert_eq!(self.keyspace.len(), self.reported.lock().unwrap().len());
    }

    fn check_contents(&self) {
        self.keyspace.check();
        for (key, value) in self.keyspace.iter(self.now) {
            let key = key.text();
            assert!(self.reported.lock().unwrap().contains_key(&*key));
            let string = value.as_string().map(|string| string.to_bytes().to_vec());
            assert_eq!(self.strings.get(&*key), Some(&string), "{key:?}");
        }
    }
}

#[test]
fn no_operation_leaves_more_than_the_limit_and_no_key_is_lost_or_wrong() {
    for policy in MaxmemoryPolicy::ALL {
        let mut refused = 0;
        for seed in 0..3 {
            let mut storm = Storm::new(policy, seed);
            for step in 0..6_000 {
                match storm.step() {
                    Ok(()) => {}
                    Err(Error::MaxmemoryReached { .. }) => refused += 1,
                    Err(error) => panic!("{error:?}"),
                }
                storm.check();
                if step % 200 == 0 {
                    storm.check_contents();
                }
            }
            let evicted = storm.keyspace.evicted_keys();
            assert!(policy == MaxmemoryPolicy::Noeviction || evicted > 100, "{policy}: {evicted}");
        }
        let is_always_room = !policy.is_volatile() && policy != MaxmemoryPolicy::Noeviction;
        assert!(is_always_room == (refused == 0), "{policy}: {refused}");
    }
}

/// One allocation fails in most operations. An operation that then fails has changed nothing, and leaks
/// nothing.
#[test]
fn a_store_at_its_limit_survives_failing_allocations() {
    let region = Region::start();
    for policy in evicting() {
        let mut storm = Storm::new(policy, 7);
        let mut failed = 0;
        for step in 0..3_000 {
            let countdown = storm.draw(6);
            let plan = fault::fail_nth(countdown);
            let result = storm.step();
            drop(plan);
            failed += usize::from(matches!(&result, Err(error) if error.reserve_error().is_some()));
            storm.check();
            if step % 50 == 0 {
                storm.check_contents();
            }
        }
        assert!(failed > 100, "{policy}: {failed}");
    }
    assert_eq!(region.held(), 0);
}
