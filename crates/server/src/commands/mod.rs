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
mod read;
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

pub(crate) use execute::{execute, release_held, retry_ready, run_blocked_timeout};

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
    ("append-only file", &["bgrewriteaof", "waitaof"]),
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

/// The names of subcommands after those of their commands, as in `config|get`.
static FULL_NAMES: LazyLock<HashMap<(&str, &str), &str>> = LazyLock::new(|| {
    let of = |command: &'static Spec| {
        command.subcommands.iter().map(|sub| {
            let full: &str = Box::leak(format!("{}|{}", command.name, sub.name).into_boxed_str());
            ((command.name, sub.name), full)
        })
    };
    all().flat_map(of).collect()
});

/// Returns the name of the command or the subcommand of a request, as in `config|get`.
pub(crate) fn full_name(args: Args<'_>, spec: &Spec) -> &'static str {
    if args.is(0, spec.name) {
        return spec.name;
    }
    let command = find(args.at(0)).map_or("", |command| command.name);
    FULL_NAMES.get(&(command, spec.name)).copied().unwrap_or(spec.name)
}

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
    let is_named = |of: &&'static str| of.as_bytes().eq_ignore_ascii_case(name);
    UNSUPPORTED.iter().find(|(_, names)| names.iter().any(is_named)).map(|(what, _)| *what)
}
