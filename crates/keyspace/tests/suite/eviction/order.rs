//! The order in which each policy evicts keys.

use super::{name, of_all_keys, with_eviction_log};
use keyspace::{ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, SetExpiry, SetOptions};

const SECOND: u64 = 1_000;
const KEYS: u64 = 2_000;

fn numbers(log: &super::Log) -> Vec<u64> {
    let keys = std::mem::take(&mut *log.lock().unwrap());
    keys.iter().map(|key| std::str::from_utf8(&key[4..]).unwrap().parse().unwrap()).collect()
}

/// Asserts that the mean rank of the victims is at most `rank_mean_max`.
///
/// 200 of 2,000 keys are evicted. The mean rank of a victim is 100 if the order is perfect, and 1,000 if it
/// is random. The hand has visited only half of the table in the end, so a mean of about 200 is the best that
/// is possible.
fn assert_first(victims: &[u64], rank: impl Fn(u64) -> u64, rank_mean_max: u64) {
    assert_eq!(victims.len(), 200);
    let mean = victims.iter().map(|n| rank(*n)).sum::<u64>() / victims.len() as u64;
    assert!(mean <= rank_mean_max, "{mean}");
}

fn filled(keyspace: &mut Keyspace) {
    for n in 0..KEYS {
        keyspace.set(&name(n), "value", n * SECOND).unwrap();
    }
}

#[test]
fn lru_evicts_the_keys_that_were_used_longest_ago() {
    let (mut keyspace, log) = with_eviction_log(MaxmemoryPolicy::AllkeysLru, 0);
    filled(&mut keyspace);
    // The first thousand keys are used again, backwards. Key 1,000 is now the oldest one, and key 0 the
    // youngest one.
    for n in (0..1_000).rev() {
        assert!(keyspace.touch(&name(n), (KEYS + 1_000 - n) * SECOND));
    }
    assert_eq!(keyspace.evict_down_to(1_800, 3_000 * SECOND), 200);
    let rank = |n| if n < 1_000 { 1_999 - n } else { n - 1_000 };
    assert_first(&numbers(&log), rank, 260);
}

#[test]
fn lrm_evicts_the_keys_that_were_modified_longest_ago_whoever_reads_them() {
    let (mut keyspace, log) = with_eviction_log(MaxmemoryPolicy::AllkeysLrm, 0);
    filled(&mut keyspace);
    for n in 0..1_000 {
        assert!(keyspace.get(&name(n), (KEYS + n) * SECOND).is_some());
    }
    keyspace.evict_down_to(1_800, 4_000 * SECOND);
    assert_first(&numbers(&log), |n| n, 260);
}

/// A key with a higher number is used more often. The counter is logarithmic, so the order is only a rough
/// one.
#[test]
fn lfu_evicts_keys_that_were_used_rarely() {
    let (mut keyspace, log) = with_eviction_log(MaxmemoryPolicy::AllkeysLfu, 0);
    for n in 0..KEYS {
        keyspace.set(&name(n), "value", 0).unwrap();
        for use_number in 0..n / 10 {
            assert!(keyspace.touch(&name(n), 1 + use_number));
        }
    }
    keyspace.evict_down_to(1_800, 1_000);
    assert_first(&numbers(&log), |n| n, 450);
}

#[test]
fn ttl_evicts_the_keys_that_expire_soonest_and_no_key_that_does_not_expire() {
    let (mut keyspace, log) = with_eviction_log(MaxmemoryPolicy::VolatileTtl, 0);
    filled(&mut keyspace);
    for n in 0..KEYS / 2 {
        let (at, all) = (Expiry::AtSeconds(10_000 + n as i64), ExpireOptions::default());
        assert!(keyspace.expire(&name(n), at, all, 0).unwrap());
    }
    keyspace.evict_down_to(1_800, 0);
    assert_first(&numbers(&log), |n| n, 260);
}

/// The numbers of 200 random victims have a mean of 1,000, with a standard deviation of 41.
#[test]
fn random_policies_evict_any_key() {
    let (mut keyspace, log) = with_eviction_log(MaxmemoryPolicy::AllkeysRandom, 0);
    filled(&mut keyspace);
    keyspace.evict_down_to(1_800, 0);
    let victims = numbers(&log);
    let mean = victims.iter().sum::<u64>() / victims.len() as u64;
    assert!(mean.abs_diff(1_000) < 250 && victims.len() == 200, "{mean}");
}

