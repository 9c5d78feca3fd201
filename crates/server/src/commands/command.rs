//! The command `COMMAND`: the table of commands, for clients.

use super::admin::help;
use super::table::{Command, all, find, find_with_subcommand};
use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::natural;
use crate::reply::Reply;
use crate::spec::flags::{LOADING, MOVABLEKEYS, NAMES, READONLY, STALE, WRITE};
use crate::spec::{Keys, Spec, keyless};
use keyspace::glob_match;

pub(super) const COMMANDS: &[Spec] = &[keyless("command", -1, LOADING | STALE, command)
    .with(COMMAND)
    .doc("2.8.13", "Returns what the server knows about its commands.")];

const COMMAND: &[Spec] = &[
    keyless("count", 2, LOADING | STALE, count).doc("2.8.13", "Returns the number of commands."),
    keyless("docs", -2, LOADING | STALE, docs).doc("7.0.0", "Returns what commands do."),
    keyless("getkeys", -3, LOADING | STALE, getkeys).doc("2.8.13", "Returns the keys of a command."),
    keyless("getkeysandflags", -3, LOADING | STALE, getkeysandflags)
        .doc("7.0.0", "Returns the keys of a command, and their uses."),
    keyless("help", 2, LOADING | STALE, command_help).doc("5.0.0", "Returns what the subcommands do."),
    keyless("info", -2, LOADING | STALE, info)
        .doc("2.8.13", "Returns what the server knows about some commands."),
    keyless("list", -2, LOADING | STALE, list).doc("7.0.0", "Returns the names of commands."),
];

fn command(call: &mut Call<'_>) -> Outcome {
    let reply = call.reply();
    reply.array(all().len());
    all().iter().for_each(|command| write_info(reply, command));
    Ok(())
}

fn count(call: &mut Call<'_>) -> Outcome {
    call.reply().count(all().len());
    Ok(())
}

/// Returns the command or the subcommand that `COMMAND INFO` names, as in `config|get`.
fn find_full(name: &[u8]) -> Option<&'static Command> {
    match name.iter().position(|byte| *byte == b'|') {
        Some(at) => find(&name[..at])?.subcommand(&name[at + 1..]),
        None => find(name),
    }
}

/// Writes the ten fields of `COMMAND INFO`.
fn write_info(reply: &mut Reply, command: &Command) {
    let spec = command.spec;
    let (first, last, step) = match spec.keys {
        Keys::Range { first, last, step } => (first, last, step),
        Keys::Counted { destination, .. } if destination > 0 => (destination as i32, destination as i32, 1),
        Keys::FirstAndStore => (1, 1, 1),
        Keys::None | Keys::Counted { .. } => (0, 0, 0),
    };
    reply.array(10);
    reply.bulk(command.full_name.as_bytes());
    reply.integer(spec.arity.into());
    let is_movable = matches!(spec.keys, Keys::Counted { .. });
    let bits = spec.flags | if is_movable { MOVABLEKEYS } else { 0 };
    let names: Vec<&str> =
        NAMES.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| *name).collect();
    reply.set(names.len());
    names.iter().for_each(|name| reply.simple(name));
    [first, last, step].iter().for_each(|number| reply.integer((*number).into()));
    // Categories of access control lists, tips, and the specifications of keys.
    reply.set(0);
    reply.array(0);
    reply.array(0);
    reply.array(command.subcommands.len());
    command.subcommands.iter().for_each(|sub| write_info(reply, sub));
}

fn info(call: &mut Call<'_>) -> Outcome {
    let names = call.args.from(2);
    if names.len() == 0 {
        return command(call);
    }
    let reply = call.reply();
    reply.array(names.len());
    for name in names.iter() {
        match find_full(name) {
            Some(command) => write_info(reply, command),
            None => reply.null_array(),
        }
    }
    Ok(())
}

