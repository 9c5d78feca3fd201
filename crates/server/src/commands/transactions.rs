//! Transactions: `MULTI`, `EXEC` and `WATCH`.
//!
//! `MULTI` lets the commands that follow wait in the client. `EXEC` runs them one after the other, with no
//! command of another client between them. It runs none of them if a watched key has changed.

use super::execute::run;
use super::table::find_with_subcommand;
use crate::call::Call;
use crate::client::Transaction;
use crate::error::{CommandError, Outcome};
use crate::spec::flags::{FAST, LOADING, NOSCRIPT, SKIP_SLOWLOG, STALE};
use crate::spec::{Keys, Spec, keyless, row};

const ALWAYS: u32 = NOSCRIPT | LOADING | STALE;

pub(super) const COMMANDS: &[Spec] = &[
    keyless("discard", 1, ALWAYS | FAST, discard).doc("2.0.0", "Ends a transaction and runs nothing."),
    keyless("exec", 1, ALWAYS | SKIP_SLOWLOG, exec).doc("1.2.0", "Runs the commands of a transaction."),
    keyless("multi", 1, ALWAYS | FAST, multi).doc("1.2.0", "Begins a transaction."),
    keyless("unwatch", 1, ALWAYS | FAST, unwatch).doc("2.2.0", "Watches no key any more."),
    row("watch", -2, ALWAYS | FAST, Keys::ALL, watch)
        .doc("2.2.0", "Lets the next transaction fail if one of the keys changes."),
];

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
    let Some(transaction) = call.client.transaction.take() else {
        return Err(CommandError::new("ERR EXEC without MULTI"));
    };
    let is_dirty = call.client.is_dirty || has_expired(call);
    call.state.unwatch(call.client);
    if transaction.is_aborted {
        return Err(CommandError::new("EXECABORT Transaction discarded because of previous errors."));
    }
    if is_dirty {
        call.reply().null_array();
        return Ok(());
    }
    call.reply().array(transaction.commands().len());
    for request in transaction.commands() {
        let args = request.as_args();
        if let Some(command) = find_with_subcommand(args) {
            run(call.state, call.client, args, command, true);
        }
    }
    Ok(())
}

/// Returns whether a watched key has expired, and no event has said so yet.
fn has_expired(call: &Call<'_>) -> bool {
    let exists = |db: usize, key: &[u8]| call.state.dbs[db].keys.contains_key(key, call.now);
    call.client.watched.iter().any(|watched| !watched.was_absent && !exists(watched.db, &watched.key))
}

fn watch(call: &mut Call<'_>) -> Outcome {
    if call.client.transaction.is_some() {
        return Err(CommandError::new("ERR WATCH inside MULTI is not allowed"));
    }
    if !call.client.is_dirty {
        for key in call.args.from(1).iter() {
            call.state.watch(call.client, key)?;
        }
    }
    call.reply().ok();
    Ok(())
}

fn unwatch(call: &mut Call<'_>) -> Outcome {
    call.state.unwatch(call.client);
    call.reply().ok();
    Ok(())
}
