//! The workloads W1 to W15: typical data sets of a store, in comparison with real servers.
//!
//! ```text
//!  Keyspace         Table -> | head 4 | key len 1 | key ... | value ... |  1 block, 2 if large
//!  Dict<Sds, Robj>  Dict -> key's block
//!                        -> | type, encoding, lru | refcount | value |      -> the value's blocks
//! ```
//!
//! The bytes of servers are constants here ([`PEERS`]), which were measured once on real servers in November
//! 2026. They are the growth of `used_memory`, divided by the number of keys or elements. Each was measured
//! on a new server without persistence, with jemalloc 5.3 and 8-byte classes, as this workspace builds it.
//! *Best* is the least value of all servers. *Goal* is the aim of the project. The servers of `--server` are
//! filled with the same keys and values during the run, and are additional peers.
//!
//! Keys and elements are ASCII. Values of a given length are random letters.

use super::BEST_SERVER;
use super::beside::{Rates, measure};
use super::data_set::{DataSet, Part};
use crate::keys::{key, shuffled};
use crate::settings::Settings;
use crate::suite::Ctx;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::fmt;

/// The peer that is the aim of the project.
pub(super) const GOAL: &str = "goal";

/// The time to live of the keys of W14, in milliseconds. It is 34 years.
pub(super) const TTL: u64 = 1 << 40;

/// The peers of a row. The best server may be a server that is not in this list.
const PEERS: [&str; 5] = ["Redis 7.0", "Redis 8.10", "Valkey 9.1", BEST_SERVER, GOAL];

/// Receives the parts of the value of a key one by one.
type Parts<'a> = dyn FnMut(Part<&[u8]>) + 'a;

