//! `cargo bench -p benches --bench dict`: single operations on a table that stands, under criterion.
//!
//! The suite `dict` measures whole lives of tables and takes turns; here one operation of one table is repeated,
//! for a profiler or for a quick look while working on it. Keys are looked up in an order of their own.

use benches::keys::{Key, absent, present};
use benches::maps::{Fold, Map, Visitor, for_each_map};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

struct Bench<'a>(&'a mut Criterion);

impl Visitor<Key, u64> for Bench<'_> {
    fn visit<M: Map<Key, u64> + 'static>(&mut self) {
        for n in [10_000, 1_000_000] {
            table::<M>(self.0, n);
        }
    }
}

fn table<M: Map<Key, u64>>(criterion: &mut Criterion, n: usize) {
    let mut map = M::default();
    present(n, 1).into_iter().zip(0..).for_each(|(key, value)| map.insert(key, value));
    let (present, absent) = (present(n, 2), absent(n, 1));
    let mut bench = |operation: &str, run: &mut dyn FnMut(&Key)| {
        let mut keys = if operation == "hit" { present.iter().cycle() } else { absent.iter().cycle() };
        criterion
            .benchmark_group(format!("dict/{operation}"))
            .bench_function(BenchmarkId::new(M::NAME, n), |bench| bench.iter(|| keys.next().map(&mut *run)));
    };
    bench("hit", &mut |key| assert!(black_box(map.get(key)).is_some()));
    bench("miss", &mut |key| assert!(black_box(map.get(key)).is_none()));
    bench("insert and remove", &mut |key| {
        map.insert(*key, 0);
        black_box(map.remove(key));
    });
}

fn all(criterion: &mut Criterion) {
    for_each_map::<Key, u64, Key, Fold>(&mut Bench(criterion));
}

criterion_group!(group, all);
criterion_main!(group);
