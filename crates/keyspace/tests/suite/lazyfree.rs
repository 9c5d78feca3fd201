//! Garbage: the large values that were removed and are not freed yet.

use keyspace::{Event, ExpireOptions, Expiry, Freed, Keyspace, MaxmemoryPolicy, Options, SetOptions};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use values::list::Side;
use values::zset::AddOptions;
use zmalloc::{Region, fault};

const NOW: u64 = 1_000;

/// The number of elements of a large value. It has far more blocks than one operation frees in passing.
const MANY: usize = 5_000;

fn text(n: usize) -> Vec<u8> {
    format!("an element with the number {n:08}").into_bytes()
}

/// One key for each type that has large values.
const LARGE: [&str; 4] = ["hash", "set", "zset", "list"];

/// Adds the elements of a large value.
fn fill(keyspace: &mut Keyspace, key: &str) {
    for n in 0..MANY {
        match key {
            "hash" => assert!(keyspace.hset(key, text(n).as_slice(), text(n).as_slice(), NOW).unwrap()),
            "set" => assert!(keyspace.sadd(key, text(n).as_slice(), NOW).unwrap()),
            "zset" => {
                let options = AddOptions::default();
                keyspace.zadd(key, text(n).as_slice(), n as f64, options, NOW).unwrap();
            }
            _ => {
                let element = vec![b'x'; 1_000];
                keyspace.push(key, Side::Back, element.as_slice(), NOW).unwrap();
            }
        }
    }
}

fn filled(options: Options) -> Keyspace {
    let mut keyspace = Keyspace::with_options(options);
    LARGE.iter().for_each(|key| fill(&mut keyspace, key));
    assert_eq!(keyspace.lazyfree_pending_objects(), 0);
    keyspace
}

/// Frees all garbage in small steps, and checks the sums after each step.
fn free_all(keyspace: &mut Keyspace, region: &Region) -> (usize, usize) {
    let (mut steps, mut objects) = (0, 0);
    loop {
        let before = keyspace.allocation_size();
        let Freed { objects: freed, bytes, is_complete, .. } = keyspace.free_some(10);
        objects += freed;
        steps += 1;
        assert_eq!(keyspace.allocation_size(), before - bytes);
        assert_eq!(keyspace.allocation_size() as isize, region.held());
        assert_eq!(is_complete, keyspace.lazyfree_pending_bytes() == 0);
        assert_eq!(is_complete, keyspace.lazyfree_pending_objects() == 0);
        if is_complete {
            return (steps, objects);
        }
    }
}

#[test]
fn a_large_value_is_freed_in_steps_after_it_was_removed() {
    for key in LARGE {
        let region = Region::start();
        let mut keyspace = Keyspace::new();
        fill(&mut keyspace, key);
        let full = keyspace.allocation_size();
        assert!(keyspace.remove(key, NOW) && !keyspace.contains_key(key, NOW));
        assert_eq!(keyspace.lazyfree_pending_objects(), 1);
        assert!(keyspace.allocation_size() <= full + 256, "a removal adds few bytes");
        assert!(keyspace.allocation_size() > full / 2, "most of it is not free yet");
        assert_eq!(keyspace.memory_report().allocation_size(), keyspace.allocation_size());
        keyspace.check();
        let (steps, objects) = free_all(&mut keyspace, &region);
        assert!(steps > 10 && objects == 1, "{key}: {steps} steps");
        assert_eq!(keyspace.lazyfreed_objects(), 1);
    }
}

