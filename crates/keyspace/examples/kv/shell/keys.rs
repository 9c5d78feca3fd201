//! Commands on keys of any type.

use super::reply::{Refusal, Reply};
use super::{ANY, Answer, Command, flag, integer, syntax_error};
use keyspace::{Cursor, ExpireOptions, Expiry, Keyspace, ScanOptions};
use values::ObjectType;

pub(super) const COMMANDS: &[Command] = &[
    ("del", 1..=ANY, "key [key ...]", |db, args, now| count(args, |key| db.remove(key, now))),
    ("unlink", 1..=ANY, "key [key ...]", unlink),
    ("exists", 1..=ANY, "key [key ...]", |db, args, now| count(args, |key| db.contains_key(key, now))),
    ("touch", 1..=ANY, "key [key ...]", |db, args, now| count(args, |key| db.touch(key, now))),
    ("type", 1..=1, "key", object_type),
    ("rename", 2..=2, "key newkey", rename),
    ("renamenx", 2..=2, "key newkey", |db, args, now| Ok(db.rename_absent(args[0], args[1], now)?.into())),
    ("copy", 2..=3, "source destination [REPLACE]", copy),
    ("expire", 2..=ANY, EXPIRE, |db, args, now| expire(db, args, Expiry::InSeconds, now)),
    ("pexpire", 2..=ANY, EXPIRE, |db, args, now| expire(db, args, Expiry::InMillis, now)),
    ("expireat", 2..=ANY, EXPIRE, |db, args, now| expire(db, args, Expiry::AtSeconds, now)),
    ("pexpireat", 2..=ANY, EXPIRE, |db, args, now| expire(db, args, Expiry::AtMillis, now)),
    ("ttl", 1..=1, "key", |db, args, now| Ok(db.ttl(args[0], now).as_secs().into())),
    ("pttl", 1..=1, "key", |db, args, now| Ok(db.ttl(args[0], now).as_millis().into())),
    ("expiretime", 1..=1, "key", |db, args, now| Ok(db.expire_time(args[0], now).as_secs().into())),
    ("pexpiretime", 1..=1, "key", |db, args, now| Ok(db.expire_time(args[0], now).as_millis().into())),
    ("persist", 1..=1, "key", |db, args, now| Ok(db.persist(args[0], now).into())),
    ("keys", 1..=1, "pattern", |db, args, now| Ok(db.keys(args[0], now).collect())),
    ("scan", 1..=7, "cursor [MATCH pattern] [COUNT count] [TYPE type]", scan),
    ("randomkey", 0..=0, "", |db, _, now| Ok(db.random_key(now, rand::random).into())),
    ("dbsize", 0..=0, "", |db, _, _| Ok(db.len().into())),
    ("flushdb", 0..=0, "", flushdb),
];

const EXPIRE: &str = "key time [NX|XX|GT|LT]";

/// For how many keys `f` returns `true`.
fn count(keys: &[&[u8]], mut f: impl FnMut(&[u8]) -> bool) -> Answer {
    Ok(keys.iter().filter(|key| f(key)).count().into())
}

/// Large values are dropped on another thread.
fn unlink(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let answer = count(args, |key| db.unlink(key, now));
    if let Some(garbage) = db.take_garbage() {
        std::thread::spawn(move || drop(garbage));
    }
    answer
}

fn object_type(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    Ok(Reply::text(db.object_type(args[0], now).map_or("none", ObjectType::as_str)))
}

fn rename(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    db.rename(args[0], args[1], now)?;
    Ok(Reply::OK)
}

fn copy(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    Ok(db.copy(args[0], args[1], flag(&args[2..], "REPLACE")?, now)?.into())
}

fn expire(db: &mut Keyspace, args: &[&[u8]], expiry: fn(i64) -> Expiry, now: u64) -> Answer {
    let expiry = expiry(integer(args[1])?);
    let mut options = ExpireOptions::default();
    for word in &args[2..] {
        match &word.to_ascii_uppercase()[..] {
            b"NX" => options.nx = true,
            b"XX" => options.xx = true,
            b"GT" => options.gt = true,
            b"LT" => options.lt = true,
            _ => return Err(Refusal::new(format!("ERR Unsupported option {}", word.escape_ascii()))),
        }
    }
    Ok(db.expire(args[0], expiry, options, now)?.into())
}

fn scan(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let cursor = std::str::from_utf8(args[0]).ok().and_then(|text| text.parse::<u64>().ok());
    let cursor = Cursor::from(cursor.ok_or(Refusal::new("ERR invalid cursor"))?);
    let (options, []) = args[1..].as_chunks() else { return Err(syntax_error()) };
    let mut scan = ScanOptions::default();
    for [word, value] in options {
        match &word.to_ascii_uppercase()[..] {
            b"MATCH" => scan.pattern = Some(value),
            b"COUNT" => {
                let count = usize::try_from(integer(value)?).ok();
                scan.count = count.filter(|count| *count > 0).ok_or_else(syntax_error)?;
            }
            b"TYPE" => {
                let is_named = |known: &ObjectType| value.eq_ignore_ascii_case(known.as_str().as_bytes());
                let known = ObjectType::ALL.into_iter().find(is_named);
                scan.object_type = Some(known.ok_or(Refusal::new("ERR unknown type name"))?);
            }
            _ => return Err(syntax_error()),
        }
    }
    let mut keys: Vec<Reply> = Vec::new();
    let next = db.scan(cursor, &scan, now, |key, _value| keys.push(key.into()));
    Ok(Reply::Array(vec![u64::from(next).to_string().as_bytes().into(), Reply::Array(keys)]))
}

fn flushdb(db: &mut Keyspace, _: &[&[u8]], _: u64) -> Answer {
    db.clear();
    Ok(Reply::OK)
}
