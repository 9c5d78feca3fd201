//! Commands for those who run the server: databases as a whole, `CONFIG`, and the end.

use crate::call::Call;
use crate::config::{Directive, names};
use crate::error::{CommandError, Outcome};
use crate::log::warning;
use crate::numbers::integer;
use crate::open_files::clients_within_limit;
use crate::rewrite;
use crate::shutdown::Shutdown;
use crate::snapshot::Purpose;
use crate::spec::flags::{ADMIN, FAST, LOADING, NO_MULTI, NOSCRIPT, READONLY, STALE, WRITE};
use crate::spec::{Spec, keyless};
use keyspace::glob_match;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub(super) const COMMANDS: &[Spec] = &[
    keyless("config", -2, 0, container).with(CONFIG).doc("2.0.0", "Reads and changes the settings."),
    keyless("dbsize", 1, READONLY | FAST, dbsize).doc("1.0.0", "Returns the number of keys."),
    keyless("flushall", -1, WRITE, flushall).doc("1.0.0", "Removes all keys of all databases."),
    keyless("flushdb", -1, WRITE, flushdb).doc("1.0.0", "Removes all keys of a database."),
    keyless("shutdown", -1, ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI, shutdown)
        .doc("1.0.0", "Saves the keys and ends the server."),
    keyless("swapdb", 3, WRITE | FAST, swapdb).doc("4.0.0", "Swaps two databases."),
];

const OF_CONFIG: u32 = ADMIN | NOSCRIPT | LOADING | STALE;

const CONFIG: &[Spec] = &[
    keyless("get", -3, OF_CONFIG, config_get).doc("2.0.0", "Returns the settings that match."),
    keyless("help", 2, LOADING | STALE, config_help).doc("5.0.0", "Returns what the subcommands do."),
    keyless("resetstat", 2, OF_CONFIG, config_resetstat).doc("2.0.0", "Clears the counters."),
    keyless("rewrite", 2, OF_CONFIG, config_rewrite).doc("2.8.0", "Writes the settings into redis.conf."),
    keyless("set", -4, OF_CONFIG, config_set).doc("2.0.0", "Changes settings."),
];

/// The function of a command that has only subcommands. It runs if the client sends no subcommand, and returns
/// an error.
pub(super) fn container(call: &mut Call<'_>) -> Outcome {
    Err(CommandError::arity(&String::from_utf8_lossy(call.args.at(0)).to_ascii_lowercase()))
}

/// Writes the lines of a `HELP` subcommand.
pub(super) fn help(call: &mut Call<'_>, container: &str, lines: &[&str]) -> Outcome {
    let reply = call.reply();
    reply.array(lines.len() + 3);
    reply.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    lines.iter().for_each(|line| reply.simple(line));
    reply.simple("HELP");
    reply.simple("    Print this help.");
    Ok(())
}

fn dbsize(call: &mut Call<'_>) -> Outcome {
    let len = call.keys().len();
    call.reply().count(len);
    Ok(())
}

/// Checks the option of `FLUSHALL` and `FLUSHDB`. [`flush`] looks at the word itself.
fn flush_option(call: &Call<'_>) -> Outcome {
    match call.args.len() {
        1 => Ok(()),
        2 if call.args.is(1, "ASYNC") || call.args.is(1, "SYNC") => Ok(()),
        _ => Err(CommandError::SYNTAX),
    }
}

fn flushdb(call: &mut Call<'_>) -> Outcome {
    flush_option(call)?;
    flush(call, call.client.db);
    call.state.tracking.flush(&mut call.state.clients);
    call.append_instead(&[b"FLUSHDB"]);
    call.reply().ok();
    Ok(())
}

