//! The table of commands. Each group has its file.

mod admin;
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
mod monitoring;
mod object;
mod pubsub;
mod saving;
mod scan;
mod sets;
mod sort;
mod strings;
mod transactions;
mod zset_algebra;
mod zset_args;
mod zset_pops;
mod zset_ranges;
mod zsets;

pub(crate) use execute::{execute, retry_ready, run_blocked_timeout};

use crate::args::Args;
use crate::spec::Spec;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The commands of all groups.
const GROUPS: &[&[Spec]] = &[
    admin::COMMANDS,
    bits::COMMANDS,
    blocking::COMMANDS,
    client::COMMANDS,
    command::COMMANDS,
    connection::COMMANDS,
    debug::COMMANDS,
    dump::COMMANDS,
    expiry::COMMANDS,
    hashes::COMMANDS,
    info::COMMANDS,
    keys::COMMANDS,
    lcs::COMMANDS,
    lists::COMMANDS,
    monitoring::COMMANDS,
    object::COMMANDS,
    pubsub::COMMANDS,
    saving::COMMANDS,
    scan::COMMANDS,
    sets::COMMANDS,
    sort::COMMANDS,
    strings::COMMANDS,
    transactions::COMMANDS,
    zset_algebra::COMMANDS,
    zset_pops::COMMANDS,
    zset_ranges::COMMANDS,
    zsets::COMMANDS,
];

/// Commands of Redis that this server does not have, and why. They answer an error that says so.
const UNSUPPORTED: &[(&str, &[&str])] = &[
    (
        "scripts and functions",
        &["eval", "evalsha", "eval_ro", "evalsha_ro", "script", "fcall", "fcall_ro", "function"],
    ),
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
    ("an append-only file", &["bgrewriteaof", "waitaof"]),
    ("monitoring", &["monitor"]),
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

/// The longest name of a command, in bytes.
const NAME_MAX: usize = 32;

type Table = HashMap<&'static [u8], &'static Spec, foldhash::fast::RandomState>;

static TABLE: LazyLock<Table> = LazyLock::new(|| all().map(|spec| (spec.name.as_bytes(), spec)).collect());

/// Returns all commands, without subcommands.
pub(crate) fn all() -> impl Iterator<Item = &'static Spec> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// Returns the command with this name, in upper or lower case.
pub(crate) fn find(name: &[u8]) -> Option<&'static Spec> {
    let mut lower = [0; NAME_MAX];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    TABLE.get(&*lower).copied()
}

/// Returns the command, or the subcommand, of a request.
pub(crate) fn find_with_subcommand(args: Args<'_>) -> Option<&'static Spec> {
    let spec = find(args.get(0)?)?;
    if spec.subcommands.is_empty() {
        return Some(spec);
    }
    let Some(name) = args.get(1) else { return Some(spec) };
    spec.subcommands.iter().find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Returns what this server does not have, if Redis has a command of this name for it.
pub(crate) fn unsupported(name: &[u8]) -> Option<&'static str> {
    let is_named = |of: &&str| of.as_bytes().eq_ignore_ascii_case(name);
    UNSUPPORTED.iter().find(|(_, names)| names.iter().any(|of| is_named(&of))).map(|(what, _)| *what)
}
