//! The suites, one file each, in the order in which they run.

pub mod alloc;
pub mod dict;
pub mod encodings;
pub mod eviction;
pub mod keyspace;
pub mod latency;
pub mod memory;
pub mod rdb;
pub mod robj;
pub mod sds;
pub mod server;
pub mod trace;
pub mod upkeep;

use crate::suite::Suite;

/// Every suite that `--suite` knows.
pub const ALL: &[Suite] = &[
    Suite {
        name: "alloc",
        about: "zmalloc beside raw allocators",
        headline: alloc::HEADLINE,
        run: alloc::run,
    },
    Suite { name: "sds", about: "Sds beside growing strings", headline: sds::HEADLINE, run: sds::run },
    Suite {
        name: "robj",
        about: "Robj beside shared and owned byte strings",
        headline: robj::HEADLINE,
        run: robj::run,
    },
    Suite {
        name: "dict",
        about: "Dict and Table beside hash maps",
        headline: dict::HEADLINE,
        run: dict::run,
    },
    Suite {
        name: "encodings",
        about: "lists, sets, hashes and sorted sets beside collections",
        headline: encodings::HEADLINE,
        run: encodings::run,
    },
    Suite {
        name: "keyspace",
        about: "a store's keys beside maps, edits inside entries, the longest calls",
        headline: keyspace::HEADLINE,
        run: keyspace::run,
    },
    Suite {
        name: "eviction",
        about: "hit ratios at a limit, what the limit costs, a storm of writes",
        headline: eviction::HEADLINE,
        run: eviction::run,
    },
    Suite {
        name: "upkeep",
        about: "freeing large values in steps, defragmentation beside reads, idle upkeep",
        headline: upkeep::HEADLINE,
        run: upkeep::run,
    },
    Suite {
        name: "rdb",
        about: "loading and saving of dump files, snapshots under writes",
        headline: rdb::HEADLINE,
        run: rdb::run,
    },
    Suite {
        name: "server",
        about: "redcore-server over its socket: throughput, latency and bytes",
        headline: server::HEADLINE,
        run: server::run,
    },
    Suite {
        name: "memory",
        about: "bytes per entry over N, and whole data sets",
        headline: memory::HEADLINE,
        run: memory::run,
    },
    Suite {
        name: "latency",
        about: "every single operation of a growing and a shrinking table",
        headline: latency::HEADLINE,
        run: latency::run,
    },
    Suite {
        name: "trace",
        about: "a store on a request trace, or on the YCSB mixes",
        headline: trace::HEADLINE,
        run: trace::run,
    },
];
