//! `SLOWLOG`, which returns slow commands, and `LATENCY`, which returns slow events.

use super::admin::{container, help};
use super::table::with_subcommands;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::spec::flags::{ADMIN, LOADING, NOSCRIPT, STALE};
use crate::spec::{Spec, keyless};

pub(super) const COMMANDS: &[Spec] = &[
    keyless("latency", -2, 0, container).with(LATENCY).doc("2.8.13", "Returns slow events."),
    keyless("slowlog", -2, 0, container).with(SLOWLOG).doc("2.2.12", "Returns slow commands."),
];

const OF_LATENCY: u32 = ADMIN | NOSCRIPT | LOADING | STALE;
const OF_SLOWLOG: u32 = ADMIN | LOADING | STALE;

const LATENCY: &[Spec] = &[
    keyless("doctor", 2, OF_LATENCY, doctor).doc("2.8.13", "Returns a human-readable report."),
    keyless("help", 2, LOADING | STALE, latency_help).doc("2.8.13", "Returns what the subcommands do."),
    keyless("histogram", -2, OF_LATENCY, histogram).doc("7.0.0", "Returns how long commands took."),
    keyless("history", 3, OF_LATENCY, history).doc("2.8.13", "Returns the samples of an event."),
    keyless("latest", 2, OF_LATENCY, latest).doc("2.8.13", "Returns the last sample of each event."),
    keyless("reset", -2, OF_LATENCY, latency_reset).doc("2.8.13", "Deletes the samples of events."),
];

const SLOWLOG: &[Spec] = &[
    keyless("get", -2, OF_SLOWLOG, slowlog_get).doc("2.2.12", "Returns the last slow commands."),
    keyless("help", 2, LOADING | STALE, slowlog_help).doc("6.2.0", "Returns what the subcommands do."),
    keyless("len", 2, OF_SLOWLOG, slowlog_len).doc("2.2.12", "Returns the number of slow commands."),
    keyless("reset", 2, OF_SLOWLOG, slowlog_reset).doc("2.2.12", "Deletes the slow commands."),
];

fn slowlog_get(call: &mut Call<'_>) -> Outcome {
    const INVALID: CommandError = CommandError::new("ERR count should be greater than or equal to -1");
    let count = match call.args.len() {
        2 => 10,
        3 => match integer(call.args.at(2)).map_err(|_| INVALID)? {
            -1 => usize::MAX,
            count => usize::try_from(count).map_err(|_| INVALID)?,
        },
        _ => return Err(CommandError::arity("slowlog|get")),
    };
    let reply = &mut call.client.reply;
    let entries = call.state.slowlog.iter();
    reply.array(entries.len().min(count));
    for entry in entries.take(count) {
        reply.array(6);
        reply.integer(entry.id as i64);
        reply.integer(entry.at as i64);
        reply.integer(entry.micros as i64);
        reply.array(entry.args.len());
        entry.args.iter().for_each(|argument| reply.bulk(argument));
        reply.bulk(entry.client.0.as_bytes());
        reply.bulk(&entry.client.1);
    }
    Ok(())
}

fn slowlog_len(call: &mut Call<'_>) -> Outcome {
    let len = call.state.slowlog.iter().len();
    call.reply().count(len);
    Ok(())
}

fn slowlog_reset(call: &mut Call<'_>) -> Outcome {
    call.state.slowlog.clear();
    call.reply().ok();
    Ok(())
}

fn slowlog_help(call: &mut Call<'_>) -> Outcome {
    let lines = [
        "GET [<count>]",
        "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
        "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,",
        "    client name",
        "LEN",
        "    Return the length of the slowlog.",
        "RESET",
        "    Reset the slowlog.",
    ];
    help(call, "SLOWLOG", &lines)
}

fn latest(call: &mut Call<'_>) -> Outcome {
    let reply = &mut call.client.reply;
    let events = call.state.latency.iter();
    reply.array(events.len());
    for (name, series) in events {
        let (at, millis) = series.samples.back().copied().unwrap_or_default();
        reply.array(4);
        reply.bulk(name.as_bytes());
        [at, millis, series.max].iter().for_each(|number| reply.integer(*number as i64));
    }
    Ok(())
}

fn history(call: &mut Call<'_>) -> Outcome {
    let reply = &mut call.client.reply;
    let Some(series) = call.state.latency.get(call.args.at(2)) else {
        reply.array(0);
        return Ok(());
    };
    reply.array(series.samples.len());
    for (at, millis) in &series.samples {
        reply.array(2);
        reply.integer(*at as i64);
        reply.integer(*millis as i64);
    }
    Ok(())
}

fn latency_reset(call: &mut Call<'_>) -> Outcome {
    let names = call.args.from(2);
    let forgotten = match names.len() {
        0 => call.state.latency.reset(None),
        _ => names.iter().map(|name| call.state.latency.reset(Some(name))).sum(),
    };
    call.reply().count(forgotten);
    Ok(())
}

fn doctor(call: &mut Call<'_>) -> Outcome {
    let mut text = String::new();
    for (name, series) in call.state.latency.iter() {
        let (count, max) = (series.samples.len(), series.max);
        text.push_str(&format!("{name}: {count} latency spikes, the worst of {max} milliseconds.\n"));
    }
    if text.is_empty() {
        text.push_str("I have no latency reports to show at this time.\n");
    }
    call.reply().verbatim(text.as_bytes());
    Ok(())
}

/// Returns the histograms of the named commands, or of all commands that have run if no name is given. A name
/// such as `client` includes all its subcommands.
fn histogram(call: &mut Call<'_>) -> Outcome {
    let names = call.args.from(2);
    let is_named = |full: &str| {
        let container = full.split('|').next().unwrap_or_default();
        let is_it = |name: &[u8]| {
            name.eq_ignore_ascii_case(full.as_bytes()) || name.eq_ignore_ascii_case(container.as_bytes())
        };
        names.len() == 0 || names.iter().any(is_it)
    };
    let stats = &call.state.stats;
    let found: Vec<_> = with_subcommands()
        .filter_map(|command| Some((&command.full_name, stats.latency(command.number)?)))
        .filter(|(name, _)| is_named(name))
        .collect();
    let reply = &mut call.client.reply;
    reply.map(found.len());
    for (name, latency) in found {
        reply.bulk(name.as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.integer(latency.calls() as i64);
        reply.bulk(b"histogram_usec");
        let doublings = latency.doublings();
        reply.map(doublings.len());
        for (micros, calls) in doublings {
            reply.integer(micros as i64);
            reply.integer(calls as i64);
        }
    }
    Ok(())
}

fn latency_help(call: &mut Call<'_>) -> Outcome {
    let lines = [
        "DOCTOR",
        "    Return a human readable latency analysis report.",
        "HISTORY <event>",
        "    Return time-latency samples for the <event> class.",
        "LATEST",
        "    Return the latest latency samples for all events.",
        "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.",
        "    (default: reset all data for all event classes)",
        "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
    ];
    help(call, "LATENCY", &lines)
}
