//! Measures the bytes that symbol tables save: the bytes of keys with text values, before and after the
//! values are coded.
//!
//! A keyspace is filled. Then a table is trained from a sample of its strings, and all values are coded. Both
//! figures are differences of `used_memory`. The second one includes the table.

use crate::keys::key;
use crate::report::Row;
use crate::suite::Ctx;
use crate::texts;
use keyspace::Keyspace;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;
use zmalloc::Region;

/// The peer: the same keyspace before its values are coded.
pub(crate) const WITHOUT: &str = "Keyspace without symbols";

/// The subject.
const WITH: &str = "Keyspace with symbols";

/// The number of bytes of strings from which a table is trained.
const SAMPLE_BYTES: usize = 64 << 10;

/// A function that makes a key and a value from a number.
type Pair = fn(u64) -> (Vec<u8>, Vec<u8>);

/// The data sets. The strings of the last one have nothing in common.
const DATA_SETS: [(&str, Pair); 3] = [
    ("JSON records of 279 B", |i| (key(i).to_vec(), texts::record(i).into_bytes())),
    ("sessions: keys of 28 B, JSON of 64 B", |i| {
        (texts::session_key(i).into_bytes(), texts::session(i).into_bytes())
    }),
    ("W2, random letters of 32 B", |i| {
        let mut rng = SmallRng::seed_from_u64(i);
        (key(i).to_vec(), (0..32).map(|_| rng.random_range(b'a'..=b'z')).collect())
    }),
];

/// Measures all data sets.
pub(super) fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let n = ctx.settings.pick(2_000, 30_000, 200_000);
    for (name, pair) in DATA_SETS {
        measure(ctx, name, (0..n).map(pair))?;
    }
    Ok(())
}

/// Measures one data set.
pub(super) fn measure<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    ctx: &mut Ctx,
    name: &str,
    pairs: impl Iterator<Item = (K, V)>,
) -> anyhow::Result<()> {
    ctx.progress.start(&format!("symbols, {name}"), 2);
    let region = Region::start();
    let mut keyspace = Keyspace::new();
    for (key, value) in pairs {
        keyspace.set(key.as_ref(), value.as_ref(), 0)?;
    }
    let before = region.held();
    ctx.progress.step();
    let mut rng = SmallRng::seed_from_u64(ctx.settings.seed);
    keyspace.train_symbols(SAMPLE_BYTES, || rng.random(), 0)?;
    while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    let after = region.held();
    ctx.progress.step();
    let n = keyspace.len();
    let a_key = |bytes: isize| bytes as f64 / n as f64;
    let row = Row::alone(ctx.suite, name, n as u64, WITH, "used_memory a key", "B", a_key(after));
    ctx.report.row(row.beside(WITHOUT, a_key(before)));
    Ok(())
}
