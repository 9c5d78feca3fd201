//! Commands for strings, except those for bits.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use keyspace::{Expiry, SetCondition, SetExpiry, SetOptions};
use values::Element;

const ADD: u32 = WRITE | DENYOOM;

pub(super) const COMMANDS: &[Spec] = &[
    on_key("append", 3, ADD | FAST, append).doc("2.0.0", "Appends a string to the value of a key."),
    on_key("decr", 2, ADD | FAST, decr).doc("1.0.0", "Subtracts one from an integer."),
    on_key("decrby", 3, ADD | FAST, decrby).doc("1.0.0", "Subtracts a number from an integer."),
    on_key("get", 2, READONLY | FAST, get).doc("1.0.0", "Returns the string of a key."),
    on_key("getdel", 2, WRITE | FAST, getdel)
        .doc("6.2.0", "Returns the string of a key and removes the key."),
    on_key("getex", -2, WRITE | FAST, getex).doc("6.2.0", "Returns the string of a key and sets its expiry."),
    on_key("getrange", 4, READONLY, getrange).doc("2.4.0", "Returns a part of a string."),
    on_key("getset", 3, ADD | FAST, getset).doc("1.0.0", "Sets the string of a key and returns the old one."),
    on_key("incr", 2, ADD | FAST, incr).doc("1.0.0", "Adds one to an integer."),
    on_key("incrby", 3, ADD | FAST, incrby).doc("1.0.0", "Adds a number to an integer."),
    on_key("incrbyfloat", 3, ADD | FAST, incrbyfloat).doc("2.6.0", "Adds a number to a number."),
    row("mget", -2, READONLY | FAST, Keys::ALL, mget).doc("1.0.0", "Returns the strings of several keys."),
    row("mset", -3, ADD, PAIRS, mset).doc("1.0.1", "Sets the strings of several keys."),
    row("msetnx", -3, ADD, PAIRS, msetnx).doc("1.0.1", "Sets several strings if none of the keys exists."),
    on_key("psetex", 4, ADD, psetex).doc("2.6.0", "Sets a string that expires after milliseconds."),
    on_key("set", -3, ADD, set).doc("1.0.0", "Sets the string of a key."),
    on_key("setex", 4, ADD, setex).doc("2.0.0", "Sets a string that expires after seconds."),
    on_key("setnx", 3, ADD | FAST, setnx).doc("1.0.0", "Sets a string if the key does not exist."),
    on_key("setrange", 4, ADD, setrange).doc("2.2.0", "Overwrites a part of a string."),
    on_key("strlen", 2, READONLY | FAST, strlen).doc("2.2.0", "Returns the length of a string."),
    on_key("substr", 4, READONLY, getrange).doc("1.0.0", "Returns a part of a string."),
];

const PAIRS: Keys = Keys::Range { first: 1, last: -1, step: 2 };

fn get(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    match keys.get_string(key, now)? {
        Some(string) => {
            reply.string(string)?;
            call.state.stats.keyspace_hits += 1;
        }
        None => {
            reply.null();
            call.missed(key);
        }
    }
    Ok(())
}

fn mget(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    let args = call.args.from(1);
    let (keys, reply) = call.parts();
    reply.array(args.len());
    let mut hits = 0;
    for key in args.iter() {
        match keys.get_string(key, now) {
            Ok(Some(string)) => {
                reply.string(string)?;
                hits += 1;
            }
            Ok(None) | Err(_) => reply.null(),
        }
    }
    call.state.stats.keyspace_hits += hits;
    call.state.stats.keyspace_misses += args.len() as u64 - hits;
    Ok(())
}

/// Parses the options of `SET` and `GETEX` that set an expiry. Returns `None` if there is no such option here.
fn expiry_option(call: &Call<'_>, index: usize) -> Result<Option<Expiry>, CommandError> {
    let make: fn(i64) -> Expiry = match () {
        () if call.args.is(index, "EX") => Expiry::InSeconds,
        () if call.args.is(index, "PX") => Expiry::InMillis,
        () if call.args.is(index, "EXAT") => Expiry::AtSeconds,
        () if call.args.is(index, "PXAT") => Expiry::AtMillis,
        () => return Ok(None),
    };
    let time = call.args.get(index + 1).ok_or(CommandError::SYNTAX)?;
    Ok(Some(make(integer(time)?)))
}