/// Generates the value of the key with a number.
type Value = fn(u32, &mut SmallRng, &mut Parts<'_>);

/// A data set.
struct Workload {
    name: &'static str,
    /// The number of keys. If there is a single key, the rows are about its elements.
    keys: u32,
    /// The bytes a key or an element for each of the [`PEERS`].
    servers: [f64; 5],
    /// Returns the key with a number.
    key: fn(u32) -> Vec<u8>,
    /// Generates the value of the key with a number. If there is a single key, the number is the number of
    /// its elements.
    value: Value,
    /// Whether every key has an expiry.
    expires: bool,
}

/// The number of elements of the single key of W9 to W12.
const ELEMENTS: u32 = 1_000_000;

#[rustfmt::skip] // each workload is one row
static WORKLOADS: [Workload; 15] = {
    const fn workload(
        name: &'static str,
        keys: u32,
        servers: [f64; 5],
        key: fn(u32) -> Vec<u8>,
        value: Value,
    ) -> Workload {
        Workload { name, keys, servers, key, value, expires: false }
    }
    // The number of keys; Redis 7.0, Redis 8.10, Valkey 9.1, the best and the goal; the key and the value.
    [
        workload("W1, keys of 7 B, the same as values", 90_000, [83.7, 56.1, 45.9, 45.9, 36.0],
            |i| text(format_args!("aa{}", 10_000 + i)), |i, _, parts| parts(Part::String(&text(format_args!("aa{}", 10_000 + i))))),
        workload("W2, keys of 16 B, values of 32 B", 1_000_000, [112.4, 94.1, 81.5, 81.5, 68.0],
            |i| key(i.into()).to_vec(), |_, rng, parts| parts(Part::String(&letters::<32>(rng)))),
        workload("W3, keys of 16 B, integers from 100,000", 1_000_000, [72.4, 54.1, 57.5, 54.1, 36.0],
            |i| text(format_args!("cnt:{i:012}")), |i, _, parts| parts(Part::String(&text(format_args!("{}", 100_000 + i))))),
        workload("W4, short keys, integers below 10,000", 1_000_000, [48.3, 46.1, 49.5, 40.4, 28.0],
            |i| text(format_args!("s:{i}")), |i, _, parts| parts(Part::String(&text(format_args!("{}", i % 10_000))))),
        workload("W5, hashes of 10 fields", 100_000, [321.7, 303.2, 301.3, 301.3, 268.0],
            |i| text(format_args!("h:{i}")), |_, rng, parts| hash(10, |i| text(format_args!("field{i}")), letters::<12>, rng, parts)),
        workload("W6, sets of 16 integers", 100_000, [146.4, 127.3, 125.3, 125.3, 108.0],
            |i| text(format_args!("is:{i}")), |_, rng, parts| set(16, |_, rng| text(format_args!("{}", rng.random::<i32>())), rng, parts)),
        workload("W7, sorted sets of 16 members", 100_000, [582.5, 559.3, 557.3, 557.3, 400.0],
            |i| text(format_args!("z:{i}")), |_, rng, parts| zset(16, |i| text(format_args!("member:{i}")), rng, parts)),
        workload("W8, lists of 32 elements of 10 B", 100_000, [593.7, 495.3, 493.3, 493.3, 462.0],
            |i| text(format_args!("l:{i}")), |_, rng, parts| list(32, letters::<10>, rng, parts)),
        workload("W9, one hash, a field", 1, [80.4, 54.1, 57.5, 54.1, 52.0],
            |_| text(format_args!("hash")), |n, rng, parts| hash(n, |i| text(format_args!("field:{i:012}")), letters::<16>, rng, parts)),
        workload("W10, one sorted set, a member", 1, [102.2, 77.4, 80.8, 77.4, 60.0],
            |_| text(format_args!("zset")), |n, rng, parts| zset(n, |i| text(format_args!("member:{i:012}")), rng, parts)),
        workload("W11, one set, a member", 1, [56.4, 38.1, 41.5, 38.1, 36.0],
            |_| text(format_args!("set")), |n, rng, parts| set(n, |i, _| text(format_args!("member:{i:012}")), rng, parts)),
        workload("W12, one list, an element", 1, [22.2, 22.2, 22.2, 22.2, 22.2],
            |_| text(format_args!("list")), |n, rng, parts| list(n, letters::<20>, rng, parts)),
        workload("W13, keys of 16 B, values of 1,000 B", 200_000, [1098.5, 1079.3, 1077.4, 1077.4, 1040.0],
            |i| key(i.into()).to_vec(), |_, rng, parts| parts(Part::String(&letters::<1_000>(rng)))),
        Workload { expires: true, ..workload("W14, W2 with an expiry", 1_000_000, [144.8, 116.1, 114.9, 114.9, 77.0],
            |i| key(i.into()).to_vec(), |_, rng, parts| parts(Part::String(&letters::<32>(rng)))) },
        workload("W15, keys of 16 B, values of 32 to 512 B", 1_000_000, [373.0, 354.7, 356.4, 354.7, 336.0],
            |i| key(i.into()).to_vec(), |_, rng, parts| { let len = rng.random_range(32..=512); parts(Part::String(&letters::<512>(rng)[..len])) }),
    ]
};

/// Returns the data sets of all workloads at the scale of a run.
pub(in crate::suites) fn data_sets(settings: &Settings) -> impl Iterator<Item = DataSet<'static>> {
    let elements = settings.pick(1_000, 100_000, ELEMENTS);
    let seed = settings.seed;
    let keys = |most: u32| settings.pick(most.min(1_000), most.min(100_000), most);
    let sets: Vec<_> = WORKLOADS.iter().map(|work| work.data_set(keys(work.keys), elements, seed)).collect();
    sets.into_iter()
}

/// Runs all workloads.
pub(super) fn run(ctx: &mut Ctx, rates: &mut Rates) -> anyhow::Result<()> {
    for (workload, set) in WORKLOADS.iter().zip(data_sets(ctx.settings)) {
        let constants: Vec<(&str, f64)> = PEERS.into_iter().zip(workload.servers).collect();
        measure(ctx, &set, &constants, rates)?;
    }
    ctx.report.note(
        ctx.suite,
        "W1 to W15: bytes a key where there are many keys, and an element where there is one. The figures of Redis 7.0, \
         Redis 8.10, Valkey 9.1 and the best server are constants, measured once, in November 2026 (used_memory after minus \
         before, fresh servers, jemalloc 5.3 with 8-byte classes); goal is what the project aims at. The best server of W4 is \
         Valkey 8.0. A Dict<Sds, Robj> has no expiries, and no W14.",
    );
    Ok(())
}

