//! Tests of passes. Their hints do not ask the allocator: all blocks move, or half of them.

use super::*;
use crate::entry::Entry;
use crate::key::Key;
use crate::options::{MaxmemoryPolicy, Options};
use common::random::mix;
use core::ptr::NonNull;
use std::collections::BTreeMap;
use values::by_type;
use values::list::Side;
use zmalloc::{Region, fault};

/// Hints that every block is worth moving.
struct All;

impl Hints for All {
    unsafe fn hints(&mut self, _blocks: &[NonNull<u8>], answers: &mut [bool]) {
        answers.fill(true);
    }
}

/// Hints that half of the blocks are worth moving.
struct Half(u64);

impl Hints for Half {
    unsafe fn hints(&mut self, _blocks: &[NonNull<u8>], answers: &mut [bool]) {
        for answer in answers {
            self.0 += 1;
            *answer = mix(self.0).is_multiple_of(2);
        }
    }
}

const ELEMENTS: usize = if cfg!(miri) { 16 } else { 400 };
const KEYS: usize = if cfg!(miri) { 3 } else { 100 };

/// Collections change their encoding beyond eight elements. A list's nodes have up to eight.
fn options() -> Options {
    Options::new()
        .hash_max_listpack_entries(8)
        .set_max_intset_entries(8)
        .set_max_listpack_entries(8)
        .zset_max_listpack_entries(8)
        .list_max_listpack_size(8)
}

fn empty() -> Keyspace {
    Keyspace::with_options_and_hasher(options(), dict::DefaultHashBuilder::with_seed(7))
}

/// Returns a keyspace with values of all five types, small and large ones. Some of the keys have an expiry.
fn filled() -> Keyspace {
    let mut keyspace = empty();
    for n in 0..KEYS {
        keyspace.set(format!("text {n}").as_bytes(), &vec![b'x'; n % 50][..], 0).unwrap();
        add_elements(&mut keyspace, &format!("small {n}"), n % 30);
    }
    add_elements(&mut keyspace, "large", ELEMENTS);
    for len in [1_025, 20_000, 100_000] {
        keyspace.set(format!("long {len}").as_bytes(), &vec![b'x'; len][..], 0).unwrap();
    }
    let expiry = crate::Expiry::AtMillis(1_000);
    for n in (0..KEYS).step_by(3) {
        keyspace.expire(format!("text {n}").as_bytes(), expiry, Default::default(), 0).unwrap();
    }
    keyspace
}

/// Adds `count` elements to each of four collections whose names end with `name`.
fn add_elements(keyspace: &mut Keyspace, name: &str, count: usize) {
    for n in 0..count {
        let element = format!("element {n} of {name}");
        keyspace.sadd(format!("set {name}").as_bytes(), element.as_bytes(), 0).unwrap();
        keyspace.hset(format!("hash {name}").as_bytes(), element.as_bytes(), n as i64, 0).unwrap();
        keyspace
            .zadd(format!("zset {name}").as_bytes(), element.as_bytes(), n as f64, Default::default(), 0)
            .unwrap();
        keyspace.push(format!("list {name}").as_bytes(), Side::Back, element.as_bytes(), 0).unwrap();
    }
}

/// Returns a copy of every entry, by key.
fn copies(keyspace: &Keyspace) -> BTreeMap<Vec<u8>, Entry> {
    let copy = |entry: &Entry| {
        entry.try_copied(&entry.key(&keyspace.reading.tables).text(), entry.expiry(), 0).unwrap()
    };
    keyspace.table.iter().map(|entry| (entry.key(&keyspace.reading.tables).to_vec(), copy(entry))).collect()
}

