//! Measures random picks of entries: one entry, one entry with equal probabilities, and five entries at once.
//!
//! Two tables exist at once and take turns. The value of each picked entry is read. An operation is one call,
//! even if it returns five entries.

use crate::keys::{Key, Keys};
use crate::lifecycle::timed;
use crate::maps::{FoldHash, Map};
use crate::measure::{Subject, paired};
use crate::suite::Ctx;
use dict::{Dict, classic};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;

/// The number of entries in a sample: the default of `maxmemory-samples` in Redis.
const SAMPLE: usize = 5;

/// The number of calls in a round.
const CALLS: usize = 100_000;

/// Makes a subject. This is a macro because the two types have the same methods and no common trait.
macro_rules! subject {
    ($name:literal, $map:ident, $case:literal, $calls:ident, $seed:expr) => {{
        let mut rng = SmallRng::seed_from_u64($seed);
        let mut rng = move || rng.next_u64();
        let map = &$map;
        Subject::new($name, move || {
            let mut sum = 0_u64;
            let time = timed(|| {
                for _ in 0..$calls {
                    match $case {
                        "random" => sum += map.random(&mut rng).map_or(0, |(_, value)| *value),
                        "fair random" => sum += map.fair_random(&mut rng).map_or(0, |(_, value)| *value),
                        _ => map.sample(SAMPLE, &mut rng, |_, value| sum += value),
                    }
                }
            });
            black_box(sum);
            time
        })
    }};
}

/// Measures all three kinds of picks.
pub(super) fn run(ctx: &mut Ctx, keys: &Keys) {
    let (mut ours, mut textbook) =
        (Dict::<Key, u64, FoldHash>::default(), classic::Dict::<Key, u64, FoldHash>::default());
    for (value, key) in (0..).zip(&keys.insert) {
        ours.insert(*key, value);
        textbook.insert(*key, value);
    }
    Map::<Key, u64>::finish_background_work(&mut textbook);
    let calls = if ctx.settings.smoke { 100 } else { CALLS };
    let (rounds, seed) = (ctx.settings.pick(1, 3, 5), ctx.settings.seed);
    let mut measure = |case: &str, subjects: &mut [Subject]| {
        ctx.progress.start(&format!("{case} of {}", keys.insert.len()), rounds + 1);
        let samples = paired(subjects, rounds, seed, ctx.progress);
        ctx.report.compare(ctx.suite, case, keys.insert.len() as u64, calls as u64, &samples);
    };
    macro_rules! case {
        ($case:literal) => {
            measure(
                $case,
                &mut [
                    subject!("Dict", ours, $case, calls, seed),
                    subject!("dict::classic", textbook, $case, calls, seed),
                ],
            )
        };
    }
    case!("random");
    case!("fair random");
    case!("sample of 5");
}
