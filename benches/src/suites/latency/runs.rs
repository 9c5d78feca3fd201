//! Times each operation in the life of a map.

use crate::keys::Key;
use crate::maps::Map;
use crate::min_times::{MinTimes, Percentiles};
use quanta::Clock;
use std::hint::black_box;

/// The phases that are timed, in their order.
pub(super) const PHASES: [&str; 3] = ["insert", "look-up", "remove"];

/// The least times so far, for each phase.
pub(super) struct Runs {
    min_times: [MinTimes; PHASES.len()],
}

impl Runs {
    /// Returns a list of times for this many operations in each phase.
    pub(super) fn new(counts: [usize; PHASES.len()]) -> Self {
        Self { min_times: counts.map(MinTimes::new) }
    }

    /// Forgets all times.
    pub(super) fn reset(&mut self) {
        self.min_times.iter_mut().for_each(MinTimes::reset);
    }

    pub(super) fn percentiles(&self) -> [Percentiles; PHASES.len()] {
        self.min_times.each_ref().map(MinTimes::percentiles)
    }

    /// Returns [`MinTimes::windows`] for each phase.
    pub(super) fn windows(&self, count: usize) -> [Vec<(f64, f64)>; PHASES.len()] {
        self.min_times.each_ref().map(|min_times| min_times.windows(count))
    }
}

/// Makes one run: times each operation, and keeps its least time.
pub(super) fn record<M: Map<Key, u64>>(insert: &[Key], find: &[Key], runs: &mut Runs) {
    zmalloc::purge();
    let clock = Clock::new();
    let mut map = M::default();
    let [inserts, finds, removals] = &mut runs.min_times;
    let mut value = 0;
    inserts.each(&clock, insert, |key| {
        value += 1;
        map.insert(*key, value);
    });
    assert_eq!(map.len(), insert.len(), "{} lost entries", M::NAME);
    finds.each(&clock, find, |key| {
        black_box(map.get(key));
    });
    removals.each(&clock, find, |key| {
        black_box(map.remove(key));
    });
    assert_eq!(map.len(), 0, "{} kept entries", M::NAME);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;
    use crate::maps::FoldHash;

    #[test]
    fn every_operation_of_a_life_is_timed() {
        let keys = keys::present(1000, 1);
        let mut runs = Runs::new([1000; 3]);
        record::<hashbrown::HashMap<Key, u64, FoldHash>>(&keys, &keys, &mut runs);
        assert!(runs.min_times.iter().flat_map(MinTimes::times).all(|&ns| ns < u32::MAX));
        runs.reset();
        assert!(runs.min_times.iter().flat_map(MinTimes::times).all(|&ns| ns == u32::MAX));
    }
}
