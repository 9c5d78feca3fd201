//! A data set, as the commands that write it key by key and element by element. They are the same for redcore
//! and for servers.
//!
//! ```text
//!  DataSet  ->  Batch  ->  Keyspace::set, hset, sadd, zadd, push     Part::apply
//!                      ->  SET, HSET, SADD, ZADD, RPUSH, packed      Part::write_command
//!                      ->  a value, whole                            Part::add_to
//! ```
//!
//! Invariants: the commands of a key follow each other. A batch is in memory before it is used, so the time
//! to make it is not measured. It has at most [`BATCH_COMMANDS`] commands, and ends when it has
//! [`BATCH_BYTES`].

use keyspace::{ExpireOptions, Expiry, Keyspace, SetExpiry, SetOptions, Value};
use redis::Cmd;
use robj::EncodingLimits;
use sds::Sds;
use std::hash::BuildHasher;
use std::ops::Range;
use values::list::Side;
use values::zset::AddOptions;
use values::{Hash, List, OwnedElement, Set, ZSet};

pub(super) const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// The maximum number of commands of a batch, which is also that of a pipeline.
pub(super) const BATCH_COMMANDS: usize = 1_000;

/// A batch ends when its keys and values have this many bytes.
const BATCH_BYTES: usize = 1 << 20;

/// The data that one command adds to a key. The bytes are borrowed, or are a range of a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::suites) enum Part<B> {
    /// A string. In C: `SET`.
    String(B),
    /// A field of a hash and its value. In C: `HSET`.
    Field(B, B),
    /// A member of a set. In C: `SADD`.
    Member(B),
    /// A member of a sorted set and its score. In C: `ZADD`.
    Scored(B, f64),
    /// The last element of a list. In C: `RPUSH`.
    Item(B),
    /// An expiry after this many milliseconds. In C: `PEXPIRE`.
    Expire(u64),
}

impl<B> Part<B> {
    fn map<C>(self, mut f: impl FnMut(B) -> C) -> Part<C> {
        match self {
            Self::String(value) => Part::String(f(value)),
            Self::Field(field, value) => Part::Field(f(field), f(value)),
            Self::Member(member) => Part::Member(f(member)),
            Self::Scored(member, score) => Part::Scored(f(member), score),
            Self::Item(element) => Part::Item(f(element)),
            Self::Expire(ttl) => Part::Expire(ttl),
        }
    }
}

impl Part<&[u8]> {
    /// Adds the part to a key of a keyspace. A string expires after `ttl` milliseconds.
    pub(in crate::suites) fn apply<S: BuildHasher>(
        self,
        keyspace: &mut Keyspace<S>,
        key: &[u8],
        ttl: Option<u64>,
    ) -> Result<(), keyspace::Error> {
        match self {
            Self::String(value) => match ttl {
                Some(ttl) => {
                    let expiry = SetExpiry::To(Expiry::InMillis(ttl as i64));
                    let options = SetOptions { expiry, ..SetOptions::default() };
                    keyspace.set_with(key, value, &options, 0).map(drop)
                }
                None => keyspace.set(key, value, 0),
            },
            Self::Field(field, value) => keyspace.hset(key, field, value, 0).map(drop),
            Self::Member(member) => keyspace.sadd(key, member, 0).map(drop),
            Self::Scored(member, score) => {
                keyspace.zadd(key, member, score, AddOptions::default(), 0).map(drop)
            }
            Self::Item(element) => keyspace.push(key, Side::Back, element, 0),
            Self::Expire(ttl) => {
                keyspace.expire(key, Expiry::InMillis(ttl as i64), ExpireOptions::default(), 0).map(drop)
            }
        }
    }

    /// Returns the command that does the same in a server.
    pub(in crate::suites) fn write_command(self, key: &[u8], ttl: Option<u64>) -> Cmd {
        let mut command = Cmd::new();
        match self {
            Self::String(value) => match ttl {
                Some(ttl) => command.arg("SET").arg(key).arg(value).arg("PX").arg(ttl),
                None => command.arg("SET").arg(key).arg(value),
            },
            Self::Field(field, value) => command.arg("HSET").arg(key).arg(field).arg(value),
            Self::Member(member) => command.arg("SADD").arg(key).arg(member),
            Self::Scored(member, score) => command.arg("ZADD").arg(key).arg(score).arg(member),
            Self::Item(element) => command.arg("RPUSH").arg(key).arg(element),
            Self::Expire(ttl) => command.arg("PEXPIRE").arg(key).arg(ttl),
        };
        command
    }

