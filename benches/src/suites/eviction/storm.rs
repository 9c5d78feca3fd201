//! The storm: values of random sizes are written at the limit, until four times the limit has been written.
//!
//! ```text
//!  log-uniform   10 B to 1 MiB, each power of ten equally often: most values are small, most bytes are not
//!  uniform       10 B to 1 MiB, each size equally often: half a megabyte in the mean
//! ```
//!
//! Keys are drawn from twice as many as fit, so that some SETs replace a value. After each call, the bytes
//! must be within `maxmemory`. If they are not, the suite fails.
//!
//! The keys, the sizes and the hash seed are fixed, so call `i` does the same work in every run. Its cost is
//! the least of its times ([`MinTimes`]). Copying a value of a megabyte takes longer than any eviction. So
//! values of more than [`LARGE`] bytes have separate rows.

use super::store::keyspace;
use crate::keys::{Key, key};
use crate::min_times::MinTimes;
use crate::report::Row;
use crate::suite::Ctx;
use crate::suites::latency::MINIMUM;
use anyhow::ensure;
use keyspace::MaxmemoryPolicy::{self, AllkeysLru, AllkeysS3fifo};
use quanta::Clock;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// The number of runs that the least time is taken over. The text of [`MINIMUM`] contains it.
const RUNS: usize = 5;

const SMALLEST: usize = 10;
const LARGEST: usize = 1 << 20;

/// The longest call has a limit for values of up to this many bytes.
const LARGE: usize = 256 << 10;

/// All writes together are this many times the limit.
const LIMIT_MULTIPLE: usize = 4;

/// The time between two writes, in milliseconds.
const STEP: u64 = 10;

/// A distribution of sizes. It maps a number from 0 to 1 to a size in bytes.
type Distribution = fn(f64) -> f64;

/// The distributions and their names.
const SIZES: [(&str, Distribution); 2] = [
    ("log-uniform sizes", |at| SMALLEST as f64 * (LARGEST as f64 / SMALLEST as f64).powf(at)),
    ("uniform sizes", |at| SMALLEST as f64 + (LARGEST - SMALLEST) as f64 * at),
];

/// A SET.
struct Write {
    key: Key,
    size: usize,
    now: u64,
}

pub(super) fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let limit = ctx.settings.pick(4 << 20, 32 << 20, 256 << 20);
    let value = vec![b'v'; LARGEST];
    let clock = Clock::new();
    // A background thread of the allocator returns freed pages, as in a server.
    let before = zmalloc::background_thread(true);
    for (name, size) in SIZES {
        let writes = writes(size, limit, ctx.settings.seed);
        for policy in [AllkeysLru, AllkeysS3fifo] {
            ctx.progress.start(&format!("storm, {name}, {policy}"), RUNS);
            let mut min_times = MinTimes::new(writes.len());
            for _ in 0..RUNS {
                zmalloc::purge();
                storm(policy, limit, &writes, &value, &clock, &mut min_times)?;
                ctx.progress.step();
            }
            let case = format!("storm of SETs, {name}{MINIMUM}");
            let longest = |is_large: bool| {
                let calls = writes
                    .iter()
                    .zip(min_times.times())
                    .filter(|(write, _)| (write.size > LARGE) == is_large);
                calls.map(|(_, ns)| f64::from(*ns)).fold(0.0, f64::max)
            };
            for (metric, is_large) in
                [("max, values up to 256 KiB", false), ("max, values above 256 KiB", true)]
            {
                let n = writes.len() as u64;
                ctx.report.row(Row::alone(
                    ctx.suite,
                    &case,
                    n,
                    policy.as_str(),
                    metric,
                    "ns",
                    longest(is_large),
                ));
            }
        }
    }
    if let Some(before) = before {
        zmalloc::background_thread(before);
    }
    ctx.report.note(
        ctx.suite,
        format!(
            "The storm: values of 10 B to 1 MiB at a maxmemory of {} MiB, {LIMIT_MULTIPLE} times as much in all. After \
             every call the bytes were at most maxmemory. Each call counts with the least of its times in {RUNS} \
             runs of the same work.",
            limit >> 20
        ),
    );
    Ok(())
}

/// Returns writes of [`LIMIT_MULTIPLE`] times the limit in all.
fn writes(size: Distribution, limit: usize, seed: u64) -> Vec<Write> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let (mut sizes, mut written) = (Vec::new(), 0);
    while written < LIMIT_MULTIPLE * limit {
        let size = size(rng.random::<f64>()) as usize;
        sizes.push(size);
        written += size;
    }
    let keys = (2 * sizes.len() / LIMIT_MULTIPLE).max(1) as u64;
    let write = |(i, size)| Write { key: key(rng.random_range(0..keys)), size, now: i as u64 * STEP };
    sizes.into_iter().enumerate().map(write).collect()
}

/// Makes one run.
fn storm(
    policy: MaxmemoryPolicy,
    limit: usize,
    writes: &[Write],
    value: &[u8],
    clock: &Clock,
    min_times: &mut MinTimes,
) -> anyhow::Result<()> {
    let mut store = keyspace(policy, limit);
    // The error is kept, and not returned, because every call is timed. Reading the number of bytes takes a
    // few nanoseconds.
    let mut result = Ok(());
    let mut most = 0;
    min_times.each(clock, writes, |write| {
        let set = store.set(&write.key, &value[..write.size], write.now);
        result = std::mem::replace(&mut result, Ok(())).and(set);
        most = most.max(store.counted_bytes());
    });
    result?;
    ensure!(most <= limit, "{policy}: {most} bytes at a maxmemory of {limit}");
    ensure!(store.evicted_keys() > 0, "{policy} has evicted nothing");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The means are (a + b) / 2 = 524,293 and (b - a) / ln(b / a) = 90,712 bytes. 4 GiB are about 8,200 and
    /// 47,000 sizes. Their means have standard deviations of 0.6 % and 1.0 %. Five standard deviations are at
    /// most 5 %.
    #[test]
    fn sizes_are_as_they_are_called() {
        for ((name, size), mean) in SIZES.into_iter().zip([90_712.0, 524_293.0]) {
            let writes = writes(size, 1 << 30, 1);
            let total: usize = writes.iter().map(|write| write.size).sum();
            let found = total as f64 / writes.len() as f64;
            assert!((found / mean - 1.0).abs() < 0.05, "{name}: {found}");
            assert!(writes.iter().all(|write| (SMALLEST..=LARGEST).contains(&write.size)));
            assert!((LIMIT_MULTIPLE << 30..(LIMIT_MULTIPLE << 30) + LARGEST).contains(&total));
        }
    }
}
