//! What a limit allows, and what happens at it.

use super::{evicting, name, of_all_keys, watched};
use keyspace::{
    DefaultHashBuilder, Error, ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, Options, SetExpiry,
    SetOptions, Sharded, Value, ValueMut,
};
use values::list::Side;
use values::zset::AddOptions;
use values::{EncodingLimits, List, OwnedElement};

const LIMIT: usize = 200_000;

// A key of 10 bytes and a value of 112 fill a block of 128.

fn full(policy: MaxmemoryPolicy) -> Keyspace {
    let (mut keyspace, _log) = watched(policy, LIMIT);
    let mut n = 0;
    while keyspace.evicted_keys() == 0 && keyspace.set(&name(n), &[b'v'; 112], n).is_ok() {
        n += 1;
    }
    assert!((800..2_000).contains(&keyspace.len()), "{}", keyspace.len());
    let bytes = keyspace.counted_bytes();
    assert!((LIMIT - 20_000..=LIMIT).contains(&bytes), "{policy}: {bytes} bytes, {} keys", keyspace.len());
    keyspace
}

/// A write of about so many bytes.
type Write = fn(&mut Keyspace, usize) -> Result<(), Error>;

/// Writes of all kinds, which add about `bytes` bytes.
fn writes() -> Vec<(&'static str, Write)> {
    fn text(bytes: usize) -> Vec<u8> {
        vec![b'x'; bytes]
    }
    vec![
        ("SET", |db, bytes| db.set("new", &text(bytes), 0)),
        ("SET EX", |db, bytes| {
            let options = SetOptions { expiry: SetExpiry::To(Expiry::InSeconds(9)), ..SetOptions::default() };
            db.set_with("new", &text(bytes), &options, 0).map(drop)
        }),
        ("APPEND", |db, bytes| db.append("new", &text(bytes), 0).map(drop)),
        ("SETRANGE", |db, bytes| db.set_range("new", bytes, b"x", 0).map(drop)),
        ("HSET", |db, bytes| db.hset("new", "field", &text(bytes), 0).map(drop)),
        ("SADD", |db, bytes| db.sadd("new", &text(bytes), 0).map(drop)),
        ("ZADD", |db, bytes| db.zadd("new", &text(bytes), 1.0, AddOptions::default(), 0).map(drop)),
        ("RPUSH", |db, bytes| db.push("new", Side::Back, &text(bytes), 0)),
        ("RESTORE", |db, bytes| {
            let string = OwnedElement::try_from(values::Element::Bytes(&text(bytes))).unwrap();
            db.insert("new", Value::String(string), None, 0)
        }),
        ("edit of an absent key", |db, bytes| {
            db.edit("new", 0, |value| {
                if let ValueMut::Absent(new) = value {
                    *new = Some(OwnedElement::try_from(values::Element::Bytes(&text(bytes))).unwrap().into());
                }
                Ok::<_, Error>(())
            })
        }),
        ("edit of an absent list", |db, bytes| {
            let limits = EncodingLimits::DEFAULT;
            db.edit_as::<List, _, _>("new", 0, |list| list.try_push(Side::Back, &text(bytes)[..], &limits))
        }),
    ]
}

#[test]
fn a_write_evicts_what_it_needs_and_stays_below_the_limit() {
    for policy in of_all_keys() {
        for (write, run) in writes() {
            for bytes in [10, 1_000, 50_000] {
                let mut keyspace = full(policy);
                let (before, keys) = (keyspace.evicted_keys(), keyspace.len());
                run(&mut keyspace, bytes).unwrap();
                let context = format!("{write} of {bytes} under {policy}");
                assert!(keyspace.counted_bytes() <= LIMIT, "{context}: {}", keyspace.counted_bytes());
                let evicted = keyspace.evicted_keys() - before;
                // A key has about 130 bytes. APPEND allocates as much again, to grow into. S3-FIFO takes blocks of up to
                // 4 KiB for its queue and for ghosts.
                let own = if policy.is_s3fifo() { 70 } else { 10 };
                let (least, most) = ((bytes as u64 / 130).saturating_sub(own), bytes as u64 / 50 + own);
                assert!((least..=most).contains(&evicted), "{context}: {evicted}");
                assert!(keys as u64 + 1 - evicted >= keyspace.len() as u64, "{context}");
                keyspace.check();
            }
        }
    }
}

