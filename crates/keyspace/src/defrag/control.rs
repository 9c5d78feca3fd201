//! [`Control`]: it decides whether to defragment now, and for what share of the time.
//!
//! ```text
//!  share of the time, %
//!   cycle-max  25 |                            ...........
//!                 |                     . '
//!                 |              . '
//!   cycle-min   1 |          . '
//!                 +---------+------------------+----------> fragmentation, %
//!                        lower 10          upper 100
//! ```
//!
//! *Gaps* are free blocks of slabs that hold live blocks too. *Fragmentation* is the bytes of all gaps, in
//! percent of the allocated bytes.
//!
//! A *round* begins when fragmentation reaches `active-defrag-threshold-lower` and
//! `active-defrag-ignore-bytes`. It runs one pass after the other until the passes win nothing. So a round
//! ends at nearly no fragmentation, and not at the threshold.
//!
//! The share of the time follows the highest fragmentation since the gaps last grew. A smaller share for the
//! later passes would not save work, and the memory would be returned later. A pass closes most of the gaps
//! that it finds, so the second pass of a round would already have the smallest share.
//!
//! A pass *wins* if it reduces the gaps by more than half a percent of the keyspace's bytes. The gaps count,
//! and not the moved bytes, because a few moved blocks can empty many slabs. A round ends in one of two ways:
//!
//! - A pass wins nothing and moves half a percent of the bytes or less. No work is left.
//! - Three passes in a row leave the gaps at about the same size. The gaps lie outside the keyspace, or no
//!   pass can close them.
//!
//! If the gaps grow in a pass that moves more than that, memory is being freed meanwhile. The round then
//! continues, with the share for the fragmentation at that moment.
//!
//! No further pass can win the gaps that a round has left. So the next round waits until fragmentation is
//! five points above its minimum since the round.
//!
//! Time is granted in small portions: each call gets its share of the time since the last call. Unused time
//! is kept, up to two portions, so that no burst follows a pause. Time beyond the portion is subtracted from
//! the next portions.
//!
//! This module reads no clock and calls no allocator.
//!
//! Learned from: Redis' `defrag.c` (`computeDefragCycles`).

use crate::options::Options;
use core::time::Duration;

/// The longest time that one call may work. With the last step, a call takes about 500 us.
const PORTION_MAX: Duration = Duration::from_micros(450);

/// A call with less time than this does no work, because the time hardly suffices to begin. The time is kept.
const PORTION_MIN: Duration = Duration::from_micros(100);

/// Milliseconds between two measurements of the fragmentation.
const MEASURE_EVERY_MS: u64 = 1_000;

/// Percentage points by which fragmentation has to rise after a round before the next one begins.
const PERCENT_RISE_MIN: f64 = 5.0;

/// A change of at most this fraction (1 / 200) of the keyspace's bytes counts as no change. The bytes of the
/// process are no measure, because a keyspace may be one of many.
const NO_CHANGE_DIVISOR: usize = 200;

/// A round ends after this many passes in a row that change nothing.
const IDLE_PASSES_MAX: u32 = 3;

/// The fragmentation of the allocator's memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragmentation {
    /// The bytes of gaps: free blocks of slabs that hold live blocks too.
    pub(super) frag_smallbins_bytes: usize,
    /// The bytes of live blocks.
    pub(super) allocated: usize,
}

impl Fragmentation {
    /// Returns the gaps in percent of the allocated bytes.
    fn percent(self) -> f64 {
        100.0 * self.frag_smallbins_bytes as f64 / self.allocated.max(1) as f64
    }
}

/// A round that is running.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// The part of the time that a round gets, in percent.
    time_percent: f64,
    /// The time of the last call, in milliseconds.
    called_at: u64,
    /// The time that calls may use, in microseconds. Negative if calls have used too much.
    credit: f64,
    /// The gaps at the start of the pass, in bytes.
    gaps_before: usize,
    /// The bytes that the pass has moved.
    moved: usize,
    /// The number of passes in a row that changed nothing.
    idle_passes: u32,
}

/// Decides when and for how long to defragment. All times are in milliseconds since some fixed moment, and do
/// not go back. See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control {
    round: Option<Round>,
    /// The time at which fragmentation was last measured.
    measured_at: Option<u64>,
    /// The fragmentation at which the next round may begin, whatever the thresholds are.
    percent_min: f64,
}

impl Default for Control {
    fn default() -> Self {
        Self { round: None, measured_at: None, percent_min: 0.0 }
    }
}

