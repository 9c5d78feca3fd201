//! This run beside a saved one.
//!
//! Ratios to a peer are compared, not times: the peer ran in the same rounds and carries the machine's mood of
//! its own day. A row changed when the spreads of the two ratios do not touch and are [`MIN_CHANGE`] apart. Times
//! without a peer are not judged; counted values are.

use crate::report::Row;

/// What no spread shows, such as where the linker put a loop, moves a ratio by about this much.
pub const MIN_CHANGE: f64 = 0.01;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The saved run has no such row.
    New,
    /// A time without a peer: nothing to judge it by.
    NotJudged,
    /// Within the noise.
    Same,
    /// Better by more than the noise.
    Better,
    /// Worse by more than the noise.
    Worse,
}

impl Change {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::NotJudged => "-",
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "WORSE",
        }
    }
}

/// What became of `row` since the run of `saved`, and the row it is compared with.
pub fn change<'a>(row: &Row, saved: &'a [Row]) -> (Change, Option<&'a Row>) {
    let Some(then) = saved.iter().find(|then| then.same_measurement(row)) else { return (Change::New, None) };
    let (Some((now_low, now_high)), Some((then_low, then_high))) = (interval(row), interval(then)) else {
        return (Change::NotJudged, Some(then));
    };
    let above = now_low > then_high * (1.0 + MIN_CHANGE);
    let below = now_high * (1.0 + MIN_CHANGE) < then_low;
    let change = match (above, below, row.less_is_better()) {
        (true, _, true) | (_, true, false) => Change::Worse,
        (_, true, true) | (true, _, false) => Change::Better,
        _ => Change::Same,
    };
    (change, Some(then))
}

fn interval(row: &Row) -> Option<(f64, f64)> {
    let counted = !matches!(row.unit.as_str(), "ns" | "us" | "ms" | "s" | "ops/s");
    let interval =
        if row.peer.is_empty() && counted { (row.value, row.value) } else { (row.ratio_low, row.ratio_high) };
    (interval.0.is_finite() && interval.1.is_finite()).then_some(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(unit: &str, low: f64, high: f64) -> Row {
        let row = Row::alone("s", "c", 1, "ours", "time", unit, 1.0).beside("peer", 1.0);
        Row { ratio_low: low, ratio_high: high, ..row }
    }

    fn judge(now: Row, then: Row) -> Change {
        change(&now, &[then]).0
    }

    #[test]
    fn only_spreads_apart_are_a_change() {
        assert_eq!(judge(timed("ns", 1.0, 1.2), timed("ns", 0.9, 1.1)), Change::Same);
        assert_eq!(judge(timed("ns", 1.2, 1.3), timed("ns", 0.9, 1.1)), Change::Worse);
        assert_eq!(judge(timed("ns", 0.7, 0.8), timed("ns", 0.9, 1.1)), Change::Better);
        assert_eq!(judge(timed("ns", 1.105, 1.2), timed("ns", 0.9, 1.1)), Change::Same, "too small a gap");
    }

    #[test]
    fn of_some_units_more_is_better() {
        assert_eq!(judge(timed("ops/s", 1.2, 1.3), timed("ops/s", 0.9, 1.1)), Change::Better);
        assert_eq!(judge(timed("ops/s", 0.7, 0.8), timed("ops/s", 0.9, 1.1)), Change::Worse);
    }

    #[test]
    fn counted_values_need_no_peer_and_times_do() {
        let alone = |unit, value| Row::alone("s", "c", 1, "ours", "m", unit, value);
        assert_eq!(judge(alone("B", 110.0), alone("B", 100.0)), Change::Worse);
        assert_eq!(judge(alone("B", 100.0), alone("B", 100.0)), Change::Same);
        assert_eq!(judge(alone("ns", 110.0), alone("ns", 100.0)), Change::NotJudged);
    }

    #[test]
    fn rows_are_found_by_all_that_names_them() {
        let row = timed("ns", 1.0, 1.0);
        assert_eq!(change(&row, &[]).0, Change::New);
        for other in [
            Row { suite: "x".into(), ..row.clone() },
            Row { case: "x".into(), ..row.clone() },
            Row { n: 2, ..row.clone() },
            Row { subject: "x".into(), ..row.clone() },
            Row { peer: "x".into(), ..row.clone() },
            Row { metric: "x".into(), ..row.clone() },
        ] {
            assert_eq!(judge(row.clone(), other), Change::New);
        }
    }
}
