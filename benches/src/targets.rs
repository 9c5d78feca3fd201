//! Compares the results with the limits that the project has set itself.
//!
//! ```toml
//! [[target]]
//! suite = "alloc"               # the row: suite, case and metric must match,
//! case = "pair, 1 thread"
//! metric = "time"
//! n = 48                        # n and subject are optional (the limit is for all matching rows);
//! subject = "Zmalloc"
//! peer = "tikv-jemallocator"    # with a peer, the limit is on the ratio, and otherwise on the value
//! limit = 1.15                  # the greatest value that holds
//! issue = 3                     # the issue that set the limit
//! measured = 1.3                # if the limit is missed: what was measured,
//! reason = "..."                # and why
//! ```
//!
//! A limit is never changed to fit the results.

use crate::error::BadInput;
use crate::report::Row;
use crate::text::{figure, thousands};
use serde::Deserialize;
use std::path::Path;

/// The limits of this repository.
pub const DEFAULT_TARGETS: &str = include_str!("../targets.toml");

/// One limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The row's suite.
    pub suite: String,
    /// The row's case.
    pub case: String,
    /// The row's metric.
    pub metric: String,
    /// The row's n. If it is left out, the limit is for every n.
    pub n: Option<u64>,
    /// The row's subject. If it is left out, the limit is for every subject.
    pub subject: Option<String>,
    /// The row's peer. If it is given, the limit is on the ratio, and otherwise on the value.
    pub peer: Option<String>,
    /// The limit.
    pub limit: f64,
    /// The issue that set it.
    pub issue: u32,
    /// The figure that was measured, if the limit is known to be missed.
    pub measured: Option<f64>,
    /// Why the limit is missed.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    target: Vec<Target>,
}

/// Parses limits. `path` is for the error message.
pub fn parse(text: &str, path: &Path) -> Result<Vec<Target>, BadInput> {
    match toml::from_str::<File>(text) {
        Ok(file) => Ok(file.target),
        Err(err) => {
            let line = err.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            Err(BadInput::file(path, format!("line {line}: {}", err.message())))
        }
    }
}

/// A limit and a row that it is for.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The limit.
    pub target: &'a Target,
    /// The row, or `None` if the run has no row for this limit.
    pub row: Option<&'a Row>,
    /// The ratio or the value of the row, or NaN without a row.
    pub found: f64,
    /// Whether the limit holds. It is `false` without a row.
    pub met: bool,
}

impl Judged<'_> {
    /// Returns the figure divided by the limit. It is at most 1 if the limit holds.
    fn excess(&self) -> f64 {
        self.found / self.target.limit
    }

    /// Returns what the limit is for: the suite, case, metric, subject and peer.
    pub fn name(&self) -> String {
        let Target { suite, case, metric, subject, peer, .. } = self.target;
        let subject = self.row.map(|row| &row.subject).or(subject.as_ref());
        let subject = subject.map(|subject| format!(": {subject}")).unwrap_or_default();
        let peer = peer.as_ref().map(|peer| format!(" beside {peer}")).unwrap_or_default();
        format!("{suite}: {case}, {metric}{subject}{peer}")
    }

    /// Returns the n of the row or of the limit as text. The text is empty if neither has one.
    pub fn n(&self) -> String {
        let n = self.row.map(|row| row.n).or(self.target.n);
        n.map(|n| thousands(n as i64)).unwrap_or_default()
    }

    /// Returns the figure of the row as text.
    pub fn found(&self) -> String {
        if self.row.is_some() { figure(self.found) } else { "no such row".into() }
    }
}

impl Target {
    fn is_for(&self, row: &Row) -> bool {
        self.suite == row.suite
            && self.case == row.case
            && self.metric == row.metric
            && self.n.is_none_or(|n| n == row.n)
            && self.subject.as_ref().is_none_or(|subject| *subject == row.subject)
            && self.peer.as_ref().is_none_or(|peer| *peer == row.peer)
    }

    /// Returns what was measured when the limit was missed, and why. The text is empty if this is not known.
    pub fn known(&self) -> String {
        match (self.measured, &self.reason) {
            (Some(measured), Some(reason)) => format!("{}: {reason}", figure(measured)),
            _ => String::new(),
        }
    }

    fn judge<'a>(&'a self, row: &'a Row) -> Judged<'a> {
        let found = if self.peer.is_some() { row.ratio } else { row.value };
        Judged { target: self, row: Some(row), found, met: found <= self.limit }
    }
}

/// Compares every limit of the suites in `suites` with every row that it is for.
pub fn judge<'a>(targets: &'a [Target], suites: &[&str], rows: &'a [Row]) -> Vec<Judged<'a>> {
    let mut judged: Vec<Judged<'a>> = Vec::new();
    for target in targets.iter().filter(|target| suites.contains(&target.suite.as_str())) {
        let before = judged.len();
        for row in rows.iter().filter(|row| target.is_for(row)) {
            // The value of a subject is in one row for each peer, and is judged only once.
            let seen = |j: &Judged| {
                target.peer.is_none()
                    && j.row.is_some_and(|other| (other.n, &other.subject) == (row.n, &row.subject))
            };
            if !judged[before..].iter().any(seen) {
                judged.push(target.judge(row));
            }
        }
        if judged.len() == before {
            judged.push(Judged { target, row: None, found: f64::NAN, met: false });
        }
    }
    judged
}

