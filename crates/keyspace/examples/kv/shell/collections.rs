//! Commands on hashes, sets, sorted sets and lists.
//!
//! Reading borrows a view of the collection where it lies (`get_as`). Writing lends the collection to a
//! closure (`edit_as`, `modify_as`), so that several fields or members take one look-up.

use super::reply::{Refusal, Reply};
use super::{ANY, Answer, Command, flag, integer, syntax_error, wrong_arity};
use keyspace::{Error, Keyspace};
use values::list::Side;
use values::string::StringError;
use values::zset::{AddOptions, Added};
use values::{Collection, CollectionView, Element, Hash, List, ReserveError, Set, ZSet};

pub(super) const COMMANDS: &[Command] = &[
    ("hset", 3..=ANY, "key field value [field value ...]", hset),
    ("hget", 2..=2, "key field", |db, args, now| Ok(db.hget(args[0], args[1], now)?.into())),
    ("hdel", 2..=ANY, "key field [field ...]", hdel),
    ("hgetall", 1..=1, "key", hgetall),
    ("hlen", 1..=1, "key", len::<Hash>),
    ("sadd", 2..=ANY, "key member [member ...]", sadd),
    ("srem", 2..=ANY, "key member [member ...]", srem),
    ("sismember", 2..=2, "key member", |db, args, now| Ok(db.sismember(args[0], args[1], now)?.into())),
    ("smembers", 1..=1, "key", smembers),
    ("scard", 1..=1, "key", len::<Set>),
    ("zadd", 3..=ANY, "key [NX|XX] [GT|LT] [INCR] score member [score member ...]", zadd),
    ("zscore", 2..=2, "key member", |db, args, now| {
        Ok(db.zscore(args[0], args[1], now)?.map(Reply::double).into())
    }),
    ("zrange", 3..=4, "key start stop [WITHSCORES]", zrange),
    ("zrem", 2..=ANY, "key member [member ...]", zrem),
    ("zcard", 1..=1, "key", len::<ZSet>),
    ("rpush", 2..=ANY, "key element [element ...]", |db, args, now| push(db, args, Side::Back, now)),
    ("lpush", 2..=ANY, "key element [element ...]", |db, args, now| push(db, args, Side::Front, now)),
    ("rpop", 1..=1, "key", |db, args, now| Ok(db.pop(args[0], Side::Back, now)?.into())),
    ("lpop", 1..=1, "key", |db, args, now| Ok(db.pop(args[0], Side::Front, now)?.into())),
    ("lrange", 3..=3, "key start stop", lrange),
    ("llen", 1..=1, "key", len::<List>),
];

/// How many elements a collection has.
fn len<C: Collection>(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    Ok(db.get_as::<C>(args[0], now)?.map_or(0, CollectionView::len).into())
}

fn hset(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let (pairs, []) = args[1..].as_chunks() else { return Err(wrong_arity("hset")) };
    let pairs: Vec<(Element, Element)> =
        pairs.iter().map(|&[field, value]| (field.into(), value.into())).collect();
    let limits = *db.options().encoding_limits();
    let new = db.edit_as::<Hash, _, _>(args[0], now, |hash| hash.try_insert_many(&pairs, &limits))?;
    Ok(new.into())
}

fn hdel(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let removed = db.modify_as::<Hash, _, Error>(args[0], now, |hash| {
        Ok(args[1..].iter().filter(|field| hash.remove(**field)).count())
    })?;
    Ok(removed.unwrap_or(0).into())
}

fn hgetall(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let hash = db.get_as::<Hash>(args[0], now)?;
    Ok(hash.iter().flat_map(|hash| hash.iter()).flat_map(|(field, value)| [field, value]).collect())
}

fn sadd(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let limits = *db.options().encoding_limits();
    let new = db.edit_as::<Set, _, _>(args[0], now, |set| {
        args[1..].iter().try_fold(0, |new, member| {
            Ok::<usize, ReserveError>(new + usize::from(set.try_insert(*member, &limits)?))
        })
    })?;
    Ok(new.into())
}

