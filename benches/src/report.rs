//! What a run found: rows, notes and plots, before they are printed anywhere.

use crate::measure::{Samples, ratio};
use crate::text::{cut, thousands};
use serde::{Deserialize, Serialize};

/// One line of a table and one element of `rows` in report.json: a subject beside one peer.
///
/// A row without a peer (`peer` empty) has no `peer_value` and no ratio: NaN here, null in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The suite's name.
    pub suite: String,
    /// What was done.
    pub case: String,
    /// The size of the case: elements, bytes, threads, whatever `case` scales with; 0 where nothing does.
    pub n: u64,
    /// The part of redcore that was measured.
    pub subject: String,
    /// What it is compared with.
    pub peer: String,
    /// What `value` is: `time`, `memory`, ...
    pub metric: String,
    /// The unit of both values: `ns`, `B`, ... Less is better.
    pub unit: String,
    /// The subject's value, the median of the rounds where there are rounds.
    #[serde(with = "nan_as_null")]
    pub value: f64,
    /// The peer's value.
    #[serde(with = "nan_as_null")]
    pub peer_value: f64,
    /// Subject over peer: the median over paired rounds; the quotient of both values where there are no rounds.
    #[serde(with = "nan_as_null")]
    pub ratio: f64,
    /// The lower quartile over rounds. It is equal to `ratio` where there are no rounds: for counted values, and for the
    /// single readings of the suite `latency`.
    #[serde(with = "nan_as_null")]
    pub ratio_low: f64,
    /// The upper quartile over rounds, or `ratio` likewise.
    #[serde(with = "nan_as_null")]
    pub ratio_high: f64,
}

/// Stands for the peer in a row where no peer qualifies.
pub const NO_PEER: &str = "no peer";

mod nan_as_null {
    //! JSON has no NaN.
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

impl Row {
    /// A counted value with no peer.
    pub fn alone(
        suite: &str,
        case: &str,
        n: u64,
        subject: &str,
        metric: &str,
        unit: &str,
        value: f64,
    ) -> Self {
        Self {
            suite: suite.into(),
            case: case.into(),
            n,
            subject: subject.into(),
            peer: String::new(),
            metric: metric.into(),
            unit: unit.into(),
            value,
            peer_value: f64::NAN,
            ratio: f64::NAN,
            ratio_low: f64::NAN,
            ratio_high: f64::NAN,
        }
    }

    /// The same beside a peer's value; the ratio is their quotient, without a spread.
    pub fn beside(self, peer: &str, peer_value: f64) -> Self {
        let ratio = self.value / peer_value;
        Self { peer: peer.into(), peer_value, ratio, ratio_low: ratio, ratio_high: ratio, ..self }
    }

    /// Whether the two rows are the same measurement, perhaps of different runs.
    pub fn same_measurement(&self, other: &Row) -> bool {
        fn key(row: &Row) -> [&String; 6] {
            [&row.suite, &row.case, &row.subject, &row.peer, &row.metric, &row.unit]
        }
        self.n == other.n && key(self) == key(other)
    }

    /// Whether the two rows are one case of one run, of perhaps other subjects and peers.
    pub fn same_case(&self, other: &Row) -> bool {
        (&self.suite, &self.case, self.n, &self.metric) == (&other.suite, &other.case, other.n, &other.metric)
    }

    /// Whether the two rows are one value beside two peers.
    pub fn same_value(&self, other: &Row) -> bool {
        self.same_case(other) && self.subject == other.subject && self.value == other.value
    }

    /// The case as tables show it: with the metric, unless that is time.
    pub fn title(&self) -> String {
        if self.metric == "time" { self.case.clone() } else { format!("{}, {}", self.case, self.metric) }
    }

    /// What the row is called outside of a table: the case, its size, and who stands beside whom.
    pub fn name(&self) -> String {
        self.name_within(usize::MAX)
    }

