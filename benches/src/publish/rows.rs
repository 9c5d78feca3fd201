//! Which rows of a run the first page shows.
//!
//! The table of [`ROWS`] is the only place to change. The last row is not chosen: it is the [worst](crate::score::worst).

use crate::report::Row;
use std::fmt;

/// A row of the table: which measurement it is, and what the table calls it.
pub struct TableRow {
    /// What was done, in Markdown.
    pub label: &'static str,
    /// What it is compared with, in Markdown.
    pub beside: &'static str,
    /// The names of the row in report.json.
    pub measurement: Measurement,
}

/// The names of a row in report.json.
pub struct Measurement {
    /// The row's suite.
    pub suite: &'static str,
    /// The row's case.
    pub case: &'static str,
    /// The row's n, in a full run.
    pub n: u64,
    /// The row's subject.
    pub subject: &'static str,
    /// The row's peer.
    pub peer: &'static str,
    /// The row's metric.
    pub metric: &'static str,
}

/// The rows, in the table's order. README.md has eight: these, and the worst of the run.
pub const ROWS: &[TableRow] = &[
    TableRow {
        label: "**bytes an entry**, 6-byte pointers, mean over all sizes up to 10 million",
        beside: "hashbrown",
        measurement: Measurement {
            suite: "memory",
            case: "growth, pointers",
            n: TEN_MILLION,
            subject: "Table, 6-byte pointers",
            peer: "hashbrown HashTable",
            metric: "mean over N",
        },
    },
    TableRow {
        label: "**longest of 10 million inserts**, key and value inline; each insert counts with its fastest of 5 runs",
        beside: "hashbrown",
        measurement: LONGEST_INSERT,
    },
    TableRow {
        label: "**dependent hits**, 6-byte pointers, 8 to 16 million: each key is computed from the value found last",
        beside: "hashbrown",
        measurement: Measurement {
            suite: "dict",
            case: "dependent hit, pointers, mean over a doubling",
            n: EIGHT_MILLION,
            subject: "Table, 6-byte pointers",
            peer: "hashbrown HashTable",
            metric: "time",
        },
    },
    TableRow {
        label: "**independent hits**, the same tables: all keys are known beforehand",
        beside: "hashbrown",
        measurement: Measurement {
            suite: "dict",
            case: "hit, pointers, mean over a doubling",
            n: EIGHT_MILLION,
            subject: "Table, 6-byte pointers",
            peer: "hashbrown HashTable",
            metric: "time",
        },
    },
    TableRow {
        label: "**hits as in a store**, 6-byte pointers, 10 million: 200 ns of work on each value, then the next key",
        beside: "hashbrown",
        measurement: Measurement {
            suite: "dict",
            case: "store-like, pointers",
            n: TEN_MILLION,
            subject: "Table, 6-byte pointers, find",
            peer: "hashbrown HashTable, find",
            metric: "time",
        },
    },
    TableRow {
        label: "the same, **sixteen keys at a time**",
        beside: "hashbrown, sixteen look-ups in a loop",
        measurement: Measurement {
            suite: "dict",
            case: "store-like, pointers",
            n: TEN_MILLION,
            subject: "Table, 6-byte pointers, find_many of 16",
            peer: "hashbrown HashTable, 16 finds",
            metric: "time",
        },
    },
    TableRow {
        label: "**inserts from empty**, 6-byte pointers, to 8 to 16 million",
        beside: "hashbrown, with the same hash",
        measurement: Measurement {
            suite: "dict",
            case: "insert, pointers, mean over a doubling",
            n: EIGHT_MILLION,
            subject: "Table, 6-byte pointers",
            peer: "hashbrown HashTable",
            metric: "time",
        },
    },
];

/// The picture of the longest insert has this row, and those beside the other peers.
pub const LONGEST_INSERT: Measurement = Measurement {
    suite: "latency",
    case: "insert, minimum of 5 runs",
    n: TEN_MILLION,
    subject: "Dict",
    peer: "hashbrown",
    metric: "max",
};

const TEN_MILLION: u64 = 10_000_000;

/// The n of a mean over the doubling from 8 to 16 million.
const EIGHT_MILLION: u64 = 8_000_000;

impl Measurement {
    /// The row of that name.
    pub fn find<'a>(&self, rows: &'a [Row]) -> Option<&'a Row> {
        rows.iter().find(|row| self.is(row))
    }

    fn is(&self, row: &Row) -> bool {
        row.n == self.n && self.is_at_some_n(row)
    }

    /// Whether the row is the measurement at a full run's n or at a smaller one.
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
