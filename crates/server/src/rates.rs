//! [`Rates`]: how fast counters grow, for the fields `instantaneous_*` of `INFO`.
//!
//! Upkeep takes a sample of the counters ten times a second. A rate is the growth since the oldest of the last
//! 16 samples, so it covers about a second and a half.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The samples that are kept.
const SAMPLES: usize = 16;

/// The time between two samples.
const PERIOD: Duration = Duration::from_millis(100);

/// Counters at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The moment.
    pub(crate) at: Instant,
    /// The commands that have run.
    pub(crate) commands: u64,
    /// The bytes that were read.
    pub(crate) net_input: u64,
    /// The bytes that were written.
    pub(crate) net_output: u64,
    /// The turns of the loop.
    pub(crate) cycles: u64,
    /// The microseconds of these turns.
    pub(crate) micros: u64,
}

/// The last samples.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    samples: VecDeque<Sample>,
}

impl Rates {
    /// Adds a sample, unless the last one is recent.
    pub(crate) fn add(&mut self, sample: Sample) {
        let is_recent = |last: &Sample| sample.at.saturating_duration_since(last.at) < PERIOD;
        if self.samples.back().is_some_and(is_recent) {
            return;
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// Forgets all samples, because the counters begin again.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Returns how much a counter grows in a second.
    pub(crate) fn per_second(&self, counter: fn(&Sample) -> u64) -> f64 {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else { return 0.0 };
        let secs = last.at.saturating_duration_since(first.at).as_secs_f64();
        if secs == 0.0 { 0.0 } else { counter(last).saturating_sub(counter(first)) as f64 / secs }
    }

    /// Returns the mean time of a turn, in microseconds.
    pub(crate) fn cycle_micros(&self) -> f64 {
        let (cycles, micros) =
            (self.per_second(|sample| sample.cycles), self.per_second(|sample| sample.micros));
        if cycles == 0.0 { 0.0 } else { micros / cycles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_covers_the_last_samples() {
        let start = Instant::now();
        let mut rates = Rates::default();
        assert_eq!(rates.per_second(|sample| sample.commands), 0.0);
        for turn in 0..100 {
            let at = start + PERIOD * u32::try_from(turn).unwrap();
            let (commands, cycles, micros) = (turn * 5, turn * 2, turn * 60);
            rates.add(Sample { at, commands, net_input: 0, net_output: 0, cycles, micros });
        }
        assert!((rates.per_second(|sample| sample.commands) - 50.0).abs() < 1e-6);
        assert!((rates.cycle_micros() - 30.0).abs() < 1e-6);
    }
}
