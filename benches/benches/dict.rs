//! `cargo bench -p benches --bench dict`: single operations on a filled table, under criterion.
//!
//! The suite `dict` measures whole lives of tables, in turns. Here, one operation on one table is repeated,
//! for a profiler or for a quick measurement during work on it. Keys are looked up in another order than they
//! were inserted.
//!
//! A batch is one operation on sixteen keys. The peers are sixteen single operations in a loop. These overlap
//! their cache misses too, which is not possible if there is work between them. The suite has rows for that
//! case, which are called *store-like*.

use benches::keys::{Key, absent, present};
use benches::maps::{FoldHash, Map, Visitor, for_each_map};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dict::Dict;
use std::hint::black_box;

/// The number of keys in a batch.
const BATCH: usize = 16;

const SIZES: [usize; 2] = [10_000, 1_000_000];

struct Bench<'a>(&'a mut Criterion);

impl Visitor<Key, u64> for Bench<'_> {
    fn visit<M: Map<Key, u64> + 'static>(&mut self) {
        for n in SIZES {
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

/// Measures batch operations on sixteen keys, and sixteen single operations.
fn batches(criterion: &mut Criterion, n: usize) {
    let mut dict = Dict::<Key, u64, FoldHash>::default();
    dict.extend(present(n, 1).into_iter().zip(0..));
    let (present, absent) = (present(n, 2), absent(n, 1));
    let mut bench = |operation: &str, keys: &[Key], run: &mut dyn FnMut(&[Key; BATCH])| {
        let mut batches = keys.as_chunks().0.iter().cycle();
        criterion.benchmark_group("dict/batches of 16").bench_function(
            BenchmarkId::new(operation, n),
            |bench| {
                bench.iter(|| batches.next().map(&mut *run));
            },
        );
    };
    bench("hit, get_many", &present, &mut |keys| {
        assert!(black_box(dict.get_many(keys.each_ref())).iter().all(Option::is_some));
    });
    bench("hit, get", &present, &mut |keys| {
        assert!(keys.iter().all(|key| black_box(dict.get(key)).is_some()));
    });
    bench("miss, get_many", &absent, &mut |keys| {
        assert!(black_box(dict.get_many(keys.each_ref())).iter().all(Option::is_none));
    });
    bench("insert_many and remove", &absent, &mut |keys| {
        dict.insert_many(keys.map(|key| (key, 0)));
        keys.iter().for_each(|key| _ = black_box(dict.remove(key)));
    });
    bench("extend and remove", &absent, &mut |keys| {
        dict.extend(keys.map(|key| (key, 0)));
        keys.iter().for_each(|key| _ = black_box(dict.remove(key)));
    });
    bench("insert and remove", &absent, &mut |keys| {
        keys.iter().for_each(|key| _ = dict.insert(*key, 0));
        keys.iter().for_each(|key| _ = black_box(dict.remove(key)));
    });
}

fn all(criterion: &mut Criterion) {
    for_each_map::<Key, u64, Key, FoldHash>(&mut Bench(criterion));
    SIZES.into_iter().for_each(|n| batches(criterion, n));
}

criterion_group!(group, all);
criterion_main!(group);
