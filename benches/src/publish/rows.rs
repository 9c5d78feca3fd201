//! The rows of a run that README.md shows.
//!
//! To change the rows, change only [`ROWS`]. The last row of the table is not in this list. It is always the
//! [worst](crate::score::worst) row.

use crate::report::Row;
use std::fmt;

/// A row of the table: its measurement, and the names that the table uses for it.
pub struct TableRow {
    /// What was done, in Markdown.
    pub label: &'static str,
    /// What it is compared with, in Markdown.
    pub peer_label: &'static str,
    /// The names of the row in report.json.
    pub measurement: Measurement,
}

/// The names of a row in report.json.
pub struct Measurement {
    /// The row's suite.
    pub suite: &'static str,
    /// The row's case.
    pub case: &'static str,
    /// The row's n in a full run.
    pub n: u64,
    /// The row's subject.
    pub subject: &'static str,
    /// The row's peer.
    pub peer: &'static str,
    /// The row's metric.
    pub metric: &'static str,
}

/// The rows in the order of the table. README.md has eight rows: these, and the worst row of the run.
pub const ROWS: &[TableRow] = &[
    TableRow {
        label: "**bytes a key**, keys of 16 B with values of 32 B, a million of them",
        peer_label: "the best server, Valkey 9.1",
        measurement: Measurement {
            suite: "memory",
            case: "W2, keys of 16 B, values of 32 B",
            n: 1_000_000,
            subject: "Keyspace",
            peer: "Valkey 9.1",
            metric: "used_memory a key",
        },
    },
    TableRow {
        label: "the same, mean over all sizes up to 10 million",
        peer_label: "hashbrown, keys and values in boxes",
        measurement: Measurement {
            suite: "memory",
            case: "growth, keys of 16 B with values of 32 B",
            n: TEN_MILLION,
            subject: "Keyspace",
            peer: "hashbrown of boxes",
            metric: "mean over N",
        },
    },
    TableRow {
        label: "**longest of 10 million SETs** of new keys; each counts with its fastest of 5 runs",
        peer_label: "hashbrown of boxes",
        measurement: LONGEST_SET,
    },
    TableRow {
        label: "**SET of a new key**, 4 million",
        peer_label: "hashbrown of boxes",
        measurement: Measurement {
            suite: "keyspace",
            case: "SET of a new key",
            n: FOUR_MILLION,
            subject: "Keyspace",
            peer: "hashbrown of boxes",
            metric: "time",
        },
    },
    TableRow {
        label: "**dependent GETs**, the same keys: which one comes next depends on the value before",
        peer_label: "hashbrown of boxes",
        measurement: Measurement {
            suite: "keyspace",
            case: "GET, dependent",
            n: FOUR_MILLION,
            subject: "Keyspace",
            peer: "hashbrown of boxes",
            metric: "time",
        },
    },
    TableRow {
        label: "**independent GETs**: a loop over keys that are known beforehand",
        peer_label: "hashbrown of boxes",
        measurement: Measurement {
            suite: "keyspace",
            case: "GET, independent",
            n: FOUR_MILLION,
            subject: "Keyspace",
            peer: "hashbrown of boxes",
            metric: "time",
        },
    },
    TableRow {
        label: "**sixteen GETs at a time**, dependent",
        peer_label: "hashbrown of boxes, sixteen look-ups in a loop",
        measurement: Measurement {
            suite: "keyspace",
            case: "16 GETs, dependent",
            n: FOUR_MILLION,
            subject: "Keyspace, get_many of 16",
            peer: "hashbrown of boxes, 16 gets",
            metric: "time",
        },
    },
];

/// The row of the picture of the longest SET. The picture also has the rows that compare the same value with
/// the other peers.
pub const LONGEST_SET: Measurement = Measurement {
    suite: "keyspace",
    case: "SET of new keys, half of them with an expiry, minimum of 5 runs",
    n: TEN_MILLION,
    subject: "Keyspace",
    peer: "hashbrown of boxes",
    metric: "max",
};

const TEN_MILLION: u64 = 10_000_000;

const FOUR_MILLION: u64 = 4_000_000;

impl Measurement {
    /// Returns the row with these names.
    pub fn find<'a>(&self, rows: &'a [Row]) -> Option<&'a Row> {
        rows.iter().find(|row| self.is(row))
    }

    fn is(&self, row: &Row) -> bool {
        row.n == self.n && self.is_at_some_n(row)
    }

    /// Returns whether the row has these names, with any n.
    pub fn is_at_some_n(&self, row: &Row) -> bool {
        let names = [&row.suite, &row.case, &row.subject, &row.peer, &row.metric];
        names == [self.suite, self.case, self.subject, self.peer, self.metric]
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, case, n, subject, peer, metric } = self;
        write!(f, "row '{suite}: {case}', metric '{metric}', n {n}, '{subject}' beside '{peer}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_of_all_rows_exist() {
        for TableRow { measurement, .. } in ROWS {
            assert!(crate::suites::ALL.iter().any(|suite| suite.name == measurement.suite), "{measurement}");
        }
    }
}
