//! The workloads W1 to W15: data sets as a store holds them, beside real servers.
//!
//! ```text
//!  Keyspace         Table -> | head 4 | key len 1 | key ... | value ... |   one block, or two where the value is large
//!  Dict<Sds, Robj>  Dict -> key's block
//!                        -> | type, encoding, lru | refcount | value |      -> the value's blocks
//! ```
//!
//! What servers take was measured once on real ones and stands here as constants ([`PEERS`]): `used_memory` after minus
//! before, over the number of keys or elements, each on a fresh server without persistence, all on jemalloc 5.3 with 8-byte
//! classes, as this workspace builds it. *Best* is the least that any server took; *goal* is what the project aims at.
//!
//! Keys and elements are ASCII, values of a given length random letters.

use super::{BEST_SERVER, IN_A_DICT};
use crate::keys::{key, shuffled};
use crate::maps::Fold;
use crate::report::Row;
use crate::suite::Ctx;
use dict::Dict;
use keyspace::{Keyspace, Options, Value};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use robj::{EncodingLimits, Robj};
use sds::Sds;
use values::{Hash, List, OwnedElement, Set, ZSet};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// The peer that is what the project aims at.
pub(super) const GOAL: &str = "goal";

/// The subject that this suite is about.
pub(super) const KEYSPACE: &str = "Keyspace";

/// When the keys of W14 expire, in milliseconds.
const EXPIRY: u64 = 1 << 40;

/// What a row is put beside. The best server may be another one than these.
const PEERS: [&str; 5] = ["Redis 7.0", "Redis 8.10", "Valkey 9.1", BEST_SERVER, GOAL];

/// A data set.
struct Workload {
    name: &'static str,
    /// How many keys there are. The rows of a single key are about its elements.
    keys: u32,
    /// Bytes a key or an element, of each of the [`PEERS`].
    servers: [f64; 5],
    /// The key of a number.
    key: fn(u32) -> Vec<u8>,
    /// The value of a number.
    value: fn(u32, &mut SmallRng) -> Value,
    /// Whether every key has an expiry.
    expires: bool,
}

/// Elements of the single key of W9 to W12.
const ELEMENTS: u32 = 1_000_000;

