//! What a limit allows, and what happens when it is reached.

use super::{evicting, name, of_all_keys, with_eviction_log};
use keyspace::{
    DefaultHashBuilder, Error, ExpireOptions, Expiry, Key, Keyspace, MaxmemoryPolicy, Options, SetExpiry,
    SetOptions, Sharded, Value, ValueMut,
};
use values::list::Side;
use values::zset::AddOptions;
use values::{EncodingLimits, List, OwnedElement};

/// The limit of most tests, in bytes.
const LIMIT: usize = 200_000;

/// Returns a keyspace that is filled up to the limit. A key of 10 bytes and a value of 112 bytes fill a block
/// of 128 bytes.
fn full(policy: MaxmemoryPolicy) -> Keyspace {
    let (mut keyspace, _log) = with_eviction_log(policy, LIMIT);
    let mut n = 0;
    while keyspace.evicted_keys() == 0 && keyspace.set(&name(n), &[b'v'; 112], n).is_ok() {
        n += 1;
    }
    assert!((800..2_000).contains(&keyspace.len()), "{}", keyspace.len());
    let bytes = keyspace.counted_bytes();
    assert!((LIMIT - 20_000..=LIMIT).contains(&bytes), "{policy}: {bytes} bytes, {} keys", keyspace.len());
    keyspace
}

/// A write that adds about this many bytes.
type Write = fn(&mut Keyspace, usize) -> Result<(), Error>;

/// Returns writes of all kinds with their names.
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
                // A key takes about 130 bytes. APPEND allocates twice the length as room to grow. S3-FIFO
                // allocates blocks of up to 4 KiB for its queue and for ghosts.
                let own = if policy.is_s3fifo() { 70 } else { 10 };
                let (least, most) = ((bytes as u64 / 150).saturating_sub(own), bytes as u64 / 50 + own);
                assert!((least..=most).contains(&evicted), "{context}: {evicted}");
                assert_eq!(keys as u64 + 1 - evicted, keyspace.len() as u64, "{context}");
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
        // A write that adds no bytes is allowed.
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

/// A string of more than 1,024 bytes has its own block, which grows to twice the length.
#[test]
fn a_setrange_makes_room_for_all_that_a_long_string_grows_by() {
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory(LIMIT));
    keyspace.set("text", &[b'x'; 50_000], 0).unwrap();
    let before = keyspace.counted_bytes();
    let refused = keyspace.set_range("text", 110_000, b"x", 0);
    assert!(matches!(refused, Err(Error::MaxmemoryReached { .. })), "{refused:?}");
    assert_eq!((keyspace.strlen("text", 0), keyspace.counted_bytes()), (Ok(50_000), before));
    assert_eq!(keyspace.set_range("text", 70_000, b"x", 0), Ok(70_001));
    assert!((140_000..=LIMIT).contains(&keyspace.counted_bytes()), "{}", keyspace.counted_bytes());
}

/// The copy has the same number of bytes again as room to grow. Without the reply, the string grows into the
/// room that it already has.
#[test]
fn an_append_makes_room_for_the_copy_of_a_string_that_a_reply_shares() {
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory(LIMIT));
    keyspace.set("text", &[b'x'; 60_000], 0).unwrap();
    assert_eq!(keyspace.append("text", &[b'x'; 30_000], 0), Ok(90_000));
    let reply = keyspace.get_string("text", 0).unwrap().unwrap().to_bytes();
    let (before, refused) = (keyspace.counted_bytes(), keyspace.append("text", &[b'x'; 11_000], 0));
    assert!(matches!(refused, Err(Error::MaxmemoryReached { .. })), "{refused:?}");
    assert_eq!((reply.len(), keyspace.counted_bytes()), (90_000, before));
    drop(reply);
    assert_eq!(keyspace.append("text", &[b'x'; 11_000], 0), Ok(101_000));
    assert_eq!(keyspace.counted_bytes(), before);
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

/// Keys become smaller while the store is full. So there are four times as many in the end, and the table has
/// to grow. All keys are used, because S3-FIFO would otherwise protect the large keys from a scan of small
/// ones.
#[test]
fn the_table_grows_at_the_limit_a_step_at_a_time() {
    for policy in of_all_keys() {
        let (mut keyspace, _log) = with_eviction_log(policy, 2_000_000);
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
        // One write may need both a block of S3-FIFO's queue and a segment of its ghosts. They have 3 and
        // 4 KiB, as much as 180 of the small keys take.
        let most_allowed = if policy.is_s3fifo() { 200 } else { 12 };
        assert!(most <= most_allowed, "{policy}: {most} at once");
        // The table has grown: chains are not twice as long as they should be.
        assert!(keyspace.rehash_debt() * 4 < keyspace.len() / 10, "{policy}: {}", keyspace.rehash_debt());
    }
}

