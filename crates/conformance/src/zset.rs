//! The commands of sorted sets.

use crate::known::Family;
use crate::{Reply, World, integer, text};
use robj::{EncodingLimits, Robj};
use sds::Sds;
use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::ops::Range;
use values::string::LongDouble;
use values::zset::{AddOptions, Added, Aggregate, Source, try_diff_store, try_inter_store, try_union_store};
use values::{Element, ZSet, ZSetView};

pub(crate) fn run(world: &mut World, command: &[Vec<u8>]) -> Reply {
    let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
    execute(world, &words).unwrap_or_else(|reply| reply)
}

/// Parses a score. NaN is an error, and so is a number that is too large or too close to 0 for a double. In
/// C: `string2d`.
fn number(argument: &[u8]) -> Result<f64, Reply> {
    let exact = LongDouble::parse(argument).ok_or_else(|| Reply::error("value is not a valid float"))?;
    let value = f64::from(exact);
    let decimal = std::str::from_utf8(argument).ok().and_then(|text| text.parse().ok());
    if (value.is_infinite() && exact.is_finite()) || (value == 0.0 && exact != LongDouble::from(0)) {
        return Err(Reply::error("value is not a valid float"));
    }
    // A decimal text is parsed directly as a double, so it is rounded once. Only a hexadecimal text is
    // rounded to a long double first.
    Ok(decimal.unwrap_or(value))
}

/// Returns the reply for a score.
fn score(score: f64) -> Reply {
    Reply::Bulk(Sds::from_f64(score).to_vec())
}

fn pair(member: Element<'_>, value: f64) -> [Reply; 2] {
    [Reply::Bulk(member.text().to_vec()), score(value)]
}

/// Calls `f` with a view of the sorted set. A missing key has an empty set.
fn read<T>(world: &World, key: &[u8], f: impl FnOnce(ZSetView<'_>) -> T) -> T {
    match world.keys.get(key) {
        Some(object) => f(object.as_zset().unwrap()),
        None => f(ZSet::new().view()),
    }
}

/// Calls `f` with the sorted set of a key, if there is one. Deletes the key if the set is then empty.
fn change<T: Default>(world: &mut World, key: &[u8], f: impl FnOnce(&mut ZSet) -> T) -> T {
    let Some(object) = world.keys.get_mut(key) else { return T::default() };
    let result = f(&mut object.as_zset_mut().unwrap());
    if object.as_zset().unwrap().is_empty() {
        world.keys.remove(key);
    }
    result
}

/// Stores a result under `key`, and returns a reply with its length. An empty result deletes the key.
fn store(world: &mut World, key: &[u8], result: ZSet) -> Reply {
    let len = result.len();
    world.keys.remove(key);
    if len > 0 {
        world.keys.insert(key.to_vec(), Robj::from(result));
    }
    Reply::int(len)
}

fn execute(world: &mut World, command: &[&[u8]]) -> Result<Reply, Reply> {
    let limits = world.limits;
    let (name, key, arguments) = (text(command[0]), command[1], &command[2..]);
    Ok(match (name, arguments) {
        ("ZADD", _) => zadd(world, key, arguments, &limits)?,
        ("ZINCRBY", [by, member]) => {
            let incr = AddOptions { incr: true, ..AddOptions::default() };
            add(world, key, &[(number(by)?, member)], incr, &limits)?[0].score().map_or(Reply::Nil, score)
        }
        ("ZREM", members) => Reply::int(change(world, key, |set| {
            members.iter().filter(|&&member| set.remove(member).is_some()).count()
        })),
        ("ZSCORE", [member]) => read(world, key, |set| set.score(*member)).map_or(Reply::Nil, score),
        ("ZRANK", [member]) => {
            read(world, key, |set| set.rank(*member)).map_or(Reply::Nil, |it| Reply::int(it.0))
        }
        ("ZRANGE", [from, to, _with_scores]) => {
            let (from, to) = (integer(from)?, integer(to)?);
            let pairs = |set: ZSetView<'_>| {
                set.range(set.ranks_by_index(from, to)).flat_map(|(m, s)| pair(m, s)).collect()
            };
            Reply::Array(read(world, key, pairs))
        }
        ("ZCARD", []) => Reply::int(read(world, key, |set| set.len())),
        ("ZPOPMIN" | "ZPOPMAX", _) => {
            let count = arguments.first().map_or(Ok(1), |count| integer(count))?;
            let mut popped = Vec::new();
            for _ in 0..count {
                let pop = |set: &mut ZSet| match name {
                    "ZPOPMIN" => set.pop_first(pair),
                    _ => set.pop_last(pair),
                };
                popped.extend(change(world, key, pop).into_iter().flatten());
            }
            Reply::Array(popped)
        }
        ("ZREMRANGEBYRANK" | "ZREMRANGEBYSCORE" | "ZREMRANGEBYLEX", [from, to]) => {
            let by = name.strip_prefix("ZREMRANGEBY").unwrap();
            let ranks = read(world, key, |set| ranks(set, by, from, to))?;
            Reply::int(change(world, key, |set| set.remove_range(ranks)))
        }
        ("ZRANGESTORE", [source, from, to, options @ ..]) => {
            let by = match options.first().copied() {
                Some(b"BYSCORE") => "SCORE",
                Some(b"BYLEX") => "LEX",
                _ => "RANK",
            };
            let limit = options.iter().position(|&word| word == b"LIMIT");
            let (skip, take) = match limit {
                Some(at) => (integer(options[at + 1])?, integer(options[at + 2])?),
                None => (0, i64::MAX),
            };
            let result = read(world, source, |set| -> Result<ZSet, Reply> {
                let mut result = ZSet::new();
                let ranks = ranks(set, by, from, to)?;
                for (member, score) in set.range(ranks).skip(skip as usize).take(take as usize) {
                    result.insert(member, score, &limits)?;
                }
                Ok(result)
            })?;
            store(world, key, result)
        }
        ("ZUNIONSTORE" | "ZINTERSTORE" | "ZDIFFSTORE", [count, rest @ ..]) => {
            let result = algebra(world, name, integer(count)? as usize, rest, &limits)?;
            store(world, key, result)
        }
        _ => panic!("no command {name} with {} arguments", arguments.len()),
    })
}