    /// Returns a command that looks up the data that the part has written.
    pub(super) fn read_command(self, key: &[u8]) -> Cmd {
        let mut command = Cmd::new();
        match self {
            Self::String(_) | Self::Expire(_) => command.arg("EXISTS").arg(key),
            Self::Field(field, _) => command.arg("HEXISTS").arg(key).arg(field),
            Self::Member(member) => command.arg("SISMEMBER").arg(key).arg(member),
            Self::Scored(member, _) => command.arg("ZSCORE").arg(key).arg(member),
            Self::Item(_) => command.arg("LLEN").arg(key),
        };
        command
    }

    /// Adds the part to the value of a key, or begins a new value. An expiry is left out.
    ///
    /// # Panics
    /// If the value has another type.
    pub(super) fn add_to(self, value: Option<Value>) -> Value {
        let mut value = value.unwrap_or_else(|| match self {
            Self::String(_) | Self::Expire(_) => Value::String(OwnedElement::Int(0)),
            Self::Field(..) => Hash::new().into(),
            Self::Member(_) => Set::new().into(),
            Self::Scored(..) => ZSet::new().into(),
            Self::Item(_) => List::new().into(),
        });
        match (&mut value, self) {
            (Value::String(string), Self::String(new)) => {
                *string = OwnedElement::Bytes(Sds::from_bytes(new));
            }
            (Value::Hash(hash), Self::Field(field, value)) => {
                hash.insert(field, value, &LIMITS);
            }
            (Value::Set(set), Self::Member(member)) => {
                set.insert(member, &LIMITS);
            }
            (Value::ZSet(zset), Self::Scored(member, score)) => {
                zset.insert(member, score, &LIMITS).expect("scores are numbers");
            }
            (Value::List(list), Self::Item(element)) => list.push_back(element, &LIMITS),
            (_, Self::Expire(_)) => {}
            (value, part) => unreachable!("{part:?} is not of a {:?}", value.object_type()),
        }
        value
    }
}

/// Returns a command that removes a key.
pub(in crate::suites) fn remove_command(key: &[u8]) -> Cmd {
    let mut command = Cmd::new();
    command.arg("DEL").arg(key);
    command
}

/// Commands in memory.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    writes: Vec<(Range<usize>, Part<Range<usize>>)>,
}

impl Batch {
    fn push(&mut self, key: &[u8], part: Part<&[u8]>) {
        let mut keep = |bytes: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            start..self.bytes.len()
        };
        let key = keep(key);
        self.writes.push((key, part.map(keep)));
    }

    fn is_full(&self) -> bool {
        self.len() >= BATCH_COMMANDS || self.bytes.len() >= BATCH_BYTES
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.writes.clear();
    }

    /// Returns the number of commands.
    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Returns the key and the part of each command.
    pub(super) fn writes(&self) -> impl Iterator<Item = (&[u8], Part<&[u8]>)> {
        let bytes = |range: &Range<usize>| &self.bytes[range.clone()];
        self.writes.iter().map(move |(key, part)| (bytes(key), part.clone().map(|range| bytes(&range))))
    }

    /// Returns all commands, packed one after the other.
    pub(super) fn packed<'a>(&'a self, command: impl Fn(&'a [u8], Part<&'a [u8]>) -> Cmd) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.bytes.len() + 32 * self.len());
        self.writes().for_each(|(key, part)| command(key, part).write_packed_command(&mut packed));
        packed
    }
}

/// Receives the commands of a data set one by one.
pub(super) type Sink<'s> = dyn FnMut(&[u8], Part<&[u8]>) + 's;

