//! Snapshots, the time, and commands about replicas, clusters and functions, which this server does not have.

use super::admin::container;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::rewrite;
use crate::snapshot::Purpose;
use crate::spec::flags::{ADMIN, BLOCKING, FAST, LOADING, NO_MULTI, NOSCRIPT, READONLY, STALE, WRITE};
use crate::spec::{Spec, keyless};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const COMMANDS: &[Spec] = &[
    keyless("bgrewriteaof", 1, ADMIN | NOSCRIPT, bgrewriteaof)
        .doc("1.0.0", "Begins to rewrite the append-only file."),
    keyless("bgsave", -1, ADMIN | NOSCRIPT, bgsave).doc("1.0.0", "Begins to write a snapshot."),
    keyless("cluster", -2, 0, container).with(CLUSTER).doc("3.0.0", "Answers that there is no cluster."),
    keyless("function", -2, 0, container).with(FUNCTION).doc("7.0.0", "Answers that there are no functions."),
    keyless("lastsave", 1, LOADING | STALE | FAST, lastsave)
        .doc("1.0.0", "Returns when the last snapshot was complete."),
    keyless("lolwut", -1, READONLY | FAST, lolwut).doc("5.0.0", "Returns the version."),
    keyless("role", 1, NOSCRIPT | LOADING | STALE | FAST, role)
        .doc("2.8.12", "Returns that this is a master."),
    keyless("save", 1, ADMIN | NOSCRIPT | NO_MULTI, save)
        .doc("1.0.0", "Writes a snapshot, and answers when it is complete."),
    keyless("time", 1, LOADING | STALE | FAST, time).doc("2.6.0", "Returns the time."),
    keyless("wait", 3, BLOCKING, wait).doc("3.0.0", "Answers that no replica has the writes."),
];

const CLUSTER: &[Spec] = &[
    keyless("info", 2, STALE, no_cluster).doc("3.0.0", "Answers that there is no cluster."),
    keyless("slots", 2, LOADING | STALE, no_cluster).doc("3.0.0", "Answers that there is no cluster."),
];

const FUNCTION: &[Spec] = &[
    keyless("flush", -2, NOSCRIPT | WRITE, function_flush)
        .doc("7.0.0", "Removes all functions: there are none."),
    keyless("help", 2, LOADING | STALE, function_help).doc("7.0.0", "Returns what the subcommands do."),
];

const IS_RUNNING: CommandError = CommandError::new("ERR Background save already in progress");

fn save(call: &mut Call<'_>) -> Outcome {
    if call.state.snapshots.is_running_for(Purpose::Save) {
        return Err(IS_RUNNING);
    }
    call.state.save().map_err(|error| failed(&error))?;
    call.reply().ok();
    Ok(())
}

fn failed(error: &rdb::SaveError) -> CommandError {
    CommandError::of(format!("ERR the snapshot cannot be written: {error}"))
}

fn bgsave(call: &mut Call<'_>) -> Outcome {
    let may_wait = match call.args.len() {
        1 => false,
        2 if call.args.is(1, "SCHEDULE") => true,
        _ => return Err(CommandError::SYNTAX),
    };
    if call.state.snapshots.is_running_for(Purpose::Save) {
        return Err(IS_RUNNING);
    }
    // In a transaction, the file would have a part of it.
    if call.state.snapshots.is_running() || call.is_in_exec {
        if !may_wait && !call.is_in_exec {
            return Err(CommandError::new(
                "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order \
                 to schedule a BGSAVE whenever possible.",
            ));
        }
        call.state.snapshots.is_scheduled = true;
        call.reply().simple("Background saving scheduled");
        return Ok(());
    }
    call.state.begin_snapshot().map_err(|error| failed(&error))?;
    call.reply().simple("Background saving started");
    Ok(())
}

fn bgrewriteaof(call: &mut Call<'_>) -> Outcome {
    if call.state.snapshots.is_running_for(Purpose::Rewrite) {
        return Err(CommandError::new("ERR Background append only file rewriting already in progress"));
    }
    if call.state.snapshots.is_running() || call.is_in_exec {
        call.state.append_only.is_scheduled = true;
        call.reply().simple("Background append only file rewriting scheduled");
        return Ok(());
    }
    rewrite::begin(call.state).map_err(|_logged| {
        CommandError::new(
            "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
        )
    })?;
    call.reply().simple("Background append only file rewriting started");
    Ok(())
}

fn lastsave(call: &mut Call<'_>) -> Outcome {
    let at = call.state.snapshots.last_save;
    call.reply().integer(at as i64);
    Ok(())
}

fn time(call: &mut Call<'_>) -> Outcome {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let reply = call.reply();
    reply.array(2);
    reply.bulk(now.as_secs().to_string().as_bytes());
    reply.bulk(now.subsec_micros().to_string().as_bytes());
    Ok(())
}

fn role(call: &mut Call<'_>) -> Outcome {
    let reply = call.reply();
    reply.array(3);
    reply.bulk(b"master");
    reply.integer(0);
    reply.array(0);
    Ok(())
}

fn wait(call: &mut Call<'_>) -> Outcome {
    integer(call.args.at(1))?;
    let timeout = integer(call.args.at(2))
        .map_err(|_| CommandError::new("ERR timeout is not an integer or out of range"))?;
    if timeout < 0 {
        return Err(CommandError::new("ERR timeout is negative"));
    }
    call.reply().integer(0);
    Ok(())
}

fn lolwut(call: &mut Call<'_>) -> Outcome {
    let text = format!("Redis ver. {}\n", super::VERSION);
    call.reply().verbatim(text.as_bytes());
    Ok(())
}

fn no_cluster(_call: &mut Call<'_>) -> Outcome {
    Err(CommandError::new("ERR This instance has cluster support disabled"))
}

fn function_help(call: &mut Call<'_>) -> Outcome {
    let lines = ["FLUSH [ASYNC|SYNC]", "    Do nothing: this server has no functions."];
    super::admin::help(call, "FUNCTION", &lines)
}

fn function_flush(call: &mut Call<'_>) -> Outcome {
    match call.args.len() {
        2 => {}
        3 if call.args.is(2, "SYNC") || call.args.is(2, "ASYNC") => {}
        _ => return Err(CommandError::new("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")),
    }
    call.reply().ok();
    Ok(())
}
