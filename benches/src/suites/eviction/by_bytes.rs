//! Hit ratios by bytes: how many requests are hits under `maxmemory`, on traces whose values differ in size.
//!
//! The limits are percentages of the bytes that all keys of the trace would take together. Each key has the
//! size of its first request, limited to `--value-cap`. The textbook policies have no blocks and no table. So
//! they count for each key the bytes that it takes in a keyspace: the blocks of its entry, and an equal share
//! of the table.

use super::cache::{Cache, Resized};
use super::hits::{CacheSubject, EXACT_LRU, EXACT_S3_FIFO, Findings, Workload};
use super::oracle::{Lru, S3Fifo};
use super::store::{ByBytes, POLICIES, keyspace};
use crate::suite::Ctx;
use crate::trace::{Request, Trace};
use keyspace::MaxmemoryPolicy::Noeviction;

pub(super) fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let mut findings = Findings::by("bytes");
    let inputs = ctx.inputs;
    let value = vec![b'v'; ctx.settings.value_cap];
    for named in &inputs.traces {
        let trace = &named.content;
        let requests = requests(trace, ctx.settings.value_cap);
        if requests.iter().all(|request| request.size == requests[0].size) {
            continue;
        }
        let bytes = bytes(trace, &requests, &value);
        let keys = bytes.len();
        let whole = bytes.iter().map(|bytes| *bytes as usize).sum();
        let size = |key: u32| bytes[key as usize];
        let policies = POLICIES.map(|policy| {
            let value = &value;
            let new = move |limit, seed| -> Box<dyn Cache> {
                Box::new(ByBytes::new(policy, limit, trace, value, seed))
            };
            CacheSubject::with_seed(policy.as_str(), new)
        });
        let peers = [
            CacheSubject::new(EXACT_S3_FIFO, |limit| {
                Box::new(Resized { cache: S3Fifo::new(keys, limit), size: &size })
            }),
            CacheSubject::new(EXACT_LRU, |limit| {
                Box::new(Resized { cache: Lru::new(keys, limit), size: &size })
            }),
        ];
        let workload = Workload { name: &named.name, requests: &requests, whole };
        findings.add(ctx, &workload, &policies, &peers)?;
    }
    findings.finish(ctx);
    Ok(())
}

/// Returns the requests of a trace. Each key has the size of its first request, and at most `cap` bytes.
fn requests(trace: &Trace, cap: usize) -> Vec<Request> {
    let mut sizes = vec![None; trace.distinct_keys()];
    let cut = |size: u32| (size as usize).min(cap) as u32;
    let same = |request: &Request| {
        let size = *sizes[request.key as usize].get_or_insert(cut(request.size));
        Request { size, ..*request }
    };
    trace.requests().iter().map(same).collect()
}

/// Returns how many bytes each key of a trace takes in a keyspace.
fn bytes(trace: &Trace, requests: &[Request], value: &[u8]) -> Vec<u32> {
    let mut bytes = vec![0; trace.distinct_keys()];
    // All values together may need more memory than there is, so only one of them exists at a time.
    let (mut alone, mut keys, mut entries) = (keyspace(Noeviction, 0), keyspace(Noeviction, 0), 0);
    for request in requests {
        let (key, bytes) = (trace.key(request.key), &mut bytes[request.key as usize]);
        if *bytes == 0 {
            let mut usage = |value: &[u8]| {
                alone.set(key, value, 0).expect("there is memory");
                alone.memory_usage(key, 0).expect("the key is there")
            };
            entries += usage(b"");
            *bytes = usage(&value[..request.size as usize]) as u32;
            alone.remove(key, 0);
            keys.set(key, b"", 0).expect("there is memory");
        }
    }
    let share = (keys.allocation_size() - entries).div_ceil(bytes.len()) as u32;
    bytes.iter_mut().for_each(|bytes| *bytes += share);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> Trace {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "1,a,10\n2,b,99999\n3,a,20\n4,c,10\n").unwrap();
        Trace::open(&path).unwrap()
    }

    #[test]
    fn a_key_has_the_size_of_its_first_request_cut_to_the_cap() {
        let sizes: Vec<u32> = requests(&trace(), 500).iter().map(|request| request.size).collect();
        assert_eq!(sizes, [10, 500, 10, 10]);
    }

    #[test]
    fn all_keys_together_take_what_the_textbook_policies_count() {
        let trace = trace();
        let requests = requests(&trace, 500);
        let bytes = bytes(&trace, &requests, &[b'v'; 500]);
        let mut all = keyspace(Noeviction, 0);
        for request in &requests {
            all.set(trace.key(request.key), &[b'v'; 500][..request.size as usize], 0).unwrap();
        }
        let counted = bytes.iter().map(|bytes| *bytes as usize).sum::<usize>();
        // The share of the table is rounded up for each of the three keys.
        assert!((all.allocation_size()..all.allocation_size() + 3).contains(&counted), "{counted}");
        assert!(bytes[1] > 500 && bytes[0] == bytes[2]);
    }
}