impl Workload {
    /// Returns the data set of the first `keys` keys, in an order drawn from the seed. A single key has
    /// `elements` elements.
    fn data_set(&self, keys: u32, elements: u32, seed: u64) -> DataSet<'_> {
        let is_one_key = self.keys == 1;
        let order = shuffled(0..keys, seed);
        DataSet {
            name: self.name.into(),
            keys: keys.into(),
            items: if is_one_key { elements } else { keys }.into(),
            ttl: self.expires.then_some(TTL),
            writes: Box::new(move |sink| {
                let mut rng = SmallRng::seed_from_u64(seed);
                for &i in &order {
                    let key = (self.key)(i);
                    let number = if is_one_key { elements } else { i };
                    (self.value)(number, &mut rng, &mut |part| sink(&key, part));
                }
            }),
        }
    }
}

fn text(text: fmt::Arguments<'_>) -> Vec<u8> {
    text.to_string().into_bytes()
}

/// Returns random letters. No server and no encoding of redcore can shorten them.
fn letters<const N: usize>(rng: &mut SmallRng) -> [u8; N] {
    std::array::from_fn(|_| rng.random_range(b'a'..=b'z'))
}

fn hash<const N: usize>(
    fields: u32,
    field: fn(u32) -> Vec<u8>,
    value: fn(&mut SmallRng) -> [u8; N],
    rng: &mut SmallRng,
    parts: &mut Parts<'_>,
) {
    (0..fields).for_each(|i| parts(Part::Field(&field(i), &value(rng))));
}

fn set(members: u32, member: fn(u32, &mut SmallRng) -> Vec<u8>, rng: &mut SmallRng, parts: &mut Parts<'_>) {
    (0..members).for_each(|i| parts(Part::Member(&member(i, rng))));
}

fn zset(members: u32, member: fn(u32) -> Vec<u8>, rng: &mut SmallRng, parts: &mut Parts<'_>) {
    (0..members).for_each(|i| parts(Part::Scored(&member(i), rng.random())));
}

fn list<const N: usize>(
    elements: u32,
    element: fn(&mut SmallRng) -> [u8; N],
    rng: &mut SmallRng,
    parts: &mut Parts<'_>,
) {
    (0..elements).for_each(|_| parts(Part::Item(&element(rng))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_server_is_below_the_best_one() {
        for Workload { name, servers: [redis_7_0, redis_8_10, valkey_9_1, best, goal], .. } in &WORKLOADS {
            assert!(best <= &redis_7_0.min(*redis_8_10).min(*valkey_9_1), "{name}");
            assert!(goal <= best, "{name}");
        }
    }

    /// Returns the keys and parts of a data set, in order.
    fn writes(set: &DataSet<'_>) -> Vec<(Vec<u8>, String)> {
        let mut writes = Vec::new();
        (set.writes)(&mut |key, part| writes.push((key.to_vec(), format!("{part:?}"))));
        writes
    }

    #[test]
    fn a_workload_has_as_many_keys_as_it_says_and_the_same_commands_each_time() {
        for workload in &WORKLOADS {
            let keys = workload.keys.min(1_000);
            let set = workload.data_set(keys, 20, 1);
            let found = writes(&set);
            let distinct: HashSet<_> = found.iter().map(|(key, _)| key).collect();
            assert_eq!(distinct.len() as u32, keys, "{}", workload.name);
            assert!(workload.keys > 1 || found.len() == 20, "{}", workload.name);
            assert_eq!(found, writes(&set), "{}", workload.name);
        }
    }

    #[test]
    fn the_values_of_a_key_are_of_one_type() {
        let mut rng = SmallRng::seed_from_u64(1);
        for workload in &WORKLOADS {
            let mut value = None;
            (workload.value)(20, &mut rng, &mut |part| value = Some(part.add_to(value.take())));
            assert!(value.is_some_and(|value| !value.is_empty()), "{}", workload.name);
        }
    }
}