    /// The same in at most `width` characters: the case is cut first, then the rest.
    pub fn name_within(&self, width: usize) -> String {
        let size = if self.n == 0 { String::new() } else { format!(", n {}", thousands(self.n as i64)) };
        let peer = if self.has_peer() { format!(" beside {}", self.peer) } else { String::new() };
        let rest = format!("{size}: {}{peer}", self.subject);
        let title = cut(&self.title(), width.saturating_sub(rest.chars().count()));
        cut(&(title + &rest), width)
    }

    /// Whether the row compares the subject with something.
    pub fn has_peer(&self) -> bool {
        !self.peer.is_empty() && self.peer != NO_PEER
    }

    /// Whether the values are times, and not counted.
    pub fn is_timed(&self) -> bool {
        matches!(self.unit.as_str(), "ns" | "us" | "ms" | "s")
    }

    /// What is looked at first: the ratio where there is a peer, else the value.
    pub fn verdict_value(&self) -> f64 {
        if self.has_peer() { self.ratio } else { self.value }
    }
}

/// A line in a [`Plot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// Its points, in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
}

/// A plot of the HTML report, and one element of `plots` in report.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    /// A word that is unique in the report: the anchor of the plot.
    pub id: String,
    /// The suite under which it is shown.
    pub suite: String,
    /// The line above it: what it shows.
    pub title: String,
    /// What runs to the right.
    pub x_label: String,
    /// What runs up.
    pub y_label: String,
    /// A logarithmic x axis: points at or below 0 are left out.
    pub log_x: bool,
    /// A logarithmic y axis: points at or below 0 are left out.
    pub log_y: bool,
    /// The lines.
    pub series: Vec<Series>,
}

impl Plot {
    /// Whether a point has a place on the axes.
    pub fn is_drawable(&self, (x, y): (f64, f64)) -> bool {
        x.is_finite() && y.is_finite() && (x > 0.0 || !self.log_x) && (y > 0.0 || !self.log_y)
    }
}

/// A remark that is shown under a suite's table.
#[derive(Clone, Debug)]
pub struct Note {
    /// The suite under which it is shown.
    pub suite: String,
    /// Plain text; line breaks are kept.
    pub text: String,
}

/// What the suites found so far.
#[derive(Default, Debug)]
pub struct Report {
    /// In the order in which they were found.
    pub rows: Vec<Row>,
    /// Likewise.
    pub notes: Vec<Note>,
    /// Likewise.
    pub plots: Vec<Plot>,
}

impl From<Vec<Row>> for Report {
    fn from(rows: Vec<Row>) -> Self {
        Self { rows, ..Self::default() }
    }
}

impl Report {
    /// Adds a row.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds a remark.
    pub fn note(&mut self, suite: &str, text: impl Into<String>) {
        self.notes.push(Note { suite: suite.into(), text: text.into() });
    }

    /// Adds a plot.
    pub fn plot(&mut self, plot: Plot) {
        self.plots.push(plot);
    }

    /// Adds a row in ns an operation for each peer, where each round did `ops` operations: the first of
    /// `samples` is redcore, the others are its peers.
    ///
    /// # Panics
    /// If there are no samples at all.
    pub fn compare(&mut self, suite: &str, case: &str, n: u64, ops: u64, samples: &[Samples]) {
        let (subject, peers) = samples.split_at(1);
        self.compare_many(suite, case, n, ops, subject, peers);
    }

    /// The same for several subjects: each of them beside each peer.
    pub fn compare_many(
        &mut self,
        suite: &str,
        case: &str,
        n: u64,
        ops: u64,
        subjects: &[Samples],
        peers: &[Samples],
    ) {
        let ns_per_op = |samples: &Samples| samples.median_ns() / ops as f64;
        for subject in subjects {
            let row = Row::alone(suite, case, n, &subject.name, "time", "ns", ns_per_op(subject));
            if peers.is_empty() {
                self.row(row.clone());
            }
            for peer in peers {
                let ratio = ratio(subject, peer);
                self.row(Row {
                    peer: peer.name.clone(),
                    peer_value: ns_per_op(peer),
                    ratio: ratio.median,
                    ratio_low: ratio.low,
                    ratio_high: ratio.high,
                    ..row.clone()
                });
            }
        }
    }

