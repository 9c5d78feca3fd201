//! Data sets of values that are collections: the workloads W5 to W12, beside real servers.
//!
//! ```text
//!  entry blocks     Table -> | type, encoding, lru 4 | pointer 8 | len 1 | key ... |  -> the value's blocks
//!                   six-byte pointers; the layout that the keyspace is to have, here just enough of it to be counted
//!  Dict<Sds, Robj>  Dict -> key's block
//!                        -> | type, encoding, lru | refcount | pointer |              -> the value's blocks
//! ```
//!
//! What servers take was measured once on real ones and stands here as constants ([`Servers`]): `used_memory` after minus
//! before, over the number of keys or elements, each on a fresh server without persistence, all on jemalloc 5.3 with 8-byte
//! classes, as this workspace builds it. *Best* is the least of them and the limit; *goal* is what we aim at.
//!
//! Keys and elements are ASCII, values of a given length random letters.

use super::{BEST_SERVER, PROTOTYPE};
use crate::keys::shuffled;
use crate::maps::Fold;
use crate::report::Row;
use crate::suite::Ctx;
use dict::{CompactPtr, Dict, Table};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use robj::{EncodingLimits, Robj};
use sds::Sds;
use std::hash::BuildHasher;
use std::marker::PhantomData;
use std::ptr::NonNull;
use values::{Collection, Hash, List, Set, ZSet};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// The peer that is what the project aims at.
pub(super) const GOAL: &str = "goal";

/// The subject that a store can use today.
pub(super) const IN_A_DICT: &str = "Dict<Sds, Robj>";

/// Bytes a key or an element, on the servers named.
struct Servers {
    redis_7_0: f64,
    redis_8_10: f64,
    valkey_9_1: f64,
    goal: f64,
}

