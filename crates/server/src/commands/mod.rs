//! The commands. Each group of them has its file; [`table`] finds a command by its name, and [`execute`](mod@execute)
//! runs it.

mod admin;
mod appending;
mod bits;
mod blocking;
mod client;
mod command;
mod connection;
mod debug;
mod dump;
mod execute;
mod expiry;
mod hashes;
mod info;
mod keys;
mod lcs;
mod lists;
mod monitor;
mod monitoring;
mod object;
mod pubsub;
mod read;
mod replay;
mod saving;
mod scan;
mod sets;
mod sort;
mod store;
mod strings;
mod table;
mod tracking;
mod transactions;
mod zset_algebra;
mod zset_args;
mod zset_pops;
mod zset_ranges;
mod zsets;

pub(crate) use execute::{execute, release_held, retry_ready, run_blocked_timeout};
pub(crate) use replay::start_append_only;
pub(crate) use table::find;

use crate::spec::Spec;

/// The commands of all files, with their groups in the manual.
const GROUPS: &[(&str, &[Spec])] = &[
    ("bitmap", bits::COMMANDS),
    ("connection", client::COMMANDS),
    ("connection", connection::COMMANDS),
    ("generic", dump::COMMANDS),
    ("generic", expiry::COMMANDS),
    ("generic", keys::COMMANDS),
    ("generic", object::COMMANDS),
    ("generic", scan::COMMANDS),
    ("generic", sort::COMMANDS),
    ("hash", hashes::COMMANDS),
    ("hash", scan::OF_HASHES),
    ("list", blocking::COMMANDS),
    ("list", lists::COMMANDS),
    ("pubsub", pubsub::COMMANDS),
    ("server", admin::COMMANDS),
    ("server", command::COMMANDS),
    ("server", debug::COMMANDS),
    ("server", info::COMMANDS),
    ("server", monitor::COMMANDS),
    ("server", monitoring::COMMANDS),
    ("server", object::OF_SERVER),
    ("server", saving::COMMANDS),
    ("set", scan::OF_SETS),
    ("set", sets::COMMANDS),
    ("sorted-set", scan::OF_ZSETS),
    ("sorted-set", zset_algebra::COMMANDS),
    ("sorted-set", zset_pops::COMMANDS),
    ("sorted-set", zset_ranges::COMMANDS),
    ("sorted-set", zsets::COMMANDS),
    ("string", lcs::COMMANDS),
    ("string", strings::COMMANDS),
    ("transactions", transactions::COMMANDS),
];

/// Commands of Redis that this server does not have, and why. They answer an error that says so.
const UNSUPPORTED: &[(&str, &[&str])] = &[
    ("scripts and functions", &["eval", "evalsha", "eval_ro", "evalsha_ro", "script", "fcall", "fcall_ro"]),
    (
        "streams",
        &[
            "xadd",
            "xack",
            "xautoclaim",
            "xclaim",
            "xdel",
            "xgroup",
            "xinfo",
            "xlen",
            "xpending",
            "xrange",
            "xread",
            "xreadgroup",
            "xrevrange",
            "xsetid",
            "xtrim",
        ],
    ),
    ("HyperLogLog", &["pfadd", "pfcount", "pfmerge", "pfdebug", "pfselftest"]),
    (
        "geo commands",
        &[
            "geoadd",
            "geodist",
            "geohash",
            "geopos",
            "georadius",
            "georadius_ro",
            "georadiusbymember",
            "georadiusbymember_ro",
            "geosearch",
            "geosearchstore",
        ],
    ),
    ("replication", &["replicaof", "slaveof", "psync", "sync", "replconf", "failover"]),
    ("access control lists", &["acl"]),
    ("modules", &["module"]),
    ("count of replicas that have synced", &["waitaof"]),
    (
        "expiry of hash fields",
        &[
            "hexpire",
            "hpexpire",
            "hexpireat",
            "hpexpireat",
            "httl",
            "hpttl",
            "hexpiretime",
            "hpexpiretime",
            "hpersist",
        ],
    ),
];

/// The version of Redis whose commands this server has. Clients look at it to decide what they may use.
pub(crate) const VERSION: &str = "7.4.0";

/// Returns what this server does not have, if Redis has a command of this name for it.
pub(crate) fn unsupported(name: &[u8]) -> Option<&'static str> {
    let is_named = |of: &&'static str| of.as_bytes().eq_ignore_ascii_case(name);
    UNSUPPORTED.iter().find(|(_, names)| names.iter().any(is_named)).map(|(what, _)| *what)
}