/// A data set.
pub(in crate::suites) struct DataSet<'a> {
    /// The name in the rows.
    pub(in crate::suites) name: String,
    /// The number of keys.
    pub(super) keys: u64,
    /// The number that the bytes are divided by: the number of keys, or of the elements of a single key.
    pub(in crate::suites) items: u64,
    /// The time to live of the strings, in milliseconds.
    pub(super) ttl: Option<u64>,
    /// Passes the commands to a sink. They are the same in every call.
    pub(super) writes: Box<dyn Fn(&mut Sink<'_>) + 'a>,
}

impl DataSet<'_> {
    /// Returns the name of the metric: bytes a key, or bytes an element.
    pub(in crate::suites) fn metric(&self) -> &'static str {
        if self.keys == self.items { "used_memory a key" } else { "used_memory an element" }
    }

    /// Calls `work` with each batch of commands, in order.
    pub(super) fn batches(&self, mut work: impl FnMut(&Batch)) {
        let mut batch = Batch::default();
        (self.writes)(&mut |key, part| {
            batch.push(key, part);
            if batch.is_full() {
                work(&batch);
                batch.clear();
            }
        });
        if batch.len() > 0 {
            work(&batch);
        }
    }

    /// Like [`batches`](Self::batches), until `work` fails. The batches after that are made and dropped.
    pub(super) fn try_batches(
        &self,
        mut work: impl FnMut(&Batch) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        self.batches(|batch| {
            if outcome.is_ok() {
                outcome = work(batch);
            }
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: u32) -> DataSet<'static> {
        DataSet {
            name: "numbers".into(),
            keys: n.into(),
            items: n.into(),
            ttl: None,
            writes: Box::new(move |sink| {
                (0..n).for_each(|i| sink(format!("k{i}").as_bytes(), Part::String(i.to_string().as_bytes())));
            }),
        }
    }

    #[test]
    fn batches_have_all_commands_in_order_and_a_limited_number_each() {
        let (mut lens, mut keys) = (Vec::new(), Vec::new());
        numbers(2_500).batches(|batch| {
            lens.push(batch.len());
            keys.extend(batch.writes().map(|(key, _)| key.to_vec()));
        });
        assert_eq!(lens, [1_000, 1_000, 500]);
        assert!(keys.iter().enumerate().all(|(i, key)| key == format!("k{i}").as_bytes()));
        numbers(0).batches(|_| panic!("there is no batch without commands"));
    }

    #[test]
    fn large_values_end_a_batch_early() {
        let value = vec![b'v'; BATCH_BYTES / 2];
        let set = DataSet {
            writes: Box::new(|sink| (0..5_u8).for_each(|i| sink(&[b'k', i], Part::String(&value)))),
            ..numbers(5)
        };
        let mut lens = Vec::new();
        set.batches(|batch| lens.push(batch.len()));
        assert_eq!(lens, [2, 2, 1]);
    }

    #[test]
    fn an_error_is_the_last_thing_that_happens() {
        let mut calls = 0;
        let outcome = numbers(5_000).try_batches(|_| {
            calls += 1;
            if calls == 2 { anyhow::bail!("no") } else { Ok(()) }
        });
        assert_eq!((calls, outcome.unwrap_err().to_string().as_str()), (2, "no"));
    }

    #[test]
    fn a_part_is_the_same_in_a_keyspace_in_a_command_and_in_a_value() {
        let parts = [
            (Part::String(b"42".as_slice()), "SET k 42 PX 7"),
            (Part::Field(b"f", b"v"), "HSET k f v"),
            (Part::Member(b"m"), "SADD k m"),
            (Part::Scored(b"m", 0.25), "ZADD k 0.25 m"),
            (Part::Item(b"e"), "RPUSH k e"),
        ];
        for (part, words) in parts {
            let mut expected = Cmd::new();
            for word in words.split(' ') {
                expected.arg(word);
            }
            let command = part.write_command(b"k", Some(7));
            assert_eq!(command.get_packed_command(), expected.get_packed_command(), "{words}");

            let mut keyspace = Keyspace::new();
            part.apply(&mut keyspace, b"k", Some(7)).unwrap();
            assert_eq!(keyspace.object_type("k", 0), Some(part.add_to(None).object_type()));
            let is_string = matches!(part, Part::String(_));
            assert_eq!(keyspace.expires(), usize::from(is_string), "{words}");
        }
    }
}