impl Servers {
    /// Name and figure of all that a row is put beside.
    fn peers(&self) -> [(&'static str, f64); 5] {
        let Self { redis_7_0, redis_8_10, valkey_9_1, goal } = *self;
        let best = redis_7_0.min(redis_8_10).min(valkey_9_1);
        [
            (BEST_SERVER, best),
            ("Redis 7.0", redis_7_0),
            ("Redis 8.10", redis_8_10),
            ("Valkey 9.1", valkey_9_1),
            (GOAL, goal),
        ]
    }
}

/// A data set: `keys` values of a type, of `elements` each.
struct Workload<C> {
    name: &'static str,
    /// The keys are this and a number.
    key: &'static str,
    keys: u32,
    elements: u32,
    servers: Servers,
    /// Puts the element of a number into a value.
    add: fn(&mut C, u32, &mut SmallRng),
}

/// Runs all workloads.
pub(super) fn run(ctx: &mut Ctx) {
    let servers =
        |redis_7_0, redis_8_10, valkey_9_1, goal| Servers { redis_7_0, redis_8_10, valkey_9_1, goal };
    measure(
        ctx,
        &Workload::<Hash> {
            name: "W5, 100,000 hashes of 10 fields",
            key: "h:",
            keys: 100_000,
            elements: 10,
            servers: servers(321.7, 303.2, 301.3, 270.0),
            add: |hash, i, rng| set(hash, &format!("field{i}"), &letters::<12>(rng)),
        },
    );
    measure(
        ctx,
        &Workload::<Set> {
            name: "W6, 100,000 sets of 16 integers",
            key: "is:",
            keys: 100_000,
            elements: 16,
            servers: servers(146.4, 127.3, 125.3, 108.0),
            add: |members, _, rng| add(members, itoa::Buffer::new().format(rng.random::<i32>()).as_bytes()),
        },
    );
    measure(
        ctx,
        &Workload::<ZSet> {
            name: "W7, 100,000 sorted sets of 16 members",
            key: "z:",
            keys: 100_000,
            elements: 16,
            servers: servers(582.5, 559.3, 557.3, 400.0),
            add: |members, i, rng| add_scored(members, &format!("member:{i}"), rng.random()),
        },
    );
    measure(
        ctx,
        &Workload::<List> {
            name: "W8, 100,000 lists of 32 elements",
            key: "l:",
            keys: 100_000,
            elements: 32,
            servers: servers(593.7, 495.3, 493.3, 470.0),
            add: |list, _, rng| push(list, &letters::<10>(rng)),
        },
    );
    measure(
        ctx,
        &Workload::<Hash> {
            name: "W9, one hash, a field",
            key: "hash",
            keys: 1,
            elements: 1_000_000,
            servers: servers(80.4, 54.1, 57.5, 50.0),
            add: |hash, i, rng| set(hash, &format!("field:{i:012}"), &letters::<16>(rng)),
        },
    );
    measure(
        ctx,
        &Workload::<ZSet> {
            name: "W10, one sorted set, a member",
            key: "zset",
            keys: 1,
            elements: 1_000_000,
            servers: servers(102.2, 77.4, 80.8, 64.0),
            add: |members, i, rng| add_scored(members, &format!("member:{i:012}"), rng.random()),
        },
    );
    measure(
        ctx,
        &Workload::<Set> {
            name: "W11, one set, a member",
            key: "set",
            keys: 1,
            elements: 1_000_000,
            servers: servers(56.4, 38.1, 41.5, 35.0),
            add: |members, i, _| add(members, format!("member:{i:012}").as_bytes()),
        },
    );
    measure(
        ctx,
        &Workload::<List> {
            name: "W12, one list, an element",
            key: "list",
            keys: 1,
            elements: 1_000_000,
            servers: servers(22.2, 22.2, 22.2, 22.2),
            add: |list, _, rng| push(list, &letters::<20>(rng)),
        },
    );
    ctx.report.note(
        ctx.suite,
        "W5 to W12: bytes a key where there are many keys, and an element where there is one. The servers' figures are \
         constants, measured once (used_memory after minus before, fresh servers, jemalloc 5.3 with 8-byte classes); goal is \
         what the project aims at. \"Entry blocks\" is the table of the keyspace to come: one block a key, six-byte pointers.",
    );
}

fn set(hash: &mut Hash, field: &str, value: &[u8]) {
    hash.insert(field.as_bytes(), value, &LIMITS);
}

fn add(set: &mut Set, member: &[u8]) {
    set.insert(member, &LIMITS);
}

fn add_scored(zset: &mut ZSet, member: &str, score: f64) {
    zset.insert(member.as_bytes(), score, &LIMITS).expect("scores are numbers");
}

fn push(list: &mut List, element: &[u8]) {
    list.push_back(element, &LIMITS);
}

/// Random letters: no server and none of our encodings makes anything shorter of them.
fn letters<const N: usize>(rng: &mut SmallRng) -> [u8; N] {
    std::array::from_fn(|_| rng.random_range(b'a'..=b'z'))
}

fn measure<C: Collection>(ctx: &mut Ctx, workload: &Workload<C>)
where
    Robj: From<C>,
{
    let Workload { name, key, servers, .. } = workload;
    let keys = ctx.settings.pick(workload.keys.min(1_000), workload.keys, workload.keys);
    let elements = ctx.settings.pick(workload.elements.min(1_000), workload.elements, workload.elements);
    ctx.progress.start(name, 2);
    let key = |i: u32| if workload.keys == 1 { key.to_string() } else { format!("{key}{i}") };
    let order = shuffled(0..keys, ctx.settings.seed);
    let value = |rng: &mut SmallRng| {
        let mut value = C::EMPTY;
        for i in 0..elements {
            (workload.add)(&mut value, i, rng);
        }
        assert!(value.len() > elements as usize * 99 / 100, "{name}: elements are missing");
        value
    };
    let items = if workload.keys == 1 { elements } else { keys };

    let before = zmalloc::used_memory();
    let mut rng = SmallRng::seed_from_u64(ctx.settings.seed);
    let mut entries = Entries::default();
    order.iter().for_each(|&i| entries.insert(key(i).as_bytes(), value(&mut rng)));
    let blocks = zmalloc::used_memory() - before;
    drop(entries);
    ctx.progress.step();

    let before = zmalloc::used_memory();
    let mut rng = SmallRng::seed_from_u64(ctx.settings.seed);
    let mut dict: Dict<Sds, Robj, Fold> = Dict::default();
    for &i in &order {
        dict.insert(Sds::from_bytes(key(i).as_bytes()), Robj::from(value(&mut rng)));
    }
    let objects = zmalloc::used_memory() - before;
    drop(dict);
    ctx.progress.step();

    let metric = if workload.keys == 1 { "used_memory an element" } else { "used_memory a key" };
    for (subject, bytes) in [(PROTOTYPE, blocks), (IN_A_DICT, objects)] {
        let row =
            Row::alone(ctx.suite, name, items.into(), subject, metric, "B", bytes as f64 / f64::from(items));
        for (peer, bytes) in servers.peers() {
            ctx.report.row(row.clone().beside(peer, bytes));
        }
    }
}

/// A table of entry blocks whose values are collections of one type; see the drawing above.
struct Entries<C: Collection> {
    table: Table<Entry<C>>,
}

impl<C: Collection> Default for Entries<C> {
    fn default() -> Self {
        Self { table: Table::new() }
    }
}

impl<C: Collection> Entries<C> {
    /// Adds a key that is new.
    fn insert(&mut self, key: &[u8], value: C) {
        let hash = |key: &[u8]| Fold::default().hash_one(key);
        self.table.insert_unique(hash(key), Entry::new(key, value), |entry| hash(entry.key()));
    }
}

/// Where the parts of an entry block begin.
const POINTER: usize = 4;
const KEY_LEN: usize = POINTER + 8;
const KEY: usize = KEY_LEN + 1;

/// A block that holds a key and owns its value.
///
/// Invariant: a live block of zmalloc's raw family, owned alone, as drawn above, whose encoding and pointer came from
/// `C::into_raw` together.
struct Entry<C: Collection> {
    block: CompactPtr<u8>,
    _value: PhantomData<C>,
}

impl<C: Collection> Entry<C> {
    fn new(key: &[u8], value: C) -> Self {
        let key_len = u8::try_from(key.len()).expect("keys are short");
        let (encoding, pointer) = value.into_raw();
        let head = u32::from(C::TYPE as u8) | u32::from(encoding as u8) << 4;
        let block = zmalloc::zmalloc(KEY + key.len());
        // SAFETY: a fresh block of that many bytes.
        unsafe {
            block.cast::<[u8; 4]>().write(head.to_le_bytes());
            block.add(POINTER).cast::<NonNull<u8>>().write_unaligned(pointer);
            block.add(KEY_LEN).write(key_len);
            block.add(KEY).copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
        }
        Self { block: CompactPtr::new(block).expect("blocks lie below 2^48"), _value: PhantomData }
    }

