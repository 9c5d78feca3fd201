//! The tables of measured numbers in the chapters of the book.
//!
//! A chapter has an experiment, and its page includes a table with the results of the experiment. The tables come from
//! one quick run, because a reader's experiment is a quick run too:
//!
//! ```text
//!   report.json -> extract -> benches/published/book/quick.json -> docs/src/numbers/PAGE.md
//! ```

use super::rows::{Measurement, TableRow};
use super::table::{origin, ratio};
use crate::document::Document;
use crate::error::BadInput;
use crate::report::Row;
use crate::text::{TimeUnit, figure};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The folder of the tables, relative to the root of the repository.
pub(super) const FOLDER: &str = "docs/src/numbers";

/// The run that the tables are from, relative to the root of the repository.
const RUN: &str = "benches/published/book/quick.json";

/// A table of a chapter.
pub(super) struct Chapter {
    /// The name of the page without its ending.
    page: &'static str,
    rows: &'static [TableRow],
}

impl Chapter {
    /// Returns the path of the table, relative to the root of the repository.
    pub(super) fn path(&self) -> String {
        format!("{FOLDER}/{}.md", self.page)
    }

    /// Returns the table, and below it the origin of its numbers. Columns for peers are left out if no row has a
    /// peer.
    pub(super) fn markdown(&self, run: &Document) -> Result<String, BadInput> {
        let mut rows = Vec::new();
        for shown in self.rows {
            rows.push((shown, find(run, shown, Path::new(RUN))?));
        }
        let has_peers = rows.iter().any(|(_, row)| !row.peer.is_empty());
        let head = if has_peers {
            "| | redcore | beside | ratio |\n|---|---|---|---|"
        } else {
            "| | redcore |\n|---|---|"
        };
        let mut text = format!("{head}\n");
        for (TableRow { label, peer_label, .. }, row) in rows {
            let ours = value(row.value, &row.unit);
            let (ours, others) = if row.peer.is_empty() {
                (ours, if has_peers { " | |" } else { "" }.to_owned())
            } else {
                let ratio = if is_loss(row) { format!("**{}**", ratio(row.ratio)) } else { ratio(row.ratio) };
                let theirs = value(row.peer_value, &row.unit);
                (format!("{}: {ours}", row.subject), format!(" {peer_label}: {theirs} | {ratio} |"))
            };
            _ = writeln!(text, "| {label} | {ours} |{others}");
        }
        _ = writeln!(text, "\n*{}*", origin(run));
        Ok(text)
    }
}

/// A ratio that is printed as 1.00 is not a loss.
fn is_loss(row: &Row) -> bool {
    row.ratio.is_finite() && (row.ratio * 100.0).round() > 100.0
}

/// Returns a value with its unit.
fn value(value: f64, unit: &str) -> String {
    match unit {
        "ns" => {
            let unit = TimeUnit::of(value);
            format!("{}&nbsp;{}", unit.number(value), unit.name)
        }
        "us" => self::value(value * 1e3, "ns"),
        "" => figure(value),
        _ => format!("{}&nbsp;{}", figure(value), unit.replace(' ', "&nbsp;")),
    }
}

fn find<'a>(run: &'a Document, shown: &TableRow, path: &Path) -> Result<&'a Row, BadInput> {
    let missing = || BadInput::file(path, format!("the run has no {}", shown.measurement));
    shown.measurement.find(&run.rows).ok_or_else(missing)
}

/// Returns the published run, or `None` if there is none.
pub(super) fn load(root: &Path) -> Result<Option<Document>, BadInput> {
    let path = root.join(RUN);
    if path.exists() { Document::load(&path).map(Some) } else { Ok(None) }
}

/// Publishes the rows of the report in the file `path` that chapters show. Returns the path of the written file.
pub(super) fn publish(root: &Path, path: &Path) -> Result<PathBuf, BadInput> {
    let run = Document::load(path)?;
    let mut rows: Vec<Row> = Vec::new();
    for shown in CHAPTERS.iter().flat_map(|chapter| chapter.rows) {
        let row = find(&run, shown, path)?;
        if !rows.iter().any(|other| other.same_measurement(row)) {
            rows.push(row.clone());
        }
    }
    let file = root.join(RUN);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|err| BadInput::file(folder, err))?;
    }
    let shown = Document { rows, plots: Vec::new(), ..run };
    shown.save(&file).map_err(|err| BadInput::file(&file, err))?;
    Ok(file)
}

