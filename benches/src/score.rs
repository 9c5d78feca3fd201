//! The score of a suite, as the last screen and the page show it. It has the headline, the numbers of rows
//! that are ahead, level and behind, and the best and the worst row.
//!
//! The numbers include only rows that [count](Row::counts). The headline may use other rows.

use crate::report::Row;
use crate::suite::Suite;
use crate::verdict::Verdict;

/// The text of the screen and the page if a run has no row for a headline.
pub const NO_HEADLINE: &str = "no row of the headline in this run";

/// The score of a suite.
#[derive(Debug)]
pub struct Score<'a> {
    /// The headline, or `None` if the run has no row for it.
    pub headline: Option<HeadlineRatio<'a>>,
    /// Rows that are ahead of their peer.
    pub ahead: usize,
    /// Rows that are level with their peer.
    pub level: usize,
    /// Rows that are behind their peer.
    pub behind: usize,
    /// Rows that do not count.
    pub not_counted: usize,
    /// The row with the best ratio for redcore, or `None` if no row counts.
    pub best: Option<&'a Row>,
    /// The row with the worst ratio for redcore, or `None` if no row counts.
    pub worst: Option<&'a Row>,
}

/// The ratio of a headline.
#[derive(Debug)]
pub struct HeadlineRatio<'a> {
    /// The ratio of the row, or the geometric mean of the ratios if there are several rows.
    pub ratio: f64,
    /// The rows that the ratio is computed from.
    pub rows: Vec<&'a Row>,
    /// The number of rows that were selected. It is greater than the number of `rows` if some ratios have no
    /// logarithm.
    pub chosen: usize,
}

impl<'a> Score<'a> {
    /// Returns the score of `suite` in a run with these rows.
    pub fn of(suite: &Suite, rows: &'a [Row]) -> Self {
        let rows = || rows.iter().filter(|row| row.suite == suite.name);
        let count = |verdict| rows().filter(|row| Verdict::of(row) == verdict).count();
        let chosen = rows().filter(|row| row.has_peer() && (suite.headline.rows)(row));
        Self {
            headline: HeadlineRatio::of(chosen.collect()),
            ahead: count(Some(Verdict::Ahead)),
            level: count(Some(Verdict::Level)),
            behind: count(Some(Verdict::Behind)),
            not_counted: count(None),
            best: best(rows()),
            worst: worst(rows()),
        }
    }
}

/// Returns the row with the least ratio among the rows that count. If there are several, returns the first
/// one.
pub fn best<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<&'a Row> {
    rows.filter(|row| row.counts()).reduce(|best, row| if row.ratio < best.ratio { row } else { best })
}

/// Returns the row with the greatest ratio among the rows that count, of any suite, case and metric. If there
/// are several, returns the first one.
pub fn worst<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<&'a Row> {
    rows.filter(|row| row.counts()).reduce(|worst, row| if row.ratio > worst.ratio { row } else { worst })
}

impl<'a> HeadlineRatio<'a> {
    fn of(rows: Vec<&'a Row>) -> Option<Self> {
        let chosen = rows.len();
        // The logarithm needs a positive, finite ratio.
        let rows: Vec<_> = rows.into_iter().filter(|row| row.ratio > 0.0 && row.ratio.is_finite()).collect();
        let mean = rows.iter().map(|row| row.ratio.ln()).sum::<f64>() / rows.len() as f64;
        (!rows.is_empty()).then(|| Self { ratio: mean.exp(), rows, chosen })
    }

    /// Returns `what`, and how the ratio is computed if it is not the ratio of a single row.
    pub fn describe(&self, what: &str) -> String {
        match (self.rows.len(), self.chosen) {
            (1, 1) => what.into(),
            (used, chosen) if used == chosen => format!("{what} (mean of {used})"),
            (used, chosen) => format!("{what} (mean of {used} of {chosen})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Headline;

    const SUITE: Suite = Suite {
        name: "s",
        about: "",
        headline: Headline { what: "chosen", rows: |row| row.case == "chosen" },
        run: |_| Ok(()),
    };

    fn row(case: &str, peer: &str, ratio: f64) -> Row {
        Row::alone("s", case, 1, "ours", "time", "ns", ratio).beside(peer, 1.0)
    }

    #[test]
    fn a_score_counts_the_rows_beside_the_code_of_others() {
        let elsewhere = Row { suite: "t".into(), ..row("chosen", "p", 9.0) };
        let alone = Row::alone("s", "chosen", 1, "ours", "time", "ns", 9.0);
        let rows = [
            row("a", "p", 0.5),
            row("b", "p", 1.0),
            row("c", "p", 3.0),
            row("d", "p", 2.0),
            row("redcore beside itself", "Dict, get", 0.1),
            row("insert, plain", "p", 90.0),
            elsewhere,
            alone,
        ];
        let score = Score::of(&SUITE, &rows);
        assert_eq!((score.ahead, score.level, score.behind, score.not_counted), (1, 1, 2, 3));
        assert_eq!((score.best.unwrap().case.as_str(), score.worst.unwrap().case.as_str()), ("a", "c"));
        assert!(score.headline.is_none(), "no row of the headline has a peer");
    }

    #[test]
    fn a_ratio_of_nothing_is_neither_the_best_nor_the_worst() {
        let nothing =
            |value: f64| Row::alone("s", "nothing", 1, "ours", "time", "ns", value).beside("p", 0.0);
        let rows = [nothing(0.0), row("better", "p", 1.5), row("worse", "p", 2.5), nothing(1.0)];
        let score = Score::of(&SUITE, &rows);
        assert_eq!(
            (score.best.unwrap().case.as_str(), score.worst.unwrap().case.as_str()),
            ("better", "worse")
        );
        assert_eq!((score.behind, score.not_counted), (2, 2));
    }

    #[test]
    fn a_headline_of_several_rows_is_their_geometric_mean() {
        let one = [row("chosen", "p", 0.7)];
        let headline = Score::of(&SUITE, &one).headline.unwrap();
        assert_eq!((headline.rows.len(), headline.describe("x").as_str()), (1, "x"));
        assert!((headline.ratio - 0.7).abs() < 1e-12);

        let two = [row("chosen", "p", 0.5), row("chosen", "q", 8.0)];
        let headline = Score::of(&SUITE, &two).headline.unwrap();
        assert!((headline.ratio - 2.0).abs() < 1e-12, "{headline:?}");
        assert_eq!(headline.describe("x"), "x (mean of 2)");
    }

    #[test]
    fn a_headline_says_that_a_ratio_without_a_logarithm_is_not_in_the_mean() {
        let rows = [row("chosen", "p", 0.5), row("chosen", "q", 8.0), row("chosen", "r", 0.0)];
        let headline = Score::of(&SUITE, &rows).headline.unwrap();
        assert!((headline.ratio - 2.0).abs() < 1e-12, "{headline:?}");
        assert_eq!(headline.describe("x"), "x (mean of 2 of 3)");
    }
}
