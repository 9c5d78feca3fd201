//! Measures times in paired rounds.
//!
//! On a shared machine, the same loop may take 7 ns in one second and 11 ns in the next one. If one subject
//! is measured now and the other one a minute later, the ratio compares two states of the machine. So all
//! subjects run in every round:
//!
//! ```text
//!   warm-up  A B C          not counted
//!   round 1  B A C          every subject once, in an order drawn from the seed
//!   round 2  C A B          so that no subject always runs after the same other
//!   ...
//!   ratio    median over rounds of  A_round / B_round,  with the quartiles as its spread
//! ```
//!
//! Subjects that run one after the other find the machine in the same state. The median ignores the few
//! rounds in which the state changes in between. This method does not detect effects of code placement, which
//! last as long as the process.

use crate::progress::Progress;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use std::hint::black_box;
use std::time::Duration;

/// Code that can be timed again and again.
pub struct Subject<'a> {
    /// The name in the table.
    pub name: String,
    run: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Subject<'a> {
    /// Returns a subject with this name. `run` does one round, and returns the time of the part that counts,
    /// without the time to prepare and to clean up.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> Duration + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// The times of a subject in all rounds.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The name of the subject.
    pub name: String,
    /// The time of each round. Index `i` is the same round for all subjects that are measured together.
    pub rounds: Vec<Duration>,
}

impl Samples {
    /// Returns the median of the rounds, in nanoseconds.
    pub fn median_ns(&self) -> f64 {
        let mut ns: Vec<f64> = self.rounds.iter().map(|round| round.as_nanos() as f64).collect();
        ns.sort_by(f64::total_cmp);
        quantile(&ns, 0.5)
    }
}

/// The time of a subject divided by that of a peer. If it is below 1, the subject is faster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The median over the rounds.
    pub median: f64,
    /// The lower quartile.
    pub low: f64,
    /// The upper quartile.
    pub high: f64,
}

/// Times all subjects for `rounds` rounds, after one round that is not counted.
pub fn paired(subjects: &mut [Subject], rounds: usize, seed: u64, progress: &Progress) -> Vec<Samples> {
    let mut samples: Vec<Samples> = subjects
        .iter()
        .map(|s| Samples { name: s.name.clone(), rounds: Vec::with_capacity(rounds) })
        .collect();
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    let mut rng = SmallRng::seed_from_u64(seed);
    for round in 0..=rounds {
        order.shuffle(&mut rng);
        for &i in &order {
            let time = (subjects[i].run)();
            if round > 0 {
                samples[i].rounds.push(time);
            }
        }
        progress.step();
    }
    samples
}

/// Returns the ratio of two subjects that [`paired`] has measured together.
pub fn ratio(subject: &Samples, peer: &Samples) -> Ratio {
    // A round that is too short for the clock counts as one nanosecond, so that the ratio is finite.
    let ns = |time: &Duration| time.as_nanos().max(1) as f64;
    let mut ratios: Vec<f64> = subject.rounds.iter().zip(&peer.rounds).map(|(a, b)| ns(a) / ns(b)).collect();
    ratios.sort_by(f64::total_cmp);
    Ratio { median: quantile(&ratios, 0.5), low: quantile(&ratios, 0.25), high: quantile(&ratios, 0.75) }
}

/// Returns how many bytes a value takes: its size, and the bytes that were allocated to make it according to
/// [`zmalloc::used_memory`]. The result is only correct if no other thread allocates at the same time.
pub fn handle_and_block<T>(make: impl FnOnce() -> T) -> f64 {
    let before = zmalloc::used_memory();
    let value = black_box(make());
    let block = zmalloc::used_memory() - before;
    drop(value);
    (size_of::<T>() + block) as f64
}

/// Returns the `q`-quantile of sorted values, interpolated between neighbours. Returns NaN if there are no
/// values.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = q.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn samples(micros: &[u64]) -> Samples {
        Samples { name: "x".into(), rounds: micros.iter().map(|&us| Duration::from_micros(us)).collect() }
    }

    #[test]
    fn a_ratio_pairs_rounds_before_it_takes_the_median() {
        // The machine is three times slower in rounds 2 and 3, and the ratio of each pair is still 2.
        let ours = samples(&[20, 60, 62, 20, 18]);
        let peer = samples(&[10, 30, 31, 10, 12]);
        let ratio = ratio(&ours, &peer);
        assert_eq!(ratio, Ratio { median: 2.0, low: 2.0, high: 2.0 });
    }

    #[test]
    fn the_spread_is_the_quartiles() {
        let ratio = ratio(&samples(&[1, 2, 3, 4, 5]), &samples(&[1, 1, 1, 1, 1]));
        assert_eq!(ratio, Ratio { median: 3.0, low: 2.0, high: 4.0 });
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert_eq!(quantile(&[0.0, 10.0, 20.0], 1.0), 20.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_round_of_no_time_does_not_divide_by_zero() {
        assert_eq!(ratio(&samples(&[0]), &samples(&[0])).median, 1.0);
    }

    #[test]
    fn every_subject_runs_once_a_round_in_changing_order() {
        let log = RefCell::new(Vec::new());
        let subject = |name: &'static str| {
            let log = &log;
            Subject::new(name, move || {
                log.borrow_mut().push(name);
                Duration::from_nanos(1)
            })
        };
        let mut subjects = [subject("a"), subject("b"), subject("c")];
        let samples = paired(&mut subjects, 20, 1, &Progress::hidden());
        assert!(samples.iter().all(|s| s.rounds.len() == 20));
        drop(subjects);
        let log = log.into_inner();
        let rounds: Vec<&[&str]> = log.chunks(3).collect();
        assert_eq!(rounds.len(), 21, "one round of warm-up");
        for round in &rounds {
            let mut sorted = round.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, ["a", "b", "c"]);
        }
        assert!(rounds.iter().any(|round| round != &rounds[0]), "the order never changed");
    }
}
