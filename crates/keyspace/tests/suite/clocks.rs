//! The effects of reads and writes on access clocks under each kind of policy.

use keyspace::{ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, Options, RestoreOptions, RestoreValue};

/// A short key, and one that takes the slower look-up.
const KEYS: [&str; 2] = ["key", "a key that is too long for the short look-up"];

fn under(policy: MaxmemoryPolicy) -> Keyspace {
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy));
    for key in KEYS {
        keyspace.set(key, "value", 0).unwrap();
    }
    keyspace
}

/// Every operation that reads a key.
fn reads() -> [fn(&mut Keyspace, &str, u64); 5] {
    [
        |db, key, now| assert!(db.get(key, now).is_some()),
        |db, key, now| assert!(db.get_string(key, now).unwrap().is_some()),
        |db, key, now| assert!(db.get_many([key], now)[0].is_some()),
        |db, key, now| assert!(db.touch(key, now)),
        |db, key, now| assert!(db.get_expire(key, None, now).unwrap().is_some()),
    ]
}

/// Operations that change a key, its expiry or its name.
fn modifications() -> [fn(&mut Keyspace, &str, u64); 7] {
    [
        |db, key, now| db.set(key, "eulav", now).unwrap(),
        |db, key, now| db.set(key, "a longer value", now).unwrap(),
        |db, key, now| assert_eq!(db.append(key, b"more", now), Ok(18)),
        |db, key, now| {
            let expiry = Expiry::InSeconds(1_000);
            assert_eq!(db.expire(key, expiry, ExpireOptions::default(), now), Ok(true));
        },
        |db, key, now| assert!(db.persist(key, now)),
        |db, key, now| assert!(db.get_expire(key, Some(Expiry::InSeconds(1_000)), now).unwrap().is_some()),
        |db, key, now| {
            db.rename(key, "other", now).unwrap();
            assert_eq!(db.idle_time("other", now), Some(0));
            db.rename("other", key, now).unwrap();
        },
    ]
}

#[test]
fn under_lru_every_read_sets_the_clock() {
    for policy in [MaxmemoryPolicy::Noeviction, MaxmemoryPolicy::AllkeysLru, MaxmemoryPolicy::VolatileTtl] {
        let mut keyspace = under(policy);
        for (read, now) in reads().into_iter().zip((10_000..).step_by(10_000)) {
            for key in KEYS {
                assert_eq!(keyspace.idle_time(key, now), Some(10));
                read(&mut keyspace, key, now);
                assert_eq!((keyspace.idle_time(key, now), keyspace.freq(key, now)), (Some(0), None));
            }
        }
    }
}

#[test]
fn under_lrm_only_modifications_set_the_clock() {
    for policy in [MaxmemoryPolicy::AllkeysLrm, MaxmemoryPolicy::VolatileLrm] {
        let mut keyspace = under(policy);
        for key in KEYS {
            for read in reads() {
                read(&mut keyspace, key, 10_000);
                assert_eq!((keyspace.idle_time(key, 10_000), keyspace.freq(key, 10_000)), (Some(10), None));
            }
            for (modify, now) in modifications().into_iter().zip((20_000..).step_by(10_000)) {
                assert_ne!(keyspace.idle_time(key, now), Some(0));
                modify(&mut keyspace, key, now);
                assert_eq!(keyspace.idle_time(key, now), Some(0));
            }
        }
    }
}

#[test]
fn under_s3fifo_uses_count_from_0_to_3() {
    let policies = [MaxmemoryPolicy::AllkeysS3fifo, MaxmemoryPolicy::VolatileS3fifo];
    for policy in policies.into_iter().take(if cfg!(miri) { 1 } else { 2 }) {
        for read in reads() {
            let mut keyspace = under(policy);
            for key in KEYS {
                for uses in [0, 1, 2, 3, 3, 3] {
                    assert_eq!((keyspace.freq(key, 7), keyspace.idle_time(key, 7)), (Some(uses), None));
                    read(&mut keyspace, key, 7);
                }
                assert_eq!(keyspace.freq("absent", 7), None);
            }
        }
        let mut keyspace = under(policy);
        keyspace.set("key", "eulav", 7).unwrap();
        keyspace.set("key", "a longer value", 7).unwrap();
        assert_eq!(keyspace.freq("key", 7), Some(2));
        assert!(keyspace.contains_key("key", 7) && keyspace.memory_usage("key", 7).is_some());
        assert_eq!(keyspace.freq("key", 7), Some(2));
    }
}

