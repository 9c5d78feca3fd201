//! Times single operations, and keeps the least time of each over several runs.
//!
//! On a shared machine, an interrupt or another process can add hundreds of microseconds to any operation. If
//! the keys, the orders and the hash seeds are fixed, operation `i` does the same work in every run. So its
//! least time is its cost, unless an interruption hits the same operation in all runs.

use quanta::Clock;
use std::hint::black_box;

/// The least time of each operation so far, in nanoseconds. A `u32` holds up to four seconds.
#[derive(Clone)]
pub struct MinTimes(Vec<u32>);

impl MinTimes {
    /// Returns a list of times for `n` operations.
    pub fn new(n: usize) -> Self {
        Self(vec![u32::MAX; n])
    }

    /// Forgets all times. This also touches every page of the array, so that none of its page faults happens
    /// in a run.
    pub fn reset(&mut self) {
        self.0.fill(u32::MAX);
    }

    /// Makes one run: times `operation` on each item, and keeps the least time of each.
    #[inline]
    pub fn each<T>(&mut self, clock: &Clock, items: &[T], mut operation: impl FnMut(&T)) {
        for (item, min_times) in items.iter().zip(&mut self.0) {
            keep_least(clock, min_times, || operation(black_box(item)));
        }
    }

    /// Makes one run of an operation that returns `false` when it has come to an end. Stops then, or when
    /// there is no room for another time. Returns how often the operation was called.
    pub fn until_done(&mut self, clock: &Clock, mut goes_on: impl FnMut() -> bool) -> usize {
        for (i, min_times) in self.0.iter_mut().enumerate() {
            if !keep_least(clock, min_times, &mut goes_on) {
                return i + 1;
            }
        }
        self.0.len()
    }

    /// Removes all times except those of the first `n` operations.
    pub fn truncate(&mut self, n: usize) {
        self.0.truncate(n);
    }

    /// Returns the percentiles of the times.
    pub fn percentiles(&self) -> Percentiles {
        Percentiles::of(&mut self.0.clone())
    }

    /// Returns the slowest operation of each of `count` equal windows, as (operations up to the end of the
    /// window, ns).
    pub fn windows(&self, count: usize) -> Vec<(f64, f64)> {
        let width = self.0.len().div_ceil(count).max(1);
        let slowest = |(i, window): (usize, &[u32])| {
            let end = (i * width + window.len()) as f64;
            (end, f64::from(window.iter().copied().max().unwrap_or(0)))
        };
        self.0.chunks(width).enumerate().map(slowest).collect()
    }

    /// Returns a histogram by powers of two, as (ns, operations). These operations took at most this many
    /// nanoseconds, and more than half of that.
    pub fn histogram(&self) -> Vec<(f64, f64)> {
        let mut counts = [0_u32; 33];
        for ns in &self.0 {
            counts[ns.max(&1).next_power_of_two().trailing_zeros() as usize] += 1;
        }
        let bars = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        bars.map(|(power, count)| ((1_u64 << power) as f64, f64::from(count))).collect()
    }

    /// Returns the least time of each operation.
    pub fn times(&self) -> &[u32] {
        &self.0
    }
}

/// Times `operation`, and keeps the time if it is less than `min_times`.
#[inline]
fn keep_least<T>(clock: &Clock, min_times: &mut u32, operation: impl FnOnce() -> T) -> T {
    let start = clock.raw();
    let result = operation();
    let end = clock.raw();
    *min_times = (clock.delta_as_nanos(start, end).min(u32::MAX.into()) as u32).min(*min_times);
    result
}

/// Percentiles of many times, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    p50: u32,
    p99: u32,
    p99_9: u32,
    p99_99: u32,
    max: u32,
}

impl Percentiles {
    /// Returns each figure with its name.
    pub fn named(self) -> [(&'static str, f64); 5] {
        [
            ("p50", self.p50),
            ("p99", self.p99),
            ("p99.9", self.p99_9),
            ("p99.99", self.p99_99),
            ("max", self.max),
        ]
        .map(|(name, ns)| (name, f64::from(ns)))
    }

    /// Returns the percentiles of times in any order. Sorts the times.
    pub fn of(times: &mut [u32]) -> Self {
        times.sort_unstable();
        // The nearest rank: the smallest time that a `share` of all operations do not exceed.
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            times.get(rank.max(1) - 1).copied().unwrap_or(0)
        };
        Self { p50: at(0.5), p99: at(0.99), p99_9: at(0.999), p99_99: at(0.9999), max: at(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut times: Vec<u32> = (1..=10_000).rev().collect();
        let percentiles = Percentiles::of(&mut times);
        let want = Percentiles { p50: 5_000, p99: 9_900, p99_9: 9_990, p99_99: 9_999, max: 10_000 };
        assert_eq!(percentiles, want);
        assert_eq!(Percentiles::of(&mut []).max, 0);
        assert_eq!(Percentiles::of(&mut [7]), Percentiles { p50: 7, p99: 7, p99_9: 7, p99_99: 7, max: 7 });
    }

    #[test]
    fn windows_keep_the_slowest() {
        let min_times = MinTimes(vec![1, 9, 2, 3, 8, 1, 1, 1, 1, 5]);
        assert_eq!(min_times.windows(4), [(3.0, 9.0), (6.0, 8.0), (9.0, 1.0), (10.0, 5.0)]);
    }

    #[test]
    fn a_histogram_counts_by_powers_of_two() {
        let min_times = MinTimes(vec![0, 1, 2, 3, 4, 5, 100]);
        assert_eq!(min_times.histogram(), [(1.0, 2.0), (2.0, 1.0), (4.0, 2.0), (8.0, 1.0), (128.0, 1.0)]);
    }

    #[test]
    fn the_least_time_of_each_operation_is_kept_and_the_end_is_found() {
        let (clock, mut min_times) = (Clock::new(), MinTimes::new(10));
        min_times.each(&clock, &[1, 2, 3], |_| ());
        let first = min_times.times().to_vec();
        min_times.each(&clock, &[1, 2, 3], |_| ());
        assert!(first.iter().zip(min_times.times()).all(|(first, both)| both <= first));
        assert!(min_times.times()[..3].iter().all(|&ns| ns < u32::MAX));
        min_times.reset();
        assert!(min_times.times().iter().all(|&ns| ns == u32::MAX));

        let mut left = 4;
        let done = min_times.until_done(&clock, || {
            left -= 1;
            left > 0
        });
        min_times.truncate(done);
        assert_eq!((done, min_times.times().len()), (4, 4));
    }
}