const fn row(label: &'static str, peer_label: &'static str, measurement: Measurement) -> TableRow {
    TableRow { label, peer_label, measurement }
}

const fn time(
    suite: &'static str,
    case: &'static str,
    n: u64,
    subject: &'static str,
    peer: &'static str,
) -> Measurement {
    Measurement { suite, case, n, subject, peer, metric: "time" }
}

/// Returns a row without a peer.
const fn alone(
    suite: &'static str,
    case: &'static str,
    n: u64,
    subject: &'static str,
    metric: &'static str,
) -> Measurement {
    Measurement { suite, case, n, subject, peer: "", metric }
}

const fn pair(case: &'static str, peer: &'static str) -> Measurement {
    time("alloc", case, 48, "Zmalloc", peer)
}

const fn string(case: &'static str, n: u64, peer: &'static str) -> Measurement {
    time("sds", case, n, "Sds", peer)
}

const fn insert(peer: &'static str, metric: &'static str) -> Measurement {
    Measurement {
        suite: "latency",
        case: "insert, minimum of 5 runs",
        n: 300_000,
        subject: "Dict",
        peer,
        metric,
    }
}

const fn remove(peer: &'static str, metric: &'static str) -> Measurement {
    Measurement {
        suite: "latency",
        case: "remove, minimum of 5 runs",
        n: 300_000,
        subject: "Dict",
        peer,
        metric,
    }
}

const fn encoding(case: &'static str, n: u64, subject: &'static str, peer: &'static str) -> Measurement {
    Measurement { suite: "encodings", case, n, subject, peer, metric: "memory" }
}

const fn object(n: u64, case: &'static str) -> Measurement {
    Measurement { suite: "robj", case, n, subject: "Robj", peer: "Arc<[u8]>", metric: "memory" }
}

const fn misses(case: &'static str, n: u64, subject: &'static str) -> Measurement {
    Measurement { suite: "eviction", case, n, subject, peer: "exact LRU", metric: "misses" }
}

const fn used_memory(case: &'static str, n: u64, server: &'static str) -> Measurement {
    memory(case, n, "Keyspace", server, "used_memory a key")
}

const fn memory(
    case: &'static str,
    n: u64,
    subject: &'static str,
    peer: &'static str,
    metric: &'static str,
) -> Measurement {
    Measurement { suite: "memory", case, n, subject, peer, metric }
}

