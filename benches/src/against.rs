//! Compares this run with a saved one.
//!
//! Ratios to a peer are compared, not times. The peer ran in the same rounds, so the ratio does not depend on
//! how fast the machine was on that day. A row has changed if the spreads of the two ratios do not overlap
//! and are more than [`MIN_CHANGE`] apart. The least times of the suite `latency` are single readings and
//! have no spread. They have changed if they differ by more than the [`noise`]. Plain runs of that suite, and
//! times without a peer, are not judged. Counted values are always judged.

use crate::document::Document;
use crate::report::Row;
use crate::suites::latency;
use crate::verdict::noise;

/// How far apart two spreads must be. This is less than the margin between ahead and behind. So a change that
/// only moves a loop to another place in the code is reported too.
pub const MIN_CHANGE: f64 = 0.01;

/// How a row has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The saved run has no such row.
    New,
    /// The row is a time without a peer, or a single reading, and cannot be judged.
    NotJudged,
    /// The change is within the noise.
    Same,
    /// The row is better by more than the noise.
    Better,
    /// The row is worse by more than the noise.
    Worse,
}

impl Change {
    /// Returns the word in the table.
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

/// Returns how `row` has changed since the run of `saved`, and the row that it is compared with.
pub fn change<'a>(row: &Row, saved: &'a [Row]) -> (Change, Option<&'a Row>) {
    let Some(then) = saved.iter().find(|then| then.same_measurement(row)) else { return (Change::New, None) };
    let (Some((now_low, now_high)), Some((then_low, then_high))) = (interval(row), interval(then)) else {
        return (Change::NotJudged, Some(then));
    };
    let noise = noise(row);
    let gap = 1.0 + if row.case.ends_with(latency::MINIMUM) { noise } else { noise.min(MIN_CHANGE) };
    let change = if now_low > then_high * gap {
        Change::Worse
    } else if now_high * gap < then_low {
        Change::Better
    } else {
        Change::Same
    };
    (change, Some(then))
}

/// How the rows of a run have changed.
#[derive(Debug)]
pub struct Changes<'a> {
    /// The saved run.
    pub before: Saved<'a>,
    /// Whether both runs are from the same machine and compiler.
    pub same_machine: bool,
    /// The rows that are worse, each with the saved row. The greatest loss comes first.
    pub worse: Vec<(&'a Row, &'a Row)>,
    /// How many rows are better.
    pub better: usize,
    /// How many rows only this run has.
    pub fresh: usize,
    /// How many rows only the saved run has, in suites that ran in both.
    pub gone: usize,
    /// How many rows this run has.
    pub rows: usize,
}

/// A saved run and its name.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// The name.
    pub name: &'a str,
    /// The run.
    pub document: &'a Document,
}

impl<'a> Changes<'a> {
    /// Compares the rows of `now` with those of `before`. `suites` are the names of the suites that have run
    /// now.
    pub fn of(before: Saved<'a>, now: &'a Document, suites: &[&str]) -> Self {
        let (mut worse, mut better, mut fresh) = (Vec::new(), 0, 0);
        for row in &now.rows {
            match change(row, &before.document.rows) {
                (Change::Worse, Some(then)) => worse.push((row, then)),
                (Change::Better, _) => better += 1,
                (Change::New, _) => fresh += 1,
                _ => {}
            }
        }
        let growth = |&(row, then): &(&Row, &Row)| row.verdict_value() / then.verdict_value();
        worse.sort_by(|a, b| growth(b).total_cmp(&growth(a)));
        let is_gone = |then: &&Row| {
            suites.contains(&then.suite.as_str()) && !now.rows.iter().any(|row| row.same_measurement(then))
        };
        let gone = before.document.rows.iter().filter(is_gone).count();
        let same_machine = before.document.machine == now.machine;
        Self { before, same_machine, worse, better, fresh, gone, rows: now.rows.len() }
    }

    /// Returns a summary in one line.
    pub fn summary(&self) -> String {
        let Saved { name, document } = self.before;
        let worse = self.worse.len();
        format!(
            "Against {name} (commit {}): {worse} worse, {} better, {} within the noise or not judged, {} new, {} gone.",
            document.short_commit(),
            self.better,
            self.rows - worse - self.better - self.fresh,
            self.fresh,
            self.gone,
        )
    }
}

/// Returns the interval of the value that is compared, or `None` if the row is not judged.
fn interval(row: &Row) -> Option<(f64, f64)> {
    let (low, high) = match (row.has_peer(), row.is_timed()) {
        (true, _) => (row.ratio_low, row.ratio_high),
        (false, false) => (row.value, row.value),
        (false, true) => return None,
    };
    (low.is_finite() && high.is_finite() && row.is_judged()).then_some((low, high))
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
    fn plain_runs_of_single_operations_are_not_judged() {
        let plain = |ratio| Row { case: "insert, plain".into(), ..timed("ns", ratio, ratio) };
        assert_eq!(judge(plain(9.0), plain(1.0)), Change::NotJudged);
        let least = |ratio| Row { case: "insert, minimum of 5 runs".into(), ..timed("ns", ratio, ratio) };
        assert_eq!(judge(least(1.09), least(1.0)), Change::Same);
        assert_eq!(judge(least(1.11), least(1.0)), Change::Worse);
    }

    #[test]
    fn counted_values_need_no_peer_and_times_do() {
        let alone = |unit, value| Row::alone("s", "c", 1, "ours", "m", unit, value);
        assert_eq!(judge(alone("B", 110.0), alone("B", 100.0)), Change::Worse);
        assert_eq!(judge(alone("B", 100.0), alone("B", 100.0)), Change::Same);
        assert_eq!(judge(alone("ns", 110.0), alone("ns", 100.0)), Change::NotJudged);
    }

    #[test]
    fn the_worst_change_comes_first() {
        let counted = |case: &str, value| Row::alone("s", case, 1, "ours", "memory", "B", value);
        let elsewhere = Row { suite: "t".into(), ..counted("a", 10.0) };
        let then = ["a", "b", "c", "gone"].map(|case| counted(case, 10.0));
        let before = Document::now(&then.into_iter().chain([elsewhere]).collect::<Vec<_>>().into());
        let rows = vec![counted("a", 12.0), counted("b", 30.0), counted("c", 5.0), counted("d", 1.0)];
        let now = Document::now(&rows.into());
        let changes = Changes::of(Saved { name: "then", document: &before }, &now, &["s"]);
        let worse: Vec<(f64, f64)> =
            changes.worse.iter().map(|(row, then)| (row.value, then.value)).collect();
        assert_eq!(worse, [(30.0, 10.0), (12.0, 10.0)]);
        assert!(
            changes
                .summary()
                .ends_with("2 worse, 1 better, 0 within the noise or not judged, 1 new, 1 gone.")
        );
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
