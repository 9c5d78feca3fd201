//! Eviction: the order of the evicted keys, and the promise that no call leaves more bytes than `maxmemory`.

mod between_writes;
mod limit;
mod order;
mod storm;

use keyspace::{Event, Keyspace, MaxmemoryPolicy, Options};
use std::sync::{Arc, Mutex};

/// The evicted keys, in the order of their eviction.
type Log = Arc<Mutex<Vec<Vec<u8>>>>;

/// Returns a keyspace with a policy and a limit, and the log of the keys that it evicts. A limit of 0 is no
/// limit.
fn with_eviction_log(policy: MaxmemoryPolicy, maxmemory: usize) -> (Keyspace, Log) {
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy).maxmemory(maxmemory));
    let log = Log::default();
    let to = log.clone();
    let watch = move |event: Event<'_>| {
        if let Event::Evicted(key) = event {
            to.lock().unwrap().push(key.to_vec());
        }
    };
    keyspace.on_event(watch).unwrap();
    (keyspace, log)
}

/// The policies that may evict any key.
fn of_all_keys() -> impl Iterator<Item = MaxmemoryPolicy> {
    evicting().filter(|policy| !policy.is_volatile())
}

/// All policies except `noeviction`.
fn evicting() -> impl Iterator<Item = MaxmemoryPolicy> {
    MaxmemoryPolicy::ALL.into_iter().filter(|policy| *policy != MaxmemoryPolicy::Noeviction)
}

fn name(n: u64) -> Vec<u8> {
    format!("key:{n:06}").into_bytes()
}