/// The tables of all chapters.
pub(super) const CHAPTERS: &[Chapter] = &[
    Chapter {
        page: "counting",
        rows: &[
            row(
                "a pair: allocate and free 48 bytes, one thread",
                "jemalloc alone",
                pair("pair, 1 thread", "tikv-jemallocator"),
            ),
            row("the same", "`cap`", pair("pair, 1 thread", "cap")),
            row("a pair, two threads", "jemalloc alone", pair("pair, 2 threads", "tikv-jemallocator")),
            row("the same", "`cap`", pair("pair, 2 threads", "cap")),
        ],
    },
    Chapter {
        page: "strings",
        rows: &[
            row("create and free 7 bytes", "`Vec<u8>`", string("create and free", 7, "Vec<u8>")),
            row("create and free 44 bytes", "`Vec<u8>`", string("create and free", 44, "Vec<u8>")),
            row("the same", "`CompactString`", string("create and free", 44, "CompactString")),
            row("append a byte to a long string", "`Vec<u8>`", string("append a byte", 1_000_000, "Vec<u8>")),
            row("the same", "`BytesMut`", string("append a byte", 1_000_000, "BytesMut")),
            row("clone and free 7 bytes", "`CompactString`", string("clone and free", 7, "CompactString")),
        ],
    },
    Chapter {
        page: "spikes",
        rows: &[
            row("an insert, median", "the classic dict", insert("dict::classic", "p50")),
            row(
                "99.9 % of the inserts are at most this long",
                "the classic dict",
                insert("dict::classic", "p99.9"),
            ),
            row("99.99 %", "the classic dict", insert("dict::classic", "p99.99")),
            row("the longest insert", "the classic dict", insert("dict::classic", "max")),
            row("the same", "hashbrown", insert("hashbrown", "max")),
        ],
    },
    Chapter {
        page: "growing",
        rows: &[
            row("an insert, median", "hashbrown", insert("hashbrown", "p50")),
            row("99.99 % of the inserts are at most this long", "hashbrown", insert("hashbrown", "p99.99")),
            row("the longest insert", "hashbrown", insert("hashbrown", "max")),
            row("the same", "the classic dict", insert("dict::classic", "max")),
            row("the longest removal", "hashbrown", remove("hashbrown", "max")),
            row("the same", "the classic dict", remove("dict::classic", "max")),
        ],
    },
    Chapter {
        page: "packed",
        rows: &[
            row(
                "a field of a hash with ten fields",
                "hashbrown",
                time("encodings", "hash, get", 10, "Hash", BOXED_MAP),
            ),
            row("with a hundred fields", "hashbrown", time("encodings", "hash, get", 100, "Hash", BOXED_MAP)),
            row("bytes a field, ten fields", "hashbrown", encoding("hash", 10, "Hash", BOXED_MAP)),
            row("bytes a field, a hundred fields", "hashbrown", encoding("hash", 100, "Hash", BOXED_MAP)),
            row(
                "a look-up in a set of a hundred integers",
                "a sorted `Vec<i32>`",
                time("encodings", "set of integers, contains", 100, "Set", "sorted Vec<i32>"),
            ),
            row(
                "bytes an integer",
                "hashbrown",
                encoding("set of integers", 100, "Set", "hashbrown HashSet<i64>"),
            ),
        ],
    },
    Chapter {
        page: "objects",
        rows: &[
            row(
                "create and free a string of 44 bytes",
                "`Arc<[u8]>`",
                time("robj", "create and free", 44, "Robj", "Arc<[u8]>"),
            ),
            row("the same", "`Box<[u8]>`", time("robj", "create and free", 44, "Robj", "Box<[u8]>")),
            row(
                "create and free an integer",
                "`Arc<[u8]>`",
                time("robj", "from an integer", 10, "Robj", "Arc<[u8]>"),
            ),
            row(
                "a shared integer",
                "`Arc<[u8]>`",
                time("robj", "from a shared integer", 4, "Robj", "Arc<[u8]>"),
            ),
            row("memory of a string of 44 bytes", "`Arc<[u8]>`", object(44, "one value")),
            row("memory of a shared integer", "`Arc<[u8]>`", object(4, "one shared number")),
        ],
    },
    Chapter {
        page: "order",
        rows: &[
            row(
                "rank of a member",
                "skip list and map",
                time("encodings", "sorted set, rank", 50_000, "ZSet", SKIP_LIST),
            ),
            row(
                "ten members from a score on",
                "skip list and map",
                time("encodings", "sorted set, range by score", 50_000, "ZSet", SKIP_LIST),
            ),
            row(
                "score of a member",
                "skip list and map",
                time("encodings", "sorted set, score", 50_000, "ZSet", SKIP_LIST),
            ),
            row(
                "a new member",
                "skip list and map",
                time("encodings", "sorted set, add", 50_000, "ZSet", SKIP_LIST),
            ),
            row(
                "a new member",
                "`BTreeSet` and map",
                time("encodings", "sorted set, add", 50_000, "ZSet", "BTreeSet + HashMap"),
            ),
            row(
                "bytes a member",
                "skip list and map",
                Measurement {
                    suite: "encodings",
                    case: "sorted set",
                    n: 50_000,
                    subject: "ZSet",
                    peer: SKIP_LIST,
                    metric: "memory",
                },
            ),
        ],
    },
    Chapter {
        page: "entry",
        rows: &[
            row("bytes a key, without an expiry", "Redis 7.0", used_memory(W2, 100_000, "Redis 7.0")),
            row("the same", "Redis 8.10", used_memory(W2, 100_000, "Redis 8.10")),
            row("the same", "Valkey 9.1", used_memory(W2, 100_000, "Valkey 9.1")),
            row("bytes a key, with an expiry", "Redis 7.0", used_memory(W14, 100_000, "Redis 7.0")),
            row("the same", "Valkey 9.1", used_memory(W14, 100_000, "Valkey 9.1")),
            row(
                "GET, each key depends on the value before",
                "hashbrown of boxes",
                time("keyspace", "GET, dependent", 1_000_000, "Keyspace", "hashbrown of boxes"),
            ),
        ],
    },
    Chapter {
        page: "memory-model",
        rows: &[
            row(
                "classic Redis, all keys",
                "arithmetic",
                memory(SEEDS, 90_000, "dict::classic", "arithmetic", "used_memory"),
            ),
            row(
                "a table of strings and objects, all keys",
                "the classic dict",
                memory(SEEDS, 90_000, "Dict", "dict::classic", "used_memory"),
            ),
            row("the same", "hashbrown", memory(SEEDS, 90_000, "Dict", "hashbrown", "used_memory")),
            row("bytes a key", "Redis 7.0", used_memory(W1, 90_000, "Redis 7.0")),
            row("the same", "Redis 8.10", used_memory(W1, 90_000, "Redis 8.10")),
            row("the same", "Valkey 9.1", used_memory(W1, 90_000, "Valkey 9.1")),
        ],
    },
    Chapter {
        page: "expiry",
        rows: &[
            row(
                "keys that have expired and are still there, of 100, at most",
                "",
                alone("keyspace", "expired keys left, spread", 100_000, "Keyspace", "most, once settled"),
            ),
            row(
                "keys that are looked at for each removal",
                "",
                alone(
                    "keyspace",
                    "expired keys left, spread",
                    100_000,
                    "Keyspace",
                    "keys looked at a removal",
                ),
            ),
            row(
                "the same share, if writes renew the expiries",
                "",
                alone("keyspace", "expired keys left, refreshed", 100_000, "Keyspace", "most, once settled"),
            ),
            row(
                "all keys expire at once: time until 10 % are left",
                "",
                alone(
                    "keyspace",
                    "expired keys left, all at once",
                    100_000,
                    "Keyspace",
                    "time until 10 % are left",
                ),
            ),
            row(
                "the longest call that looks at 64 keys",
                "",
                alone(
                    "keyspace",
                    "expiry of half the keys, in calls of expire_some(64), minimum of 5 runs",
                    300_000,
                    "Keyspace",
                    "max",
                ),
            ),
        ],
    },
    Chapter {
        page: "at-the-limit",
        rows: &[
            row(
                "misses, a tenth of the keys fits",
                "exact LRU",
                misses("Zipf 0.99, 10 % of the keys", 10_000, "allkeys-lru"),
            ),
            row("the same", "exact LRU", misses("Zipf 0.99, 10 % of the keys", 10_000, "allkeys-s3fifo")),
            row(
                "misses, a hundredth of the keys fits",
                "exact LRU",
                misses("Zipf 0.99, 1 % of the keys", 1_000, "allkeys-s3fifo"),
            ),
            row(
                "GET below the limit",
                "`noeviction`",
                time("eviction", "GET, independent, below the limit", 250_000, "allkeys-lru", "noeviction"),
            ),
            row(
                "SET of a new key at the limit",
                "`noeviction`, without a limit",
                time("eviction", "SET of a new key, at the limit", 250_000, "allkeys-lru", "noeviction"),
            ),
            row(
                "the same",
                "`noeviction`, without a limit",
                time("eviction", "SET of a new key, at the limit", 250_000, "allkeys-s3fifo", "noeviction"),
            ),
        ],
    },
    Chapter {
        page: "gaps",
        rows: &[
            row(
                "fragmentation before maintenance",
                "",
                alone("upkeep", "churn of strings", 100_000, "with maintenance", "fragmentation, before"),
            ),
            row(
                "fragmentation after maintenance",
                "",
                alone("upkeep", "churn of strings", 100_000, "with maintenance", "fragmentation"),
            ),
            row(
                "processor time of maintenance, in % of a core",
                "",
                alone("upkeep", "churn of strings", 100_000, "with maintenance", "share of a core"),
            ),
            row(
                "the longest slice",
                "",
                alone("upkeep", "churn of strings", 100_000, "with maintenance", "longest slice"),
            ),
            row(
                "a read between two slices",
                "without maintenance",
                time(
                    "upkeep",
                    "churn of strings: reads between slices",
                    100_000,
                    "with maintenance",
                    "without maintenance",
                ),
            ),
        ],
    },
    Chapter {
        page: "snapshot",
        rows: &[
            row(
                "memory that the snapshot takes in addition",
                "",
                alone("rdb", UNDER_WRITES, 202_000, "Keyspace", "extra memory"),
            ),
            row(
                "the longest slice of the snapshot",
                "",
                alone("rdb", UNDER_WRITES, 202_000, "Keyspace", "longest slice"),
            ),
            row(
                "the longest write during the snapshot",
                "",
                alone("rdb", UNDER_WRITES, 202_000, "Keyspace", "longest write"),
            ),
            row(
                "SET of an old key during a snapshot",
                "without a snapshot",
                time(
                    "rdb",
                    "SET of an old key, snapshot of strings under writes",
                    202_000,
                    "during a snapshot",
                    "without a snapshot",
                ),
            ),
        ],
    },
    Chapter {
        page: "measuring",
        rows: &[
            row(
                "independent hits, 200,000 entries",
                "hashbrown",
                time("dict", "hit", 200_000, "Dict", "hashbrown"),
            ),
            row(
                "dependent hits, 200,000 entries",
                "hashbrown",
                time("dict", "dependent hit", 200_000, "Dict", "hashbrown"),
            ),
            row(
                "independent hits, 1,000,000 entries",
                "hashbrown",
                time("dict", "hit", 1_000_000, "Dict", "hashbrown"),
            ),
            row(
                "dependent hits, 1,000,000 entries",
                "hashbrown",
                time("dict", "dependent hit", 1_000_000, "Dict", "hashbrown"),
            ),
        ],
    },
];