fn flushall(call: &mut Call<'_>) -> Outcome {
    flush_option(call)?;
    for db in 0..call.state.dbs.len() {
        flush(call, db);
    }
    call.state.tracking.flush(&mut call.state.clients);
    if call.state.snapshots.is_running_for(Purpose::Save) {
        call.state.snapshots.abandon(&mut call.state.dbs);
    }
    // The save clears the counter of changes.
    call.append_instead(&[b"FLUSHALL"]);
    // The file has the removed keys, so it is replaced by an empty one.
    if !call.state.config.save.is_empty()
        && !call.state.append_only.is_loading
        && let Err(error) = call.state.save()
    {
        warning!("The snapshot without keys cannot be written after FLUSHALL: {error}");
    }
    call.reply().ok();
    Ok(())
}

/// The time for which a flush frees memory before its reply, unless it is `ASYNC`. Upkeep frees the rest.
const FREE_BUDGET: Duration = Duration::from_millis(1);

/// Removes all keys of a database, and fails the transactions that watch one of them.
fn flush(call: &mut Call<'_>, db: usize) {
    let now = call.now;
    let database = &call.state.dbs[db];
    let waiting = database.watching.keys().chain(database.blocked.keys());
    let changed: Vec<Vec<u8>> =
        waiting.filter(|key| database.keys.contains_key(*key, now)).cloned().collect();
    call.state.stats.dirty += database.keys.len() as u64;
    let is_async = call.args.is(1, "ASYNC");
    let keys = &mut call.state.dbs[db].keys;
    if is_async || !call.is_in_exec {
        keys.clear_lazily();
    } else {
        keys.clear();
    }
    if !is_async {
        let start = Instant::now();
        keys.free_for(FREE_BUDGET, || start.elapsed());
    }
    for key in changed {
        call.changed_in(db, &key, 0);
    }
}

fn swapdb(call: &mut Call<'_>) -> Outcome {
    let number = |at: usize, which: &str| {
        let number = integer(call.args.at(at)).ok().and_then(|number| i32::try_from(number).ok());
        number.ok_or_else(|| CommandError::of(format!("ERR invalid {which} DB index")))
    };
    // Both numbers are read before one of them is looked up.
    let (one, other) = (number(1, "first")?, number(2, "second")?);
    let index = |number: i32| {
        let index = usize::try_from(number).ok().filter(|index| *index < call.state.dbs.len());
        index.ok_or(CommandError::new("ERR DB index is out of range"))
    };
    let (one, other) = (index(one)?, index(other)?);
    call.state.swap(one, other, call.client);
    call.reply().ok();
    Ok(())
}

fn config_get(call: &mut Call<'_>) -> Outcome {
    let patterns = call.args.from(2);
    let is_wanted = |name: &&str| {
        patterns.iter().any(|pattern| glob_match(&pattern.to_ascii_lowercase(), name.as_bytes()))
    };
    let mut found: Vec<String> = names().filter(is_wanted).map(str::to_owned).collect();
    // An old name is answered as it was asked for.
    let asked = patterns.iter().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
    let is_old = |name: &String| Directive::find(name.as_bytes()).is_some_and(|now| now.name() != name);
    let old: BTreeSet<String> = asked.filter(is_old).collect();
    found.extend(old);
    call.client.reply.map(found.len());
    for name in found {
        let value = Directive::find(name.as_bytes()).map(|directive| directive.write(&call.state.config));
        call.client.reply.bulk(name.as_bytes());
        call.client.reply.bulk(value.unwrap_or_default().as_bytes());
    }
    Ok(())
}