#[rustfmt::skip] // one row, one workload
const WORKLOADS: [Workload; 15] = {
    const fn workload(
        name: &'static str,
        keys: u32,
        servers: [f64; 5],
        key: fn(u32) -> Vec<u8>,
        value: fn(u32, &mut SmallRng) -> Value,
    ) -> Workload {
        Workload { name, keys, servers, key, value, expires: false }
    }
    // Keys; Redis 7.0, Redis 8.10, Valkey 9.1, the best, the goal; key and value.
    [
        workload("W1, keys of 7 B, the same as values", 90_000, [83.7, 56.1, 45.9, 45.9, 36.0],
            |i| text(format_args!("aa{}", 10_000 + i)), |i, _| string(format!("aa{}", 10_000 + i).as_bytes())),
        workload("W2, keys of 16 B, values of 32 B", 1_000_000, [112.4, 94.1, 81.5, 81.5, 68.0],
            |i| key(i.into()).to_vec(), |_, rng| string(&letters::<32>(rng))),
        workload("W3, keys of 16 B, integers from 100,000", 1_000_000, [72.4, 54.1, 57.5, 54.1, 36.0],
            |i| text(format_args!("cnt:{i:012}")), |i, _| integer(100_000 + i)),
        workload("W4, short keys, integers below 10,000", 1_000_000, [48.3, 46.1, 49.5, 40.4, 28.0],
            |i| text(format_args!("s:{i}")), |i, _| integer(i % 10_000)),
        workload("W5, hashes of 10 fields", 100_000, [321.7, 303.2, 301.3, 301.3, 268.0],
            |i| text(format_args!("h:{i}")), |_, rng| hash(10, |i| format!("field{i}"), letters::<12>, rng)),
        workload("W6, sets of 16 integers", 100_000, [146.4, 127.3, 125.3, 125.3, 108.0],
            |i| text(format_args!("is:{i}")), |_, rng| set(16, |_, rng| rng.random::<i32>().to_string(), rng)),
        workload("W7, sorted sets of 16 members", 100_000, [582.5, 559.3, 557.3, 557.3, 400.0],
            |i| text(format_args!("z:{i}")), |_, rng| zset(16, |i| format!("member:{i}"), rng)),
        workload("W8, lists of 32 elements of 10 B", 100_000, [593.7, 495.3, 493.3, 493.3, 462.0],
            |i| text(format_args!("l:{i}")), |_, rng| list(32, letters::<10>, rng)),
        workload("W9, one hash, a field", 1, [80.4, 54.1, 57.5, 54.1, 52.0],
            |_| text(format_args!("hash")), |n, rng| hash(n, |i| format!("field:{i:012}"), letters::<16>, rng)),
        workload("W10, one sorted set, a member", 1, [102.2, 77.4, 80.8, 77.4, 60.0],
            |_| text(format_args!("zset")), |n, rng| zset(n, |i| format!("member:{i:012}"), rng)),
        workload("W11, one set, a member", 1, [56.4, 38.1, 41.5, 38.1, 36.0],
            |_| text(format_args!("set")), |n, rng| set(n, |i, _| format!("member:{i:012}"), rng)),
        workload("W12, one list, an element", 1, [22.2, 22.2, 22.2, 22.2, 22.2],
            |_| text(format_args!("list")), |n, rng| list(n, letters::<20>, rng)),
        workload("W13, keys of 16 B, values of 1,000 B", 200_000, [1098.5, 1079.3, 1077.4, 1077.4, 1040.0],
            |i| key(i.into()).to_vec(), |_, rng| string(&letters::<1_000>(rng))),
        Workload { expires: true, ..workload("W14, W2 with an expiry", 1_000_000, [144.8, 116.1, 114.9, 114.9, 77.0],
            |i| key(i.into()).to_vec(), |_, rng| string(&letters::<32>(rng))) },
        workload("W15, keys of 16 B, values of 32 to 512 B", 1_000_000, [373.0, 354.7, 356.4, 354.7, 336.0],
            |i| key(i.into()).to_vec(), |_, rng| { let len = rng.random_range(32..=512); string(&letters::<512>(rng)[..len]) }),
    ]
};

/// Runs all workloads.
pub(super) fn run(ctx: &mut Ctx) {
    WORKLOADS.iter().for_each(|workload| measure(ctx, workload));
    ctx.report.note(
        ctx.suite,
        "W1 to W15: bytes a key where there are many keys, and an element where there is one. The servers' figures are \
         constants, measured once (used_memory after minus before, fresh servers, jemalloc 5.3 with 8-byte classes); goal is \
         what the project aims at. The best server of W4 is Valkey 8.0. A Dict<Sds, Robj> has no expiries, and no W14.",
    );
}

fn text(text: std::fmt::Arguments<'_>) -> Vec<u8> {
    text.to_string().into_bytes()
}

/// Random letters: no server and none of our encodings makes anything shorter of them.
fn letters<const N: usize>(rng: &mut SmallRng) -> [u8; N] {
    std::array::from_fn(|_| rng.random_range(b'a'..=b'z'))
}

fn string(bytes: &[u8]) -> Value {
    Value::String(OwnedElement::Bytes(Sds::from_bytes(bytes)))
}

fn integer(value: u32) -> Value {
    Value::String(OwnedElement::Int(value.into()))
}

fn hash<const N: usize>(
    fields: u32,
    field: fn(u32) -> String,
    value: fn(&mut SmallRng) -> [u8; N],
    rng: &mut SmallRng,
) -> Value {
    let mut hash = Hash::new();
    (0..fields).for_each(|i| {
        hash.insert(&*field(i), &value(rng), &LIMITS);
    });
    hash.into()
}

fn set(members: u32, member: fn(u32, &mut SmallRng) -> String, rng: &mut SmallRng) -> Value {
    let mut set = Set::new();
    (0..members).for_each(|i| {
        set.insert(&*member(i, rng), &LIMITS);
    });
    set.into()
}

