//! Measures the removal of large values, and of all keys. Removal in steps is compared with a drop at once.
//!
//! A round fills a keyspace and removes its content. With `lazyfree-lazy-user-del no` and
//! `lazyfree-lazy-user-flush no`, the removal frees everything. By default, it leaves garbage, and
//! `free_some(64)` is called until no garbage is left. The rows have the total time of these calls, and the
//! time of the longest call, which is the removal or a step. The longest step is the one that recurs in every
//! round ([`recurring`](super::recurring)). All times are processor times of the thread. The time of reading
//! this clock is subtracted from each step.
//!
//! Fields and members are like `key:000000000042`. The values of hashes have 16 bytes, and strings have 32.
//! A list has one block for each node. The elements of other large values have separate blocks. The blocks
//! are allocated in the order in which the elements are added.

use super::recurring::longest;
use crate::keys::key;
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::report::Row;
use crate::stores::{BoxMap, Store};
use crate::suite::Ctx;
use crate::suites::encodings::AT_ONCE;
use keyspace::{Keyspace, Options};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::cell::RefCell;
use std::time::Duration;
use values::list::Side;
use values::zset::AddOptions;

/// The subject, which is redcore with its default options.
pub(super) const IN_STEPS: &str = "in steps of 64";

/// A peer for the removal of all keys.
pub(super) const BOXES: &str = BoxMap::NAME;

/// The number of blocks that a step frees.
const BLOCKS: usize = 64;

/// The key of the large value.
const KEY: &str = "large";

const FIELD_VALUE: &[u8; 16] = b"sixteen bytes...";
const VALUE: &[u8; 32] = b"a value of thirty-two bytes here";

/// The data that are removed.
struct Case {
    what: &'static str,
    /// The number of elements or keys at full scale.
    n: usize,
    rounds: usize,
    fill: fn(&mut Keyspace<FoldHash>, u64, &mut SmallRng),
    remove: fn(&mut Keyspace<FoldHash>),
}

const CASES: [Case; 5] = [
    Case {
        what: "a hash",
        n: 10_000_000,
        rounds: 3,
        fill: |store, i, _| {
            store.hset(KEY, &key(i), FIELD_VALUE, 0).expect("there is memory");
        },
        remove: remove_key,
    },
    Case {
        what: "a sorted set",
        n: 10_000_000,
        rounds: 3,
        fill: |store, i, random| {
            let (score, options) = (random.random::<f64>(), AddOptions::default());
            store.zadd(KEY, &key(i), score, options, 0).expect("there is memory");
        },
        remove: remove_key,
    },
    Case {
        what: "a list",
        n: 10_000_000,
        rounds: 3,
        fill: |store, i, _| store.push(KEY, Side::Back, &key(i), 0).expect("there is memory"),
        remove: remove_key,
    },
    Case {
        what: "a set",
        n: 4_000_000,
        rounds: 3,
        fill: |store, i, _| {
            store.sadd(KEY, &key(i), 0).expect("there is memory");
        },
        remove: remove_key,
    },
    Case {
        what: "all keys",
        n: 4_000_000,
        rounds: 3,
        fill: |store, i, _| store.set(&key(i), VALUE, 0).expect("there is memory"),
        remove: Keyspace::clear,
    },
];

fn remove_key(store: &mut Keyspace<FoldHash>) {
    assert!(store.remove(KEY, 0));
}

/// The times of single calls, in nanoseconds.
#[derive(Default)]
struct Calls {
    /// The time of the removal in each round.
    removals: Vec<u32>,
    /// The times of the steps of each round.
    steps: Vec<Vec<u32>>,
}

pub(super) fn run(ctx: &mut Ctx) {
    // A background thread of the allocator returns freed pages, as in a server.
    let before = zmalloc::background_thread(true);
    for case in &CASES {
        measure(ctx, case);
    }
    if let Some(before) = before {
        zmalloc::background_thread(before);
    }
    ctx.report.note(
        ctx.suite,
        "Longest calls of removals: of the removal the least time over the rounds, of the steps the longest \
         that recurs in every round, give or take the few steps by which rounds differ.",
    );
}