/// Asserts that the keyspace is valid, and has exactly these entries.
fn assert_same(keyspace: &Keyspace, copies: &BTreeMap<Vec<u8>, Entry>) {
    keyspace.check();
    assert_eq!(keyspace.len(), copies.len());
    for (key, copy) in copies {
        let entry = keyspace.peek(&key.into(), 0).expect("the key is there");
        assert_eq!(entry.expiry(), copy.expiry());
        by_type!(copy.object_type(), string => assert_eq!(entry.plain(), copy.plain()), C => {
            assert_eq!(entry.collection::<C>().unwrap(), copy.collection::<C>().unwrap());
        });
    }
}

/// Does one step of a pass.
fn step(keyspace: &mut Keyspace, hints: &mut impl Hints) -> Defragged {
    keyspace.defrag_with(hints, Duration::ZERO, || Duration::ZERO)
}

/// Does the rest of a pass, step by step. Returns the sum of the results, and the number of steps.
fn pass(keyspace: &mut Keyspace, hints: &mut impl Hints) -> (Defragged, usize) {
    let (mut sum, mut steps) = (Defragged::default(), 0);
    while !sum.is_complete {
        let done = step(keyspace, hints);
        sum.add(done);
        steps += 1;
        assert!(done.hits + done.misses <= 200, "a step is short: {done:?}");
    }
    (sum, steps)
}

#[test]
fn a_pass_moves_every_block_and_changes_nothing_else() {
    let region = Region::start();
    let mut keyspace = filled();
    let before = copies(&keyspace);
    for _ in 0..if cfg!(miri) { 1 } else { 2 } {
        // A table that is too large would free blocks during the pass, which then do not move.
        while keyspace.rehash(100).chunks_merged > 0 {}
        let (entries, all) = (keyspace.totals.entry_bytes, keyspace.allocation_size());
        let (done, steps) = pass(&mut keyspace, &mut All);
        // The larger blocks of tables do not move. Some allocators give a moved block another size.
        assert!(
            entries / 10 * 9 <= done.bytes && done.bytes <= all / 10 * 11,
            "{done:?} of {entries} to {all} bytes"
        );
        assert!(done.misses == 0 && steps > KEYS / 3, "{done:?} in {steps} steps");
        assert_same(&keyspace, &before);
    }
    let is_moved = |copy: &Entry| {
        keyspace.peek(&Key::new(&copy.key(&keyspace.reading.tables).text()), 0).unwrap().address()
            != copy.address()
    };
    assert!(before.values().all(is_moved));
    assert_eq!(keyspace.active_defrag_misses(), 0);
    drop((keyspace, before));
    assert_eq!(region.held(), 0);
}

#[test]
#[cfg_attr(miri, ignore = "slow; the other tests reach the same unsafe code")]
fn a_pass_that_moves_nothing_looks_at_every_block() {
    struct None;
    impl Hints for None {
        unsafe fn hints(&mut self, _blocks: &[NonNull<u8>], answers: &mut [bool]) {
            answers.fill(false);
        }
    }
    let mut keyspace = filled();
    let (moved, _) = pass(&mut keyspace, &mut All);
    let (left, _) = pass(&mut keyspace, &mut None);
    assert_eq!((left.misses, left.hits, left.bytes), (moved.hits, 0, 0));
    assert_eq!(keyspace.active_defrag_hits(), moved.hits as u64);
    assert_eq!(keyspace.active_defrag_misses(), moved.hits as u64);
}

#[test]
#[cfg_attr(miri, ignore = "slow; the other tests reach the same unsafe code")]
fn the_sum_of_bytes_is_exact_after_every_step() {
    let region = Region::start();
    let mut keyspace = filled();
    let mut hints = Half(1);
    loop {
        let done = step(&mut keyspace, &mut hints);
        assert_eq!(keyspace.allocation_size() as isize, region.held());
        if done.is_complete {
            break;
        }
    }
    keyspace.check();
}