#[test]
fn volatile_policies_leave_keys_that_do_not_expire() {
    for policy in super::evicting().filter(|policy| policy.is_volatile()) {
        let (mut keyspace, log) = with_eviction_log(policy, 0);
        filled(&mut keyspace);
        for n in 0..100 {
            let options =
                SetOptions { expiry: SetExpiry::To(Expiry::InSeconds(100_000)), ..SetOptions::default() };
            assert!(keyspace.set_with(&name(n), "value", &options, 0).unwrap().is_set);
        }
        assert_eq!(keyspace.evict_down_to(0, 0), 100, "{policy}");
        let mut victims = numbers(&log);
        victims.sort_unstable();
        assert_eq!(victims, (0..100).collect::<Vec<_>>(), "{policy}");
        assert_eq!(keyspace.len() as u64, KEYS - 100);
        keyspace.check();
    }
}

#[test]
fn all_keys_can_be_evicted_and_keys_that_have_expired_are_no_victims() {
    for policy in of_all_keys() {
        let (mut keyspace, log) = with_eviction_log(policy, 0);
        filled(&mut keyspace);
        for n in 0..10 {
            let (soon, all) = (Expiry::AtMillis(5), ExpireOptions::default());
            assert!(keyspace.expire(&name(n), soon, all, 0).unwrap());
        }
        assert_eq!(keyspace.evict_down_to(0, 10), KEYS as usize, "{policy}");
        assert_eq!((keyspace.len(), keyspace.evicted_keys()), (0, KEYS - 10), "{policy}");
        assert_eq!(log.lock().unwrap().len() as u64, KEYS - 10);
        assert_eq!(keyspace.evict_down_to(0, 10), 0);
        keyspace.check();
    }
}

/// A thousand keys are used all the time. A hundred thousand other keys are added and used once each.
#[test]
fn s3fifo_keeps_used_keys_from_a_scan_and_lru_does_not() {
    let kept = [MaxmemoryPolicy::AllkeysS3fifo, MaxmemoryPolicy::AllkeysLru].map(|policy| {
        let (mut keyspace, _log) = with_eviction_log(policy, 0);
        let mut request = |n: u64, now: u64| {
            if keyspace.get(&name(n), now).is_none() {
                keyspace.evict_down_to(1_999, now);
                keyspace.set(&name(n), "value", now).unwrap();
            }
        };
        for round in 0..4 {
            (0..1_000).for_each(|n| request(n, (round * 1_000 + n) * SECOND));
        }
        for n in 0..100_000 {
            request(1_000_000 + n, (4_000 + n) * SECOND);
        }
        keyspace.check();
        (0..1_000).filter(|n| keyspace.contains_key(&name(*n), 0)).count()
    });
    assert!(kept[0] >= 950 && kept[1] == 0, "{kept:?}");
}

/// If a key comes back soon after its eviction, its ghost lets it skip probation. It then survives a scan
/// that is as long as probation.
#[test]
fn under_s3fifo_a_key_that_comes_back_stays() {
    let (mut keyspace, _log) = with_eviction_log(MaxmemoryPolicy::AllkeysS3fifo, 0);
    let mut add = |n: u64| {
        keyspace.evict_down_to(999, 0);
        keyspace.set(&name(n), "value", 0).unwrap();
    };
    (0..1_000).for_each(&mut add);
    add(1_000_000);
    // A tenth of the store is on probation, so the key is evicted after a hundred others.
    (1_000..1_200).for_each(&mut add);
    (0..200).for_each(|n| add(if n == 100 { 1_000_000 } else { 2_000 + n }));
    (3_000..3_400).for_each(&mut add);
    assert!(keyspace.contains_key(&name(1_000_000), 0));
    assert!(!keyspace.contains_key(&name(2_000), 0));
}

#[test]
fn another_policy_at_any_time_evicts_by_its_own_order() {
    let (mut keyspace, log) = with_eviction_log(MaxmemoryPolicy::AllkeysLru, 0);
    filled(&mut keyspace);
    for policy in MaxmemoryPolicy::ALL.into_iter().chain(MaxmemoryPolicy::ALL.into_iter().rev()) {
        keyspace.set_options(keyspace.options().maxmemory_policy(policy));
        keyspace.evict_down_to(keyspace.len() - 50, KEYS * SECOND);
        keyspace.set(&name(KEYS), "value", KEYS * SECOND).unwrap();
        keyspace.check();
    }
    let evicting = of_all_keys().count();
    assert_eq!(log.lock().unwrap().len(), 2 * evicting * 50);
}