fn zset(members: u32, member: fn(u32) -> String, rng: &mut SmallRng) -> Value {
    let mut zset = ZSet::new();
    (0..members).for_each(|i| {
        zset.insert(&*member(i), rng.random(), &LIMITS).expect("scores are numbers");
    });
    zset.into()
}

fn list<const N: usize>(elements: u32, element: fn(&mut SmallRng) -> [u8; N], rng: &mut SmallRng) -> Value {
    let mut list = List::new();
    (0..elements).for_each(|_| list.push_back(&element(rng), &LIMITS));
    list.into()
}

/// The value as an object, as [`Dict`] holds it.
fn object(value: Value) -> Robj {
    match value {
        Value::String(OwnedElement::Int(value)) => Robj::from(value),
        Value::String(OwnedElement::Bytes(bytes)) => Robj::from_bytes(&bytes, &LIMITS).encode(&LIMITS),
        Value::List(list) => list.into(),
        Value::Set(set) => set.into(),
        Value::ZSet(zset) => zset.into(),
        Value::Hash(hash) => hash.into(),
    }
}

fn measure(ctx: &mut Ctx, workload: &Workload) {
    let Workload { name, expires, .. } = *workload;
    let is_one_key = workload.keys == 1;
    let keys = ctx.settings.pick(workload.keys.min(1_000), workload.keys.min(100_000), workload.keys);
    let elements = ctx.settings.pick(1_000, 100_000, ELEMENTS);
    let items = if is_one_key { elements } else { keys };
    ctx.progress.start(name, 2);
    let order = shuffled(0..keys, ctx.settings.seed);
    let pairs = || {
        let mut rng = SmallRng::seed_from_u64(ctx.settings.seed);
        let number = move |i| if is_one_key { elements } else { i };
        order.iter().map(move |&i| ((workload.key)(i), (workload.value)(number(i), &mut rng)))
    };

    let before = zmalloc::used_memory();
    let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), Fold::default());
    for (key, value) in pairs() {
        keyspace.insert(&key, value, expires.then_some(EXPIRY), 0).expect("there is memory");
    }
    let bytes = zmalloc::used_memory() - before;
    // Other threads, such as that of the progress bar, may hold some bytes too.
    assert!(bytes.abs_diff(keyspace.allocation_size()) < 4_096, "{name}: a keyspace counts its bytes");
    let mut found = vec![(KEYSPACE, bytes)];
    drop(keyspace);
    ctx.progress.step();

    if !expires {
        let before = zmalloc::used_memory();
        let mut dict: Dict<Sds, Robj, Fold> = Dict::default();
        for (key, value) in pairs() {
            dict.insert(Sds::from_bytes(&key), object(value));
        }
        found.push((IN_A_DICT, zmalloc::used_memory() - before));
    }
    ctx.progress.step();

    let metric = if is_one_key { "used_memory an element" } else { "used_memory a key" };
    for (subject, bytes) in found {
        let row =
            Row::alone(ctx.suite, name, items.into(), subject, metric, "B", bytes as f64 / f64::from(items));
        for (peer, bytes) in PEERS.into_iter().zip(workload.servers) {
            ctx.report.row(row.clone().beside(peer, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_server_is_below_the_best_one() {
        for Workload { name, servers: [redis_7_0, redis_8_10, valkey_9_1, best, goal], .. } in &WORKLOADS {
            assert!(best <= &redis_7_0.min(*redis_8_10).min(*valkey_9_1), "{name}");
            assert!(goal <= best, "{name}");
        }
    }

    #[test]
    fn workloads_have_the_keys_and_values_of_their_names() {
        let mut rng = SmallRng::seed_from_u64(1);
        for workload in &WORKLOADS {
            let keys: std::collections::HashSet<_> =
                (0..1_000.min(workload.keys)).map(workload.key).collect();
            assert_eq!(keys.len() as u32, 1_000.min(workload.keys), "{}", workload.name);
            let (one, other) = ((workload.value)(20, &mut rng), (workload.value)(21, &mut rng));
            assert_eq!(one.object_type(), other.object_type());
            assert!(!one.is_empty());
        }
    }
}
