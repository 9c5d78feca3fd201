//! Keyspaces whose callers evict between writes ([`Keyspace::set_evicts_in_writes`]).

use super::{evicting, name, with_eviction_log};
use keyspace::{ExpireOptions, Expiry, Key, MaxmemoryPolicy};
use values::Element;

const LIMIT: usize = 200_000;

#[test]
fn no_write_is_refused_half_way_when_the_caller_evicts() {
    let (mut keyspace, log) = with_eviction_log(MaxmemoryPolicy::Noeviction, LIMIT);
    keyspace.set_evicts_in_writes(false);
    let value = [b'x'; 100];
    let names: Vec<_> = (0..5_000).map(name).collect();
    let pairs: Vec<_> = names.iter().map(|name| (Key::from(name), Element::from(&value[..]))).collect();
    keyspace.set_many(&pairs, 0).unwrap();
    assert!(keyspace.counted_bytes() > LIMIT);
    let key = &names[7];
    assert!(keyspace.expire(key, Expiry::InSeconds(9), ExpireOptions::default(), 0).unwrap());
    keyspace.rename(key, &[b'n'; 300], 0).unwrap();
    keyspace.append(&names[8], &[b'y'; 10_000], 0).unwrap();
    keyspace.hset("hash", "field", &*vec![b'z'; 10_000], 0).unwrap();
    assert_eq!((keyspace.len(), log.lock().unwrap().len()), (5_001, 0));
    keyspace.check();
}

#[test]
fn the_caller_evicts_what_writes_have_added() {
    for policy in evicting().filter(|policy| !policy.is_volatile()) {
        let (mut keyspace, log) = with_eviction_log(policy, LIMIT);
        keyspace.set_evicts_in_writes(false);
        for n in 0..10_000 {
            while !keyspace.evict_some(n, 16).is_within {}
            assert!(keyspace.counted_bytes() <= LIMIT, "{policy}");
            keyspace.set(&name(n), &[b'x'; 100], n).unwrap();
        }
        assert!(keyspace.len() > 1_000, "{policy}: {}", keyspace.len());
        assert_eq!(keyspace.len() + log.lock().unwrap().len(), 10_000);
        // From now on, each write makes room.
        keyspace.set_evicts_in_writes(true);
        keyspace.set("last", "x", 10_000).unwrap();
        assert!(keyspace.counted_bytes() <= LIMIT, "{policy}");
        keyspace.check();
    }
}
