//! A simulation of expiry over virtual time: the share of keys that have expired and are still there, among
//! all keys with an expiry.
//!
//! ```text
//!  all at once   every key expires in the same second
//!  spread        every key gets a time to live of 1 s to 10 min, and is set again when it is removed
//!  refreshed     every key lives for a minute; each second, a random thirtieth of all keys is set again
//! ```
//!
//! The keyspace sweeps ten times in each virtual second, with a budget of a fiftieth of the keys. The keys
//! are never read, so only sweeps remove them. The simulation also keeps the expiry of each key outside the
//! keyspace.

use crate::keys::key;
use crate::maps::FoldHash;
use crate::report::{Plot, Row, Series};
use crate::suite::Ctx;
use keyspace::{Event, Expiry, Keyspace, Options, SetExpiry, SetOptions};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::sync::{Arc, Mutex};

/// The number of sweeps in a virtual second. In redis.conf: `hz`.
const HZ: u64 = 10;

/// The number of virtual seconds.
const SECONDS: u64 = 600;

/// The budget of a sweep is the number of keys divided by this.
const BUDGET_SHARE: usize = 50;

/// The number of seconds after which a pattern is in a steady state.
const STEADY_AFTER_SECONDS: u64 = 120;

/// The second in which the keys of *all at once* expire.
const AT_ONCE: u64 = 60;

/// The number of milliseconds in a second.
const SECOND: u64 = 1_000;

struct Pattern {
    name: &'static str,
    /// Returns the time to live of a new key, in seconds, for a second of the simulation.
    ttl: fn(u64, &mut SmallRng) -> u64,
    /// Whether a key that was removed is set again.
    is_refilled: bool,
    /// In each second, the number of keys divided by this are set again. 0 means none.
    refreshed: usize,
}

const PATTERNS: [Pattern; 3] = [
    Pattern { name: "all at once", ttl: |_, _| AT_ONCE, is_refilled: false, refreshed: 0 },
    Pattern { name: "spread", ttl: |_, rng| rng.random_range(1..=600), is_refilled: true, refreshed: 0 },
    Pattern { name: "refreshed", ttl: |_, _| 60, is_refilled: true, refreshed: 30 },
];

/// The result of a pattern.
struct Run {
    /// For each second, the share of expired keys among the keys with an expiry, in percent.
    shares: Vec<f64>,
    looked_at: usize,
    removed: usize,
}

pub(super) fn run(ctx: &mut Ctx) {
    let n = ctx.settings.pick(2_000, 100_000, 2_000_000);
    let mut series = Vec::new();
    ctx.progress.start("expired keys over virtual time", PATTERNS.len());
    for pattern in &PATTERNS {
        let run = simulate(pattern, n, ctx.settings.seed);
        let case = format!("expired keys left, {}", pattern.name);
        let mut row = |metric, unit, value| {
            ctx.report.row(Row::alone(ctx.suite, &case, n as u64, "Keyspace", metric, unit, value));
        };
        if pattern.is_refilled {
            row(
                "most, once settled",
                "%",
                run.shares[STEADY_AFTER_SECONDS as usize..].iter().copied().fold(0.0, f64::max),
            );
        } else {
            let waits = run.shares[AT_ONCE as usize..].iter().take_while(|&&share| share > 10.0).count();
            row("time until 10 % are left", "s", waits as f64);
        }
        row("keys looked at a removal", "", run.looked_at as f64 / run.removed.max(1) as f64);
        let points = run.shares.iter().enumerate().map(|(second, share)| (second as f64, *share));
        series.push(Series { name: pattern.name.into(), points: points.collect() });
        ctx.progress.step();
    }
    ctx.report.plot(Plot {
        id: "keyspace-expired".into(),
        suite: ctx.suite.into(),
        title: "Expired keys that are still there".into(),
        x_label: "virtual seconds".into(),
        y_label: "% of the keys with an expiry".into(),
        log_x: false,
        log_y: false,
        series,
    });
    ctx.report.note(
        ctx.suite,
        "Expired keys left: a simulation with a virtual clock, ten sweeps a second, active-expire-effort 1, which accepts 10 %.",
    );
}

fn simulate(pattern: &Pattern, n: usize, seed: u64) -> Run {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), FoldHash::default());
    let gone = Arc::new(Mutex::new(Vec::new()));
    let to = gone.clone();
    let on_event = move |event: Event<'_>| {
        if let Event::Expired(key) = event {
            to.lock().expect("no other thread").push(number(key));
        }
    };
    keyspace.on_event(on_event).expect("there is memory");
    let mut expiries = vec![0; n];
    let mut set = |keyspace: &mut Keyspace<FoldHash>, i: usize, second: u64, expiry: &mut u64| {
        let at = (second + (pattern.ttl)(second, &mut rng)) * SECOND;
        let options =
            SetOptions { expiry: SetExpiry::To(Expiry::AtMillis(at as i64)), ..SetOptions::default() };
        let outcome = keyspace.set_with(&key(i as u64), 1, &options, second * SECOND);
        assert!(outcome.expect("there is memory").is_set);
        *expiry = at;
    };
    for (i, expiry) in expiries.iter_mut().enumerate() {
        set(&mut keyspace, i, 0, expiry);
    }
    let mut drawn = SmallRng::seed_from_u64(seed.wrapping_add(1));
    let mut run = Run { shares: Vec::new(), looked_at: 0, removed: 0 };
    for second in 0..SECONDS {
        let now = second * SECOND;
        let live = expiries.iter().filter(|expiry| **expiry > now).count();
        let stale = keyspace.expires() - live;
        run.shares.push(100.0 * stale as f64 / keyspace.expires().max(1) as f64);
        for tick in 0..HZ {
            let swept = keyspace.expire_some(now + tick * SECOND / HZ, n / BUDGET_SHARE);
            run.looked_at += swept.looked_at;
            run.removed += swept.removed;
        }
        for _ in 0..n.checked_div(pattern.refreshed).unwrap_or(0) {
            let i = drawn.random_range(0..n);
            set(&mut keyspace, i, second, &mut expiries[i]);
        }
        let gone = std::mem::take(&mut *gone.lock().expect("no other thread"));
        for i in gone {
            // A key that was set again in the same second is already there.
            if pattern.is_refilled && expiries[i] <= now + SECOND {
                set(&mut keyspace, i, second, &mut expiries[i]);
            }
        }
    }
    run
}

/// Returns the number of a key.
fn number(key: &[u8]) -> usize {
    key.iter()
        .skip_while(|byte| !byte.is_ascii_digit())
        .fold(0, |number, digit| 10 * number + usize::from(digit - b'0'))
}
