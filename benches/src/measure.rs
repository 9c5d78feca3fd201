//! Time by paired rounds.
//!
//! On a shared machine the same loop takes 7 ns in one second and 11 in the next; a figure taken for one
//! subject now and for another a minute later compares two moments of the machine. So:
//!
//! ```text
//!   warm-up  A B C          not counted
//!   round 1  B A C          every subject once, in an order drawn from the seed
//!   round 2  C A B          so that no subject always runs after the same other
//!   ...
//!   ratio    median over rounds of  A_round / B_round,  with the quartiles as its spread
//! ```
//!
//! Neighbours in time share the machine's mood, and the median forgets the rounds in which it changed between
//! them. What that cannot see: effects of code placement that last as long as the process does.

use crate::progress::Progress;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use std::hint::black_box;
use std::time::Duration;

/// Something that can be timed over and over.
pub struct Subject<'a> {
    /// The name in the table.
    pub name: String,
    run: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Subject<'a> {
    /// `run` does one round and says how long the part that counts took: set-up and tear-down stay
    /// outside of the returned time.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> Duration + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// What a subject took, round by round.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The subject's name.
    pub name: String,
    /// The time of each round; index `i` is the same round for all subjects measured together.
    pub rounds: Vec<Duration>,
}

impl Samples {
    /// The median round, in nanoseconds.
    pub fn median_ns(&self) -> f64 {
        let mut ns: Vec<f64> = self.rounds.iter().map(|round| round.as_nanos() as f64).collect();
        ns.sort_by(f64::total_cmp);
        quantile(&ns, 0.5)
    }
}

/// How a subject stands to a peer: below 1 it is faster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The median over the rounds.
    pub median: f64,
    /// The lower quartile.
    pub low: f64,
    /// The upper quartile.
    pub high: f64,
}

/// Times all subjects for `rounds` rounds after one that is not counted.
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

/// The ratio of two subjects that [`paired`] measured together.
pub fn ratio(subject: &Samples, peer: &Samples) -> Ratio {
    // A round too short for the clock counts as one nanosecond: the ratio stays finite.
    let ns = |time: &Duration| time.as_nanos().max(1) as f64;
    let mut ratios: Vec<f64> = subject.rounds.iter().zip(&peer.rounds).map(|(a, b)| ns(a) / ns(b)).collect();
    ratios.sort_by(f64::total_cmp);
    Ratio { median: quantile(&ratios, 0.5), low: quantile(&ratios, 0.25), high: quantile(&ratios, 0.75) }
}

/// The bytes that a value takes: its own size and what [`zmalloc::used_memory`] says that making it allocated. Right
/// as long as no other thread allocates meanwhile.
pub fn handle_and_block<T>(make: impl FnOnce() -> T) -> f64 {
    let before = zmalloc::used_memory();
    let value = black_box(make());
    let block = zmalloc::used_memory() - before;
    drop(value);
    (size_of::<T>() + block) as f64
}

/// The `q`-quantile of sorted values, interpolated between neighbours; NaN of none.
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
        // The machine slows down threefold in rounds 2 and 3; each pair still says 2.
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
