//! Tests that every byte of a sorted set is counted. Every allocation of every operation also fails once:
//! the operation must return an error, change nothing and leak nothing.

use super::steps::drop_in_steps;
use common::Cursor;
use values::zset::{AddError, AddOptions, Aggregate, Source};
use values::zset::{try_diff_store, try_inter_store, try_union_store};
use values::{Collection, Encoding, EncodingLimits, ReserveError, ZSet};
use zmalloc::{Region, fault};

/// Small limits, so that each operation reaches them soon.
const LIMITS: EncodingLimits =
    EncodingLimits { zset_max_listpack_entries: 8, zset_max_listpack_value: 12, ..EncodingLimits::DEFAULT };

/// The number of members of a large set.
const MANY: usize = if cfg!(miri) { 70 } else { 2_000 };

fn set_of(count: usize) -> ZSet {
    let mut set = ZSet::new();
    for n in 0..count {
        set.insert(format!("m{n}").as_bytes(), (n * 7919 % 1000) as f64 / 8.0, &LIMITS).unwrap();
    }
    set
}

#[test]
fn memory_is_accounted_for_and_failures_leave_everything_as_it_was() {
    drop(set_of(20)); // the first allocations may be for the allocator itself
    every_byte_is_counted_and_given_back();
    every_failure_leaves_the_set_as_it_was();
    dropping_in_steps_frees_a_bounded_part_each_time();
    #[cfg(not(miri))]
    a_member_of_19_bytes_takes_61_bytes_at_most();
}

fn every_byte_is_counted_and_given_back() {
    let region = Region::start();
    let mut set = ZSet::new();
    let check =
        |set: &ZSet| assert_eq!(region.held() as usize, set.allocation_size(), "{:?}", set.encoding());
    for n in 0..MANY {
        set.insert(format!("m{n}").as_bytes(), (n * 31 % 97) as f64 / 3.0, &LIMITS).unwrap();
        check(&set);
    }
    for n in 0..MANY {
        set.insert(format!("m{n}").as_bytes(), (n * 17 % 89) as f64 / 7.0, &LIMITS).unwrap();
        check(&set);
    }
    let mut cursor = Cursor::START;
    loop {
        cursor = set.relocate(cursor, &mut |_, _| true);
        check(&set);
        if cursor.is_start() {
            break;
        }
    }
    set.remove_range(3..MANY - 5);
    check(&set);
    while set.pop_last(|_, _| ()).is_some() {
        check(&set);
    }
    assert_eq!((set.encoding(), set.allocation_size()), (Encoding::SkipList, 0));
    assert_eq!(region.held(), 0);
}

fn all(set: &ZSet) -> Vec<(Vec<u8>, f64)> {
    set.iter().map(|(member, score)| (member.text().to_vec(), score)).collect()
}

/// Runs `operation` on a fresh copy with its 1st, 2nd, ... allocation failing, until none fails. Returns
/// how many failures were returned as errors. The others did no harm, because a table that cannot grow may
/// still take more.
fn fail_each<T>(set: &ZSet, mut operation: impl FnMut(&mut ZSet) -> Result<T, AddError>) -> u64 {
    let (content, mut errors) = (all(set), 0);
    for nth in 1.. {
        let region = Region::start();
        let mut copy = set.try_clone().unwrap();
        let encoding = copy.encoding();
        let plan = fault::fail_nth(nth);
        let result = operation(&mut copy);
        let failed = plan.failures() > 0;
        drop(plan);
        match result {
            Ok(_) if !failed => return errors,
            Ok(_) => {}
            Err(error) => {
                assert!(failed && matches!(error, AddError::Reserve(_)));
                errors += 1;
                assert_eq!((copy.encoding(), all(&copy)), (encoding, content.clone()), "allocation {nth}");
            }
        }
        assert_eq!(region.held() as usize, copy.allocation_size());
    }
    unreachable!()
}

fn every_failure_leaves_the_set_as_it_was() {
    let plain = AddOptions::default();
    for count in [0, 1, 7, 8, 9, MANY / 3] {
        let set = set_of(count);
        let new = fail_each(&set, |set| set.try_add("new", 40.0, plain, &LIMITS));
        let long = fail_each(&set, |set| set.try_add("longer than a listpack takes", 0.1, plain, &LIMITS));
        // A listpack may have room for one more member, but a new skiplist has not.
        let is_listpack = set.encoding() == Encoding::ListPack;
        assert!(new > 0 || is_listpack, "{count}");
        assert!(long > if is_listpack { 2 } else { 0 }, "{count}: {long}");
        for n in 0..count.min(50) {
            fail_each(&set, |set| set.try_add(format!("m{n}").as_bytes(), 60.123456789, plain, &LIMITS));
        }
        let copied = fail_each(&set, |set| Ok(set.try_clone().map(drop)?));
        assert!(copied > 0 || count == 0);
        let expected = fail_each(&set, |set| Ok(set.try_convert_for(100, &LIMITS)?));
        assert!(expected > 0 || count == 0 || set.encoding() == Encoding::SkipList);
        let other = set_of(6);
        type Op = fn(&[(Source<'_>, f64)]) -> Result<ZSet, ReserveError>;
        let ops: [Op; 3] = [
            |sources| try_union_store(sources, Aggregate::Sum, &LIMITS),
            |sources| try_inter_store(sources, Aggregate::Max, &LIMITS),
            |sources| try_diff_store(&[sources[0].0, sources[1].0], &LIMITS),
        ];
        for op in ops {
            fail_each(&set, |set| {
                let stored = op(&[((&*set).into(), 2.0), ((&other).into(), 1.0)]);
                Ok(stored.map(drop)?)
            });
        }
    }
}

fn dropping_in_steps_frees_a_bounded_part_each_time() {
    let region = Region::start();
    // A leaf holds 63 members.
    let steps = drop_in_steps(set_of(MANY), 10, 63);
    assert!(steps > MANY / 63);
    assert_eq!(region.held(), 0);
}

#[cfg(not(miri))] // thousands of members
fn a_member_of_19_bytes_takes_61_bytes_at_most() {
    let n = 50_000_u64;
    let mut set = ZSet::new();
    for i in 0..n {
        let score = (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64;
        set.insert(format!("member:{i:012}").as_bytes(), score, &EncodingLimits::DEFAULT).unwrap();
    }
    let each = set.allocation_size() as f64 / n as f64;
    if zmalloc::ALLOCATOR.starts_with("jemalloc") {
        assert!(each < 61.0, "{each}");
    }
}