fn set(call: &mut Call<'_>) -> Outcome {
    let (key, value) = (call.args.at(1), call.args.at(2));
    if call.args.len() == 3 {
        let now = call.now;
        call.parts().0.set(key, value, now)?;
        call.changed(notify::STRING, "set", key);
        call.reply().ok();
        return Ok(());
    }
    let mut options = SetOptions::default();
    let mut index = 3;
    while index < call.args.len() {
        let has_condition = options.condition != SetCondition::Always;
        if let Some(expiry) = expiry_option(call, index)? {
            if options.expiry != SetExpiry::Clear {
                return Err(CommandError::SYNTAX);
            }
            options.expiry = SetExpiry::To(expiry);
            index += 1;
        } else if call.args.is(index, "KEEPTTL") && options.expiry == SetExpiry::Clear {
            options.expiry = SetExpiry::Keep;
        } else if call.args.is(index, "NX") && !has_condition {
            options.condition = SetCondition::IfAbsent;
        } else if call.args.is(index, "XX") && !has_condition {
            options.condition = SetCondition::IfPresent;
        } else if call.args.is(index, "GET") {
            options.get = true;
        } else {
            return Err(CommandError::SYNTAX);
        }
        index += 1;
    }
    set_with(call, key, value, &options, "set")?;
    Ok(())
}

/// Runs `SET` with options, and writes its reply.
fn set_with(call: &mut Call<'_>, key: &[u8], value: &[u8], options: &SetOptions<'_>, name: &str) -> Outcome {
    let now = call.now;
    let outcome =
        call.parts().0.set_with(key, value, options, now).map_err(|error| expire_error(error, name))?;
    if outcome.is_set {
        call.changed(notify::STRING, "set", key);
        if let SetExpiry::To(_) = options.expiry {
            call.notify(notify::GENERIC, "expire", key);
            match call.keys().expire_time(key, now).millis() {
                Some(at) => call.append_instead(&[b"SET", key, value, b"PXAT", at.to_string().as_bytes()]),
                None => call.append_instead(&[b"DEL", key]),
            }
        }
    }
    match (options.get, outcome.old) {
        (true, Some(old)) => call.reply().element(old.as_element()),
        (true, None) => call.reply().null(),
        (false, _) if outcome.is_set => call.reply().ok(),
        (false, _) => call.reply().null(),
    }
    Ok(())
}

/// Returns the error of a command, with the command's name if the expiry is wrong.
pub(super) fn expire_error(error: keyspace::Error, name: &str) -> CommandError {
    match error {
        keyspace::Error::InvalidExpireTime => {
            CommandError::of(format!("ERR invalid expire time in '{name}' command"))
        }
        _ => error.into(),
    }
}

fn setex(call: &mut Call<'_>) -> Outcome {
    set_expiring(call, Expiry::InSeconds, "setex")
}

fn psetex(call: &mut Call<'_>) -> Outcome {
    set_expiring(call, Expiry::InMillis, "psetex")
}

fn set_expiring(call: &mut Call<'_>, make: fn(i64) -> Expiry, name: &str) -> Outcome {
    let expiry = SetExpiry::To(make(integer(call.args.at(2))?));
    set_with(call, call.args.at(1), call.args.at(3), &SetOptions { expiry, ..SetOptions::default() }, name)
}

fn setnx(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let options = SetOptions { condition: SetCondition::IfAbsent, ..SetOptions::default() };
    let value = call.args.at(2);
    let is_set = call.parts().0.set_with(key, value, &options, now)?.is_set;
    if is_set {
        call.changed(notify::STRING, "set", key);
    }
    call.reply().flag(is_set);
    Ok(())
}

fn getset(call: &mut Call<'_>) -> Outcome {
    let options = SetOptions { get: true, ..SetOptions::default() };
    set_with(call, call.args.at(1), call.args.at(2), &options, "getset")
}

fn getdel(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    match call.parts().0.get_remove(key, now)? {
        Some(old) => {
            call.reply().element(old.as_element());
            call.changed(notify::GENERIC, "del", key);
            call.append_instead(&[b"DEL", key]);
        }
        None => call.reply().null(),
    }
    Ok(())
}