#[test]
fn a_write_that_does_not_fit_is_an_error_and_changes_nothing() {
    let policies = of_all_keys().map(|policy| (policy, LIMIT + 1));
    for (policy, bytes) in policies.chain([(MaxmemoryPolicy::Noeviction, 20_000)]) {
        for (write, run) in writes() {
            let mut keyspace = full(policy);
            let before = (keyspace.counted_bytes(), keyspace.len(), keyspace.evicted_keys());
            let error = run(&mut keyspace, bytes).unwrap_err();
            assert!(matches!(error, Error::MaxmemoryReached { .. }), "{write} under {policy}: {error:?}");
            assert_eq!(error.reply(), "OOM command not allowed when used memory > 'maxmemory'.");
            let after = (keyspace.counted_bytes(), keyspace.len(), keyspace.evicted_keys());
            assert_eq!(after, before, "{write} under {policy}");
            assert!(!keyspace.contains_key("new", 0));
            keyspace.check();
        }
    }
}

#[test]
fn without_a_key_that_may_be_evicted_writes_fail_and_removals_make_room() {
    let volatile = evicting().filter(|policy| policy.is_volatile());
    for policy in volatile.chain([MaxmemoryPolicy::Noeviction]) {
        let mut keyspace = full(policy);
        assert!(matches!(keyspace.set("more", &[b'v'; 1_000], 0), Err(Error::MaxmemoryReached { .. })));
        assert_eq!(keyspace.evicted_keys(), 0);
        // What does not grow is allowed.
        assert_eq!(keyspace.set(&name(1), &[b'w'; 112], 0), Ok(()), "{policy}");
        assert_eq!(keyspace.set(&name(1), "shorter", 0), Ok(()));
        (0..20).for_each(|n| assert!(keyspace.remove(&name(n), 0)));
        assert_eq!(keyspace.set("more", &[b'v'; 1_000], 0), Ok(()), "{policy}");
    }
}

#[test]
fn expiries_and_longer_names_need_room_too() {
    let mut keyspace = full(MaxmemoryPolicy::Noeviction);
    let mut refused = [0; 2];
    for n in 0..keyspace.len() as u64 {
        let expire = keyspace.expire(&name(n), Expiry::InSeconds(9), ExpireOptions::default(), 0);
        refused[0] += usize::from(matches!(expire, Err(Error::MaxmemoryReached { .. })));
        let mut long = name(n);
        long.extend([b'x'; 60]);
        let rename = keyspace.rename(&name(n), &long, 0);
        refused[1] += usize::from(matches!(rename, Err(Error::MaxmemoryReached { .. })));
        assert!(keyspace.counted_bytes() <= LIMIT);
    }
    assert!(refused.iter().all(|refused| *refused > 100), "{refused:?}");
}

#[test]
fn a_closure_that_adds_more_than_was_said_is_followed_by_evictions() {
    for policy in of_all_keys() {
        let mut keyspace = full(policy);
        let limits = EncodingLimits::DEFAULT;
        keyspace.push("list", Side::Back, "first", 0).unwrap();
        for _ in 0..20 {
            keyspace
                .edit_as::<List, _, Error>("list", 0, |list| {
                    (0..40).try_for_each(|_| list.try_push(Side::Back, &[b'x'; 100][..], &limits))?;
                    Ok(())
                })
                .unwrap();
            assert!(keyspace.counted_bytes() <= LIMIT, "{policy}");
        }
        keyspace.check();
    }
}

#[test]
fn a_limit_that_is_lowered_is_reached_in_steps() {
    for policy in of_all_keys() {
        let mut keyspace = full(policy);
        let lower = keyspace.options().maxmemory(LIMIT / 4).maxmemory_eviction_tenacity(1);
        keyspace.set_options(lower);
        let (mut writes, mut before) = (0, keyspace.counted_bytes());
        while keyspace.counted_bytes() > LIMIT / 4 {
            let evicted = keyspace.evicted_keys();
            keyspace.set(&name(1_000_000 + writes), &[b'v'; 100], 0).unwrap();
            assert!(keyspace.counted_bytes() < before, "{policy}");
            assert!(keyspace.evicted_keys() - evicted <= 2 * 100 + 2, "{policy}");
            (writes, before) = (writes + 1, keyspace.counted_bytes());
        }
        assert!((3..20).contains(&writes), "{policy}: {writes}");
        keyspace.check();
    }
}

