//! The content of the files.

use crate::keys::{Key, key, shuffled};
use crate::maps::FoldHash;
use crate::settings::Settings;
use keyspace::Keyspace;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use values::list::Side;
use values::zset::AddOptions;

/// The length of the strings, in bytes.
pub(super) const VALUE_BYTES: usize = 32;

/// The number of elements of a small collection, which is one packed block, and of a large one, which is a
/// table.
const SMALL: u64 = 20;
const LARGE: u64 = 600;

/// A keyspace that is saved and loaded.
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) keys: usize,
    pub(super) seed: u64,
    /// The number of strings, or of elements of collections.
    pub(super) elements: u64,
    add: fn(&mut Keyspace<FoldHash>, u64, &mut SmallRng),
}

impl Set {
    pub(super) fn has_only_strings(&self) -> bool {
        self.elements == self.keys as u64
    }

    /// Adds all keys in a random order, each by commands.
    pub(super) fn fill(&self, store: &mut Keyspace<FoldHash>) {
        let mut random = SmallRng::seed_from_u64(self.seed);
        let order = shuffled(0..self.keys as u32, self.seed);
        order.into_iter().for_each(|i| (self.add)(store, i.into(), &mut random));
    }
}

pub(super) fn sets(settings: &Settings) -> [Set; 2] {
    let seed = settings.seed;
    let strings = settings.pick(2_000, 200_000, 4_000_000);
    let mixed = settings.pick(80, 2_000, 20_000);
    let elements = (0..mixed).map(|i| len_of(i as u64)).sum();
    [
        Set { name: "strings", keys: strings, seed, elements: strings as u64, add: add_string },
        Set { name: "all types", keys: mixed, seed, elements, add: add_mixed },
    ]
}

/// Returns random letters and digits, which cannot be compressed well.
pub(super) fn text(random: &mut SmallRng) -> [u8; VALUE_BYTES] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    random.random::<[u8; VALUE_BYTES]>().map(|byte| ALPHABET[usize::from(byte % 64)])
}

fn add_string(store: &mut Keyspace<FoldHash>, i: u64, random: &mut SmallRng) {
    store.set(&key(i), &text(random), 0).expect("there is memory");
}

/// Returns the number of elements of key `i`.
fn len_of(i: u64) -> u64 {
    if i.is_multiple_of(2) { SMALL } else { LARGE }
}

fn add_mixed(store: &mut Keyspace<FoldHash>, i: u64, random: &mut SmallRng) {
    const MEMORY: &str = "there is memory";
    let name = key(i);
    for element in 0..len_of(i) {
        let element: Key = key(i * LARGE + element);
        match i / 2 % 5 {
            0 => drop(store.hset(&name, &element, &text(random)[..], 0).expect(MEMORY)),
            1 => store.push(&name, Side::Back, &element, 0).expect(MEMORY),
            2 => drop(store.sadd(&name, &element, 0).expect(MEMORY)),
            3 => drop(store.sadd(&name, random.random_range(0..1_i64 << 40), 0).expect(MEMORY)),
            _ => {
                let (score, options) = (random.random::<f64>(), AddOptions::default());
                store.zadd(&name, &element, score, options, 0).expect(MEMORY);
            }
        }
    }
}