#[test]
fn a_limit_by_keys_is_kept() {
    for policy in of_all_keys() {
        let (mut keyspace, _log) = with_eviction_log(policy, 0);
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

#[test]
fn a_set_that_could_never_fit_evicts_nothing_although_the_old_value_is_large() {
    for policy in of_all_keys() {
        let (mut keyspace, _log) = with_eviction_log(policy, LIMIT);
        keyspace.set("large", &vec![b'x'; 150_000], 0).unwrap();
        (0..100).for_each(|n| keyspace.set(&name(n), "value", n).unwrap());
        let before = (keyspace.len(), keyspace.counted_bytes());
        let error = keyspace.set("large", &vec![b'x'; 250_000], 0).unwrap_err();
        assert!(matches!(error, Error::MaxmemoryReached { .. }), "{policy}");
        assert_eq!((keyspace.len(), keyspace.counted_bytes()), before, "{policy}");
        // A smaller value is allowed even above a lowered limit.
        keyspace.set_options(keyspace.options().maxmemory(LIMIT / 2).maxmemory_eviction_tenacity(0));
        assert_eq!(keyspace.set("large", &vec![b'x'; 120_000], 0), Ok(()), "{policy}");
    }
}

/// All other keys are evicted before the key that is written to.
#[test]
fn the_key_that_is_written_to_is_not_evicted_for_itself() {
    type Write = fn(&mut Keyspace) -> Result<(), Error>;
    let writes: [(&str, Write); 6] = [
        ("SET", |db| db.set("old", &[b'y'; 150_000], 0)),
        ("APPEND", |db| db.append("old", &[b'x'; 60_000], 0).map(|len| assert_eq!(len, 60_003))),
        ("SETRANGE", |db| db.set_range("old", 140_000, b"x", 0).map(|len| assert_eq!(len, 140_001))),
        ("INCRBY", |db| db.incr_by("old", i64::MAX - 7, 0).map(|sum| assert_eq!(sum, i64::MAX))),
        ("EXPIRE", |db| {
            let (later, all) = (Expiry::InSeconds(9), ExpireOptions::default());
            db.expire("old", later, all, 0).map(|is_set| assert!(is_set))
        }),
        ("RENAME", |db| db.rename("old", &[b'k'; 9_000], 0)),
    ];
    for policy in of_all_keys() {
        for (write, run) in writes {
            let (mut keyspace, log) = with_eviction_log(policy, LIMIT);
            keyspace.set("old", "007", 0).unwrap();
            if write == "INCRBY" {
                keyspace.set("old", 7, 0).unwrap();
            }
            for n in 1..1_500 {
                // Near the limit, the growth of the table evicts keys.
                if keyspace.counted_bytes() < LIMIT - 40_000 {
                    keyspace.set(&name(n), &[b'v'; 112], n * 1_000).unwrap();
                }
            }
            assert!(log.lock().unwrap().is_empty(), "{write} under {policy}");
            run(&mut keyspace).unwrap_or_else(|error| panic!("{write} under {policy}: {error}"));
            let evicted = log.lock().unwrap();
            assert!(!evicted.iter().any(|key| key == b"old"), "{write} under {policy}");
        }
    }
}

#[test]
fn a_write_that_adds_nothing_needs_no_room() {
    let mut keyspace = full(MaxmemoryPolicy::Noeviction);
    let key = name(7);
    let soon = |seconds| Expiry::AtSeconds(seconds);
    assert_eq!(keyspace.set_range(&key, 1_000_000, b"", 1), Ok(112));
    assert_eq!(keyspace.append(&key, b"", 1), Ok(112));
    assert!(keyspace.get_expire(&key, None, 1).unwrap().is_some());
    // A condition may refuse a new expiry, and a time in the past removes the key. Neither needs room.
    let only_later = ExpireOptions { xx: true, ..ExpireOptions::default() };
    assert_eq!(keyspace.expire(&key, soon(1_000), only_later, 1), Ok(false));
    assert_eq!(keyspace.expire(&key, soon(0), ExpireOptions::default(), 1), Ok(true));
    assert!(!keyspace.contains_key(&key, 1));
    // If a write is refused for another reason, the error says that reason.
    keyspace.remove(&name(8), 1);
    keyspace.push("list", Side::Back, "element", 1).unwrap();
    let wrong_type = keyspace.append("list", &[b'x'; 100_000], 1).unwrap_err();
    assert!(wrong_type.reply().starts_with("WRONGTYPE"));
    let too_long = keyspace.set_range(&name(9), 1 << 30, b"x", 1).unwrap_err();
    assert_eq!(too_long.reply(), "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}

#[test]
fn appending_to_a_string_with_room_to_grow_evicts_nothing() {
    for policy in of_all_keys() {
        let (mut keyspace, log) = with_eviction_log(policy, 3_000_000);
        keyspace.set("log", &vec![b'x'; 600_000], 0).unwrap();
        keyspace.append("log", &vec![b'x'; 100_000], 0).unwrap(); // The string now has room to double.
        let mut n = 0;
        while keyspace.counted_bytes() + 100_000 < 3_000_000 {
            keyspace.set(&name(n), &[b'v'; 1_000], n).unwrap();
            n += 1;
        }
        let before = keyspace.counted_bytes();
        for _ in 0..2_000 {
            keyspace.append("log", &[b'y'; 100], 0).unwrap();
        }
        assert_eq!((keyspace.counted_bytes(), keyspace.strlen("log", 0)), (before, Ok(900_000)), "{policy}");
        assert!(log.lock().unwrap().is_empty(), "{policy}");
    }
}

/// A rehash, a rename or a reservation keeps the store within its limit, or the next write brings it back.
#[test]
fn the_size_of_the_table_keeps_to_the_limit() {
    for policy in of_all_keys().chain([MaxmemoryPolicy::Noeviction]) {
        let mut keyspace = full(policy);
        for n in 0..keyspace.len() as u64 {
            keyspace.rehash(100);
            let renamed = keyspace.rename(&name(n), &name(500_000 + n), 0);
            assert!(matches!(renamed, Ok(()) | Err(Error::NoSuchKey)), "{policy}");
            assert!(keyspace.counted_bytes() <= LIMIT, "{policy}");
        }
        // The next write gives back the bytes that these two calls take.
        keyspace.try_reserve(5_000).unwrap();
        keyspace.shrink_to_fit();
        if keyspace.set("new", "value", 0).is_ok() {
            assert!(keyspace.counted_bytes() <= LIMIT, "{policy}");
        }
        keyspace.check();
    }
}

#[test]
fn a_call_never_leaves_more_than_the_call_before_while_the_limit_is_exceeded() {
    for policy in of_all_keys() {
        let mut keyspace = full(policy);
        let lower = keyspace.options().maxmemory(LIMIT / 2).maxmemory_eviction_tenacity(0);
        keyspace.set_options(lower);
        let (mut before, limits) = (keyspace.counted_bytes(), EncodingLimits::DEFAULT);
        for _ in 0..40 {
            keyspace
                .edit_as::<List, _, Error>("list", 0, |list| {
                    (0..20).try_for_each(|_| list.try_push(Side::Back, &[b'x'; 100][..], &limits))?;
                    Ok(())
                })
                .unwrap();
            assert!(keyspace.counted_bytes() <= before.max(LIMIT / 2), "{policy}");
            before = keyspace.counted_bytes();
        }
        // A removal lowers the bytes, and ends the exception for a lowered limit.
        keyspace.clear();
        keyspace.push("list", Side::Back, &[b'x'; 60_000], 0).unwrap();
        let large = keyspace.edit_as::<List, _, Error>("list", 0, |list| {
            (0..30).try_for_each(|_| list.try_push(Side::Back, &[b'x'; 3_000][..], &limits))?;
            Ok(())
        });
        assert!(large.is_ok() && keyspace.counted_bytes() <= LIMIT / 2, "{policy}");
    }
}

/// Look-ups do not find a key that the caller wrote with a wrong hash. The key can still be evicted.
#[test]
fn keys_under_a_wrong_hash_are_evicted_too() {
    for policy in of_all_keys() {
        let (mut keyspace, log) = with_eviction_log(policy, 0);
        for n in 0..300_u64 {
            let key = name(n);
            keyspace.set(Key::with_hash(&key, n.wrapping_mul(0x9E37_79B9_7F4A_7C15)), "value", n).unwrap();
        }
        assert_eq!(keyspace.evict_down_to(0, 0), 300, "{policy}");
        assert_eq!((keyspace.len(), log.lock().unwrap().len()), (0, 300));
    }
}

/// If a limit is too small for the queue and the ghosts of S3-FIFO, the policy works without them.
#[test]
fn small_limits_are_kept_and_of_use() {
    for policy in of_all_keys() {
        for limit in [4_000, 16_000, 63_000, 66_000] {
            let (mut keyspace, _log) = with_eviction_log(policy, limit);
            for n in 0..2_000 {
                keyspace.set(&name(n), &[b'v'; 40], n).unwrap();
                assert!(keyspace.counted_bytes() <= limit && keyspace.contains_key(&name(n), n), "{policy}");
            }
            assert!(keyspace.eviction_bytes() < limit / 4, "{policy}: {}", keyspace.eviction_bytes());
            assert!(keyspace.len() > limit / 200, "{policy}: {} keys in {limit}", keyspace.len());
            keyspace.check();
        }
    }
}

#[test]
fn new_options_of_several_keyspaces_divide_the_limit_too() {
    let sharded = Sharded::new(8);
    sharded.set_options(Options::new().maxmemory(800_000));
    sharded.for_each(|keyspace| assert_eq!(keyspace.options().get_maxmemory(), 100_000));
}

/// A `SET` subtracts its bytes from an allowance. All other calls that add bytes must cancel the allowance.
#[test]
fn what_else_adds_bytes_leaves_no_more_to_sets_than_there_is() {
    type Act = fn(&mut Keyspace);
    let acts: [(&str, Act); 5] = [
        ("rehash", |db| assert_eq!(db.rehash(usize::MAX).chunks_merged, 0)),
        ("evict_down_to", |db| assert!(db.evict_down_to(db.len() / 2, 0) > 50)),
        ("edit_as", |db| {
            let limits = EncodingLimits::DEFAULT;
            let edit = db.edit_as::<List, _, Error>("list", 0, |list| {
                (0..90).try_for_each(|_| list.try_push(Side::Back, &[b'x'; 1_000][..], &limits))?;
                Ok(())
            });
            edit.unwrap();
        }),
        ("set_other_bytes", |db| db.set_other_bytes(100_000)),
        ("try_reserve", |db| db.try_reserve(5_000).unwrap()),
    ];
    for policy in of_all_keys() {
        for (name_of_act, act) in acts {
            let (mut keyspace, _log) = with_eviction_log(policy, LIMIT);
            keyspace.push("list", Side::Back, "first", 0).unwrap();
            keyspace.set("large", &[b'x'; 60_000], 0).unwrap();
            (0..200).for_each(|n| keyspace.set(&name(n), &[b'v'; 112], n).unwrap());
            keyspace.remove("large", 0);
            keyspace.set(&name(0), "value", 0).unwrap();
            act(&mut keyspace);
            let mut before = keyspace.counted_bytes();
            for n in 200..1_500 {
                keyspace.set(&name(n), &[b'v'; 112], n).unwrap();
                let bytes = keyspace.counted_bytes();
                assert!(bytes <= before.max(LIMIT), "{name_of_act} under {policy}: {before}, {bytes}");
                before = bytes;
            }
            assert!(before <= LIMIT, "{name_of_act} under {policy}: {before}");
        }
    }
}

#[test]
fn a_removal_below_a_lowered_limit_ends_its_exception() {
    for policy in of_all_keys() {
        let mut keyspace = full(policy);
        keyspace.push("list", Side::Back, "first", 0).unwrap();
        keyspace.set_options(keyspace.options().maxmemory(LIMIT / 2).maxmemory_eviction_tenacity(0));
        keyspace.retain(0, |key, _value| key == b"list");
        let limits = EncodingLimits::DEFAULT;
        let edit = keyspace.edit_as::<List, _, Error>("list", 0, |list| {
            (0..150).try_for_each(|_| list.try_push(Side::Back, &[b'x'; 1_000][..], &limits))?;
            Ok(())
        });
        assert!(edit.is_ok() && keyspace.counted_bytes() <= LIMIT / 2, "{policy}");
    }
}

#[test]
fn options_that_change_nothing_about_eviction_keep_what_it_knows() {
    let mut keyspace = full(MaxmemoryPolicy::AllkeysS3fifo);
    let key = name(keyspace.len() as u64);
    assert!(keyspace.touch(&key, 0) || keyspace.touch(&name(100), 0));
    let freqs = |keyspace: &Keyspace| (0..2_000).filter(|n| keyspace.freq(&name(*n), 0) == Some(1)).count();
    assert_eq!(freqs(&keyspace), 1);
    keyspace.set_options(keyspace.options().hash_max_listpack_entries(7));
    assert_eq!(freqs(&keyspace), 1);
    // Without a queue, no key is on probation.
    keyspace.set_options(keyspace.options().maxmemory(50_000));
    keyspace.set("new", "value", 0).unwrap();
    assert_eq!(freqs(&keyspace), 0);
    keyspace.check();
}