fn getex(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let expiry = match call.args.len() {
        2 => return get(call),
        3 if call.args.is(2, "PERSIST") => None,
        4 => Some(expiry_option(call, 2)?.ok_or(CommandError::SYNTAX)?),
        _ => return Err(CommandError::SYNTAX),
    };
    let (keys, _) = call.parts();
    let before = keys.ttl(key, now);
    let string = keys.get_expire(key, expiry, now).map_err(|error| expire_error(error, "getex"))?;
    let Some(string) = string else {
        call.reply().null();
        return Ok(());
    };
    call.reply().element(string.as_element());
    let event = match () {
        () if !call.keys().contains_key(key, now) => "del",
        () if expiry.is_some() => "expire",
        () if before.millis().is_some() => "persist",
        () => return Ok(()),
    };
    call.changed(notify::GENERIC, event, key);
    call.append_expiry(key);
    Ok(())
}

/// Returns the pairs of `MSET`.
fn pairs<'a>(call: &Call<'a>, name: &str) -> Result<Vec<(keyspace::Key<'a>, Element<'a>)>, CommandError> {
    let args = call.args.from(1);
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::arity(name));
    }
    Ok((0..args.len()).step_by(2).map(|at| (args.at(at).into(), Element::Bytes(args.at(at + 1)))).collect())
}

fn mset(call: &mut Call<'_>) -> Outcome {
    let pairs = pairs(call, "mset")?;
    set_all(call, &pairs)?;
    call.reply().ok();
    Ok(())
}

fn set_all(call: &mut Call<'_>, pairs: &[(keyspace::Key<'_>, Element<'_>)]) -> Outcome {
    let now = call.now;
    call.parts().0.set_many(pairs, now)?;
    for (key, _) in pairs {
        call.changed(notify::STRING, "set", key.bytes());
    }
    Ok(())
}

fn msetnx(call: &mut Call<'_>) -> Outcome {
    let pairs = pairs(call, "msetnx")?;
    let is_there = pairs.iter().any(|(key, _)| call.keys().contains_key(*key, call.now));
    if !is_there {
        set_all(call, &pairs)?;
    }
    call.reply().flag(!is_there);
    Ok(())
}

fn append(call: &mut Call<'_>) -> Outcome {
    let (key, bytes, now) = (call.args.at(1), call.args.at(2), call.now);
    let len = call.parts().0.append(key, bytes, now)?;
    call.changed(notify::STRING, "append", key);
    call.reply().count(len);
    Ok(())
}

fn strlen(call: &mut Call<'_>) -> Outcome {
    let len = call.keys().strlen(call.args.at(1), call.now)?;
    call.reply().count(len);
    Ok(())
}

fn setrange(call: &mut Call<'_>) -> Outcome {
    let (key, bytes, now) = (call.args.at(1), call.args.at(3), call.now);
    let offset = integer(call.args.at(2))?;
    let offset = usize::try_from(offset).map_err(|_| CommandError::new("ERR offset is out of range"))?;
    let len = call.parts().0.set_range(key, offset, bytes, now)?;
    if !bytes.is_empty() {
        call.changed(notify::STRING, "setrange", key);
    }
    call.reply().count(len);
    Ok(())
}

fn getrange(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (start, end) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    let (keys, reply) = call.parts();
    let mut buffer = Vec::new();
    match keys.get_string(key, now)? {
        Some(string) => reply.bulk(&values::string::get_range(string.element(&mut buffer)?, start, end)),
        None => reply.bulk(b""),
    }
    Ok(())
}

fn incr(call: &mut Call<'_>) -> Outcome {
    add(call, 1)
}

fn decr(call: &mut Call<'_>) -> Outcome {
    add(call, -1)
}

fn incrby(call: &mut Call<'_>) -> Outcome {
    add(call, integer(call.args.at(2))?)
}

fn decrby(call: &mut Call<'_>) -> Outcome {
    let decrement = integer(call.args.at(2))?;
    let increment = decrement.checked_neg().ok_or(CommandError::new("ERR decrement would overflow"))?;
    add(call, increment)
}

/// Redis publishes the same event for all four commands.
fn add(call: &mut Call<'_>, increment: i64) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let sum = call.parts().0.incr_by(key, increment, now)?;
    call.changed(notify::STRING, "incrby", key);
    call.reply().integer(sum);
    Ok(())
}

fn incrbyfloat(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let increment = values::string::LongDouble::parse(call.args.at(2)).ok_or(CommandError::NOT_A_FLOAT)?;
    let sum = call.parts().0.incr_by_float(key, increment, now)?;
    call.changed(notify::STRING, "incrbyfloat", key);
    sum.with_text(|text| {
        // The sum does not depend on how another server adds.
        call.append_instead(&[b"SET", key, text, b"KEEPTTL"]);
        call.reply().bulk(text);
    });
    Ok(())
}