#[test]
fn whatever_removes_or_replaces_a_large_value_leaves_garbage() {
    let removals: [fn(&mut Keyspace, &str); 10] = [
        |keyspace, key| assert!(keyspace.remove(key, NOW)),
        |keyspace, key| assert!(keyspace.unlink(key, NOW)),
        |keyspace, key| keyspace.set(key, "text", NOW).unwrap(),
        |keyspace, key| assert!(keyspace.set_with(key, 7, &SetOptions::default(), NOW).unwrap().is_set),
        |keyspace, key| keyspace.insert(key, values::Set::new(), None, NOW).unwrap(),
        |keyspace, key| {
            keyspace.set("other", "text", NOW).unwrap();
            keyspace.rename("other", key, NOW).unwrap();
        },
        |keyspace, key| {
            keyspace.set("other", "text", NOW).unwrap();
            assert!(keyspace.copy("other", key, true, NOW).unwrap());
        },
        |keyspace, key| {
            assert!(keyspace.expire(key, Expiry::InMillis(1), ExpireOptions::default(), NOW).unwrap());
            assert_eq!(keyspace.expire_some(NOW + 1, 1_000).removed, 1);
        },
        |keyspace, key| keyspace.retain(NOW, |other, _value| other != key.as_bytes()),
        |keyspace, key| {
            keyspace.set_options(keyspace.options().maxmemory_policy(MaxmemoryPolicy::AllkeysRandom));
            assert_eq!(keyspace.evict_down_to(0, NOW), 1);
            assert!(!keyspace.contains_key(key, NOW));
        },
    ];
    for (number, removal) in removals.into_iter().enumerate() {
        for key in LARGE {
            let region = Region::start();
            let mut keyspace = Keyspace::new();
            fill(&mut keyspace, key);
            let full = keyspace.allocation_size();
            removal(&mut keyspace, key);
            assert_eq!(keyspace.lazyfree_pending_objects(), 1, "removal {number} of a {key}");
            assert!(keyspace.lazyfree_pending_bytes() > full / 2);
            assert_eq!(keyspace.allocation_size() as isize, region.held());
            keyspace.check();
            free_all(&mut keyspace, &region);
            drop(keyspace);
            assert_eq!(region.held(), 0);
        }
    }
}

#[test]
fn an_option_that_is_set_to_no_frees_at_once() {
    let no = Options::new()
        .lazyfree_lazy_eviction(false)
        .lazyfree_lazy_expire(false)
        .lazyfree_lazy_server_del(false)
        .lazyfree_lazy_user_del(false)
        .lazyfree_lazy_user_flush(false);
    let mut keyspace = filled(no.maxmemory_policy(MaxmemoryPolicy::AllkeysRandom));
    keyspace.set("hash", "text", NOW).unwrap();
    assert!(keyspace.remove("set", NOW));
    keyspace.expire("zset", Expiry::InMillis(1), ExpireOptions::default(), NOW).unwrap();
    assert_eq!(keyspace.expire_some(NOW + 1, 1_000).removed, 1);
    assert_eq!(keyspace.evict_down_to(0, NOW), 2);
    assert_eq!(keyspace.lazyfree_pending_bytes(), 0);
    fill(&mut keyspace, "set");
    assert!(keyspace.unlink("set", NOW));
    assert!(keyspace.lazyfree_pending_bytes() > 0, "UNLINK is lazy whatever the options are");
    keyspace.free_some(usize::MAX);
    for n in 0..100 {
        keyspace.set(text(n).as_slice(), "value", NOW).unwrap();
    }
    keyspace.clear();
    assert_eq!(keyspace.allocation_size(), 0);
}

#[test]
fn small_values_are_freed_at_once() {
    let mut keyspace = Keyspace::new();
    for n in 0..64_i64 {
        keyspace.sadd("set", n.to_string().as_bytes(), NOW).unwrap();
        keyspace.hset("hash", text(n as usize).as_slice(), vec![b'v'; 100].as_slice(), NOW).unwrap();
    }
    keyspace.set("text", vec![b'x'; 100_000].as_slice(), NOW).unwrap();
    keyspace.hdel("hash", text(0).as_slice(), NOW).unwrap();
    for key in ["set", "hash", "text"] {
        assert!(keyspace.remove(key, NOW));
        assert_eq!(keyspace.lazyfree_pending_bytes(), 0, "{key}");
    }
}

#[test]
fn a_cleared_keyspace_is_freed_in_steps_large_values_and_all() {
    let region = Region::start();
    let mut keyspace = filled(Options::new());
    for n in 0..MANY {
        keyspace.set(text(n).as_slice(), "value", NOW).unwrap();
    }
    let (len, full) = (keyspace.len(), keyspace.allocation_size());
    keyspace.clear();
    assert!(keyspace.is_empty() && keyspace.allocation_size() <= full + 256);
    assert!(keyspace.lazyfree_pending_objects() > len - 100);
    keyspace.set("new", "value", NOW).unwrap();
    assert_eq!(keyspace.get_string("new", NOW).unwrap().unwrap(), b"value");
    let (steps, _) = free_all(&mut keyspace, &region);
    assert!(steps > MANY / 10);
    assert_eq!((keyspace.lazyfreed_objects(), keyspace.len()), (len as u64, 1));
}

