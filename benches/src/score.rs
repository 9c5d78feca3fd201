//! The score of a suite, as the last screen and the page show it: its headline, how many rows are ahead, level and
//! behind, and the best and the worst row.

use crate::report::Row;
use crate::suite::Suite;
use crate::verdict::Verdict;

/// The score of a suite.
#[derive(Debug)]
pub struct Score<'a> {
    /// The headline; none where the run has no row for it.
    pub headline: Option<Figure<'a>>,
    /// Rows that are ahead of their peer.
    pub ahead: usize,
    /// Rows that are level with their peer.
    pub level: usize,
    /// Rows that are behind their peer.
    pub behind: usize,
    /// The row in which redcore does best; none where no row has a peer.
    pub best: Option<&'a Row>,
    /// The row in which redcore does worst.
    pub worst: Option<&'a Row>,
}

/// The figure of a headline.
#[derive(Debug)]
pub struct Figure<'a> {
    /// The ratio of the row; the geometric mean of the ratios where there are several rows.
    pub ratio: f64,
    /// The rows that it is made of.
    pub rows: Vec<&'a Row>,
}

impl<'a> Score<'a> {
    /// The score of `suite` in a run that found `rows`.
    pub fn of(suite: &Suite, rows: &'a [Row]) -> Self {
        let rows = || rows.iter().filter(|row| row.suite == suite.name && row.has_peer());
        let count = |verdict| rows().filter(|row| Verdict::of(row) == Some(verdict)).count();
        let by_loss = |a: &&Row, b: &&Row| a.loss().total_cmp(&b.loss());
        Self {
            headline: Figure::of(rows().filter(|row| (suite.headline.rows)(row)).collect()),
            ahead: count(Verdict::Ahead),
            level: count(Verdict::Level),
            behind: count(Verdict::Behind),
            best: rows().min_by(by_loss),
            worst: rows().max_by(by_loss),
        }
    }
}

impl<'a> Figure<'a> {
    fn of(rows: Vec<&'a Row>) -> Option<Self> {
        // A ratio of 0 or of no value has no logarithm.
        let rows: Vec<_> = rows.into_iter().filter(|row| row.ratio > 0.0 && row.ratio.is_finite()).collect();
        let mean = rows.iter().map(|row| row.ratio.ln()).sum::<f64>() / rows.len() as f64;
        (!rows.is_empty()).then(|| Self { ratio: mean.exp(), rows })
    }

    /// `what` the figure is of, and how it is made where it is not the ratio of a single row.
    pub fn describe(&self, what: &str) -> String {
        match self.rows.len() {
            1 => what.into(),
            several => format!("{what} (geometric mean of {several})"),
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
    fn a_score_counts_the_rows_that_have_a_peer() {
        let elsewhere = Row { suite: "t".into(), ..row("chosen", "p", 9.0) };
        let alone = Row::alone("s", "chosen", 1, "ours", "time", "ns", 9.0);
        let rows = [
            row("a", "p", 0.5),
            row("b", "p", 1.0),
            row("c", "p", 3.0),
            row("d", "p", 2.0),
            elsewhere,
            alone,
        ];
        let score = Score::of(&SUITE, &rows);
        assert_eq!((score.ahead, score.level, score.behind), (1, 1, 2));
        assert_eq!((score.best.unwrap().case.as_str(), score.worst.unwrap().case.as_str()), ("a", "c"));
        assert!(score.headline.is_none(), "no row of the headline has a peer");
    }

    #[test]
    fn the_best_row_of_a_rate_is_the_highest() {
        let rate = |case, ratio| Row { unit: "ops/s".into(), ..row(case, "p", ratio) };
        let rows = [rate("half", 0.5), rate("three times", 3.0), row("twice the time", "p", 2.5)];
        let score = Score::of(&SUITE, &rows);
        assert_eq!(score.best.unwrap().case, "three times");
        assert_eq!(score.worst.unwrap().case, "twice the time");
    }

    #[test]
    fn a_headline_of_several_rows_is_their_geometric_mean() {
        let one = [row("chosen", "p", 0.7)];
        let figure = Score::of(&SUITE, &one).headline.unwrap();
        assert_eq!((figure.rows.len(), figure.describe("x").as_str()), (1, "x"));
        assert!((figure.ratio - 0.7).abs() < 1e-12);

        let two = [row("chosen", "p", 0.5), row("chosen", "q", 8.0), row("chosen", "r", 0.0)];
        let figure = Score::of(&SUITE, &two).headline.unwrap();
        assert!((figure.ratio - 2.0).abs() < 1e-12, "{figure:?}");
        assert_eq!(figure.describe("x"), "x (geometric mean of 2)");
    }
}
