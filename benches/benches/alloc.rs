//! `cargo bench -p benches --bench alloc`: the loops of the suite `alloc` under criterion.
//!
//! Criterion measures one allocator after the other. So use the suite for ratios between allocators.

use benches::suites::alloc::{Calls, Mix, SUBJECTS, batches, layout_of, mixed, pairs};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn allocator(criterion: &mut Criterion, name: &str, calls: Calls) {
    let mut group = criterion.benchmark_group("alloc/pair");
    for size in [16, 48, 320, 4096] {
        group.bench_function(BenchmarkId::new(name, size), |bench| {
            bench.iter_custom(|ops| pairs(calls, layout_of(size), ops as usize))
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("alloc/256 live");
    for size in [48, 320] {
        group.bench_function(BenchmarkId::new(name, size), |bench| {
            // `ops` counts batches of 256 here, so that only whole batches run.
            bench.iter_custom(|ops| batches(calls, layout_of(size), 256 * ops as usize) / 256)
        });
    }
    group.finish();
    let mix = Mix::new(1);
    criterion.benchmark_group("alloc/size mix").bench_function(name, |bench| {
        bench.iter_custom(|ops| mixed(calls, &mix, ops as usize));
    });
}

fn all(criterion: &mut Criterion) {
    for (name, calls) in SUBJECTS {
        allocator(criterion, name, calls);
    }
}

criterion_group!(group, all);
criterion_main!(group);
