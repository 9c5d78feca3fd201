//! Commands on strings.

use super::reply::{Refusal, Reply};
use super::{ANY, Answer, Command, integer, syntax_error};
use keyspace::{Expiry, Keyspace, SetCondition, SetExpiry, SetOptions};

pub(super) const COMMANDS: &[Command] = &[
    ("set", 2..=ANY, "key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]", set),
    ("get", 1..=1, "key", |db, args, now| Ok(db.get_string(args[0], now)?.into())),
    ("getdel", 1..=1, "key", |db, args, now| Ok(db.get_remove(args[0], now)?.into())),
    ("getex", 1..=3, "key [EX s|PX ms|EXAT s|PXAT ms|PERSIST]", getex),
    ("append", 2..=2, "key value", |db, args, now| Ok(db.append(args[0], args[1], now)?.into())),
    ("strlen", 1..=1, "key", |db, args, now| Ok(db.strlen(args[0], now)?.into())),
    ("incr", 1..=1, "key", |db, args, now| incr(db, args[0], 1, now)),
    ("decr", 1..=1, "key", |db, args, now| incr(db, args[0], -1, now)),
    ("incrby", 2..=2, "key increment", |db, args, now| incr(db, args[0], integer(args[1])?, now)),
];

fn set(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let mut options = SetOptions::default();
    let mut words = args[2..].iter();
    while let Some(word) = words.next() {
        match (&word.to_ascii_uppercase()[..], options.condition, options.expiry) {
            (b"NX", SetCondition::Always, _) => options.condition = SetCondition::IfAbsent,
            (b"XX", SetCondition::Always, _) => options.condition = SetCondition::IfPresent,
            (b"GET", ..) => options.get = true,
            (b"KEEPTTL", _, SetExpiry::Clear) => options.expiry = SetExpiry::Keep,
            (unit, _, SetExpiry::Clear) => {
                options.expiry = SetExpiry::To(expiry(unit, words.next().ok_or_else(syntax_error)?)?);
            }
            _ => return Err(syntax_error()),
        }
    }
    let outcome = db.set_with(args[0], args[1], &options, now)?;
    Ok(match outcome.is_set {
        _ if options.get => outcome.old.into(),
        true => Reply::OK,
        false => Reply::Nil,
    })
}

/// The expiry that an option and its argument stand for.
fn expiry(unit: &[u8], time: &[u8]) -> Result<Expiry, Refusal> {
    let expiry = match unit {
        b"EX" => Expiry::InSeconds,
        b"PX" => Expiry::InMillis,
        b"EXAT" => Expiry::AtSeconds,
        b"PXAT" => Expiry::AtMillis,
        _ => return Err(syntax_error()),
    };
    Ok(expiry(integer(time)?))
}

fn getex(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let expiry = match args[1..] {
        [] => return Ok(db.get_string(args[0], now)?.into()),
        [word] if word.eq_ignore_ascii_case(b"PERSIST") => None,
        [unit, time] => Some(expiry(&unit.to_ascii_uppercase(), time)?),
        _ => return Err(syntax_error()),
    };
    Ok(db.get_expire(args[0], expiry, now)?.into())
}

fn incr(db: &mut Keyspace, key: &[u8], increment: i64, now: u64) -> Answer {
    Ok(db.incr_by(key, increment, now)?.into())
}
