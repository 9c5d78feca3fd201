//! [`ProbationShare`]: the part of the store that keys on probation may have.
//!
//! No fixed share suits every workload. If keys are used again soon, a short probation evicts them too early.
//! If keys are used again late or in a loop, places on probation are wasted, and the keys that have passed
//! could use them. So the share adapts to what happens:
//!
//! ```text
//!  a key comes back that was evicted from probation     probation is too short     the share grows
//!  a key comes back that had passed                     probation is too long      the share shrinks
//!  256 keys in a run left probation unused              probation is of no use     the share shrinks slowly
//! ```
//!
//! The third rule is for loops that are longer than the store. No key of such a loop comes back before its
//! ghost is gone, so the first two rules never apply.
//!
//! Steps are measured in parts of *one key*, so that the share changes as fast as the store's content. A step
//! is larger, up to sixteen times, if the side whose ghost was hit has fewer ghosts than the other side. A
//! side with few ghosts has few hits, and the larger step makes up for that. ARC does the same.
//!
//! The arithmetic has integers only.
//!
//! Limits: the share stays between 1 % and 50 % of the store, and is at least one key.
//!
//! Learned from: Megiddo and Modha, *ARC: A Self-Tuning, Low Overhead Replacement Cache* (FAST 2003).

use super::ghosts::{GhostCounts, PASSED_SAMPLE, Side};

/// The whole store, in the unit of a share.
const WHOLE: u64 = 1 << WHOLE_LOG;
/// The unit is fine enough for steps of a tenth of a key in a store of 2^40 keys.
const WHOLE_LOG: u32 = 48;
/// It is rounded up, so that the share of a hundred keys is ten and not nine.
const START: u64 = WHOLE.div_ceil(10);
const MIN: u64 = WHOLE.div_ceil(100);
const MAX: u64 = WHOLE / 2;

/// The unit of a step is 1 / 256 key. This is the base-2 logarithm of 256.
const KEY_LOG: u32 = 8;
/// The smallest step for a ghost that is hit.
const GHOST_STEP: u64 = 26;
/// The largest step for a ghost that is hit.
const GHOST_STEP_MAX: u64 = 16 * GHOST_STEP;
/// The step for a key that was evicted unused after a long run of such keys.
const UNUSED_STEP: u64 = 13;

/// Probation counts as of no use after a run of this many keys that left it unused.
const RUN_MAX: u16 = 256;
/// A use on probation, or a hit of a ghost of probation, shortens the run by this many keys.
const RUN_CUT: u16 = 64;

/// The part of a store that keys on probation may have.
pub(crate) struct ProbationShare {
    /// The share, in units of 1 / 2^48 of the store.
    target: u64,
    /// The length of the run of keys that left probation unused, up to [`RUN_MAX`].
    unused_run: u16,
}

impl ProbationShare {
    /// The share at the start: a tenth.
    pub(crate) const START: Self = Self { target: START, unused_run: 0 };

    /// The largest possible share.
    pub(crate) const MAX: Self = Self { target: MAX, unused_run: 0 };

    /// Returns the share of `whole` keys or bytes, rounded down, but at least 1.
    #[inline]
    pub(crate) fn of(&self, whole: usize) -> usize {
        let share = (u128::from(self.target) * whole as u128) >> WHOLE_LOG;
        (share as usize).max(1)
    }

    /// Returns whether probation has been of no use for so long that unused keys may pass it.
    pub(crate) fn is_unused(&self) -> bool {
        self.unused_run == RUN_MAX
    }

    /// Notes that a key came back whose ghost is of this side. `counts` has the numbers of ghosts, and `keys`
    /// is the number of keys in the store.
    pub(crate) fn note_ghost_hit(&mut self, side: Side, counts: GhostCounts, keys: usize) {
        let (probation, passed) = (counts.probation.max(1) as u64, counts.passed.max(PASSED_SAMPLE) as u64);
        let step = |other: u64, own: u64| (GHOST_STEP * other / own).clamp(GHOST_STEP, GHOST_STEP_MAX);
        match side {
            Side::Probation => {
                self.set(self.target + in_whole(step(passed, probation), keys));
                self.cut_run();
            }
            // Each remembered key stands for `PASSED_SAMPLE` keys.
            Side::Passed => self.shrink(PASSED_SAMPLE as u64 * step(probation, passed), keys),
        }
    }

    /// Notes that a key that was used on probation has reached the end of the queue.
    pub(crate) fn note_used(&mut self) {
        self.cut_run();
    }

    /// Notes that an unused key was evicted from probation, in a store of `keys` keys.
    pub(crate) fn note_evicted_unused(&mut self, keys: usize) {
        self.unused_run = (self.unused_run + 1).min(RUN_MAX);
        if self.is_unused() {
            self.shrink(UNUSED_STEP, keys);
        }
    }

    fn cut_run(&mut self) {
        self.unused_run = self.unused_run.saturating_sub(RUN_CUT);
    }

    fn shrink(&mut self, step: u64, keys: usize) {
        self.set(self.target.saturating_sub(in_whole(step, keys)));
    }

