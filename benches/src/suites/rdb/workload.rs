//! The data of a snapshot, and the mix of random writes during the snapshot. Servers get the same data and
//! the same mix.

use super::data;
use crate::keys::key;
use crate::maps::FoldHash;
use crate::suites::memory::data_set::{Part, remove_command};
use keyspace::Keyspace;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use redis::Cmd;

/// A set of data: the number of keys of each kind, and the sizes of their values.
#[derive(Clone, Copy)]
pub(super) struct Data {
    pub(super) name: &'static str,
    /// The number of keys with a string of 32 bytes.
    pub(super) strings: u64,
    /// The number of collections. A quarter each are hashes, lists, sets and sorted sets.
    pub(super) collections: u64,
    /// The number of elements of a collection, and their length in bytes.
    elements: u64,
    element_bytes: usize,
    /// The number of long strings, and their length in bytes.
    long_strings: u64,
    long_bytes: usize,
}

/// Returns two sets of data: strings with some small collections, and values of nearly 1 MiB with some
/// strings.
pub(super) fn data_sets(settings: &crate::settings::Settings) -> [Data; 2] {
    let strings = settings.pick(2_000, 200_000, 4_000_000);
    let (small, large) = settings.pick((2_000, 4), (100_000, 20), (500_000, 80));
    [
        Data {
            name: "strings",
            strings,
            collections: strings / 100,
            elements: 20,
            element_bytes: 16,
            long_strings: 0,
            long_bytes: 0,
        },
        Data {
            name: "values of 1 MB",
            strings: small,
            collections: large,
            elements: 4_000,
            element_bytes: 240,
            long_strings: large,
            long_bytes: 1_000_000,
        },
    ]
}

impl Data {
    /// Adds all keys to a store.
    pub(super) fn fill(&self, store: &mut Keyspace<FoldHash>, seed: u64) {
        const MEMORY: &str = "there is memory";
        let mut random = SmallRng::seed_from_u64(seed);
        for i in crate::keys::shuffled(0..self.strings as u32, seed) {
            store.set(&key(i.into()), &data::text(&mut random), 0).expect(MEMORY);
        }
        for i in 0..self.collections {
            let name = collection(i);
            for number in 0..self.elements {
                let element = self.element(number, &mut random);
                part(i, &element, &mut random).apply(store, &name, None).expect(MEMORY);
            }
        }
        for i in 0..self.long_strings {
            store.set(&long_string(i), &letters(self.long_bytes, &mut random), 0).expect(MEMORY);
        }
    }

    /// Returns an element that begins with its number.
    fn element(&self, number: u64, random: &mut SmallRng) -> Vec<u8> {
        let mut element = format!("{number:08}").into_bytes();
        element.extend(letters(self.element_bytes - element.len(), random));
        element
    }
}

fn collection(i: u64) -> Vec<u8> {
    format!("collection:{i}").into_bytes()
}

fn long_string(i: u64) -> Vec<u8> {
    format!("long:{i}").into_bytes()
}

/// Returns random letters and digits, which LZF cannot compress.
fn letters(len: usize, random: &mut SmallRng) -> Vec<u8> {
    let mut letters = Vec::with_capacity(len + data::VALUE_BYTES);
    while letters.len() < len {
        letters.extend(data::text(random));
    }
    letters.truncate(len);
    letters
}

/// Returns the part that adds an element to collection `i`. A score is random.
fn part<'e>(i: u64, element: &'e [u8], random: &mut SmallRng) -> Part<&'e [u8]> {
    match i % 4 {
        0 => Part::Field(&element[..8], &element[8..]),
        1 => Part::Item(element),
        2 => Part::Member(element),
        _ => Part::Scored(element, random.random()),
    }
}

/// A write to one key.
pub(super) enum Write<'w> {
    /// `SET`, `HSET`, `RPUSH`, `SADD` or `ZADD`.
    Add(Part<&'w [u8]>),
    /// `APPEND` of a byte.
    Append,
    /// `DEL`.
    Remove,
}

impl Write<'_> {
    pub(super) fn apply(self, store: &mut Keyspace<FoldHash>, key: &[u8]) {
        const DONE: &str = "there is memory, and the type is right";
        match self {
            Self::Add(part) => part.apply(store, key, None).expect(DONE),
            Self::Append => drop(store.append(key, b"x", 0).expect(DONE)),
            Self::Remove => drop(store.remove(key, 0)),
        }
    }

    pub(super) fn command(self, key: &[u8]) -> Cmd {
        match self {
            Self::Add(part) => part.write_command(key, None),
            Self::Append => {
                let mut command = Cmd::new();
                command.arg("APPEND").arg(key).arg("x");
                command
            }
            Self::Remove => remove_command(key),
        }
    }
}

/// A source of random writes. Of ten writes, four set an old key, two set a new key, two remove a key, and
/// two edit a collection or a long string.
pub(super) struct Writes {
    data: Data,
    random: SmallRng,
    /// The number of the next new key.
    next: u64,
}

impl Writes {
    pub(super) fn new(data: Data, seed: u64) -> Self {
        Self { data, random: SmallRng::seed_from_u64(seed), next: data.strings }
    }

    /// Returns a key that existed at the start, and a new value for it.
    pub(super) fn old_key(&mut self) -> (crate::keys::Key, [u8; data::VALUE_BYTES]) {
        (key(self.random.random_range(0..self.data.strings)), data::text(&mut self.random))
    }

    pub(super) fn next_write<T>(&mut self, done: impl FnOnce(&[u8], Write<'_>) -> T) -> T {
        let Data { collections, elements, long_strings, .. } = self.data;
        match self.random.random_range(0..10) {
            0..4 => {
                let (key, value) = self.old_key();
                done(&key, Write::Add(Part::String(&value)))
            }
            4..6 => {
                self.next += 1;
                let value = data::text(&mut self.random);
                done(&key(self.next - 1), Write::Add(Part::String(&value)))
            }
            6..8 => done(&self.old_key().0, Write::Remove),
            _ => {
                let i = self.random.random_range(0..collections + long_strings);
                if i >= collections {
                    return done(&long_string(i - collections), Write::Append);
                }
                let number = self.random.random_range(0..elements);
                let element = self.data.element(number, &mut self.random);
                done(&collection(i), Write::Add(part(i, &element, &mut self.random)))
            }
        }
    }
}
