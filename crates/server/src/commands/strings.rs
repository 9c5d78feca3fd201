//! Commands for strings, except those for bits.

use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::reply::Reply;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use keyspace::{ExpireOptions, Expiry, SetCondition, SetExpiry, SetOptions, StringRef};
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
    read_string(call, |reply, string| match string {
        Some(string) => Ok(reply.string(string)?),
        None => {
            reply.null();
            Ok(())
        }
    })
}

/// Calls `write` with the string of the first key, or with `None` if there is no such key. Counts the look-up. In C:
/// `lookupKeyRead`, `checkType`.
pub(super) fn read_string(
    call: &mut Call<'_>,
    write: impl FnOnce(&mut Reply, Option<StringRef<'_>>) -> Outcome,
) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let string = keys.get_string(key, now);
    let is_found = !matches!(string, Ok(None));
    let outcome = string.map_err(CommandError::from).and_then(|string| write(reply, string));
    call.count_read(key, is_found);
    outcome
}

fn mget(call: &mut Call<'_>) -> Outcome {
    let (args, now) = (call.args.from(1), call.now);
    call.reply().array(args.len());
    for key in args.iter() {
        let (keys, reply) = call.parts();
        let string = keys.get_string(key, now);
        // A value of another type is found, and is answered like an absent one.
        let is_found = !matches!(string, Ok(None));
        match string {
            Ok(Some(string)) => reply.string(string)?,
            Ok(None) | Err(_) => reply.null(),
        }
        call.count_read(key, is_found);
        if call.reply().is_over_limit() {
            break;
        }
    }
    Ok(())
}

/// A unit of an expiry: its word, and the expiry of a number.
type Unit = (&'static str, fn(i64) -> Expiry);

const UNITS: [Unit; 4] = [
    ("EX", Expiry::InSeconds),
    ("PX", Expiry::InMillis),
    ("EXAT", Expiry::AtSeconds),
    ("PXAT", Expiry::AtMillis),
];

/// The options of `SET` and `GETEX`. An option may be repeated, and the last one counts. The number of an expiry
/// is parsed later than the options. In C: `parseExtendedStringArgumentsOrReply`.
#[derive(Default)]
struct Options<'a> {
    condition: Option<SetCondition<'a>>,
    /// The unit, and the text of the number.
    expiry: Option<(Unit, &'a [u8])>,
    /// Whether the expiry stays (`KEEPTTL`), or is removed (`PERSIST`).
    keeps: bool,
    get: bool,
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>, is_set: bool) -> Result<Self, CommandError> {
        let (mut options, mut index) = (Self::default(), 0);
        while index < args.len() {
            let is = |word: &str| args.is(index, word);
            if let Some(unit) = UNITS.into_iter().find(|(word, _)| is(word)) {
                // Another unit is refused, and so is an option that says something else about the expiry.
                let is_other = options.expiry.is_some_and(|((word, _), _)| word != unit.0);
                if options.keeps || is_other {
                    return Err(CommandError::SYNTAX);
                }
                index += 1;
                options.expiry = Some((unit, args.get(index).ok_or(CommandError::SYNTAX)?));
            } else if is(if is_set { "KEEPTTL" } else { "PERSIST" }) && options.expiry.is_none() {
                options.keeps = true;
            } else if is_set && is("NX") && options.condition != Some(SetCondition::IfPresent) {
                options.condition = Some(SetCondition::IfAbsent);
            } else if is_set && is("XX") && options.condition != Some(SetCondition::IfAbsent) {
                options.condition = Some(SetCondition::IfPresent);
            } else if is_set && is("GET") {
                options.get = true;
            } else {
                return Err(CommandError::SYNTAX);
            }
            index += 1;
        }
        Ok(options)
    }

    /// Returns the expiry that the key gets, if there is one.
    fn expiry(&self) -> Result<Option<Expiry>, CommandError> {
        self.expiry.map(|((_, make), number)| integer(number).map(make)).transpose()
    }
}

fn set(call: &mut Call<'_>) -> Outcome {
    let (key, value) = (call.args.at(1), call.args.at(2));
    if call.args.len() == 3 {
        let now = call.now;
        call.parts().0.set(key, value, now)?;
        call.changed(notify::STRING, "set", key, 1);
        call.reply().ok();
        return Ok(());
    }
    let options = Options::parse(call.args.from(3), true)?;
    let expiry = match options.expiry()? {
        Some(expiry) => SetExpiry::To(expiry),
        None if options.keeps => SetExpiry::Keep,
        None => SetExpiry::Clear,
    };
    let condition = options.condition.unwrap_or(SetCondition::Always);
    set_with(call, key, value, &SetOptions { condition, expiry, get: options.get }, "set")
}