impl Control {
    /// Returns the percentage of the time that defragmentation takes now, or 0 if no round is running.
    pub(super) fn time_percent(&self) -> f64 {
        self.round.map_or(0.0, |round| round.time_percent)
    }

    /// Returns whether it is time to measure fragmentation again.
    pub(super) fn is_measurement_due(&self, now: u64) -> bool {
        self.measured_at.is_none_or(|measured_at| now.saturating_sub(measured_at) >= MEASURE_EVERY_MS)
    }

    /// Notes a measurement. Begins a round if fragmentation is high. If a round is running, only raises its
    /// share.
    pub(super) fn note_measurement(&mut self, now: u64, found: Fragmentation, options: &Options) {
        self.measured_at = Some(now);
        let percent = found.percent();
        let time_percent = time_percent_at(percent, options);
        if let Some(round) = &mut self.round {
            round.time_percent = round.time_percent.max(time_percent);
            return;
        }
        self.percent_min = self.percent_min.min(percent + PERCENT_RISE_MIN);
        let is_high = percent >= f64::from(options.get_active_defrag_threshold_lower())
            && found.frag_smallbins_bytes >= options.get_active_defrag_ignore_bytes();
        if is_high && percent >= self.percent_min {
            let (called_at, gaps_before) = (now, found.frag_smallbins_bytes);
            self.round =
                Some(Round { time_percent, called_at, credit: 0.0, gaps_before, moved: 0, idle_passes: 0 });
        }
    }

    /// Returns the time that a call may work now, or `None` if it is too short to begin.
    pub(super) fn grant(&mut self, now: u64) -> Option<Duration> {
        let round = self.round.as_mut()?;
        let elapsed = now.saturating_sub(round.called_at);
        round.called_at = now;
        round.credit = (round.credit + micros_of(elapsed, round.time_percent)).min(2.0 * micros(PORTION_MAX));
        let portion = Duration::from_micros(round.credit.max(0.0) as u64).min(PORTION_MAX);
        (portion >= PORTION_MIN).then_some(portion)
    }

    /// Notes the time that a call has used, and the bytes that it has moved.
    pub(super) fn spend(&mut self, used: Duration, moved: usize) {
        if let Some(round) = &mut self.round {
            // If a call was interrupted for long, only a part of its time is subtracted.
            round.credit = (round.credit - micros(used)).max(-10.0 * micros(PORTION_MAX));
            round.moved = round.moved.saturating_add(moved);
        }
    }

    /// Ends a pass over `bytes` bytes. Also ends the round if the passes no longer win anything.
    pub(super) fn end_pass(&mut self, found: Fragmentation, bytes: usize, options: &Options) {
        let Some(round) = &mut self.round else { return };
        let (percent, gaps, nothing) =
            (found.percent(), found.frag_smallbins_bytes, bytes / NO_CHANGE_DIVISOR);
        let has_shrunk = round.gaps_before.saturating_sub(gaps) > nothing;
        let has_grown = gaps.saturating_sub(round.gaps_before) > nothing;
        round.idle_passes = if has_shrunk || has_grown { 0 } else { round.idle_passes + 1 };
        if (!has_shrunk && round.moved <= nothing) || round.idle_passes >= IDLE_PASSES_MAX {
            self.percent_min = percent + PERCENT_RISE_MIN;
            self.round = None;
            return;
        }
        if has_grown {
            round.time_percent = time_percent_at(percent, options);
        }
        (round.gaps_before, round.moved) = (gaps, 0);
    }

    /// Ends the round, and forgets the gaps that the last rounds have left.
    pub(super) fn stop(&mut self) {
        *self = Self { measured_at: self.measured_at, ..Self::default() };
    }

    /// Returns whether a round is running.
    pub(super) fn is_running(&self) -> bool {
        self.round.is_some()
    }

    /// Returns whether another call may work at once.
    pub(super) fn has_time_left(&self) -> bool {
        self.round.is_some_and(|round| round.credit >= micros(PORTION_MIN))
    }

