//! Timing single operations, and the least time of each over several runs.

use crate::keys::Key;
use crate::maps::Map;
use quanta::Clock;
use std::hint::black_box;

/// What is timed. The look-ups stand between growth and removal.
pub(super) const PHASES: [&str; 3] = ["insert", "look-up", "remove"];

/// The least time of every operation so far, in nanoseconds, phase by phase; `u32` holds four seconds.
pub(super) struct Runs {
    least: [Vec<u32>; PHASES.len()],
}

/// What is said of a phase, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    p50: u32,
    p99: u32,
    p99_9: u32,
    p99_99: u32,
    max: u32,
}

impl Reading {
    pub(super) fn named(self) -> [(&'static str, f64); 5] {
        [
            ("p50", self.p50),
            ("p99", self.p99),
            ("p99.9", self.p99_9),
            ("p99.99", self.p99_99),
            ("max", self.max),
        ]
        .map(|(name, ns)| (name, f64::from(ns)))
    }

    /// Of times in any order, which are sorted.
    fn of(times: &mut [u32]) -> Self {
        times.sort_unstable();
        // The nearest rank: the smallest time that `share` of all operations do not exceed.
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            times.get(rank.max(1) - 1).copied().unwrap_or(0)
        };
        Self { p50: at(0.5), p99: at(0.99), p99_9: at(0.999), p99_99: at(0.9999), max: at(1.0) }
    }
}

impl Runs {
    /// For so many operations in each phase.
    pub(super) fn new(counts: [usize; PHASES.len()]) -> Self {
        Self { least: counts.map(|n| vec![u32::MAX; n]) }
    }

    /// Forgets all times. Touches every page, too: no fault of this array's own falls into a run.
    pub(super) fn reset(&mut self) {
        self.least.iter_mut().for_each(|times| times.fill(u32::MAX));
    }

    pub(super) fn readings(&self) -> [Reading; PHASES.len()] {
        std::array::from_fn(|phase| Reading::of(&mut self.least[phase].clone()))
    }

    /// The slowest operation of each of `count` equal windows, by phase: (operations so far, ns).
    pub(super) fn windows(&self, count: usize) -> [Vec<(f64, f64)>; PHASES.len()] {
        std::array::from_fn(|phase| {
            let times = &self.least[phase];
            let width = times.len().div_ceil(count).max(1);
            let slowest = |(i, window): (usize, &[u32])| {
                let end = (i * width + window.len()) as f64;
                (end, f64::from(window.iter().copied().max().unwrap_or(0)))
            };
            times.chunks(width).enumerate().map(slowest).collect()
        })
    }
}

/// One run: each operation is timed and its least time kept.
pub(super) fn record<M: Map<Key, u64>>(insert: &[Key], find: &[Key], runs: &mut Runs) {
    zmalloc::purge();
    let clock = Clock::new();
    let mut map = M::default();
    let [insert_ns, find_ns, remove_ns] = &mut runs.least;
    let mut value = 0;
    each(&clock, insert, insert_ns, |key| {
        value += 1;
        map.insert(*key, value);
    });
    assert_eq!(map.len(), insert.len(), "{} lost entries", M::NAME);
    each(&clock, find, find_ns, |key| {
        black_box(map.get(key));
    });
    each(&clock, find, remove_ns, |key| {
        black_box(map.remove(key));
    });
    assert_eq!(map.len(), 0, "{} kept entries", M::NAME);
}

#[inline]
fn each(clock: &Clock, keys: &[Key], least: &mut [u32], mut operation: impl FnMut(&Key)) {
    for (key, least) in keys.iter().zip(least) {
        let start = clock.raw();
        operation(black_box(key));
        let end = clock.raw();
        let ns = clock.delta_as_nanos(start, end).min(u32::MAX.into()) as u32;
        *least = ns.min(*least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;
    use crate::maps::Fold;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut times: Vec<u32> = (1..=10_000).rev().collect();
        let reading = Reading::of(&mut times);
        let want = Reading { p50: 5_000, p99: 9_900, p99_9: 9_990, p99_99: 9_999, max: 10_000 };
        assert_eq!(reading, want);
        assert_eq!(Reading::of(&mut []).max, 0);
        assert_eq!(Reading::of(&mut [7]), Reading { p50: 7, p99: 7, p99_9: 7, p99_99: 7, max: 7 });
    }

    #[test]
    fn the_least_time_of_each_operation_is_kept() {
        let keys = keys::present(1000, 1);
        let mut runs = Runs::new([1000; 3]);
        record::<hashbrown::HashMap<Key, u64, Fold>>(&keys, &keys, &mut runs);
        let first = runs.least.clone();
        record::<hashbrown::HashMap<Key, u64, Fold>>(&keys, &keys, &mut runs);
        for (first, both) in first.iter().flatten().zip(runs.least.iter().flatten()) {
            assert!(both <= first && *both < u32::MAX);
        }
        runs.reset();
        assert!(runs.least.iter().flatten().all(|&ns| ns == u32::MAX));
    }

    #[test]
    fn windows_keep_the_slowest() {
        let mut runs = Runs::new([10; 3]);
        runs.least[0] = vec![1, 9, 2, 3, 8, 1, 1, 1, 1, 5];
        assert_eq!(runs.windows(4)[0], [(3.0, 9.0), (6.0, 8.0), (9.0, 1.0), (10.0, 5.0)]);
    }
}
