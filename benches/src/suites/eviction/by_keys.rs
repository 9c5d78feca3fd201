//! Hit ratios by keys: every key counts as one.
//!
//! The keyspace has no `maxmemory` here. [`evict_down_to`](keyspace::Keyspace::evict_down_to) makes room
//! before a SET of a missing key.

use super::cache::{Cache, PEERS, Resized};
use super::hits::{CacheSubject, EXACT_LRU, EXACT_S3_FIFO, Findings, Workload};
use super::oracle::{Lru, S3Fifo};
use super::store::{ByKeys, POLICIES};
use crate::suite::Ctx;
use crate::trace::Request;
use crate::trace::ycsb::{Generator, READ_ONLY, ZIPF_EXPONENT};

/// The number of requests for each key of the Zipf distribution.
const REQUESTS_PER_KEY: usize = 3;

pub(super) fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let mut findings = Findings::by("keys");
    let inputs = ctx.inputs;
    for trace in &inputs.traces {
        let (requests, keys) = (trace.content.requests(), trace.content.distinct_keys());
        add(ctx, &mut findings, &Workload { name: &trace.name, requests, whole: keys })?;
    }
    if inputs.traces.is_empty() {
        let keys = ctx.settings.pick(2_000, 100_000, 4_000_000);
        let requests = zipf(keys, ctx.settings.seed);
        let name = format!("Zipf {ZIPF_EXPONENT}");
        add(ctx, &mut findings, &Workload { name: &name, requests: &requests, whole: keys as usize })?;
    }
    findings.finish(ctx);
    ctx.report.note(
        ctx.suite,
        "In hit ratios the times of traces are not used. A request takes a second under allkeys-lru, whose clock \
         could not tell requests apart otherwise, and a millisecond under the other policies. moka and quick_cache \
         are given the same number of keys. moka does what it has put off after each SET.",
    );
    Ok(())
}

/// Adds a workload whose keys are the numbers below `whole`.
fn add(ctx: &mut Ctx, findings: &mut Findings, workload: &Workload) -> anyhow::Result<()> {
    let (keys, requests) = (workload.whole, workload.requests.len());
    let policies = POLICIES.map(|policy| {
        let new =
            move |limit, seed| -> Box<dyn Cache> { Box::new(ByKeys::new(policy, limit, requests, seed)) };
        CacheSubject::with_seed(policy.as_str(), new)
    });
    let mut peers = vec![
        CacheSubject::new(EXACT_S3_FIFO, |limit| {
            Box::new(Resized { cache: S3Fifo::new(keys, limit), size: |_| 1 })
        }),
        CacheSubject::new(EXACT_LRU, |limit| Box::new(Resized { cache: Lru::new(keys, limit), size: |_| 1 })),
    ];
    peers.extend(PEERS.map(|(name, new)| CacheSubject::new(name, new)));
    findings.add(ctx, workload, &policies, &peers)
}

/// Returns requests for the numbers below `keys`, drawn from a scrambled Zipf distribution.
fn zipf(keys: u32, seed: u64) -> Vec<Request> {
    let mut generator = Generator::new(READ_ONLY, keys, seed);
    let next = || Request { key: generator.step().record, size: 1 };
    std::iter::repeat_with(next).take(keys as usize * REQUESTS_PER_KEY).collect()
}
