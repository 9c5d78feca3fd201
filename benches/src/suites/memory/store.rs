//! Typical data sets of a store: string keys in `Sds` and values in `Robj`, in one table.
//!
//! The workloads are like the first ones that real servers were measured with (the growth of `used_memory`,
//! divided by N). The same keys and values are put into each table, so only the tables differ.

use crate::keys::{key, shuffled};
use crate::maps::{FoldHash, Map, Visitor, for_each_store_map};
use crate::report::Row;
use crate::suite::Ctx;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use robj::{EncodingLimits, Robj};
use sds::Sds;

/// The types of the keys and values, for the report.
pub(super) const STRING: &str = "keys Sds, values Robj";

/// The bytes of a data set.
pub(super) struct Bytes {
    /// Directly after the last insert.
    pub(super) filled: usize,
    /// After the table has finished its background work.
    pub(super) after_background_work: usize,
}

/// Returns a value as SET stores it: an integer if the text is one, and otherwise a string in its shortest
/// form.
pub(super) fn encode(bytes: &[u8]) -> Robj {
    let limits = EncodingLimits::default();
    Robj::from_bytes(bytes, &limits).encode(&limits)
}

/// Returns the bytes that the entries of `pairs` take in an `M`, including keys and values.
pub(super) fn bytes_of<M: Map<Sds, Robj, [u8]>>(pairs: impl Iterator<Item = (Sds, Robj)>) -> Bytes {
    let before = zmalloc::used_memory();
    let mut map = M::default();
    for (key, value) in pairs {
        map.insert(key, value);
    }
    let filled = zmalloc::used_memory() - before;
    map.finish_background_work();
    let after_background_work = zmalloc::used_memory() - before;
    drop(map);
    Bytes { filled, after_background_work }
}

/// A data set. `pair` returns its pair with the number `i`.
struct Workload {
    name: &'static str,
    pair: fn(u32, &mut SmallRng) -> (Sds, Robj),
}

const WORKLOADS: [Workload; 2] = [
    Workload {
        name: "keys of 16 B, values of 32 B",
        pair: |i, rng| {
            let mut value = [0; 32];
            rng.fill_bytes(&mut value);
            (Sds::from_bytes(&key(i.into())), encode(&value))
        },
    },
    Workload {
        name: "keys of 16 B, integer values",
        pair: |i, _| {
            (Sds::from_bytes(&key(i.into())), encode(itoa::Buffer::new().format(100_000 + i).as_bytes()))
        },
    },
];

pub(super) fn run(ctx: &mut Ctx) {
    let n: u32 = ctx.settings.pick(5_000, 200_000, 1_000_000);
    let ids = shuffled(0..n, ctx.settings.seed);
    for workload in &WORKLOADS {
        let mut measure = Measure { workload, ids: &ids, seed: ctx.settings.seed, found: Vec::new() };
        ctx.progress.start(workload.name, 1);
        for_each_store_map::<Sds, Robj, [u8], FoldHash>(&mut measure);
        ctx.progress.step();
        let Some(((subject, ours), peers)) = measure.found.split_first() else { continue };
        for (peer, bytes) in peers {
            let case = format!("store, {}", workload.name);
            let row = Row::alone(ctx.suite, &case, n.into(), subject, "used_memory a key", "B", *ours);
            ctx.report.row(row.beside(peer, *bytes));
        }
    }
}

struct Measure<'a> {
    workload: &'a Workload,
    ids: &'a [u32],
    seed: u64,
    /// The name and the bytes a key of each map. Redcore's comes first.
    found: Vec<(&'static str, f64)>,
}

impl Visitor<Sds, Robj, [u8]> for Measure<'_> {
    fn visit<M: Map<Sds, Robj, [u8]> + 'static>(&mut self) {
        let mut rng = SmallRng::seed_from_u64(self.seed);
        let pairs = self.ids.iter().map(|&i| (self.workload.pair)(i, &mut rng));
        let bytes = bytes_of::<M>(pairs);
        self.found.push((M::NAME, bytes.after_background_work as f64 / self.ids.len() as f64));
    }
}