/// Runs `SET` with options, and writes its reply.
fn set_with(call: &mut Call<'_>, key: &[u8], value: &[u8], options: &SetOptions<'_>, name: &str) -> Outcome {
    let now = call.now;
    let result = call.parts().0.set_with(key, value, options, now);
    if options.get {
        let is_found = match &result {
            Ok(outcome) => Some(outcome.old.is_some()),
            Err(keyspace::Error::Value(values::Error::WrongType(_))) => Some(true),
            Err(_) => None,
        };
        // An old value that had expired is published before the miss.
        call.state.publish_removed_of(call.client.db);
        if let Some(is_found) = is_found {
            call.count_read(key, is_found);
        }
    }
    let outcome = result.map_err(|error| expire_error(error, name))?;
    if outcome.is_set {
        call.changed(notify::STRING, "set", key, 1);
        if let SetExpiry::To(_) = options.expiry {
            call.notify(notify::GENERIC, "expire", key);
            if call.is_appended() {
                match call.keys().expire_time(key, now).millis() {
                    Some(at) => {
                        call.append_instead(&[b"SET", key, value, b"PXAT", at.to_string().as_bytes()]);
                    }
                    None => call.append_instead(&[b"DEL", key]),
                }
            }
        }
    } else {
        call.exists(key);
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
    let (key, value, now) = (call.args.at(1), call.args.at(2), call.now);
    let options = SetOptions { condition: SetCondition::IfAbsent, ..SetOptions::default() };
    let is_set = call.parts().0.set_with(key, value, &options, now)?.is_set;
    if is_set {
        call.changed(notify::STRING, "set", key, 1);
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
    let old = call.parts().0.get_remove(key, now);
    call.count_read(key, !matches!(old, Ok(None)));
    match old? {
        Some(old) => {
            call.reply().element(old.as_element());
            call.changed(notify::GENERIC, "del", key, 1);
            call.append_instead(&[b"DEL", key]);
        }
        None => call.reply().null(),
    }
    Ok(())
}

fn getex(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let options = Options::parse(call.args.from(2), false)?;
    // The value is written before the number is parsed. An error takes it back.
    get(call)?;
    if !options.keeps && options.expiry.is_none() || !call.keys().contains_key(key, now) {
        return Ok(());
    }
    let expiry = options.expiry()?;
    let (keys, _) = call.parts();
    let event = match expiry {
        Some(expiry) => {
            let set = expiry
                .positive_at(now)
                .and_then(|_at| keys.expire(key, expiry, ExpireOptions::default(), now));
            set.map_err(|error| expire_error(error, "getex"))?;
            if keys.contains_key(key, now) { "expire" } else { "del" }
        }
        None if keys.persist(key, now) => "persist",
        None => return Ok(()),
    };
    call.changed(notify::GENERIC, event, key, 1);
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
        call.changed(notify::STRING, "set", key.bytes(), 1);
    }
    Ok(())
}

fn msetnx(call: &mut Call<'_>) -> Outcome {
    let pairs = pairs(call, "msetnx")?;
    let is_there = pairs.iter().any(|(key, _)| call.exists(key.bytes()));
    if !is_there {
        set_all(call, &pairs)?;
    }
    call.reply().flag(!is_there);
    Ok(())
}

fn append(call: &mut Call<'_>) -> Outcome {
    let (key, bytes, now) = (call.args.at(1), call.args.at(2), call.now);
    let len = call.parts().0.append(key, bytes, now)?;
    call.changed(notify::STRING, "append", key, 1);
    call.reply().count(len);
    Ok(())
}

fn strlen(call: &mut Call<'_>) -> Outcome {
    read_string(call, |reply, string| {
        reply.count(string.map_or(0, |string| string.len()));
        Ok(())
    })
}

fn setrange(call: &mut Call<'_>) -> Outcome {
    let (key, bytes, now) = (call.args.at(1), call.args.at(3), call.now);
    let offset = integer(call.args.at(2))?;
    let offset = usize::try_from(offset).map_err(|_| CommandError::new("ERR offset is out of range"))?;
    let len = call.parts().0.set_range(key, offset, bytes, now)?;
    if !bytes.is_empty() {
        call.changed(notify::STRING, "setrange", key, 1);
    }
    call.reply().count(len);
    Ok(())
}

/// A range that lies before the string is empty, as in Redis 8. Redis 7.4 answers the first byte.
fn getrange(call: &mut Call<'_>) -> Outcome {
    let (start, end) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    read_string(call, |reply, string| {
        let Some(string) = string else {
            reply.bulk(b"");
            return Ok(());
        };
        if end.saturating_add_unsigned(string.len() as u64) < 0 {
            reply.bulk(b"");
            return Ok(());
        }
        let mut buffer = Vec::new();
        reply.bulk(&values::string::get_range(string.element(&mut buffer)?, start, end));
        Ok(())
    })
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
    call.changed(notify::STRING, "incrby", key, 1);
    call.reply().integer(sum);
    Ok(())
}

fn incrbyfloat(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    // A value of another type is reported before a wrong number.
    call.keys().strlen(key, now)?;
    let increment = values::string::LongDouble::parse(call.args.at(2)).ok_or(CommandError::NOT_A_FLOAT)?;
    let sum = call.parts().0.incr_by_float(key, increment, now)?;
    call.changed(notify::STRING, "incrbyfloat", key, 1);
    sum.with_text(|text| {
        // The sum does not depend on how another server adds.
        call.append_instead(&[b"SET", key, text, b"KEEPTTL"]);
        call.reply().bulk(text);
    });
    Ok(())
}
