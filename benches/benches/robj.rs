//! `cargo bench -p benches --bench robj`: the loops of the suite `robj` under criterion.

use benches::suites::robj::{Value, clone_and_drop, create_and_free, encode_and_free, number_and_free};
use benches::suites::sds::text_of;
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use robj::Robj;
use std::sync::Arc;

fn value<V: Value>(criterion: &mut Criterion) {
    for len in [7, 44, 1000] {
        let text = text_of(len);
        criterion
            .benchmark_group("robj/create and free")
            .bench_function(BenchmarkId::new(V::NAME, len), |bench| {
                bench.iter_custom(|ops| create_and_free::<V>(text.as_bytes(), ops as usize))
            });
        criterion
            .benchmark_group("robj/clone and drop")
            .bench_function(BenchmarkId::new(V::NAME, len), |bench| {
                bench.iter_custom(|ops| clone_and_drop::<V>(text.as_bytes(), ops as usize))
            });
    }
    criterion.benchmark_group("robj/encode, a number").bench_function(V::NAME, |bench| {
        bench.iter_custom(|ops| encode_and_free::<V>(b"1234567890", ops as usize))
    });
    criterion.benchmark_group("robj/from an integer").bench_function(V::NAME, |bench| {
        bench.iter_custom(|ops| number_and_free::<V>(1_234_567_890, ops as usize))
    });
}

fn all(criterion: &mut Criterion) {
    value::<Robj>(criterion);
    value::<Arc<[u8]>>(criterion);
    value::<Bytes>(criterion);
    value::<Box<[u8]>>(criterion);
}

criterion_group!(group, all);
criterion_main!(group);