fn zadd(world: &mut World, key: &[u8], arguments: &[&[u8]], limits: &EncodingLimits) -> Result<Reply, Reply> {
    let (mut options, mut ch, mut rest) = (AddOptions::default(), false, arguments);
    while let [word, behind @ ..] = rest {
        match *word {
            b"NX" => options.nx = true,
            b"XX" => options.xx = true,
            b"GT" => options.gt = true,
            b"LT" => options.lt = true,
            b"INCR" => options.incr = true,
            b"CH" => ch = true,
            _ => break,
        }
        rest = behind;
    }
    assert!(options.are_compatible());
    let pairs: Result<Vec<_>, Reply> = rest.chunks(2).map(|pair| Ok((number(pair[0])?, pair[1]))).collect();
    let outcomes = add(world, key, &pairs?, options, limits)?;
    if options.incr {
        return Ok(outcomes[0].score().map_or(Reply::Nil, score));
    }
    let counts = |outcome: &&Added| match outcome {
        Added::Added(_) => true,
        Added::Updated(_) => ch,
        _ => false,
    };
    Ok(Reply::int(outcomes.iter().filter(counts).count()))
}

fn add(
    world: &mut World,
    key: &[u8],
    pairs: &[(f64, &[u8])],
    options: AddOptions,
    limits: &EncodingLimits,
) -> Result<Vec<Added>, Reply> {
    match world.keys.get_mut(key) {
        None if options.xx => return Ok(vec![Added::Skipped; pairs.len()]),
        None => {
            let set = ZSet::with_hint(pairs[0].1, pairs.len(), limits);
            world.keys.insert(key.to_vec(), Robj::from(set));
        }
        Some(object) => {
            // Valkey checks the lengths of all members beforehand, even of those that will not be added.
            let longest = pairs.iter().map(|(_, member)| member.len()).max().unwrap_or(0);
            let too_long = world.family == Family::Valkey && longest > limits.zset_max_listpack_value;
            let hint = if too_long { usize::MAX } else { pairs.len() };
            object.as_zset_mut().unwrap().try_convert_for(hint, limits).unwrap();
        }
    }
    let mut set = world.keys.get_mut(key).unwrap().as_zset_mut().unwrap();
    pairs.iter().map(|&(score, member)| Ok(set.try_add(member, score, options, limits)?)).collect()
}

/// Splits a bound of a score, such as `1` or `(1`, into whether it is exclusive and its text.
fn bound(argument: &[u8]) -> (bool, &[u8]) {
    argument.strip_prefix(b"(").map_or((false, argument), |rest| (true, rest))
}

fn ranks(set: ZSetView<'_>, by: &str, from: &[u8], to: &[u8]) -> Result<Range<usize>, Reply> {
    let score_bound = |argument| -> Result<Bound<f64>, Reply> {
        let (exclusive, score) = bound(argument);
        let score = number(score).map_err(|_| Reply::error("min or max is not a float"))?;
        Ok(if exclusive { Excluded(score) } else { Included(score) })
    };
    let lex_bound = |argument| match bound(argument) {
        (_, b"-" | b"+") => Unbounded,
        (true, member) => Excluded(member),
        (false, member) => Included(&member[1..]),
    };
    Ok(match by {
        "SCORE" => set.ranks_by_score((score_bound(from)?, score_bound(to)?)),
        "LEX" if from == b"+" || to == b"-" => 0..0, // starts after the last member or ends before the first
        "LEX" => set.ranks_by_lex((lex_bound(from), lex_bound(to))),
        _ => set.ranks_by_index(integer(from)?, integer(to)?),
    })
}

fn algebra(
    world: &World,
    name: &str,
    count: usize,
    rest: &[&[u8]],
    limits: &EncodingLimits,
) -> Result<ZSet, Reply> {
    let (keys, options) = rest.split_at(count);
    let none = Robj::from(ZSet::new());
    let objects = keys.iter().map(|&key| world.keys.get(key).unwrap_or(&none));
    let lent = objects.map(|it| match it.as_zset() {
        Ok(set) => Source::from(set),
        Err(_) => Source::from(it.as_set().unwrap()),
    });
    let weights = match options.iter().position(|&word| word == b"WEIGHTS") {
        Some(at) => {
            options[at + 1..][..count].iter().map(|weight| number(weight)).collect::<Result<_, _>>()?
        }
        None => vec![1.0; count],
    };
    let aggregate = match options.iter().position(|&word| word == b"AGGREGATE").map(|at| options[at + 1]) {
        Some(b"MIN") => Aggregate::Min,
        Some(b"MAX") => Aggregate::Max,
        _ => Aggregate::Sum,
    };
    let sources: Vec<(Source<'_>, f64)> = lent.zip(weights).collect();
    let result = match name {
        "ZUNIONSTORE" => try_union_store(&sources, aggregate, limits),
        "ZINTERSTORE" => try_inter_store(&sources, aggregate, limits),
        _ => try_diff_store(&sources.iter().map(|it| it.0).collect::<Vec<_>>(), limits),
    };
    Ok(result.unwrap())
}
