//! What keys made to collide cost, under a hash without a key and under the default.
//!
//! ```text
//! cargo run --release -p dict --example flooding [KEYS]
//! ```

use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::time::Instant;

use dict::{DefaultHashBuilder, Dict};

/// Rotate, xor, multiply: the hash of Firefox, and of rustc until 2024.
#[derive(Default)]
struct Fx(u64);

const FX_FACTOR: u64 = 0x517c_c1b7_2722_0a95;

impl Hasher for Fx {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FX_FACTOR);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

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
    // The second word is what the hash of the first has become, so that both together hash to 0.
    let made = |n: u64| (n, n.wrapping_mul(FX_FACTOR).rotate_left(5));
    let (colliding, others): (Vec<_>, Vec<_>) = (0..count).map(|n| (made(n), (n, !n))).unzip();
    // The first dict of a process pays for fresh memory: it is not timed.
    drop(others.iter().map(|&key| (key, ())).collect::<Dict<_, _>>());
    time("default hash, other keys", DefaultHashBuilder::new(), &others);
    time("default hash, keys made to collide", DefaultHashBuilder::new(), &colliding);
    time("unkeyed hash, other keys", BuildHasherDefault::<Fx>::default(), &others);
    time("unkeyed hash, keys made to collide", BuildHasherDefault::<Fx>::default(), &colliding);
}