    /// Returns the time from `now` until a call can use a full portion, or `None` if no round is running.
    pub(super) fn due(&self, now: u64) -> Option<Duration> {
        let round = self.round?;
        let missing = (micros(PORTION_MAX) - round.credit).max(0.0);
        let wait = (missing / micros_of(1, round.time_percent)).ceil() as u64;
        Some(Duration::from_millis(round.called_at.saturating_add(wait).saturating_sub(now)))
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Returns a percentage of a time in milliseconds, in microseconds.
fn micros_of(millis: u64, percent: f64) -> f64 {
    millis as f64 * percent * 10.0
}

/// Returns the share of the time for a fragmentation, both in percent.
fn time_percent_at(percent: f64, options: &Options) -> f64 {
    let lower = f64::from(options.get_active_defrag_threshold_lower());
    let upper = f64::from(options.get_active_defrag_threshold_upper());
    let min = f64::from(options.get_active_defrag_cycle_min());
    let max = f64::from(options.get_active_defrag_cycle_max());
    if percent >= upper {
        return max.max(min);
    }
    let time_percent = min + (percent - lower) * (max - min) / (upper - lower);
    // The order of `min` and `max` also gives a valid share if the limits are the wrong way round.
    if time_percent.is_finite() { time_percent.min(max).max(min) } else { min }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// Gaps of this percentage of 1,000 MiB.
    fn percent(percent: usize) -> Fragmentation {
        Fragmentation { frag_smallbins_bytes: 10 * MIB * percent, allocated: 1_000 * MIB }
    }

    fn running(at: usize) -> Control {
        let mut control = Control::default();
        control.note_measurement(0, percent(at), &Options::new());
        assert!(control.time_percent() > 0.0);
        control
    }

    fn time_percent(at: usize) -> f64 {
        time_percent_at(percent(at).percent(), &Options::new()).round()
    }

    /// Returns whether a round begins at this fragmentation.
    fn begins(control: &Control, found: Fragmentation) -> bool {
        let mut control = *control;
        control.note_measurement(5_000, found, &Options::new());
        control.time_percent() > 0.0
    }

    #[test]
    fn a_round_begins_above_both_thresholds() {
        let control = Control::default();
        assert!(begins(&control, percent(11)) && !begins(&control, percent(9)));
        let small = Fragmentation { frag_smallbins_bytes: 99 * MIB, allocated: MIB };
        let large = Fragmentation { frag_smallbins_bytes: 100 * MIB, allocated: MIB };
        assert!(begins(&control, large) && !begins(&control, small));
    }

    #[test]
    fn the_share_grows_from_one_threshold_to_the_other() {
        assert_eq!([5, 10, 55, 100, 300].map(time_percent), [1.0, 1.0, 13.0, 25.0, 25.0]);
        let equal = Options::new().active_defrag_threshold_lower(50).active_defrag_threshold_upper(50);
        assert_eq!([40.0, 50.0, 60.0].map(|percent| time_percent_at(percent, &equal)), [1.0, 25.0, 25.0]);
        let reversed = Options::new().active_defrag_cycle_min(50);
        assert_eq!([5.0, 55.0, 200.0].map(|percent| time_percent_at(percent, &reversed)), [50.0; 3]);
    }

    #[test]
    fn fragmentation_is_measured_once_a_second() {
        let mut control = Control::default();
        assert!(control.is_measurement_due(0));
        control.note_measurement(7, percent(0), &Options::new());
        assert!(!control.is_measurement_due(1_006) && control.is_measurement_due(1_007));
        assert!(!control.is_measurement_due(3), "a clock that goes back");
    }

    /// Each call uses all of its portion.
    #[test]
    fn calls_get_their_share_of_the_time() {
        for (at, each_ms) in [(100, 1), (100, 2), (50, 1), (50, 3), (12, 1), (12, 20)] {
            let mut control = running(at);
            let (mut used, mut now) = (Duration::ZERO, 0);
            while now < 100_000 {
                now += each_ms;
                while let Some(portion) = control.grant(now) {
                    assert!(PORTION_MIN <= portion && portion <= PORTION_MAX);
                    control.spend(portion, 0);
                    used += portion;
                }
            }
            let percent = used.as_secs_f64();
            assert!(
                (percent - control.time_percent()).abs() < 0.02,
                "{percent} of {} percent",
                control.time_percent()
            );
        }
    }

    #[test]
    fn a_pause_is_not_followed_by_a_burst() {
        let mut control = running(100);
        for _ in 0..2 {
            assert_eq!(control.grant(60_000), Some(PORTION_MAX));
            control.spend(PORTION_MAX, 0);
        }
        assert_eq!(control.grant(60_000), None);
        assert_eq!(control.grant(60_001), Some(Duration::from_micros(250)));
    }

    #[test]
    fn what_a_call_uses_beyond_its_portion_is_taken_off_the_next_ones() {
        let mut control = running(100);
        control.grant(2);
        control.spend(Duration::from_micros(1_500), 0);
        assert_eq!(control.due(2), Some(Duration::from_millis(6)));
        assert_eq!((control.grant(6), control.grant(8)), (None, Some(PORTION_MAX)));
        control.spend(Duration::from_secs(100), 0);
        assert_eq!(control.grant(8 + 22), Some(PORTION_MAX), "but not all of it");
    }

    #[test]
    fn a_call_is_due_when_it_can_use_a_full_portion() {
        assert_eq!(Control::default().due(0), None);
        assert_eq!(running(100).due(0), Some(Duration::from_millis(2)));
        assert_eq!(running(11).due(0), Some(Duration::from_millis(36)), "1.27 percent");
        let mut control = running(100);
        assert_eq!((control.due(1), control.due(9)), (Some(Duration::from_millis(1)), Some(Duration::ZERO)));
        assert!(control.grant(2).is_some());
        assert_eq!(control.due(2), Some(Duration::ZERO), "nothing has been used yet");
    }

    /// A pass that moves `moved` percent of the bytes.
    fn pass(control: &mut Control, moved: usize, percent_after: usize) {
        control.spend(Duration::ZERO, MIB * moved);
        control.end_pass(percent(percent_after), 100 * MIB, &Options::new());
    }

    #[test]
    fn a_round_goes_on_below_the_threshold_until_a_pass_wins_nothing() {
        let mut control = running(300);
        for after in [70, 20, 6, 3] {
            pass(&mut control, 5, after);
            assert_eq!(control.time_percent(), 25.0);
        }
        pass(&mut control, 0, 2);
        assert_eq!(control.time_percent(), 25.0, "it moved nothing, and slabs became empty");
        pass(&mut control, 0, 2);
        assert_eq!(control.time_percent(), 0.0);
        assert!(!begins(&control, percent(9)) && begins(&control, percent(11)));
    }

    #[test]
    fn a_round_that_changes_nothing_ends_and_the_next_one_waits_for_more() {
        let mut control = running(40);
        pass(&mut control, 30, 40);
        pass(&mut control, 30, 40);
        assert!(control.time_percent() > 0.0);
        pass(&mut control, 30, 40);
        assert_eq!(control.time_percent(), 0.0);
        assert!(!begins(&control, percent(44)) && begins(&control, percent(45)));
        // Fragmentation falls without a round. The next round begins five points above the minimum.
        control.note_measurement(9_000, percent(20), &Options::new());
        assert!(!begins(&control, percent(24)) && begins(&control, percent(26)));
    }

    #[test]
    fn a_keyspace_that_is_one_of_many_goes_on_while_the_gaps_of_its_own_close() {
        let mut control = running(300);
        let found =
            |kib: usize| Fragmentation { frag_smallbins_bytes: 3_000 * MIB - (kib << 10), ..percent(0) };
        for round in 1..10 {
            control.spend(Duration::ZERO, 50 << 10);
            control.end_pass(found(round * 20), MIB, &Options::new());
            assert!(control.time_percent() > 0.0);
        }
    }

    #[test]
    fn a_round_goes_on_while_others_free_memory() {
        let mut control = running(100);
        for after in [30, 31, 32, 55] {
            pass(&mut control, 5, after);
            assert_eq!(control.time_percent().round(), if after == 30 { 25.0 } else { time_percent(after) });
        }
    }

    #[test]
    fn a_measurement_during_a_pass_only_raises_the_share() {
        let mut control = running(55);
        control.note_measurement(1_000, percent(20), &Options::new());
        assert_eq!(control.time_percent().round(), 13.0);
        control.note_measurement(2_000, percent(100), &Options::new());
        assert_eq!(control.time_percent(), 25.0);
        control.stop();
        assert_eq!((control.time_percent(), control.due(9)), (0.0, None));
    }

    #[test]
    fn no_figure_is_a_panic() {
        for found in [
            Fragmentation { frag_smallbins_bytes: 0, allocated: 0 },
            Fragmentation { frag_smallbins_bytes: usize::MAX, allocated: 0 },
        ] {
            let mut control = Control::default();
            control.note_measurement(u64::MAX, found, &Options::new());
            control.grant(u64::MAX);
            control.spend(Duration::MAX, usize::MAX);
            control.spend(Duration::MAX, usize::MAX);
            control.due(0);
            control.end_pass(found, usize::MAX, &Options::new());
        }
    }
}