fn srem(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let removed = db.modify_as::<Set, _, Error>(args[0], now, |set| {
        Ok(args[1..].iter().filter(|member| set.remove(**member)).count())
    })?;
    Ok(removed.unwrap_or(0).into())
}

fn smembers(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    Ok(db.get_as::<Set>(args[0], now)?.iter().flat_map(|set| set.iter()).collect())
}

fn zadd(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let (mut options, mut rest) = (AddOptions::default(), &args[1..]);
    while let [word, others @ ..] = rest {
        match &word.to_ascii_uppercase()[..] {
            b"NX" => options.nx = true,
            b"XX" => options.xx = true,
            b"GT" => options.gt = true,
            b"LT" => options.lt = true,
            b"INCR" => options.incr = true,
            _ => break,
        }
        rest = others;
    }
    let (pairs @ [_, ..], []) = rest.as_chunks() else { return Err(syntax_error()) };
    if !options.are_compatible() {
        return Err(Refusal::new("ERR GT, LT, and/or NX options at the same time are not compatible"));
    }
    if options.incr && pairs.len() > 1 {
        return Err(Refusal::new("ERR INCR option supports a single increment-element pair"));
    }
    let pairs = pairs.iter().map(|&[score_arg, member]| Ok((score(score_arg)?, member)));
    let pairs = pairs.collect::<Result<Vec<_>, Refusal>>()?;
    let limits = *db.options().encoding_limits();
    let added = db.edit_as::<ZSet, _, _>(args[0], now, |zset| {
        let outcomes = pairs.iter().map(|(score, member)| zset.try_add(*member, *score, options, &limits));
        outcomes.collect::<Result<Vec<Added>, _>>()
    })?;
    if options.incr {
        return Ok(added[0].score().map(Reply::double).into());
    }
    Ok(added.iter().filter(|outcome| matches!(outcome, Added::Added(_))).count().into())
}

/// An argument that is a score.
fn score(arg: &[u8]) -> Result<f64, Refusal> {
    let score = std::str::from_utf8(arg).ok().and_then(|text| text.parse().ok());
    score.filter(|score: &f64| !score.is_nan()).ok_or_else(|| Error::from(StringError::NotAFloat).into())
}

fn zrange(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let (start, stop) = (integer(args[1])?, integer(args[2])?);
    let with_scores = flag(&args[3..], "WITHSCORES")?;
    let zset = db.get_as::<ZSet>(args[0], now)?;
    let range = zset.iter().flat_map(|zset| zset.range(zset.ranks_by_index(start, stop)));
    Ok(range
        .flat_map(|(member, score)| [Some(member.into()), with_scores.then(|| Reply::double(score))])
        .flatten()
        .collect())
}

fn zrem(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let removed = db.modify_as::<ZSet, _, Error>(args[0], now, |zset| {
        Ok(args[1..].iter().filter(|member| zset.remove(**member).is_some()).count())
    })?;
    Ok(removed.unwrap_or(0).into())
}

fn push(db: &mut Keyspace, args: &[&[u8]], side: Side, now: u64) -> Answer {
    let limits = *db.options().encoding_limits();
    let len = db.edit_as::<List, _, _>(args[0], now, |list| {
        args[1..].iter().try_for_each(|element| list.try_push(side, *element, &limits))?;
        Ok::<usize, ReserveError>(list.len())
    })?;
    Ok(len.into())
}

fn lrange(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let (start, stop) = (integer(args[1])?, integer(args[2])?);
    let mut elements = Vec::new();
    if let Some(list) = db.get_as::<List>(args[0], now)? {
        let mut range = list.range(start, stop);
        // Not a `for` loop: a node of the list may have to be decompressed, which needs memory.
        while let Some(element) = range.next_element(Side::Front)? {
            elements.push(Reply::from(element));
        }
    }
    Ok(Reply::Array(elements))
}