    fn set(&mut self, target: u64) {
        self.target = target.clamp(MIN, MAX);
    }
}

/// Converts a step from units of 1 / 256 key to the unit of a share, in a store of `keys` keys.
fn in_whole(step: u64, keys: usize) -> u64 {
    (step << (WHOLE_LOG - KEY_LOG)) / keys.max(1) as u64
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    const KEYS: usize = 100_000;
    const EVEN: GhostCounts = GhostCounts { probation: 1_000, passed: 1_000 };

    /// Returns the change of the share in a store of `keys` keys, in keys.
    fn change(share: &mut ProbationShare, keys: usize, act: impl FnOnce(&mut ProbationShare)) -> f64 {
        let in_keys = |share: &ProbationShare| share.target as f64 / WHOLE as f64 * keys as f64;
        let before = in_keys(share);
        act(share);
        in_keys(share) - before
    }

    fn unused(share: &mut ProbationShare, times: usize) {
        (0..times).for_each(|_| share.note_evicted_unused(KEYS));
    }

    #[test]
    fn a_ghost_of_probation_makes_the_share_larger_and_one_that_passed_makes_it_smaller() {
        for keys in [1_000, KEYS, usize::try_from(1_u64 << 40).unwrap_or(usize::MAX)] {
            let mut share = ProbationShare::START;
            let up = change(&mut share, keys, |share| share.note_ghost_hit(Side::Probation, EVEN, keys));
            assert!((up - 26.0 / 256.0).abs() < 0.01, "{up}");
            let down = change(&mut share, keys, |share| share.note_ghost_hit(Side::Passed, EVEN, keys));
            assert!((down + 4.0 * 26.0 / 256.0).abs() < 0.01, "{down}");
        }
    }

    #[test]
    fn the_side_with_fewer_ghosts_moves_the_share_by_more_up_to_sixteen_times() {
        for (own, other, times) in [(1_000, 2_000, 2.0), (2_000, 1_000, 1.0), (0, usize::MAX >> 8, 16.0)] {
            let (mut share, step) = (ProbationShare::START, 26.0 / 256.0);
            let counts = GhostCounts { probation: own, passed: other };
            let up = change(&mut share, KEYS, |share| share.note_ghost_hit(Side::Probation, counts, KEYS));
            assert!((up - times * step).abs() < 0.01, "{own} {other}: {up}");
            let counts = GhostCounts { probation: other, passed: own };
            let down = change(&mut share, KEYS, |share| share.note_ghost_hit(Side::Passed, counts, KEYS));
            assert!((down + 4.0 * times * step).abs() < 0.01, "{own} {other}: {down}");
        }
    }

    #[test]
    fn a_share_stays_between_a_hundredth_and_a_half_and_is_one_key_at_least() {
        for (keys, least, most) in [(10_000, 100, 5_000), (20, 1, 10), (1, 1, 1), (0, 1, 1)] {
            let mut share = ProbationShare::START;
            (0..200_000).for_each(|_| share.note_ghost_hit(Side::Probation, EVEN, keys));
            assert_eq!(share.of(keys), most);
            (0..200_000).for_each(|_| share.note_ghost_hit(Side::Passed, EVEN, keys));
            assert_eq!(share.of(keys), least);
            assert!(share.of(usize::MAX) <= usize::MAX / 10);
        }
    }

    #[test]
    fn a_long_run_of_unused_keys_makes_the_share_smaller_and_a_short_one_does_not() {
        let mut share = ProbationShare::START;
        assert_eq!(change(&mut share, KEYS, |share| unused(share, 255)), 0.0);
        assert!(!share.is_unused());
        let down = change(&mut share, KEYS, |share| unused(share, 10));
        assert!((down + 10.0 * 13.0 / 256.0).abs() < 0.01, "{down}");
        assert!(share.is_unused());
        unused(&mut share, 1_000_000);
        assert_eq!(share.of(KEYS), KEYS / 100);
    }

    #[test]
    fn a_use_or_a_ghost_of_probation_ends_a_run_and_a_use_does_not_move_the_share() {
        let ends: [fn(&mut ProbationShare); 2] =
            [ProbationShare::note_used, |share| share.note_ghost_hit(Side::Probation, EVEN, KEYS)];
        for end in ends {
            let mut share = ProbationShare::START;
            unused(&mut share, 256);
            end(&mut share);
            assert!(!share.is_unused());
            assert_eq!(change(&mut share, KEYS, |share| unused(share, 63)), 0.0);
            unused(&mut share, 1);
            assert!(share.is_unused());
        }
        let mut share = ProbationShare::START;
        assert_eq!(change(&mut share, KEYS, ProbationShare::note_used), 0.0);
        assert_eq!(share.unused_run, 0);
    }

    #[test]
    fn a_ghost_that_had_passed_does_not_end_a_run() {
        let mut share = ProbationShare::START;
        unused(&mut share, 256);
        share.note_ghost_hit(Side::Passed, EVEN, KEYS);
        assert!(share.is_unused());
    }
}
