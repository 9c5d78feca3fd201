//! A table's life, timed phase by phase.

use crate::dependent;
use crate::keys::{Key, Keys};
use crate::lives::{Schedule, lives, timed};
use crate::maps::Map;
use crate::measure::Samples;
use crate::suite::Ctx;
use std::hint::black_box;
use std::time::Duration;

/// What is timed, in order.
const PHASES: [&str; 6] = ["insert", "hit", "dependent hit", "miss", "iterate", "remove"];

/// The times of one life.
pub(super) type Life = [Duration; PHASES.len()];

/// Something that lives such a life.
pub(super) type Candidate<'a> = crate::lives::Candidate<'a, { PHASES.len() }>;

/// A life is repeated until it has done this many operations of each kind: a round must be long beside
/// the clock's own cost and the timer interrupt.
const MIN_OPS: usize = 200_000;

/// From this N on a life lasts seconds and finds no warm caches or branch predictors that the next would not
/// find too: the warm-up round counts as the others do.
const NO_WARM_UP: usize = 4_000_000;

/// A map over `keys`.
pub(super) fn candidate<'a, M: Map<Key, u64> + 'a>(name: &str, keys: &'a Keys) -> Candidate<'a> {
    Candidate::new(name, || live::<M>(keys))
}

fn live<M: Map<Key, u64>>(keys: &Keys) -> Life {
    let mut map = M::default();
    let n = keys.insert.len();
    let insert = timed(|| {
        for (value, key) in keys.insert.iter().enumerate() {
            map.insert(*key, value as u64);
        }
    });
    assert_eq!(map.len(), n, "{} lost entries", M::NAME);
    let mut found = 0;
    let hit = timed(|| found = keys.find.iter().filter(|key| map.get(black_box(key)).is_some()).count());
    assert_eq!(found, n, "{} does not find what it holds", M::NAME);
    let dependent = dependent::hits(&keys.find, |key| *map.get(key).expect("all are there"));
    let miss = timed(|| found = keys.absent.iter().filter(|key| map.get(black_box(key)).is_some()).count());
    assert_eq!(found, 0, "{} finds what it does not hold", M::NAME);
    let mut sum = 0;
    let iterate = timed(|| map.for_each(|_, value| sum += value));
    assert_eq!(sum, n as u64 * (n as u64 - 1) / 2, "{} does not visit each entry once", M::NAME);
    let remove =
        timed(|| found = keys.find.iter().filter(|key| map.remove(black_box(key)).is_some()).count());
    assert_eq!((found, map.len()), (n, 0), "{} does not remove what it holds", M::NAME);
    [insert, hit, dependent, miss, iterate, remove]
}

/// The samples of all candidates, phase by phase.
pub(super) struct Phases {
    n: usize,
    /// Operations a round, of each kind.
    ops: usize,
    /// For each phase, each candidate's samples.
    samples: [Vec<Samples>; PHASES.len()],
}

/// Lets all candidates live in turns.
pub(super) fn measure(
    ctx: &mut Ctx,
    what: &str,
    n: usize,
    rounds: usize,
    candidates: &mut [Candidate],
) -> Phases {
    let repeats = if ctx.settings.smoke { 1 } else { MIN_OPS.div_ceil(n) };
    let schedule = Schedule { rounds, repeats, warm_up: n < NO_WARM_UP, seed: ctx.settings.seed };
    let samples = lives(candidates, schedule, &format!("life of {n}{what}"), ctx.progress);
    Phases { n, ops: n * repeats, samples }
}

impl Phases {
    /// Adds a row for each phase, subject and peer; the first `subjects` candidates are redcore's.
    pub(super) fn report(&self, ctx: &mut Ctx, what: &str, subjects: usize) {
        for (phase, samples) in PHASES.iter().zip(&self.samples) {
            let case = format!("{phase}{what}");
            let (subjects, peers) = samples.split_at(subjects);
            ctx.report.compare_many(ctx.suite, &case, self.n as u64, self.ops as u64, subjects, peers);
        }
    }

    /// The mean time of an operation over several N, as if it had been measured at `n`. Round `i` of the
    /// result is made of the rounds `i` of the parts, so that pairs stay pairs.
    pub(super) fn mean(parts: &[Phases], n: usize) -> Phases {
        let samples = std::array::from_fn(|phase| {
            let candidates = parts[0].samples[phase].iter().enumerate();
            let mean_of = |(i, first): (usize, &Samples)| Samples {
                name: first.name.clone(),
                rounds: (0..first.rounds.len())
                    .map(|round| {
                        let scaled = parts.iter().map(|part| {
                            let time = part.samples[phase][i].rounds[round];
                            time.mul_f64(n as f64 / part.ops as f64)
                        });
                        scaled.sum::<Duration>() / parts.len() as u32
                    })
                    .collect(),
            };
            candidates.map(mean_of).collect()
        });
        Phases { n, ops: n, samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phases(ops: usize, micros: [u64; 2]) -> Phases {
        let samples = Samples { name: "x".into(), rounds: micros.map(Duration::from_micros).to_vec() };
        Phases { n: ops, ops, samples: std::array::from_fn(|_| vec![samples.clone()]) }
    }

    #[test]
    fn the_mean_over_sizes_weighs_operations_not_sizes() {
        // 10 and 30 ns an operation in round 0, 20 and 40 in round 1.
        let parts = [phases(1000, [10, 20]), phases(2000, [60, 80])];
        let mean = Phases::mean(&parts, 1000);
        assert_eq!(mean.ops, 1000);
        assert_eq!(mean.samples[0][0].rounds, [20, 30].map(Duration::from_micros));
    }

    #[test]
    fn a_life_is_timed_in_all_phases() {
        let keys = Keys::new(500, 1);
        let life = live::<hashbrown::HashMap<Key, u64, crate::maps::Fold>>(&keys);
        assert!(life.iter().all(|time| !time.is_zero()));
    }
}