    /// The rows of one suite.
    pub fn rows_of<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.suite == suite)
    }

    /// The remarks of one suite.
    pub fn notes_of<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Note> {
        self.notes.iter().filter(move |note| note.suite == suite)
    }

    /// The plots of one suite.
    pub fn plots_of<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Plot> {
        self.plots.iter().filter(move |plot| plot.suite == suite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn samples(name: &str, micros: &[u64]) -> Samples {
        Samples { name: name.into(), rounds: micros.iter().map(|&us| Duration::from_micros(us)).collect() }
    }

    #[test]
    fn compare_gives_a_row_for_each_peer_in_time_an_operation() {
        let mut report = Report::default();
        let samples =
            [samples("ours", &[10, 20, 30]), samples("one", &[20, 20, 20]), samples("two", &[5, 5, 5])];
        report.compare("s", "c", 7, 1000, &samples);
        assert_eq!(report.rows.len(), 2);
        let row = &report.rows[0];
        assert_eq!((row.subject.as_str(), row.peer.as_str(), row.n), ("ours", "one", 7));
        assert_eq!((row.value, row.peer_value), (20.0, 20.0));
        assert_eq!((row.ratio_low, row.ratio, row.ratio_high), (0.75, 1.0, 1.25));
        assert_eq!((report.rows[1].peer_value, report.rows[1].ratio), (5.0, 4.0));
    }

    #[test]
    fn without_peers_there_is_a_value_and_no_ratio() {
        let mut report = Report::default();
        report.compare("s", "c", 0, 1, &[samples("ours", &[3])]);
        assert_eq!(report.rows[0].value, 3000.0);
        assert!(report.rows[0].ratio.is_nan() && report.rows[0].peer.is_empty());
    }

    #[test]
    fn counted_values_have_an_exact_ratio() {
        let row = Row::alone("s", "c", 1, "a", "memory", "B", 30.0).beside("b", 40.0);
        assert_eq!((row.ratio, row.ratio_low, row.ratio_high), (0.75, 0.75, 0.75));
    }

    #[test]
    fn a_name_says_case_size_subject_and_peer_and_is_cut_in_the_case() {
        let row = Row::alone("s", "a rather long case", 1000, "ours", "memory", "B", 3.0).beside("peer", 4.0);
        assert_eq!(row.name(), "a rather long case, memory, n 1,000: ours beside peer");
        assert_eq!(row.name_within(40), "a rather lon…, n 1,000: ours beside peer");
        let alone = Row::alone("s", "case", 0, "ours", "time", "ns", 3.0);
        assert_eq!(alone.name(), "case: ours");
    }

    #[test]
    fn a_name_is_never_longer_than_its_width() {
        let subject = "Table, 6-byte pointers, find_many of 16";
        let row = Row::alone("dict", "store-like, pointers", 10_000_000, subject, "time", "ns", 3.0);
        let row = row.beside("Table, 6-byte pointers, find", 4.0);
        for width in [30, 80, 90] {
            assert_eq!(row.name_within(width).chars().count(), width, "{}", row.name_within(width));
        }
        assert_eq!(row.name_within(200), row.name());
    }

    #[test]
    fn a_missing_ratio_is_null_in_json_and_comes_back() {
        let json = serde_json::to_string(&Row::alone("s", "c", 1, "a", "memory", "B", 30.0)).unwrap();
        assert!(json.contains(r#""ratio":null"#), "{json}");
        let back: Row = serde_json::from_str(&json).unwrap();
        assert!(back.ratio.is_nan() && back.value == 30.0);
    }
}