fn measure(ctx: &mut Ctx, case: &Case) {
    let n = case.n / ctx.settings.pick(1_000, 20, 1);
    let (calls, seed) = (RefCell::new(Calls::default()), ctx.settings.seed);
    // Reading the clock takes a tenth of the time of a step.
    let reading = (0..1_000).map(|_| timed(|| ())).min().unwrap_or_default();
    let full = |options: Options| {
        zmalloc::purge();
        let mut store = Keyspace::with_options_and_hasher(options, FoldHash::default());
        let mut random = SmallRng::seed_from_u64(seed);
        (0..n as u64).for_each(|i| (case.fill)(&mut store, i, &mut random));
        store
    };
    let in_steps = || {
        let mut store = full(Options::new());
        // There is room for all steps. It is written between the timed calls, so that none of its page faults
        // happens in a step.
        let mut steps = vec![0; n / 8 + 1_000];
        let removal = timed(|| (case.remove)(&mut store));
        let (mut all, mut count, mut is_complete) = (removal, 0, false);
        while !is_complete {
            let time = timed(|| is_complete = store.free_some(BLOCKS).is_complete).saturating_sub(reading);
            all += time;
            steps[count] = nanos(time);
            count += 1;
        }
        assert_eq!(store.lazyfree_pending_bytes(), 0);
        steps.truncate(count);
        let mut calls = calls.borrow_mut();
        calls.removals.push(nanos(removal));
        calls.steps.push(steps);
        [all]
    };
    let at_once = || {
        let options = Options::new().lazyfree_lazy_user_del(false).lazyfree_lazy_user_flush(false);
        let mut store = full(options);
        let time = timed(|| (case.remove)(&mut store));
        assert_eq!((store.len(), store.lazyfree_pending_bytes()), (0, 0));
        [time]
    };
    let mut candidates = vec![Candidate::new(IN_STEPS, in_steps), Candidate::new(AT_ONCE, at_once)];
    let has_boxes = case.what == "all keys";
    if has_boxes {
        candidates.push(Candidate::new(BOXES, || [drop_of_boxes(n)]));
    }
    let rounds = ctx.settings.pick(1, 3, case.rounds);
    let schedule = Schedule { rounds, repeats: 1, warm_up: false, seed };
    let title = format!("removal of {}", case.what);
    let [samples] = time_phases(&mut candidates, schedule, &title, ctx.progress);
    drop(candidates);
    ctx.report.compare(ctx.suite, &title, n as u64, n as u64, &samples);

    let Calls { removals, steps } = calls.into_inner();
    let removal = removals.into_iter().min().unwrap_or(0);
    let longest_call = f64::from(removal.max(longest(&steps))) / 1e3;
    let row = Row::alone(ctx.suite, &title, n as u64, IN_STEPS, "longest call", "us", longest_call);
    let boxes = samples.get(2).and_then(|samples| samples.rounds.iter().min());
    ctx.report.row(match boxes {
        Some(time) => row.beside(BOXES, time.as_secs_f64() * 1e6),
        None => row,
    });
    let plain = steps.iter().map(|steps| steps.iter().max().copied().unwrap_or(0)).min().unwrap_or(0);
    ctx.report.note(
        ctx.suite,
        format!(
            "Removal of {}: the removal itself {:.1} us, then {} steps; the longest step of the best round, with \
             the machine's interruptions, {:.0} us.",
            case.what,
            f64::from(removal) / 1e3,
            steps.first().map_or(0, Vec::len),
            f64::from(plain) / 1e3
        ),
    );
}

/// Returns the time that an embedder without a keyspace would need.
fn drop_of_boxes(n: usize) -> Duration {
    zmalloc::purge();
    let mut map = BoxMap::default();
    (0..n as u64).for_each(|i| Store::set(&mut map, &key(i), VALUE, 0));
    timed(|| drop(map))
}

fn nanos(time: Duration) -> u32 {
    time.as_nanos().min(u32::MAX.into()) as u32
}