#[test]
fn a_moved_key_keeps_its_clock_only_if_the_other_keyspace_reads_it_alike() {
    use MaxmemoryPolicy::{AllkeysLfu, AllkeysLrm, AllkeysLru, AllkeysS3fifo, Noeviction};
    for (from, to, idle, freq) in [
        (AllkeysLru, Noeviction, Some(10), None),
        (AllkeysLrm, AllkeysLru, Some(10), None),
        (AllkeysLru, AllkeysLrm, Some(0), None), // the move is a modification
        (AllkeysLfu, AllkeysLru, Some(0), None),
        (AllkeysS3fifo, Noeviction, Some(0), None),
        (AllkeysLru, AllkeysLfu, None, Some(5)),
        (AllkeysS3fifo, AllkeysLfu, None, Some(5)),
        (AllkeysLru, AllkeysS3fifo, None, Some(0)),
        (AllkeysLfu, AllkeysS3fifo, None, Some(0)),
        (AllkeysS3fifo, AllkeysS3fifo, None, Some(0)),
    ] {
        let mut source = under(from);
        let mut target = Keyspace::with_options(Options::new().maxmemory_policy(to));
        if from == AllkeysS3fifo {
            assert!(source.touch("key", 0));
        }
        assert_eq!(source.move_to("key", &mut target, 10_000), Ok(true));
        assert_eq!(
            (target.idle_time("key", 10_000), target.freq("key", 10_000)),
            (idle, freq),
            "{from} to {to}"
        );
    }
}

#[test]
fn a_renamed_key_keeps_its_count_of_uses() {
    let mut keyspace = under(MaxmemoryPolicy::AllkeysS3fifo);
    assert!(keyspace.touch("key", 0) && keyspace.touch("key", 0));
    keyspace.rename("key", "other", 0).unwrap();
    assert_eq!(keyspace.freq("other", 0), Some(2));
}

/// The clock of a restored key is set at the time of the restore, whatever its expiry is.
#[test]
fn a_restored_key_has_the_clock_and_the_expiry_that_its_dump_says() {
    const NOW: u64 = 100_000_000;
    let restored = |policy, key: &str, expiry, keeps_expired| {
        let mut db = under(policy);
        let (idle_time, freq) = (Some(60), Some(200));
        let options = RestoreOptions { expiry: Some(expiry), idle_time, freq, replace: true, keeps_expired };
        assert!(db.set(key, "old", NOW).is_ok());
        let is_stored = db.restore(key, RestoreValue::String("new".into()), &options, NOW).unwrap();
        db.check();
        // The key has expired, so only a record shows its clock.
        let record = db.get_record(key, expiry - 1).map(|record| (record.expiry, record.freq));
        (
            is_stored,
            record,
            db.idle_time(key, NOW),
            db.expire_some(NOW, 10).removed,
            db.contains_key(key, NOW),
        )
    };
    for key in KEYS {
        for (policy, freq, idle) in
            [(MaxmemoryPolicy::AllkeysLru, None, Some(60)), (MaxmemoryPolicy::AllkeysLfu, Some(200), None)]
        {
            let future = NOW + 1;
            let record = Some((Some(future), freq));
            assert_eq!(restored(policy, key, future, false), (true, record, idle, 0, true), "{policy}");
            assert_eq!(restored(policy, key, NOW, false), (false, None, None, 0, false), "{policy}");
            // A record at a time before the expiry still has the counter of the dump.
            let record = Some((Some(NOW), freq));
            assert_eq!(restored(policy, key, NOW, true), (true, record, None, 1, false), "{policy}");
        }
    }
}

#[test]
fn a_restored_key_that_has_expired_is_in_the_way_of_another_one() {
    const NOW: u64 = 1_000;
    for key in KEYS {
        let mut db = Keyspace::new();
        let mut restore = |value: i64, replace| {
            let options = RestoreOptions {
                expiry: Some(NOW),
                replace,
                keeps_expired: true,
                ..RestoreOptions::default()
            };
            db.restore(key, RestoreValue::String(value.into()), &options, NOW).unwrap()
        };
        assert_eq!([restore(1, false), restore(2, false), restore(3, true)], [true, false, true]);
        assert_eq!(db.len(), 1);
        assert_eq!(db.get_record(key, 0).unwrap().value.as_string().unwrap().plain().unwrap(), 3_i64.into());
        db.check();
    }
}
