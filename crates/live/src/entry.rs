//! A keyspace that a reader of the book changes. The drawing shows the block of the key in the last command.

use crate::recording::Structure;
use crate::words::{Words, unknown};
use common::Thousands;
use dict::DefaultHashBuilder;
use keyspace::{ExpireOptions, Expiry, Keyspace, Options, Ttl};
use layout::drawing::Frame;
use std::fmt;

/// The time at the beginning, in milliseconds since 1970. It is in 2026.
const START: u64 = 1_790_000_000_000;

/// The most bytes of a value in one command.
const LEN_MAX: usize = 10_000;

/// A keyspace, its time, and the key that is drawn.
pub struct Entries {
    keyspace: Keyspace,
    now: u64,
    key: Vec<u8>,
}

impl Default for Entries {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::with_seed(1);
        let keyspace = Keyspace::with_options_and_hasher(Options::default(), hasher);
        Self { keyspace, now: START, key: Vec::new() }
    }
}

/// A command on a keyspace.
#[derive(Clone, Debug)]
pub enum Operation {
    /// `SET`.
    Set(Vec<u8>, Vec<u8>),
    /// `APPEND`.
    Append(Vec<u8>, Vec<u8>),
    /// `INCRBY`.
    IncrBy(Vec<u8>, i64),
    /// `PEXPIRE`.
    Expire(Vec<u8>, u64),
    /// `PERSIST`.
    Persist(Vec<u8>),
    /// `DEL`.
    Remove(Vec<u8>),
    /// Draws the block of a key.
    Show(Vec<u8>),
    /// Moves the time forwards by some milliseconds.
    Wait(u64),
}

use Operation::{Append, Expire, IncrBy, Persist, Remove, Set, Show, Wait};

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Set(key, value) => write!(f, "set \"{}\" \"{}\"", key.escape_ascii(), value.escape_ascii()),
            Append(key, value) => write!(f, "append \"{}\" \"{}\"", key.escape_ascii(), value.escape_ascii()),
            IncrBy(key, by) => write!(f, "incrby \"{}\" {by}", key.escape_ascii()),
            Expire(key, millis) => write!(f, "pexpire \"{}\" {millis}", key.escape_ascii()),
            Persist(key) => write!(f, "persist \"{}\"", key.escape_ascii()),
            Remove(key) => write!(f, "del \"{}\"", key.escape_ascii()),
            Show(key) => write!(f, "show \"{}\"", key.escape_ascii()),
            Wait(millis) => write!(f, "wait {millis}"),
        }
    }
}

impl Operation {
    fn key(&self) -> Option<&[u8]> {
        match self {
            Set(key, _) | Append(key, _) | IncrBy(key, _) | Expire(key, _) => Some(key),
            Persist(key) | Remove(key) | Show(key) => Some(key),
            Wait(_) => None,
        }
    }
}

impl Entries {
    fn change(&mut self, operation: &Operation) -> Result<String, keyspace::Error> {
        let (keyspace, now) = (&mut self.keyspace, self.now);
        Ok(match operation {
            Set(key, value) => keyspace.set(&**key, &**value, now).map(|()| "OK".to_owned())?,
            Append(key, value) => format!("length {}", keyspace.append(&**key, value, now)?),
            IncrBy(key, by) => keyspace.incr_by(&**key, *by, now)?.to_string(),
            Expire(key, millis) => {
                let options = ExpireOptions::default();
                zero_or_one(keyspace.expire(&**key, Expiry::InMillis(*millis as i64), options, now)?)
            }
            Persist(key) => zero_or_one(keyspace.persist(&**key, now)),
            Remove(key) => zero_or_one(keyspace.remove(&**key, now)),
            Show(key) => match keyspace.ttl(&**key, now) {
                Ttl::Absent => "no such key".to_owned(),
                Ttl::Persistent => "does not expire".to_owned(),
                Ttl::Millis(left) => format!("expires in {left} ms"),
            },
            Wait(millis) => {
                self.now = now.saturating_add(*millis);
                format!("the time is {} ms later", self.now - START)
            }
        })
    }
}

fn zero_or_one(done: bool) -> String {
    if done { "1" } else { "0" }.to_owned()
}

impl Structure for Entries {
    type Operation = Operation;

    const COMMANDS: &'static str = "set KEY VALUE\nappend KEY VALUE\nincrby KEY N\npexpire KEY MS\n\
        persist KEY\ndel KEY\nshow KEY\nwait MS";

    fn parse(&self, mut words: Words<'_>) -> Result<Vec<Operation>, String> {
        let words = &mut words;
        let command = words.command()?;
        if command == "wait" {
            let operation = Wait(words.number::<u32>("the number of milliseconds")?.into());
            words.end()?;
            return Ok(vec![operation]);
        }
        if !["set", "append", "incrby", "pexpire", "persist", "del", "show"].contains(&&*command) {
            return unknown(&command);
        }
        let key = words.next("the key")?.to_vec();
        let value = |words: &mut Words<'_>| words.next("the value").map(<[u8]>::to_vec);
        let operation = match &*command {
            "set" => Set(key, value(words)?),
            "append" => Append(key, value(words)?),
            "incrby" => IncrBy(key, words.number("the increment")?),
            "pexpire" => Expire(key, words.number::<u32>("the number of milliseconds")?.into()),
            "persist" => Persist(key),
            "del" => Remove(key),
            _ => Show(key),
        };
        words.end()?;
        if let Set(_, value) | Append(_, value) = &operation
            && value.len() > LEN_MAX
        {
            return Err(format!("the text is longer than {} bytes", Thousands(LEN_MAX as u64)));
        }
        Ok(vec![operation])
    }

    fn apply(&mut self, operation: &Operation) -> String {
        if let Some(key) = operation.key() {
            self.key = key.to_vec();
        }
        self.change(operation).unwrap_or_else(|error| error.to_string())
    }

    fn frame(&self) -> Frame {
        let keys = match self.keyspace.len() {
            0 => "No key.".to_owned(),
            1 => "1 key.".to_owned(),
            n => format!("{n} keys."),
        };
        let Some(parts) = self.keyspace.block_parts(&*self.key, self.now) else {
            return Frame::new(format!("{keys} The last key does not exist, or has expired."), Vec::new());
        };
        Frame::of_block(format!("{keys} The block of \"{}\":", self.key.escape_ascii()), parts)
    }
}
