//! Commands for hashes.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec};
use rand::RngExt;
use values::string::LongDouble;
use values::{Element, Hash, HashView};

const ADD: u32 = WRITE | DENYOOM | FAST;

pub(super) const COMMANDS: &[Spec] = &[
    row("hdel", -3, WRITE | FAST, hdel).doc("2.0.0", "Removes fields."),
    row("hexists", 3, READONLY | FAST, hexists).doc("2.0.0", "Returns whether a field exists."),
    row("hget", 3, READONLY | FAST, hget).doc("2.0.0", "Returns the value of a field."),
    row("hgetall", 2, READONLY, hgetall).doc("2.0.0", "Returns all fields and values."),
    row("hincrby", 4, ADD, hincrby).doc("2.0.0", "Adds a number to an integer in a field."),
    row("hincrbyfloat", 4, ADD, hincrbyfloat).doc("2.6.0", "Adds a number to a number in a field."),
    row("hkeys", 2, READONLY, hkeys).doc("2.0.0", "Returns all fields."),
    row("hlen", 2, READONLY | FAST, hlen).doc("2.0.0", "Returns the number of fields."),
    row("hmget", -3, READONLY | FAST, hmget).doc("2.0.0", "Returns the values of several fields."),
    row("hmset", -4, ADD, hmset).doc("2.0.0", "Sets several fields."),
    row("hrandfield", -2, READONLY, hrandfield).doc("6.2.0", "Returns random fields."),
    row("hset", -4, ADD, hset).doc("2.0.0", "Sets fields, and returns how many are new."),
    row("hsetnx", 4, ADD, hsetnx).doc("2.0.0", "Sets a field if it does not exist."),
    row("hstrlen", 3, READONLY | FAST, hstrlen).doc("3.2.0", "Returns the length of a value."),
    row("hvals", 2, READONLY, hvals).doc("2.0.0", "Returns all values."),
];

const fn row(name: &'static str, arity: i32, flags: u32, run: fn(&mut Call<'_>) -> Outcome) -> Spec {
    Spec { group: "hash", ..Spec::new(name, arity, flags, Keys::FIRST, run) }
}

/// Returns the hash of the first argument.
fn hash<'c>(call: &'c Call<'_>) -> Result<Option<HashView<'c>>, CommandError> {
    Ok(call.keys().get_as::<Hash>(call.args.at(1), call.now)?)
}

/// Sets the fields of `HSET` and `HMSET`, and returns how many are new.
fn set_fields(call: &mut Call<'_>, name: &str) -> Result<usize, CommandError> {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let args = call.args.from(2);
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::arity(name));
    }
    let added = if args.len() == 2 {
        let keys = call.parts().0;
        usize::from(keys.hset(key, args.at(0), args.at(1), now)?)
    } else {
        let pair = |at: usize| (Element::Bytes(args.at(at)), Element::Bytes(args.at(at + 1)));
        let pairs: Vec<_> = (0..args.len()).step_by(2).map(pair).collect();
        let keys = call.parts().0;
        keys.make_room(args.size(), now)?;
        keys.edit_as::<Hash, _, _>(key, now, |hash| hash.try_insert_many(&pairs, &limits))?
    };
    call.changed(notify::HASH, "hset", key);
    Ok(added)
}

fn hset(call: &mut Call<'_>) -> Outcome {
    let added = set_fields(call, "hset")?;
    call.reply().count(added);
    Ok(())
}

fn hmset(call: &mut Call<'_>) -> Outcome {
    set_fields(call, "hmset")?;
    call.reply().ok();
    Ok(())
}

fn hsetnx(call: &mut Call<'_>) -> Outcome {
    let (key, field, value) = (call.args.at(1), call.args.at(2), call.args.at(3));
    let (now, limits) = (call.now, call.limits());
    let is_there = hash(call)?.is_some_and(|hash| hash.contains_key(field));
    if !is_there {
        let keys = call.parts().0;
        keys.make_room(field.len().saturating_add(value.len()), now)?;
        keys.edit_as::<Hash, _, _>(key, now, |hash| hash.try_insert(field, value, &limits))?;
        call.changed(notify::HASH, "hset", key);
    }
    call.reply().flag(!is_there);
    Ok(())
}

/// Counts a look-up of a key.
fn count_access(call: &mut Call<'_>, is_there: bool) {
    if is_there {
        call.state.stats.keyspace_hits += 1;
    } else {
        call.missed(call.args.at(1));
    }
}

fn hget(call: &mut Call<'_>) -> Outcome {
    let (key, field, now) = (call.args.at(1), call.args.at(2), call.now);
    let (keys, reply) = call.parts();
    let hash = keys.get_as::<Hash>(key, now)?;
    match hash.and_then(|hash| hash.get(field)) {
        Some(value) => reply.element(value),
        None => reply.null(),
    }
    let is_there = hash.is_some();
    count_access(call, is_there);
    Ok(())
}

fn hmget(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let fields: Vec<_> = call.args.from(2).iter().map(Element::Bytes).collect();
    let (keys, reply) = call.parts();
    let hash = keys.get_as::<Hash>(key, now)?;
    reply.array(fields.len());
    match hash {
        Some(hash) => hash.get_many(&fields).for_each(|value| match value {
            Some(value) => reply.element(value),
            None => reply.null(),
        }),
        None => fields.iter().for_each(|_| reply.null()),
    }
    let is_there = hash.is_some();
    count_access(call, is_there);
    Ok(())
}

