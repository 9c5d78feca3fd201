//! Measures the longest single call while a keyspace grows, and while half of its keys expire. The same keys
//! and values are put into two maps of boxes. One moves all its entries when it doubles. The other has the
//! design of Redis, and moves them in steps.
//!
//! The keys, the order and the hash seed are fixed, so call `i` does the same work in every run. Its cost is
//! the least of its times ([`MinTimes`]).

use crate::keys::{self, Key};
use crate::maps::FoldHash;
use crate::min_times::MinTimes;
use crate::report::{Plot, Row, Series};
use crate::stores::{BoxMap, ClassicMap, Store};
use crate::suite::Ctx;
use keyspace::{Expiry, Keyspace, Options, SetExpiry, SetOptions};
use quanta::Clock;

/// The number of runs that the least time is taken over.
const RUNS: usize = 5;

/// The time at which every other key expires, in milliseconds.
const EXPIRES_AT: u64 = 1_000;

const VALUE: &[u8] = b"a value of thirty-two bytes here";

/// The case of the growing keyspace. The maps have no expiries.
const SET: &str = "SET of new keys, half of them with an expiry, minimum of 5 runs";

/// The budget of a sweep.
const BUDGET: usize = 64;

pub(super) fn run(ctx: &mut Ctx) {
    let n = ctx.settings.pick(5_000, 300_000, 10_000_000);
    let keys = keys::present(n, ctx.settings.seed);
    let clock = Clock::new();
    let (mut grow, mut expire) = (MinTimes::new(n), MinTimes::new(n));
    let (mut grow_map, mut grow_classic) = (MinTimes::new(n), MinTimes::new(n));
    ctx.progress.start("each call of a Keyspace", RUNS);
    // A background thread of the allocator returns freed pages, as in a server.
    let before = zmalloc::background_thread(true);
    for _ in 0..RUNS {
        zmalloc::purge();
        let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), FoldHash::default());
        let expiring = SetOptions {
            expiry: SetExpiry::To(Expiry::AtMillis(EXPIRES_AT as i64)),
            ..SetOptions::default()
        };
        let mut is_expiring = false;
        grow.each(&clock, &keys, |key| {
            is_expiring = !is_expiring;
            let options = if is_expiring { &expiring } else { &SetOptions::default() };
            let outcome = keyspace.set_with(key, VALUE, options, 0);
            assert!(outcome.expect("there is memory").is_set);
        });
        assert_eq!((keyspace.len(), keyspace.expires()), (n, n.div_ceil(2)));
        let calls = expire.until_done(&clock, || {
            keyspace.expire_some(EXPIRES_AT, BUDGET);
            keyspace.expires() > 0
        });
        expire.truncate(calls);
        assert_eq!(keyspace.len(), n / 2, "every expired key is removed");
        drop(keyspace);
        grow_store::<BoxMap>(&mut grow_map, &clock, &keys);
        grow_store::<ClassicMap>(&mut grow_classic, &clock, &keys);
        ctx.progress.step();
    }
    if let Some(before) = before {
        zmalloc::background_thread(before);
    }
    let maps = [(BoxMap::NAME, grow_map.percentiles()), (ClassicMap::NAME, grow_classic.percentiles())];
    for (case, id, min_times, peers, x_label) in [
        (SET, "keyspace-set", &grow, &maps[..], "keys"),
        (
            "expiry of half the keys, in calls of expire_some(64), minimum of 5 runs",
            "keyspace-expire",
            &expire,
            &[],
            "calls",
        ),
    ] {
        for (i, (metric, ns)) in min_times.percentiles().named().into_iter().enumerate() {
            let row = Row::alone(ctx.suite, case, n as u64, "Keyspace", metric, "ns", ns);
            if peers.is_empty() {
                ctx.report.row(row.clone());
            }
            for (peer, percentiles) in peers {
                ctx.report.row(row.clone().beside(peer, percentiles.named()[i].1));
            }
        }
        ctx.report.plot(Plot {
            id: id.into(),
            suite: ctx.suite.into(),
            title: format!("{case}: how long the calls take"),
            x_label: "ns, up to".into(),
            y_label: x_label.into(),
            log_x: true,
            log_y: true,
            series: vec![Series { name: "Keyspace".into(), points: min_times.histogram() }],
        });
    }
    ctx.report.note(
        ctx.suite,
        format!(
            "The longest calls: each call counts with the least of its times in {RUNS} runs of the same work."
        ),
    );
}

/// Runs a map once from empty to all keys.
fn grow_store<S: Store>(min_times: &mut MinTimes, clock: &Clock, keys: &[Key]) {
    zmalloc::purge();
    let mut store = S::new(keys.len());
    min_times.each(clock, keys, |key| store.set(key, VALUE, 0));
    assert!(store.get(&keys[0], 0).is_some());
}