/// How many limits hold.
#[derive(Debug)]
pub struct Tally<'a> {
    /// The number of limits that hold.
    pub held: usize,
    /// The limits that a row misses. The greatest excess comes first.
    pub missed: Vec<&'a Judged<'a>>,
    /// The limits without a row in the run.
    pub absent: Vec<&'a Judged<'a>>,
}

impl<'a> Tally<'a> {
    /// Counts `judged`.
    pub fn of(judged: &'a [Judged<'a>]) -> Self {
        let mut missed: Vec<_> = judged.iter().filter(|j| !j.met && j.row.is_some()).collect();
        missed.sort_by(|a, b| b.excess().total_cmp(&a.excess()));
        let absent: Vec<_> = judged.iter().filter(|j| j.row.is_none()).collect();
        Self { held: judged.len() - missed.len() - absent.len(), missed, absent }
    }

    /// Returns a summary in one line.
    pub fn summary(&self) -> String {
        let Self { held, missed, absent } = self;
        let (missed, absent) = (missed.len(), absent.len());
        let rule = if absent == 0 { "" } else { "; at full scale a limit without a row is missed" };
        format!("Limits: {held} held, {missed} missed, {absent} without a row{rule}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<Target> {
        parse(text, Path::new("t.toml")).unwrap()
    }

    fn row(case: &str, n: u64, peer: &str, value: f64, peer_value: f64) -> Row {
        Row::alone("alloc", case, n, "ours", "time", "ns", value).beside(peer, peer_value)
    }

    #[test]
    fn the_limits_of_this_repository_are_well_formed() {
        let ours = targets(DEFAULT_TARGETS);
        assert!(!ours.is_empty());
        for target in &ours {
            assert!(
                crate::suites::ALL.iter().any(|suite| suite.name == target.suite),
                "no suite '{}'",
                target.suite
            );
            assert!(target.limit > 0.0);
            assert_eq!(target.measured.is_some(), target.reason.is_some(), "{target:?}");
        }
    }

    #[test]
    fn with_a_peer_the_ratio_counts_and_without_the_value() {
        let text = r#"
            [[target]]
            suite = "alloc"
            case = "c"
            metric = "time"
            peer = "p"
            limit = 1.1
            issue = 3
            [[target]]
            suite = "alloc"
            case = "c"
            metric = "time"
            limit = 25
            issue = 3"#;
        let (targets, rows) = (targets(text), [row("c", 1, "p", 24.0, 20.0), row("c", 1, "q", 24.0, 1.0)]);
        let judged = judge(&targets, &["alloc"], &rows);
        assert_eq!(judged.len(), 2, "the value is judged once");
        assert_eq!((judged[0].found, judged[0].met), (1.2, false));
        assert_eq!((judged[1].found, judged[1].met), (24.0, true));
    }

    #[test]
    fn a_target_without_n_holds_for_every_n() {
        let text = "target = [{suite='alloc', case='c', metric='time', peer='p', limit=1.0, issue=3}]";
        let (targets, rows) = (targets(text), [row("c", 1, "p", 1.0, 2.0), row("c", 2, "p", 3.0, 2.0)]);
        let met: Vec<bool> = judge(&targets, &["alloc"], &rows).iter().map(|j| j.met).collect();
        assert_eq!(met, [true, false]);
    }

    #[test]
    fn a_target_that_matches_nothing_is_not_met() {
        let text = "target = [{suite='alloc', case='typo', metric='time', limit=1.0, issue=3}]";
        let (targets, rows) = (targets(text), [row("c", 1, "p", 1.0, 2.0)]);
        let judged = judge(&targets, &["alloc"], &rows);
        assert!(judged.len() == 1 && judged[0].row.is_none() && !judged[0].met);
        assert!(super::judge(&targets, &["sds"], &rows).is_empty(), "its suite did not run");
    }

    #[test]
    fn a_missing_ratio_meets_no_limit() {
        let text = "target = [{suite='alloc', case='c', metric='time', peer='', limit=1.0, issue=3}]";
        let rows = [Row::alone("alloc", "c", 1, "ours", "time", "ns", 0.5)];
        assert!(!judge(&targets(text), &["alloc"], &rows)[0].met);
    }

    #[test]
    fn a_tally_counts_and_puts_the_farthest_miss_first() {
        let text = "target = [{suite='alloc', case='c', metric='time', peer='p', limit=1.0, issue=3},
            {suite='alloc', case='typo', metric='time', limit=1.0, issue=3}]";
        let targets = targets(text);
        let rows = [row("c", 1, "p", 2.0, 1.0), row("c", 2, "p", 1.0, 2.0), row("c", 3, "p", 5.0, 1.0)];
        let judged = judge(&targets, &["alloc"], &rows);
        let tally = Tally::of(&judged);
        assert_eq!((tally.held, tally.absent.len()), (1, 1));
        assert_eq!(tally.absent[0].name(), "alloc: typo, time");
        let found: Vec<f64> = tally.missed.iter().map(|j| j.found).collect();
        assert_eq!(found, [5.0, 2.0]);
        let summary =
            "Limits: 1 held, 2 missed, 1 without a row; at full scale a limit without a row is missed.";
        assert_eq!(tally.summary(), summary);
    }

    #[test]
    fn errors_say_the_line() {
        let bad = |text| parse(text, Path::new("t.toml")).unwrap_err().to_string();
        let text = "\n[[target]]\nsuite = 'a'\ncase = 'c'\nmetric = 'm'\nlimit = 'x'\nissue = 1\n";
        assert!(bad(text).starts_with("t.toml: line 6:"), "{}", bad(text));
        assert!(bad("[[target]]\nsuit = 1").contains("suit"));
    }
}
