//! The rows of the tables in the chapters of the book. [`chapters`](super::chapters) writes the tables.

use super::chapters::Chapter;
use super::rows::{Measurement, TableRow};

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
    latency("insert, minimum of 5 runs", peer, metric)
}

const fn remove(peer: &'static str, metric: &'static str) -> Measurement {
    latency("remove, minimum of 5 runs", peer, metric)
}

const fn latency(case: &'static str, peer: &'static str, metric: &'static str) -> Measurement {
    Measurement { suite: "latency", case, n: 300_000, subject: "Dict", peer, metric }
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
            row("bytes a member", "skip list and map", encoding("sorted set", 50_000, "ZSet", SKIP_LIST)),
        ],
    },
    Chapter {
        page: "entry",
        rows: &[
            row("bytes a key, without an expiry", "Redis 7.0", used_memory(W2, 100_000, "Redis 7.0")),
            row("the same", "Redis 8.10", used_memory(W2, 100_000, "Redis 8.10")),
            row("the same", "Valkey 9.1", used_memory(W2, 100_000, "Valkey 9.1")),
            row("bytes a key, with an expiry", "Redis 7.0", used_memory(W14, 100_000, "Redis 7.0")),
            row("the same", "Redis 8.10", used_memory(W14, 100_000, "Redis 8.10")),
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
