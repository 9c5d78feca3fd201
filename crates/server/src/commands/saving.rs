//! Commands about snapshots, and a few about the server as a whole.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::natural;
use crate::spec::flags::{ADMIN, FAST, LOADING, NOSCRIPT, STALE};
use crate::spec::{Keys, Spec};

pub(super) const COMMANDS: &[Spec] = &[
    row("bgsave", -1, ADMIN | NOSCRIPT, bgsave).doc("1.0.0", "Begins a snapshot."),
    row("lastsave", 1, LOADING | STALE | FAST, lastsave)
        .doc("1.0.0", "Returns when the last snapshot was complete."),
    row("role", 1, NOSCRIPT | LOADING | STALE | FAST, role).doc("2.8.12", "Returns the role in replication."),
    row("save", 1, ADMIN | NOSCRIPT, save).doc("1.0.0", "Writes a snapshot, and waits for it."),
    row("time", 1, LOADING | STALE | FAST, time).doc("2.6.0", "Returns the time of the server."),
    row("wait", 3, 0, wait).doc("3.0.0", "Returns the number of replicas that have the last write: 0."),
];

const fn row(name: &'static str, arity: i32, flags: u32, run: fn(&mut Call<'_>) -> Outcome) -> Spec {
    Spec { group: "server", ..Spec::new(name, arity, flags, Keys::None, run) }
}

const IN_PROGRESS: CommandError = CommandError::new("ERR Background save already in progress");

fn save(call: &mut Call<'_>) -> Outcome {
    if call.state.snapshots.is_running() {
        return Err(IN_PROGRESS);
    }
    call.state.save().map_err(|error| CommandError::of(format!("ERR {error}")))?;
    call.reply().ok();
    Ok(())
}

fn bgsave(call: &mut Call<'_>) -> Outcome {
    match call.args.len() {
        1 => {}
        2 if call.args.is(1, "SCHEDULE") => {}
        _ => return Err(CommandError::SYNTAX),
    }
    if call.state.snapshots.is_running() {
        return Err(IN_PROGRESS);
    }
    call.state.begin_snapshot().map_err(|error| CommandError::of(format!("ERR {error}")))?;
    call.reply().simple("Background saving started");
    Ok(())
}

fn lastsave(call: &mut Call<'_>) -> Outcome {
    let last = call.state.snapshots.last_save as i64;
    call.reply().integer(last);
    Ok(())
}

fn time(call: &mut Call<'_>) -> Outcome {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let reply = call.reply();
    reply.array(2);
    reply.bulk(since.as_secs().to_string().as_bytes());
    reply.bulk(since.subsec_micros().to_string().as_bytes());
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
    natural(call.args.at(1))?;
    natural(call.args.at(2)).map_err(|_| CommandError::new("ERR timeout is negative"))?;
    call.reply().count(0);
    Ok(())
}
