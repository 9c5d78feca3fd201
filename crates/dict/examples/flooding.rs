//! Measures inserts of keys that are made to collide, under an unkeyed hash and under the default hash.
//!
//! ```text
//! cargo run --release -p dict --example flooding [KEYS]
//! ```

#[path = "../tests/suite/fx.rs"]
mod fx;

use std::hash::{BuildHasher, BuildHasherDefault};
use std::time::Instant;

use dict::{DefaultHashBuilder, Dict};
use fx::{Fx, against_fx};

fn time(name: &str, hash: impl BuildHasher, keys: &[(u64, u64)]) {
    let mut dict = Dict::with_hasher(hash);
    let start = Instant::now();
    for &key in keys {
        dict.insert(key, ());
    }
    println!("{name:40} {:10.1} ms", start.elapsed().as_secs_f64() * 1e3);
}

fn main() {
    let count = std::env::args().nth(1).map_or(100_000, |it| it.parse().expect("a number of keys"));
    let (colliding, others): (Vec<_>, Vec<_>) = (0..count).map(|n| (against_fx(n), (n, !n))).unzip();
    // The first dict of a process needs fresh memory, so it is not timed.
    drop(others.iter().map(|&key| (key, ())).collect::<Dict<_, _>>());
    time("default hash, other keys", DefaultHashBuilder::new(), &others);
    time("default hash, keys made to collide", DefaultHashBuilder::new(), &colliding);
    time("unkeyed hash, other keys", BuildHasherDefault::<Fx>::default(), &others);
    time("unkeyed hash, keys made to collide", BuildHasherDefault::<Fx>::default(), &colliding);
}