/// Compares a keyspace that is written to during passes with one that only has the same writes.
#[test]
#[cfg_attr(miri, ignore = "slow; the other tests reach the same unsafe code")]
fn writes_between_two_steps_are_not_disturbed() {
    let (mut keyspace, mut twin) = (filled(), filled());
    let mut hints = Half(5);
    for round in 0..if cfg!(miri) { 40 } else { 2_000_u64 } {
        step(&mut keyspace, &mut hints);
        let random = mix(round);
        let n = mix(random) as usize % KEYS;
        for keyspace in [&mut keyspace, &mut twin] {
            let name = if random.is_multiple_of(3) { "large".into() } else { format!("small {n}") };
            match random / 3 % 6 {
                0 => add_elements(keyspace, &name, 12),
                1 => drop(keyspace.remove(format!("set {name}").as_bytes(), 0)),
                2 => drop(keyspace.remove(format!("text {n}").as_bytes(), 0)),
                3 => keyspace.set(format!("text {n}").as_bytes(), &vec![b'y'; n * 20][..], 0).unwrap(),
                4 => drop(keyspace.remove(format!("list {name}").as_bytes(), 0)),
                _ => {
                    let element = format!("element {} of {name}", n % 20);
                    keyspace.hset(format!("hash {name}").as_bytes(), element.as_bytes(), 1, 0).unwrap();
                }
            }
        }
    }
    assert_same(&keyspace, &copies(&twin));
    pass(&mut keyspace, &mut hints);
    assert_same(&keyspace, &copies(&twin));
}

/// Does steps until the pass has visited a part of a large value.
fn step_into_large(keyspace: &mut Keyspace) {
    loop {
        assert!(!step(keyspace, &mut All).is_complete, "a large value comes");
        if keyspace.defrag.walk.is_within_large() {
            return;
        }
    }
}

#[test]
fn a_large_value_that_goes_or_moves_meanwhile_is_left_out() {
    type Change = fn(&mut Keyspace, &[u8]);
    let changes: [Change; 4] = [
        |keyspace, key| assert!(keyspace.remove(key, 0)),
        |keyspace, key| keyspace.set(key, "another", 0).unwrap(),
        |keyspace, key| keyspace.rename(key, "new name", 0).unwrap(),
        |keyspace, _| keyspace.clear(),
    ];
    for change in changes.into_iter().take(if cfg!(miri) { 1 } else { 4 }) {
        let mut keyspace = empty();
        add_elements(&mut keyspace, "large", ELEMENTS.max(30)); // fewer would move in one step
        step_into_large(&mut keyspace);
        for name in ["set large", "hash large", "zset large", "list large"] {
            if keyspace.contains_key(name, 0) {
                change(&mut keyspace, name.as_bytes());
            }
        }
        let before = copies(&keyspace);
        pass(&mut keyspace, &mut All);
        assert_same(&keyspace, &before);
        assert_eq!(keyspace.defrag.walk.allocation_size(), 0);
    }
}

/// A half-saved value must keep its blocks. All other blocks move.
#[test]
fn a_value_that_a_snapshot_has_saved_a_part_of_does_not_move() {
    struct OneByOne(usize);
    impl crate::SnapshotSink for OneByOne {
        fn save(&mut self, _: &crate::Record<'_>, portion: crate::Portion) -> Result<bool, crate::SinkError> {
            self.0 += 1;
            Ok(portion.elements() == usize::MAX || self.0.is_multiple_of(1_000))
        }
    }
    let mut keyspace = empty();
    for n in 0..70 {
        keyspace.sadd("large", format!("element {n}").as_bytes(), 0).unwrap();
    }
    keyspace.set("text", &[b'x'; 50], 0).unwrap();
    keyspace.begin_snapshot(OneByOne(1), 0).unwrap();
    let address = |keyspace: &Keyspace, key: &str| keyspace.peek(&key.into(), 0).unwrap().address().addr();
    while keyspace.totals.snapshot.pinned() == 0 {
        keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO);
    }
    let before = ["large", "text"].map(|key| address(&keyspace, key));
    assert_eq!(before[0], keyspace.totals.snapshot.pinned());
    let (done, _) = pass(&mut keyspace, &mut All);
    assert!(done.hits < 10, "{done:?}");
    assert_eq!(address(&keyspace, "large"), before[0]);
    assert_ne!(address(&keyspace, "text"), before[1]);
    keyspace.sadd("large", "saved now", 0).unwrap();
    assert_eq!(keyspace.totals.snapshot.pinned(), 0);
    let (done, _) = pass(&mut keyspace, &mut All);
    assert!(done.hits > 70, "{done:?}");
    keyspace.check();
}