const BOXED_MAP: &str = "hashbrown HashMap<Box<str>>";
const SKIP_LIST: &str = "zindex::classic + HashMap";
const W1: &str = "W1, keys of 7 B, the same as values";
const W2: &str = "W2, keys of 16 B, values of 32 B";
const W14: &str = "W14, W2 with an expiry";
const SEEDS: &str = "90,000 keys of the seeds";
const UNDER_WRITES: &str = "snapshot of strings under writes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_unit_that_suits_it() {
        assert_eq!(value(1203.0, "ns"), "1,203&nbsp;ns");
        assert_eq!(value(26e3, "ns"), "26&nbsp;µs");
        assert_eq!(value(432.3, "us"), "432&nbsp;µs");
        assert_eq!(value(3.0, ""), "3.00");
        assert_eq!(value(1004.0, "B"), "1,004&nbsp;B");
    }

    #[test]
    fn every_table_of_a_chapter_is_included_by_its_page_and_has_all_rows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let run = load(root).unwrap().expect("a published run");
        for chapter in CHAPTERS {
            let page = std::fs::read_to_string(root.join(format!("docs/src/{}.md", chapter.page))).unwrap();
            assert!(
                page.contains(&format!("{{{{#include numbers/{}.md}}}}", chapter.page)),
                "{}",
                chapter.page
            );
            chapter.markdown(&run).unwrap();
        }
    }

    #[test]
    fn a_run_without_a_row_is_refused_by_the_name_of_the_row() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut run = load(root).unwrap().expect("a published run");
        run.rows.clear();
        let error = CHAPTERS[0].markdown(&run).unwrap_err().to_string();
        assert!(error.contains("the run has no row"), "{error}");
    }
}