    fn key(&self) -> &[u8] {
        let block = self.block.get();
        // SAFETY: the invariant; the bytes stay as long as `self` is borrowed.
        unsafe { std::slice::from_raw_parts(block.add(KEY).as_ptr(), block.add(KEY_LEN).read().into()) }
    }

    /// Takes the value out.
    ///
    /// # Safety
    /// Only once.
    unsafe fn take_value(&mut self) -> C {
        let block = self.block.get();
        // SAFETY: the invariant, and by contract.
        unsafe {
            let number = block.cast::<[u8; 4]>().read()[0] >> 4;
            let encoding = robj::Encoding::from_number(number).expect("written by `new`");
            C::from_raw(encoding, block.add(POINTER).cast::<NonNull<u8>>().read_unaligned())
        }
    }
}

impl<C: Collection> Drop for Entry<C> {
    fn drop(&mut self) {
        let size = KEY + self.key().len();
        // SAFETY: the invariant; nobody uses value or block after this.
        unsafe {
            drop(self.take_value());
            zmalloc::zfree_sized(self.block.get(), size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_gives_back_the_value_that_it_was_given() {
        let mut entries = Entries::default();
        for i in 0..100 {
            let mut value = Set::new();
            (0..i).for_each(|member| add(&mut value, format!("member:{member}").as_bytes()));
            entries.insert(format!("key:{i}").as_bytes(), value);
        }
        let mut lens = Vec::new();
        for entry in entries.table.iter_mut() {
            // SAFETY: put back with the same words by `forget`, so that it is owned once.
            let value = unsafe { entry.take_value() };
            lens.push((entry.key().to_vec(), value.len()));
            std::mem::forget(value);
        }
        assert_eq!(lens.len(), 100);
        assert!(lens.iter().all(|(key, len)| *key == format!("key:{len}").into_bytes()));
    }

    #[test]
    fn the_best_server_is_the_one_that_takes_least() {
        let servers = Servers { redis_7_0: 3.0, redis_8_10: 1.0, valkey_9_1: 2.0, goal: 0.5 };
        assert_eq!(servers.peers()[0], (BEST_SERVER, 1.0));
    }
}
