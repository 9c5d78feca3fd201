//! Times the life of a table phase by phase.

use crate::dependent;
use crate::keys::{Key, Keys};
use crate::lifecycle::{Schedule, time_phases, timed};
use crate::maps::Map;
use crate::measure::Samples;
use crate::suite::Ctx;
use std::hint::black_box;
use std::time::Duration;

/// The phases that are timed, in their order.
const PHASES: [&str; 6] = ["insert", "hit", "dependent hit", "miss", "iterate", "remove"];

/// The times of one life.
pub(super) type PhaseTimes = [Duration; PHASES.len()];

/// A candidate with the phases of this life.
pub(super) type Candidate<'a> = crate::lifecycle::Candidate<'a, { PHASES.len() }>;

/// A life is repeated until it has done this many operations of each kind. A round must be long in comparison
/// with the cost of the clock and with a timer interrupt.
const MIN_OPS: usize = 200_000;

/// From this N on, a life lasts seconds, and warm caches and branch predictors make no difference. So the
/// first round counts too.
const NO_WARM_UP: usize = 4_000_000;

/// Returns a candidate that runs a life of the map `M` with `keys`.
pub(super) fn candidate<'a, M: Map<Key, u64> + 'a>(name: &str, keys: &'a Keys) -> Candidate<'a> {
    Candidate::new(name, || run_phases::<M>(keys))
}

fn run_phases<M: Map<Key, u64>>(keys: &Keys) -> PhaseTimes {
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

/// The samples of all candidates for each phase.
pub(super) struct Phases {
    n: usize,
    /// The number of operations of each kind in a round.
    ops: usize,
    /// For each phase, the samples of each candidate.
    samples: [Vec<Samples>; PHASES.len()],
}

/// Runs the lives of all candidates in turns.
pub(super) fn measure(
    ctx: &mut Ctx,
    what: &str,
    n: usize,
    rounds: usize,
    candidates: &mut [Candidate],
) -> Phases {
    let repeats = if ctx.settings.smoke { 1 } else { MIN_OPS.div_ceil(n) };
    let schedule = Schedule { rounds, repeats, warm_up: n < NO_WARM_UP, seed: ctx.settings.seed };
    let samples = time_phases(candidates, schedule, &format!("life of {n}{what}"), ctx.progress);
    Phases { n, ops: n * repeats, samples }
}

impl Phases {
    /// Adds a row for each phase, subject and peer. The first `subjects` candidates are redcore's.
    pub(super) fn report(&self, ctx: &mut Ctx, what: &str, subjects: usize) {
        for (phase, samples) in PHASES.iter().zip(&self.samples) {
            let case = format!("{phase}{what}");
            let (subjects, peers) = samples.split_at(subjects);
            ctx.report.compare_many(ctx.suite, &case, self.n as u64, self.ops as u64, subjects, peers);
        }
    }

    /// Returns the mean time of an operation over several N, as if it were measured at `n`. Round `i` of the
    /// result is computed from the rounds `i` of the parts, so that the rounds remain paired.
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
        // An operation takes 10 and 30 ns in round 0, and 20 and 40 ns in round 1.
        let parts = [phases(1000, [10, 20]), phases(2000, [60, 80])];
        let mean = Phases::mean(&parts, 1000);
        assert_eq!(mean.ops, 1000);
        assert_eq!(mean.samples[0][0].rounds, [20, 30].map(Duration::from_micros));
    }

    #[test]
    fn a_life_is_timed_in_all_phases() {
        let keys = Keys::new(500, 1);
        let times = run_phases::<hashbrown::HashMap<Key, u64, crate::maps::FoldHash>>(&keys);
        assert!(times.iter().all(|time| !time.is_zero()));
    }
}
