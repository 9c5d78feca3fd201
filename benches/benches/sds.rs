//! `cargo bench -p benches --bench sds`: the loops of the suite `sds` under criterion.

use benches::suites::sds::{
    LIVE, Text, Texts, clone_and_free, create_and_free, live, push_bytes, push_lines, push_numbers, text_of,
};
use bytes::BytesMut;
use compact_str::CompactString;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sds::Sds;
use std::time::Duration;

fn string<T: Text>(criterion: &mut Criterion) {
    for len in [7, 44, 1000] {
        let buffer = text_of(len + 15);
        let texts = Texts::new(&buffer, len);
        let mut bench = |case: &str, run: &dyn Fn(usize) -> Duration| {
            criterion
                .benchmark_group(format!("sds/{case}"))
                .bench_function(BenchmarkId::new(T::NAME, len), |bench| {
                    bench.iter_custom(|ops| run(ops as usize))
                });
        };
        bench("create and free", &|ops| create_and_free::<T>(&texts, ops));
        bench("1000 live", &|batches| live::<T>(&texts, LIVE * batches) / LIVE as u32);
        bench("clone and free", &|ops| clone_and_free::<T>(&texts, ops));
    }
    let mut append = |what: &str, run: fn(usize) -> Duration| {
        criterion.benchmark_group(format!("sds/append {what}")).bench_function(T::NAME, |bench| {
            // An operation is one append. Each of the `strings` strings has 1,000 appends.
            bench.iter_custom(|strings| (0..strings).map(|_| run(1000)).sum::<Duration>() / 1000)
        });
    };
    append("byte", push_bytes::<T>);
    append("formatted", push_lines::<T>);
    append("integer", push_numbers::<T>);
}

fn all(criterion: &mut Criterion) {
    string::<Sds>(criterion);
    string::<Vec<u8>>(criterion);
    string::<BytesMut>(criterion);
    string::<CompactString>(criterion);
    string::<String>(criterion);
}

criterion_group!(group, all);
criterion_main!(group);
