//! Several threads that read one keyspace, as they would under a read lock.

use keyspace::{
    Cursor, ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, Options, ScanOptions, Ttl, ValueRef,
};
use std::sync::RwLock;
use std::thread;
use values::Hash;

const ROUNDS: u64 = if cfg!(miri) { 3 } else { 3_000 };
const THREADS: u64 = 3;

fn filled(policy: MaxmemoryPolicy) -> Keyspace {
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy));
    keyspace.set("short", "text", 0).unwrap();
    keyspace.set("long", &[b'x'; 2_000], 0).unwrap();
    keyspace.hset("hash", "field", "value", 0).unwrap();
    keyspace.set("expires", 12_345, 0).unwrap();
    keyspace.expire("expires", Expiry::InMillis(5), ExpireOptions::default(), 0).unwrap();
    keyspace
}

/// Does reads that change the access clocks, and with them the heads of the blocks.
fn read_all(keyspace: &Keyspace, now: u64) {
    assert_eq!(keyspace.get_string("short", now).unwrap().unwrap(), b"text");
    assert_eq!(keyspace.get_string("long", now).unwrap().unwrap().to_bytes(), [b'x'; 2_000][..]);
    assert_eq!(keyspace.get_as::<Hash>("hash", now).unwrap().unwrap().get("field"), Some("value".into()));
    assert_eq!(keyspace.get("expires", now).is_some(), now < 5);
    let many = keyspace.get_many(["long", "none", "hash"], now);
    assert!(matches!(many, [Some(ValueRef::String(_)), None, Some(ValueRef::Hash(_))]));
    assert!(keyspace.touch("short", now) && keyspace.expire_time("short", now) == Ttl::Persistent);
    let mut seen = 0;
    let cursor = keyspace.scan(Cursor::START, &ScanOptions::default(), now, |_, _| seen += 1);
    assert_eq!((seen, cursor.is_start()), (if now < 5 { 4 } else { 3 }, true));
}

#[test]
fn threads_read_side_by_side_and_set_the_clocks() {
    let unmodified = (ROUNDS * THREADS) as u32;
    for (policy, idle, freq) in [
        (MaxmemoryPolicy::AllkeysLru, Some(0), 0..=0),
        (MaxmemoryPolicy::AllkeysLrm, Some(unmodified), 0..=0),
        (MaxmemoryPolicy::AllkeysLfu, None, 1..=255),
        (MaxmemoryPolicy::AllkeysS3fifo, None, 3..=3),
    ] {
        let keyspace = filled(policy);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let keyspace = &keyspace;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        read_all(keyspace, round * 1_000 * (thread + 1));
                    }
                });
            }
        });
        keyspace.check();
        let now = ROUNDS * 1_000 * THREADS;
        assert!(keyspace.touch("short", now));
        assert_eq!(keyspace.idle_time("short", now), idle);
        assert!(freq.contains(&keyspace.freq("short", now).unwrap_or(0)));
    }
}

/// A reply keeps its bytes while another thread writes to the key. Under Miri, a write to these bytes would
/// be a data race.
#[test]
fn replies_are_read_while_the_keyspace_is_written() {
    let keyspace = RwLock::new(filled(MaxmemoryPolicy::Noeviction));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let reply = keyspace.read().unwrap().get_string("long", 0).unwrap().unwrap().to_bytes();
                    assert!(reply.len() >= 2_000 && reply[..2_000].iter().all(|byte| *byte == reply[0]));
                }
            });
        }
        for round in 0..ROUNDS {
            let byte = b'a' + (round % 26) as u8;
            let mut keyspace = keyspace.write().unwrap();
            match round % 3 {
                0 => keyspace.set("long", &[byte; 2_000], 0).unwrap(),
                1 => assert_eq!(keyspace.set_range("long", 0, &[byte; 2_000], 0), Ok(2_000)),
                _ => assert_eq!(keyspace.append("long", b"x", 0), Ok(2_001)),
            }
            if round % 3 == 2 {
                keyspace.set("long", &[byte; 2_000], 0).unwrap();
            }
        }
    });
    keyspace.read().unwrap().check();
}
