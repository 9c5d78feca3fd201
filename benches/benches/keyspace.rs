//! `cargo bench -p benches --bench keyspace`: single operations on filled stores, under criterion.
//!
//! The suite `keyspace` measures whole lives of stores, in turns. Here, one operation on one store is
//! repeated, for a profiler or for a quick measurement during work on it. Keys are used in another order than
//! they were inserted.

use benches::keys::{Key, absent, present};
use benches::maps::FoldHash;
use benches::stores::{BATCH, BoxMap, Store};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use keyspace::{Error, Keyspace};
use std::hint::black_box;
use values::{EncodingLimits, Hash};

const SIZES: [usize; 2] = [10_000, 1_000_000];

const VALUE: [u8; 32] = [b'v'; 32];

fn strings<S: Store>(criterion: &mut Criterion) {
    for n in SIZES {
        let mut store = S::new(n);
        present(n, 1).iter().for_each(|key| store.set(key, &VALUE, 0));
        let (present, absent) = (present(n, 2), absent(n, 1));
        let mut bench = |operation: &str, keys: &[Key], run: &mut dyn FnMut(&Key)| {
            let mut keys = keys.iter().cycle();
            criterion
                .benchmark_group(format!("keyspace/{operation}"))
                .bench_function(BenchmarkId::new(S::NAME, n), |bench| {
                    bench.iter(|| keys.next().map(&mut *run))
                });
        };
        bench("get", &present, &mut |key| assert!(black_box(store.get(key, 0)).is_some()));
        bench("get, absent", &absent, &mut |key| assert!(black_box(store.get(key, 0)).is_none()));
        bench("set of an old key", &present, &mut |key| store.set(key, &VALUE, 0));
        bench("set of a new key, and remove", &absent, &mut |key| {
            store.set(key, &VALUE, 0);
            black_box(store.remove(key, 0));
        });
        let mut batches = present.as_chunks::<BATCH>().0.iter().cycle();
        criterion.benchmark_group("keyspace/16 gets").bench_function(BenchmarkId::new(S::NAME, n), |bench| {
            bench.iter(|| batches.next().map(|keys| black_box(store.get_batch(keys, 0))))
        });
    }
}

/// Measures an edit in place. It sets a field of a hash in the entry's block.
fn edits(criterion: &mut Criterion) {
    const FIELDS: usize = 10;
    let limits = EncodingLimits::DEFAULT;
    for n in SIZES.map(|n| n / FIELDS) {
        let mut keyspace = Keyspace::with_hasher(FoldHash::default());
        for key in present(n, 1) {
            for field in 0..FIELDS {
                keyspace.hset(&key, format!("field{field}").as_bytes(), &VALUE, 0).expect("there is memory");
            }
        }
        let present = present(n, 2);
        let mut keys = present.iter().cycle();
        criterion.benchmark_group("keyspace/edit_as").bench_function(BenchmarkId::new("HSET", n), |bench| {
            bench.iter(|| {
                let key = keys.next().expect("keys come again and again");
                keyspace
                    .edit_as::<Hash, _, Error>(key, 0, |hash| Ok(hash.try_insert("field5", &VALUE, &limits)?))
            });
        });
    }
}

criterion_group!(group, strings::<Keyspace<FoldHash>>, strings::<BoxMap>, edits);
criterion_main!(group);