fn write_docs(reply: &mut Reply, command: &Command) {
    let spec = command.spec;
    reply.bulk(command.full_name.as_bytes());
    let has_subcommands = !spec.subcommands.is_empty();
    reply.map(3 + usize::from(has_subcommands));
    for (field, text) in [("summary", spec.summary), ("since", spec.since), ("group", command.group)] {
        reply.bulk(field.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if has_subcommands {
        reply.bulk(b"subcommands");
        reply.map(command.subcommands.len());
        command.subcommands.iter().for_each(|sub| write_docs(reply, sub));
    }
}

fn docs(call: &mut Call<'_>) -> Outcome {
    let names = call.args.from(2);
    let reply = call.reply();
    if names.len() == 0 {
        reply.map(all().len());
        all().iter().for_each(|command| write_docs(reply, command));
        return Ok(());
    }
    let found: Vec<_> = names.iter().filter_map(find_full).collect();
    reply.map(found.len());
    found.iter().for_each(|command| write_docs(reply, command));
    Ok(())
}

fn list(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let is_filtered = args.len() == 5 && args.is(2, "FILTERBY");
    if args.len() != 2 && !is_filtered {
        return Err(CommandError::SYNTAX);
    }
    let pattern = is_filtered.then(|| args.at(4).to_ascii_lowercase());
    let is_pattern = args.is(3, "PATTERN");
    // This server has no modules and no categories, so no command is of one.
    if is_filtered && !is_pattern && !args.is(3, "MODULE") && !args.is(3, "ACLCAT") {
        return Err(CommandError::SYNTAX);
    }
    let is_wanted = |name: &str| match &pattern {
        None => true,
        Some(pattern) => is_pattern && glob_match(pattern, name.as_bytes()),
    };
    let reply = call.reply();
    let head = reply.defer();
    let mut count = 0;
    let mut write = |name: &str| {
        if is_wanted(name) {
            reply.bulk(name.as_bytes());
            count += 1;
        }
    };
    for command in all() {
        write(&command.full_name);
        if is_pattern {
            command.subcommands.iter().for_each(|sub| write(&sub.full_name));
        }
    }
    reply.end_array(head, count);
    Ok(())
}

/// Returns the places of the keys of a request, or `None` if the request makes no sense.
pub(super) fn keys_of(keys: Keys, args: Args<'_>) -> Option<Vec<usize>> {
    match keys {
        Keys::None => Some(Vec::new()),
        Keys::Range { first, last, step } => {
            let last = if last < 0 { args.len() as i64 + i64::from(last) } else { last.into() };
            let (first, last) = (usize::try_from(first).ok()?, usize::try_from(last).ok()?);
            let step = usize::try_from(step).ok().filter(|step| *step > 0)?;
            let found: Vec<usize> = (first..=last.min(args.len() - 1)).step_by(step).collect();
            (!found.is_empty()).then_some(found)
        }
        Keys::FirstAndStore => {
            let is_store = |at: &usize| args.is(*at, "STORE") && at + 1 < args.len();
            let stored = (2..args.len()).rev().find(is_store).map(|at| at + 1);
            Some(std::iter::once(1).chain(stored).collect())
        }
        Keys::Counted { at, destination } => {
            let count = natural(args.get(at)?).ok().filter(|count| *count > 0)?;
            let end = at.checked_add(1)?.checked_add(count).filter(|end| *end <= args.len())?;
            let destination = (destination > 0).then_some(destination);
            Some(destination.into_iter().chain(at + 1..end).collect())
        }
    }
}

/// Finds the command of `COMMAND GETKEYS`, and the places of its keys.
fn find_keys<'a>(call: &Call<'a>) -> Result<(&'static Spec, Args<'a>, Vec<usize>), CommandError> {
    let args = call.args.from(2);
    let spec = find_with_subcommand(args).ok_or(CommandError::new("ERR Invalid command specified"))?.spec;
    if spec.keys == Keys::None {
        return Err(CommandError::new("ERR The command has no key arguments"));
    }
    if !spec.takes(args.len()) {
        return Err(CommandError::new("ERR Invalid number of arguments specified for command"));
    }
    let places = keys_of(spec.keys, args);
    Ok((spec, args, places.ok_or(CommandError::new("ERR Invalid arguments specified for command"))?))
}

fn getkeys(call: &mut Call<'_>) -> Outcome {
    let (_, args, places) = find_keys(call)?;
    call.reply().array(places.len());
    places.iter().for_each(|place| call.client.reply.bulk(args.at(*place)));
    Ok(())
}

/// The table knows whether a command reads or writes, and not what it does with each key.
fn getkeysandflags(call: &mut Call<'_>) -> Outcome {
    let (spec, args, places) = find_keys(call)?;
    let uses: &[&str] = match () {
        () if spec.has(WRITE) => &["RW"],
        () if spec.has(READONLY) => &["RO"],
        () => &[],
    };
    let reply = call.reply();
    reply.array(places.len());
    for place in places {
        reply.array(2);
        reply.bulk(args.at(place));
        reply.set(uses.len());
        uses.iter().for_each(|word| reply.simple(word));
    }
    Ok(())
}

fn command_help(call: &mut Call<'_>) -> Outcome {
    let lines = [
        "(no subcommand)",
        "    Return details about all Redis commands.",
        "COUNT",
        "    Return the total number of commands in this Redis server.",
        "LIST",
        "    Return a list of all commands in this Redis server.",
        "INFO [<command-name> ...]",
        "    Return details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "DOCS [<command-name> ...]",
        "    Return documentation details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "GETKEYS <full-command>",
        "    Return the keys from a full Redis command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys and the access flags from a full Redis command.",
    ];
    help(call, "COMMAND", &lines)
}
