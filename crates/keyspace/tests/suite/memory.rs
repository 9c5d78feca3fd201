//! The memory of keys, to the byte.

use keyspace::{ExpireOptions, Expiry, Keyspace};
use values::{EncodingLimits, Hash};
use zmalloc::Region;

/// Returns the bytes of the entries alone.
fn entry_bytes(fill: impl FnOnce(&mut Keyspace)) -> usize {
    let mut keyspace = Keyspace::new();
    fill(&mut keyspace);
    keyspace.check();
    keyspace.keys(b"*", 0).map(|key| keyspace.memory_usage(&key.text(), 0).unwrap()).sum()
}

/// Checks the arithmetic of the module documentation of `entry`, if the allocator has classes of eight bytes.
#[test]
#[cfg_attr(miri, ignore = "another allocator")]
fn entries_take_the_block_that_the_drawing_says() {
    if !zmalloc::ALLOCATOR.starts_with("jemalloc") || zmalloc::good_size(49) != 56 {
        return;
    }
    let key = b"key:000000000001";
    assert_eq!(entry_bytes(|it| it.set(key, &[b'x'; 32], 0).unwrap()), 56);
    assert_eq!(entry_bytes(|it| it.set(key, 100_000, 0).unwrap()), 24);
    assert_eq!(entry_bytes(|it| it.set(key, &[b'x'; 1_000], 0).unwrap()), 1_024);
    assert_eq!(
        entry_bytes(|it| {
            it.set(key, &[b'x'; 32], 0).unwrap();
            it.expire(key, Expiry::InSeconds(9), ExpireOptions::default(), 0).unwrap();
        }),
        64
    );
}

#[test]
fn a_keyspace_counts_its_bytes_exactly_and_gives_them_all_back() {
    let region = Region::start();
    let mut keyspace = Keyspace::new();
    let keys = if cfg!(miri) { 6 } else { 200 };
    for n in 0..keys {
        keyspace.set(format!("string:{n}").as_bytes(), "a value that is no number", 0).unwrap();
        keyspace.set(format!("long:{n}").as_bytes(), &[b'x'; 3_000], 0).unwrap();
        for field in 0..n {
            keyspace.hset(format!("hash:{n}").as_bytes(), format!("f{field}").as_bytes(), field, 0).unwrap();
        }
    }
    let limits = EncodingLimits { hash_max_listpack_entries: 8, ..EncodingLimits::DEFAULT };
    keyspace
        .edit_as::<Hash, _, _>(format!("hash:{}", keys / 2).as_bytes(), 0, |hash| {
            hash.try_insert("one more", 1, &limits)
        })
        .unwrap();
    keyspace.check();
    assert_eq!(region.held() as usize, keyspace.allocation_size());
    drop(keyspace);
    assert_eq!(region.held(), 0);
}

/// Compares the figures of a report with those of the keyspace and of this thread's allocations.
fn assert_parts_sum_up(keyspace: &Keyspace, region: &Region) {
    let report = keyspace.memory_report();
    let parts = [report.overhead_hashtable_main, report.overhead_hashtable_expires, report.dataset_bytes];
    assert_eq!(parts.iter().sum::<usize>(), keyspace.allocation_size());
    assert_eq!(report.allocation_size(), region.held() as usize);
    let entries: usize =
        keyspace.keys(b"*", 0).map(|key| keyspace.memory_usage(&key.text(), 0).unwrap()).sum();
    assert_eq!(report.dataset_bytes, entries);
    assert_eq!((report.keys_count, report.expires_count), (keyspace.len(), keyspace.expires()));
    assert_eq!(report.table.entries, keyspace.len());
    assert_eq!(report.keys_bytes_per_key(), entries.checked_div(keyspace.len()).unwrap_or(0));
}

#[test]
#[cfg_attr(miri, ignore = "asks the system for memory use, which Miri does not support")]
fn the_parts_of_a_report_sum_to_the_whole_also_after_removals() {
    let region = Region::start();
    let mut keyspace = Keyspace::new();
    assert_parts_sum_up(&keyspace, &region);
    for n in 0..500 {
        let key = format!("key:{n}");
        match n % 3 {
            0 => keyspace.set(&key, &[b'x'; 2_000], 0).unwrap(),
            1 => keyspace.set(&key, n, 0).unwrap(),
            _ => assert!((0..n).all(|field| keyspace.hset(&key, field, "a value", 0).unwrap())),
        }
        if n % 5 == 0 {
            keyspace.expire(&key, Expiry::InSeconds(9), ExpireOptions::default(), 0).unwrap();
        }
    }
    assert_parts_sum_up(&keyspace, &region);
    for n in 0..490 {
        assert!(keyspace.remove(format!("key:{n}").as_bytes(), 0));
        if n % 70 == 0 {
            assert_parts_sum_up(&keyspace, &region);
        }
    }
    assert_parts_sum_up(&keyspace, &region);
    keyspace.clear();
    assert_parts_sum_up(&keyspace, &region);
    assert_eq!(keyspace.memory_report().allocation_size(), 0);
}