#[test]
fn idle_time_can_be_used_to_come_below_a_lowered_limit() {
    let mut keyspace = full(MaxmemoryPolicy::AllkeysLru);
    assert!(keyspace.evict_some(0, 1_000).is_within && keyspace.evict_some(0, 1_000).keys == 0);
    keyspace.set_options(keyspace.options().maxmemory(LIMIT / 2));
    let before = keyspace.counted_bytes();
    let first = keyspace.evict_some(0, 10);
    assert_eq!((first.keys, first.bytes, first.is_within), (10, before - keyspace.counted_bytes(), false));
    assert!(keyspace.evict_some(0, usize::MAX).is_within && keyspace.counted_bytes() <= LIMIT / 2);
}

#[test]
fn bytes_of_others_leave_less_for_keys() {
    let mut keyspace = full(MaxmemoryPolicy::AllkeysLru);
    keyspace.set_other_bytes(LIMIT / 2);
    assert_eq!(keyspace.counted_bytes(), keyspace.allocation_size() + LIMIT / 2);
    assert!(keyspace.evict_some(0, usize::MAX).is_within && keyspace.allocation_size() <= LIMIT / 2);
    keyspace.set("new", "value", 0).unwrap();
    assert!(keyspace.counted_bytes() <= LIMIT && keyspace.other_bytes() == LIMIT / 2);
    keyspace.clear();
    assert_eq!(keyspace.other_bytes(), LIMIT / 2);
}

/// Keys become smaller while the store is full, so that there are four times as many, and the table has to grow. All keys
/// are used: S3-FIFO keeps large keys from a scan by small ones.
#[test]
fn the_table_grows_at_the_limit_a_step_at_a_time() {
    for policy in of_all_keys() {
        let (mut keyspace, _log) = watched(policy, 2_000_000);
        let mut most = 0;
        for n in 0..40_000 {
            let evicted = keyspace.evicted_keys();
            let len = if n < 10_000 { 400 } else { 20 };
            keyspace.set(&name(n), &[b'v'; 400][..len], n).unwrap();
            assert!(keyspace.counted_bytes() <= 2_000_000, "{policy}");
            most = most.max(keyspace.evicted_keys() - evicted);
            assert!((0..2).all(|_| keyspace.get(&name(n), n).is_some()));
        }
        assert!(keyspace.len() > 15_000, "{policy}: {}", keyspace.len());
        // S3-FIFO takes up to 4 KiB at once for its queue and for ghosts: as much as a hundred keys.
        let most_allowed = if policy.is_s3fifo() { 100 } else { 12 };
        assert!(most <= most_allowed, "{policy}: {most} at once");
        // The table did grow: chains are not twice as long as they should be.
        assert!(keyspace.rehash_debt() * 4 < keyspace.len() / 10, "{policy}: {}", keyspace.rehash_debt());
    }
}

#[test]
fn a_limit_by_keys_is_kept() {
    for policy in of_all_keys() {
        let (mut keyspace, _log) = watched(policy, 0);
        for n in 0..3_000 {
            keyspace.evict_down_to(99, n);
            keyspace.set(&name(n), "value", n).unwrap();
            assert!(keyspace.len() <= 100);
        }
        keyspace.check();
    }
}

#[test]
fn each_keyspace_of_several_has_its_share_of_the_limit() {
    let options = Options::new().maxmemory(64 * 20_000).maxmemory_policy(MaxmemoryPolicy::AllkeysLru);
    let hasher = DefaultHashBuilder::new();
    let sharded = Sharded::try_with_options_and_hasher(64, options, hasher).unwrap();
    for n in 0..20_000 {
        let key = name(n);
        sharded.write(&key, |keyspace, key| keyspace.set(key, &[b'v'; 100], n)).unwrap();
    }
    sharded.for_each(|keyspace| {
        assert!(keyspace.evicted_keys() > 0 && keyspace.counted_bytes() <= 20_000);
    });
}
