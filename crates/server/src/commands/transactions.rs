//! The commands `MULTI`, `EXEC`, `DISCARD`, `WATCH` and `UNWATCH`.

use super::execute::run;
use super::find_with_subcommand;
use crate::call::Call;
use crate::client::{Transaction, WatchedKey};
use crate::database::add_waiting;
use crate::error::{CommandError, Outcome};
use crate::spec::flags::{FAST, LOADING, NOSCRIPT, STALE};
use crate::spec::{Keys, Spec};

const FLAGS: u32 = NOSCRIPT | LOADING | STALE | FAST;

pub(super) const COMMANDS: &[Spec] = &[
    row("discard", 1, FLAGS, Keys::None, discard).doc("2.0.0", "Forgets the commands of a transaction."),
    row("exec", 1, NOSCRIPT | LOADING | STALE, Keys::None, exec)
        .doc("1.2.0", "Runs the commands of a transaction."),
    row("multi", 1, FLAGS, Keys::None, multi).doc("1.2.0", "Begins a transaction."),
    row("unwatch", 1, FLAGS, Keys::None, unwatch).doc("2.2.0", "Forgets the watched keys."),
    row("watch", -2, FLAGS, Keys::ALL, watch)
        .doc("2.2.0", "Lets EXEC do nothing if one of the keys changes."),
];

const fn row(
    name: &'static str,
    arity: i32,
    flags: u32,
    keys: Keys,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    Spec { group: "transactions", ..Spec::new(name, arity, flags, keys, run) }
}

fn multi(call: &mut Call<'_>) -> Outcome {
    if call.client.transaction.is_some() {
        return Err(CommandError::new("ERR MULTI calls can not be nested"));
    }
    call.client.transaction = Some(Transaction::default());
    call.reply().ok();
    Ok(())
}

fn discard(call: &mut Call<'_>) -> Outcome {
    if call.client.transaction.take().is_none() {
        return Err(CommandError::new("ERR DISCARD without MULTI"));
    }
    call.state.unwatch(call.client);
    call.reply().ok();
    Ok(())
}

fn exec(call: &mut Call<'_>) -> Outcome {
    let transaction = call.client.transaction.take().ok_or(CommandError::new("ERR EXEC without MULTI"))?;
    let now = call.now;
    let has_expired = |watched: &WatchedKey| {
        let keys = &call.state.dbs[watched.db].keys;
        watched.existed && !keys.contains_key(&watched.key, now)
    };
    let is_dirty = call.client.is_dirty || call.client.watched.iter().any(has_expired);
    call.state.unwatch(call.client);
    if transaction.is_aborted {
        return Err(CommandError::new("EXECABORT Transaction discarded because of previous errors."));
    }
    if is_dirty {
        call.reply().null_array();
        return Ok(());
    }
    call.reply().array(transaction.commands.len());
    for command in &transaction.commands {
        let args = command.as_args();
        // The command was found when it was queued.
        if let Some(spec) = find_with_subcommand(args) {
            run(call.state, call.client, args, spec, true);
        }
    }
    Ok(())
}

fn watch(call: &mut Call<'_>) -> Outcome {
    if call.client.transaction.is_some() {
        return Err(CommandError::new("ERR WATCH inside MULTI is not allowed"));
    }
    let (db, now) = (call.client.db, call.now);
    for key in call.args.from(1).iter() {
        if call.client.watched.iter().any(|watched| watched.db == db && watched.key == key) {
            continue;
        }
        let existed = call.keys().contains_key(key, now);
        add_waiting(&mut call.state.dbs[db].watching, key, call.client.id);
        call.client.watched.push(WatchedKey { db, key: key.to_vec(), existed });
    }
    call.reply().ok();
    Ok(())
}

fn unwatch(call: &mut Call<'_>) -> Outcome {
    call.state.unwatch(call.client);
    call.reply().ok();
    Ok(())
}