fn hgetall(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let hash = keys.get_as::<Hash>(key, now)?;
    reply.map(hash.map_or(0, HashView::len));
    for (field, value) in hash.into_iter().flat_map(HashView::iter) {
        reply.element(field);
        reply.element(value);
    }
    let is_there = hash.is_some();
    count_access(call, is_there);
    Ok(())
}

fn hkeys(call: &mut Call<'_>) -> Outcome {
    list(call, |(field, _)| field)
}

fn hvals(call: &mut Call<'_>) -> Outcome {
    list(call, |(_, value)| value)
}

/// Writes one half of each pair.
fn list(call: &mut Call<'_>, half: for<'e> fn((Element<'e>, Element<'e>)) -> Element<'e>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let hash = keys.get_as::<Hash>(key, now)?;
    reply.array(hash.map_or(0, HashView::len));
    for pair in hash.into_iter().flat_map(HashView::iter) {
        reply.element(half(pair));
    }
    let is_there = hash.is_some();
    count_access(call, is_there);
    Ok(())
}

fn hlen(call: &mut Call<'_>) -> Outcome {
    let len = hash(call)?.map_or(0, HashView::len);
    call.reply().count(len);
    Ok(())
}

fn hstrlen(call: &mut Call<'_>) -> Outcome {
    let len = hash(call)?.and_then(|hash| hash.value_len(call.args.at(2))).unwrap_or(0);
    call.reply().count(len);
    Ok(())
}

fn hexists(call: &mut Call<'_>) -> Outcome {
    let is_there = hash(call)?.is_some_and(|hash| hash.contains_key(call.args.at(2)));
    call.reply().flag(is_there);
    Ok(())
}

fn hdel(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let fields = call.args.from(2);
    let removed = call.parts().0.modify_as::<Hash, _, keyspace::Error>(key, now, |hash| {
        Ok(fields.iter().filter(|field| hash.remove(*field)).count())
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        call.changed(notify::HASH, "hdel", key);
        call.notify_if_removed(key);
    }
    call.reply().count(removed);
    Ok(())
}

fn hincrby(call: &mut Call<'_>) -> Outcome {
    let (key, field) = (call.args.at(1), call.args.at(2));
    let (now, limits) = (call.now, call.limits());
    let increment = integer(call.args.at(3))?;
    let keys = call.parts().0;
    keys.make_room(field.len().saturating_add(LONGEST_INTEGER), now)?;
    let sum = keys.edit_as::<Hash, _, _>(key, now, |hash| hash.try_incr_by(field, increment, &limits))?;
    call.changed(notify::HASH, "hincrby", key);
    call.reply().integer(sum);
    Ok(())
}

/// The length of the longest integer, in bytes.
const LONGEST_INTEGER: usize = 20;

fn hincrbyfloat(call: &mut Call<'_>) -> Outcome {
    let (key, field) = (call.args.at(1), call.args.at(2));
    let (now, limits) = (call.now, call.limits());
    let increment = LongDouble::parse(call.args.at(3)).ok_or(CommandError::NOT_A_FLOAT)?;
    if !increment.is_finite() {
        return Err(CommandError::new("ERR value is NaN or Infinity"));
    }
    let keys = call.parts().0;
    keys.make_room(field.len().saturating_add(LONGEST_INTEGER), now)?;
    let sum =
        keys.edit_as::<Hash, _, _>(key, now, |hash| hash.try_incr_by_float(field, increment, &limits))?;
    call.changed(notify::HASH, "hincrbyfloat", key);
    sum.with_text(|text| call.reply().bulk(text));
    Ok(())
}

fn hrandfield(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let with_values = call.args.len() == 4 && call.args.is(3, "WITHVALUES");
    if call.args.len() > 3 && !with_values {
        return Err(CommandError::SYNTAX);
    }
    let count = call.args.get(2).map(super::sets::random_count).transpose()?;
    if with_values && count.is_some_and(|count| count.unsigned_abs() > i64::MAX as u64 / 2) {
        return Err(CommandError::new("ERR value is out of range"));
    }
    let rng = &mut call.state.rng;
    let keys = &call.state.dbs[call.client.db].keys;
    let reply = &mut call.client.reply;
    let hash = keys.get_as::<Hash>(key, now)?;
    let Some(count) = count else {
        match hash.and_then(|hash| hash.random(|| rng.random())) {
            Some((field, _)) => reply.element(field),
            None => reply.null(),
        }
        return Ok(());
    };
    let Some(hash) = hash.filter(|_| count != 0) else {
        reply.array(0);
        return Ok(());
    };
    let at = reply.defer();
    let mut found = 0;
    let mut each = |field: Element<'_>, value: Element<'_>| {
        found += 1;
        if with_values {
            reply.pair();
        }
        reply.element(field);
        if with_values {
            reply.element(value);
        }
    };
    let number = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        hash.random_many(number, || rng.random(), &mut each);
    } else {
        hash.try_random_unique(number, || rng.random(), &mut each)?;
    }
    if with_values {
        reply.end_pairs(at, found)
    } else {
        reply.end_array(at, found)
    }
    Ok(())
}
