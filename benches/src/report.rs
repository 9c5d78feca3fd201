//! The results of a run: rows, notes and plots.

use crate::measure::{Samples, ratio};
use crate::text::{cut, thousands};
use serde::{Deserialize, Serialize};

/// One line of a table, and one element of `rows` in report.json. It compares a subject with one peer.
///
/// A row without a peer has an empty `peer`. Its `peer_value` and its ratio are NaN here, and null in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The name of the suite.
    pub suite: String,
    /// What was done.
    pub case: String,
    /// The size of the case, such as a number of elements, bytes or threads. It is 0 if the case has no size.
    pub n: u64,
    /// The part of redcore that was measured.
    pub subject: String,
    /// What the subject is compared with.
    pub peer: String,
    /// What `value` measures: `time`, `memory`, ...
    pub metric: String,
    /// The unit of both values: `ns`, `B`, ... Smaller values are better.
    pub unit: String,
    /// The value of the subject. If there are rounds, it is their median.
    #[serde(with = "nan_as_null")]
    pub value: f64,
    /// The value of the peer.
    #[serde(with = "nan_as_null")]
    pub peer_value: f64,
    /// The value of the subject divided by that of the peer. If there are rounds, it is the median over
    /// paired rounds.
    #[serde(with = "nan_as_null")]
    pub ratio: f64,
    /// The lower quartile of the ratio over the rounds. It is equal to `ratio` if there are no rounds, as for
    /// counted values and for the single readings of the suite `latency`.
    #[serde(with = "nan_as_null")]
    pub ratio_low: f64,
    /// The upper quartile of the ratio over the rounds, or `ratio` if there are no rounds.
    #[serde(with = "nan_as_null")]
    pub ratio_high: f64,
}

/// The name in place of the peer in a row that no peer qualifies for.
pub const NO_PEER: &str = "no peer";

mod nan_as_null {
    //! Writes NaN as null, because JSON has no NaN.
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

impl Row {
    /// Returns a row with a counted value and no peer.
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

    /// Returns the row with the value of a peer. The ratio is the quotient of the values, and has no spread.
    pub fn beside(self, peer: &str, peer_value: f64) -> Self {
        let ratio = self.value / peer_value;
        Self { peer: peer.into(), peer_value, ratio, ratio_low: ratio, ratio_high: ratio, ..self }
    }

    /// Returns whether the two rows are the same measurement. They may be from different runs.
    pub fn same_measurement(&self, other: &Row) -> bool {
        fn key(row: &Row) -> [&String; 6] {
            [&row.suite, &row.case, &row.subject, &row.peer, &row.metric, &row.unit]
        }
        self.n == other.n && key(self) == key(other)
    }

    /// Returns whether the two rows, of one run, are of the same case. Their subjects and peers may differ.
    pub fn same_case(&self, other: &Row) -> bool {
        (&self.suite, &self.case, self.n, &self.metric) == (&other.suite, &other.case, other.n, &other.metric)
    }

    /// Returns whether the two rows compare the same value with two peers.
    pub fn same_value(&self, other: &Row) -> bool {
        self.same_case(other) && self.subject == other.subject && self.value == other.value
    }

    /// Returns the case as tables show it, with the metric unless that is time.
    pub fn title(&self) -> String {
        if self.metric == "time" { self.case.clone() } else { format!("{}, {}", self.case, self.metric) }
    }

    /// Returns the name of the row outside of a table: the case, its size, the subject and the peer.
    pub fn name(&self) -> String {
        self.name_within(usize::MAX)
    }

    /// Returns the [`name`](Self::name) in at most `width` characters. The case is cut first, and then the
    /// rest.
    pub fn name_within(&self, width: usize) -> String {
        let size = if self.n == 0 { String::new() } else { format!(", n {}", thousands(self.n as i64)) };
        let peer = if self.has_peer() { format!(" beside {}", self.peer) } else { String::new() };
        let rest = format!("{size}: {}{peer}", self.subject);
        let title = cut(&self.title(), width.saturating_sub(rest.chars().count()));
        cut(&(title + &rest), width)
    }

    /// Returns whether the row compares the subject with a peer.
    pub fn has_peer(&self) -> bool {
        !self.peer.is_empty() && self.peer != NO_PEER
    }

    /// Returns whether the values are times. All other values are counted.
    pub fn is_timed(&self) -> bool {
        matches!(self.unit.as_str(), "ns" | "us" | "ms" | "s")
    }

    /// Returns the figure that the row is judged by: the ratio if there is a peer, and otherwise the value.
    pub fn verdict_value(&self) -> f64 {
        if self.has_peer() { self.ratio } else { self.value }
    }
}

/// A line in a [`Plot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
}

/// A plot of the HTML report, and one element of `plots` in report.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    /// A word that is unique in the report. It is the anchor of the plot.
    pub id: String,
    /// The suite that it belongs to.
    pub suite: String,
    /// The line above the plot, which says what the plot shows.
    pub title: String,
    /// The label of the x axis.
    pub x_label: String,
    /// The label of the y axis.
    pub y_label: String,
    /// Whether the x axis is logarithmic. Points at or below 0 are then left out.
    pub log_x: bool,
    /// Whether the y axis is logarithmic. Points at or below 0 are then left out.
    pub log_y: bool,
    /// The lines.
    pub series: Vec<Series>,
}

impl Plot {
    /// Returns whether a point can be drawn on the axes.
    pub fn is_drawable(&self, (x, y): (f64, f64)) -> bool {
        x.is_finite() && y.is_finite() && (x > 0.0 || !self.log_x) && (y > 0.0 || !self.log_y)
    }
}

/// A remark that is shown below the table of a suite.
#[derive(Clone, Debug)]
pub struct Note {
    /// The suite that it belongs to.
    pub suite: String,
    /// The plain text. Its line breaks are kept.
    pub text: String,
}

/// The results of the suites so far.
#[derive(Default, Debug)]
pub struct Report {
    /// The rows in the order in which they were measured.
    pub rows: Vec<Row>,
    /// The remarks, in the same order.
    pub notes: Vec<Note>,
    /// The plots, in the same order.
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

    /// Adds a row for each peer, with the time of one operation in ns. Each round consists of `ops`
    /// operations. The first of `samples` is redcore, and the others are its peers.
    ///
    /// # Panics
    /// If `samples` is empty.
    pub fn compare(&mut self, suite: &str, case: &str, n: u64, ops: u64, samples: &[Samples]) {
        let (subject, peers) = samples.split_at(1);
        self.compare_many(suite, case, n, ops, subject, peers);
    }

    /// Like [`compare`](Self::compare), for several subjects. Each of them is compared with each peer.
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

    /// Returns the rows of one suite.
    pub fn rows_of<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.suite == suite)
    }

    /// Returns the remarks of one suite.
    pub fn notes_of<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Note> {
        self.notes.iter().filter(move |note| note.suite == suite)
    }

    /// Returns the plots of one suite.
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
