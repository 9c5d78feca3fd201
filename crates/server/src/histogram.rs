//! [`Histogram`]: how long the calls of a command took, for `INFO latencystats` and `LATENCY HISTOGRAM`.
//!
//! The counts have two significant decimal digits, from 1 µs to 1 s. All of them are allocated by the first call
//! of a command, about 20 KiB, so a later call allocates nothing. Shorter and longer calls count as the nearest
//! of these times.

use hdrhistogram::Histogram as Counts;

/// The shortest and the longest time, in nanoseconds.
const NANOS: (u64, u64) = (1_000, 1_000_000_000);

/// The significant decimal digits.
const DIGITS: u8 = 2;

/// How long the calls of a command took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    /// The counts. `None` until the first call.
    counts: Option<Counts<u64>>,
}

impl Histogram {
    /// Adds a call.
    pub(crate) fn record(&mut self, nanos: u64) {
        if self.counts.is_none() {
            self.counts = Counts::new_with_bounds(NANOS.0, NANOS.1, DIGITS).ok();
        }
        if let Some(counts) = &mut self.counts {
            counts.saturating_record(nanos);
        }
    }

    /// Returns the number of calls.
    pub(crate) fn calls(&self) -> u64 {
        self.counts.as_ref().map_or(0, Counts::len)
    }

    /// Returns the time that this percentage of the calls did not exceed, in microseconds.
    pub(crate) fn percentile(&self, percentage: f64) -> f64 {
        let nanos = self.counts.as_ref().map_or(0, |counts| counts.value_at_percentile(percentage));
        nanos as f64 / 1_000.0
    }

    /// Returns times in microseconds, each about twice the one before, and how many calls did not exceed them.
    /// Leaves out a time if no call lies between it and the one before.
    pub(crate) fn doublings(&self) -> Vec<(u64, u64)> {
        let mut sum = 0;
        let steps = self.counts.iter().flat_map(|counts| counts.iter_log(1_024, 2.0));
        let with_calls = steps.filter(|step| step.count_since_last_iteration() > 0);
        with_calls
            .map(|step| {
                sum += step.count_since_last_iteration();
                (step.value_iterated_to() / 1_000, sum)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_counted_by_their_times() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.calls(), histogram.percentile(50.0)), (0, 0.0));
        for micros in 1..=1_000 {
            histogram.record(micros * 1_000);
        }
        assert_eq!(histogram.calls(), 1_000);
        assert!((histogram.percentile(50.0) - 500.0).abs() < 10.0, "{}", histogram.percentile(50.0));
        let doublings = histogram.doublings();
        assert_eq!(doublings.last().unwrap().1, 1_000);
        assert!(doublings.is_sorted(), "{doublings:?}");
    }

    #[test]
    fn very_short_and_very_long_calls_are_counted() {
        let mut histogram = Histogram::default();
        histogram.record(0);
        histogram.record(u64::MAX);
        assert_eq!(histogram.calls(), 2);
        assert!(histogram.percentile(100.0) >= 990_000.0);
    }
}