#[test]
fn writes_free_garbage_in_passing() {
    let mut keyspace = filled(Options::new());
    LARGE.iter().for_each(|key| assert!(keyspace.remove(*key, NOW)));
    let mut writes = 0;
    while keyspace.lazyfree_pending_bytes() > 0 {
        keyspace.set(text(writes % 10).as_slice(), writes as i64, NOW).unwrap();
        writes += 1;
    }
    assert!((10..MANY).contains(&writes), "{writes} writes for {} elements", 4 * MANY);
}

#[test]
fn values_of_some_hundred_elements_do_not_pile_up() {
    let limits = values::EncodingLimits::DEFAULT;
    let mut keyspace = Keyspace::new();
    let mut most = 0;
    for _ in 0..100 {
        keyspace
            .edit_as::<values::Set, _, keyspace::Error>("set", NOW, |set| {
                (0..500).try_for_each(|n| set.try_insert(text(n).as_slice(), &limits).map(drop))?;
                Ok(())
            })
            .unwrap();
        let size = keyspace.memory_usage("set", NOW).unwrap();
        assert!(keyspace.remove("set", NOW));
        most = most.max(keyspace.lazyfree_pending_bytes());
        assert!(keyspace.lazyfree_pending_bytes() < 2 * size);
    }
    assert!(most > 0);
}

#[test]
fn garbage_can_be_dropped_by_another_thread_and_counts_until_then() {
    let mut keyspace = filled(Options::new());
    assert!(keyspace.take_garbage().is_none());
    assert!(keyspace.remove("hash", NOW) && keyspace.remove("zset", NOW));
    let (pending, all) = (keyspace.lazyfree_pending_bytes(), keyspace.allocation_size());
    let garbage = keyspace.take_garbage().unwrap();
    assert_eq!((garbage.objects(), garbage.allocation_size()), (2, pending));
    assert_eq!((keyspace.lazyfree_pending_objects(), keyspace.lazyfree_pending_bytes()), (0, pending));
    assert_eq!(keyspace.allocation_size(), all);
    assert!(keyspace.remove("set", NOW));
    let elsewhere = std::thread::spawn(move || {
        let region = Region::start();
        (garbage.drop_in_steps(100), region.held())
    });
    let (left, held) = elsewhere.join().unwrap();
    let left = left.unwrap();
    assert!(held < 0 && left.allocation_size() as isize == pending as isize + held);
    let here = keyspace.allocation_size();
    drop(left);
    assert!(keyspace.allocation_size() < here);
    let rest = keyspace.take_garbage().unwrap();
    assert_eq!(keyspace.lazyfree_pending_bytes(), rest.allocation_size());
    drop(keyspace);
    drop(rest); // The garbage outlives the keyspace.
}

