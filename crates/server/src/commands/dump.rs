//! Commands that copy whole values: as payloads, to other keys and to other databases.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::{between, integer};
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use keyspace::{Keyspace, RestoreOptions, RestoreValue};

pub(super) const COMMANDS: &[Spec] = &[
    row("copy", -3, WRITE | DENYOOM, Keys::TWO, copy).doc("6.2.0", "Copies a value to another key."),
    on_key("dump", 2, READONLY, dump).doc("2.6.0", "Returns a value as a payload."),
    on_key("move", 3, WRITE | FAST, move_key).doc("1.0.0", "Moves a key to another database."),
    on_key("restore", -4, WRITE | DENYOOM, restore).doc("2.6.0", "Creates a key from a payload."),
];

const SAME: CommandError = CommandError::new("ERR source and destination objects are the same");

fn dump(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let mut options = rdb::DumpOptions::DEFAULT;
    options.compression = call.state.config.rdbcompression;
    let value = call.keys().get(key, now);
    let is_found = value.is_some();
    let payload = value.map(|value| rdb::dump(value, options)).transpose();
    call.count_read(key, is_found);
    match payload.map_err(|error| CommandError::of(format!("ERR {error}")))? {
        Some(payload) => call.reply().bulk(&payload),
        None => call.reply().null(),
    }
    Ok(())
}

/// What `RESTORE` is told besides the payload.
fn restore_options(call: &Call<'_>) -> Result<(RestoreOptions, bool), CommandError> {
    let mut options = RestoreOptions::default();
    let (mut is_absolute, mut index) = (false, 4);
    while index < call.args.len() {
        let number = call.args.get(index + 1);
        match number {
            _ if call.args.is(index, "REPLACE") => options.replace = true,
            _ if call.args.is(index, "ABSTTL") => is_absolute = true,
            Some(number) if call.args.is(index, "IDLETIME") && options.freq.is_none() => {
                let secs = u64::try_from(integer(number)?)
                    .map_err(|_| CommandError::new("ERR Invalid IDLETIME value, must be >= 0"))?;
                options.idle_time = Some(secs);
                index += 1;
            }
            Some(number) if call.args.is(index, "FREQ") && options.idle_time.is_none() => {
                let freq = u8::try_from(integer(number)?)
                    .map_err(|_| CommandError::new("ERR Invalid FREQ value, must be >= 0 and <= 255"))?;
                options.freq = Some(freq);
                index += 1;
            }
            _ => return Err(CommandError::SYNTAX),
        }
        index += 1;
    }
    Ok((options, is_absolute))
}

fn restore(call: &mut Call<'_>) -> Outcome {
    let (key, payload, now) = (call.args.at(1), call.args.at(3), call.now);
    let (mut options, is_absolute) = restore_options(call)?;
    let existed = call.exists(key);
    if existed && !options.replace {
        return Err(CommandError::new("BUSYKEY Target key name already exists."));
    }
    let ttl = u64::try_from(integer(call.args.at(2))?)
        .map_err(|_| CommandError::new("ERR Invalid TTL value, must be >= 0"))?;
    if ttl > 0 {
        options.expiry = Some(if is_absolute { ttl } else { ttl.saturating_add(now) });
    }
    let limits = call.limits();
    let mut value = rdb::restore(payload, &limits).map_err(|error| bad_payload(&error, payload))?.value;
    let is_stored = call.parts().0.restore(key, RestoreValue::Built(&mut value), &options, now)?;
    if is_stored {
        call.changed(notify::GENERIC, "restore", key, 1);
        if let Some(at) = options.expiry.filter(|_| !is_absolute && call.is_appended()) {
            let at = at.to_string();
            let mut command: Vec<&[u8]> = call.args.iter().collect();
            command[2] = at.as_bytes();
            command.push(b"ABSTTL");
            call.append_instead(&command);
        }
    } else if existed {
        call.changed(notify::GENERIC, "del", key, 1);
        call.append_instead(&[b"DEL", key]);
    }
    call.reply().ok();
    Ok(())
}

/// Returns the error of a payload. Bytes after the value are bad data, too. Redis ignores them.
fn bad_payload(error: &rdb::Error, payload: &[u8]) -> CommandError {
    /// The bytes of the version and the checksum, which end each payload.
    const FOOTER: usize = 10;
    match error {
        rdb::Error::Version { .. } | rdb::Error::Checksum { .. } => BAD_FOOTER,
        _ if payload.len() < FOOTER => BAD_FOOTER,
        _ => CommandError::new("ERR Bad data format"),
    }
}

const BAD_FOOTER: CommandError = CommandError::new("ERR DUMP payload version or checksum are wrong");

/// Parses the number of a database.
fn database(call: &Call<'_>, text: &[u8]) -> Result<usize, CommandError> {
    let number = between(text, i32::MIN.into(), i32::MAX.into())?;
    let number = usize::try_from(number).ok().filter(|number| *number < call.state.dbs.len());
    number.ok_or(CommandError::new("ERR DB index is out of range"))
}

/// Returns the keys of two different databases. Returns `None` if they are the same.
fn two<'s>(call: &'s mut Call<'_>, other: usize) -> Option<(&'s mut Keyspace, &'s mut Keyspace)> {
    let own = call.client.db;
    let [own, other] = call.state.dbs.get_disjoint_mut([own, other]).ok()?;
    Some((&mut own.keys, &mut other.keys))
}

fn copy(call: &mut Call<'_>) -> Outcome {
    let (from, to, now) = (call.args.at(1), call.args.at(2), call.now);
    let (mut replace, mut db, mut index) = (false, call.client.db, 3);
    while index < call.args.len() {
        match call.args.get(index + 1) {
            _ if call.args.is(index, "REPLACE") => replace = true,
            Some(number) if call.args.is(index, "DB") => {
                db = database(call, number)?;
                index += 1;
            }
            _ => return Err(CommandError::SYNTAX),
        }
        index += 1;
    }
    if db == call.client.db && from == to {
        return Err(SAME);
    }
    if call.read_type(from).is_none() {
        call.reply().flag(false);
        return Ok(());
    }
    call.state.remove_expired(db, to);
    let is_copied = match two(call, db) {
        Some((own, other)) => own.copy_to(from, other, to, replace, now)?,
        None => call.parts().0.copy(from, to, replace, now)?,
    };
    if is_copied {
        call.changed_in(db, to, 1);
        call.state.notify(db, notify::GENERIC, "copy_to", to);
    }
    call.reply().flag(is_copied);
    Ok(())
}

fn move_key(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let db = database(call, call.args.at(2))?;
    if db == call.client.db {
        return Err(SAME);
    }
    call.state.remove_expired(call.client.db, key);
    call.state.remove_expired(db, key);
    let (own, other) = two(call, db).ok_or(SAME)?;
    let is_moved = own.move_to(key, other, now)?;
    if is_moved {
        call.changed(notify::GENERIC, "move_from", key, 1);
        call.changed_in(db, key, 0);
        call.state.notify(db, notify::GENERIC, "move_to", key);
    }
    call.reply().flag(is_moved);
    Ok(())
}
