//! The verdict of a row: redcore is ahead of the peer, level with it, or behind it.
//!
//! The place of a loop in the program changes the time of the loop by a few percent. Repetitions in the same
//! process do not show this. So a timed row is ahead or behind only if the middle half of its ratios is more
//! than [`NOISE`] away from 1.

use crate::report::Row;
use crate::suites::latency;

/// How much the linker's placement of code changes a ratio of times. The placement is the same in all rounds,
/// so no spread shows this change.
pub const NOISE: f64 = 0.03;

/// The noise of the least times of several runs, which are single readings and have no spread.
pub const NOISE_OF_MINIMUM: f64 = 0.10;

/// The noise of counted values. A ratio that is printed as 1.00 is level.
const ROUNDING: f64 = 0.005;

/// The rule in words, for the screen and the page.
pub const RULE: &str =
    "A row is ahead or behind when the middle half of its rounds is more than 3 % away from 1.";

/// How redcore compares with a peer in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Redcore is better than the peer.
    Ahead,
    /// The difference is within the noise.
    Level,
    /// Redcore is worse than the peer.
    Behind,
}

/// Returns how far from 1 a ratio must be to count as different, and how far apart the ratios of two runs
/// must be.
pub fn noise(row: &Row) -> f64 {
    if row.case.ends_with(latency::MINIMUM) {
        NOISE_OF_MINIMUM
    } else if row.is_timed() {
        NOISE
    } else {
        ROUNDING
    }
}

impl Verdict {
    /// Returns the verdict of `row`, or `None` if the row does not [count](Row::counts).
    pub fn of(row: &Row) -> Option<Self> {
        let noise = noise(row);
        let verdict = if row.ratio_high < 1.0 - noise {
            Self::Ahead
        } else if row.ratio_low > 1.0 + noise {
            Self::Behind
        } else {
            Self::Level
        };
        row.counts().then_some(verdict)
    }

    /// Returns the word on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Level => "level",
            Self::Behind => "behind",
        }
    }

    /// Returns the sign next to the ratio on the page, for readers that do not see its colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Ahead => "▲",
            Self::Level => "",
            Self::Behind => "▼",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::NO_PEER;

    fn row(unit: &str, low: f64, high: f64) -> Row {
        let row = Row::alone("s", "c", 1, "ours", "m", unit, 1.0).beside("peer", 1.0);
        Row { ratio_low: low, ratio_high: high, ..row }
    }

    #[test]
    fn only_a_spread_farther_from_1_than_the_noise_is_ahead_or_behind() {
        assert_eq!(Verdict::of(&row("ns", 0.8, 0.96)), Some(Verdict::Ahead));
        assert_eq!(Verdict::of(&row("ns", 0.8, 0.98)), Some(Verdict::Level));
        assert_eq!(Verdict::of(&row("ns", 1.02, 1.2)), Some(Verdict::Level));
        assert_eq!(Verdict::of(&row("ns", 1.04, 1.2)), Some(Verdict::Behind));
    }

    #[test]
    fn counted_values_are_level_when_the_ratio_is_printed_as_one() {
        assert_eq!(Verdict::of(&row("B", 1.004, 1.004)), Some(Verdict::Level));
        assert_eq!(Verdict::of(&row("B", 1.006, 1.006)), Some(Verdict::Behind));
        assert_eq!(Verdict::of(&row("B", 0.994, 0.994)), Some(Verdict::Ahead));
    }

    #[test]
    fn the_least_times_of_several_runs_are_level_within_a_tenth() {
        let least = |ratio| Row { case: format!("insert, {}", latency::MINIMUM), ..row("ns", ratio, ratio) };
        assert_eq!(Verdict::of(&least(1.09)), Some(Verdict::Level));
        assert_eq!(Verdict::of(&least(1.11)), Some(Verdict::Behind));
    }

    #[test]
    fn rows_that_do_not_count_have_no_verdict() {
        let alone = Row::alone("s", "c", 1, "ours", "m", "ns", 1.0);
        assert_eq!(Verdict::of(&alone), None);
        assert_eq!(Verdict::of(&alone.clone().beside(NO_PEER, 1.0)), None);
        assert_eq!(Verdict::of(&alone.beside("peer", 0.0)), None);
    }

    #[test]
    fn the_rule_in_words_has_the_noise() {
        assert!(RULE.contains(&format!("{:.0} %", NOISE * 100.0)));
    }
}