#[test]
fn nothing_leaks_when_a_keyspace_is_dropped_with_garbage() {
    let region = Region::start();
    for steps in 0..4 {
        let mut keyspace = filled(Options::new());
        LARGE.iter().for_each(|key| assert!(keyspace.remove(*key, NOW)));
        fill(&mut keyspace, "set");
        (0..500).for_each(|n| keyspace.set(text(n).as_slice(), "value", NOW).unwrap());
        keyspace.clear();
        for _ in 0..steps {
            keyspace.free_some(100);
        }
        drop(keyspace);
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn garbage_goes_before_keys_are_evicted() {
    let policy = MaxmemoryPolicy::AllkeysLru;
    let mut keyspace = filled(Options::new().maxmemory_policy(policy));
    keyspace.set("key", "value", NOW).unwrap();
    keyspace.set_options(keyspace.options().maxmemory(keyspace.allocation_size() + 2_000));
    assert!(keyspace.remove("hash", NOW));
    let pending = keyspace.lazyfree_pending_bytes();
    for n in 0..MANY {
        keyspace.set(text(n).as_slice(), "value", NOW).unwrap();
        assert!(keyspace.counted_bytes() <= keyspace.options().get_maxmemory());
        if keyspace.lazyfree_pending_bytes() > 0 {
            assert_eq!(keyspace.evicted_keys(), 0);
        }
    }
    assert!(keyspace.lazyfree_pending_bytes() < pending);
}

#[test]
fn garbage_makes_room_even_if_no_key_may_be_evicted() {
    let mut keyspace = filled(Options::new());
    keyspace.set_options(keyspace.options().maxmemory(keyspace.allocation_size() + 2_000));
    assert!(keyspace.remove("set", NOW));
    keyspace.set("long", vec![b'x'; 30 * MANY].as_slice(), NOW).unwrap();
    assert!(keyspace.counted_bytes() <= keyspace.options().get_maxmemory());
}

#[test]
fn the_event_of_a_removal_comes_before_its_value_is_freed() {
    let (mut keyspace, log) = (filled(Options::new()), Arc::new(Mutex::new(Vec::new())));
    let to = log.clone();
    keyspace
        .on_event(move |event| match event {
            Event::Removed(key) => to.lock().unwrap().push(key.to_vec()),
            Event::Cleared => to.lock().unwrap().push(b"all".to_vec()),
            _ => {}
        })
        .unwrap();
    assert!(keyspace.remove("list", NOW) && keyspace.unlink("set", NOW));
    keyspace.retain(NOW, |key, _value| key != b"zset");
    keyspace.clear();
    assert_eq!(*log.lock().unwrap(), [&b"list"[..], b"set", b"zset", b"all"]);
}

#[test]
fn without_memory_a_large_value_is_freed_at_once_and_a_write_changes_nothing() {
    for nth in 1..6 {
        let region = Region::start();
        let mut keyspace = filled(Options::new());
        for key in LARGE {
            let plan = fault::fail_nth(nth);
            let result = keyspace.set(key, "text", NOW);
            let failed = plan.failures() > 0;
            drop(plan);
            assert!(failed || result.is_ok());
            assert_eq!(keyspace.object_type(key, NOW) == Some(values::ObjectType::String), result.is_ok());
            assert_eq!(keyspace.allocation_size() as isize, region.held());
            keyspace.check();
        }
        (0..100).for_each(|n| keyspace.set(text(n).as_slice(), "value", NOW).unwrap());
        let plan = fault::fail_from(1);
        LARGE.iter().for_each(|key| assert!(keyspace.remove(*key, NOW)));
        keyspace.clear();
        drop(plan);
        assert_eq!(keyspace.allocation_size() as isize, region.held());
    }
}

#[test]
fn a_budget_of_time_frees_until_it_is_over() {
    let mut keyspace = filled(Options::new());
    LARGE.iter().for_each(|key| assert!(keyspace.remove(*key, NOW)));
    let mut looks = 0;
    let freed = keyspace.free_for(Duration::from_micros(3), || {
        looks += 1;
        Duration::from_micros(looks - 1)
    });
    assert!(!freed.is_complete && freed.bytes > 0);
    assert_eq!(looks, 4, "a look before, and one after each of three steps");
    assert!(keyspace.free_for(Duration::MAX, || Duration::ZERO).is_complete);
    assert_eq!(keyspace.free_for(Duration::ZERO, || Duration::ZERO), keyspace.free_some(1));
}

#[test]
fn the_list_of_garbage_takes_few_bytes_however_long_it_is() {
    let region = Region::start();
    let mut keyspace = Keyspace::new();
    let limits = values::EncodingLimits { set_max_listpack_entries: 1, ..values::EncodingLimits::DEFAULT };
    for n in 0..300 {
        let mut set = values::Set::new();
        for element in 0..700 {
            set.insert(text(element).as_slice(), &limits);
        }
        keyspace.insert(text(n).as_slice(), set, None, NOW).unwrap();
    }
    keyspace.free_some(usize::MAX);
    for n in 0..300 {
        let before = keyspace.allocation_size();
        assert!(keyspace.remove(text(n).as_slice(), NOW));
        assert!(keyspace.allocation_size() <= before + 256, "removal {n}");
    }
    assert!(keyspace.lazyfree_pending_objects() > 50);
    free_all(&mut keyspace, &region);
}

/// A directory of this size is copied in small steps while the table shrinks.
#[test]
fn a_table_that_copies_its_directory_is_freed_with_exact_sums() {
    const FIELDS: i64 = 750_000;
    let limits = values::EncodingLimits::DEFAULT;
    let mut keyspace = Keyspace::new();
    keyspace
        .edit_as::<values::Hash, _, keyspace::Error>("hash", NOW, |hash| {
            for n in 0..FIELDS {
                hash.try_insert(n, 0, &limits)?;
            }
            Ok(())
        })
        .unwrap();
    for n in 0..FIELDS {
        keyspace.set(n.to_string().as_bytes(), n, NOW).unwrap();
    }
    assert!(keyspace.remove("hash", NOW));
    keyspace.clear();
    let region = Region::start();
    let start = keyspace.allocation_size() as isize;
    let mut steps = 0;
    while !keyspace.free_some(64).is_complete {
        steps += 1;
        assert_eq!(keyspace.allocation_size() as isize, start + region.held());
        if steps % 5_000 == 0 {
            keyspace.check();
        }
    }
    assert!(steps > FIELDS / 64);
}

/// All entries of a step are large, so that only the list of garbage changes its size.
#[test]
fn a_keyspace_of_large_sets_alone_is_cleared_with_exact_sums() {
    let region = Region::start();
    let limits = values::EncodingLimits { set_max_listpack_entries: 1, ..values::EncodingLimits::DEFAULT };
    for keys in [1, 5, 300] {
        let mut keyspace = Keyspace::new();
        for n in 0..keys {
            let mut set = values::Set::new();
            for element in 0..70 {
                set.insert(text(element).as_slice(), &limits);
            }
            keyspace.insert(text(n).as_slice(), set, None, NOW).unwrap();
        }
        keyspace.clear();
        assert_eq!(keyspace.lazyfree_pending_objects(), keys, "few keys may have large values, too");
        while !keyspace.free_some(1).is_complete {
            keyspace.check();
            assert_eq!(keyspace.allocation_size() as isize, region.held());
        }
        assert_eq!(keyspace.lazyfreed_objects(), keys as u64);
    }
}

#[test]
fn lists_of_some_hundred_nodes_do_not_pile_up() {
    let mut keyspace = Keyspace::new();
    for _ in 0..20 {
        let mut list = values::List::new();
        for _ in 0..3_000 {
            list.try_push(Side::Back, vec![b'x'; 1_000].as_slice(), &values::EncodingLimits::DEFAULT)
                .unwrap();
        }
        keyspace.insert("list", list, None, NOW).unwrap();
        let size = keyspace.memory_usage("list", NOW).unwrap();
        assert!(keyspace.lazyfree_pending_bytes() < 2 * size);
    }
}

#[test]
fn garbage_does_not_grow_far_beyond_the_live_entries() {
    let limits = values::EncodingLimits::DEFAULT;
    let mut keyspace = Keyspace::new();
    let (mut most, mut size) = (0, 0);
    let mut element = [b'x'; 1_000];
    for _ in 0..60 {
        let mut set = values::Set::new();
        for n in 0..3_000_u64 {
            element[..8].copy_from_slice(&n.to_ne_bytes());
            set.insert(&element[..], &limits);
        }
        keyspace.insert("set", set, None, NOW).unwrap();
        size = keyspace.memory_usage("set", NOW).unwrap();
        most = most.max(keyspace.lazyfree_pending_bytes());
    }
    assert!(60 * size > 2 * (64 << 20), "more than the bound was removed");
    assert!(most > 32 << 20 && most < (64 << 20) + 4 * size, "{most} bytes of garbage");
}

#[test]
fn a_small_value_replaces_a_large_one_without_any_memory() {
    for key in LARGE {
        let mut keyspace = Keyspace::new();
        fill(&mut keyspace, key);
        let plan = fault::fail_from(1);
        let set = keyspace.set(key, "x", NOW);
        drop(plan);
        assert_eq!((set, keyspace.strlen(key, NOW)), (Ok(()), Ok(1)));
        assert_eq!(keyspace.lazyfree_pending_bytes(), 0, "the value was freed at once");
        keyspace.check();
    }
}

#[test]
fn no_key_is_evicted_for_a_table_that_grows_while_there_is_garbage() {
    let policy = MaxmemoryPolicy::AllkeysLru;
    let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy));
    (0..30_000).for_each(|n| keyspace.set(text(n).as_slice(), n as i64, NOW).unwrap());
    for n in 0..60_000 {
        keyspace.sadd("large", text(n).as_slice(), NOW).unwrap();
    }
    keyspace.set_options(keyspace.options().maxmemory(keyspace.allocation_size() + 2_000));
    assert!(keyspace.remove("large", NOW));
    let chunks = keyspace.memory_report().table.chunks_allocated;
    for n in 30_000..60_000 {
        keyspace.set(text(n).as_slice(), n as i64, NOW).unwrap();
        if keyspace.lazyfree_pending_bytes() == 0 {
            break;
        }
        assert_eq!(keyspace.evicted_keys(), 0);
    }
    assert!(keyspace.memory_report().table.chunks_allocated > chunks);
}
