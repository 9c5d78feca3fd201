//! The commands `OBJECT` and `MEMORY`, which look at how a value is stored.

use super::admin::{container, help};
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::reply::Reply;
use crate::spec::flags::{LOADING, READONLY, STALE};
use crate::spec::{Keys, Spec, keyless, row};
use keyspace::Figure;

pub(super) const COMMANDS: &[Spec] =
    &[keyless("object", -2, 0, container).with(OBJECT).doc("2.2.3", "Reports how a value is stored.")];

pub(super) const OF_SERVER: &[Spec] =
    &[keyless("memory", -2, 0, container).with(MEMORY).doc("4.0.0", "Reports memory.")];

const SECOND: Keys = Keys::Range { first: 2, last: 2, step: 1 };

const OBJECT: &[Spec] = &[
    row("encoding", 3, READONLY, SECOND, encoding).doc("2.2.3", "Returns the encoding of a value."),
    row("freq", 3, READONLY, SECOND, freq).doc("4.0.0", "Returns how often a key is used."),
    keyless("help", 2, LOADING | STALE, object_help).doc("6.2.0", "Returns what the subcommands do."),
    row("idletime", 3, READONLY, SECOND, idletime)
        .doc("2.2.3", "Returns for how long a key has not been used."),
    row("refcount", 3, READONLY, SECOND, refcount).doc("2.2.3", "Returns the references to a value."),
];

const MEMORY: &[Spec] = &[
    keyless("doctor", 2, 0, doctor).doc("4.0.0", "Returns what is odd about the memory."),
    keyless("help", 2, LOADING | STALE, memory_help).doc("4.0.0", "Returns what the subcommands do."),
    keyless("malloc-stats", 2, 0, malloc_stats).doc("4.0.0", "Returns figures of the allocator."),
    keyless("purge", 2, 0, purge).doc("4.0.0", "Asks the allocator to return free memory."),
    keyless("stats", 2, 0, stats).doc("4.0.0", "Returns figures of the memory."),
    row("usage", -3, READONLY, SECOND, usage).doc("4.0.0", "Returns the bytes of a key and its value."),
];

/// Writes what an inspection of the key has found, and counts the look-up.
fn write_found<T>(call: &mut Call<'_>, found: Option<T>, write: impl FnOnce(&mut Reply, T)) -> Outcome {
    call.count_inspection(call.args.at(2), found.is_some());
    match found {
        Some(found) => write(call.reply(), found),
        None => call.reply().null(),
    }
    Ok(())
}

fn encoding(call: &mut Call<'_>) -> Outcome {
    let encoding = call.keys().encoding(call.args.at(2), call.now);
    write_found(call, encoding, |reply, encoding| reply.bulk(encoding.as_str().as_bytes()))
}

fn refcount(call: &mut Call<'_>) -> Outcome {
    let count = call.keys().refcount(call.args.at(2), call.now);
    write_found(call, count, |reply, count| reply.integer(count.into()))
}

fn idletime(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(2), call.now);
    let secs = call.keys().idle_time(key, now).map(i64::from);
    clock(
        call,
        secs,
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
         policies at runtime LRU and LFU data will take some time to adjust.",
    )
}

fn freq(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(2), call.now);
    let freq = call.keys().freq(key, now).map(i64::from);
    clock(
        call,
        freq,
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
         switching between policies at runtime LRU and LFU data will take some time to adjust.",
    )
}

/// Writes what the access clock says. If it says nothing about a key that exists, the policy is another one.
fn clock(call: &mut Call<'_>, figure: Option<i64>, other_policy: &'static str) -> Outcome {
    let key = call.args.at(2);
    if figure.is_none() && call.keys().contains_key(key, call.now) {
        call.count_inspection(key, true);
        return Err(CommandError::new(other_policy));
    }
    write_found(call, figure, Reply::integer)
}

fn object_help(call: &mut Call<'_>) -> Outcome {
    help(
        call,
        "OBJECT",
        &[
            "ENCODING <key>",
            "    Return how the value of the key is stored.",
            "FREQ <key>",
            "    Return how often the key is used, on a logarithmic scale.",
            "IDLETIME <key>",
            "    Return for how many seconds the key has not been used.",
            "REFCOUNT <key>",
            "    Return the number of references to the value of the key.",
        ],
    )
}

fn usage(call: &mut Call<'_>) -> Outcome {
    let mut index = 3;
    while index < call.args.len() {
        let samples = call.args.get(index + 1).filter(|_| call.args.is(index, "SAMPLES"));
        if integer(samples.ok_or(CommandError::SYNTAX)?)? < 0 {
            return Err(CommandError::SYNTAX);
        }
        index += 2;
    }
    match call.keys().memory_usage(call.args.at(2), call.now) {
        Some(bytes) => call.reply().count(bytes),
        None => call.reply().null(),
    }
    Ok(())
}

fn stats(call: &mut Call<'_>) -> Outcome {
    let report = call.keys().memory_report();
    let reply = call.reply();
    let (start, mut len) = (reply.defer(), 0);
    for (name, figure) in report.stats() {
        reply.bulk(name.as_bytes());
        match figure {
            Figure::Integer(number) => reply.integer(number),
            Figure::Double(number) => reply.double(number),
            other => reply.bulk(other.to_string().as_bytes()),
        }
        len += 1;
    }
    reply.end_map(start, len);
    Ok(())
}

fn doctor(call: &mut Call<'_>) -> Outcome {
    let findings: String =
        call.keys().memory_report().findings().map(|finding| format!("{finding}\n")).collect();
    let text = if findings.is_empty() { "No problem was found.\n" } else { &findings };
    call.reply().verbatim(text.as_bytes());
    Ok(())
}

fn malloc_stats(call: &mut Call<'_>) -> Outcome {
    let text = call.keys().memory_report().to_string();
    call.reply().verbatim(text.as_bytes());
    Ok(())
}

/// An allocator that cannot be asked returns free memory on its own, so the result does not matter.
fn purge(call: &mut Call<'_>) -> Outcome {
    let _is_supported = zmalloc::purge();
    call.reply().ok();
    Ok(())
}

fn memory_help(call: &mut Call<'_>) -> Outcome {
    help(
        call,
        "MEMORY",
        &[
            "DOCTOR",
            "    Return what is odd about the memory.",
            "MALLOC-STATS",
            "    Return figures of the allocator.",
            "PURGE",
            "    Ask the allocator to return free memory.",
            "STATS",
            "    Return figures of the memory.",
            "USAGE <key> [SAMPLES <count>]",
            "    Return the bytes of the key and its value.",
        ],
    )
}
