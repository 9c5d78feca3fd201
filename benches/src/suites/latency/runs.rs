//! Times each operation in the life of a map.

use crate::keys::Key;
use crate::least::{Least, Reading};
use crate::maps::Map;
use quanta::Clock;
use std::hint::black_box;

/// The phases that are timed, in their order.
pub(super) const PHASES: [&str; 3] = ["insert", "look-up", "remove"];

/// The least times so far, for each phase.
pub(super) struct Runs {
    least: [Least; PHASES.len()],
}

impl Runs {
    /// Returns a list of times for this many operations in each phase.
    pub(super) fn new(counts: [usize; PHASES.len()]) -> Self {
        Self { least: counts.map(Least::new) }
    }

    /// Forgets all times.
    pub(super) fn reset(&mut self) {
        self.least.iter_mut().for_each(Least::reset);
    }

    pub(super) fn readings(&self) -> [Reading; PHASES.len()] {
        self.least.each_ref().map(Least::reading)
    }

    /// Returns [`Least::windows`] for each phase.
    pub(super) fn windows(&self, count: usize) -> [Vec<(f64, f64)>; PHASES.len()] {
        self.least.each_ref().map(|least| least.windows(count))
    }
}

/// Makes one run: times each operation, and keeps its least time.
pub(super) fn record<M: Map<Key, u64>>(insert: &[Key], find: &[Key], runs: &mut Runs) {
    zmalloc::purge();
    let clock = Clock::new();
    let mut map = M::default();
    let [inserts, finds, removals] = &mut runs.least;
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
    use crate::maps::Fold;

    #[test]
    fn every_operation_of_a_life_is_timed() {
        let keys = keys::present(1000, 1);
        let mut runs = Runs::new([1000; 3]);
        record::<hashbrown::HashMap<Key, u64, Fold>>(&keys, &keys, &mut runs);
        assert!(runs.least.iter().flat_map(Least::times).all(|&ns| ns < u32::MAX));
        runs.reset();
        assert!(runs.least.iter().flat_map(Least::times).all(|&ns| ns == u32::MAX));
    }
}
