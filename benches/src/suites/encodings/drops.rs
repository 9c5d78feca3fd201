//! Measures dropping a large collection in steps, in comparison with dropping it at once.
//!
//! A step is a hundred pieces of work. The sum of the steps shows the cost of the pauses between them. The
//! longest step shows how long a request between two steps must wait. The machine often interrupts a step,
//! which is then the longest one of its round. So the row has the smallest of the longest steps of all
//! rounds: every round had a step of at least this length.

use super::work::LIMITS;
use crate::keys::{self, Key};
use crate::lifecycle::timed;
use crate::measure::{Subject, paired};
use crate::report::Row;
use crate::suite::Ctx;
use dict::Dict;
use robj::{Encoding, Robj};
use sds::Sds;
use std::time::{Duration, Instant};
use values::{Hash, List, Set, ZSet};

/// The peer of the steps, which is redcore too.
pub(crate) const AT_ONCE: &str = "at once";

/// The number of pieces of work in a step.
const STEP: usize = 100;

/// Measures the rows of collections of `n` elements.
pub(super) fn run(ctx: &mut Ctx, n: usize, rounds: usize) {
    let keys = keys::present(n, ctx.settings.seed);
    object(ctx, "list", rounds, Encoding::QuickList, &keys, |keys| {
        let mut list = List::new();
        keys.iter().for_each(|key| list.push_back(key, &LIMITS));
        list.into()
    });
    object(ctx, "set of strings", rounds, Encoding::HashTable, &keys, |keys| {
        let mut set = Set::new();
        keys.iter().for_each(|key| assert!(set.insert(key, &LIMITS)));
        set.into()
    });
    object(ctx, "hash", rounds, Encoding::HashTable, &keys, |keys| {
        let mut hash = Hash::new();
        keys.iter().for_each(|key| assert!(hash.insert(key, key, &LIMITS)));
        hash.into()
    });
    object(ctx, "sorted set", rounds, Encoding::SkipList, &keys, |keys| {
        let mut set = ZSet::new();
        for (number, key) in keys.iter().enumerate() {
            // If the blocks had the order of the scores, they would be freed in the order of their addresses.
            let score = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
            assert_eq!(set.insert(key, score as f64, &LIMITS), Ok(true));
        }
        set.into()
    });
    let dict = || -> Dict<Sds, Robj> {
        let entry = |key: &Key| (Sds::from(&key[..]), Robj::from_bytes(key, &LIMITS));
        keys.iter().map(entry).collect()
    };
    compare(ctx, "Dict of strings", n, rounds, dict, |dict, between| {
        go_on(dict.drop_in_steps(STEP), |dict| dict.drop_in_steps(STEP), between);
    });
}

fn object(
    ctx: &mut Ctx,
    what: &str,
    rounds: usize,
    encoding: Encoding,
    keys: &[Key],
    fill: impl Fn(&[Key]) -> Robj,
) {
    let full = || {
        let object = fill(keys);
        assert_eq!(object.encoding(), encoding, "{what}");
        object
    };
    compare(ctx, what, keys.len(), rounds, full, |object, between| {
        go_on(object.drop_in_steps(STEP), |remains| remains.drop_in_steps(STEP), between);
    });
}

/// Continues with the rest that the first step has left, and calls `between` after each step.
fn go_on<R>(mut left: Option<R>, step: impl Fn(R) -> Option<R>, between: &mut dyn FnMut()) {
    between();
    while let Some(rest) = left {
        left = step(rest);
        between();
    }
}

/// Compares dropping in steps with dropping at once. `in_steps` calls its second argument after each step.
fn compare<T>(
    ctx: &mut Ctx,
    what: &str,
    n: usize,
    rounds: usize,
    full: impl Fn() -> T,
    in_steps: impl Fn(T, &mut dyn FnMut()),
) {
    let mut subjects = [
        Subject::new("in steps of 100", || {
            let collection = full();
            timed(|| in_steps(collection, &mut || ()))
        }),
        Subject::new(AT_ONCE, || {
            let collection = full();
            timed(|| drop(collection))
        }),
    ];
    let case = format!("{what}: drop");
    ctx.progress.start(&case, rounds + 1);
    let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
    ctx.report.compare(ctx.suite, &case, n as u64, n as u64, &samples);

    ctx.progress.start(&format!("{case}, the longest step"), rounds);
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        let (collection, mut longest) = (full(), Duration::ZERO);
        let mut start = Instant::now();
        in_steps(collection, &mut || {
            longest = longest.max(start.elapsed());
            start = Instant::now();
        });
        least = least.min(longest);
        ctx.progress.step();
    }
    let longest = least.as_nanos() as f64;
    ctx.report.row(Row::alone(ctx.suite, &case, n as u64, &samples[0].name, "longest step", "ns", longest));
}