fn config_set(call: &mut Call<'_>) -> Outcome {
    let args = call.args.from(2);
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::arity("config|set"));
    }
    let mut config = call.state.config.clone();
    let mut seen = Vec::new();
    for index in (0..args.len()).step_by(2) {
        let shown = String::from_utf8_lossy(args.at(index)).into_owned();
        let failed = |reason: &str| {
            CommandError::of(format!(
                "ERR CONFIG SET failed (possibly related to argument '{shown}') - {reason}"
            ))
        };
        let directive = Directive::find(args.at(index)).ok_or_else(|| {
            CommandError::of(format!("ERR Unknown option or number of arguments for CONFIG SET - '{shown}'"))
        })?;
        if !directive.is_mutable() {
            return Err(failed("can't set immutable config"));
        }
        let allowed = call.state.config.enable_protected_configs;
        if directive.is_protected() && !allowed.allows(call.client.is_local) {
            return Err(failed("can't set protected config"));
        }
        if seen.contains(&directive.name()) {
            return Err(failed("duplicate parameter"));
        }
        seen.push(directive.name());
        let value = args.at(index + 1);
        let words: Vec<&[u8]> = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
        let value = if directive.takes_one() { &[value][..] } else { &words };
        directive.read(&mut config, value).map_err(|reason| failed(&reason))?;
    }
    let clients = clients_within_limit(config.maxclients);
    if clients < config.maxclients {
        return Err(CommandError::of(format!(
            "ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able \
             to handle the specified number of clients, try with {clients}"
        )));
    }
    let files = &call.state.append_only;
    if config.dir != call.state.config.dir && (files.is_on() || files.is_waiting) {
        return Err(CommandError::new(
            "ERR CONFIG SET failed (possibly related to argument 'dir') - The append-only file is open in the present \
             folder. Set appendonly to no first",
        ));
    }
    let before = std::mem::replace(&mut call.state.config, config);
    if call.state.config.appendonly != before.appendonly
        && let Err(reason) = rewrite::apply(call.state, call.is_in_exec)
    {
        call.state.config = before;
        return Err(CommandError::of(format!(
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - {reason}"
        )));
    }
    call.state.apply_options()?;
    let limits = call.state.config.client_output_buffer_limit;
    for client in call.state.clients.iter_mut().chain([&mut *call.client]) {
        client.reply.set_limit(client.output_limit(&limits).hard);
    }
    call.reply().ok();
    Ok(())
}

fn config_resetstat(call: &mut Call<'_>) -> Outcome {
    call.state.reset_stats();
    call.reply().ok();
    Ok(())
}

fn config_rewrite(call: &mut Call<'_>) -> Outcome {
    let Some(path) = &call.state.config.file else {
        return Err(CommandError::new("ERR The server is running without a config file"));
    };
    call.state
        .config
        .rewrite(path)
        .map_err(|error| CommandError::of(format!("ERR Rewriting config file: {error}")))?;
    call.reply().ok();
    Ok(())
}

fn config_help(call: &mut Call<'_>) -> Outcome {
    let lines = [
        "GET <pattern>",
        "    Return parameters matching the glob-like <pattern> and their values.",
        "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.",
        "RESETSTAT",
        "    Reset statistics reported by the INFO command.",
        "REWRITE",
        "    Rewrite the configuration file.",
    ];
    help(call, "CONFIG", &lines)
}

fn shutdown(call: &mut Call<'_>) -> Outcome {
    let (mut how, mut aborts) = (Shutdown::default(), false);
    for index in 1..call.args.len() {
        match () {
            () if call.args.is(index, "NOSAVE") && how.saves != Some(true) => how.saves = Some(false),
            () if call.args.is(index, "SAVE") && how.saves != Some(false) => how.saves = Some(true),
            () if call.args.is(index, "FORCE") => how.is_forced = true,
            // There is no replica to wait for.
            () if call.args.is(index, "NOW") => {}
            () if call.args.is(index, "ABORT") => aborts = true,
            () => return Err(CommandError::SYNTAX),
        }
    }
    if aborts {
        let is_alone = (1..call.args.len()).all(|index| call.args.is(index, "ABORT"));
        return Err(match is_alone {
            true => CommandError::new("ERR No shutdown in progress."),
            false => CommandError::SYNTAX,
        });
    }
    if call.state.shut_down(how) {
        Ok(())
    } else {
        Err(CommandError::new("ERR Errors trying to SHUTDOWN. Check logs."))
    }
}