#[test]
fn without_memory_a_pass_ends_and_nothing_has_changed() {
    for nth in if cfg!(miri) { 1..2 } else { 0..100 } {
        let mut keyspace = filled();
        let before = copies(&keyspace);
        let plan = if nth == 0 { fault::fail_from(1) } else { fault::fail_nth(7 * nth) };
        pass(&mut keyspace, &mut All);
        drop(plan);
        assert_same(&keyspace, &before);
    }
}

#[test]
fn a_string_that_a_reply_holds_stays_until_the_reply_is_gone() {
    let mut keyspace = empty();
    keyspace.set("long", &[b'x'; 2_000], 0).unwrap();
    let string = |keyspace: &Keyspace| keyspace.get_string("long", 0).unwrap().unwrap().to_bytes().as_ptr();
    let address = string(&keyspace);
    let reply = keyspace.get_string("long", 0).unwrap().unwrap().to_bytes();
    pass(&mut keyspace, &mut All);
    assert_eq!(string(&keyspace), address);
    assert!(reply.iter().all(|byte| *byte == b'x'));
    drop(reply);
    pass(&mut keyspace, &mut All);
    assert_ne!(string(&keyspace), address);
    keyspace.check();
}

/// A pool knows its candidates by their addresses, which a pass changes.
#[test]
#[cfg_attr(miri, ignore = "slow; the other tests reach the same unsafe code")]
fn eviction_goes_on_beside_a_pass() {
    use MaxmemoryPolicy::{AllkeysLfu, AllkeysLru, AllkeysRandom, AllkeysS3fifo, VolatileTtl};
    for policy in [AllkeysLru, AllkeysLfu, AllkeysRandom, AllkeysS3fifo, VolatileTtl] {
        let mut keyspace = filled();
        let limit = keyspace.counted_bytes().max(100_000);
        keyspace.set_options(options().maxmemory_policy(policy).maxmemory(limit));
        let mut hints = Half(3);
        for n in 0..if cfg!(miri) { 30 } else { 1_000 } {
            let set = keyspace.set(format!("new {n}").as_bytes(), &[b'x'; 300], n);
            assert!(set.is_ok() || policy == VolatileTtl);
            assert!(keyspace.counted_bytes() <= limit || set.is_err(), "{policy}");
            step(&mut keyspace, &mut hints);
        }
        assert!(keyspace.evicted_keys() > 0 || cfg!(miri), "{policy}");
        keyspace.check();
    }
}

#[test]
fn a_pass_over_nothing_is_complete_at_once() {
    let mut keyspace = empty();
    assert_eq!(step(&mut keyspace, &mut All), Defragged { is_complete: true, ..Defragged::default() });
    assert!(keyspace.defrag_for(Duration::from_secs(1), || Duration::ZERO).is_complete);
}

#[test]
#[cfg_attr(miri, ignore = "slow; the other tests reach the same unsafe code")]
fn a_slice_ends_when_its_time_is_over() {
    let mut keyspace = filled();
    add_elements(&mut keyspace, "larger", ELEMENTS);
    let mut now = 0;
    let mut clock = || {
        now += 1;
        Duration::from_micros(now)
    };
    // The clock advances by one microsecond with each reading.
    let ten = keyspace.defrag_with(&mut All, Duration::from_micros(10), &mut clock);
    assert!(!ten.is_complete && ten.hits >= 10, "{ten:?}");
    let all = keyspace.defrag_with(&mut All, Duration::from_secs(1), &mut clock);
    assert!(all.is_complete);
}
